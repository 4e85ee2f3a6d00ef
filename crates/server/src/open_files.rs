//! How many connections fit into the number of files that this process may open.

use timberline_disk::allow_open_files;

/// Descriptors that are not connections: log and view segments, backups, files that are sent, the listening sockets.
const OTHERS: u64 = 256;

/// How many of `wanted` connections may be open at once, after the process's own limit was raised for them.
pub(crate) fn connections_allowed(wanted: usize) -> usize {
    let available = allow_open_files((wanted as u64).saturating_add(OTHERS));
    let connections = places(wanted, available);
    if connections < wanted {
        tracing::warn!(
            wanted,
            connections,
            "the system allows {available} open files, too few for limits.connections: fewer connections are served at once"
        );
    }
    connections
}

/// How many of `wanted` connections fit, if others need some of the `available` descriptors. If there are few descriptors,
/// the others get half of them.
fn places(wanted: usize, available: u64) -> usize {
    let left = available.saturating_sub(OTHERS.min(available / 2));
    usize::try_from(left)
        .unwrap_or(usize::MAX)
        .clamp(1, wanted.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_descriptors_are_few_there_are_fewer_connections() {
        assert_eq!(places(512, 1_024), 512);
        assert_eq!(places(10_000, 10_256), 10_000);
        assert_eq!(places(10_000, 4_096), 3_840);
        assert_eq!(places(512, 64), 32);
        assert_eq!(places(512, 0), 1);
        assert_eq!(places(512, u64::MAX), 512);
    }
}

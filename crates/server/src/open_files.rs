//! Open files: as many as connections and readers of a log need, as far as the system allows.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use timberline_log::{LogError, LogReader};

/// Descriptors that are not connections: log and view segments, backups, files that are sent, the listening sockets.
const OTHERS: u64 = 256;

/// How many of `wanted` connections may be open at once, after the process's own limit has been raised for them.
pub(crate) fn connections_allowed(wanted: usize) -> usize {
    let available = raise((wanted as u64).saturating_add(OTHERS));
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

/// Raises the limit so that the segments of a log can be kept open, as far as the system allows. Who reads a log twice and
/// compares must see the same files both times, whatever replaces them meanwhile.
pub(crate) fn allow_segments(log: &LogReader) -> Result<(), LogError> {
    raise((log.segments()?.len() as u64).saturating_add(2 * OTHERS));
    Ok(())
}

/// Raises the process's own limit to what is needed, as far as the system allows. Returns the limit then.
fn raise(needed: u64) -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let (raised, allowed) = decide(needed, limit.current, limit.maximum);
    let Some(raised) = raised else {
        return allowed;
    };
    let next = Rlimit {
        current: Some(raised),
        maximum: limit.maximum,
    };
    match setrlimit(Resource::Nofile, next) {
        Ok(()) => allowed,
        Err(error) => {
            tracing::debug!(%error, raised, "cannot raise the limit of open files");
            limit.current.unwrap_or(allowed)
        }
    }
}

/// What to raise the limit to, if that is needed, and how many descriptors there are then. No limit is `None`.
fn decide(needed: u64, current: Option<u64>, maximum: Option<u64>) -> (Option<u64>, u64) {
    match current {
        None => (None, u64::MAX),
        Some(current) if current >= needed => (None, current),
        Some(current) => {
            let raised = needed.min(maximum.unwrap_or(u64::MAX));
            ((raised > current).then_some(raised), raised.max(current))
        }
    }
}

/// How many of `wanted` connections fit, if others need some of the `available` descriptors: of few, half.
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
    fn the_limit_is_raised_as_far_as_needed_and_allowed() {
        assert_eq!(decide(768, Some(1_024), Some(4_096)), (None, 1_024));
        assert_eq!(decide(10_256, Some(1_024), Some(524_288)), (Some(10_256), 10_256));
        assert_eq!(decide(10_256, Some(1_024), None), (Some(10_256), 10_256));
        assert_eq!(decide(10_256, Some(1_024), Some(4_096)), (Some(4_096), 4_096));
        assert_eq!(decide(10_256, Some(1_024), Some(1_024)), (None, 1_024));
        assert_eq!(decide(10_256, None, None), (None, u64::MAX));
    }

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

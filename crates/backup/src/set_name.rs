//! The names of automatic backups within their directory.

use std::fs;
use std::path::{Path, PathBuf};

use timberline_model::Timestamp;

use timberline_disk::DataDir;

/// A set that is being made has this name, so that no half set is ever taken for one.
pub(crate) const UNFINISHED: &str = "unfinished";

/// The sets in a directory, also one that is being made or removed; none if it cannot be read.
pub(crate) fn sets_in(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let paths = entries.filter_map(|entry| {
        let name = entry.file_name();
        let is_set = name
            .to_str()
            .is_some_and(|name| name == UNFINISHED || parse_name(name).is_some());
        (is_set && entry.path().join(DataDir::LOG).is_dir()).then(|| entry.path())
    });
    paths.filter_map(|path| path.canonicalize().ok()).collect()
}

/// Whether this is where a set was being made or removed, and nothing is there any more, though the directory of the sets
/// is.
pub(crate) fn is_gone_unfinished(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == UNFINISHED)
        && path.parent().is_some_and(Path::is_dir)
        && !path.join(DataDir::LOG).exists()
}

/// RFC 3339 to the second with hyphens for colons, which not all file systems take.
pub(crate) fn name(now: Timestamp) -> String {
    let seconds = now.nanos().div_euclid(1_000_000_000);
    let text = Timestamp::from_nanos(seconds.saturating_mul(1_000_000_000)).to_string();
    text.replace(':', "-")
}

pub(crate) fn parse_name(name: &str) -> Option<Timestamp> {
    let (date, time) = name.split_once('T')?;
    let time = time.strip_suffix('Z')?;
    let plain = date.len() == 10 && time.len() == 8 && time.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    plain
        .then(|| Timestamp::parse(&format!("{date}T{}Z", time.replace('-', ":"))).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_times_and_read_back() {
        let time = Timestamp::parse("2026-11-25T03:00:00.123Z").unwrap();
        assert_eq!(name(time), "2026-11-25T03-00-00Z");
        let read = parse_name(&name(time)).unwrap();
        assert_eq!(read.to_string(), "2026-11-25T03:00:00Z");
        for strange in [
            "unfinished",
            "2026-11-25",
            "lost+found",
            "T",
            "2026-11-25T03:00:00Z",
            "éT-Z",
        ] {
            assert_eq!(parse_name(strange), None, "{strange}");
        }
    }
}

//! How much space the data take, and how much is left.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::statvfs;

/// Bytes that the files below a directory take, as the file system counts them. There are few: a handful for each month of
/// history.
pub fn used(dir: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => used(&entry.path()),
            Ok(metadata) => metadata.blocks() * 512,
            Err(_) => 0,
        })
        .sum()
}

/// Bytes that are free for this user on a directory's disk, if the system says.
pub fn free(dir: &Path) -> Option<u64> {
    let disk = statvfs(dir).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

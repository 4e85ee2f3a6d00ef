//! How much space the data take, and how much is left.

use std::path::Path;

use timberline_disk::os;

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
            Ok(metadata) => os::allocated_bytes(&metadata),
            Err(_) => 0,
        })
        .sum()
}

/// Bytes that are free for this user on a directory's disk, if the system says.
pub fn free(dir: &Path) -> Option<u64> {
    os::free_space(dir).ok().flatten()
}

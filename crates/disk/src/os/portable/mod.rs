//! Any system that has the standard library.
//!
//! Less is promised than on Linux: space is reserved by writing zeroes, memory is given back when a mapping ends, and a
//! file that a stranger cuts short while it is mapped ends the process (on Windows, such a file cannot be cut).

pub mod clock;
pub mod process;

use std::fs::{File, Metadata};
use std::io;
use std::ops::Range;
use std::path::Path;

use memmap2::MmapRaw;

use crate::storage::FileId;

/// Guards nothing.
#[derive(Debug)]
pub(crate) struct Guard;

impl Guard {
    pub(crate) fn of(_start: *const u8, _len: usize, _writable: bool) -> Guard {
        Guard
    }

    /// Whether no page was found missing: one that is missing ends the process.
    #[expect(clippy::unused_self, reason = "as on Linux")]
    pub(crate) fn is_whole(&self) -> bool {
        true
    }
}

/// Reserves space for a range of a file. False: not here.
#[expect(clippy::unnecessary_wraps, reason = "as on Linux")]
pub fn allocate(_file: &File, _offset: u64, _len: u64) -> io::Result<bool> {
    Ok(false)
}

/// Makes a range of a file zero without writing it. False: not here.
#[expect(clippy::unnecessary_wraps, reason = "as on Linux")]
pub(crate) fn zero_range(_file: &File, _offset: u64, _len: u64) -> io::Result<bool> {
    Ok(false)
}

/// Says that all of a file is about to be read.
pub(crate) fn will_read_all(_file: &File) {}

/// One read at an offset, as [`std::io::Read::read`].
///
/// # Errors
/// If the disk cannot read.
pub(crate) fn read_at(file: &File, into: &mut [u8], offset: u64) -> io::Result<usize> {
    #[cfg(unix)]
    {
        std::os::unix::fs::FileExt::read_at(file, into, offset)
    }
    #[cfg(windows)]
    {
        std::os::windows::fs::FileExt::seek_read(file, into, offset)
    }
}

/// Writes all bytes at an offset.
///
/// # Errors
/// If the disk refuses.
pub(crate) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    #[cfg(unix)]
    {
        std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
    }
    #[cfg(windows)]
    {
        let (mut rest, mut at) = (bytes, offset);
        while !rest.is_empty() {
            let count = std::os::windows::fs::FileExt::seek_write(file, rest, at)?;
            if count == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            rest = rest.get(count..).unwrap_or_default();
            at += count as u64;
        }
        Ok(())
    }
}

/// Which file this is. Without numbers of files, the time when it was made stands for it.
pub(crate) fn file_id(metadata: &Metadata) -> FileId {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        FileId {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
    #[cfg(not(unix))]
    {
        FileId {
            device: 0,
            inode: u64::try_from(crate::os::nanos(metadata.created())).unwrap_or_default(),
        }
    }
}

/// Bytes that a file takes on the disk; without a count of blocks, its length.
#[must_use]
pub fn allocated_bytes(metadata: &Metadata) -> u64 {
    #[cfg(unix)]
    {
        std::os::unix::fs::MetadataExt::blocks(metadata).saturating_mul(512)
    }
    #[cfg(not(unix))]
    {
        metadata.len()
    }
}

/// Bytes that are free for this user on a directory's disk: not known here.
#[expect(clippy::unnecessary_wraps, reason = "as on Linux")]
pub fn free_space(_dir: &Path) -> io::Result<Option<u64>> {
    Ok(None)
}

/// Whether this user may read and write a file, or look into a directory.
///
/// # Errors
/// If not.
pub fn check_access(path: &Path, is_dir: bool) -> io::Result<()> {
    if is_dir {
        return std::fs::read_dir(path).map(|_| ());
    }
    File::options().read(true).write(true).open(path).map(|_| ())
}

/// Makes every file that this process creates be for its owner alone: not here.
pub fn hide_new_files() {}

/// The user that this process acts as: not known here.
pub(super) fn user() -> Option<u32> {
    None
}

/// Makes the names in a directory durable, where a directory can be synced.
///
/// # Errors
/// If the disk refuses.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        File::open(dir)?.sync_all()
    }
    #[cfg(not(unix))]
    {
        std::fs::metadata(dir).map(|_| ())
    }
}

/// Gives the memory of a part of a mapping back: not here.
///
/// # Safety
/// None; on Linux the mapping must be a shared one of a file.
pub(crate) unsafe fn release_memory(_mapping: &MmapRaw, _range: Range<usize>) {}

/// This process's limits of open files: the one that holds, and what it can be raised to. Not known here: what systems
/// usually allow.
pub(crate) fn open_files_limit() -> (Option<u64>, Option<u64>) {
    const USUAL: u64 = 1024;
    (Some(USUAL), Some(USUAL))
}

/// Raises this process's limit of open files: not here.
pub(crate) fn raise_open_files_limit(_current: u64, _maximum: Option<u64>) -> bool {
    false
}

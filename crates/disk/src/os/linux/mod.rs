//! Linux.

mod guard;

use std::fs::{File, Metadata};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use memmap2::{MmapRaw, UncheckedAdvice};
use rustix::fs::{Advice, FallocateFlags, fadvise, fallocate};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

pub(crate) use guard::Guard;

use crate::storage::FileId;

/// Reserves space for a range of a file. False if the file system cannot do that.
///
/// # Errors
/// If there is not enough space.
pub(crate) fn allocate(file: &File, offset: u64, len: u64) -> io::Result<bool> {
    match fallocate(file, FallocateFlags::empty(), offset, len) {
        Ok(()) => Ok(true),
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Makes a range of a file zero without writing it. False if the file system cannot do that.
///
/// # Errors
/// If the disk refuses.
pub(crate) fn zero_range(file: &File, offset: u64, len: u64) -> io::Result<bool> {
    match fallocate(file, FallocateFlags::ZERO_RANGE, offset, len) {
        Ok(()) => Ok(true),
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Says that all of a file is about to be read. A hint; where it is not taken, reading is only slower.
pub(crate) fn will_read_all(file: &File) {
    let _ = fadvise(file, 0, None, Advice::WillNeed);
}

/// One read at an offset, as [`std::io::Read::read`].
///
/// # Errors
/// If the disk cannot read.
pub(crate) fn read_at(file: &File, into: &mut [u8], offset: u64) -> io::Result<usize> {
    file.read_at(into, offset)
}

/// Writes all bytes at an offset.
///
/// # Errors
/// If the disk refuses.
pub(crate) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    file.write_all_at(bytes, offset)
}

/// Which file this is.
pub(crate) fn file_id(metadata: &Metadata) -> FileId {
    FileId {
        device: metadata.dev(),
        inode: metadata.ino(),
    }
}

/// When a name in a directory last changed: nanoseconds since 1970.
pub(crate) fn names_changed(directory: &Metadata) -> i128 {
    i128::from(directory.mtime()) * 1_000_000_000 + i128::from(directory.mtime_nsec())
}

/// Makes the names in a directory durable.
///
/// # Errors
/// If the disk refuses.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Gives the memory of a part of a file's mapping back to the system. It is read from the file again when it is touched.
///
/// # Safety
/// The mapping is a shared one of a file.
pub(crate) unsafe fn release_memory(mapping: &MmapRaw, range: Range<usize>) {
    // SAFETY: in a shared mapping of a file this drops no byte: dirty pages stay in the page cache, and an access takes
    // them from there. That the system refuses costs nothing but memory.
    let _ = unsafe {
        mapping.unchecked_advise_range(
            UncheckedAdvice::DontNeed,
            range.start,
            range.end.saturating_sub(range.start),
        )
    };
}

/// This process's limits of open files: the one that holds, and what it can be raised to. `None`: no limit.
pub(crate) fn open_files_limit() -> (Option<u64>, Option<u64>) {
    let limit = getrlimit(Resource::Nofile);
    (limit.current, limit.maximum)
}

/// Raises this process's limit of open files. False if the system refuses.
pub(crate) fn raise_open_files_limit(current: u64, maximum: Option<u64>) -> bool {
    let next = Rlimit {
        current: Some(current),
        maximum,
    };
    setrlimit(Resource::Nofile, next).is_ok()
}

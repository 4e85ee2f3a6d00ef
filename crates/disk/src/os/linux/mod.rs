//! Linux.

pub mod clock;
mod guard;
pub mod process;

use std::fs::{File, Metadata};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use memmap2::{MmapRaw, UncheckedAdvice};
use rustix::fs::{Access, Advice, FallocateFlags, Mode, access, fadvise, fallocate, statvfs};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

pub(crate) use guard::Guard;

use crate::storage::FileId;

/// Reserves space for a range of a file. False if the file system cannot do that.
///
/// # Errors
/// If there is not enough space.
pub fn allocate(file: &File, offset: u64, len: u64) -> io::Result<bool> {
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

/// Bytes that a file takes on the disk, which may be fewer than its length.
#[must_use]
pub fn allocated_bytes(metadata: &Metadata) -> u64 {
    /// The unit of `st_blocks`, whatever the file system's own is.
    const BLOCK: u64 = 512;
    metadata.blocks().saturating_mul(BLOCK)
}

/// Bytes that are free for this user on a directory's disk. `None`: the system does not know.
///
/// # Errors
/// If the directory cannot be looked at.
pub fn free_space(dir: &Path) -> io::Result<Option<u64>> {
    let disk = statvfs(dir)?;
    Ok(Some(disk.f_bavail.saturating_mul(disk.f_frsize)))
}

/// Whether this user may read and write a file, or make files in a directory.
///
/// # Errors
/// If not.
pub fn check_access(path: &Path, is_dir: bool) -> io::Result<()> {
    let for_files = Access::READ_OK | Access::WRITE_OK;
    let how = if is_dir {
        for_files | Access::EXEC_OK
    } else {
        for_files
    };
    Ok(access(path, how)?)
}

/// Makes every file that this process creates from now on be for its owner alone.
pub fn hide_new_files() {
    rustix::process::umask(Mode::from_bits_truncate(super::modes::OTHERS));
}

/// The user that this process acts as.
#[expect(clippy::unnecessary_wraps, reason = "not every system knows")]
pub(super) fn user() -> Option<u32> {
    Some(rustix::process::geteuid().as_raw())
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

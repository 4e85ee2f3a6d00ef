//! What differs between operating systems, behind one set of functions.
//!
//! `linux` uses what Linux offers. `portable` needs only the standard library. Other systems use it, and so does Linux
//! with the feature `portable`, so that the tests can run on it. Both have the same functions:
//!
//! | function | Linux | portable |
//! |---|---|---|
//! | `Guard` | a page that is missing in a mapped file reads as zero and is reported | none: the process ends |
//! | [`allocate`] | `fallocate` | false: the caller writes zeroes |
//! | `zero_range` | `fallocate(ZERO_RANGE)` | false: the caller writes zeroes |
//! | `will_read_all` | `fadvise(WILLNEED)` | nothing |
//! | `release_memory` | `madvise(DONTNEED)` | nothing |
//! | `open_files_limit` | `getrlimit`, `setrlimit` | 1024, cannot be raised |
//! | `sync_dir` | `fsync` | `fsync`; on Windows nothing |
//! | [`read_exact_at`] | `pread` | `pread`; on Windows `seek_read` |
//! | [`free_space`] | `statvfs` | `None` |
//! | [`allocated_bytes`] | `st_blocks` | `st_blocks`; on Windows the length |
//! | [`check_access`] | `access` | opens it |
//! | [`clock::boot_time`] | `CLOCK_BOOTTIME`, `/proc/sys/kernel/random/boot_id` | `None` |
//! | [`process::lower_priority`] | `setpriority` of the thread | nothing |
//! | [`process::resident_memory`] | `/proc/self/status` | `None` |
//! | [`process::set_up_allocator`] | `mallopt` (glibc) | nothing |
//! | [`process::trim_allocator`] | `malloc_trim` (glibc) | nothing |
//! | [`process::host_name`] | `uname` | `None` |
//! | [`modes::hide_new_files`] | `umask` | nothing: files are created with their mode |
//! | [`modes::Mode::is_own`] | `geteuid` | true: changing somebody else's mode fails |
//!
//! [`modes`] itself is the same everywhere: where files have no modes, it does nothing.
//! Sockets stay with the server: see `docs/decisions/020-operating-systems.md`.

#[cfg(all(target_os = "linux", not(feature = "portable")))]
#[path = "linux/mod.rs"]
mod system;
#[cfg(not(all(target_os = "linux", not(feature = "portable"))))]
#[path = "portable/mod.rs"]
mod system;

pub mod modes;

use std::fs::{File, Metadata};
use std::io;

pub(crate) use system::{
    Guard, file_id, open_files_limit, raise_open_files_limit, read_at, release_memory, sync_dir,
    will_read_all, write_all_at, zero_range,
};
pub use system::{allocate, allocated_bytes, check_access, clock, free_space, process};

/// Fills a buffer from a file at an offset.
///
/// # Errors
/// If the disk cannot read, or the file ends before.
pub fn read_exact_at(file: &File, into: &mut [u8], offset: u64) -> io::Result<()> {
    if read_all_at(file, into, offset)? < into.len() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

/// Reads from a file at an offset until the buffer is full or the file ends. Returns the number of bytes.
///
/// # Errors
/// If the disk cannot read.
pub(crate) fn read_all_at(file: &File, into: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = into.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match read_at(file, rest, offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// When a file, or a name in a directory, last changed: nanoseconds since 1970; 0 where that is not known.
#[must_use]
pub fn modified_nanos(metadata: &Metadata) -> i128 {
    nanos(metadata.modified())
}

/// Nanoseconds since 1970; 0 for a time that the system does not know.
fn nanos(time: io::Result<std::time::SystemTime>) -> i128 {
    let Ok(time) = time else { return 0 };
    match time.duration_since(std::time::UNIX_EPOCH) {
        Ok(since) => i128::try_from(since.as_nanos()).unwrap_or(i128::MAX),
        Err(before) => -i128::try_from(before.duration().as_nanos()).unwrap_or(i128::MAX),
    }
}

/// How long the machine has been running, asleep or not, and since which start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootTime {
    /// Names this start of the machine; `None` if the system does not name its starts.
    pub boot: Option<u128>,
    /// Nanoseconds since the start.
    pub nanos: i64,
}

/// Memory of this process, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResidentMemory {
    /// The process's own.
    pub anonymous: u64,
    /// Of mapped files.
    pub of_files: u64,
}

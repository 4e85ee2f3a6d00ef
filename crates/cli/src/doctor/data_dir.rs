//! The data directory: its disk, what the file system can do, who may look into it, who works in it.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use indicatif::BinaryBytes;
use rustix::fs::{Access, FallocateFlags, access, fallocate, statvfs};
use rustix::io::Errno;
use timberline_disk::{DataDir, FileStorage, Storage};

use super::Check;
use timberline_server::settings::Settings;

/// So many segments should fit: the next one, the one after it, and views.
const SEGMENTS_FREE: u64 = 4;

pub(super) fn checks(settings: &Settings) -> Vec<Check> {
    let dir = settings.data_dir.as_path();
    vec![
        space(dir, settings.storage.segment_bytes),
        file_system(dir),
        permissions(dir),
        lock(dir),
    ]
}

fn space(dir: &Path, segment: u64) -> Check {
    const NAME: &str = "disk space";
    let free = match statvfs(dir) {
        Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
        Err(error) => return Check::warn(NAME, format!("cannot tell how much is free: {error}")),
    };
    let text = format!(
        "{} free, a log segment takes {}",
        BinaryBytes(free),
        BinaryBytes(segment)
    );
    if free < segment {
        Check::fail(
            NAME,
            format!("{text}: writing will stop when this one is full; free some space"),
        )
    } else if free < SEGMENTS_FREE.saturating_mul(segment) {
        Check::warn(NAME, format!("{text}: free some space soon"))
    } else {
        Check::ok(NAME, text)
    }
}

/// Tries out in the directory what the log needs there.
fn file_system(dir: &Path) -> Check {
    const NAME: &str = "file system";
    let cannot = |what: &str, error: &dyn std::fmt::Display| {
        Check::fail(
            NAME,
            format!(
                "{what} does not work in {} ({error}): use a local disk for the data directory",
                dir.display()
            ),
        )
    };
    let scratch = match tempfile::Builder::new().prefix(".doctor-").tempdir_in(dir) {
        Ok(scratch) => scratch,
        Err(error) => return cannot("making a directory", &error),
    };
    let storage = match FileStorage::open(scratch.path()) {
        Ok(storage) => storage,
        Err(error) => return cannot("opening a directory", &error),
    };
    if let Err(error) = storage.create_region("mapped", 4096).and_then(|region| {
        region.write(0, b"timberline");
        region.sync(0..4096)
    }) {
        return cannot("mapping a file (mmap)", &error);
    }
    if let Err(error) = storage.lock_writer() {
        return cannot("locking a file (flock)", &error);
    }
    let reserved = File::create(scratch.path().join("reserved"))
        .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
        .and_then(|file| fallocate(&file, FallocateFlags::empty(), 0, 4096));
    match reserved {
        Ok(()) => Check::ok(NAME, "fallocate, mmap and flock work"),
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => Check::warn(
            NAME,
            "it has no fallocate: each new log segment is filled with zeroes first, which takes a moment",
        ),
        Err(error) => cannot("reserving space (fallocate)", &error),
    }
}

fn permissions(dir: &Path) -> Check {
    const NAME: &str = "permissions";
    if let Err((path, error)) = usable(dir) {
        let text = format!(
            "{} cannot be read and written ({error}): change its owner or mode",
            path.display()
        );
        return Check::fail(NAME, text);
    }
    match fs::metadata(dir) {
        Ok(meta) if meta.uid() != rustix::process::geteuid().as_raw() => Check::warn(
            NAME,
            format!(
                "{} belongs to user {}, not to you: run this as that user",
                dir.display(),
                meta.uid()
            ),
        ),
        Ok(meta) if meta.permissions().mode() & 0o077 != 0 => Check::warn(
            NAME,
            format!(
                "others may look into {0} (mode {1:o}): chmod 700 {0}",
                dir.display(),
                meta.permissions().mode() & 0o777
            ),
        ),
        Ok(_) => Check::ok(NAME, "only you can read it, and you can write"),
        Err(error) => Check::fail(NAME, format!("cannot look at {}: {error}", dir.display())),
    }
}

/// The directory, and the files in it that a server writes to.
fn usable(dir: &Path) -> Result<(), (std::path::PathBuf, io::Error)> {
    let may = |path: &Path, how: Access| match access(path, how) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err((path.to_owned(), error.into())),
    };
    for sub in ["", DataDir::LOG, DataDir::VIEWS] {
        let sub = dir.join(sub);
        may(&sub, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK)?;
        for entry in fs::read_dir(&sub).into_iter().flatten().flatten() {
            may(&entry.path(), Access::READ_OK | Access::WRITE_OK)?;
        }
    }
    Ok(())
}

/// The lock counts, not the file: what a killed server has left behind locks nobody out.
fn lock(dir: &Path) -> Check {
    const NAME: &str = "lock";
    let mut file = match DataDir::at(dir).open_lock() {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Check::ok(NAME, "no server has ever run here");
        }
        Err(error) => return Check::warn(NAME, format!("cannot read the lock file: {error}")),
    };
    let mut text = String::new();
    // A text that cannot be read names nobody.
    let _ = (&mut file).take(200).read_to_string(&mut text);
    let holder = text
        .lines()
        .next()
        .unwrap_or("an unknown process")
        .trim()
        .to_owned();
    match file.try_lock_shared() {
        Ok(()) => Check::ok(NAME, format!("free; the last holder was {holder}")),
        Err(TryLockError::WouldBlock) => Check::ok(NAME, format!("held by {holder}")),
        Err(TryLockError::Error(error)) => Check::fail(
            NAME,
            format!("it cannot be asked for ({error}): use a local disk for the data directory"),
        ),
    }
}

//! The data directory: its disk, what the file system can do, who may look into it, who works in it.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use indicatif::BinaryBytes;
use timberline_disk::os::{self, modes::Mode};
use timberline_disk::{DataDir, FileStorage, Storage};

use super::Check;
use timberline_server::settings::Settings;

/// So many segments should fit: the next one, the one after it, and views.
const SEGMENTS_FREE: u64 = 4;
/// How deep a data directory is.
const DEPTH: usize = 4;

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
    let free = match os::free_space(dir) {
        Ok(Some(free)) => free,
        Ok(None) => return Check::warn(NAME, "this system does not report how much space is free"),
        Err(error) => return Check::warn(NAME, format!("cannot determine how much space is free: {error}")),
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
    let reserved =
        File::create(scratch.path().join("reserved")).and_then(|file| os::allocate(&file, 0, 4096));
    match reserved {
        Ok(true) => Check::ok(NAME, "fallocate, mmap and flock work"),
        Ok(false) => Check::warn(
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
    let metadata = match fs::metadata(dir) {
        Ok(metadata) => metadata,
        Err(error) => return Check::fail(NAME, format!("cannot look at {}: {error}", dir.display())),
    };
    let shown = dir.display();
    let Some(mode) = Mode::of(&metadata) else {
        return Check::ok(NAME, "you can read and write it; files have no modes here");
    };
    if !mode.is_own() {
        let text = format!(
            "{shown} belongs to user {}, not to you: run this as that user",
            mode.owner()
        );
        return Check::warn(NAME, text);
    }
    if mode.is_open() {
        let text = format!("others may look into {shown} (mode {mode}): chmod 700 {shown}");
        return Check::warn(NAME, text);
    }
    let mut open = Vec::new();
    collect_open(dir, DEPTH, &mut open);
    open.sort_by(|(a, _), (b, _)| a.cmp(b));
    match open.as_slice() {
        [] => Check::ok(NAME, "only you can read it, and you can write"),
        [(path, mode), ..] => {
            let text = format!(
                "{} files in {shown} are open to others, such as {} (mode {mode}); only the mode of the directory protects \
                 them, and a copy may lose that: chmod -R go= {shown}",
                open.len(),
                path.display()
            );
            Check::warn(NAME, text)
        }
    }
}

/// The files and directories below a directory that others may use, with their modes.
fn collect_open(dir: &Path, depth: usize, open: &mut Vec<(PathBuf, Mode)>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        // Not of what a link leads to.
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_symlink() {
            continue;
        }
        if let Some(mode) = Mode::of(&metadata).filter(|mode| mode.is_open()) {
            open.push((entry.path(), mode));
        }
        if metadata.is_dir() && depth > 0 {
            collect_open(&entry.path(), depth - 1, open);
        }
    }
}

/// The directory, and the files in it that a server writes to.
fn usable(dir: &Path) -> Result<(), (PathBuf, io::Error)> {
    let may = |path: &Path, is_dir: bool| match os::check_access(path, is_dir) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err((path.to_owned(), error)),
        _ => Ok(()),
    };
    for sub in ["", DataDir::LOG, DataDir::VIEWS] {
        let sub = dir.join(sub);
        may(&sub, true)?;
        for entry in fs::read_dir(&sub).into_iter().flatten().flatten() {
            may(&entry.path(), entry.path().is_dir())?;
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

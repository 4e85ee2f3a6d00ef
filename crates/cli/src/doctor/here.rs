//! What only this command looks at: it needs what a server does not have, writes to the directory, or reads for long.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read};
use std::path::Path;

use timberline_disk::os;
use timberline_disk::{DataDir, FileStorage, Storage};
use timberline_server::doctor::Check;
use timberline_server::settings::Settings;
use timberline_views::OpenReport;
use timberline_views::tools::{damaged_views, log_files};

use crate::data_dir::OpenDataDir;
use crate::verdict::{advise, describe};

const LOG: &str = "log";
const VIEWS: &str = "views";
/// Files that are listed.
const MAX_LISTED: usize = 20;

pub(super) fn checks(settings: &Settings, data: &anyhow::Result<OpenDataDir>) -> Vec<Check> {
    let dir = settings.data_dir.as_path();
    let mut checks = vec![file_system(dir), lock(dir)];
    // A log that cannot be read is reported with its formats.
    if log_files(dir).is_ok_and(|log| log.segments().is_ok()) {
        checks.push(tail(data));
    }
    checks.extend(data.as_ref().map_or_else(|_| Vec::new(), damaged));
    checks
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

/// What a start would read: the checkpoint and the records after it.
fn tail(data: &anyhow::Result<OpenDataDir>) -> Check {
    let read = |data: &OpenDataDir| Ok(data.read(&data.scratch()?)?.1);
    let opened = match data {
        Ok(data) => read(data),
        Err(error) => Err(anyhow::anyhow!("{error:#}")),
    };
    let report: OpenReport = match opened {
        Ok(report) => report,
        Err(error) => return Check::fail(LOG, describe(&error)),
    };
    if let Some(damage) = report.damage.first() {
        return Check::fail(
            LOG,
            format!("{damage}. Run `timberline log verify` to see all of it, then `timberline log repair`"),
        );
    }
    if let Some((seq, why)) = report.unfolded.first() {
        return Check::fail(
            LOG,
            format!("record {seq} cannot be folded: {why}. Run `timberline log verify`"),
        );
    }
    match &report.checkpoint_unusable {
        Some(why) => Check::warn(
            LOG,
            format!(
                "the checkpoint cannot be used ({why}): the next start rebuilds the views from the whole log and so takes longer"
            ),
        ),
        None => Check::ok(
            LOG,
            format!(
                "whole as far as a start reads it: {} records after the checkpoint, up to {}",
                report.folded, report.seq
            ),
        ),
    }
}

/// What is damaged on the disk now. The log has all of it, so this is a warning.
fn damaged(data: &OpenDataDir) -> Vec<Check> {
    let found = match damaged_views(data.path(), data.cipher()) {
        Ok(found) => found,
        Err(error) => {
            return vec![Check::warn(
                VIEWS,
                format!("the views cannot be read: {}", advise(&error)),
            )];
        }
    };
    if found.is_empty() {
        return vec![Check::ok(
            VIEWS,
            "the checkpoint, its copy and all view segments are whole",
        )];
    }
    let listed = found.iter().take(MAX_LISTED).map(|what| {
        let text = format!("{what}. The server makes it again from the log; check the disk");
        Check::warn(VIEWS, text)
    });
    listed.collect()
}

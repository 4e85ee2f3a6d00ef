//! Backups: copies of the log that are updated, checked and restored.
//!
//! | file | what it does |
//! |---|---|
//! | `update` | makes a backup, or updates one |
//! | `manifest` | the list of the segments in a backup |
//! | `registry` | the list of the backups of a data directory |
//! | `restore` | copies a backup to a new data directory |
//! | `check` | verifies a backup |
//! | `erase` | brings an erasure from the log to its backups |
//! | `compare` | compares a backup with the log that it was made of |
//! | `set_name`, `sets` | backups of several moments in one directory |
//! | `automatic` | the thread that makes backups in the server |
//! | `files` | directories, copies of small files, and removing what an interruption has left |
//!
//! A backup looks like a data directory without views: `log/`, `device_id`, maybe `KEY`, and `manifest.json`. Making one
//! takes no lock of the data directory, so a server may be running. `docs/backup.md` is for users.

#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod automatic;
mod check;
mod compare;
mod erase;
mod files;
mod manifest;
mod registry;
mod restore;
mod set_name;
mod sets;
mod update;

pub use automatic::{Automatic, AutomaticBackup, Status};
pub use check::{Checked, check};
pub use compare::{only_in_backup, segments_to_erase};
pub use erase::{Reach, list_sets};
pub use manifest::{Manifest, ManifestSegment};
pub use registry::{Registered, copy_registry, registered};
pub use restore::{Restored, restore};
pub use update::{Backup, BackupReport};

use std::io;
use std::path::{Path, PathBuf};

use timberline_disk::{DataDir, IoError};
use timberline_log::LogError;
use timberline_views::{HistoryError, OpenError};

/// The files that are copied along with the log, if they exist: the device's id and the key of the encryption.
const COMPANIONS: [&str; 2] = [DataDir::DEVICE_ID, DataDir::KEY];

/// Why a backup could not be made, checked or put back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// There is no log to back up, or it cannot be read.
    #[error(transparent)]
    Source(#[from] OpenError),
    /// A log could not be read or written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Nothing was ever written.
    #[error("the log in {} is empty: there is nothing to back up", .0.display())]
    Empty(PathBuf),
    /// A file or directory could not be used.
    #[error(transparent)]
    Io(#[from] IoError),
    /// The directory has something else in it.
    #[error("{} {what}", path.display())]
    Unsuitable {
        /// The directory.
        path: PathBuf,
        /// What it has, and what to do.
        what: &'static str,
    },
    /// The backup is of another device.
    #[error("{} is a backup of device {found}, this log is of device {wanted}: choose another directory", path.display())]
    OtherDevice {
        /// The backup.
        path: PathBuf,
        /// Whose it is.
        found: String,
        /// Whose it should be.
        wanted: String,
    },
    /// It could not be erased from.
    #[error("{} {source}", path.display())]
    Erase {
        /// The backup.
        path: PathBuf,
        /// Why.
        source: HistoryError,
    },
    /// The manifest cannot be used.
    #[error("{}: {reason}", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The data directory has a log already.
    #[error("{} has a log, which is never overwritten", .0.display())]
    HasLog(PathBuf),
    /// The first backup was interrupted.
    #[error("{} is a backup that was begun and never finished", .0.display())]
    Unfinished(PathBuf),
    /// A segment of the log must not replace its copy.
    #[error("{} is damaged and is not copied over its backup", .0.display())]
    DamagedSegment(PathBuf),
    /// The backup is not whole, and is not restored unless that is asked for.
    #[error("the backup in {} is damaged ({first}{})", path.display(), more(*count))]
    Damaged {
        /// The backup.
        path: PathBuf,
        /// How many places.
        count: usize,
        /// The first of them.
        first: String,
    },
}

/// Copies the small files that belong to a log: the device's id, and the key if there is one.
///
/// # Errors
/// When a file cannot be read or written.
pub fn copy_companions(from: &Path, to: &Path) -> Result<u64, BackupError> {
    let mut bytes = 0;
    for name in COMPANIONS {
        bytes += files::copy(from, to, name)?;
    }
    Ok(bytes)
}

fn more(count: usize) -> String {
    match count.saturating_sub(1) {
        0 => String::new(),
        more => format!("; and {more} more"),
    }
}

impl BackupError {
    fn io(op: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> BackupError {
        let at = IoError::at(op, path);
        move |error| BackupError::Io(at(error))
    }

    fn erase(path: &Path) -> impl FnOnce(HistoryError) -> BackupError {
        let path = path.to_path_buf();
        move |source| BackupError::Erase { path, source }
    }
}

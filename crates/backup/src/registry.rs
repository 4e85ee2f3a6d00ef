//! `backups.json` in the data directory: where its backups are, so that what is erased for good can be erased there,
//! too.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use timberline_disk::DataDir;

use crate::{BackupError, files};

/// A backup that was made of a data directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    /// Where it is.
    pub path: PathBuf,
    /// When it was last brought up to date, RFC 3339.
    pub time: String,
    /// The last record in it then.
    pub seq: u64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Registry {
    backups: Vec<Registered>,
}

/// The backups that were made of a data directory, whether they can be reached now or not.
///
/// # Errors
/// When the list is there and cannot be read.
pub fn registered(data_dir: &Path) -> Result<Vec<Registered>, BackupError> {
    Ok(read(data_dir)?.backups)
}

/// Takes the list over for a data directory that takes the place of another.
///
/// # Errors
/// When a file cannot be read or written.
pub fn copy_registry(from: &Path, to: &Path) -> Result<u64, BackupError> {
    files::copy(from, to, DataDir::BACKUPS)
}

fn read(data_dir: &Path) -> Result<Registry, BackupError> {
    let path = data_dir.join(DataDir::BACKUPS);
    let Some(bytes) = DataDir::at(data_dir).read(DataDir::BACKUPS)? else {
        return Ok(Registry::default());
    };
    serde_json::from_slice(&bytes).map_err(|error| BackupError::Manifest {
        path,
        reason: format!("this is no list of backups ({error}); remove it, then run each backup again"),
    })
}

/// Adds a backup, or notes that it was brought up to date.
pub(super) fn register(data_dir: &Path, backup: Registered) -> Result<(), BackupError> {
    change(data_dir, |backups| {
        backups.retain(|known| known.path != backup.path);
        backups.push(backup);
    })
}

/// Strikes out a backup that is gone.
pub(super) fn strike_out(data_dir: &Path, path: &Path) -> Result<(), BackupError> {
    change(data_dir, |backups| backups.retain(|known| known.path != path))
}

fn change(data_dir: &Path, change: impl FnOnce(&mut Vec<Registered>)) -> Result<(), BackupError> {
    // The directory itself is the lock: two backups at a time must not forget each other. Where a file system cannot
    // lock directories, that is a risk to take.
    let lock = File::open(data_dir).map_err(BackupError::io("open", data_dir))?;
    let _ = lock.lock();
    let mut registry = read(data_dir)?;
    change(&mut registry.backups);
    let mut bytes = serde_json::to_vec_pretty(&registry).map_err(|error| BackupError::Manifest {
        path: data_dir.join(DataDir::BACKUPS),
        reason: error.to_string(),
    })?;
    bytes.push(b'\n');
    Ok(DataDir::at(data_dir).write_atomically(DataDir::BACKUPS, &bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backup(path: &str, seq: u64) -> Registered {
        Registered {
            path: path.into(),
            time: "2026-11-25T03:00:00Z".to_owned(),
            seq,
        }
    }

    #[test]
    fn a_backup_is_listed_once_until_it_is_struck_out() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(registered(dir.path()).unwrap(), []);
        for seq in [1, 2] {
            register(dir.path(), backup("/a", seq)).unwrap();
            register(dir.path(), backup("/b", seq)).unwrap();
        }
        assert_eq!(
            registered(dir.path()).unwrap(),
            [backup("/a", 2), backup("/b", 2)]
        );
        strike_out(dir.path(), Path::new("/a")).unwrap();
        assert_eq!(registered(dir.path()).unwrap(), [backup("/b", 2)]);
    }

    #[test]
    fn two_at_a_time_do_not_forget_each_other() {
        let dir = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let dir = dir.path();
                scope.spawn(move || {
                    for n in 0..10 {
                        register(dir, backup(&format!("/{thread}/{n}"), 1)).unwrap();
                    }
                });
            }
        });
        assert_eq!(registered(dir.path()).unwrap().len(), 40);
    }

    #[test]
    fn a_list_that_is_none_is_named() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(DataDir::BACKUPS), "{").unwrap();
        let error = registered(dir.path()).unwrap_err().to_string();
        assert!(
            error.contains("backups.json") && error.contains("remove it"),
            "{error}"
        );
    }
}

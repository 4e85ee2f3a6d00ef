//! Restores a backup to a new data directory.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use timberline_cancel::Cancel;
use timberline_disk::{DataDir, FileStorage, Storage, WriterLock, sync_dir};
use timberline_log::{LogError, copy_log};

use crate::check::against_manifest;
use crate::{BackupError, copy_companions, files};

/// What was restored.
#[derive(Clone, Debug)]
pub struct Restored {
    /// The last record.
    pub seq: u64,
    /// Segments.
    pub segments: usize,
    /// Bytes of these.
    pub bytes: u64,
    /// What is damaged in it.
    pub damage: Vec<String>,
}

/// Puts a backup back into a data directory that has no log. The next start folds it. Interrupted, it has put back
/// nothing and can be run again.
///
/// # Errors
/// [`BackupError`]: the directory has a log, the backup is damaged (unless that is to be put up with), a disk refuses.
pub fn restore(backup: &Path, data_dir: &Path, despite_damage: bool) -> Result<Restored, BackupError> {
    refuse_overwriting(data_dir)?;
    let mut damage = against_manifest(backup)?;
    refuse_damage(backup, &damage, despite_damage)?;
    files::make_dir(data_dir)?;
    let _lock = WriterLock::acquire(data_dir).map_err(LogError::from)?;
    refuse_overwriting(data_dir)?;
    let unfinished = data_dir.join(DataDir::LOG_RESTORING);
    // What an interrupted attempt has left may be of another backup.
    match fs::remove_dir_all(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(BackupError::io("remove", &unfinished)(error));
        }
        _ => {}
    }
    let restored = copy_to(backup, data_dir, &unfinished).and_then(|(mut restored, found)| {
        // What was found before is found again.
        if damage.is_empty() {
            damage = found;
        }
        refuse_damage(backup, &damage, despite_damage)?;
        give_name(&unfinished, &data_dir.join(DataDir::LOG))?;
        restored.damage = damage;
        Ok(restored)
    });
    if restored.is_err() {
        // It is of no use to anybody.
        let _ = fs::remove_dir_all(&unfinished);
    }
    restored
}

fn refuse_overwriting(data_dir: &Path) -> Result<(), BackupError> {
    let log = data_dir.join(DataDir::LOG);
    if has_segments(&log)? {
        return Err(BackupError::HasLog(data_dir.to_owned()));
    }
    if data_dir.join(DataDir::VIEWS).join(DataDir::CHECKPOINT).exists() {
        return Err(BackupError::Unsuitable {
            path: data_dir.to_owned(),
            what: "has views of another log in views/: remove that directory, views are made anew from the log",
        });
    }
    Ok(())
}

fn has_segments(log: &Path) -> Result<bool, BackupError> {
    let entries = match fs::read_dir(log) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(BackupError::io("read the directory", log)(error)),
    };
    for entry in entries {
        let name = entry
            .map_err(BackupError::io("read the directory", log))?
            .file_name();
        if Path::new(&name)
            .extension()
            .is_some_and(|extension| extension == "seg")
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn refuse_damage(backup: &Path, damage: &[String], despite_damage: bool) -> Result<(), BackupError> {
    match damage.first() {
        Some(first) if !despite_damage => Err(BackupError::Damaged {
            path: backup.to_owned(),
            count: damage.len(),
            first: first.clone(),
        }),
        _ => Ok(()),
    }
}

fn copy_to(
    backup: &Path,
    data_dir: &Path,
    unfinished: &PathBuf,
) -> Result<(Restored, Vec<String>), BackupError> {
    let reader = timberline_views::tools::log_files(backup)?;
    files::make_dir(unfinished)?;
    let storage: Arc<dyn Storage> =
        Arc::new(FileStorage::open(unfinished).map_err(BackupError::io("open the directory", unfinished))?);
    let copied = copy_log(&reader, &storage, &|_| None, &Cancel::new())?;
    copy_companions(backup, data_dir)?;
    let restored = Restored {
        seq: copied.seq.get(),
        segments: copied.segments.len(),
        bytes: copied.segments.iter().map(|segment| segment.used).sum(),
        damage: Vec::new(),
    };
    Ok((restored, copied.damage.iter().map(ToString::to_string).collect()))
}

/// A server that was started once and had no space for a log has left an empty directory, with a lock file.
fn give_name(unfinished: &Path, log: &Path) -> Result<(), BackupError> {
    if log.is_dir() {
        let _ = fs::remove_file(log.join(DataDir::LOCK));
    }
    fs::rename(unfinished, log).map_err(BackupError::io("put the log in its place:", log))?;
    log.parent()
        .map_or(Ok(()), sync_dir)
        .map_err(BackupError::io("sync", log))
}

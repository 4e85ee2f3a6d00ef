//! Makes a backup, or updates one.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use timberline_cancel::Cancel;
use timberline_disk::{DataDir, FileStorage, LockError, Storage, WriterLock};
use timberline_log::{CopyAction, Damage, LogError, LogReader, copy_log};
use timberline_model::Timestamp;

use crate::erase::replace_rewritten;
use crate::manifest::Manifest;
use crate::registry::{Registered, register};
use crate::{BackupError, copy_companions, files};

/// A directory that backups of one data directory go to.
#[derive(Debug)]
pub struct Backup;

/// What bringing a backup up to date has done.
#[derive(Clone, Debug, Default)]
pub struct BackupReport {
    /// Where the backup is, as an absolute path.
    pub path: PathBuf,
    /// The last record in it: it is the log as it was with this one.
    pub seq: u64,
    /// Segments in it.
    pub segments: usize,
    /// Of these, copied just now.
    pub copied: usize,
    /// Of these, lengthened just now.
    pub extended: usize,
    /// Bytes written.
    pub bytes_written: u64,
    /// Bytes of all segments in it.
    pub bytes_total: u64,
    /// What was damaged in what was copied just now.
    pub damage: Vec<Damage>,
    /// Why the backup is not on the list of the data directory, if it is not.
    pub unregistered: Option<String>,
}

impl Backup {
    /// Makes a backup of the data directory `source` in `target`, or brings the one there up to the present, and puts
    /// it on the list of [`registered`](super::registered) backups. Takes no lock of `source` and changes nothing but
    /// that list; a server may be at work there. A backup that is interrupted, or cancelled,
    /// can still be restored, and is made up by the next.
    ///
    /// # Errors
    /// [`BackupError`], which says what to do.
    pub fn update(source: &Path, target: &Path, cancel: &Cancel) -> Result<BackupReport, BackupError> {
        let mut report = Self::copy(source, target, cancel)?;
        report.register(source, Timestamp::from(timberline_clock::wall()));
        Ok(report)
    }

    /// The same. On the list it stands as one that is being made: from before its first byte, so that whoever erases
    /// something meanwhile knows of it.
    pub(super) fn copy(source: &Path, target: &Path, cancel: &Cancel) -> Result<BackupReport, BackupError> {
        let reader = timberline_views::tools::log_files(source)?;
        let newest = reader.segments()?;
        if newest.is_empty() {
            return Err(BackupError::Empty(source.to_owned()));
        }
        let device = newest.iter().rev().find_map(|info| info.device);
        let device = device.map_or(String::new(), |device| device.to_string());
        let (before, _lock) = prepare(source, target, &device)?;
        let path = target.canonicalize().map_err(BackupError::io("find", target))?;
        let begun = Registered {
            path: path.clone(),
            time: Timestamp::from(timberline_clock::wall()).to_string(),
            seq: before.seq,
        };
        let unregistered = register(source, begun).err();
        let mut report = copy_all(source, target, &reader, &before, cancel)?;
        // Whoever has erased something meanwhile found this backup locked. What is erased from now on finds it free, or
        // waits for it.
        replace_rewritten(source, &reader.segments()?, target, cancel)?;
        report.path = path;
        report.unregistered = unregistered.map(|error| error.to_string());
        Ok(report)
    }
}

impl BackupReport {
    /// Puts the backup, as it now is, on the list of the data directory; notes where that fails.
    pub(super) fn register(&mut self, data_dir: &Path, time: Timestamp) {
        let complete = Registered {
            path: self.path.clone(),
            time: time.to_string(),
            seq: self.seq,
        };
        self.unregistered = register(data_dir, complete).err().map(|error| error.to_string());
    }
}

/// How long the server may be erasing from a backup before the backup gives up.
const PATIENCE: Duration = Duration::from_secs(10);

fn lock(target: &Path) -> Result<WriterLock, LockError> {
    let begun = timberline_clock::monotonic();
    loop {
        match WriterLock::acquire(target) {
            Err(LockError::Locked { .. }) if begun.elapsed() < PATIENCE => {
                timberline_clock::sleep(Duration::from_millis(20));
            }
            outcome => return outcome,
        }
    }
}

/// Sees to it that the directory is one for this backup and nobody else writes to it.
fn prepare(source: &Path, target: &Path, device: &str) -> Result<(Manifest, WriterLock), BackupError> {
    let unsuitable = |what| BackupError::Unsuitable {
        path: target.to_owned(),
        what,
    };
    if lies_in(target, source) {
        return Err(unsuitable(
            "lies in the data directory itself: choose a directory elsewhere, best on another disk",
        ));
    }
    if Manifest::read(target)?.is_none() && target.join(DataDir::LOG).exists() {
        return Err(unsuitable(
            "has a log that is no backup (there is no manifest.json): choose another directory",
        ));
    }
    files::make_dir(target)?;
    let lock = lock(target).map_err(LogError::from)?;
    let before = match Manifest::read(target)? {
        Some(before) => before,
        None => {
            // So that it is known for a backup from now on, should this one be interrupted.
            let begun = Manifest::begun(device.to_owned());
            begun.write(target)?;
            begun
        }
    };
    if !before.device.is_empty() && before.device != device {
        return Err(BackupError::OtherDevice {
            path: target.to_owned(),
            found: before.device,
            wanted: device.to_owned(),
        });
    }
    Ok((before, lock))
}

/// Whether a directory, which need not be there yet, is another one or below it.
fn lies_in(dir: &Path, other: &Path) -> bool {
    let (Ok(dir), Ok(other)) = (std::path::absolute(dir), other.canonicalize()) else {
        return false;
    };
    let real = dir.ancestors().find_map(|above| above.canonicalize().ok());
    real.is_some_and(|real| real.starts_with(other))
}

/// The key first, so that there is never a log without it; the manifest last.
fn copy_all(
    source: &Path,
    target: &Path,
    reader: &LogReader,
    before: &Manifest,
    cancel: &Cancel,
) -> Result<BackupReport, BackupError> {
    let mut bytes_written = copy_companions(source, target)?;
    let log = target.join(DataDir::LOG);
    files::make_dir(&log)?;
    let storage: Arc<dyn Storage> =
        Arc::new(FileStorage::open(&log).map_err(BackupError::io("open the directory", &log))?);
    let copied = copy_log(reader, &storage, &|segment| before.crc(segment), cancel)?;
    bytes_written +=
        Manifest::of(&copied, Timestamp::from(timberline_clock::wall()).to_string()).write(target)?;
    let count = |action| {
        copied
            .segments
            .iter()
            .filter(|segment| segment.action == action)
            .count()
    };
    let written: u64 = copied.segments.iter().map(|segment| segment.written).sum();
    Ok(BackupReport {
        path: target.to_owned(),
        seq: copied.seq.get(),
        segments: copied.segments.len(),
        copied: count(CopyAction::Copied),
        extended: count(CopyAction::Extended),
        bytes_written: bytes_written + written,
        bytes_total: copied.segments.iter().map(|segment| segment.used).sum(),
        damage: copied.damage,
        unregistered: None,
    })
}

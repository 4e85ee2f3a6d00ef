//! Brings an erasure from the log to its backups: segments that the log has rewritten replace their old versions in the
//! backup. A backup keeps its moment, except for the end of its last segment.
//!
//! Every purge that touches a segment makes a new generation of it. A backup is clean when each of its segment files has
//! the same generation as in the log. So no list of finished work is needed: comparing generations finds whatever a
//! crash, an unplugged disk or an unfinished backup has left.
//!
//! There is one exception. `timberline log repair` writes a segment from what is left of a damaged one. The backup's copy
//! may still have records that the repaired segment has lost, so the repaired one never replaces it. Such a copy is
//! rewritten in the backup instead, and the manifest says up to which order that was done.
//!
//! A segment does not replace one of another history either. If the log lost its end, or was restored to an earlier
//! state, it used numbers a second time, and the orders name other events in the backup. Such a backup is left as it is
//! and stays waiting.
//!
//! Segments are replaced from the newest to the oldest, as in the log itself. A record refers only to earlier records. So
//! at every moment, for readers and after a crash, no record refers to one that is gone.

use std::path::Path;
use std::sync::Arc;

use timberline_cancel::Cancel;
use timberline_disk::{DataDir, FileStorage, Storage, WriterLock, write_atomically};
use timberline_log::{LogError, SegmentInfo, Seq, check_frames, is_rewritten_from, segment_name};
use timberline_views::Store;

use crate::compare::{Compared, compare, segments_to_erase};
use crate::manifest::{Manifest, ManifestSegment};
use crate::registry::{Registered, register, registered, strike_out};
use crate::set_name::{is_gone_unfinished, sets_in};
use crate::{BackupError, files};

/// How many versions of a segment are looked at that is rewritten all the while.
const VERSIONS: usize = 8;

/// What erasing from a backup needs to know.
pub struct Reach<'a> {
    /// Whose backup.
    pub data_dir: &'a Path,
    /// The open store of the data directory.
    pub store: &'a Store,
    /// Asked between two segments. False when it is to be broken off: the server stops.
    pub cancel: &'a Cancel,
}

/// Puts the automatic sets in a directory on the list that are not on it.
///
/// # Errors
/// When the list of backups or the log cannot be read.
pub fn list_sets(data_dir: &Path, sets: &Path) -> Result<(), BackupError> {
    let live = timberline_views::tools::log_files(data_dir)?.segments()?;
    let device = live.iter().rev().find_map(|info| info.device);
    list_unlisted(data_dir, sets, device.map(|device| device.to_string()))
}

/// Puts sets on the list that are not on it: the list was lost or could not be written, or a set was renamed.
fn list_unlisted(data_dir: &Path, sets: &Path, device: Option<String>) -> Result<(), BackupError> {
    let known = registered(data_dir)?;
    for path in sets_in(sets) {
        if known.iter().any(|known| known.path == path) {
            continue;
        }
        // A directory that is not a backup of this log is left alone.
        if let Ok(Some(manifest)) = Manifest::read(&path)
            && device.as_ref().is_some_and(|device| *device == manifest.device)
        {
            let (time, seq) = (manifest.time, manifest.seq);
            register(data_dir, Registered { path, time, seq })?;
        }
    }
    Ok(())
}

impl Reach<'_> {
    /// Erases from a backup that is on the list what is erased from the log. Tells how many segments were replaced;
    /// `None` if it was a set that was completed under its name, or given up: then it is struck out.
    ///
    /// # Errors
    /// Why the backup still holds what is erased.
    pub fn erase_from(&self, backup: &Path) -> Result<Option<usize>, BackupError> {
        if self.cancel.check().is_err() {
            return Err(stopped(backup));
        }
        if is_gone_unfinished(backup) {
            strike_out(self.data_dir, backup)?;
            return Ok(None);
        }
        let live = timberline_views::tools::log_files(self.data_dir)?.segments()?;
        self.erase_from_listed(&live, backup).map(Some)
    }

    fn erase_from_listed(&self, live: &[SegmentInfo], backup: &Path) -> Result<usize, BackupError> {
        if !backup.join(DataDir::LOG).is_dir() {
            return Err(BackupError::Unsuitable {
                path: backup.to_owned(),
                what: "cannot be reached, or is no backup any more: connect its disk, or strike it out of backups.json if it is gone",
            });
        }
        let _lock = WriterLock::acquire(backup).map_err(LogError::from)?;
        let Compared {
            outdated,
            mut apart,
            other,
        } = compare(live, backup)?;
        let mut replacing = Vec::with_capacity(outdated.len());
        let storage = log_of(self.data_dir)?;
        for info in outdated {
            match is_whole(&storage, &info)? {
                true => replacing.push(info),
                // It must not take the place of its copy, which may have what it has lost.
                false => apart.push(info.first),
            }
        }
        if !other.is_empty() {
            replace_these(self.data_dir, &replacing, backup, self.cancel)?;
            return Err(other_history(backup));
        }
        if apart.is_empty() {
            return replace_these(self.data_dir, &replacing, backup, self.cancel);
        }
        let since = Since::of(backup, self.store)?;
        let replaced = replace_these(self.data_dir, &replacing, backup, self.cancel)?;
        Ok(replaced + since.erase(backup, &apart, self)?)
    }
}

fn other_history(backup: &Path) -> BackupError {
    BackupError::Unsuitable {
        path: backup.to_owned(),
        what: "has records that the log has lost, or has others for, so what is erased from the log cannot be erased from it: remove it when you do not need it any more",
    }
}

fn stopped(backup: &Path) -> BackupError {
    BackupError::Unsuitable {
        path: backup.to_owned(),
        what: "was not reached before the server stopped: its next start goes on",
    }
}

/// From which order on a backup is to be erased from, whose segments the log's do not replace.
struct Since {
    storage: Arc<dyn Storage>,
    purged_through: Seq,
}

impl Since {
    /// Reads it from the manifest, or from the backup's log when that is still as it was made; then it is noted before
    /// anything is replaced.
    fn of(backup: &Path, store: &Store) -> Result<Since, BackupError> {
        let storage = log_of(backup)?;
        let mut manifest = Manifest::read(backup)?.ok_or_else(|| unfinished(backup))?;
        let purged_through = match manifest.purged_through {
            Some(seq) => Seq(seq),
            None => {
                let seq = (store.purged_through(storage.clone())).map_err(BackupError::erase(backup))?;
                manifest.purged_through = Some(seq.get());
                manifest.write(backup)?;
                seq
            }
        };
        Ok(Since {
            storage,
            purged_through,
        })
    }

    /// Erases from these segments, by rewriting them.
    fn erase(&self, backup: &Path, segments: &[Seq], reach: &Reach<'_>) -> Result<usize, BackupError> {
        let erased = reach
            .store
            .erase_from_copy(self.storage.clone(), segments, self.purged_through, reach.cancel)
            .map_err(BackupError::erase(backup))?;
        let mut manifest = Manifest::read(backup)?.ok_or_else(|| unfinished(backup))?;
        for info in timberline_views::tools::log_files(backup)?.segments()? {
            if erased.rewritten.contains(&info.first) {
                manifest.put(listed(&self.storage, &info)?);
            }
        }
        if manifest.purged_through != Some(erased.through.get()) || !erased.rewritten.is_empty() {
            manifest.purged_through = Some(erased.through.get());
            manifest.write(backup)?;
        }
        Ok(erased.rewritten.len())
    }
}

fn unfinished(backup: &Path) -> BackupError {
    BackupError::Unsuitable {
        path: backup.to_owned(),
        what: "has no manifest.json: make a backup elsewhere and remove this one",
    }
}

fn log_of(backup: &Path) -> Result<Arc<dyn Storage>, BackupError> {
    let log = backup.join(DataDir::LOG);
    let storage = FileStorage::open(&log).map_err(BackupError::io("open the directory", &log))?;
    Ok(Arc::new(storage))
}

/// Replaces what holds erased data. The caller holds the backup's lock.
pub(super) fn replace_rewritten(
    data_dir: &Path,
    live: &[SegmentInfo],
    backup: &Path,
    cancel: &Cancel,
) -> Result<usize, BackupError> {
    let outdated = segments_to_erase(live, backup)?.unwrap_or_default();
    replace_these(data_dir, &outdated, backup, cancel)
}

/// Puts these segments of the log in the place of their copies.
fn replace_these(
    data_dir: &Path,
    outdated: &[SegmentInfo],
    backup: &Path,
    cancel: &Cancel,
) -> Result<usize, BackupError> {
    let log = backup.join(DataDir::LOG);
    files::remove_unfinished(&log)?;
    let (from, to) = (log_of(data_dir)?, log_of(backup)?);
    let mut replaced = 0;
    for info in outdated.iter().rev() {
        if cancel.check().is_err() {
            break;
        }
        if !is_rewritten_from(&from, &to, info.first)? {
            list_replaced(backup)?;
            return Err(other_history(backup));
        }
        replace(data_dir, &log, info.clone())?;
        replaced += 1;
    }
    list_replaced(backup)?;
    if replaced < outdated.len() {
        return Err(stopped(backup));
    }
    Ok(replaced)
}

/// Brings the manifest up to date with segments that were replaced, now or before an interruption.
fn list_replaced(backup: &Path) -> Result<(), BackupError> {
    let Some(mut manifest) = Manifest::read(backup)? else {
        return Ok(());
    };
    let storage = log_of(backup)?;
    let mut changed = false;
    for info in timberline_views::tools::log_files(backup)?.segments()? {
        let newer = |listed: &ManifestSegment| {
            listed.first == info.first.get() && listed.generation < info.generation
        };
        if info.last.is_some() && manifest.segments.iter().any(newer) {
            manifest.put(listed(&storage, &info)?);
            changed = true;
        }
    }
    if changed {
        manifest.seq = manifest.segments.last().map_or(manifest.seq, |last| last.last);
        manifest.write(backup)?;
    }
    Ok(())
}

/// Puts a segment of the log in the place of its copy. A damaged one must never take the place of a copy that may be the
/// last whole one. It may be rewritten meanwhile: then the next version is looked at.
fn replace(data_dir: &Path, log: &Path, mut info: SegmentInfo) -> Result<(), BackupError> {
    let source = data_dir.join(DataDir::LOG).join(&info.file);
    let live = log_of(data_dir)?;
    for _ in 0..VERSIONS {
        let whole = is_whole(&live, &info)?;
        let bytes = std::fs::read(&source).map_err(BackupError::io("read", &source))?;
        let segments = timberline_views::tools::log_files(data_dir)?.segments()?;
        match segments.into_iter().find(|now| now.first == info.first) {
            Some(now) if now == info && whole => {
                // Under another name and renamed: in a set of automatic backups the old file belongs to the others, too.
                let name = segment_name(info.first);
                return write_atomically(log, &name, &bytes)
                    .map_err(BackupError::io("write", log.join(&name)));
            }
            Some(now) if now != info => info = now,
            _ => break,
        }
    }
    Err(BackupError::DamagedSegment(source))
}

fn is_whole(storage: &Arc<dyn Storage>, info: &SegmentInfo) -> Result<bool, BackupError> {
    let used = info.used.unwrap_or_default();
    Ok(check_frames(storage, info.first, used)?.flaw.is_none())
}

/// A sealed segment of a backup as its manifest lists it.
fn listed(storage: &Arc<dyn Storage>, info: &SegmentInfo) -> Result<ManifestSegment, BackupError> {
    let used = info.used.unwrap_or_default();
    let checked = check_frames(storage, info.first, used)?;
    Ok(ManifestSegment {
        first: info.first.get(),
        last: info.last.map_or(0, Seq::get),
        generation: info.generation,
        sealed: true,
        used,
        crc: checked.crc,
    })
}

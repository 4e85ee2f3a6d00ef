//! What is erased from the log is erased from its backups: the segments that were rewritten take the places of those
//! that hold what is to be forgotten. A backup stays at its moment, but for the end of its last segment.
//!
//! A backup is clean when each of its segment files has the generation that this segment has in the log: every purge
//! that touches a segment makes a new generation of it. So nothing needs to be remembered about what was done where;
//! comparing finds what a crash, an unplugged disk or a backup that was just being made has left.
//!
//! There is one exception. A segment that was written from what was left of a damaged one (`timberline log repair`) may
//! have lost what its copy still has, so it never replaces the copy. From such a copy is erased by rewriting it; the
//! manifest says up to which order that was done.
//!
//! Segments are replaced from the newest to the oldest, as they are in the log itself. A record refers only to what
//! came before it, so whatever moment this ends at, and whoever reads meanwhile, no record refers to something that is
//! gone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use timberline_log::{FileStorage, SegmentInfo, Seq, Storage, WriterLock, check_frames, segment_name};
use timberline_views::Store;

use super::manifest::{Manifest, ManifestSegment};
use super::registry::{Registered, register, registered, strike_out};
use super::sets::{is_gone_unfinished, sets_in};
use super::{BackupError, LOG_DIR, files};

/// How many versions of a segment are looked at that is rewritten all the while.
const VERSIONS: usize = 8;

/// What became of one backup.
#[derive(Debug)]
pub(crate) struct BackupErasure {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// How many of its segments were replaced; or why it was not reached.
    pub(crate) outcome: Result<usize, BackupError>,
}

/// What erasing from backups needs to know.
pub(crate) struct Reach<'a> {
    /// Whose backups.
    pub(crate) data_dir: &'a Path,
    /// Where the automatic sets are. Those that are on no list count, too.
    pub(crate) sets: Option<&'a Path>,
    /// The open store of the data directory.
    pub(crate) store: &'a Store,
    /// False when it is to be broken off: the server stops.
    pub(crate) go_on: &'a dyn Fn() -> bool,
}

/// Goes through all backups of a data directory that are known.
///
/// # Errors
/// When the list of backups or the log cannot be read. A backup that cannot be reached is reported in its outcome.
pub(crate) fn erase_from_backups(reach: &Reach<'_>) -> Result<Vec<BackupErasure>, BackupError> {
    let data_dir = reach.data_dir;
    let live = timberline_views::log_files(data_dir)?.segments()?;
    if let Some(sets) = reach.sets {
        let device = live.iter().rev().find_map(|info| info.device);
        list_unlisted(data_dir, sets, device.map(|device| device.to_string()))?;
    }
    let mut erased = Vec::new();
    for backup in registered(data_dir)? {
        if is_gone_unfinished(&backup.path) {
            // A set that was completed under its name, or given up: there is nothing under this one any more.
            strike_out(data_dir, &backup.path)?;
            continue;
        }
        erased.push(BackupErasure {
            outcome: reach.erase_from(&live, &backup.path),
            path: backup.path,
        });
    }
    Ok(erased)
}

/// Puts sets on the list that are not on it: the list was lost or could not be written, or a set was renamed.
fn list_unlisted(data_dir: &Path, sets: &Path, device: Option<String>) -> Result<(), BackupError> {
    let known = registered(data_dir)?;
    for path in sets_in(sets) {
        if known.iter().any(|known| known.path == path) {
            continue;
        }
        // What is none of this log's backups is left alone.
        if let Ok(Some(manifest)) = Manifest::read(&path)
            && device.as_ref().is_some_and(|device| *device == manifest.device)
        {
            let (time, seq) = (manifest.time, manifest.seq);
            register(data_dir, Registered { path, time, seq })?;
        }
    }
    Ok(())
}

/// The segments of a backup that hold what was erased from the log since they were copied, oldest first. `None` if the
/// backup cannot be reached.
///
/// # Errors
/// When its files cannot be read.
pub fn segments_to_erase(
    live: &[SegmentInfo],
    backup: &Path,
) -> Result<Option<Vec<SegmentInfo>>, BackupError> {
    if !backup.join(LOG_DIR).is_dir() {
        return Ok(None);
    }
    Ok(Some(compare(live, backup)?.outdated))
}

/// A backup against the log it was made of.
#[derive(Default)]
struct Compared {
    /// Segments of the log that replace older versions in the backup, oldest first.
    outdated: Vec<SegmentInfo>,
    /// Segments of the backup that are no versions of the log's: the log was repaired since, and may have lost what they
    /// have.
    apart: Vec<Seq>,
}

fn compare(live: &[SegmentInfo], backup: &Path) -> Result<Compared, BackupError> {
    let mut compared = Compared::default();
    for copy in timberline_views::log_files(backup)?.segments()? {
        match live.iter().find(|info| info.first == copy.first) {
            Some(info) if info.salvaged != copy.salvaged => compared.apart.push(copy.first),
            Some(info) if info.generation > copy.generation && info.last.is_some() => {
                compared.outdated.push(info.clone());
            }
            Some(_) => {}
            // The log has lost all of it. (One after the newest was begun since the log was looked at.)
            None if live.last().is_some_and(|newest| copy.first < newest.first) => {
                compared.apart.push(copy.first);
            }
            None => {}
        }
    }
    Ok(compared)
}

impl Reach<'_> {
    fn erase_from(&self, live: &[SegmentInfo], backup: &Path) -> Result<usize, BackupError> {
        if !(self.go_on)() {
            return Err(stopped(backup));
        }
        if !backup.join(LOG_DIR).is_dir() {
            return Err(BackupError::Unsuitable {
                path: backup.to_owned(),
                what: "cannot be reached, or is no backup any more: connect its disk, or strike it out of backups.json if it is gone",
            });
        }
        let _lock = WriterLock::acquire(backup)?;
        let apart = compare(live, backup)?.apart;
        if apart.is_empty() {
            return replace_rewritten(self.data_dir, live, backup, self.go_on);
        }
        let since = Since::of(backup, self.store)?;
        let replaced = replace_rewritten(self.data_dir, live, backup, self.go_on)?;
        Ok(replaced + since.erase(backup, &apart, self)?)
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
            .erase_from_copy(self.storage.clone(), segments, self.purged_through, reach.go_on)
            .map_err(BackupError::erase(backup))?;
        let mut manifest = Manifest::read(backup)?.ok_or_else(|| unfinished(backup))?;
        for info in timberline_views::log_files(backup)?.segments()? {
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
    let log = backup.join(LOG_DIR);
    let storage = FileStorage::open(&log).map_err(BackupError::io("open the directory", &log))?;
    Ok(Arc::new(storage))
}

/// Replaces what holds erased data. The caller holds the backup's lock.
pub(super) fn replace_rewritten(
    data_dir: &Path,
    live: &[SegmentInfo],
    backup: &Path,
    go_on: &dyn Fn() -> bool,
) -> Result<usize, BackupError> {
    let log = backup.join(LOG_DIR);
    files::remove_unfinished(&log)?;
    let outdated = segments_to_erase(live, backup)?.unwrap_or_default();
    let mut replaced = 0;
    for info in outdated.iter().rev() {
        if !go_on() {
            break;
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
    for info in timberline_views::log_files(backup)?.segments()? {
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
    let source = data_dir.join(LOG_DIR).join(&info.file);
    let live = log_of(data_dir)?;
    for _ in 0..VERSIONS {
        let used = info.used.unwrap_or_default();
        let whole = check_frames(&live, info.first, used)?.flaw.is_none();
        let bytes = std::fs::read(&source).map_err(BackupError::io("read", &source))?;
        let segments = timberline_views::log_files(data_dir)?.segments()?;
        match segments.into_iter().find(|now| now.first == info.first) {
            Some(now) if now == info && whole => {
                // Under another name and renamed: in a set of automatic backups the old file belongs to the others, too.
                return files::put(log, &segment_name(info.first), &bytes);
            }
            Some(now) if now != info => info = now,
            _ => break,
        }
    }
    Err(BackupError::Unsuitable {
        path: source,
        what: "is damaged and is not copied over its backup: run `timberline log verify`",
    })
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

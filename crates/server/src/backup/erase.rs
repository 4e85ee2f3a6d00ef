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
use super::registry::{registered, strike_out};
use super::sets::is_gone_unfinished;
use super::{BackupError, LOG_DIR, files};

/// What became of one backup.
#[derive(Debug)]
pub struct BackupErasure {
    /// Where it is.
    pub path: PathBuf,
    /// How many of its segments were replaced; or why it was not reached.
    pub outcome: Result<usize, BackupError>,
}

/// Goes through all backups of a data directory that are known.
///
/// # Errors
/// When the list of backups or the log cannot be read. A backup that cannot be reached is reported in its outcome.
pub fn erase_from_backups(data_dir: &Path, store: &Store) -> Result<Vec<BackupErasure>, BackupError> {
    let backups = registered(data_dir)?;
    if backups.is_empty() {
        return Ok(Vec::new());
    }
    let live = timberline_views::log_files(data_dir)?.segments()?;
    let mut erased = Vec::with_capacity(backups.len());
    for backup in backups {
        if is_gone_unfinished(&backup.path) {
            // A set that was completed under its name, or given up: there is nothing under this one any more.
            strike_out(data_dir, &backup.path)?;
            continue;
        }
        erased.push(BackupErasure {
            outcome: erase_from(data_dir, &live, &backup.path, store),
            path: backup.path,
        });
    }
    Ok(erased)
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
        let Some(info) = live.iter().find(|info| info.first == copy.first) else {
            continue;
        };
        if info.salvaged != copy.salvaged {
            compared.apart.push(copy.first);
        } else if info.generation > copy.generation && info.last.is_some() {
            compared.outdated.push(info.clone());
        }
    }
    Ok(compared)
}

fn erase_from(
    data_dir: &Path,
    live: &[SegmentInfo],
    backup: &Path,
    store: &Store,
) -> Result<usize, BackupError> {
    if !backup.join(LOG_DIR).is_dir() {
        return Err(BackupError::Unsuitable {
            path: backup.to_owned(),
            what: "cannot be reached, or is no backup any more: connect its disk, or strike it out of backups.json if it is gone",
        });
    }
    let _lock = WriterLock::acquire(backup)?;
    let apart = compare(live, backup)?.apart;
    if apart.is_empty() {
        return replace_rewritten(data_dir, live, backup);
    }
    let since = Since::of(backup, store)?;
    let replaced = replace_rewritten(data_dir, live, backup)?;
    Ok(replaced + since.erase(backup, &apart, store)?)
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
    fn erase(&self, backup: &Path, segments: &[Seq], store: &Store) -> Result<usize, BackupError> {
        let erased = store
            .erase_from_copy(self.storage.clone(), segments, self.purged_through)
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
) -> Result<usize, BackupError> {
    let log = backup.join(LOG_DIR);
    files::remove_unfinished(&log)?;
    let outdated = segments_to_erase(live, backup)?.unwrap_or_default();
    if outdated.is_empty() {
        return Ok(0);
    }
    let mut manifest = Manifest::read(backup)?;
    let storage = log_of(backup)?;
    for info in outdated.iter().rev() {
        let segment = replace(data_dir, &storage, &log, info)?;
        if let Some(manifest) = &mut manifest {
            manifest.put(segment);
        }
    }
    if let Some(mut manifest) = manifest {
        manifest.seq = manifest.segments.last().map_or(manifest.seq, |last| last.last);
        manifest.write(backup)?;
    }
    Ok(outdated.len())
}

fn replace(
    data_dir: &Path,
    storage: &Arc<dyn Storage>,
    log: &Path,
    info: &SegmentInfo,
) -> Result<ManifestSegment, BackupError> {
    let source = data_dir.join(LOG_DIR).join(&info.file);
    let bytes = std::fs::read(&source).map_err(BackupError::io("read", &source))?;
    // A damaged segment must never take the place of a copy that may be the last whole one.
    let live: Arc<dyn Storage> = Arc::new(
        FileStorage::open(data_dir.join(LOG_DIR))
            .map_err(BackupError::io("open the directory of", &source))?,
    );
    if check_frames(&live, info.first, info.used.unwrap_or(bytes.len() as u64))?
        .flaw
        .is_some()
    {
        return Err(BackupError::Unsuitable {
            path: source,
            what: "is damaged and is not copied over its backup: run `timberline log verify`",
        });
    }
    // Under another name and renamed: in a set of automatic backups the old file belongs to the others, too.
    files::put(log, &segment_name(info.first), &bytes)?;
    listed(storage, info)
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

//! Backup sets: backups of several moments in one directory, `DIR/2026-11-25T03-00-00Z/…`.
//!
//! Sets share equal sealed segments as one file with several names (hard links), so a set takes only the space of its new
//! segments. That is safe because a backup never writes to a sealed segment; it replaces the file.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use timberline_cancel::Cancel;
use timberline_disk::{DataDir, WriterLock, sync_dir};
use timberline_log::{Lineage, LogError, SegmentInfo, lineage};
use timberline_model::Timestamp;

use crate::compare::only_here;
use crate::manifest::{Manifest, ManifestSegment};
use crate::registry::{Registered, register, registered, strike_out};
use crate::set_name::{UNFINISHED, name, parse_name};
use crate::update::{Backup, BackupReport};
use crate::{BackupError, files};

/// A directory with sets.
#[derive(Clone, Debug)]
pub(super) struct Sets {
    dir: PathBuf,
}

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct Set {
    pub(super) path: PathBuf,
    /// When it was made, as its name says.
    pub(super) made: Timestamp,
    seq: u64,
    /// The device whose log it is of; empty if that is not known.
    device: String,
    /// When it was brought up to date last, as it says itself.
    updated: Timestamp,
}

impl Sets {
    pub(super) fn new(dir: PathBuf) -> Sets {
        Sets { dir }
    }

    /// All sets, oldest first. What counts is how far they reach, not what a clock said when they were made; of two that
    /// reach as far, either is as good.
    pub(super) fn list(&self) -> Result<Vec<Set>, BackupError> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(BackupError::io("read the directory", &self.dir)(error)),
        };
        let mut sets = Vec::new();
        for entry in entries {
            let entry = entry.map_err(BackupError::io("read the directory", &self.dir))?;
            let made = entry.file_name().to_str().and_then(parse_name);
            // A directory with another name, or without a manifest, is not one of ours.
            if let Some(made) = made
                && let Ok(Some(manifest)) = Manifest::read(&entry.path())
            {
                sets.push(Set {
                    path: entry.path(),
                    made,
                    seq: manifest.seq,
                    device: manifest.device,
                    updated: Timestamp::parse(&manifest.time).unwrap_or(made),
                });
            }
        }
        sets.sort_by_key(|set| (set.seq, set.updated, set.made));
        Ok(sets)
    }

    /// Those that are of this log's device. Sets of others are left alone: they may be all that is left of a lost log.
    fn list_of(&self, live: &[SegmentInfo]) -> Result<Vec<Set>, BackupError> {
        let device = live.iter().rev().find_map(|info| info.device);
        let device = device.map(|device| device.to_string());
        let mut sets = self.list()?;
        sets.retain(|set| set.device.is_empty() || device.as_ref().is_none_or(|ours| *ours == set.device));
        Ok(sets)
    }

    /// Makes a set of now, and removes the oldest beyond `keep`; with `None` it removes none.
    pub(super) fn make(
        &self,
        data_dir: &Path,
        now: Timestamp,
        keep: Option<usize>,
        cancel: &Cancel,
    ) -> Result<BackupReport, BackupError> {
        files::make_dir(&self.dir)?;
        let (unfinished, path) = (self.dir.join(UNFINISHED), self.dir.join(name(now)));
        if path.exists() {
            // The clock was set back to the second of another set: that one is as good.
            return Backup::update(data_dir, &path, cancel);
        }
        remove(&unfinished)?;
        let live = timberline_views::tools::log_files(data_dir)?.segments()?;
        if let Some(previous) = self.list_of(&live)?.last() {
            link_sealed(data_dir, &live, &unfinished, previous)?;
        }
        let mut report = Backup::copy(data_dir, &unfinished, cancel)?;
        let begun = report.path.clone();
        if let (Some(dir), Some(file)) = (begun.parent(), path.file_name()) {
            report.path = dir.join(file);
        }
        // On the list under both names while it gets its own: it is erased from wherever it is found.
        report.register(data_dir, now);
        fs::rename(&unfinished, &path).map_err(BackupError::io("name", &path))?;
        sync_dir(&self.dir).map_err(BackupError::io("sync", &self.dir))?;
        if report.unregistered.is_none() {
            strike_out(data_dir, &begun)?;
            self.strike_out_missing(data_dir, &report.path)?;
        }
        if let Some(keep) = keep {
            self.prune(data_dir, &report.path, keep)?;
        }
        Ok(report)
    }

    /// Sets on the list that are not in this directory, which holds the one just made and so is the right one: whoever
    /// made or removed them was interrupted before the list said so.
    fn strike_out_missing(&self, data_dir: &Path, made: &Path) -> Result<(), BackupError> {
        for known in registered(data_dir)? {
            let missing = known.path.parent() == made.parent()
                && known.path != made
                && known
                    .path
                    .symlink_metadata()
                    .is_err_and(|error| error.kind() == ErrorKind::NotFound);
            if missing {
                strike_out(data_dir, &known.path)?;
            }
        }
        Ok(())
    }

    /// Removes a set; on the list it stands as `path`. It loses its name first: interrupted, it is no half set, and is
    /// erased from like one that is being made, until the next set takes its place.
    fn remove_set(&self, data_dir: &Path, set: &Set, path: &Path) -> Result<(), BackupError> {
        let going = self.dir.join(UNFINISHED);
        let listed = Registered {
            path: path.with_file_name(UNFINISHED),
            time: set.updated.to_string(),
            seq: set.seq,
        };
        register(data_dir, listed.clone())?;
        fs::rename(&set.path, &going).map_err(BackupError::io("rename", &set.path))?;
        strike_out(data_dir, path)?;
        remove(&going)?;
        strike_out(data_dir, &listed.path)
    }

    /// Removes the oldest sets beyond `keep`, but never the one just made, nor the newest with segments that the log may
    /// have lost: that is all there is of them. Sets with such segments do not count: they may reach further than the log
    /// and would push out those that are made now.
    fn prune(&self, data_dir: &Path, made: &Path, keep: usize) -> Result<(), BackupError> {
        let live = timberline_views::tools::log_files(data_dir)?.segments()?;
        let sets = self.list_of(&live)?;
        // A set that cannot be read might have anything, and is what another one is kept for.
        let only: Vec<_> = (sets.iter())
            .map(|set| only_here(&live, &set.path).unwrap_or_default())
            .collect();
        let mut beyond = (only.iter().filter(|here| here.is_empty()).count()).saturating_sub(keep.max(1));
        for (at, (set, here)) in sets.iter().zip(&only).enumerate() {
            let path = set.path.canonicalize().unwrap_or_else(|_| set.path.clone());
            let counts = here.is_empty();
            if path == made || counts && beyond == 0 || !counts && sets.len() <= keep.max(1) {
                continue;
            }
            beyond -= usize::from(counts);
            let newer = only.iter().skip(at + 1);
            let is_elsewhere = |segment| newer.clone().any(|set| set.contains(segment));
            if !here.iter().all(is_elsewhere) {
                tracing::warn!(
                    path = %path.display(),
                    "a set of automatic backups is kept beyond its time: the log has lost records that are in it; \
                     the doctor says which. Remove it when you do not need them"
                );
            } else {
                self.remove_set(data_dir, set, &path)?;
            }
        }
        Ok(())
    }
}

/// Begins a set with the sealed segments of the one before. The backup that follows takes those that are still as in
/// the log for its own, and replaces the others.
///
/// It is on the list before it has a segment: what the set before has may be erased from that one at any moment, and the
/// links would keep it.
fn link_sealed(data_dir: &Path, live: &[SegmentInfo], to: &Path, previous: &Set) -> Result<(), BackupError> {
    let updated = previous.updated.to_string();
    let previous = &previous.path;
    let Some(mut manifest) = Manifest::read(previous)? else {
        return Ok(());
    };
    let copies = timberline_views::tools::log_files(previous)?.segments()?;
    // Of a log that was repaired since, or lost its end, the set gets what is there now; the one before keeps what it
    // has. What the log has lost in its midst is in every set.
    let is_taken = |segment: &ManifestSegment| {
        let copy = copies.iter().find(|info| info.first.get() == segment.first);
        let is = |live: &SegmentInfo, copy: &SegmentInfo| {
            (live.first, live.created, live.generation, live.used)
                == (copy.first, copy.created, copy.generation, copy.used)
        };
        copy.is_some_and(|copy| match lineage(live, copy) {
            // Linked is only what will never be written to: these bytes are the log's.
            Lineage::Version => live.iter().any(|live| is(live, copy)),
            Lineage::Lost => true,
            Lineage::Repaired | Lineage::Other | Lineage::Empty => false,
        })
    };
    manifest.segments.retain(is_taken);
    manifest.purged_through = None;
    let (from, log) = (previous.join(DataDir::LOG), to.join(DataDir::LOG));
    files::make_dir(to)?;
    manifest.write(to)?;
    files::make_dir(&log)?;
    let _lock = WriterLock::acquire(to).map_err(LogError::from)?;
    let begun = Registered {
        path: to.canonicalize().map_err(BackupError::io("find", to))?,
        time: updated,
        seq: manifest.seq,
    };
    // Where the list cannot be written, the set is made all the same, and its report says so.
    let _ = register(data_dir, begun);
    for segment in manifest.segments.iter().filter(|segment| segment.sealed) {
        let file = timberline_log::segment_name(timberline_log::Seq(segment.first));
        // Where that cannot be (the file system has no links, or no more), the segment is copied.
        let _ = fs::hard_link(from.join(&file), log.join(&file));
    }
    Ok(())
}

fn remove(dir: &Path) -> Result<(), BackupError> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(BackupError::io("remove", dir)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn set(dir: &Path, name: &str, seq: u64) {
        let set = dir.join(name);
        fs::create_dir_all(&set).unwrap();
        let manifest = Manifest {
            seq,
            time: "2026-11-25T03:00:00Z".to_owned(),
            ..Manifest::begun(String::new())
        };
        manifest.write(&set).unwrap();
    }

    /// A clock that was ahead named some sets; the right ones that came after them must not be pushed out by them.
    #[test]
    fn sets_that_are_named_in_the_future_go_when_it_is_their_turn() {
        let dir = tempfile::tempdir().unwrap();
        let data = tempfile::tempdir().unwrap();
        let log = data.path().join(DataDir::LOG);
        fs::create_dir_all(&log).unwrap();
        let storage = Arc::new(timberline_disk::FileStorage::open(log).unwrap());
        let (log, _) = timberline_log::Log::open(storage, timberline_log::LogOptions::default()).unwrap();
        log.close().unwrap();
        set(dir.path(), "2026-11-20T03-00-00Z", 10);
        set(dir.path(), "2036-11-21T03-00-00Z", 20);
        set(dir.path(), "2100-01-01T03-00-00Z", 21);
        set(dir.path(), "2026-11-22T03-00-00Z", 30);
        set(dir.path(), "2026-11-23T03-00-00Z", 40);
        let sets = Sets::new(dir.path().to_owned());
        let newest = dir.path().join("2026-11-23T03-00-00Z").canonicalize().unwrap();
        sets.prune(data.path(), &newest, 2).unwrap();
        let left: Vec<u64> = sets.list().unwrap().iter().map(|set| set.seq).collect();
        assert_eq!(left, [30, 40]);
    }
}

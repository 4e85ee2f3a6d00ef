//! Whether the files that the log writes are still the ones at their paths.
//!
//! A file that was removed or replaced can be written and synced without an error, and is gone when the process ends.
//! So the sync thread asks after each sync, before it reports anything durable: is this still the directory that was
//! opened, and does the segment's file still have its name? That takes two system calls. It looks at the other files
//! (sealed segments, the lock file) only when the directory's time says that a name has changed.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use timberline_disk::{DataDir, FileId, LockError, Storage, WriterLock};

use crate::Seq;
use crate::error::Damage;
use crate::format::segment::{SEGMENT_HEADER, UNNAMED_SUFFIX};
use crate::read::damage::missing_segment;
use crate::read::probe::list_segments;
use crate::sync::active::{ActiveSegment, SegmentTail};

/// A change of names that is younger may be followed by another with the same time: disks count time in ticks.
const TICK: i128 = 2_000_000_000;
/// Bytes copied at a time.
const CHUNK: usize = 1 << 20;

/// Something happened to the log's files while it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Incident {
    /// The file of a segment that is written was removed or replaced, and was written again, with all records.
    Restored {
        /// The segment file.
        path: PathBuf,
        /// Where the file is now that had taken its name; `None` if the segment's file was only gone.
        replaced: Option<PathBuf>,
    },
    /// Nothing is written until this is resolved.
    Held {
        /// What is missing, and what to do about it.
        reason: String,
    },
    /// What kept records from being written has passed.
    Resumed,
    /// A sealed segment is gone.
    Missing(Damage),
    /// A sealed segment that was gone is back.
    Back {
        /// The segment file.
        path: PathBuf,
    },
    /// The lock file was removed or replaced, and was made and locked again.
    LockRestored {
        /// The lock file.
        path: PathBuf,
    },
}

impl fmt::Display for Incident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Restored { path, replaced: None } => write!(
                f,
                "{} was removed while the log was written: it was written again, no record is lost",
                path.display()
            ),
            Self::Restored {
                path,
                replaced: Some(other),
            } => write!(
                f,
                "another file took the place of {} while the log was written: the segment was written again, no record is \
                 lost; the other file is now {}",
                path.display(),
                other.display()
            ),
            Self::Held { reason } => f.write_str(reason),
            Self::Resumed => f.write_str("the log's files are in their place again: writing goes on"),
            Self::Missing(damage) => write!(f, "{damage}. Put the file back, or a copy of it from a backup"),
            Self::Back { path } => write!(f, "{} is back", path.display()),
            Self::LockRestored { path } => write!(
                f,
                "{} was removed or replaced while the log was written: it was made and locked again",
                path.display()
            ),
        }
    }
}

/// What is wrong with the files of a log that is open for writing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Integrity {
    /// Why nothing is written at the moment; `None` if all is well.
    pub held: Option<String>,
    /// How often a segment's file was removed or replaced and written again.
    pub restored: u64,
    /// The sealed segments that are gone.
    pub missing: Vec<Damage>,
}

/// Why what was synced does not count as durable.
#[derive(Debug)]
pub(crate) enum Misplaced {
    /// The segment's file has not its name.
    Segment,
    /// The directory is gone, or cannot be looked at. Nothing can be done from here.
    Directory(String),
    /// Another process has become the writer.
    Taken(String),
}

/// Looks after the directory of a log. Belongs to the sync thread.
#[derive(Debug)]
pub(crate) struct Placement {
    /// When the names were last looked through.
    looked: Option<i128>,
    /// The sealed segments that should be there, with the segment that follows each.
    expected: BTreeMap<Seq, Seq>,
    /// Those of them that are not.
    missing: BTreeMap<Seq, Damage>,
    lock: Option<FileId>,
    /// A lock that was taken again, because the file of the first one is gone.
    relocked: Option<WriterLock>,
}

impl Placement {
    /// `lock` is what the writer holds.
    pub(crate) fn new(lock: Option<FileId>) -> Self {
        Self {
            looked: None,
            expected: BTreeMap::new(),
            missing: BTreeMap::new(),
            lock,
            relocked: None,
        }
    }

    /// These segments are there, and are not to go. `next` is where the records after them begin.
    pub(crate) fn expect(&mut self, firsts: &[Seq], next: Seq) {
        let followers = firsts.iter().skip(1).copied().chain([next]);
        self.expected.extend(firsts.iter().copied().zip(followers));
    }

    pub(crate) fn missing(&self) -> Vec<Damage> {
        self.missing.values().cloned().collect()
    }

    /// Whether a segment's file is where it should be, and what else has happened to the directory.
    pub(crate) fn check(
        &mut self,
        storage: &Arc<dyn Storage>,
        segment: &ActiveSegment,
    ) -> Result<Vec<Incident>, Misplaced> {
        let changed = storage
            .names_changed()
            .map_err(|error| Misplaced::Directory(directory_gone(storage, &error)))?;
        match storage.file_id(&segment.name()) {
            // Storage that knows no files has none that can be taken away.
            Ok(id) if segment.region.file_id().is_none_or(|mapped| mapped == id) => {}
            Ok(_) => return Err(Misplaced::Segment),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Misplaced::Segment),
            Err(error) => return Err(Misplaced::Directory(directory_gone(storage, &error))),
        }
        if self.looked == Some(changed) {
            return Ok(Vec::new());
        }
        let incidents = self.look_through(storage)?;
        self.looked = Some(changed).filter(|changed| (now() - changed).abs() > TICK);
        Ok(incidents)
    }

    fn look_through(&mut self, storage: &Arc<dyn Storage>) -> Result<Vec<Incident>, Misplaced> {
        let mut incidents: Vec<Incident> = self.keep_locked(storage)?.into_iter().collect();
        let Ok(there) = list_segments(storage) else {
            return Ok(incidents);
        };
        for (&first, &next) in &self.expected {
            let is_there = there.binary_search(&first).is_ok();
            if !is_there && !self.missing.contains_key(&first) {
                let damage = missing_segment(storage, first, next);
                self.missing.insert(first, damage.clone());
                incidents.push(Incident::Missing(damage));
            } else if is_there && let Some(damage) = self.missing.remove(&first) {
                incidents.push(Incident::Back { path: damage.path });
            }
        }
        Ok(incidents)
    }

    /// Without its file the lock locks nobody out: another process would make a new file and lock that.
    fn keep_locked(&mut self, storage: &Arc<dyn Storage>) -> Result<Option<Incident>, Misplaced> {
        let Some(mine) = self.lock else { return Ok(None) };
        let there = storage.file_id(DataDir::LOCK);
        if there.is_ok_and(|id| id == mine) {
            return Ok(None);
        }
        match storage.lock_writer() {
            Ok(lock) => {
                self.lock = lock.file();
                self.relocked = Some(lock);
                Ok(Some(Incident::LockRestored {
                    path: storage.path().join(DataDir::LOCK),
                }))
            }
            Err(LockError::Locked { holder, .. }) => Err(Misplaced::Taken(format!(
                "{} was removed or replaced, and {holder} has become the writer of {}: stop one of the two, then restart \
                 Timberline",
                storage.path().join(DataDir::LOCK).display(),
                storage.path().display()
            ))),
            // On a full disk there may be no room for it; the next look tries again.
            Err(_) => Ok(None),
        }
    }
}

pub(crate) fn directory_gone(storage: &Arc<dyn Storage>, error: &io::Error) -> String {
    format!(
        "the log's directory {} is no longer there ({error}): nothing is stored until it is back. Put it back, or restart \
         Timberline to work with what is there now",
        storage.path().display()
    )
}

fn now() -> i128 {
    timberline_clock::wall()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i128::try_from(since.as_nanos()).unwrap_or(i128::MAX))
}

/// What follows the segment's name in the name of a file that was set aside because it had taken that name.
const REPLACED: &str = ".replaced-";

/// The files that somebody put in the place of a segment while it was being written, and that were set aside.
///
/// # Errors
/// When the directory cannot be listed.
pub fn replaced_files(storage: &dyn Storage) -> io::Result<Vec<String>> {
    let mut names = storage.list()?;
    names.retain(|name| name.contains(REPLACED));
    Ok(names)
}

/// Writes a segment's file again, from the mapping of the one that has lost its name, and gives it the name. A file that
/// has taken the name gets another one. Everything up to `tail` is durable in it. Nobody may append meanwhile.
pub(crate) fn write_again(
    storage: &Arc<dyn Storage>,
    segment: &ActiveSegment,
    tail: SegmentTail,
    time: i64,
) -> io::Result<(ActiveSegment, Incident)> {
    let name = segment.name();
    let unnamed = format!("{name}{UNNAMED_SUFFIX}");
    // What an earlier attempt has left.
    let _ = storage.remove(&unnamed);
    let written = (|| {
        let len = (segment.region.len() as u64).max(SEGMENT_HEADER as u64);
        let region = storage.create_region(&unnamed, len)?;
        let end = usize::try_from(tail.offset)
            .unwrap_or(usize::MAX)
            .min(region.len());
        let mut chunk = vec![0; CHUNK.min(end)];
        for from in (0..end).step_by(CHUNK) {
            chunk.truncate(end - from);
            segment.region.read_at(from, &mut chunk);
            region.write(from, &chunk);
        }
        region.sync(0..end)?;
        let replaced = match storage.file_id(&name) {
            Ok(_) => {
                let aside = format!("{name}{REPLACED}{time}");
                storage.rename(&name, &aside)?;
                Some(storage.path().join(aside))
            }
            Err(_) => None,
        };
        storage.rename(&unnamed, &name)?;
        storage.sync_dir()?;
        Ok((region, replaced))
    })();
    match written {
        Ok((region, replaced)) => {
            let again = segment.durable_in(region, tail);
            let path = storage.path().join(name);
            Ok((again, Incident::Restored { path, replaced }))
        }
        Err(error) => {
            let _ = storage.remove(&unnamed);
            Err(error)
        }
    }
}

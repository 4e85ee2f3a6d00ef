//! Damaged view segments: which there are, and how they are healed.
//!
//! Healing means to put a segment together again from the log while the store serves. A thread that reads a damaged
//! segment waits until that is done (once for all readers) and then reads on; it need not know. The healed segment is in
//! memory. The compactor writes it to a new file, and the damaged file is set aside when no checkpoint needs it any more.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{OnceLock, Weak};

use parking_lot::Mutex;
use rustc_hash::FxHashSet;

use crate::files::names::SET_ASIDE;
use crate::record::BucketKey;
use crate::segment::{Heal, Healed, SegmentError, ViewSegment};
use timberline_disk::DataDir;

/// The damaged view files of a data directory that were set aside, by name. They may hold what the log has lost.
///
/// # Errors
/// When the directory is there and cannot be listed.
pub fn set_aside_views(data_dir: &std::path::Path) -> std::io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(data_dir.join(DataDir::VIEWS)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(SET_ASIDE) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// What has become of damaged view segments since the store was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ViewDamage {
    /// Segments that were found damaged.
    pub found: u64,
    /// Those that were put together again from the log.
    pub healed: u64,
    /// How often that failed.
    pub failed: u64,
    /// Events of them that neither they nor the log had.
    pub events_lost: u64,
    /// Events that a damaged log had lost and that were written back from old view files.
    pub salvaged: u64,
    /// Events in old view files that the log may have lost, and that could not be brought back with certainty.
    pub in_doubt: u64,
    /// Checkpoints and copies of them that could not be used; the other one of the two was.
    pub checkpoints: u64,
}

/// What a healer needs of its store.
pub(crate) trait Reconstruct: std::fmt::Debug + Send + Sync {
    /// What takes the place of a damaged segment, and how many of its events are lost.
    ///
    /// # Errors
    /// When the log cannot be read or written, so that it is to be tried again.
    fn reconstruct(&self, segment: &ViewSegment, why: &SegmentError) -> Result<(Healed, u64), SegmentError>;

    /// Tells the compactor that there is work.
    fn wake_compactor(&self);
}

/// Heals the segments of one store.
#[derive(Debug, Default)]
pub(crate) struct Healer {
    /// The store, which owns this healer; set once, when it is open. A healer without a store only counts.
    store: OnceLock<Weak<dyn Reconstruct>>,
    /// Damaged segments whose new file is still to be written. Readers add to it and the compactor takes from it, so it
    /// has a lock of its own: readers never wait for the compactor.
    due: Mutex<Vec<(BucketKey, String)>>,
    /// Files that are set aside instead of removed, because they may be the last copy of what the log has lost.
    damaged: Mutex<FxHashSet<String>>,
    /// Whether a checkpoint is due whatever its size: a damaged file was replaced, or the checkpoint itself is damaged.
    checkpoint_wanted: AtomicBool,
    found: AtomicU64,
    healed: AtomicU64,
    failed: AtomicU64,
    events_lost: AtomicU64,
    salvaged: AtomicU64,
    in_doubt: AtomicU64,
    checkpoints: AtomicU64,
}

impl Healer {
    /// Says whose segments they are.
    pub(crate) fn serve(&self, store: Weak<dyn Reconstruct>) {
        let first = self.store.set(store);
        debug_assert!(first.is_ok(), "a healer serves one store");
    }

    /// Counts the events that the start took, or could not take, from old view files.
    pub(crate) fn note_salvage(&self, salvaged: u64, in_doubt: u64) {
        self.salvaged.fetch_add(salvaged, Ordering::Relaxed);
        self.in_doubt.fetch_add(in_doubt, Ordering::Relaxed);
    }

    /// A damaged segment whose new file is to be written now.
    pub(crate) fn next_due(&self) -> Option<(BucketKey, String)> {
        self.due.lock().pop()
    }

    /// Has the compactor try again to write the new file of a damaged segment.
    pub(crate) fn retry(&self, key: BucketKey, file: &str) {
        self.due.lock().push((key, file.to_owned()));
    }

    /// Whether a file is damaged. The answer is given once: the caller sets the file aside.
    pub(crate) fn take_damaged(&self, file: &str) -> bool {
        self.damaged.lock().remove(file)
    }

    /// Notes that the checkpoint or its copy cannot be used: another is due.
    pub(crate) fn checkpoint_damaged(&self) {
        self.checkpoints.fetch_add(1, Ordering::Relaxed);
        self.want_checkpoint();
    }

    /// Has the compactor write a checkpoint.
    pub(crate) fn want_checkpoint(&self) {
        self.checkpoint_wanted.store(true, Ordering::Relaxed);
    }

    /// Whether a checkpoint was wanted since this was asked last.
    pub(crate) fn take_checkpoint_wanted(&self) -> bool {
        self.checkpoint_wanted.swap(false, Ordering::Relaxed)
    }

    /// What has become of damaged segments since the store was opened.
    pub(crate) fn counts(&self) -> ViewDamage {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        ViewDamage {
            found: read(&self.found),
            healed: read(&self.healed),
            failed: read(&self.failed),
            events_lost: read(&self.events_lost),
            salvaged: read(&self.salvaged),
            in_doubt: read(&self.in_doubt),
            checkpoints: read(&self.checkpoints),
        }
    }

    fn make_due(&self, segment: &ViewSegment) {
        self.retry(BucketKey(segment.header().bucket), segment.file());
        if let Some(store) = self.store.get().and_then(Weak::upgrade) {
            store.wake_compactor();
        }
    }
}

impl Heal for Healer {
    fn found(&self, segment: &ViewSegment, why: &SegmentError) {
        self.found.fetch_add(1, Ordering::Relaxed);
        self.damaged.lock().insert(segment.file().to_owned());
        tracing::error!(
            file = segment.file(),
            bucket = segment.header().bucket,
            damage = %why,
            "a view segment is damaged: it is put together again from the log; check the disk"
        );
        self.make_due(segment);
    }

    fn heal(&self, segment: &ViewSegment, why: &SegmentError) -> Result<Healed, SegmentError> {
        let store = self.store.get().and_then(Weak::upgrade);
        let healed = match &store {
            Some(store) => store.reconstruct(segment, why),
            None => Err(why.clone()),
        };
        match &healed {
            Ok((_, lost)) => {
                self.healed.fetch_add(1, Ordering::Relaxed);
                self.events_lost.fetch_add(*lost, Ordering::Relaxed);
                let file = segment.file();
                match lost {
                    0 => tracing::warn!(file, "a damaged view segment is whole again"),
                    _ => tracing::error!(
                        file,
                        bucket = segment.header().bucket,
                        lost,
                        "a damaged view segment is whole again but for events that the log does not have either"
                    ),
                }
                self.make_due(segment);
            }
            Err(error) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                tracing::error!(%error, "a damaged view segment could not be put together again; reads of it fail");
            }
        }
        healed.map(|(healed, _)| healed)
    }
}

//! When a checkpoint is due, and how far the last one reaches.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use timberline_disk::Storage;
use timberline_log::{LogReader, Seq};

use crate::error::CompactError;
use crate::files::checkpoint;
use crate::files::generations::{Generations, SeenGenerations};
use crate::view::Snapshot;

/// Bytes of log after which a checkpoint is due, unless checkpoints are large.
const CHECKPOINT_BYTES: u64 = 4 << 20;
/// A checkpoint is written again when so many times its own bytes came into the log.
const CHECKPOINT_RATIO: u64 = 8;

/// What is known about the checkpoint on the disk.
#[derive(Debug)]
pub(crate) struct Checkpointer {
    /// Bytes of log that the checkpoint on the disk does not include. Writers add to it under the sequencer's lock;
    /// it needs no lock of its own.
    unsaved: AtomicU64,
    /// Bytes of the last checkpoint. A checkpoint holds all heads, so a large one must be rarer, or it would cost more
    /// than folding its records again.
    saved: AtomicU64,
    /// The newest record that the checkpoint on the disk includes. Log segments up to it may be squashed.
    through: AtomicU64,
    /// Which versions of the log's segments the next checkpoint lists. It is locked only while a checkpoint is written.
    generations: Mutex<SeenGenerations>,
}

/// How much of the log was not in a checkpoint when this one was begun.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Begun(u64);

impl Checkpointer {
    /// After a start from a checkpoint with all records up to `through`.
    pub(crate) fn new(through: Seq, generations: Generations) -> Checkpointer {
        Checkpointer {
            unsaved: AtomicU64::new(0),
            saved: AtomicU64::new(0),
            through: AtomicU64::new(through.get()),
            generations: Mutex::new(SeenGenerations::of(generations)),
        }
    }

    /// Counts bytes of log that came after the checkpoint on the disk.
    pub(crate) fn note_bytes(&self, bytes: u64) {
        self.unsaved.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Whether there is anything in the log that the checkpoint on the disk does not include.
    pub(crate) fn has_unsaved(&self) -> bool {
        self.unsaved.load(Ordering::Relaxed) > 0
    }

    /// Whether enough was written since the last checkpoint to be worth another.
    pub(crate) fn is_due(&self) -> bool {
        let worth = CHECKPOINT_BYTES.max(CHECKPOINT_RATIO * self.saved.load(Ordering::Relaxed));
        self.unsaved.load(Ordering::Relaxed) >= worth
    }

    /// The newest record that the checkpoint on the disk includes.
    pub(crate) fn through(&self) -> Seq {
        Seq(self.through.load(Ordering::Relaxed))
    }

    /// Begins a checkpoint. To be called before its snapshot is taken: what is written later counts for the next one.
    pub(crate) fn begin(&self) -> Begun {
        Begun(self.unsaved.load(Ordering::Relaxed))
    }

    /// Writes a checkpoint of a snapshot, whose records must be durable, and its copy. Says how many bytes it has.
    ///
    /// # Errors
    /// When a file cannot be written: the checkpoint of before, or its copy, is still whole.
    pub(crate) fn write(
        &self,
        views: &dyn Storage,
        snapshot: &Snapshot,
        log: &Arc<dyn Storage>,
        log_rewrites: u64,
    ) -> Result<u64, CompactError> {
        let generations = self.generations(log, log_rewrites);
        let bytes = checkpoint::encode(snapshot, &generations)?;
        checkpoint::write(views, &bytes)?;
        Ok(bytes.len() as u64)
    }

    /// Notes that the checkpoint that was begun is on the disk.
    pub(crate) fn finish(&self, begun: Begun, through: Seq, bytes: u64) {
        debug_assert!(through >= self.through(), "checkpoints only go forward");
        self.through.store(through.get(), Ordering::Relaxed);
        self.unsaved.fetch_sub(begun.0, Ordering::Relaxed);
        self.saved.store(bytes, Ordering::Relaxed);
    }

    /// The versions of the log's segments. They are looked at once after the start, and again after some were replaced.
    fn generations(&self, log: &Arc<dyn Storage>, rewrites: u64) -> Generations {
        let mut seen = self.generations.lock();
        if !seen.is_current(rewrites) {
            // What cannot be read now is reported where it is needed; the next checkpoint looks again.
            if let Ok(segments) = LogReader::open(log.clone()).and_then(|reader| reader.segments()) {
                seen.update(&segments, rewrites);
            }
        }
        seen.generations().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_checkpoint_is_rarer() {
        let checkpointer = Checkpointer::new(Seq::NONE, Generations::new());
        checkpointer.note_bytes(CHECKPOINT_BYTES - 1);
        assert!(!checkpointer.is_due() && checkpointer.has_unsaved());
        checkpointer.note_bytes(1);
        assert!(checkpointer.is_due());
        let begun = checkpointer.begin();
        checkpointer.note_bytes(5);
        checkpointer.finish(begun, Seq(7), CHECKPOINT_BYTES);
        assert_eq!(checkpointer.through(), Seq(7));
        assert!(checkpointer.has_unsaved() && !checkpointer.is_due());
        checkpointer.note_bytes(CHECKPOINT_BYTES);
        assert!(!checkpointer.is_due());
        checkpointer.note_bytes((CHECKPOINT_RATIO - 1) * CHECKPOINT_BYTES);
        assert!(checkpointer.is_due());
    }
}

//! A fold of its own, apart from any store: what `timberline log verify` and `replay` work with.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use timberline_disk::Storage;
use timberline_log::Seq;

use super::flush::{FlushTrigger, head_sources, write_segment};
use crate::error::CompactError;
use crate::fold::{FoldError, State};
use crate::record::{BucketKey, CodecError, Record};
use crate::view::Replacement;
use crate::view::Snapshot;

/// Why a record could not be folded.
#[derive(Debug, thiserror::Error)]
pub enum ReplicaError {
    /// Its bytes are no record.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// It does not fit what came before it.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// Events could not be moved out of memory.
    #[error(transparent)]
    Compact(#[from] CompactError),
}

/// Folds records one by one. Events that no longer fit in memory go to view segments in `spill`.
#[derive(Debug)]
pub struct Replica {
    state: State,
    spill: Option<Arc<dyn Storage>>,
    next_file: AtomicU64,
    trigger: FlushTrigger,
}

impl Replica {
    /// The state before the first record. `spill` should be an empty directory of its own.
    pub fn new(spill: Arc<dyn Storage>) -> Replica {
        Replica::of(State::new(), Some(spill))
    }

    /// Goes on from a state. Without `spill` all events stay in memory.
    pub(crate) fn of(state: State, spill: Option<Arc<dyn Storage>>) -> Replica {
        Replica {
            state,
            spill,
            next_file: AtomicU64::new(1),
            trigger: FlushTrigger::default(),
        }
    }

    /// Folds one record.
    ///
    /// # Errors
    /// [`ReplicaError`]; after [`ReplicaError::Codec`] and [`ReplicaError::Fold`] the next record can be folded all
    /// the same.
    pub fn apply(&mut self, record: &timberline_log::Record<'_>) -> Result<(), ReplicaError> {
        let decoded = Record::decode(record.kind, record.payload)?;
        self.apply_decoded(record.seq, &decoded, record.payload)
    }

    /// The same for one that is decoded.
    pub(crate) fn apply_decoded(
        &mut self,
        seq: Seq,
        record: &Record<'_>,
        payload: &[u8],
    ) -> Result<(), ReplicaError> {
        if self.trigger.is_due(payload) {
            self.spill()?;
        }
        Ok(self.state.apply(seq, record)?)
    }

    /// The state as of the newest record folded.
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// The newest record folded.
    pub fn seq(&self) -> Seq {
        self.state.seq
    }

    /// Everything as of the newest record folded.
    pub fn snapshot(&self) -> Snapshot {
        self.state.snapshot()
    }

    /// The same as of a record: the newest folded, or one that stands for nothing (it may have been erased).
    pub(crate) fn into_snapshot(mut self, seq: Seq) -> Snapshot {
        self.state.seq = seq;
        self.state.snapshot()
    }

    fn spill(&mut self) -> Result<(), ReplicaError> {
        let Some(spill) = &self.spill else {
            return Ok(());
        };
        // What was frozen before (in the state that this one goes on from) is flushed first.
        let full = self.state.full_heads();
        let full: Vec<BucketKey> = full.map(|b| b.view.key).collect();
        for key in full {
            let (spill, next_file) = (&**spill, &self.next_file);
            let mut failed = None;
            self.state.edit(Seq::NONE, key, |b| {
                if b.view.frozen.is_empty() {
                    b.freeze();
                }
                let runs = b.view.frozen.clone();
                match write_segment(spill, next_file, key, &head_sources(&runs, b.view.touched), None) {
                    Ok(Some(segment)) => {
                        // It stays mapped. Without a name it is gone with this process, however that ends: what
                        // spills is somebody's history, and must not stay behind in a temporary directory.
                        let _ = spill.remove(segment.file());
                        b.install(Replacement::of_head(Some(segment), runs))?;
                    }
                    Ok(None) => {}
                    Err(e) => failed = Some(e),
                }
                Ok(())
            })?;
            if let Some(e) = failed {
                return Err(e.into());
            }
        }
        Ok(())
    }
}

//! Snapshots of the past: folded from the log. A few are kept, so that a client that moves through time pays for the way
//! from one to the next and not for the whole history at each step.

use std::sync::Arc;
use std::time::{Duration, Instant};
use timberline_cancel::Cancel;

use parking_lot::{Mutex, MutexGuard};
use timberline_disk::Storage;
use timberline_log::{LogReader, Seq};

use crate::error::HistoryError;
use crate::fold::{FoldError, State};
use crate::fold::{Replica, ReplicaError};
use crate::history::cancel_check::CancelCheck;
use crate::view::Snapshot;

/// How long snapshots are kept that nobody asks for.
const IDLE: Duration = Duration::from_secs(60);
/// Snapshots that are kept: each holds the heads of its time in memory, and its view segments mapped.
const MAX_SNAPSHOTS: usize = 6;

/// The snapshots of the past that are kept.
#[derive(Debug, Default)]
pub(crate) struct AsOfCache {
    /// Held for a lookup, never while something is folded: answers that are kept do not wait for those that are not.
    kept: Mutex<Kept>,
    /// Held by the request that folds the past, one at a time: each fold takes memory of its own, and the next request
    /// may find that its snapshot is there by then.
    as_of_lock: Mutex<()>,
}

/// The ones asked for last are at the end.
#[derive(Debug, Default)]
struct Kept {
    snapshots: Vec<Arc<Snapshot>>,
    asked: Option<Instant>,
}

impl AsOfCache {
    /// The snapshot as of this record, if it is kept.
    pub(crate) fn get(&self, seq: Seq) -> Option<Arc<Snapshot>> {
        let mut kept = self.kept.lock();
        let at = kept.snapshots.iter().position(|kept| kept.seq() == seq)?;
        kept.asked = Some(timberline_clock::monotonic());
        let found = kept.snapshots.remove(at);
        kept.snapshots.push(found.clone());
        Some(found)
    }

    /// The newest snapshot at or before a record.
    pub(crate) fn before(&self, seq: Seq) -> Option<Arc<Snapshot>> {
        let kept = self.kept.lock();
        let before = kept.snapshots.iter().filter(|kept| kept.seq() <= seq);
        before.max_by_key(|kept| kept.seq()).cloned()
    }

    pub(crate) fn keep(&self, snapshot: Arc<Snapshot>) {
        let mut kept = self.kept.lock();
        if kept.snapshots.len() == MAX_SNAPSHOTS {
            kept.snapshots.remove(0);
        }
        kept.asked = Some(timberline_clock::monotonic());
        kept.snapshots.push(snapshot);
    }

    /// Keeps others from folding the past while this is held.
    pub(crate) fn lock(&self) -> MutexGuard<'_, ()> {
        self.as_of_lock.lock()
    }

    /// Drops the snapshots that nobody has asked for in a while.
    pub(crate) fn drop_idle(&self) {
        let mut kept = self.kept.lock();
        if kept.asked.is_some_and(|asked| asked.elapsed() > IDLE) {
            kept.snapshots.clear();
        }
    }

    /// Drops all snapshots: after an erasure they still show what was erased.
    pub(crate) fn clear(&self) {
        self.kept.lock().snapshots.clear();
    }

    /// Drops all snapshots unless another thread uses the cache: for readers that must not wait for it.
    pub(crate) fn try_clear(&self) {
        if let Some(mut kept) = self.kept.try_lock() {
            kept.snapshots.clear();
        }
    }
}

/// Folds on from a state up to and including a record. Events that do not fit in memory go to `scratch`, if there is one.
///
/// # Errors
/// When the log is damaged on the way (then the answer is not known); [`HistoryError::Cancelled`].
pub(crate) fn fold(
    reader: &LogReader,
    from: State,
    to: Seq,
    scratch: Option<Arc<dyn Storage>>,
    cancel: &Cancel,
) -> Result<Snapshot, HistoryError> {
    let mut replica = Replica::of(from, scratch);
    let mut records = reader.read_from(replica.seq().next())?;
    // All records of a squashed segment have the same sequence number, so the fold goes on until a greater one.
    let mut check = CancelCheck::new(cancel);
    while let Some(record) = records.next() {
        let record = record?;
        check.after(record.payload.len())?;
        if record.seq > to {
            break;
        }
        match replica.apply(&record) {
            Ok(()) => {}
            Err(ReplicaError::Compact(error)) => return Err(error.into()),
            Err(ReplicaError::Codec(error)) => return Err(error.into()),
            Err(ReplicaError::Fold(FoldError::Segment(error))) => return Err(error.into()),
            // It was reported when it was written, and every check of the log reports it.
            Err(ReplicaError::Fold(error)) => {
                tracing::debug!(seq = %record.seq, %error, "a record does not fold");
            }
        }
    }
    Ok(replica.into_snapshot(to))
}

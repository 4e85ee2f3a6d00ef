//! Pictures of the past: folded from the log, and a few of them kept, so that whoever moves through time pays for the
//! way and not for the whole history at each step.

use std::sync::Arc;
use std::time::{Duration, Instant};

use timberline_cancel::Cancel;
use timberline_disk::Storage;
use timberline_log::{LogReader, Seq};

use crate::fold::{FoldError, State};
use crate::fold::{Replica, ReplicaError};
use crate::history::HistoryError;
use crate::history::cancel_check::CancelCheck;
use crate::view::Snapshot;

/// How long they are kept when nobody asks for them.
const IDLE: Duration = Duration::from_secs(60);
/// Pictures kept: each holds the heads of its time in memory, and its view segments mapped.
const KEPT: usize = 6;

/// Pictures of the past, the ones asked for last at the end.
#[derive(Debug, Default)]
pub(crate) struct Past {
    kept: Vec<Arc<Snapshot>>,
    asked: Option<Instant>,
}

impl Past {
    /// The picture of this record, if it is kept.
    pub(crate) fn get(&mut self, seq: Seq) -> Option<Arc<Snapshot>> {
        let at = self.kept.iter().position(|kept| kept.seq() == seq)?;
        self.asked = Some(Instant::now());
        let found = self.kept.remove(at);
        self.kept.push(found.clone());
        Some(found)
    }

    /// The newest picture at or before a record.
    pub(crate) fn before(&self, seq: Seq) -> Option<Arc<Snapshot>> {
        let before = self.kept.iter().filter(|kept| kept.seq() <= seq);
        before.max_by_key(|kept| kept.seq()).cloned()
    }

    pub(crate) fn keep(&mut self, snapshot: Arc<Snapshot>) {
        if self.kept.len() == KEPT {
            self.kept.remove(0);
        }
        self.asked = Some(Instant::now());
        self.kept.push(snapshot);
    }

    /// Lets go of them when nobody has asked for a while.
    pub(crate) fn tidy(&mut self) {
        if self.asked.is_some_and(|asked| asked.elapsed() > IDLE) {
            self.forget();
        }
    }

    /// What they show must not be shown any more.
    pub(crate) fn forget(&mut self) {
        self.kept.clear();
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
    // Several records of a squashed segment have one number: it is read on until there is a greater one.
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
            // Told when it was written and whenever the log is verified; the present shows it as well.
            Err(ReplicaError::Fold(error)) => {
                tracing::debug!(seq = %record.seq, %error, "a record does not fold");
            }
        }
    }
    Ok(replica.into_snapshot(to))
}

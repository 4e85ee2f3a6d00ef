//! Questions about the past.

use std::sync::Arc;
use timberline_cancel::Cancel;

use timberline_log::Seq;
use timberline_model::{EventId, Timestamp};

use super::handle::{Shared, Store};
use crate::erasure::select::{self, Selected, Selection};
use crate::error::HistoryError;
use crate::files::checkpoint::{self, Found};
use crate::fold::State;
use crate::history::as_of;
use crate::history::event_history::{self, EventHistory};
use crate::history::horizon::{horizon, time_of, within_history};
use crate::history::trash::{Deleted, DeletedWhat, Deletions, Stamp};
use crate::record::BucketKey;
use crate::view::Snapshot;

impl Store {
    /// The oldest record that [`Store::as_of`] can go back to, and when it was written; [`Seq::NONE`] if all of history
    /// is kept.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn history_from(&self) -> Result<(Seq, Timestamp), HistoryError> {
        horizon(&self.shared.reader()?)
    }

    /// Everything as it was when a record had just been written. `cancel` is checked now and then.
    ///
    /// # Errors
    /// [`HistoryError::TooOld`], [`HistoryError::TooNew`]; when the log is damaged on the way; [`HistoryError::Cancelled`].
    pub fn as_of(&self, seq: Seq, cancel: &Cancel) -> Result<Arc<Snapshot>, HistoryError> {
        let shared = &*self.shared;
        let now = self.snapshot();
        if seq == now.seq() {
            return Ok(now);
        }
        if seq > now.seq() {
            return Err(HistoryError::TooNew {
                asked: seq,
                newest: now.seq(),
            });
        }
        let reader = shared.reader()?;
        within_history(&reader, seq)?;
        if let Some(kept) = shared.as_of.get(seq) {
            return Ok(kept);
        }
        let _one_at_a_time = shared.as_of.lock();
        if let Some(kept) = shared.as_of.get(seq) {
            return Ok(kept);
        }
        let scratch = shared.options.scratch.clone();
        let from = shared.base_of(seq);
        let snapshot = Arc::new(as_of::fold(&reader, from, seq, scratch, cancel)?);
        // If the log was squashed meanwhile, the fold has seen only a part.
        within_history(&reader, seq)?;
        shared.as_of.keep(snapshot.clone());
        Ok(snapshot)
    }

    /// The newest record that was written at or before an instant; [`Seq::NONE`] if that was before the first.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn seq_at(&self, instant: Timestamp) -> Result<Seq, HistoryError> {
        let reader = self.shared.reader()?;
        let segments = reader.segments()?;
        let dates = self.shared.clock.record_dates(&segments);
        let now = self.shared.clock.now();
        let mut found = Seq::NONE;
        for segment in segments.iter().rev() {
            let created = segment.created.map(Timestamp::from_nanos);
            let created = created.map(|created| dates.date(segment.first, created));
            // One that was made in the future was made by a wrong clock, which says nothing about its records.
            if created.is_some_and(|created| created > instant && created <= now) {
                continue;
            }
            let mut records = reader.read_from(segment.first)?;
            while let Some(record) = records.next() {
                let Ok(record) = record else { continue };
                if segment.last.is_some_and(|last| record.seq > last) {
                    break;
                }
                if dates.date(record.seq, Timestamp::from_nanos(record.time)) <= instant {
                    found = found.max(record.seq);
                }
            }
            if found > Seq::NONE {
                break;
            }
        }
        Ok(found)
    }

    /// What happened to an event: the newest `limit` changes. `None` when there is no bucket of this id.
    ///
    /// # Errors
    /// When the log cannot be read; [`HistoryError::Cancelled`].
    pub fn event_history(
        &self,
        bucket: &str,
        id: EventId,
        limit: usize,
        cancel: &Cancel,
    ) -> Result<Option<EventHistory>, HistoryError> {
        let snapshot = self.snapshot();
        let Some(view) = snapshot.bucket(bucket) else {
            return Ok(None);
        };
        let reader = self.shared.reader()?;
        let (squashed, _) = horizon(&reader)?;
        event_history::event_history(&reader, view.key, id, (squashed, snapshot.seq()), limit, cancel)
            .map(Some)
    }

    /// Whether what a record deleted can be restored. Reads the log from that record on.
    ///
    /// # Errors
    /// When the log cannot be read; [`HistoryError::Cancelled`].
    pub fn is_in_trash(&self, seq: Seq, cancel: &Cancel) -> Result<bool, HistoryError> {
        let snapshot = self.snapshot();
        if snapshot.trashed().any(|trashed| trashed.deleted() == seq) {
            return Ok(true);
        }
        let reader = self.shared.reader()?;
        let (squashed, _) = horizon(&reader)?;
        if seq <= squashed || seq > snapshot.seq() {
            return Ok(false);
        }
        // Later records say whether it was restored or deleted again.
        let dates = self.shared.clock.record_dates(&reader.segments()?);
        let deletions = Deletions::read(&reader, seq, Timestamp::MAX, &dates, &mut &*cancel)?;
        let ours = |((by, _), key, _): &(Stamp, BucketKey, Vec<EventId>)| {
            *by == seq && snapshot.bucket_of(*key).is_some()
        };
        Ok(deletions.by_record().iter().any(ours))
    }

    /// What was deleted and can be restored, the newest first. `cancel` is checked now and then.
    ///
    /// # Errors
    /// When the log cannot be read; [`HistoryError::Cancelled`].
    pub fn trash(&self, cancel: &Cancel) -> Result<Vec<Deleted>, HistoryError> {
        let snapshot = self.snapshot();
        let reader = self.shared.reader()?;
        let keep = self.shared.options.erase_after.into();
        let dates = self.shared.clock.record_dates(&reader.segments()?);
        let mut found = Vec::new();
        for trashed in snapshot.trashed() {
            let time = dates.date(trashed.deleted(), time_of(&reader, trashed.deleted())?);
            found.push(Deleted {
                seq: trashed.deleted(),
                time,
                bucket: trashed.view.bucket.id.clone(),
                what: DeletedWhat::Bucket(trashed.view.len),
                erased_at: time.saturating_add(keep),
            });
        }
        let (squashed, _) = horizon(&reader)?;
        let deletions = Deletions::read(&reader, squashed.next(), Timestamp::MAX, &dates, &mut &*cancel)?;
        for ((seq, time), key, ids) in deletions.by_record() {
            let Some(view) = snapshot.bucket_of(key) else {
                continue;
            };
            found.push(Deleted {
                seq,
                time,
                bucket: view.bucket.id.clone(),
                what: DeletedWhat::Events(ids),
                erased_at: time.saturating_add(keep),
            });
        }
        found.sort_by_key(|deleted| std::cmp::Reverse(deleted.seq));
        Ok(found)
    }

    /// Finds what matches, also what did before it was changed or deleted, with up to `samples` examples.
    ///
    /// # Errors
    /// When the log cannot be read; [`HistoryError::Cancelled`].
    pub fn select(
        &self,
        selection: &Selection<'_>,
        samples: usize,
        cancel: &Cancel,
    ) -> Result<Selected, HistoryError> {
        let snapshot = self.snapshot();
        select::select(&self.shared.reader()?, &snapshot, selection, samples, cancel)
    }
}

impl Shared {
    /// A state at or before a record, the nearer the better.
    fn base_of(&self, seq: Seq) -> State {
        let kept = self.as_of.before(seq);
        let at = kept.as_ref().map_or(Seq::NONE, |kept| kept.seq());
        let checkpointed = self.checkpointer.through();
        if checkpointed > at && checkpointed <= seq {
            // It may be replaced meanwhile, and files that it names may go: then the fold begins earlier. That is no damage,
            // so nothing is to be healed.
            if let Ok(Found::Checkpoint(checkpoint)) = checkpoint::read(self.files.storage(), None)
                && checkpoint.state.seq <= seq
            {
                return checkpoint.state;
            }
        }
        kept.map_or_else(State::new, |kept| State::of(&kept))
    }
}

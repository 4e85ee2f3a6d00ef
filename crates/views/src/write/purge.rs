//! Orders to erase: from the moment that they are durable, nobody can see what they name.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use timberline_log::Seq;
use timberline_model::EventId;

use crate::erasure::select;
use crate::error::HistoryError;
use crate::record::{BucketKey, Purge, PurgeBegun, Record, Through};
use crate::sequencer::{MAX_ROUNDS, Prepared};
use crate::store::{Shared, Store};
use crate::view::{BucketView, Located, Snapshot};

impl Store {
    /// The first half of [`Store::purge`]: writes the orders down, durably. On return everything in them is out of
    /// sight and will be erased. Nothing was ordered if this fails with a [`WriteError`](crate::error::WriteError) that passes.
    ///
    /// # Errors
    /// When they cannot be written down.
    pub fn order_purge(&self, purges: &[PurgeBegun]) -> Result<(), HistoryError> {
        self.shared.enqueue_purges(purges)
    }

    /// The first half for events that a bucket has now: they go with everything they ever were. The log is not searched.
    ///
    /// # Errors
    /// As [`Store::order_purge`].
    pub fn order_purge_of(&self, bucket: BucketKey, ids: &[EventId]) -> Result<(), HistoryError> {
        let ids = ids.to_vec();
        self.order_purge(&select::purges(bucket, [(Through::Now, ids)].into()))
    }
}

impl Shared {
    /// Writes purges down, durably.
    pub(crate) fn enqueue_purges(&self, purges: &[PurgeBegun]) -> Result<(), HistoryError> {
        if purges.is_empty() {
            return Ok(());
        }
        let seq = self.write_orders(purges)?;
        self.as_of.clear();
        Ok(self.sequencer.wait_durable(seq)?)
    }

    /// Appends the orders. Where the events lie is found before the lock.
    fn write_orders(&self, purges: &[PurgeBegun]) -> Result<Seq, HistoryError> {
        for round in 1..=MAX_ROUNDS {
            let snapshot = self.sequencer.snapshot();
            let batch = prepared(purges, &snapshot)?;
            self.sequencer.interleave();
            let mut turn = self.sequencer.lock();
            let bucket = |key| turn.state.anywhere(key).map(|(bucket, _)| &bucket.view);
            let holds =
                |located: &Arc<Located>| bucket(located.bucket()).is_none_or(|view| located.covers(view));
            // Whatever came between, it is found again by the fold in the last round.
            if round == MAX_ROUNDS || batch.iter().all(|order| order.located.as_ref().is_none_or(holds)) {
                return Ok(self.sequencer.commit_all(&mut turn, &batch)?);
            }
        }
        Err(HistoryError::Unsettled)
    }
}

/// Encodes orders, and finds where the events lie that are there.
fn prepared<'a>(purges: &[PurgeBegun], snapshot: &Snapshot) -> Result<Vec<Prepared<'a>>, HistoryError> {
    // Each order finds the view as the one before it leaves it.
    let mut views: FxHashMap<BucketKey, BucketView> = FxHashMap::default();
    let mut batch = Vec::with_capacity(purges.len());
    for purge in purges {
        let ids: Vec<EventId> = Purge::of(purge).removed().flatten().copied().collect();
        let mut located = None;
        if !ids.is_empty()
            && let Some(view) = views
                .remove(&purge.bucket)
                .or_else(|| snapshot.kept_of(purge.bucket).cloned())
        {
            // What cannot be read must not keep the order from being written.
            located = Located::of(&view, &ids).ok();
            let left = located.as_ref().map_or(view, Located::without);
            views.insert(purge.bucket, left);
        }
        let record = Record::PurgeBegun(purge.clone());
        batch.push(Prepared::of(record, located.map(Arc::new))?);
    }
    Ok(batch)
}

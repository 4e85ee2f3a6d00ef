//! Which heads are to be flushed: full ones, and the largest if all heads together take too much memory.

use timberline_log::Seq;

use crate::fold::{BucketState, FoldError};
use crate::record::BucketKey;

use super::State;

/// Bytes that the heads of all buckets may take together before the largest are flushed although they are not full: with
/// many buckets that all grow, memory must not go by their number.
const MAX_HEADS_BYTES: usize = 32 << 20;

impl State {
    /// The buckets whose heads are worth flushing.
    pub(crate) fn full_heads(&self) -> impl Iterator<Item = &BucketState> {
        let growing = self.growing.iter().filter_map(|key| self.buckets.get(key));
        let crowded = self.heads_take_too_much();
        growing.filter(move |bucket| bucket.is_full() || crowded && bucket.is_sizable())
    }

    /// The head to flush next: the fullest of those that are full; if there is none, and all heads together take too
    /// much, the one that takes most. Buckets whose heads are no longer of interest are taken off the list.
    pub(crate) fn fullest_head(&mut self) -> Option<BucketKey> {
        let buckets = &self.buckets;
        // Runs that are still frozen are those of a flush that failed.
        let due = |b: &BucketState| b.is_full() || !b.view.frozen.is_empty();
        self.growing
            .retain(|key| buckets.get(key).is_some_and(|b| due(b) || b.is_sizable()));
        let growing = || self.growing.iter().filter_map(|key| buckets.get(key));
        let fullest = growing().filter(|b| due(b)).max_by_key(|b| b.view.head_rows());
        let heaviest = || growing().max_by_key(|b| b.head_weight());
        fullest
            .or_else(|| {
                if self.heads_take_too_much() {
                    heaviest()
                } else {
                    None
                }
            })
            .map(|b| b.view.key)
    }

    /// Whether the heads of all buckets together are to become smaller.
    pub(crate) fn heads_take_too_much(&self) -> bool {
        self.heads > MAX_HEADS_BYTES
    }

    /// Freezes the head of a bucket to flush it, unless that was done before and not finished.
    pub(crate) fn freeze(&mut self, key: BucketKey) -> Result<(), FoldError> {
        self.edit(Seq::NONE, key, |bucket| {
            if bucket.view.frozen.is_empty() {
                bucket.freeze();
            }
            Ok(())
        })?;
        self.growing.insert(key);
        Ok(())
    }

    pub(super) fn note_growth(&mut self, key: BucketKey) {
        if self
            .buckets
            .get(&key)
            .is_some_and(|bucket| bucket.is_full() || bucket.is_sizable())
        {
            self.growing.insert(key);
        }
    }
}

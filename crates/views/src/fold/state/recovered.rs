//! Buckets whose creation the log has lost.

use std::sync::Arc;

use timberline_log::Seq;
use timberline_model::Timestamp;

use crate::fold::FoldError;
use crate::record::{BucketCreated, BucketKey, Effect};
use crate::view::Changes;

use super::State;

/// A bucket that was put together again because the record that created it is lost.
#[derive(Clone, Debug)]
pub(crate) struct RecoveredBucket {
    /// The record that first spoke of it.
    pub(crate) seq: Seq,
    pub(crate) key: BucketKey,
    /// The id that it got.
    pub(crate) id: String,
}

/// The id of a bucket whose real one is lost.
fn recovered_name(key: BucketKey) -> String {
    format!("recovered-{}", key.0)
}

/// The bucket that a record adds something to.
pub(super) fn adds_to(effect: &Effect<'_>) -> Option<BucketKey> {
    match effect {
        Effect::UpdateBucket(r) => Some(r.bucket),
        Effect::ListBucket(r) => Some(r.bucket),
        Effect::ChangeEvents(changes) => changes.put.map(|_| changes.bucket),
        Effect::CreateBucket(_)
        | Effect::DeleteBucket(_)
        | Effect::RestoreBucket(_)
        | Effect::Set { .. }
        | Effect::Purge(_)
        | Effect::EndPurges { .. }
        | Effect::TakeBatch { .. }
        | Effect::Nothing => None,
    }
}

impl State {
    /// Sees to it that there is a bucket of this key before something is added to it. A writer adds only to buckets that
    /// are there, so if there is none, the record that made it, or brought it back, is lost; what was added is not.
    pub(super) fn expect_bucket(&mut self, seq: Seq, key: BucketKey) {
        if self.buckets.contains_key(&key) {
            return;
        }
        if self.trash.contains_key(&key) && self.restore_bucket(seq, key).is_ok() {
            tracing::warn!(
                %seq,
                bucket = key.0,
                "a deleted bucket took in events: the record that restored it is lost"
            );
            return;
        }
        let mut id = recovered_name(key);
        while self.keys.contains_key(id.as_str()) {
            id.push('-');
        }
        if let Some((_, bucket)) = self.trash.get_mut(&key) {
            tracing::warn!(
                %seq,
                bucket = key.0,
                id,
                "a deleted bucket took in events, and its id is another's by now: it is shown under this one"
            );
            let listing = Arc::make_mut(&mut bucket.view.bucket);
            listing.id.clone_from(&id);
            listing.aliases.clear();
            if self.restore_bucket(seq, key).is_ok() {
                self.recovered.push(RecoveredBucket { seq, key, id });
            }
            return;
        }
        tracing::warn!(
            %seq,
            bucket = key.0,
            id,
            "the record that made a bucket is lost: its events are shown under this id"
        );
        let created = BucketCreated {
            bucket: key,
            id: &id,
            type_: "unknown",
            client: "unknown",
            hostname: "unknown",
            created: Timestamp::EPOCH,
            data: "{}",
            last_updated: None,
        };
        if self.create_bucket(seq, &created).is_ok() {
            self.recovered.push(RecoveredBucket { seq, key, id });
        }
    }

    /// The buckets whose creation is lost.
    pub(crate) fn recovered(&self) -> &[RecoveredBucket] {
        &self.recovered
    }

    /// Whether this bucket is there under a name of ours.
    pub(crate) fn is_recovered(&self, key: BucketKey) -> bool {
        let bucket = self.buckets.get(&key).map(|b| &b.view.bucket);
        bucket.is_some_and(|b| b.type_ == "unknown" && b.id.starts_with(&recovered_name(key)))
    }

    /// Gives a bucket that was put together again what the record says that makes it.
    pub(super) fn adopt(&mut self, seq: Seq, r: &BucketCreated<'_>) -> Result<(), FoldError> {
        if self.keys.contains_key(r.id) {
            return Err(FoldError::BucketExists(r.id.to_owned()));
        }
        let mut bucket = self.take_out(seq, r.bucket)?;
        bucket.view.bucket = Arc::new(r.made().into());
        bucket.view.touched = seq;
        bucket.view.changes = Changes::since(seq);
        self.add(bucket);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{BucketListed, EventBlock, EventsInserted, Record};
    use timberline_model::{Duration, EventId};

    fn create(state: &mut State, seq: u64, key: u32, id: &str) {
        let created = BucketCreated {
            bucket: BucketKey(key),
            id,
            type_: "t",
            client: "c",
            hostname: "h",
            created: Timestamp::EPOCH,
            data: "{}",
            last_updated: None,
        };
        state.apply(Seq(seq), &Record::BucketCreated(created)).unwrap();
    }

    fn insert(state: &mut State, seq: u64, key: u32, id: u64) {
        let inserted = EventsInserted {
            bucket: BucketKey(key),
            first: EventId(id),
            events: EventBlock::from_events([(Timestamp::EPOCH, Duration::ZERO, "{}")].into_iter()),
        };
        state.apply(Seq(seq), &Record::EventsInserted(inserted)).unwrap();
    }

    /// The record that renamed the first bucket is lost, so its id seems to be given twice. No event is.
    #[test]
    fn a_bucket_whose_rename_is_lost_keeps_its_events() {
        let mut state = State::new();
        create(&mut state, 1, 0, "a");
        insert(&mut state, 2, 0, 1);
        create(&mut state, 4, 1, "a");
        insert(&mut state, 5, 0, 2);
        let snapshot = state.snapshot();
        assert_eq!(snapshot.bucket("recovered-0").map(|view| view.len()), Some(2));
        assert_eq!(snapshot.bucket("a").map(|view| view.key), Some(BucketKey(1)));
        // A later rename is known again.
        let listed = BucketListed {
            bucket: BucketKey(0),
            id: Some("b"),
            aliases: Some(vec!["c"]),
            archived: None,
        };
        state.apply(Seq(6), &Record::BucketListed(listed)).unwrap();
        let snapshot = state.snapshot();
        assert_eq!(snapshot.bucket("c").map(|view| &*view.bucket().id), Some("b"));
        assert_eq!(snapshot.buckets().count(), 2);
    }
}

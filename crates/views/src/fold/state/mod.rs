//! The state, and the fold over it: `(state, record) -> state`. Live writes, recovery, rebuilds and replays all go through
//! [`State::apply`].
//!
//! | file | what it does |
//! |---|---|
//! | `mod` | the state; [`State::apply`] |
//! | `buckets` | creates, changes, renames, deletes, restores and purges buckets |
//! | `recovered` | buckets whose creation the log has lost |
//! | `heads` | which heads are to be flushed |

mod buckets;
mod heads;
mod recovered;

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use timberline_log::{Position, Seq};
use timberline_model::EventId;

use crate::collections::{Names, Table};
use crate::fold::batches::Batches;
use crate::fold::{Batch, BucketState, FoldError};
use crate::record::{BucketKey, Effect, EventChanges, Record};
use crate::view::{BucketView, Located};
use crate::view::{Snapshot, Trashed};

use recovered::{RecoveredBucket, adds_to};

/// Everything the log says, folded up to one seq.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) seq: Seq,
    /// Where the next record begins, if that is known.
    pub(crate) position: Option<Position>,
    pub(crate) next_event: EventId,
    next_bucket: u32,
    /// Newest seq that made, changed or deleted a bucket.
    listed: Seq,
    settings: Arc<BTreeMap<String, String>>,
    names: Names,
    keys: FxHashMap<Arc<str>, BucketKey>,
    buckets: FxHashMap<BucketKey, BucketState>,
    /// Deleted buckets, which can be restored until they are purged, and the seq of their deletion.
    trash: BTreeMap<BucketKey, (Seq, BucketState)>,
    /// Seqs of purges that are not complete.
    purges: Arc<Vec<Seq>>,
    /// Requests that must not be carried out a second time.
    batches: Batches,
    table: Table<Arc<BucketView>>,
    /// What the snapshots show of `trash`.
    trashed: Table<Trashed>,
    /// Buckets whose heads may be worth flushing, so that the compactor need not look at all buckets.
    growing: FxHashSet<BucketKey>,
    /// Bytes that the heads of all buckets take together, about.
    heads: usize,
    /// See [`State::recovered`].
    recovered: Vec<RecoveredBucket>,
}

impl State {
    pub(crate) fn new() -> State {
        State {
            seq: Seq::NONE,
            position: None,
            next_event: EventId::MIN,
            next_bucket: 0,
            listed: Seq::NONE,
            settings: Arc::default(),
            names: Names::default(),
            keys: FxHashMap::default(),
            buckets: FxHashMap::default(),
            trash: BTreeMap::new(),
            purges: Arc::default(),
            batches: Batches::default(),
            table: Table::default(),
            trashed: Table::default(),
            growing: FxHashSet::default(),
            heads: 0,
            recovered: Vec::new(),
        }
    }

    /// The state that a checkpoint holds.
    pub(crate) fn restore(
        seq: Seq,
        next_event: EventId,
        next_bucket: u32,
        settings: BTreeMap<String, String>,
        buckets: Vec<BucketState>,
        trash: Vec<(Seq, BucketState)>,
        purges: Vec<Seq>,
    ) -> State {
        let mut state = State {
            seq,
            next_event,
            next_bucket,
            listed: seq,
            settings: Arc::new(settings),
            ..State::new()
        };
        for bucket in buckets {
            state.add(bucket);
        }
        for (seq, bucket) in trash {
            state.throw_away(seq, bucket);
        }
        state.purges = Arc::new(purges);
        state
    }

    /// The same, with the requests that were carried out.
    pub(crate) fn with_batches(self, batches: impl Iterator<Item = Batch>) -> State {
        State {
            batches: Batches::of(batches),
            ..self
        }
    }

    /// Goes on from a snapshot.
    pub(crate) fn of(snapshot: &Snapshot) -> State {
        let trash = snapshot.trashed();
        State {
            position: snapshot.position,
            ..State::restore(
                snapshot.seq,
                snapshot.next_event,
                snapshot.next_bucket,
                snapshot.settings.as_ref().clone(),
                snapshot.buckets().map(BucketState::of).collect(),
                trash.map(|t| (t.seq, BucketState::of(&t.view))).collect(),
                snapshot.purges.to_vec(),
            )
            .with_batches(snapshot.batches.iter().cloned())
        }
    }

    pub(crate) fn next_bucket(&self) -> BucketKey {
        BucketKey(self.next_bucket)
    }

    /// The bucket with this id or alias.
    pub(crate) fn named(&self, id: &str) -> Option<&BucketState> {
        self.keys.get(id).and_then(|key| self.buckets.get(key))
    }

    pub(crate) fn bucket(&self, key: BucketKey) -> Option<&BucketState> {
        self.buckets.get(&key)
    }

    /// The bucket with this key, there or in the trash, and whether it is in the trash.
    pub(crate) fn anywhere(&self, key: BucketKey) -> Option<(&BucketState, bool)> {
        let there = self.buckets.get(&key).map(|bucket| (bucket, false));
        there.or_else(|| self.trash.get(&key).map(|(_, bucket)| (bucket, true)))
    }

    /// Says where the events lie that the next record of a bucket names, or that it is not known any more.
    pub(crate) fn expect(&mut self, key: BucketKey, located: Option<Arc<Located>>) {
        let trashed = self.trash.get_mut(&key).map(|(_, bucket)| bucket);
        if let Some(bucket) = self.buckets.get_mut(&key).or(trashed) {
            bucket.expect(located);
        }
    }

    pub(crate) fn settings(&self) -> &BTreeMap<String, String> {
        &self.settings
    }

    /// The snapshot that readers get.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            seq: self.seq,
            position: self.position,
            next_event: self.next_event,
            next_bucket: self.next_bucket,
            listed: self.listed,
            settings: self.settings.clone(),
            names: self.names.clone(),
            table: self.table.clone(),
            trash: self.trashed.clone(),
            purges: self.purges.clone(),
            batches: self.batches.list().clone(),
        }
    }

    /// The record that says that a request was carried out, if that is remembered.
    pub(crate) fn batch(&self, client: &str, id: &str) -> Option<Seq> {
        self.batches.find(client, id)
    }

    /// Folds one record in. Its numbers end where there is a next one: [`Record::check_numbers`].
    ///
    /// # Errors
    /// When the record does not fit; the state is then as before, but for `seq`.
    pub(crate) fn apply(&mut self, seq: Seq, record: &Record<'_>) -> Result<(), FoldError> {
        self.seq = seq;
        self.position = None;
        let effect = record.effect();
        if let Some(key) = adds_to(&effect) {
            self.expect_bucket(seq, key);
        }
        if let Effect::ChangeEvents(changes) = &effect
            && let Some(first) = changes.put.and_then(|put| put.first_new())
            && first < self.next_event
        {
            return Err(FoldError::IdReused(first));
        }
        // Ids are used up whatever becomes of the events.
        let used = record.ids_used();
        self.next_event = self.next_event.max(used.next_event);
        self.next_bucket = self.next_bucket.max(used.next_bucket);
        match effect {
            Effect::CreateBucket(r) => self.create_bucket(seq, r),
            Effect::UpdateBucket(r) => self.update_bucket(seq, r),
            Effect::ListBucket(r) => self.list_bucket(seq, r),
            Effect::DeleteBucket(key) => self.delete_bucket(seq, key),
            Effect::RestoreBucket(key) => self.restore_bucket(seq, key),
            Effect::ChangeEvents(changes) => self.change_events(seq, &changes),
            Effect::Set { key, value } => {
                let settings = Arc::make_mut(&mut self.settings);
                match value {
                    Some(value) => drop(settings.insert(key.to_owned(), value.to_owned())),
                    None => drop(settings.remove(key)),
                }
                Ok(())
            }
            Effect::Purge(purge) => self.begin_purge(seq, purge),
            Effect::EndPurges { through } => {
                Arc::make_mut(&mut self.purges).retain(|purge| *purge > through);
                Ok(())
            }
            Effect::TakeBatch { client, id } => {
                self.batches.add(client, id, seq);
                Ok(())
            }
            Effect::Nothing => Ok(()),
        }
    }

    fn change_events(&mut self, seq: Seq, changes: &EventChanges<'_>) -> Result<(), FoldError> {
        let result = self.edit(seq, changes.bucket, |bucket| bucket.change(changes));
        if changes.put.is_some() {
            self.note_growth(changes.bucket);
        }
        match result {
            // What an erased record leaves; the bucket may be gone with it.
            Err(FoldError::NoSuchBucket(_)) if changes.is_empty() => Ok(()),
            result => result,
        }
    }

    /// Changes a bucket and shows the change in the next snapshot.
    pub(crate) fn edit(
        &mut self,
        seq: Seq,
        key: BucketKey,
        change: impl FnOnce(&mut BucketState) -> Result<(), FoldError>,
    ) -> Result<(), FoldError> {
        let bucket = self.buckets.get_mut(&key).ok_or(FoldError::NoSuchBucket(key.0))?;
        // Whatever was changed before an error is part of the state and so of the snapshot.
        let before = bucket.head_weight();
        let changed = change(bucket);
        bucket.touch(seq);
        self.heads = (self.heads + bucket.head_weight()).saturating_sub(before);
        self.table.set(key, Some(Arc::new(bucket.view.clone())));
        changed
    }
}

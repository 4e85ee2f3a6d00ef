//! The fold: `(state, record) -> state`. Live writes, recovery, rebuilds and replays all go through [`State::apply`].

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use timberline_log::{Position, Seq};
use timberline_model::{Data, EventId, Timestamp};

use crate::collections::{Names, Table};
use crate::fold::BucketState;
use crate::record::{BucketCreated, BucketKey, BucketUpdated, Effect, EventChanges, Purge, Record};
use crate::segment::SegmentError;
use crate::view::{BucketView, Changes, Located};
use crate::view::{Snapshot, Trashed};

/// Why a record does not fit the state before it. With an undamaged log this does not happen; after damage, records
/// that build on a lost one are reported with this and passed over.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FoldError {
    /// It speaks of a bucket that is not there.
    #[error("it refers to bucket number {0}, which no record before it created")]
    NoSuchBucket(u32),
    /// It speaks of an event that is not there.
    #[error("it extends event {event} of bucket number {bucket}, which is not there")]
    NoSuchEvent {
        /// The bucket's key.
        bucket: u32,
        /// The event's id.
        event: EventId,
    },
    /// It creates what is there already.
    #[error("it creates bucket {0:?}, which is there already")]
    BucketExists(String),
    /// It brings back a bucket that was not deleted.
    #[error("it restores bucket number {0}, which is not among the deleted ones")]
    NotDeleted(u32),
    /// It gives an id that was given before.
    #[error("it gives event id {0} a second time")]
    IdReused(EventId),
    /// A view segment had to be read and is damaged.
    #[error(transparent)]
    Segment(#[from] SegmentError),
}

/// Bytes that the heads of all buckets may take together before the largest are flushed although they are not full: with
/// many buckets that all grow, memory must not go by their number.
const MAX_HEADS_BYTES: usize = 32 << 20;

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
fn adds_to(effect: &Effect<'_>) -> Option<BucketKey> {
    match effect {
        Effect::UpdateBucket(r) => Some(r.bucket),
        Effect::ChangeEvents(changes) => changes.put.map(|_| changes.bucket),
        Effect::CreateBucket(_)
        | Effect::DeleteBucket(_)
        | Effect::RestoreBucket(_)
        | Effect::Set { .. }
        | Effect::Purge(_)
        | Effect::EndPurges { .. }
        | Effect::Nothing => None,
    }
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
        }
    }

    pub(crate) fn next_bucket(&self) -> BucketKey {
        BucketKey(self.next_bucket)
    }

    /// The bucket with this id.
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

    /// Says where the events lie that the next record of a bucket names, or that it is not known any more.
    pub(crate) fn expect(&mut self, key: BucketKey, located: Option<Arc<Located>>) {
        let trashed = self.trash.get_mut(&key).map(|(_, bucket)| bucket);
        if let Some(bucket) = self.buckets.get_mut(&key).or(trashed) {
            bucket.expect(located);
        }
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
        }
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

    /// Sees to it that there is a bucket of this key before something is added to it. A writer adds only to buckets that
    /// are there, so if there is none, the record that made it, or brought it back, is lost; what was added is not.
    fn expect_bucket(&mut self, seq: Seq, key: BucketKey) {
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
        if self.trash.remove(&key).is_some() {
            self.show_trashed(key);
        }
        if self.create_bucket(seq, &created).is_ok() {
            self.recovered.push(RecoveredBucket { seq, key, id });
        }
    }

    /// The buckets whose creation is lost.
    pub(crate) fn recovered(&self) -> &[RecoveredBucket] {
        &self.recovered
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

    fn note_growth(&mut self, key: BucketKey) {
        if self
            .buckets
            .get(&key)
            .is_some_and(|bucket| bucket.is_full() || bucket.is_sizable())
        {
            self.growing.insert(key);
        }
    }

    fn create_bucket(&mut self, seq: Seq, r: &BucketCreated<'_>) -> Result<(), FoldError> {
        if self.is_recovered(r.bucket) {
            // An earlier version did not know that the key was taken.
            return self.adopt(seq, r);
        }
        if self.buckets.contains_key(&r.bucket) || self.trash.contains_key(&r.bucket) {
            return Err(FoldError::BucketExists(r.id.to_owned()));
        }
        if let Some(other) = self.keys.get(r.id).copied() {
            // Names are given once they are free: the record that deleted the other is lost.
            tracing::warn!(
                %seq,
                bucket = other.0,
                id = r.id,
                "a bucket was made under the id of another: the record that deleted that one is lost"
            );
            self.delete_bucket(seq, other)?;
        }
        let mut bucket = BucketState::new(r.bucket, r.made());
        bucket.view.touched = seq;
        bucket.view.changes = Changes::since(seq);
        self.listed = seq;
        self.add(bucket);
        Ok(())
    }

    /// Whether an id is taken.
    pub(crate) fn has_id(&self, id: &str) -> bool {
        self.keys.contains_key(id)
    }

    /// Whether this bucket is there under a name of ours.
    pub(crate) fn is_recovered(&self, key: BucketKey) -> bool {
        let bucket = self.buckets.get(&key).map(|b| &b.view.bucket);
        bucket.is_some_and(|b| b.type_ == "unknown" && b.id.starts_with(&recovered_name(key)))
    }

    /// Gives a bucket that was put together again what the record says that makes it.
    fn adopt(&mut self, seq: Seq, r: &BucketCreated<'_>) -> Result<(), FoldError> {
        if self.keys.contains_key(r.id) {
            return Err(FoldError::BucketExists(r.id.to_owned()));
        }
        let mut bucket = self.take_out(seq, r.bucket)?;
        bucket.view.bucket = Arc::new(r.made());
        bucket.view.touched = seq;
        bucket.view.changes = Changes::since(seq);
        self.add(bucket);
        Ok(())
    }

    fn add(&mut self, bucket: BucketState) {
        let key = bucket.view.key;
        let name: Arc<str> = bucket.view.bucket.id.as_str().into();
        self.next_bucket = self.next_bucket.max(key.0.saturating_add(1));
        self.names.insert(name.clone(), key);
        self.keys.insert(name, key);
        self.table.set(key, Some(Arc::new(bucket.view.clone())));
        self.heads += bucket.head_weight();
        self.buckets.insert(key, bucket);
        self.note_growth(key);
    }

    fn update_bucket(&mut self, seq: Seq, r: &BucketUpdated<'_>) -> Result<(), FoldError> {
        self.listed = seq;
        self.edit(seq, r.bucket, |b| {
            let bucket = Arc::make_mut(&mut b.view.bucket);
            let set = |field: &mut String, value: Option<&str>| {
                if let Some(value) = value {
                    *field = value.to_owned();
                }
            };
            set(&mut bucket.type_, r.type_);
            set(&mut bucket.client, r.client);
            set(&mut bucket.hostname, r.hostname);
            if let Some(data) = r.data {
                bucket.data = Data::from_canonical(data);
            }
            Ok(())
        })
    }

    fn delete_bucket(&mut self, seq: Seq, key: BucketKey) -> Result<(), FoldError> {
        let bucket = self.take_out(seq, key)?;
        self.throw_away(seq, bucket);
        Ok(())
    }

    fn throw_away(&mut self, seq: Seq, bucket: BucketState) {
        let key = bucket.view.key;
        self.trash.insert(key, (seq, bucket));
        self.show_trashed(key);
    }

    fn take_out(&mut self, seq: Seq, key: BucketKey) -> Result<BucketState, FoldError> {
        self.listed = seq;
        let bucket = self.buckets.remove(&key).ok_or(FoldError::NoSuchBucket(key.0))?;
        self.heads = self.heads.saturating_sub(bucket.head_weight());
        let id = bucket.view.bucket.id.as_str();
        self.keys.remove(id);
        self.names.remove(id);
        self.table.set(key, None);
        Ok(bucket)
    }

    fn restore_bucket(&mut self, seq: Seq, key: BucketKey) -> Result<(), FoldError> {
        let (_, deleted) = self.trash.get(&key).ok_or(FoldError::NotDeleted(key.0))?;
        let id = &deleted.view.bucket.id;
        if self.keys.contains_key(id.as_str()) {
            return Err(FoldError::BucketExists(id.clone()));
        }
        if let Some((_, mut bucket)) = self.trash.remove(&key) {
            // Caches must see a restored bucket as changed.
            bucket.view.touched = seq;
            bucket.view.changes = Changes::since(seq);
            self.listed = seq;
            self.add(bucket);
            self.show_trashed(key);
        }
        Ok(())
    }

    fn begin_purge(&mut self, seq: Seq, purge: Purge<'_>) -> Result<(), FoldError> {
        Arc::make_mut(&mut self.purges).push(seq);
        let key = purge.bucket();
        if purge.is_whole() {
            let _ = self.take_out(seq, key);
            self.trash.remove(&key);
            self.show_trashed(key);
            return Ok(());
        }
        let ids: Vec<EventId> = purge.removed().flatten().copied().collect();
        if let Some((_, deleted)) = self.trash.get_mut(&key) {
            let changed = deleted.delete(&ids);
            self.show_trashed(key);
            return Ok(changed?);
        }
        match self.edit(seq, key, |b| Ok(b.delete(&ids)?)) {
            // The bucket may have been purged since.
            Err(FoldError::NoSuchBucket(_)) => Ok(()),
            result => result,
        }
    }

    /// Shows in the next snapshot what became of a deleted bucket.
    fn show_trashed(&mut self, key: BucketKey) {
        let shown = self.trash.get(&key).map(|(seq, bucket)| Trashed {
            seq: *seq,
            view: Arc::new(bucket.view.clone()),
        });
        self.trashed.set(key, shown);
    }

    /// Changes a deleted bucket, as [`State::edit`] does one that is there.
    pub(crate) fn edit_trashed(
        &mut self,
        key: BucketKey,
        change: impl FnOnce(&mut BucketState) -> Result<(), FoldError>,
    ) -> Result<(), FoldError> {
        let (_, bucket) = self.trash.get_mut(&key).ok_or(FoldError::NoSuchBucket(key.0))?;
        let changed = change(bucket);
        self.show_trashed(key);
        changed
    }
}

//! The fold: `(state, record) -> state`. Live writes, recovery, rebuilds and replays all go through [`State::apply`].

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use timberline_log::Position;
use timberline_model::{Bucket, Data, Timestamp};

use crate::bucket::{BucketState, Changes};
use crate::record::{BucketCreated, BucketKey, BucketUpdated, Heartbeat, Outcome, Record};
use crate::segment::SegmentError;
use crate::snapshot::{Snapshot, Table};

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
        event: u64,
    },
    /// It creates what is there already.
    #[error("it creates bucket {0:?}, which is there already")]
    BucketExists(String),
    /// It gives an id that was given before.
    #[error("it gives event id {0} a second time")]
    IdReused(u64),
    /// A view segment had to be read and is damaged.
    #[error(transparent)]
    Segment(#[from] SegmentError),
}

/// Everything the log says, folded up to one seq.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) seq: u64,
    /// Where the next record begins, as far as whoever appends or reads has told.
    pub(crate) position: Option<Position>,
    pub(crate) next_event: u64,
    next_bucket: u32,
    /// Newest seq that made, changed or deleted a bucket.
    listed: u64,
    settings: Arc<BTreeMap<String, String>>,
    names: Arc<BTreeMap<Arc<str>, BucketKey>>,
    keys: FxHashMap<Arc<str>, BucketKey>,
    buckets: FxHashMap<BucketKey, BucketState>,
    table: Table,
}

impl State {
    pub(crate) fn new() -> State {
        State {
            seq: 0,
            position: None,
            next_event: 1,
            next_bucket: 0,
            listed: 0,
            settings: Arc::default(),
            names: Arc::default(),
            keys: FxHashMap::default(),
            buckets: FxHashMap::default(),
            table: Table::default(),
        }
    }

    /// Takes up what a checkpoint holds.
    pub(crate) fn restore(
        seq: u64,
        next_event: u64,
        next_bucket: u32,
        settings: BTreeMap<String, String>,
        buckets: Vec<BucketState>,
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
        state
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

    pub(crate) fn buckets(&self) -> impl Iterator<Item = &BucketState> {
        self.buckets.values()
    }

    pub(crate) fn settings(&self) -> &BTreeMap<String, String> {
        &self.settings
    }

    /// The picture readers get.
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
        }
    }

    /// Folds one record in.
    ///
    /// # Errors
    /// When the record does not fit; the state is then as before, but for `seq`.
    pub(crate) fn apply(&mut self, seq: u64, record: &Record<'_>) -> Result<(), FoldError> {
        self.seq = seq;
        self.position = None;
        match record {
            Record::BucketCreated(r) => self.create_bucket(seq, r),
            Record::BucketUpdated(r) => self.update_bucket(seq, r),
            Record::BucketDeleted(r) => self.delete_bucket(seq, r.bucket),
            Record::Heartbeat(r) => self.heartbeat(seq, r),
            Record::EventsInserted(r) => {
                let n = r.events.len() as u64;
                if r.first < self.next_event {
                    return Err(FoldError::IdReused(r.first));
                }
                // Ids are used up whatever becomes of the events.
                self.next_event = r.first + n;
                self.edit(seq, r.bucket, |b| {
                    b.insert(&r.events, r.first..r.first + n);
                    Ok(())
                })
            }
            Record::EventsPut(r) => {
                let greatest = r.ids.iter().max().copied().unwrap_or(0);
                self.next_event = self.next_event.max(greatest + 1);
                self.edit(seq, r.bucket, |b| Ok(b.put(&r.events, &r.ids)?))
            }
            Record::EventsDeleted(r) => self.edit(seq, r.bucket, |b| Ok(b.delete(&r.ids)?)),
            Record::SettingSet(r) => {
                Arc::make_mut(&mut self.settings).insert(r.key.to_owned(), r.value.to_owned());
                Ok(())
            }
            Record::SettingDeleted(r) => {
                Arc::make_mut(&mut self.settings).remove(r.key);
                Ok(())
            }
            Record::Lost(_) => Ok(()),
        }
    }

    /// Changes a bucket and shows the change in the next snapshot.
    pub(crate) fn edit(
        &mut self,
        seq: u64,
        key: BucketKey,
        change: impl FnOnce(&mut BucketState) -> Result<(), FoldError>,
    ) -> Result<(), FoldError> {
        let bucket = self.buckets.get_mut(&key).ok_or(FoldError::NoSuchBucket(key.0))?;
        // Whatever was changed before an error is part of the state and so of the picture.
        let changed = change(bucket);
        bucket.touch(seq);
        self.table.set(key, Some(Arc::new(bucket.view.clone())));
        changed
    }

    fn heartbeat(&mut self, seq: u64, r: &Heartbeat<'_>) -> Result<(), FoldError> {
        let bucket = r.bucket;
        match r.outcome {
            Outcome::Extended { event, duration } => {
                self.edit(seq, bucket, |b| match b.extend(event, duration)? {
                    true => Ok(()),
                    false => Err(FoldError::NoSuchEvent {
                        bucket: bucket.0,
                        event,
                    }),
                })
            }
            Outcome::Created { event, data } => {
                if event < self.next_event {
                    return Err(FoldError::IdReused(event));
                }
                self.next_event = event + 1;
                self.edit(seq, bucket, |b| {
                    b.create(event, r.start, r.duration, data);
                    Ok(())
                })
            }
        }
    }

    fn create_bucket(&mut self, seq: u64, r: &BucketCreated<'_>) -> Result<(), FoldError> {
        if self.keys.contains_key(r.id) || self.buckets.contains_key(&r.bucket) {
            return Err(FoldError::BucketExists(r.id.to_owned()));
        }
        let mut bucket = BucketState::new(
            r.bucket,
            Bucket {
                id: r.id.to_owned(),
                type_: r.type_.to_owned(),
                client: r.client.to_owned(),
                hostname: r.hostname.to_owned(),
                created: Timestamp::from_nanos(r.created),
                data: Data::from_canonical(r.data),
                last_updated: r.last_updated.map(Timestamp::from_nanos),
            },
        );
        bucket.view.touched = seq;
        bucket.view.changes = Changes::since(seq);
        self.listed = seq;
        self.add(bucket);
        Ok(())
    }

    fn add(&mut self, bucket: BucketState) {
        let key = bucket.view.key;
        let name: Arc<str> = bucket.view.bucket.id.as_str().into();
        self.next_bucket = self.next_bucket.max(key.0 + 1);
        Arc::make_mut(&mut self.names).insert(name.clone(), key);
        self.keys.insert(name, key);
        self.table.set(key, Some(Arc::new(bucket.view.clone())));
        self.buckets.insert(key, bucket);
    }

    fn update_bucket(&mut self, seq: u64, r: &BucketUpdated<'_>) -> Result<(), FoldError> {
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

    fn delete_bucket(&mut self, seq: u64, key: BucketKey) -> Result<(), FoldError> {
        self.listed = seq;
        let bucket = self.buckets.remove(&key).ok_or(FoldError::NoSuchBucket(key.0))?;
        let id = bucket.view.bucket.id.as_str();
        self.keys.remove(id);
        Arc::make_mut(&mut self.names).remove(id);
        self.table.set(key, None);
        Ok(())
    }
}

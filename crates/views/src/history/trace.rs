//! What the log says of a few events: one pass over it, a small table instead of a whole fold.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use timberline_log::{LogReader, Seq};

use super::{HistoryError, LOOK_EVERY};
use crate::record::{BucketKey, EventBlock, EventsChanged, Last, Outcome, PRESENT, Record};

/// What an event was at some time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Value {
    pub(crate) start: i64,
    pub(crate) duration: i64,
    pub(crate) text: Arc<str>,
}

/// The fields of a bucket that can be updated: type, client, hostname, data.
pub(crate) type Fields = [String; 4];

/// Whether a bucket is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It was not made yet, or it is purged.
    #[default]
    Nowhere,
    There,
    Trashed,
}

/// What is known of a bucket.
#[derive(Clone, Debug, Default)]
pub(crate) struct BucketTrace {
    pub(crate) presence: Presence,
    pub(crate) fields: Fields,
    pub(crate) last: Option<Last>,
    pub(crate) events: FxHashMap<u64, Value>,
}

/// The state of some events, of the buckets and of the settings, as of the newest record taken.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    /// Events of which buckets, and which; of others nothing is kept.
    wanted: Arc<FxHashMap<BucketKey, FxHashSet<u64>>>,
    pub(crate) buckets: BTreeMap<BucketKey, BucketTrace>,
    pub(crate) settings: BTreeMap<String, String>,
}

impl Trace {
    /// The same picture, which keeps these events from here on.
    pub(crate) fn keeping(self, wanted: FxHashMap<BucketKey, FxHashSet<u64>>) -> Trace {
        Trace {
            wanted: Arc::new(wanted),
            ..self
        }
    }

    /// Goes through the log from a record on, up to and including each of these, which are in order, and tells what it was
    /// then.
    ///
    /// # Errors
    /// When a part of the log cannot be read: what is lost there may be what is asked for; [`HistoryError::Cancelled`].
    pub(crate) fn at(
        mut self,
        reader: &LogReader,
        from: Seq,
        stops: &[Seq],
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Vec<Trace>, HistoryError> {
        let mut pictures = Vec::with_capacity(stops.len());
        let (mut records, mut read) = (reader.read_from(from)?, 0u64);
        while let Some(record) = records.next() {
            if read.is_multiple_of(LOOK_EVERY) && !go_on() {
                return Err(HistoryError::Cancelled);
            }
            read += 1;
            let record = record?;
            while stops.get(pictures.len()).is_some_and(|stop| record.seq > *stop) {
                pictures.push(self.clone());
            }
            if pictures.len() == stops.len() {
                break;
            }
            self.take(&record)?;
        }
        while pictures.len() < stops.len() {
            pictures.push(self.clone());
        }
        Ok(pictures)
    }

    /// Takes the next record.
    ///
    /// # Errors
    /// When it cannot be decoded.
    pub(crate) fn take(&mut self, found: &timberline_log::Record<'_>) -> Result<(), HistoryError> {
        // Heartbeats are nearly all there is, and nearly all are of other buckets.
        let bucket = Record::bucket_of(found.kind, found.payload)?;
        let is_heartbeat = found.kind == crate::record::codec::kind::HEARTBEAT;
        if is_heartbeat && bucket.is_some_and(|key| !self.wanted.contains_key(&key)) {
            return Ok(());
        }
        let record = Record::decode(found.kind, found.payload)?;
        self.fold(&record);
        Ok(())
    }

    fn fold(&mut self, record: &Record<'_>) {
        let wanted = Arc::clone(&self.wanted);
        let ids = |key: BucketKey| wanted.get(&key);
        match record {
            Record::BucketCreated(r) => {
                let bucket = self.buckets.entry(r.bucket).or_default();
                bucket.presence = Presence::There;
                bucket.fields = [r.type_, r.client, r.hostname, r.data].map(str::to_owned);
            }
            Record::BucketUpdated(r) => {
                let bucket = self.buckets.entry(r.bucket).or_default();
                let new = [r.type_, r.client, r.hostname, r.data];
                for (field, new) in bucket.fields.iter_mut().zip(new) {
                    if let Some(new) = new {
                        *field = new.to_owned();
                    }
                }
            }
            Record::BucketDeleted(r) => {
                self.buckets.entry(r.bucket).or_default().presence = Presence::Trashed
            }
            Record::BucketRestored(r) => self.buckets.entry(r.bucket).or_default().presence = Presence::There,
            Record::SettingSet(r) => {
                self.settings.insert(r.key.to_owned(), r.value.to_owned());
            }
            Record::SettingDeleted(r) => {
                self.settings.remove(r.key);
            }
            Record::Heartbeat(r) => {
                let bucket = self.buckets.entry(r.bucket).or_default();
                bucket.last = Some(Last::Event(r.event()));
                if !ids(r.bucket).is_some_and(|ids| ids.contains(&r.event())) {
                    return;
                }
                match r.outcome {
                    Outcome::Extended { event, duration } => bucket.extend(event, duration),
                    Outcome::Created { event, data } => {
                        let (start, duration) = (r.start, r.duration);
                        let text = data.into();
                        bucket.events.insert(
                            event,
                            Value {
                                start,
                                duration,
                                text,
                            },
                        );
                    }
                }
            }
            Record::EventsInserted(r) => {
                let all = r.first..r.first + r.events.len() as u64;
                let bucket = self.buckets.entry(r.bucket).or_default();
                bucket.last = Some(Last::Newest);
                bucket.put(all, &r.events, ids(r.bucket));
            }
            Record::EventsPut(r) => {
                let bucket = self.buckets.entry(r.bucket).or_default();
                bucket.last = Some(Last::Newest);
                bucket.put(r.ids.iter().copied(), &r.events, ids(r.bucket));
            }
            Record::EventsDeleted(r) => self.buckets.entry(r.bucket).or_default().remove(&r.ids),
            Record::EventsChanged(r) => self.buckets.entry(r.bucket).or_default().change(r, ids(r.bucket)),
            Record::Erased(r) => {
                if let Some(bucket) = r.bucket.and_then(|key| self.buckets.get_mut(&key)) {
                    bucket.last = Some(Last::Newest);
                }
            }
            Record::PurgeBegun(r) => {
                let bucket = self.buckets.entry(r.bucket).or_default();
                if r.whole {
                    *bucket = BucketTrace::default();
                }
                for (_, ids) in r
                    .events
                    .iter()
                    .filter(|(through, _)| *through == PRESENT && !r.redact)
                {
                    bucket.remove(ids);
                }
            }
            Record::PurgeEnded(_) | Record::Lost(_) => {}
        }
    }
}

impl BucketTrace {
    fn extend(&mut self, event: u64, duration: i64) {
        if let Some(value) = self.events.get_mut(&event) {
            value.duration = duration;
        }
    }

    fn put(
        &mut self,
        ids: impl Iterator<Item = u64>,
        events: &EventBlock<'_>,
        wanted: Option<&FxHashSet<u64>>,
    ) {
        let Some(wanted) = wanted else { return };
        for (id, (start, duration, text)) in ids.zip(events.iter()).filter(|(id, _)| wanted.contains(id)) {
            let text = text.into();
            self.events.insert(
                id,
                Value {
                    start,
                    duration,
                    text,
                },
            );
        }
    }

    fn remove(&mut self, ids: &[u64]) {
        for id in ids {
            self.events.remove(id);
        }
        if let Some(Last::Event(id)) = self.last
            && ids.contains(&id)
        {
            self.last = Some(Last::Newest);
        }
    }

    fn change(&mut self, r: &EventsChanged<'_>, wanted: Option<&FxHashSet<u64>>) {
        self.remove(&r.removed);
        for (id, duration) in &r.extended {
            self.extend(*id, *duration);
        }
        self.put(r.ids.iter().copied(), &r.events, wanted);
        if r.last != Last::Unchanged {
            self.last = Some(r.last);
        }
    }
}

//! The state of a few events at some record: one pass over the log, a small table instead of a whole fold.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use timberline_cancel::Cancel;
use timberline_log::{LogReader, Seq};
use timberline_model::{Duration, EventId, Timestamp};

use crate::error::HistoryError;
use crate::history::cancel_check::CancelCheck;
use crate::history::fields::{Fields, KnownFields};
use crate::record::{BucketKey, Effect, EventChanges, Last, Record, RecordKind};

/// What an event was at some time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct EventState {
    pub(crate) start: Timestamp,
    pub(crate) duration: Duration,
    pub(crate) text: Arc<str>,
}

/// Whether a bucket is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum BucketPresence {
    /// It was not made yet, or it is purged.
    #[default]
    Nowhere,
    There,
    Trashed,
}

/// What is known of a bucket.
#[derive(Clone, Debug, Default)]
pub(crate) struct BucketAt {
    pub(crate) presence: BucketPresence,
    pub(crate) fields: Fields,
    pub(crate) last: Option<Last>,
    pub(crate) events: FxHashMap<EventId, EventState>,
    /// Events of which a purge erased what they were, and the newest such purge.
    pub(crate) erased: FxHashMap<EventId, Seq>,
}

/// The state of some events, of the buckets and of the settings, as of the newest record taken.
#[derive(Clone, Debug, Default)]
pub(crate) struct StateAt {
    /// The events that are wanted, by bucket; of others nothing is kept.
    wanted: Arc<FxHashMap<BucketKey, FxHashSet<EventId>>>,
    pub(crate) buckets: BTreeMap<BucketKey, BucketAt>,
    pub(crate) settings: BTreeMap<String, String>,
}

impl StateAt {
    /// The same state, which keeps these events from here on.
    pub(crate) fn keeping(self, wanted: FxHashMap<BucketKey, FxHashSet<EventId>>) -> StateAt {
        StateAt {
            wanted: Arc::new(wanted),
            ..self
        }
    }

    /// Reads the log from a record on. Gives the state as of each of the records `stops`, which are in order.
    ///
    /// # Errors
    /// When a part of the log cannot be read: what is lost there may be what is asked for; [`HistoryError::Cancelled`].
    pub(crate) fn at(
        mut self,
        reader: &LogReader,
        from: Seq,
        stops: &[Seq],
        cancel: &Cancel,
    ) -> Result<Vec<StateAt>, HistoryError> {
        let mut states = Vec::with_capacity(stops.len());
        let mut records = reader.read_from(from)?;
        let mut check = CancelCheck::new(cancel);
        while let Some(record) = records.next() {
            let record = record?;
            check.after(record.payload.len())?;
            while stops.get(states.len()).is_some_and(|stop| record.seq > *stop) {
                states.push(self.clone());
            }
            if states.len() == stops.len() {
                break;
            }
            self.take(&record)?;
        }
        while states.len() < stops.len() {
            states.push(self.clone());
        }
        Ok(states)
    }

    /// Takes the next record.
    ///
    /// # Errors
    /// When it cannot be decoded.
    pub(crate) fn take(&mut self, found: &timberline_log::Record<'_>) -> Result<(), HistoryError> {
        // Heartbeats are nearly all there is, and nearly all are of other buckets.
        let bucket = Record::bucket_of(found.kind, found.payload)?;
        let is_heartbeat =
            [RecordKind::Heartbeat.number(), RecordKind::Heartbeats.number()].contains(&found.kind);
        if is_heartbeat && bucket.is_some_and(|key| !self.wanted.contains_key(&key)) {
            return Ok(());
        }
        let record = Record::decode(found.kind, found.payload)?;
        self.fold(found.seq, &record);
        Ok(())
    }

    fn fold(&mut self, seq: Seq, record: &Record<'_>) {
        match record.effect() {
            Effect::CreateBucket(r) => {
                let bucket = self.buckets.entry(r.bucket).or_default();
                bucket.presence = BucketPresence::There;
                bucket.fields = KnownFields::from(r).into();
            }
            Effect::UpdateBucket(r) => {
                self.buckets.entry(r.bucket).or_default().fields.change(r.into());
            }
            Effect::ListBucket(r) => {
                self.buckets.entry(r.bucket).or_default().fields.change(r.into());
            }
            Effect::DeleteBucket(key) => {
                self.buckets.entry(key).or_default().presence = BucketPresence::Trashed
            }
            Effect::RestoreBucket(key) => {
                self.buckets.entry(key).or_default().presence = BucketPresence::There
            }
            Effect::Set { key, value } => match value {
                Some(value) => drop(self.settings.insert(key.to_owned(), value.to_owned())),
                None => drop(self.settings.remove(key)),
            },
            Effect::ChangeEvents(changes) => {
                let wanted = Arc::clone(&self.wanted);
                let bucket = self.buckets.entry(changes.bucket).or_default();
                bucket.change(&changes, wanted.get(&changes.bucket));
            }
            Effect::Purge(purge) => {
                let bucket = self.buckets.entry(purge.bucket()).or_default();
                if purge.is_whole() {
                    *bucket = BucketAt::default();
                }
                purge.removed().for_each(|ids| bucket.remove(ids));
                let erased = purge.erased(seq).filter(|erased| !erased.redacted);
                let erased = erased.flat_map(|erased| erased.ids);
                let wanted = self.wanted.get(&purge.bucket());
                let erased = erased.filter(|id| wanted.is_some_and(|wanted| wanted.contains(id)));
                bucket.erased.extend(erased.map(|id| (*id, seq)));
            }
            Effect::EndPurges { .. } | Effect::TakeBatch { .. } | Effect::Nothing => {}
        }
    }
}

impl BucketAt {
    fn change(&mut self, changes: &EventChanges<'_>, wanted: Option<&FxHashSet<EventId>>) {
        self.remove(changes.removed);
        for (id, duration) in changes.extended.iter() {
            if let Some(value) = self.events.get_mut(&id) {
                value.duration = duration;
            }
        }
        if let (Some(wanted), Some(put)) = (wanted, changes.put) {
            for (id, start, duration, text) in put.iter().filter(|(id, ..)| wanted.contains(id)) {
                let text = text.into();
                let value = EventState {
                    start,
                    duration,
                    text,
                };
                self.events.insert(id, value);
            }
        }
        if changes.last != Last::Unchanged {
            self.last = Some(changes.last);
        }
    }

    fn remove(&mut self, ids: &[EventId]) {
        for id in ids {
            self.events.remove(id);
        }
        if let Some(Last::Event(id)) = self.last
            && ids.contains(&id)
        {
            self.last = Some(Last::Newest);
        }
    }
}

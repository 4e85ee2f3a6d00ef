//! What some events were before a record: the log is read backwards, a segment at a time, until all that is asked for is
//! known. An undo of a recent change reads only recent records.

use crate::history::each_record_until;
use rustc_hash::{FxHashMap, FxHashSet};
use timberline_cancel::Cancel;
use timberline_log::{LogReader, Seq};
use timberline_model::{Duration, EventId};

use crate::error::HistoryError;
use crate::history::event_state::{BucketAt, BucketPresence, EventState, StateAt};
use crate::history::fields::{Fields, KnownFields};
use crate::record::{BucketKey, Effect, EventChanges, Last, Record};

/// What is asked for.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// Events of these buckets. None of a bucket: only what its next heartbeat was compared with.
    pub(crate) events: FxHashMap<BucketKey, FxHashSet<EventId>>,
    /// Whether they were there, and their fields.
    pub(crate) buckets: FxHashSet<BucketKey>,
    pub(crate) settings: FxHashSet<String>,
}

/// What a part of the log says of an event.
#[derive(Debug)]
enum Found {
    Is(EventState),
    Gone,
    /// It got this duration; what else it was is said further back.
    Extended(Duration),
}

/// What a part of the log says of a bucket.
#[derive(Debug, Default)]
struct Earlier {
    presence: Option<BucketPresence>,
    fields: KnownFields,
    last: Option<Last>,
    /// Events that were removed while it was not known what the next heartbeat was compared with.
    went: FxHashSet<EventId>,
    events: FxHashMap<EventId, Found>,
    /// It was made here, or purged whole: nothing further back counts.
    all: bool,
}

#[derive(Debug, Default)]
struct Part {
    buckets: FxHashMap<BucketKey, Earlier>,
    settings: FxHashMap<String, Option<String>>,
}

/// Looks for what is asked for in the records before `from`.
///
/// # Errors
/// When a part of the log that had to be read cannot be read; [`HistoryError::Cancelled`].
pub(crate) fn before(
    reader: &LogReader,
    asked: &Asked,
    from: Seq,
    cancel: &Cancel,
) -> Result<StateAt, HistoryError> {
    let mut known = Part::default();
    let mut end = from;
    let segments = reader.segments()?;
    for info in segments.iter().rev().filter(|info| info.first < from) {
        if asked.is_answered_by(&known) {
            break;
        }
        let mut part = Part::default();
        each_record_until(reader, info.first, end.prev(), cancel, |_, record| {
            part.fold(&record, asked);
            Ok(true)
        })?;
        known.put_under(part);
        end = info.first;
    }
    Ok(known.into_state(asked))
}

impl Asked {
    fn is_answered_by(&self, known: &Part) -> bool {
        let settings = self.settings.iter().all(|key| known.settings.contains_key(key));
        settings
            && self.keys().all(|key| {
                (known.buckets.get(key))
                    .is_some_and(|said| said.answers(self.buckets.contains(key), self.events.get(key)))
            })
    }

    fn keys(&self) -> impl Iterator<Item = &BucketKey> {
        self.events.keys().chain(&self.buckets)
    }

    fn wants(&self, key: BucketKey) -> bool {
        self.events.contains_key(&key) || self.buckets.contains(&key)
    }
}

impl Earlier {
    fn answers(&self, fields: bool, events: Option<&FxHashSet<EventId>>) -> bool {
        let is_known = |id| matches!(self.events.get(id), Some(Found::Is(_) | Found::Gone));
        let fields_known = || self.presence.is_some() && self.fields.are_all();
        self.all
            || self.last.is_some()
                && (!fields || fields_known())
                && events.is_none_or(|ids| ids.iter().all(is_known))
    }

    /// What an earlier part says counts where this one says nothing.
    fn put_under(&mut self, earlier: Earlier) {
        if self.all {
            return;
        }
        self.all = earlier.all;
        self.presence = self.presence.or(earlier.presence);
        self.fields.put_under(earlier.fields);
        if self.last.is_none() {
            self.last = match earlier.last {
                Some(Last::Event(id)) if self.went.contains(&id) => Some(Last::Newest),
                last => last,
            };
            self.went.extend(earlier.went);
        }
        for (id, before) in earlier.events {
            match (self.events.get(&id), before) {
                (Some(Found::Is(_) | Found::Gone), _) | (Some(Found::Extended(_)), Found::Extended(_)) => {}
                (Some(Found::Extended(duration)), Found::Is(value)) => {
                    let duration = *duration;
                    drop(
                        self.events
                            .insert(id, Found::Is(EventState { duration, ..value })),
                    );
                }
                (_, before) => drop(self.events.insert(id, before)),
            }
        }
    }

    fn extend(&mut self, id: EventId, duration: Duration) {
        match self.events.get_mut(&id) {
            Some(Found::Is(value)) => value.duration = duration,
            Some(Found::Gone) => {}
            Some(Found::Extended(before)) => *before = duration,
            None => drop(self.events.insert(id, Found::Extended(duration))),
        }
    }

    fn remove(&mut self, ids: &[EventId], wanted: Option<&FxHashSet<EventId>>) {
        let is_wanted = |id: &&EventId| wanted.is_some_and(|wanted| wanted.contains(id));
        for id in ids.iter().filter(is_wanted) {
            self.events.insert(*id, Found::Gone);
        }
        match self.last {
            None => self.went.extend(ids),
            Some(Last::Event(id)) if ids.contains(&id) => self.last = Some(Last::Newest),
            Some(_) => {}
        }
    }

    fn change(&mut self, changes: &EventChanges<'_>, wanted: Option<&FxHashSet<EventId>>) {
        self.remove(changes.removed, wanted);
        if let Some(wanted) = wanted {
            for (id, duration) in changes.extended.iter().filter(|(id, _)| wanted.contains(id)) {
                self.extend(id, duration);
            }
            let put = changes.put.iter().flat_map(|put| put.iter());
            for (id, start, duration, text) in put.filter(|(id, ..)| wanted.contains(id)) {
                let text = text.into();
                let value = EventState {
                    start,
                    duration,
                    text,
                };
                self.events.insert(id, Found::Is(value));
            }
        }
        if changes.last != Last::Unchanged {
            self.last = Some(changes.last);
        }
    }

    fn into_state(self) -> BucketAt {
        let value = |(id, found)| match found {
            Found::Is(value) => Some((id, value)),
            Found::Gone | Found::Extended(_) => None,
        };
        BucketAt {
            presence: self.presence.unwrap_or_default(),
            fields: self.fields.into(),
            last: self.last,
            events: self.events.into_iter().filter_map(value).collect(),
            ..BucketAt::default()
        }
    }
}

impl Part {
    fn put_under(&mut self, earlier: Part) {
        for (key, said) in earlier.buckets {
            self.buckets.entry(key).or_default().put_under(said);
        }
        for (key, value) in earlier.settings {
            self.settings.entry(key).or_insert(value);
        }
    }

    fn into_state(self, asked: &Asked) -> StateAt {
        let mut trace = StateAt::default();
        for (key, said) in self.buckets {
            let mut bucket = said.into_state();
            if !asked.buckets.contains(&key) {
                // Nobody asked, because nothing changed it: events came into it, so it was there.
                bucket.presence = BucketPresence::There;
                bucket.fields = Fields::default();
            }
            trace.buckets.insert(key, bucket);
        }
        for key in asked.events.keys().filter(|key| !asked.buckets.contains(key)) {
            trace.buckets.entry(*key).or_default().presence = BucketPresence::There;
        }
        for (key, value) in self.settings {
            trace.settings.extend(value.map(|value| (key, value)));
        }
        trace
    }

    fn fold(&mut self, record: &Record<'_>, asked: &Asked) {
        if let Effect::Set { key, value } = record.effect() {
            if asked.settings.contains(key) {
                self.settings.insert(key.to_owned(), value.map(str::to_owned));
            }
        } else if let Some(key) = record.bucket().filter(|key| asked.wants(*key)) {
            let said = self.buckets.entry(key).or_default();
            said.fold(record.effect(), asked.events.get(&key));
        }
    }
}

impl Earlier {
    fn fold(&mut self, effect: Effect<'_>, wanted: Option<&FxHashSet<EventId>>) {
        match effect {
            Effect::CreateBucket(r) => {
                self.all = true;
                self.presence = Some(BucketPresence::There);
                self.fields = r.into();
            }
            Effect::UpdateBucket(r) => self.fields.change(r.into()),
            Effect::ListBucket(r) => self.fields.change(r.into()),
            Effect::DeleteBucket(_) => self.presence = Some(BucketPresence::Trashed),
            Effect::RestoreBucket(_) => self.presence = Some(BucketPresence::There),
            Effect::ChangeEvents(changes) => self.change(&changes, wanted),
            Effect::Purge(purge) => {
                if purge.is_whole() {
                    *self = Earlier {
                        all: true,
                        presence: Some(BucketPresence::Nowhere),
                        ..Earlier::default()
                    };
                }
                purge.removed().for_each(|ids| self.remove(ids, wanted));
            }
            Effect::Set { .. } | Effect::EndPurges { .. } | Effect::TakeBatch { .. } | Effect::Nothing => {}
        }
    }
}

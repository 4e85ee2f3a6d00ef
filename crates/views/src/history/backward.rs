//! What some events were before a record: the log is read backwards, a segment at a time, until all that is asked for is
//! known. Whoever takes back what was done a moment ago reads no further than that reaches.

use rustc_hash::{FxHashMap, FxHashSet};
use timberline_log::{LogReader, Seq};

use super::trace::{BucketTrace, Presence, Trace, Value};
use super::{HistoryError, each_record_while};
use crate::record::{BucketKey, EventBlock, EventsChanged, Last, Outcome, PRESENT, Record};

/// What is asked for.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// Events of these buckets. None of a bucket: only what its next heartbeat was compared with.
    pub(crate) events: FxHashMap<BucketKey, FxHashSet<u64>>,
    /// Whether they were there, and their fields.
    pub(crate) buckets: FxHashSet<BucketKey>,
    pub(crate) settings: FxHashSet<String>,
}

/// What a part of the log says of an event.
#[derive(Debug)]
enum Found {
    Is(Value),
    Gone,
    /// It got this duration; what else it was is said further back.
    Extended(i64),
}

/// What a part of the log says of a bucket.
#[derive(Debug, Default)]
struct Said {
    presence: Option<Presence>,
    fields: [Option<String>; 4],
    last: Option<Last>,
    /// Events that went while it was not known what the next heartbeat was compared with.
    went: FxHashSet<u64>,
    events: FxHashMap<u64, Found>,
    /// It was made here, or purged whole: nothing further back counts.
    all: bool,
}

#[derive(Debug, Default)]
struct Part {
    buckets: FxHashMap<BucketKey, Said>,
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
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Trace, HistoryError> {
    let mut known = Part::default();
    let mut end = from;
    let segments = reader.segments()?;
    for info in segments.iter().rev().filter(|info| info.first < from) {
        if asked.is_answered_by(&known) {
            break;
        }
        let mut part = Part::default();
        each_record_while(reader, info.first, end.prev(), go_on, |_, record| {
            part.fold(&record, asked);
            Ok(true)
        })?;
        known.put_under(part);
        end = info.first;
    }
    Ok(known.into_trace(asked))
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

impl Said {
    fn answers(&self, fields: bool, events: Option<&FxHashSet<u64>>) -> bool {
        let is_known = |id| matches!(self.events.get(id), Some(Found::Is(_) | Found::Gone));
        let fields_known = || self.presence.is_some() && self.fields.iter().all(Option::is_some);
        self.all
            || self.last.is_some()
                && (!fields || fields_known())
                && events.is_none_or(|ids| ids.iter().all(is_known))
    }

    /// What an earlier part says counts where this one says nothing.
    fn put_under(&mut self, earlier: Said) {
        if self.all {
            return;
        }
        self.all = earlier.all;
        self.presence = self.presence.or(earlier.presence);
        for (field, before) in self.fields.iter_mut().zip(earlier.fields) {
            *field = field.take().or(before);
        }
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
                    drop(self.events.insert(id, Found::Is(Value { duration, ..value })));
                }
                (_, before) => drop(self.events.insert(id, before)),
            }
        }
    }

    fn extend(&mut self, id: u64, duration: i64) {
        match self.events.get_mut(&id) {
            Some(Found::Is(value)) => value.duration = duration,
            Some(Found::Gone) => {}
            Some(Found::Extended(before)) => *before = duration,
            None => drop(self.events.insert(id, Found::Extended(duration))),
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
            let value = Value {
                start,
                duration,
                text,
            };
            self.events.insert(id, Found::Is(value));
        }
    }

    fn remove(&mut self, ids: &[u64], wanted: Option<&FxHashSet<u64>>) {
        let is_wanted = |id: &&u64| wanted.is_some_and(|wanted| wanted.contains(id));
        for id in ids.iter().filter(is_wanted) {
            self.events.insert(*id, Found::Gone);
        }
        match self.last {
            None => self.went.extend(ids),
            Some(Last::Event(id)) if ids.contains(&id) => self.last = Some(Last::Newest),
            Some(_) => {}
        }
    }

    fn change(&mut self, r: &EventsChanged<'_>, wanted: Option<&FxHashSet<u64>>) {
        self.remove(&r.removed, wanted);
        for (id, duration) in &r.extended {
            if wanted.is_some_and(|wanted| wanted.contains(id)) {
                self.extend(*id, *duration);
            }
        }
        self.put(r.ids.iter().copied(), &r.events, wanted);
        if r.last != Last::Unchanged {
            self.last = Some(r.last);
        }
    }

    fn into_trace(self) -> BucketTrace {
        let value = |(id, found)| match found {
            Found::Is(value) => Some((id, value)),
            Found::Gone | Found::Extended(_) => None,
        };
        BucketTrace {
            presence: self.presence.unwrap_or_default(),
            fields: self.fields.map(Option::unwrap_or_default),
            last: self.last,
            events: self.events.into_iter().filter_map(value).collect(),
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

    fn into_trace(self, asked: &Asked) -> Trace {
        let mut trace = Trace::default();
        for (key, said) in self.buckets {
            let mut bucket = said.into_trace();
            if !asked.buckets.contains(&key) {
                // Nobody asked, because nothing changed it: events came into it, so it was there.
                bucket.presence = Presence::There;
                bucket.fields = Default::default();
            }
            trace.buckets.insert(key, bucket);
        }
        for key in asked.events.keys().filter(|key| !asked.buckets.contains(key)) {
            trace.buckets.entry(*key).or_default().presence = Presence::There;
        }
        for (key, value) in self.settings {
            trace.settings.extend(value.map(|value| (key, value)));
        }
        trace
    }

    fn fold(&mut self, record: &Record<'_>, asked: &Asked) {
        match record {
            Record::SettingSet(r) if asked.settings.contains(r.key) => {
                self.settings.insert(r.key.to_owned(), Some(r.value.to_owned()));
            }
            Record::SettingDeleted(r) if asked.settings.contains(r.key) => {
                self.settings.insert(r.key.to_owned(), None);
            }
            record => {
                let Some(key) = record.bucket().filter(|key| asked.wants(*key)) else {
                    return;
                };
                let said = self.buckets.entry(key).or_default();
                said.fold(record, asked.events.get(&key));
            }
        }
    }
}

impl Said {
    fn fold(&mut self, record: &Record<'_>, wanted: Option<&FxHashSet<u64>>) {
        match record {
            Record::BucketCreated(r) => {
                self.all = true;
                self.presence = Some(Presence::There);
                self.fields = [r.type_, r.client, r.hostname, r.data].map(|field| Some(field.to_owned()));
            }
            Record::BucketUpdated(r) => {
                let new = [r.type_, r.client, r.hostname, r.data];
                for (field, new) in self.fields.iter_mut().zip(new) {
                    *field = new.map(str::to_owned).or(field.take());
                }
            }
            Record::BucketDeleted(_) => self.presence = Some(Presence::Trashed),
            Record::BucketRestored(_) => self.presence = Some(Presence::There),
            Record::Heartbeat(r) => {
                self.last = Some(Last::Event(r.event()));
                if !wanted.is_some_and(|wanted| wanted.contains(&r.event())) {
                    return;
                }
                match r.outcome {
                    Outcome::Extended { event, duration } => self.extend(event, duration),
                    Outcome::Created { event, data } => {
                        let (start, duration, text) = (r.start, r.duration, data.into());
                        let value = Value {
                            start,
                            duration,
                            text,
                        };
                        self.events.insert(event, Found::Is(value));
                    }
                }
            }
            Record::EventsInserted(r) => {
                self.last = Some(Last::Newest);
                self.put(r.first..r.first + r.events.len() as u64, &r.events, wanted);
            }
            Record::EventsPut(r) => {
                self.last = Some(Last::Newest);
                self.put(r.ids.iter().copied(), &r.events, wanted);
            }
            Record::EventsDeleted(r) => self.remove(&r.ids, wanted),
            Record::EventsChanged(r) => self.change(r, wanted),
            Record::Erased(_) => self.last = Some(Last::Newest),
            Record::PurgeBegun(r) => {
                if r.whole {
                    *self = Said {
                        all: true,
                        presence: Some(Presence::Nowhere),
                        ..Said::default()
                    };
                }
                let erased = |(through, _): &&(u64, Vec<u64>)| *through == PRESENT && !r.redact;
                for (_, ids) in r.events.iter().filter(erased) {
                    self.remove(ids, wanted);
                }
            }
            Record::SettingSet(_) | Record::SettingDeleted(_) | Record::PurgeEnded(_) | Record::Lost(_) => {}
        }
    }
}

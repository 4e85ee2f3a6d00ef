//! Giving events other data. A few at a time: they are read, and their new data made and encoded, on a snapshot; under
//! the lock it is only checked that they have not changed since.

use std::sync::Arc;

use rustc_hash::FxHashSet;
use timberline_log::Seq;
use timberline_model::{Duration, EventId, Timestamp};

use crate::erasure::select::Selected;
use crate::error::HistoryError;
use crate::record::MAX_RECORD_TEXT;
use crate::record::{BucketKey, EventBlock, EventsPut, PurgeBegun, PurgedEvents, Record, Through};
use crate::sequencer::{Prepared, Turn};
use crate::store::{Shared, Store};
use crate::view::{BucketView, Located};

/// Events that are redacted at once: few enough for a heartbeat not to notice.
const AT_ONCE: usize = 256;
/// How often it is tried to redact an event that changes all the while.
const MAX_TRIES: u32 = 256;
/// After so many tries no view segment is made or merged until it has succeeded.
const TRIES_BESIDE_COMPACTOR: u32 = 4;

type NewData<'a> = &'a dyn Fn(&str) -> Option<String>;

/// An event as it is, and the data it is to have.
struct Redacted {
    id: EventId,
    start: Timestamp,
    duration: Duration,
    old: String,
    new: String,
}

/// Events that are ready to be redacted.
struct Redaction {
    located: Arc<Located>,
    events: Vec<Redacted>,
    /// Those that are not there.
    gone: Vec<EventId>,
}

/// A redaction that is being carried out, a few events in one write. What was written stays written when a write fails,
/// and [`Store::redact_on`] goes on after it: to begin again would redact what is redacted already, if it still matches.
#[derive(Debug, Default)]
pub struct Redacting {
    /// Events that are there, by bucket.
    present: Vec<(BucketKey, Vec<EventId>)>,
    /// What is erased, because there is no event to give other data.
    rest: Vec<PurgeBegun>,
    redacted: u64,
    newest: Option<Seq>,
}

impl Redacting {
    /// What was selected.
    pub fn of(selected: &Selected) -> Redacting {
        let mut redacting = Redacting::default();
        for purge in selected.purges() {
            let (mut present, mut events) = (Vec::new(), Vec::new());
            for part in &purge.events {
                match part.through {
                    Through::Now => present.extend_from_slice(&part.ids),
                    Through::UpTo(_) => events.push(part.clone()),
                }
            }
            redacting.present.push((purge.bucket, present));
            redacting.erase(purge.bucket, events, purge.redact);
        }
        redacting
    }

    /// How many events have their new data.
    pub fn redacted(&self) -> u64 {
        self.redacted
    }

    fn erase(&mut self, bucket: BucketKey, events: Vec<PurgedEvents>, redact: bool) {
        if !events.is_empty() {
            self.rest.push(PurgeBegun {
                bucket,
                whole: false,
                events,
                redact,
            });
        }
    }
}

impl Store {
    /// The first half of [`Store::redact`], from where it is: events get their new data and their old data is ordered to
    /// be erased. When it fails with a [`WriteError`](crate::error::WriteError) that passes, it can be called again.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub fn redact_on(
        &self,
        redacting: &mut Redacting,
        data: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(), HistoryError> {
        while let Some((bucket, mut ids)) = redacting.present.pop() {
            let mut gone = Vec::new();
            let done = self
                .shared
                .redact_events(bucket, &mut ids, data, &mut gone, redacting);
            if !gone.is_empty() {
                redacting.erase(
                    bucket,
                    vec![PurgedEvents {
                        through: Through::Now,
                        ids: gone,
                    }],
                    false,
                );
            }
            if let Err(error) = done {
                redacting.present.push((bucket, ids));
                return Err(error);
            }
        }
        if let Some(newest) = redacting.newest {
            self.shared.sequencer.wait_durable(newest)?;
        }
        self.order_purge(&redacting.rest)?;
        redacting.rest.clear();
        Ok(())
    }
}

impl Redaction {
    /// Reads the events and makes their new data.
    fn prepare(view: &BucketView, ids: &[EventId], data: NewData<'_>) -> Result<Redaction, HistoryError> {
        let mut gone: FxHashSet<EventId> = ids.iter().copied().collect();
        let mut events = Vec::new();
        view.read_these(&gone.clone(), |row, text| {
            gone.remove(&row.id);
            if let Some(new) = data(text).filter(|new| new != text) {
                events.push(Redacted {
                    id: row.id,
                    start: row.start,
                    duration: row.duration,
                    old: text.to_owned(),
                    new,
                });
            }
        })?;
        events.sort_unstable_by_key(|event| event.id);
        let ids: Vec<EventId> = events.iter().map(|event| event.id).collect();
        Ok(Redaction {
            located: Arc::new(Located::of(view, &ids)?),
            events,
            gone: gone.into_iter().collect(),
        })
    }

    fn bytes(&self) -> usize {
        self.events.iter().map(|event| event.new.len()).sum()
    }

    /// The record that gives the events their new data.
    fn put(&self) -> Result<Prepared<'_>, HistoryError> {
        let columns = self.events.iter().map(|e| (e.start, e.duration, e.new.as_str()));
        let record = Record::EventsPut(EventsPut {
            bucket: self.located.bucket(),
            ids: self.events.iter().map(|event| event.id).collect(),
            events: EventBlock::from_events(columns),
        });
        Ok(Prepared::of(record, Some(self.located.clone()))?)
    }

    /// Takes over the times of the one event, which has changed, if it still has the data that was redacted.
    fn follow(&mut self, now: &BucketView) -> bool {
        let [event] = self.events.as_mut_slice() else {
            return false;
        };
        let Some(Ok(Some((row, text)))) = now.find_in_memory(event.id).map(|place| now.read(place)) else {
            return false;
        };
        (event.start, event.duration) = (row.start, row.duration);
        text == event.old
    }
}

impl Shared {
    /// Redacts events of a bucket. Takes from `ids` those that are done; `gone` is given those that are not there.
    fn redact_events(
        &self,
        key: BucketKey,
        ids: &mut Vec<EventId>,
        data: NewData<'_>,
        gone: &mut Vec<EventId>,
        progress: &mut Redacting,
    ) -> Result<(), HistoryError> {
        while !ids.is_empty() {
            let end = ids.len().min(AT_ONCE);
            let mut left = ids.get(..end).unwrap_or_default().to_vec();
            let mut changing = Vec::new();
            while !left.is_empty() {
                let changed = self.redact_part(key, &left, data, gone, progress)?;
                if changed.is_empty() {
                    let done: FxHashSet<EventId> = left.drain(..).collect();
                    ids.retain(|id| !done.contains(id));
                }
                left.retain(|id| changed.binary_search(id).is_err());
                changing.extend(changed);
            }
            // Events that change all the while do not keep the others from being redacted.
            for id in changing {
                self.redact_part(key, &[id], data, gone, progress)?;
                ids.retain(|other| *other != id);
            }
        }
        Ok(())
    }

    /// Redacts some events at once, unless some of them have changed meanwhile: those are given back, and nothing is done.
    /// One alone is tried until it holds still.
    fn redact_part(
        &self,
        key: BucketKey,
        ids: &[EventId],
        data: NewData<'_>,
        gone: &mut Vec<EventId>,
        progress: &mut Redacting,
    ) -> Result<Vec<EventId>, HistoryError> {
        for round in 1..=MAX_TRIES {
            let _no_other_segments = (round > TRIES_BESIDE_COMPACTOR).then(|| self.files.exclusive());
            let snapshot = self.sequencer.snapshot();
            let Some(view) = snapshot.bucket_of(key) else {
                gone.extend(ids);
                return Ok(Vec::new());
            };
            let mut redaction = Redaction::prepare(view, ids, data)?;
            if redaction.events.is_empty() {
                gone.extend(redaction.gone);
                return Ok(Vec::new());
            }
            if ids.len() > 1 && redaction.bytes() > MAX_RECORD_TEXT {
                // One by one they fit.
                let mut all: Vec<EventId> = redaction.events.iter().map(|event| event.id).collect();
                all.extend(&redaction.gone);
                all.sort_unstable();
                return Ok(all);
            }
            let mut put = redaction.put()?;
            self.sequencer.interleave();
            let mut turn = self.sequencer.lock();
            let now = turn.state.bucket(key).map(|bucket| &bucket.view);
            let Some(changed) = now.and_then(|now| redaction.located.changed(now)) else {
                continue;
            };
            match (changed.is_empty(), ids) {
                (true, _) => {}
                (false, [_]) => {
                    // A heartbeat extends it more often than this takes: only its times are new, and it is in memory.
                    drop(put);
                    if round <= TRIES_BESIDE_COMPACTOR || !now.is_some_and(|now| redaction.follow(now)) {
                        continue;
                    }
                    put = redaction.put()?;
                }
                (false, _) => return Ok(changed),
            }
            progress.newest = Some(self.commit_redaction(&mut turn, put)?);
            progress.redacted += redaction.events.len() as u64;
            gone.extend(redaction.gone.iter());
            return Ok(Vec::new());
        }
        Err(HistoryError::Unsettled)
    }

    /// Stores the new data, and orders what the events had to be erased, in one.
    fn commit_redaction(&self, turn: &mut Turn, put: Prepared<'_>) -> Result<Seq, HistoryError> {
        let Record::EventsPut(EventsPut { bucket, ids, .. }) = &put.record else {
            return Err(HistoryError::Unsettled);
        };
        let before = turn.log.next_seq().prev();
        let purge = PurgeBegun {
            bucket: *bucket,
            whole: false,
            events: vec![PurgedEvents {
                through: Through::UpTo(before),
                ids: ids.clone(),
            }],
            redact: true,
        };
        let purge = Prepared::of(Record::PurgeBegun(purge), None)?;
        Ok(self.sequencer.commit_all(turn, &[put, purge])?)
    }
}

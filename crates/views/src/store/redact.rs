//! Giving events other data. A few at a time: they are read, and their new data made and encoded, on a snapshot; under
//! the lock it is only checked that they have not changed since.

use std::sync::Arc;

use rustc_hash::FxHashSet;
use timberline_log::Seq;

use super::commit::Prepared;
use super::write::RECORD_BYTES;
use super::{PurgeReceipt, Sequencer, Shared, Store};
use crate::bucket::{BucketView, Located};
use crate::history::HistoryError;
use crate::history::select::Selected;
use crate::record::{BucketKey, EventBlock, EventsPut, PRESENT, PurgeBegun, Record};

/// Events that are redacted at once: few enough for a heartbeat not to notice.
const AT_ONCE: usize = 256;
/// How often it is tried to redact an event that changes all the while.
const TRIES: u32 = 256;
/// After so many tries no view segment is made or merged until it has succeeded.
const FREE_TRIES: u32 = 4;

type NewData<'a> = &'a dyn Fn(&str) -> Option<String>;

/// An event as it is, and the data it is to have.
struct Redacted {
    id: u64,
    start: i64,
    duration: i64,
    old: String,
    new: String,
}

/// Events that are ready to be redacted.
struct Redaction {
    located: Arc<Located>,
    events: Vec<Redacted>,
    /// Those that are not there.
    gone: Vec<u64>,
}

impl Store {
    /// Gives events other data, now and in all of history, and erases what they had. `data` tells the new data of what
    /// is there; events for which it tells none stay. What was deleted, or matched before it was changed, is erased: there
    /// is no event to redact.
    ///
    /// # Errors
    /// As [`Store::purge`].
    pub fn redact(
        &self,
        selected: &Selected,
        data: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<PurgeReceipt>, HistoryError> {
        let mut rest = Vec::with_capacity(selected.purges.len());
        for purge in &selected.purges {
            rest.extend(self.order_redaction(purge, data)?);
        }
        self.purge(&rest)
    }

    /// One step of a redaction: gives the events that are there their new data and orders the old data to be erased, a
    /// few events in one write. Gives back the order for what is not there to be redacted; it is the caller's to write.
    /// A redaction must not be done again as a whole when this fails: what is redacted already could match once more.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub fn order_redaction(
        &self,
        purge: &PurgeBegun,
        data: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<PurgeBegun>, HistoryError> {
        let mut events = Vec::with_capacity(purge.events.len());
        for (through, ids) in &purge.events {
            let ids = match *through {
                PRESENT => self.shared.redact_events(purge.bucket, ids, data)?,
                _ => ids.clone(),
            };
            if !ids.is_empty() {
                events.push((*through, ids));
            }
        }
        Ok((!events.is_empty()).then(|| PurgeBegun {
            events,
            ..purge.clone()
        }))
    }
}

impl Redaction {
    /// Reads the events and makes their new data.
    fn prepare(view: &BucketView, ids: &[u64], data: NewData<'_>) -> Result<Redaction, HistoryError> {
        let mut gone: FxHashSet<u64> = ids.iter().copied().collect();
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
        let ids: Vec<u64> = events.iter().map(|event| event.id).collect();
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
    /// Redacts events of a bucket. Gives back those that are not there.
    fn redact_events(
        &self,
        key: BucketKey,
        ids: &[u64],
        data: NewData<'_>,
    ) -> Result<Vec<u64>, HistoryError> {
        let (mut gone, mut newest) = (Vec::new(), None);
        for part in ids.chunks(AT_ONCE) {
            let mut left = part.to_vec();
            let mut changing = Vec::new();
            while !left.is_empty() {
                let changed = self.redact_part(key, &left, data, &mut gone, &mut newest)?;
                left.retain(|id| changed.binary_search(id).is_err());
                if changed.is_empty() {
                    left.clear();
                }
                changing.extend(changed);
            }
            // Events that change all the while do not keep the others from being redacted.
            for id in changing {
                self.redact_part(key, &[id], data, &mut gone, &mut newest)?;
            }
        }
        if let Some(newest) = newest {
            self.wait_durable(newest)?;
        }
        Ok(gone)
    }

    /// Redacts some events at once, unless some of them have changed meanwhile: those are given back, and nothing is done.
    /// One alone is tried until it holds still.
    fn redact_part(
        &self,
        key: BucketKey,
        ids: &[u64],
        data: NewData<'_>,
        gone: &mut Vec<u64>,
        newest: &mut Option<Seq>,
    ) -> Result<Vec<u64>, HistoryError> {
        for round in 1..=TRIES {
            let _no_other_segments = (round > FREE_TRIES).then(|| self.compacting.lock());
            let snapshot = self.published.load_full();
            let Some(view) = snapshot.bucket_of(key) else {
                gone.extend(ids);
                return Ok(Vec::new());
            };
            let mut redaction = Redaction::prepare(view, ids, data)?;
            if redaction.events.is_empty() {
                gone.extend(redaction.gone);
                return Ok(Vec::new());
            }
            if ids.len() > 1 && redaction.bytes() > RECORD_BYTES {
                // One by one they fit.
                let mut all: Vec<u64> = redaction.events.iter().map(|event| event.id).collect();
                all.extend(&redaction.gone);
                all.sort_unstable();
                return Ok(all);
            }
            let mut put = redaction.put()?;
            self.interleave();
            let mut sequencer = self.sequencer.lock();
            let now = sequencer.state.bucket(key).map(|bucket| &bucket.view);
            let Some(changed) = now.and_then(|now| redaction.located.changed(now)) else {
                continue;
            };
            match (changed.is_empty(), ids) {
                (true, _) => {}
                (false, [_]) => {
                    // A heartbeat extends it more often than this takes: only its times are new, and it is in memory.
                    drop(put);
                    if round <= FREE_TRIES || !now.is_some_and(|now| redaction.follow(now)) {
                        continue;
                    }
                    put = redaction.put()?;
                }
                (false, _) => return Ok(changed),
            }
            *newest = Some(self.commit_redaction(&mut sequencer, put)?);
            gone.extend(redaction.gone.iter());
            return Ok(Vec::new());
        }
        Err(HistoryError::Unsettled)
    }

    /// Stores the new data, and orders what the events had to be erased, in one.
    fn commit_redaction(&self, sequencer: &mut Sequencer, put: Prepared<'_>) -> Result<Seq, HistoryError> {
        let Record::EventsPut(EventsPut { bucket, ids, .. }) = &put.record else {
            return Err(HistoryError::Unsettled);
        };
        let before = sequencer.log.next_seq().prev();
        let purge = PurgeBegun {
            bucket: *bucket,
            whole: false,
            events: vec![(before.get(), ids.clone())],
            redact: true,
        };
        let purge = Prepared::of(Record::PurgeBegun(purge), None)?;
        Ok(self.commit_all(sequencer, &[put, purge])?)
    }
}

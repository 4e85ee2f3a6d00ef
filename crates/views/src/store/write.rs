//! Writes: decide, append, apply, publish, reply.

use rustc_hash::FxHashMap;
use timberline_log::Seq;
use timberline_model::{
    Bucket, BucketUpdate, Duration, EventId, Heartbeat, NewEvent, Pulsetime, Timestamp, heartbeat,
};

use super::error::WriteError;
use super::presence::Presence;
use super::{HeartbeatDurability, Sequencer, Store};
use crate::bucket::{BucketState, SEAL_ROWS};
use crate::record::{self, BucketKey, EventBlock, Record, codec};
use crate::segment::SegmentError;
use crate::snapshot::Snapshot;

/// Events in one record: enough for the compressor to find what repeats, few enough for a small buffer.
const RECORD_EVENTS: usize = 4096;
/// Bytes of text in one record (a single event may have more): it fits the smallest segment even if nothing in it repeats.
const RECORD_BYTES: usize = 768 << 10;
/// Events of one bucket in memory beyond which writers have to wait for the compactor.
const MOST_WAITING: usize = 64 * SEAL_ROWS;
/// The same for the bytes of their data.
const MOST_WAITING_BYTES: usize = 512 << 20;
/// Ids that clients bring beyond this, and that are not ours, are replaced by ours, or the counter could be driven out of
/// what JSON numbers hold.
const GREATEST_TAKEN_ID: u64 = 1 << 52;

/// What a write gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The newest record of the write.
    pub seq: Seq,
    /// Whether it must be durable ([`Store::durable`]) before the client is told.
    pub sync: bool,
}

/// What came of a heartbeat: the event it extended or became.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeartbeatAnswer {
    /// The event's id.
    pub id: EventId,
    /// When it began.
    pub start: Timestamp,
    /// How long it has lasted by now.
    pub duration: Duration,
    /// What to wait for.
    pub receipt: Receipt,
}

impl Store {
    /// Takes a heartbeat: extends the bucket's last event by the rule of [`timberline_model::heartbeat`] or makes a
    /// new one.
    ///
    /// # Errors
    /// [`WriteError`]; those that pass ([`WriteError::is_passing`]) should make the client wait.
    pub fn heartbeat(
        &self,
        bucket: &str,
        beat: &Heartbeat<'_>,
        pulsetime: Pulsetime,
    ) -> Result<HeartbeatAnswer, WriteError> {
        let shared = &*self.shared;
        let mut sequencer = shared.sequencer.lock();
        let state = sequencer.existing(bucket)?;
        let key = state.view.key;
        let (start, duration) = (beat.start, beat.duration);
        let extended = extended(state, beat, pulsetime);
        let (id, begins, lasts) = extended.unwrap_or((sequencer.state.next_event, start, duration));
        let outcome = match extended {
            Some((event, _, duration)) => record::Outcome::Extended {
                event,
                duration: duration.nanos(),
            },
            None => record::Outcome::Created {
                event: id,
                data: &beat.data,
            },
        };
        let record = Record::Heartbeat(record::Heartbeat {
            bucket: key,
            start: start.nanos(),
            duration: duration.nanos(),
            pulsetime: pulsetime.nanos(),
            outcome,
        });
        let seq = shared.commit(&mut sequencer, &record)?;
        if extended.is_none() {
            shared.note_growth(sequencer, key);
        }
        let sync = shared.options.heartbeat == HeartbeatDurability::Always;
        Ok(HeartbeatAnswer {
            id: EventId(id),
            start: begins,
            duration: lasts,
            receipt: Receipt { seq, sync },
        })
    }

    /// Stores events. Those with an id take the place of the event of this bucket that has it; the others get a new
    /// id. Gives back the ids, in the order of the events.
    ///
    /// # Errors
    /// [`WriteError`]; nothing is stored then.
    pub fn insert_events(
        &self,
        bucket: &str,
        events: &[NewEvent<'_>],
    ) -> Result<(Vec<EventId>, Receipt), WriteError> {
        if events.iter().any(|e| e.id.is_some()) {
            self.put(bucket, events)
        } else {
            self.insert(bucket, events)
        }
    }

    /// Stores those of the events that `known` does not have in this bucket: the same start, duration and data. Ids
    /// are given anew. Gives back how many were stored.
    ///
    /// # Errors
    /// [`WriteError`]; nothing is stored then.
    pub fn import_events(
        &self,
        bucket: &str,
        events: &[NewEvent<'_>],
        known: &Snapshot,
    ) -> Result<(usize, Receipt), WriteError> {
        let Some(view) = known.bucket(bucket).filter(|b| !b.is_empty()) else {
            return self
                .insert(bucket, events)
                .map(|(ids, receipt)| (ids.len(), receipt));
        };
        let mut presence = Presence::new(view);
        let mut missing = Vec::new();
        for event in events {
            if !presence.has(event)? {
                missing.push(event.clone());
            }
        }
        self.insert(bucket, &missing)
            .map(|(ids, receipt)| (ids.len(), receipt))
    }

    fn insert(&self, bucket: &str, events: &[NewEvent<'_>]) -> Result<(Vec<EventId>, Receipt), WriteError> {
        // Most of the work, compression above all, is done before the lock.
        let blocks = records(events).map(encoded).collect::<Result<Vec<_>, _>>()?;
        let shared = &*self.shared;
        let mut sequencer = shared.sequencer.lock();
        let key = sequencer.room_for(bucket)?;
        let first = sequencer.state.next_event;
        if events.is_empty() {
            return Ok((
                Vec::new(),
                Receipt {
                    seq: Seq(sequencer.state.seq),
                    sync: false,
                },
            ));
        }
        let mut next = first;
        let mut batch = Vec::with_capacity(blocks.len());
        for (events, bytes) in blocks {
            let mut payload = Vec::with_capacity(bytes.len() + 24);
            codec::encode_inserted(key, next, &mut payload)?;
            payload.extend_from_slice(&bytes);
            let n = events.len() as u64;
            batch.push((
                Record::EventsInserted(record::EventsInserted {
                    bucket: key,
                    first: next,
                    events,
                }),
                payload,
            ));
            next += n;
        }
        let seq = shared.commit_all(&mut sequencer, &batch)?;
        shared.note_growth(sequencer, key);
        Ok(((first..next).map(EventId).collect(), Receipt { seq, sync: true }))
    }

    fn put(&self, bucket: &str, events: &[NewEvent<'_>]) -> Result<(Vec<EventId>, Receipt), WriteError> {
        let shared = &*self.shared;
        let mut sequencer = shared.sequencer.lock();
        let key = sequencer.room_for(bucket)?;
        let given = sequencer.state.next_event;
        let taken = |id: &EventId| id.0 <= GREATEST_TAKEN_ID || id.0 < given;
        let greatest = events
            .iter()
            .filter_map(|e| e.id)
            .filter(taken)
            .map(|id| id.0)
            .max()
            .unwrap_or(0);
        let mut next = sequencer.state.next_event.max(greatest + 1);
        let ids: Vec<u64> = events
            .iter()
            .map(|e| match e.id.filter(taken) {
                Some(id) => id.0,
                None => {
                    next += 1;
                    next - 1
                }
            })
            .collect();
        let view = sequencer.state.bucket(key).map(|b| &b.view);
        for id in ids.iter().filter(|id| **id < given) {
            // An event whose place cannot be read cannot be replaced: better refused than there twice.
            view.map(|v| v.find(*id)).transpose()?;
        }
        // Of equal ids the last counts; what the others say must not lie in the log, where a purge by what the event
        // became would not find it.
        let latest: FxHashMap<u64, usize> = ids.iter().enumerate().map(|(i, id)| (*id, i)).collect();
        let (stored, events): (Vec<u64>, Vec<NewEvent<'_>>) = ids
            .iter()
            .zip(events)
            .enumerate()
            .filter(|(i, (id, _))| latest.get(id) == Some(i))
            .map(|(_, (id, event))| (*id, event.clone()))
            .unzip();
        let mut batch = Vec::new();
        let mut rest = stored.as_slice();
        for events in records(&events) {
            let ids;
            (ids, rest) = rest.split_at_checked(events.len()).unwrap_or_default();
            let (events, bytes) = encoded(events)?;
            let mut payload = Vec::with_capacity(bytes.len() + 9 * ids.len());
            codec::encode_put(key, ids, &mut payload)?;
            payload.extend_from_slice(&bytes);
            batch.push((
                Record::EventsPut(record::EventsPut {
                    bucket: key,
                    ids: ids.to_vec(),
                    events,
                }),
                payload,
            ));
        }
        let seq = shared.commit_all(&mut sequencer, &batch)?;
        shared.note_growth(sequencer, key);
        Ok((
            ids.into_iter().map(EventId).collect(),
            Receipt { seq, sync: true },
        ))
    }

    /// Deletes an event. False when the bucket has none with this id.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn delete_event(&self, bucket: &str, id: EventId) -> Result<(bool, Receipt), WriteError> {
        let shared = &*self.shared;
        let mut sequencer = shared.sequencer.lock();
        let state = sequencer.existing(bucket)?;
        let key = state.view.key;
        if state.view.find(id.0)?.is_none() {
            return Ok((false, sequencer.nothing_new()));
        }
        let record = Record::EventsDeleted(record::EventsDeleted {
            bucket: key,
            ids: vec![id.0],
        });
        let seq = shared.commit(&mut sequencer, &record)?;
        Ok((true, Receipt { seq, sync: true }))
    }

    /// Makes a bucket. False when there is one with this id, which stays as it is.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn create_bucket(&self, bucket: &Bucket) -> Result<(bool, Receipt), WriteError> {
        let shared = &*self.shared;
        let mut sequencer = shared.sequencer.lock();
        if sequencer.state.named(&bucket.id).is_some() {
            return Ok((false, sequencer.nothing_new()));
        }
        let record = Record::BucketCreated(record::BucketCreated {
            bucket: sequencer.state.next_bucket(),
            id: &bucket.id,
            type_: &bucket.type_,
            client: &bucket.client,
            hostname: &bucket.hostname,
            created: bucket.created.nanos(),
            data: bucket.data.as_str(),
            last_updated: bucket.last_updated.map(Timestamp::nanos),
        });
        let seq = shared.commit(&mut sequencer, &record)?;
        Ok((true, Receipt { seq, sync: true }))
    }

    /// Changes fields of a bucket.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn update_bucket(&self, bucket: &str, update: &BucketUpdate) -> Result<Receipt, WriteError> {
        let shared = &*self.shared;
        let mut sequencer = shared.sequencer.lock();
        let state = sequencer.existing(bucket)?;
        let record = Record::BucketUpdated(record::BucketUpdated {
            bucket: state.view.key,
            type_: update.type_.as_deref(),
            client: update.client.as_deref(),
            hostname: update.hostname.as_deref(),
            data: update.data.as_ref().map(|d| d.as_str()),
        });
        let seq = shared.commit(&mut sequencer, &record)?;
        Ok(Receipt { seq, sync: true })
    }

    /// Deletes a bucket and its events. They can be restored until they are purged.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn delete_bucket(&self, bucket: &str) -> Result<Receipt, WriteError> {
        let shared = &*self.shared;
        let mut sequencer = shared.sequencer.lock();
        let state = sequencer.existing(bucket)?;
        let record = Record::BucketDeleted(record::BucketDeleted {
            bucket: state.view.key,
        });
        let seq = shared.commit(&mut sequencer, &record)?;
        Ok(Receipt { seq, sync: true })
    }

    /// Gives a setting a value, which is JSON text.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn set_setting(&self, key: &str, value: &str) -> Result<Receipt, WriteError> {
        let mut sequencer = self.shared.sequencer.lock();
        let seq = self.shared.commit(
            &mut sequencer,
            &Record::SettingSet(record::SettingSet { key, value }),
        )?;
        Ok(Receipt { seq, sync: true })
    }

    /// Deletes a setting. False when it was not set.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn delete_setting(&self, key: &str) -> Result<(bool, Receipt), WriteError> {
        let mut sequencer = self.shared.sequencer.lock();
        if !sequencer.state.settings().contains_key(key) {
            return Ok((false, sequencer.nothing_new()));
        }
        let seq = self.shared.commit(
            &mut sequencer,
            &Record::SettingDeleted(record::SettingDeleted { key }),
        )?;
        Ok((true, Receipt { seq, sync: true }))
    }
}

/// The event a heartbeat extends, if it does: id, start, and its new duration.
fn extended(
    state: &BucketState,
    beat: &Heartbeat<'_>,
    pulsetime: Pulsetime,
) -> Option<(u64, Timestamp, Duration)> {
    let last = state.view.last?;
    let (start, duration) = (
        Timestamp::from_nanos(last.start),
        Duration::from_nanos(last.duration),
    );
    // The rule's times first: they are cheap, and data that lies on disk is not.
    let longer = heartbeat::merge(start, duration, true, beat.start, beat.duration, pulsetime)?;
    let same = match &state.view.open {
        Some(open) if open.row.id == last.id => open.text() == beat.data,
        _ => stored_text(state, last.id).is_some_and(|text| text == beat.data),
    };
    same.then_some((last.id, start, longer))
}

/// The data of an event that is not the open one. Where it cannot be read there is nothing to compare with, and the
/// heartbeat becomes an event of its own: better two events than a heartbeat refused.
fn stored_text(state: &BucketState, id: u64) -> Option<String> {
    let read = || {
        Ok::<_, SegmentError>(
            state
                .view
                .find(id)?
                .map(|place| state.view.read(place))
                .transpose()?
                .flatten(),
        )
    };
    match read() {
        Ok(found) => found.map(|(_, text)| text),
        Err(error) => {
            tracing::error!(%error, "the last event of a bucket cannot be read");
            None
        }
    }
}

/// Events, cut into what one record takes.
fn records<'a, 'b>(events: &'a [NewEvent<'b>]) -> impl Iterator<Item = &'a [NewEvent<'b>]> {
    let mut rest = events;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fitting = rest.iter().take(RECORD_EVENTS).take_while(|event| {
            bytes += event.data.len();
            bytes <= RECORD_BYTES
        });
        let count = fitting.count().max(1);
        let (record, later) = rest.split_at_checked(count)?;
        rest = later;
        Some(record)
    })
}

fn encoded<'a>(events: &'a [NewEvent<'_>]) -> Result<(EventBlock<'a>, Vec<u8>), WriteError> {
    let block = EventBlock::from_events(
        events
            .iter()
            .map(|e| (e.start.nanos(), e.duration.nanos(), e.data.as_ref())),
    );
    let mut bytes = Vec::new();
    block.encode(&mut bytes)?;
    Ok((block, bytes))
}

impl Sequencer {
    /// The bucket with this id.
    fn existing(&self, id: &str) -> Result<&BucketState, WriteError> {
        self.state
            .named(id)
            .ok_or_else(|| WriteError::NoSuchBucket(id.to_owned()))
    }

    /// The key of a bucket that more events may come into.
    fn room_for(&self, bucket: &str) -> Result<BucketKey, WriteError> {
        let state = self.existing(bucket)?;
        let waiting = state.view.head_rows();
        if waiting > MOST_WAITING || state.head_bytes() > MOST_WAITING_BYTES {
            return Err(WriteError::Busy {
                bucket: bucket.to_owned(),
                waiting,
            });
        }
        Ok(state.view.key)
    }

    /// The receipt of a write that had nothing to do.
    fn nothing_new(&self) -> Receipt {
        Receipt {
            seq: Seq(self.state.seq),
            sync: false,
        }
    }
}

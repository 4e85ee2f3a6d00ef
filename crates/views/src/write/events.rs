//! Writes: decide, append, apply, publish, reply.

use std::sync::Arc;

use parking_lot::MutexGuard;
use timberline_log::Seq;
use timberline_model::{
    Bucket, BucketUpdate, Duration, EventId, Heartbeat, NewEvent, Pulsetime, Timestamp, heartbeat,
};

use crate::error::WriteError;
use crate::fold::{BucketState, FLUSH_ROWS};
use crate::record::{self, BucketKey, EventBlock, MAX_RECORD_TEXT, Record, codec};
use crate::segment::SegmentError;
use crate::sequencer::{MAX_ROUNDS, Prepared, Turn};
use crate::store::{HeartbeatDurability, Store};
use crate::view::{BucketView, Located};

/// Events in one record: enough for the compressor to find what repeats, few enough for a small buffer.
const RECORD_EVENTS: usize = 4096;
/// Events of one bucket in memory beyond which writers have to wait for the compactor.
const MAX_WAITING: usize = 64 * FLUSH_ROWS;
/// The same for the bytes of their data.
const MAX_WAITING_BYTES: usize = 512 << 20;
/// What a write gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The newest record of the write.
    pub seq: Seq,
    /// Whether it must be durable ([`Store::durable`]) before the client gets its answer.
    pub sync: bool,
}

/// The answer to a heartbeat: the event that it extended or created.
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
        let (mut turn, last) = self.last_event(bucket, beat, pulsetime)?;
        let state = turn.existing(bucket)?;
        let key = state.view.key;
        let (start, duration) = (beat.start, beat.duration);
        let extended = extended(state, beat, pulsetime, &last);
        let (id, begins, lasts) = extended.unwrap_or((turn.state.next_event, start, duration));
        let outcome = match extended {
            Some((event, _, duration)) => record::Outcome::Extended { event, duration },
            None => record::Outcome::Created {
                event: id,
                data: &beat.data,
            },
        };
        let record = Record::Heartbeat(record::Heartbeat {
            bucket: key,
            start,
            duration,
            pulsetime,
            outcome,
        });
        let seq = match &last {
            LastRead::Located(located) => shared.sequencer.commit_located(&mut turn, &record, located)?,
            _ => shared.sequencer.commit(&mut turn, &record)?,
        };
        if extended.is_none() {
            shared.sequencer.note_growth(turn, key);
        }
        let sync = shared.options.heartbeat == HeartbeatDurability::Always;
        Ok(HeartbeatAnswer {
            id,
            start: begins,
            duration: lasts,
            receipt: Receipt { seq, sync },
        })
    }

    /// Takes the lock. If the event that the heartbeat may extend lies in a view segment, it was read before.
    fn last_event(
        &self,
        bucket: &str,
        beat: &Heartbeat<'_>,
        pulsetime: Pulsetime,
    ) -> Result<(MutexGuard<'_, Turn>, LastRead), WriteError> {
        let mut last = LastRead::InMemory;
        for round in 1.. {
            let turn = self.shared.sequencer.lock();
            let view = &turn.existing(bucket)?.view;
            let Some(id) = extends_stored(view, beat, pulsetime) else {
                return Ok((turn, LastRead::InMemory));
            };
            if last.is_known(id, view) || round == MAX_ROUNDS {
                return Ok((turn, last));
            }
            let view = view.clone();
            drop(turn);
            last = match Located::with_data(&view, &[id]) {
                Ok(located) => LastRead::Located(Arc::new(located)),
                Err(error) => {
                    tracing::error!(%error, "the last event of a bucket cannot be read");
                    LastRead::Unreadable(id)
                }
            };
            self.shared.sequencer.interleave();
        }
        Err(WriteError::NoSuchBucket(bucket.to_owned()))
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

    /// Stores events under new ids, whichever they have.
    ///
    /// # Errors
    /// [`WriteError`]; nothing is stored then.
    pub fn import_events(&self, bucket: &str, events: &[NewEvent<'_>]) -> Result<Receipt, WriteError> {
        self.insert(bucket, events).map(|(_, receipt)| receipt)
    }

    fn insert(&self, bucket: &str, events: &[NewEvent<'_>]) -> Result<(Vec<EventId>, Receipt), WriteError> {
        // Most of the work, compression above all, is done before the lock.
        let blocks = records(events).map(encoded).collect::<Result<Vec<_>, _>>()?;
        let shared = &*self.shared;
        // What the fold compares the events with is looked up without the lock; then it is known.
        let _ = self.snapshot().bucket(bucket).map(BucketView::newest);
        shared.sequencer.interleave();
        let mut turn = shared.sequencer.lock();
        let key = turn.room_for(bucket)?;
        let first = turn.state.next_event;
        if events.is_empty() {
            return Ok((
                Vec::new(),
                Receipt {
                    seq: turn.state.seq,
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
            batch.push(Prepared {
                record: Record::EventsInserted(record::EventsInserted {
                    bucket: key,
                    first: next,
                    events,
                }),
                payload,
                located: None,
            });
            next = next.plus(n);
        }
        let seq = shared.sequencer.commit_all(&mut turn, &batch)?;
        shared.sequencer.note_growth(turn, key);
        Ok((first.until(next).collect(), Receipt { seq, sync: true }))
    }

    /// Deletes an event. False when the bucket has none with this id.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn delete_event(&self, bucket: &str, id: EventId) -> Result<(bool, Receipt), WriteError> {
        let shared = &*self.shared;
        for round in 1.. {
            let snapshot = self.snapshot();
            let view = snapshot
                .bucket(bucket)
                .ok_or_else(|| WriteError::NoSuchBucket(bucket.to_owned()))?;
            let located = Arc::new(Located::of(view, &[id])?);
            shared.sequencer.interleave();
            let mut turn = shared.sequencer.lock();
            let view = &turn.existing(bucket)?.view;
            let key = view.key;
            // Whatever came between, it is looked for again by the fold in the last round.
            if round < MAX_ROUNDS && !(located.bucket() == key && located.covers(view)) {
                continue;
            }
            turn.state.expect(key, Some(located.clone()));
            if turn.existing(bucket)?.find(id)?.is_none() {
                turn.state.expect(key, None);
                return Ok((false, turn.nothing_new()));
            }
            let record = Record::EventsDeleted(record::EventsDeleted {
                bucket: key,
                ids: vec![id],
            });
            let seq = shared.sequencer.commit_located(&mut turn, &record, &located)?;
            return Ok((true, Receipt { seq, sync: true }));
        }
        Err(WriteError::NoSuchBucket(bucket.to_owned()))
    }

    /// Makes a bucket. False when there is one with this id, which stays as it is.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn create_bucket(&self, bucket: &Bucket) -> Result<(bool, Receipt), WriteError> {
        let shared = &*self.shared;
        let mut turn = shared.sequencer.lock();
        if turn.state.named(&bucket.id).is_some() {
            return Ok((false, turn.nothing_new()));
        }
        let key = turn.state.next_bucket();
        let record = Record::BucketCreated(record::BucketCreated::of(key, bucket));
        let seq = shared.sequencer.commit(&mut turn, &record)?;
        Ok((true, Receipt { seq, sync: true }))
    }

    /// Changes fields of a bucket.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn update_bucket(&self, bucket: &str, update: &BucketUpdate) -> Result<Receipt, WriteError> {
        let shared = &*self.shared;
        let mut turn = shared.sequencer.lock();
        let state = turn.existing(bucket)?;
        let record = Record::BucketUpdated(record::BucketUpdated {
            bucket: state.view.key,
            type_: update.type_.as_deref(),
            client: update.client.as_deref(),
            hostname: update.hostname.as_deref(),
            data: update.data.as_ref().map(|d| d.as_str()),
        });
        let seq = shared.sequencer.commit(&mut turn, &record)?;
        Ok(Receipt { seq, sync: true })
    }

    /// Deletes a bucket and its events. They can be restored until they are purged.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn delete_bucket(&self, bucket: &str) -> Result<Receipt, WriteError> {
        let shared = &*self.shared;
        let mut turn = shared.sequencer.lock();
        let state = turn.existing(bucket)?;
        let record = Record::BucketDeleted(record::BucketDeleted {
            bucket: state.view.key,
        });
        let seq = shared.sequencer.commit(&mut turn, &record)?;
        Ok(Receipt { seq, sync: true })
    }

    /// Gives a setting a value, which is JSON text.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn set_setting(&self, key: &str, value: &str) -> Result<Receipt, WriteError> {
        let mut turn = self.shared.sequencer.lock();
        let seq = self
            .shared
            .sequencer
            .commit(&mut turn, &Record::SettingSet(record::SettingSet { key, value }))?;
        Ok(Receipt { seq, sync: true })
    }

    /// Gives a setting a value if it still has the `expected` one, where `None` stands for a setting that is not set. The
    /// answer is `None` if it has another.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn replace_setting(
        &self,
        key: &str,
        expected: Option<&str>,
        value: &str,
    ) -> Result<Option<Receipt>, WriteError> {
        let mut turn = self.shared.sequencer.lock();
        if turn.state.settings().get(key).map(String::as_str) != expected {
            return Ok(None);
        }
        let seq = self
            .shared
            .sequencer
            .commit(&mut turn, &Record::SettingSet(record::SettingSet { key, value }))?;
        Ok(Some(Receipt { seq, sync: true }))
    }

    /// Deletes a setting. False when it was not set.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn delete_setting(&self, key: &str) -> Result<(bool, Receipt), WriteError> {
        let mut turn = self.shared.sequencer.lock();
        if !turn.state.settings().contains_key(key) {
            return Ok((false, turn.nothing_new()));
        }
        let seq = self
            .shared
            .sequencer
            .commit(&mut turn, &Record::SettingDeleted(record::SettingDeleted { key }))?;
        Ok((true, Receipt { seq, sync: true }))
    }
}

/// What is known of the event that a heartbeat may extend.
enum LastRead {
    /// It is in memory, or the heartbeat does not extend it.
    InMemory,
    /// It lies in a view segment.
    Located(Arc<Located>),
    /// It cannot be read.
    Unreadable(EventId),
}

impl LastRead {
    fn is_known(&self, id: EventId, view: &BucketView) -> bool {
        match self {
            LastRead::InMemory => false,
            LastRead::Located(located) => {
                located.bucket() == view.key && located.covers(view) && located.text(id).is_some()
            }
            LastRead::Unreadable(unreadable) => *unreadable == id,
        }
    }
}

/// The event that a heartbeat would extend if it has the same data, and how long it would last.
fn within_reach(
    view: &BucketView,
    beat: &Heartbeat<'_>,
    pulsetime: Pulsetime,
) -> Option<(EventId, Timestamp, Duration)> {
    let last = view.last?;
    let (start, duration) = (last.start, last.duration);
    let longer = heartbeat::merge(start, duration, true, beat.start, beat.duration, pulsetime)?;
    Some((last.id, start, longer))
}

/// The event that a heartbeat may extend, if its data lies in a view segment.
fn extends_stored(view: &BucketView, beat: &Heartbeat<'_>, pulsetime: Pulsetime) -> Option<EventId> {
    if view.open.as_ref().map(|open| open.row.id) == view.last.map(|last| last.id) {
        return None;
    }
    // The rule's times first: they are cheap, and data that lies on disk is not.
    let (id, _, _) = within_reach(view, beat, pulsetime)?;
    view.find_in_memory(id).is_none().then_some(id)
}

/// The event a heartbeat extends, if it does: id, start, and its new duration.
fn extended(
    state: &BucketState,
    beat: &Heartbeat<'_>,
    pulsetime: Pulsetime,
    last: &LastRead,
) -> Option<(EventId, Timestamp, Duration)> {
    let (id, start, longer) = within_reach(&state.view, beat, pulsetime)?;
    let same = match (&state.view.open, last) {
        (Some(open), _) if open.row.id == id => open.text() == beat.data,
        (_, LastRead::Located(located)) if located.text(id).is_some() => {
            located.text(id).is_some_and(|text| text == beat.data)
        }
        // Where it cannot be read there is nothing to compare with, and the heartbeat becomes an event of its own:
        // better two events than a heartbeat refused.
        (_, LastRead::Unreadable(unreadable)) if *unreadable == id => false,
        _ => stored_text(state, id).is_some_and(|text| text == beat.data),
    };
    same.then_some((id, start, longer))
}

/// The data of an event that is not the open one.
fn stored_text(state: &BucketState, id: EventId) -> Option<String> {
    let read = || {
        let place = state.find(id)?;
        Ok::<_, SegmentError>(place.map(|place| state.read(place)).transpose()?.flatten())
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
pub(crate) fn records<'a, 'b>(events: &'a [NewEvent<'b>]) -> impl Iterator<Item = &'a [NewEvent<'b>]> {
    let mut rest = events;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fitting = rest.iter().take(RECORD_EVENTS).take_while(|event| {
            bytes += event.data.len();
            bytes <= MAX_RECORD_TEXT
        });
        let count = fitting.count().max(1);
        let (record, later) = rest.split_at_checked(count)?;
        rest = later;
        Some(record)
    })
}

pub(crate) fn encoded<'a>(events: &'a [NewEvent<'_>]) -> Result<(EventBlock<'a>, Vec<u8>), WriteError> {
    let block = EventBlock::from_events(events.iter().map(|e| (e.start, e.duration, e.data.as_ref())));
    let mut bytes = Vec::new();
    block.encode(&mut bytes)?;
    Ok((block, bytes))
}

impl Turn {
    /// The bucket with this id or alias.
    pub(crate) fn existing(&self, id: &str) -> Result<&BucketState, WriteError> {
        self.state
            .named(id)
            .ok_or_else(|| WriteError::NoSuchBucket(id.to_owned()))
    }

    /// The key of a bucket that more events may come into.
    pub(crate) fn room_for(&self, bucket: &str) -> Result<BucketKey, WriteError> {
        let state = self.existing(bucket)?;
        let waiting = state.view.head_rows();
        if waiting > MAX_WAITING || state.head_bytes() > MAX_WAITING_BYTES {
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
            seq: self.state.seq,
            sync: false,
        }
    }
}

//! Events that clients give an id: they take the place of the events that have it.
//!
//! What takes long (finding what they replace, encoding, compressing) is done on a snapshot; under the turn's lock
//! it is only checked that it still holds.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use timberline_model::{EventId, NewEvent};

use crate::error::WriteError;
use crate::record::{self, BucketKey, EventBlock, Record, codec};
use crate::sequencer::{MAX_ROUNDS, Prepared};
use crate::store::Store;
use crate::view::{BucketView, Located};
use crate::write::events::{Receipt, encoded, records};

/// Greater ids of clients are replaced by ids of ours, so that ids stay exact in JSON numbers.
const MAX_CLIENT_ID: EventId = EventId(1 << 52);

/// Events that are ready to be stored but for the ids that are still to be given.
struct Put<'a> {
    /// The id of each event, as the client gave it; `None` for those that get one of ours.
    ids: Vec<Option<EventId>>,
    /// Next id to be given when it was decided which ids are taken.
    given: EventId,
    parts: Vec<Part<'a>>,
}

/// What goes into one record.
struct Part<'a> {
    /// Numbers of the events.
    numbers: Vec<usize>,
    block: EventBlock<'a>,
    bytes: Vec<u8>,
    located: Arc<Located>,
}

/// Whether an event keeps the id that a client gave it.
fn is_taken(id: EventId, given: EventId) -> bool {
    id <= MAX_CLIENT_ID || id < given
}

impl<'a> Put<'a> {
    /// Prepares on a snapshot. `events` are those of `all` that count (of equal ids the last), with their numbers.
    fn prepare(
        view: &BucketView,
        ids: Vec<Option<EventId>>,
        given: EventId,
        (numbers, events): (&[usize], &'a [NewEvent<'a>]),
    ) -> Result<Put<'a>, WriteError> {
        let mut view = view.clone();
        let mut parts = Vec::new();
        let mut rest = numbers;
        for events in records(events) {
            let numbers;
            (numbers, rest) = rest.split_at_checked(events.len()).unwrap_or_default();
            let (block, bytes) = encoded(events)?;
            let known = numbers
                .iter()
                .filter_map(|number| ids.get(*number).copied().flatten());
            // An event whose place cannot be read cannot be replaced: better refused than there twice.
            let located = Located::of(&view, &known.collect::<Vec<_>>())?;
            view = located.without();
            parts.push(Part {
                numbers: numbers.to_vec(),
                block,
                bytes,
                located: Arc::new(located),
            });
        }
        Ok(Put { ids, given, parts })
    }

    /// Whether what was prepared still holds.
    fn holds(&self, key: BucketKey, view: &BucketView, given: EventId) -> bool {
        let same = |id: &EventId| is_taken(*id, self.given) == is_taken(*id, given);
        let located = |part: &Part<'_>| part.located.bucket() == key && part.located.covers(view);
        self.ids.iter().flatten().all(same) && self.parts.iter().all(located)
    }

    /// Gives the ids that are missing, and makes the records.
    fn records(
        self,
        key: BucketKey,
        given: EventId,
    ) -> Result<(Vec<EventId>, Vec<Prepared<'a>>), WriteError> {
        let greatest = self
            .ids
            .iter()
            .flatten()
            .max()
            .map_or(EventId::NONE, |id| id.next());
        let mut next = given.max(greatest);
        let give = |id: &Option<EventId>| {
            id.unwrap_or_else(|| {
                let given = next;
                next = next.next();
                given
            })
        };
        let ids: Vec<EventId> = self.ids.iter().map(give).collect();
        let mut batch = Vec::with_capacity(self.parts.len());
        for part in self.parts {
            let named = part.numbers.iter().filter_map(|number| ids.get(*number).copied());
            let named: Vec<EventId> = named.collect();
            let mut payload = Vec::with_capacity(part.bytes.len() + 9 * named.len());
            codec::encode_put(key, &named, &mut payload)?;
            payload.extend_from_slice(&part.bytes);
            batch.push(Prepared {
                record: Record::EventsPut(record::EventsPut {
                    bucket: key,
                    ids: named,
                    events: part.block,
                }),
                payload,
                located: Some(part.located),
            });
        }
        Ok((ids, batch))
    }
}

impl Store {
    /// See [`Store::insert_events`].
    pub(crate) fn put(
        &self,
        bucket: &str,
        events: &[NewEvent<'_>],
    ) -> Result<(Vec<EventId>, Receipt), WriteError> {
        let shared = &*self.shared;
        for round in 1.. {
            let snapshot = self.snapshot();
            let view = snapshot
                .bucket(bucket)
                .ok_or_else(|| WriteError::NoSuchBucket(bucket.to_owned()))?;
            let taken = |e: &NewEvent<'_>| e.id.filter(|id| is_taken(*id, snapshot.next_event));
            let ids: Vec<Option<EventId>> = events.iter().map(taken).collect();
            // Of equal ids the last counts; what the others say must not lie in the log, where a purge by what the event
            // became would not find it.
            let named = ids
                .iter()
                .enumerate()
                .filter_map(|(number, id)| Some(((*id)?, number)));
            let latest: FxHashMap<EventId, usize> = named.collect();
            let counts = |number: &usize| {
                let id = ids.get(*number).copied().flatten();
                id.is_none_or(|id| latest.get(&id) == Some(number))
            };
            let numbers: Vec<usize> = (0..events.len()).filter(counts).collect();
            let stored: Vec<NewEvent<'_>> = numbers
                .iter()
                .filter_map(|number| events.get(*number).cloned())
                .collect();
            let put = Put::prepare(view, ids, snapshot.next_event, (&numbers, &stored))?;
            shared.sequencer.interleave();
            let mut turn = shared.sequencer.lock();
            let key = turn.room_for(bucket)?;
            let given = turn.state.next_event;
            let holds = |view: &BucketView| put.holds(key, view, given);
            // Whatever came between, it is found again by the fold in the last round.
            if round < MAX_ROUNDS && !turn.state.bucket(key).is_some_and(|b| holds(&b.view)) {
                continue;
            }
            let (ids, batch) = put.records(key, given)?;
            let seq = shared.sequencer.commit_all(&mut turn, &batch)?;
            shared.sequencer.note_growth(turn, key);
            return Ok((ids, Receipt { seq, sync: true }));
        }
        Err(WriteError::NoSuchBucket(bucket.to_owned()))
    }
}

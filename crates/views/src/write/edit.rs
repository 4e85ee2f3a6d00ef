//! Edits of events: what they become follows from what they are, so nothing may change them in between.
//!
//! An edit is prepared on a snapshot. Under the lock it is checked that none of the events has changed since; otherwise
//! it is prepared again. All of it is one group of records, which an undo takes back.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use timberline_log::Seq;
use timberline_model::{Data, Duration, Event, EventId, NewEvent, Timestamp};

use crate::error::{HistoryError, WriteError};
use crate::record::{self, BucketKey, EventBlock, Record, codec};
use crate::sequencer::{MAX_ROUNDS, Prepared, Turn};
use crate::store::Store;
use crate::view::{BucketView, Located, Snapshot};
use crate::write::events::{Receipt, encoded, records};

/// After so many rounds no view segment is made or merged until it is carried out.
pub(super) const ROUNDS_BESIDE_COMPACTOR: u32 = 4;
/// Ids in one record: it fits the smallest log segment.
const RECORD_IDS: usize = 32 << 10;

/// Events of one bucket that are to be edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The bucket.
    pub bucket: BucketKey,
    /// The events.
    pub ids: Vec<EventId>,
}

/// What becomes of the events of an edit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EditPlan {
    /// Events in the place of those with the same id; those without an id are new.
    pub put: Vec<NewEvent<'static>>,
    /// Events that are deleted.
    pub removed: Vec<EventId>,
}

/// What an edit did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Edited {
    /// The ids of the events that were put, for each edit in the order of its plan.
    pub put: Vec<Vec<EventId>>,
    /// How many events were deleted.
    pub removed: u64,
    /// The first and the last record; none if there was nothing to do.
    pub records: Option<(Seq, Receipt)>,
}

/// What becomes of the events of an edit, which are there: by its number, and the events in the order in which they are
/// named.
pub type Plan<'a, E> = &'a dyn Fn(usize, &[Event]) -> Result<EditPlan, E>;

impl Store {
    /// Edits events. `plan` is asked again if one of them has changed in between.
    ///
    /// # Errors
    /// [`WriteError::NoSuchBucket`] for a bucket that is not there, [`HistoryError::Unsettled`] if the events never hold still,
    /// and what `plan` fails with. Nothing has changed then.
    pub fn edit_events<E: From<HistoryError>>(&self, edits: &[Edit], plan: Plan<'_, E>) -> Result<Edited, E> {
        for round in 1..=MAX_ROUNDS {
            let _no_other_segments = (round > ROUNDS_BESIDE_COMPACTOR).then(|| self.shared.files.exclusive());
            let snapshot = self.snapshot();
            let plans = planned(&snapshot, edits, plan)?;
            if let Some(done) = self.try_edit(&snapshot, edits, &plans).map_err(E::from)? {
                return Ok(done);
            }
        }
        Err(HistoryError::Unsettled.into())
    }

    /// `None` if one of the events has changed since the snapshot.
    fn try_edit(
        &self,
        snapshot: &Snapshot,
        edits: &[Edit],
        plans: &[EditPlan],
    ) -> Result<Option<Edited>, HistoryError> {
        let mut prepared = Vec::with_capacity(edits.len());
        for (edit, plan) in edits.iter().zip(plans) {
            prepared.push(PreparedEdit::of(view_of(snapshot, edit.bucket)?, edit, plan)?);
        }
        let sequencer = &self.shared.sequencer;
        sequencer.interleave();
        let mut turn = sequencer.lock();
        if !prepared.iter().all(|edit| edit.holds(&turn)) {
            return Ok(None);
        }
        let mut next = turn.state.next_event;
        let mut edited = Edited {
            removed: plans.iter().map(|plan| plan.removed.len() as u64).sum(),
            ..Edited::default()
        };
        let (mut batch, mut keys) = (Vec::new(), Vec::new());
        for edit in prepared {
            keys.push(edit.key);
            edited.put.push(edit.records(&mut next, &mut batch)?);
        }
        if batch.is_empty() {
            return Ok(Some(edited));
        }
        let first = turn.log.next_seq();
        let seq = sequencer.commit_all(&mut turn, &batch)?;
        sequencer.note_growth_of(turn, &keys);
        edited.records = Some((first, Receipt { seq, sync: true }));
        Ok(Some(edited))
    }
}

fn view_of(snapshot: &Snapshot, key: BucketKey) -> Result<&BucketView, HistoryError> {
    let missing = || WriteError::NoSuchBucket(format!("number {}", key.0));
    Ok(snapshot.bucket_of(key).ok_or_else(missing)?)
}

fn planned<E: From<HistoryError>>(
    snapshot: &Snapshot,
    edits: &[Edit],
    plan: Plan<'_, E>,
) -> Result<Vec<EditPlan>, E> {
    let mut plans = Vec::with_capacity(edits.len());
    for (number, edit) in edits.iter().enumerate() {
        let events = read(view_of(snapshot, edit.bucket)?, &edit.ids).map_err(HistoryError::from);
        let events = events.map_err(E::from)?;
        let mut plan = plan(number, &events)?;
        // An event that stays as it is needs no record.
        let before: FxHashMap<EventId, &Event> = events.iter().map(|event| (event.id, event)).collect();
        let is_same = |put: &NewEvent<'_>, event: &Event| {
            (put.start, put.duration, &*put.data) == (event.start, event.duration, event.data.as_str())
        };
        plan.put.retain(|put| {
            let event = put.id.and_then(|id| before.get(&id));
            event.is_none_or(|event| !is_same(put, event))
        });
        plans.push(plan);
    }
    Ok(plans)
}

/// The events that are there, in the order of the ids.
fn read(view: &BucketView, ids: &[EventId]) -> Result<Vec<Event>, crate::segment::SegmentError> {
    let wanted: FxHashSet<EventId> = ids.iter().copied().collect();
    let mut found: FxHashMap<EventId, Event> = FxHashMap::default();
    view.read_these(&wanted, |row, text| {
        let event = Event {
            id: row.id,
            start: row.start,
            duration: row.duration,
            data: Data::from_canonical(text),
        };
        found.insert(row.id, event);
    })?;
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// An edit whose records are ready but for the ids of new events.
pub(super) struct PreparedEdit<'a> {
    key: BucketKey,
    /// All events that it is about.
    all: Located,
    removed: Vec<(Vec<EventId>, Arc<Located>)>,
    put: Vec<Put<'a>>,
}

/// Events that go into one record.
struct Put<'a> {
    ids: Vec<Option<EventId>>,
    block: EventBlock<'a>,
    bytes: Vec<u8>,
    located: Arc<Located>,
}

impl<'a> PreparedEdit<'a> {
    pub(super) fn of(
        view: &BucketView,
        edit: &Edit,
        plan: &'a EditPlan,
    ) -> Result<PreparedEdit<'a>, HistoryError> {
        let mut prepared = PreparedEdit {
            key: edit.bucket,
            all: Located::of(view, &edit.ids)?,
            removed: Vec::new(),
            put: Vec::new(),
        };
        // Each record is located in what the ones before it leave.
        let mut view = view.clone();
        for ids in plan.removed.chunks(RECORD_IDS) {
            let located = Located::of(&view, ids)?;
            view = located.without();
            prepared.removed.push((ids.to_vec(), Arc::new(located)));
        }
        for events in records(&plan.put) {
            let ids: Vec<Option<EventId>> = events.iter().map(|event| event.id).collect();
            let known: Vec<EventId> = ids.iter().flatten().copied().collect();
            let located = Located::of(&view, &known)?;
            view = located.without();
            let (block, bytes) = encoded(events)?;
            prepared.put.push(Put {
                ids,
                block,
                bytes,
                located: Arc::new(located),
            });
        }
        Ok(prepared)
    }

    /// Whether none of the events has changed since.
    pub(super) fn holds(&self, turn: &Turn) -> bool {
        let now = turn.state.bucket(self.key).map(|bucket| &bucket.view);
        let changed = now.and_then(|now| self.all.changed(now));
        changed.is_some_and(|changed| changed.is_empty())
    }

    /// Adds the records, and gives back the ids of the events that are put.
    pub(super) fn records(
        self,
        next: &mut EventId,
        batch: &mut Vec<Prepared<'a>>,
    ) -> Result<Vec<EventId>, WriteError> {
        for (ids, located) in self.removed {
            let record = Record::EventsDeleted(record::EventsDeleted {
                bucket: self.key,
                ids,
            });
            batch.push(Prepared::of(record, Some(located))?);
        }
        let mut all = Vec::new();
        for put in self.put {
            let give = |id: &Option<EventId>| {
                id.unwrap_or_else(|| {
                    let given = *next;
                    *next = given.next();
                    given
                })
            };
            let ids: Vec<EventId> = put.ids.iter().map(give).collect();
            let mut payload = Vec::with_capacity(put.bytes.len() + 9 * ids.len());
            codec::encode_put(self.key, &ids, &mut payload)?;
            payload.extend_from_slice(&put.bytes);
            all.extend(&ids);
            batch.push(Prepared {
                record: Record::EventsPut(record::EventsPut {
                    bucket: self.key,
                    ids,
                    events: put.block,
                }),
                payload,
                located: Some(put.located),
            });
        }
        Ok(all)
    }
}

/// An event as it is, to be put with changes.
pub fn as_put(event: &Event) -> NewEvent<'static> {
    NewEvent {
        id: Some(event.id),
        start: event.start,
        duration: event.duration,
        data: event.data.as_str().to_owned().into(),
    }
}

/// The part of an event from one instant to another, as a new one.
pub fn as_part(event: &Event, from: Timestamp, to: Timestamp) -> NewEvent<'static> {
    NewEvent {
        id: None,
        start: from,
        duration: to.checked_since(from).unwrap_or(Duration::ZERO),
        ..as_put(event)
    }
}

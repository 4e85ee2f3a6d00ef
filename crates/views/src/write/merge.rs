//! Merging a bucket into another one: its events move there, and so do its names. Then it goes to the trash.
//!
//! A write moves as many events as one batch of records takes, all of them or none, so at every moment each event is in
//! exactly one of the two buckets. The write that moves the last ones deletes the bucket and makes its names aliases of the
//! other, under one lock: a watcher that goes on sending finds one of them. A merge that breaks off is continued by merging
//! again.

use parking_lot::MutexGuard;
use rustc_hash::FxHashSet;
use timberline_log::Seq;
use timberline_model::{EventId, NewEvent};

use crate::error::{HistoryError, WriteError};
use crate::record::{BucketDeleted, BucketKey, BucketListed, Record};
use crate::row::TimeRange;
use crate::segment::SegmentError;
use crate::sequencer::{MAX_ROUNDS, Prepared, Turn};
use crate::store::Store;
use crate::view::page::{Page, PageStart};
use crate::view::{BucketView, Listing};
use crate::write::edit::{Edit, EditPlan, PreparedEdit, ROUNDS_BESIDE_COMPACTOR};
use crate::write::events::Receipt;

/// Events that one write moves, at most: preparing them takes a moment, and a heartbeat that comes meanwhile makes it
/// prepare again.
const PART: usize = 1 << 17;

/// What a write of a merge did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MergedPart {
    /// How many events it moved.
    pub events: u64,
    /// Whether these were the last.
    pub finished: bool,
    /// Its first record.
    pub first: Seq,
    /// Its last one.
    pub receipt: Receipt,
}

impl Store {
    /// Moves events of a bucket to another one, the oldest first, and, with the last of them, its names; then the bucket is
    /// deleted. An event keeps its id unless the other bucket has one of that id.
    ///
    /// # Errors
    /// [`WriteError::NoSuchBucket`] if one of them is not there; other [`HistoryError`]s. Nothing has moved then.
    pub fn merge_part(&self, from: BucketKey, into: BucketKey) -> Result<MergedPart, HistoryError> {
        let mut most = PART;
        loop {
            match self.move_events(from, into, most) {
                Err(HistoryError::Write(WriteError::TooLarge(_))) if most > 1 => most /= 2,
                done => return done,
            }
        }
    }

    fn move_events(&self, from: BucketKey, into: BucketKey, most: usize) -> Result<MergedPart, HistoryError> {
        let sequencer = &self.shared.sequencer;
        for round in 1..MAX_ROUNDS {
            let _no_other_segments = (round > ROUNDS_BESIDE_COMPACTOR).then(|| self.shared.files.exclusive());
            let snapshot = self.snapshot();
            let (source, target) = both(from, into, |key| snapshot.bucket_of(key))?;
            let plan = Plan::of(source, target, most)?;
            let prepared = PreparedMove::of(source, target, &plan)?;
            sequencer.interleave();
            let turn = sequencer.lock();
            if prepared.holds(&turn) {
                return self.carry_out(turn, prepared);
            }
        }
        // Heartbeats come so often that nothing holds that is prepared before the lock.
        let _no_other_segments = self.shared.files.exclusive();
        let turn = sequencer.lock();
        let (source, target) = both(from, into, |key| {
            turn.state.bucket(key).map(|bucket| &bucket.view)
        })?;
        let (source, target) = (source.clone(), target.clone());
        let plan = Plan::of(&source, &target, most)?;
        let prepared = PreparedMove::of(&source, &target, &plan)?;
        self.carry_out(turn, prepared)
    }

    fn carry_out(
        &self,
        mut turn: MutexGuard<'_, Turn>,
        prepared: PreparedMove<'_>,
    ) -> Result<MergedPart, HistoryError> {
        let sequencer = &self.shared.sequencer;
        let (source, target) = both(prepared.source.key, prepared.target.key, |key| {
            turn.state.bucket(key).map(|bucket| &bucket.view)
        })?;
        let (from, into) = (source.key, target.key);
        let aliases = joined_aliases(&target.bucket, &source.bucket);
        let id = target.bucket.bucket.id.clone();
        turn.room_for(&id)?;
        let mut batch = Vec::new();
        let mut next = turn.state.next_event;
        prepared.put.records(&mut next, &mut batch)?;
        let finished = prepared.removed.is_none();
        if let Some(removed) = prepared.removed {
            removed.records(&mut next, &mut batch)?;
        } else {
            let listed = BucketListed {
                bucket: into,
                id: Some(&id),
                aliases: Some(aliases.iter().map(String::as_str).collect()),
                archived: None,
            };
            // In this order: the names must be free.
            batch.push(Prepared::of(
                Record::BucketDeleted(BucketDeleted { bucket: from }),
                None,
            )?);
            batch.push(Prepared::of(Record::BucketListed(listed), None)?);
        }
        let first = turn.log.next_seq();
        let seq = sequencer.commit_together(&mut turn, &batch)?;
        sequencer.note_growth_of(turn, &[into]);
        Ok(MergedPart {
            events: prepared.events,
            finished,
            first,
            receipt: Receipt { seq, sync: true },
        })
    }
}

fn both<'a>(
    from: BucketKey,
    into: BucketKey,
    view: impl Fn(BucketKey) -> Option<&'a BucketView>,
) -> Result<(&'a BucketView, &'a BucketView), WriteError> {
    let there = |key| view(key).ok_or_else(|| WriteError::NoSuchBucket(format!("number {}", key.0)));
    Ok((there(from)?, there(into)?))
}

/// The aliases that a bucket has once it has taken over all names of another one.
fn joined_aliases(now: &Listing, other: &Listing) -> Vec<String> {
    let all = now.aliases.iter().map(AsRef::as_ref).chain(other.names());
    let mut all: Vec<String> = all.map(str::to_owned).collect();
    all.sort_unstable();
    all
}

/// What moves.
struct Plan {
    put: EditPlan,
    /// Events that are deleted where they were; of the last write none, because their bucket is deleted as a whole.
    removed: Option<EditPlan>,
    ids: Vec<EventId>,
}

impl Plan {
    /// The oldest events.
    fn of(source: &BucketView, target: &BucketView, most: usize) -> Result<Plan, SegmentError> {
        let mut page = Page::read(&[source], TimeRange::ALL, PageStart::Oldest, most)?;
        page.events.reverse();
        let ids: Vec<EventId> = page.events.iter().map(|event| event.place.id.0).collect();
        let mut taken: FxHashSet<EventId> = FxHashSet::default();
        target.read_these(&ids.iter().copied().collect(), |row, _| {
            taken.insert(row.id);
        })?;
        let put = page.events.into_iter().map(|event| NewEvent {
            id: Some(event.place.id.0).filter(|id| !taken.contains(id)),
            start: event.place.start,
            duration: event.place.duration.0,
            data: event.data.into(),
        });
        Ok(Plan {
            put: EditPlan {
                put: put.collect(),
                removed: Vec::new(),
            },
            removed: page.more.then(|| EditPlan {
                put: Vec::new(),
                removed: ids.clone(),
            }),
            ids,
        })
    }
}

/// A move whose records are ready but for the ids of new events.
struct PreparedMove<'a> {
    source: &'a BucketView,
    target: &'a BucketView,
    put: PreparedEdit<'a>,
    removed: Option<PreparedEdit<'a>>,
    events: u64,
}

impl<'a> PreparedMove<'a> {
    fn of(
        source: &'a BucketView,
        target: &'a BucketView,
        plan: &'a Plan,
    ) -> Result<PreparedMove<'a>, HistoryError> {
        let edit = |view: &BucketView| Edit {
            bucket: view.key,
            ids: plan.ids.clone(),
        };
        let removed = plan.removed.as_ref();
        let removed = removed.map(|removed| PreparedEdit::of(source, &edit(source), removed));
        Ok(PreparedMove {
            source,
            target,
            put: PreparedEdit::of(target, &edit(target), &plan.put)?,
            removed: removed.transpose()?,
            events: plan.ids.len() as u64,
        })
    }

    /// Whether the events are still what they were, and the last of them still the last.
    fn holds(&self, turn: &Turn) -> bool {
        let unchanged = match &self.removed {
            Some(removed) => removed.holds(turn),
            None => (turn.state.bucket(self.source.key))
                .is_some_and(|bucket| bucket.view.touched == self.source.touched),
        };
        unchanged && self.put.holds(turn)
    }
}

//! Where events lie, and what they were, found before the sequencer's lock is taken.
//!
//! A view segment never changes: where it holds an event stays true for as long as the segment is there. So the reading
//! is done on a snapshot, without a lock; the fold then looks its answers up here instead of reading. Under the lock,
//! [`Located::changed`] finds, from what is in memory, which of the events have changed since that snapshot.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use timberline_model::EventId;

use super::bucket::{BucketView, EventLocation, OpenEvent};
use super::masked_segment::{MaskedSegment, RemovedEvents};
use crate::head::Run;
use crate::record::BucketKey;
use crate::row::Row;
use crate::segment::{SegmentError, ViewSegment};

/// Where some events of a bucket lie.
#[derive(Clone, Debug)]
pub(crate) struct Located {
    /// The bucket as it was.
    then: BucketView,
    /// The events that were asked for, sorted.
    ids: Vec<EventId>,
    /// Those of them that were not in memory, sorted.
    sought: Vec<EventId>,
    /// The runs in memory that held one of them.
    holding: Vec<Arc<Run>>,
    /// One more event of which is known where it lies, and which stays.
    beside: Option<EventId>,
    segments: Vec<InSegment>,
    /// Data of events in segments, of those whose data was asked for.
    texts: FxHashMap<EventId, String>,
}

/// What one view segment holds of the events.
#[derive(Clone, Debug)]
struct InSegment {
    then: MaskedSegment,
    /// The same once the events are hidden in it.
    without: MaskedSegment,
    /// Position and row of each event that it holds, by id, whether hidden or not.
    rows: Vec<(u32, Row)>,
    /// What goes when `without` takes the place of `then`.
    gone: RemovedEvents,
}

impl Located {
    /// Looks for events in a view.
    ///
    /// # Errors
    /// When a view segment that may hold one cannot be read.
    pub(crate) fn of(view: &BucketView, ids: &[EventId]) -> Result<Located, SegmentError> {
        Located::beside(view, ids, None)
    }

    /// The same, and for one more that stays when the others go.
    ///
    /// # Errors
    /// As [`Located::of`].
    pub(crate) fn beside(
        view: &BucketView,
        ids: &[EventId],
        beside: Option<EventId>,
    ) -> Result<Located, SegmentError> {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let mut in_memory: Vec<EventId> = view.open.iter().map(|open| open.row.id).collect();
        let mut holding = Vec::new();
        for run in view.memory_runs().filter(|run| run.may_hold(&ids)) {
            let before = in_memory.len();
            let rows = run.rows().iter().map(|row| row.id);
            in_memory.extend(rows.filter(|id| ids.binary_search(id).is_ok()));
            if in_memory.len() > before {
                holding.push(run.clone());
            }
        }
        in_memory.sort_unstable();
        let is_in_memory = |id: &EventId| in_memory.binary_search(id).is_ok();
        let sought: Vec<EventId> = ids.iter().filter(|id| !is_in_memory(id)).copied().collect();
        let mut located = Located {
            then: view.clone(),
            ids,
            segments: Vec::with_capacity(view.segments.len()),
            beside: beside.filter(|id| sought.binary_search(id).is_err()),
            sought,
            holding,
            texts: FxHashMap::default(),
        };
        for sealed in view.segments.iter() {
            let mut part = InSegment::of(sealed, sealed.segment.locate(&located.sought)?);
            if let Some(beside) = located.beside {
                part.add(sealed.segment.locate(&[beside])?);
            }
            located.segments.push(part);
        }
        located.prepare();
        Ok(located)
    }

    /// The same, with the data of those events that lie in view segments.
    ///
    /// # Errors
    /// As [`Located::of`].
    pub(crate) fn with_data(view: &BucketView, ids: &[EventId]) -> Result<Located, SegmentError> {
        let mut located = Located::of(view, ids)?;
        for (number, part) in located.segments.iter().enumerate() {
            let shown = part
                .rows
                .iter()
                .filter(|(position, _)| part.then.shows(*position));
            for (position, row) in shown {
                if let Some((_, text)) = view.read(EventLocation::Segment(number, *position))? {
                    located.texts.insert(row.id, text);
                }
            }
        }
        Ok(located)
    }

    /// Looks up what the fold will ask for once the events are hidden: otherwise it would have to read for it under the
    /// lock. What cannot be read is passed over here, as the fold does.
    fn prepare(&self) {
        let mut gone = RemovedEvents::default();
        self.segments.iter().for_each(|part| gone.join(&part.gone));
        let at_edge = gone.reaches(self.then.extent);
        for part in &self.segments {
            if part.gone.events > 0 || at_edge {
                let _ = part.without.newest();
            }
            if at_edge {
                let _ = part.without.extent();
            }
        }
        let _ = self.then.newest();
    }

    /// The view once the events are hidden in its segments.
    pub(crate) fn without(&self) -> BucketView {
        let mut view = self.then.clone();
        view.segments = Arc::new(self.segments.iter().map(|part| part.without.clone()).collect());
        view
    }

    /// Whether these are the events that were asked for.
    pub(crate) fn is_of(&self, ids: &[EventId]) -> bool {
        self.beside.is_none() && self.ids == ids
    }

    pub(crate) fn bucket(&self) -> BucketKey {
        self.then.key
    }

    /// Whether all view segments of a bucket were there already: then nothing need be read to find the events.
    pub(crate) fn covers(&self, now: &BucketView) -> bool {
        now.segments
            .iter()
            .all(|sealed| self.part(&sealed.segment).is_some())
    }

    fn part(&self, segment: &Arc<ViewSegment>) -> Option<&InSegment> {
        self.segments
            .iter()
            .find(|part| Arc::ptr_eq(&part.then.segment, segment))
    }

    /// Whether a run may hold one of these events, as far as is known here.
    pub(crate) fn may_be_in(&self, run: &Arc<Run>, ids: &[EventId]) -> bool {
        let is_it = |other: &Arc<Run>| Arc::ptr_eq(other, run);
        let known = self.then.memory_runs().any(is_it);
        let asked = |id: &EventId| self.ids.binary_search(id).is_ok();
        !known || self.holding.iter().any(is_it) || !(ids == self.ids || ids.iter().all(asked))
    }

    /// Whether it is known here where an event is that is not in memory.
    fn knows(&self, id: EventId) -> bool {
        self.sought.binary_search(&id).is_ok() || self.beside == Some(id)
    }

    /// Position of an event in a segment, whether hidden or not. `None` when it is not known here.
    pub(crate) fn position(&self, segment: &Arc<ViewSegment>, id: EventId) -> Option<Option<u32>> {
        let part = self.part(segment).filter(|_| self.knows(id))?;
        Some(part.find(id).map(|(position, _)| position))
    }

    /// The row of an event in a segment.
    pub(crate) fn row(&self, segment: &Arc<ViewSegment>, position: u32) -> Option<Row> {
        let rows = &self.part(segment)?.rows;
        rows.iter().find(|(at, _)| *at == position).map(|(_, row)| *row)
    }

    /// The data of an event in a segment.
    pub(crate) fn text(&self, id: EventId) -> Option<&str> {
        self.texts.get(&id).map(String::as_str)
    }

    /// Hides events, which are sorted and not in memory, in a segment. `None` when it is not known here where they are.
    pub(crate) fn hide(&self, sealed: &mut MaskedSegment, ids: &[EventId]) -> Option<RemovedEvents> {
        let part = self.part(&sealed.segment)?;
        if ids == self.sought && Arc::ptr_eq(&sealed.hidden, &part.then.hidden) {
            *sealed = part.without.clone();
            return Some(part.gone);
        }
        if !ids.iter().all(|id| self.knows(*id)) {
            return None;
        }
        let found = ids.iter().filter_map(|id| part.find(*id));
        let shown: Vec<(u32, Row)> = found.filter(|(position, _)| sealed.shows(*position)).collect();
        Some(sealed.hide(shown))
    }

    /// Those of the events that have changed, were added or removed. `None` when view segments were added or removed, so
    /// that the answer needs reading.
    pub(crate) fn changed(&self, now: &BucketView) -> Option<Vec<EventId>> {
        let mut changed = Vec::new();
        if !self.covers(now) {
            return None;
        }
        for part in self.segments.iter().filter(|part| part.gone.events > 0) {
            let same = |sealed: &&MaskedSegment| Arc::ptr_eq(&sealed.segment, &part.then.segment);
            let sealed = now.segments.iter().find(same)?;
            if !Arc::ptr_eq(&sealed.hidden, &part.then.hidden) {
                let rows = part.rows.iter().filter(|(_, row)| self.beside != Some(row.id));
                let went = rows.filter(|(at, _)| part.then.shows(*at) && !sealed.shows(*at));
                changed.extend(went.map(|(_, row)| row.id));
            }
        }
        self.changed_in_memory(now, &mut changed);
        changed.sort_unstable();
        changed.dedup();
        Some(changed)
    }

    /// Runs never change either: only those that were added or removed are compared.
    fn changed_in_memory(&self, now: &BucketView, changed: &mut Vec<EventId>) {
        let mut before = self.in_memory(&self.then, now);
        for (id, (row, text)) in self.in_memory(now, &self.then) {
            let same = before.remove(&id).is_some_and(|(then, data)| {
                (then.start, then.duration) == (row.start, row.duration) && data == text
            });
            if !same {
                changed.push(id);
            }
        }
        changed.extend(before.into_keys());
    }

    /// The events that lie in memory in one view, but for those in runs that the other has as well.
    fn in_memory<'a>(&self, view: &'a BucketView, other: &BucketView) -> FxHashMap<EventId, (Row, &'a str)> {
        let shared = |run: &Arc<Run>| other.memory_runs().any(|o| Arc::ptr_eq(o, run));
        let runs = view
            .memory_runs()
            .filter(|run| run.may_hold(&self.ids) && !shared(run));
        let rows = runs.flat_map(|run| run.rows().iter().map(move |row| (row, run.text(row))));
        let open = view.open.iter().map(|open: &OpenEvent| (&open.row, open.text()));
        let wanted = rows
            .chain(open)
            .filter(|(row, _)| self.ids.binary_search(&row.id).is_ok());
        wanted.map(|(row, text)| (row.id, (*row, text))).collect()
    }
}

impl InSegment {
    fn of(sealed: &MaskedSegment, mut rows: Vec<(u32, Row)>) -> InSegment {
        let shown = rows.iter().filter(|(position, _)| sealed.shows(*position));
        let mut without = sealed.clone();
        let gone = without.hide(shown.copied().collect());
        rows.sort_unstable_by_key(|(_, row)| row.id);
        InSegment {
            then: sealed.clone(),
            without,
            rows,
            gone,
        }
    }

    /// Adds what stays.
    fn add(&mut self, rows: Vec<(u32, Row)>) {
        self.rows.extend(rows);
        self.rows.sort_unstable_by_key(|(_, row)| row.id);
    }

    fn find(&self, id: EventId) -> Option<(u32, Row)> {
        let at = self.rows.binary_search_by_key(&id, |(_, row)| row.id).ok()?;
        self.rows.get(at).copied()
    }
}

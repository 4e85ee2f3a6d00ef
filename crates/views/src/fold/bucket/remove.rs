//! Removes events: from memory, or by hiding them in view segments.

use std::borrow::Cow;
use std::sync::Arc;

use timberline_model::EventId;

use crate::head::Run;
use crate::row::Row;
use crate::segment::SegmentError;
use crate::view::{EventLocation, Located, MaskedSegment, RemovedEvents};

use super::BucketState;

/// So many removals at once are cheaper in one pass over everything than one by one.
const MANY: usize = 32;

impl BucketState {
    /// Removes all it can; reports what could not be read.
    pub(super) fn remove_rows(&mut self, ids: &[EventId]) -> Result<(), SegmentError> {
        if ids.len() >= MANY || self.located.is_some() {
            let mut sorted = Cow::Borrowed(ids);
            if !ids.is_sorted_by(|a, b| a < b) {
                let sorted = sorted.to_mut();
                sorted.sort_unstable();
                sorted.dedup();
            }
            return self.remove_many(&sorted);
        }
        let mut result = Ok(());
        for id in ids {
            result = result.and(self.remove_row(*id));
        }
        result
    }

    pub(super) fn remove_row(&mut self, id: EventId) -> Result<(), SegmentError> {
        if let Some(place) = self.find(id)? {
            let row = self.row_at(place)?;
            self.take_out(place)?;
            let mut gone = RemovedEvents::default();
            if let Some(row) = row {
                gone.add(&row);
            }
            self.removed(gone);
        }
        Ok(())
    }

    /// The same for ids that are sorted, in one pass over the memory and over those blocks that may hold one of them.
    fn remove_many(&mut self, ids: &[EventId]) -> Result<(), SegmentError> {
        let mut in_memory: Vec<Row> = Vec::new();
        if let Some(open) = self
            .view
            .open
            .take_if(|open| ids.binary_search(&open.row.id).is_ok())
        {
            in_memory.push(open.row);
        }
        let located = self.located.as_deref();
        for runs in [&mut self.view.runs, &mut self.view.frozen] {
            let is_meant = |row: &Row| ids.binary_search(&row.id).is_ok();
            let may_hold = |run: &Arc<Run>| {
                run.may_hold(ids) && located.is_none_or(|located| located.may_be_in(run, ids))
            };
            let hit = |run: &Arc<Run>| may_hold(run) && run.rows().iter().any(is_meant);
            if runs.iter().any(hit) {
                let left = runs.iter().map(|run| run.without_these(ids, &mut in_memory));
                *runs = Arc::new(left.filter(|run| run.len() > 0).collect());
            }
        }
        let mut gone = RemovedEvents::default();
        in_memory.iter().for_each(|row| gone.add(row));
        self.removed(gone);
        if in_memory.is_empty() {
            return self.hide(ids);
        }
        // An event lies in one place.
        let mut found: Vec<EventId> = in_memory.iter().map(|row| row.id).collect();
        found.sort_unstable();
        let left = ids.iter().filter(|id| found.binary_search(id).is_err());
        let left: Vec<EventId> = left.copied().collect();
        self.hide(&left)
    }

    /// Hides events, whose ids are sorted, in the view segments.
    fn hide(&mut self, ids: &[EventId]) -> Result<(), SegmentError> {
        let mut result = Ok(());
        if ids.is_empty() || self.view.segments.is_empty() {
            return result;
        }
        let mut all = Vec::new();
        for sealed in Arc::make_mut(&mut self.view.segments) {
            match hide(sealed, ids, self.located.as_deref()) {
                Ok(gone) => all.push(gone),
                Err(error) => result = result.and(Err(error)),
            }
        }
        all.into_iter().for_each(|gone| self.removed(gone));
        result
    }

    pub(super) fn take_out(&mut self, place: EventLocation) -> Result<(), SegmentError> {
        match place {
            EventLocation::Open => self.view.open = None,
            EventLocation::Run(run, position) => take_from(&mut self.view.runs, run, position),
            EventLocation::Frozen(run, position) => take_from(&mut self.view.frozen, run, position),
            EventLocation::Segment(segment, position) => {
                let row = self.row_at(place)?;
                if let Some(sealed) = Arc::make_mut(&mut self.view.segments).get_mut(segment) {
                    sealed.hide(row.map(|row| (position, row)).into_iter().collect());
                }
            }
        }
        Ok(())
    }
}

fn take_from(runs: &mut Arc<Vec<Arc<Run>>>, run: usize, position: usize) {
    let runs = Arc::make_mut(runs);
    if let Some(slot) = runs.get_mut(run) {
        *slot = Arc::new(slot.without(position));
    }
    runs.retain(|r| r.len() > 0);
}

/// Hides the events with these ids, which are sorted, in a view segment.
fn hide(
    sealed: &mut MaskedSegment,
    ids: &[EventId],
    located: Option<&Located>,
) -> Result<RemovedEvents, SegmentError> {
    if let Some(gone) = located.and_then(|located| located.hide(sealed, ids)) {
        return Ok(gone);
    }
    let found = sealed.positions_of(ids)?;
    Ok(sealed.hide(found))
}

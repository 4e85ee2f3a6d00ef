//! Carries out the changes of events that a record describes.

use rustc_hash::FxHashMap;
use timberline_model::{Duration, EventId};

use crate::fold::FoldError;
use crate::record::{EventChanges, Last, Put};
use crate::row::Row;
use crate::segment::SegmentError;
use crate::view::LastEvent;

use super::BucketState;

impl BucketState {
    /// Changes events as a record says, in the record's order. What cannot be carried out is reported, and the rest is done.
    pub(crate) fn change(&mut self, changes: &EventChanges<'_>) -> Result<(), FoldError> {
        if changes.by_heartbeat {
            return self.heartbeat(changes);
        }
        let mut result = self.remove_rows(changes.removed).map_err(FoldError::from);
        if let Some(ids) = changes.put.and_then(|put| put.given()) {
            result = result.and(self.remove_rows(ids).map_err(FoldError::from));
        }
        for (id, duration) in changes.extended.iter() {
            result = result.and(self.set_duration(id, duration));
        }
        if let Some(put) = &changes.put {
            self.add_rows(put);
        }
        result = result.and(self.set_last(changes));
        self.measure();
        result
    }

    /// Events are deleted. Those that are not there are passed over.
    pub(crate) fn delete(&mut self, ids: &[EventId]) -> Result<(), SegmentError> {
        let removed = self.remove_rows(ids);
        if self.view.last.is_some_and(|l| ids.contains(&l.id)) {
            self.compare_with_newest();
        }
        self.measure();
        removed
    }

    fn set_duration(&mut self, id: EventId, duration: Duration) -> Result<(), FoldError> {
        let place = self.find(id)?;
        let Some((row, text)) = place.map(|place| self.read(place)).transpose()?.flatten() else {
            let bucket = self.view.key.0;
            return Err(FoldError::NoSuchEvent { bucket, event: id });
        };
        self.remove_row(id)?;
        let data = self.interner.intern(&text);
        let row = Row {
            duration,
            data,
            ..row
        };
        self.view.len += 1;
        self.add_time(&row);
        self.push_rows(vec![row]);
        Ok(())
    }

    /// Decides what the next heartbeat is compared with.
    fn set_last(&mut self, changes: &EventChanges<'_>) -> Result<(), FoldError> {
        let id = match (changes.last, self.view.last) {
            (Last::Event(id), _) => id,
            (Last::Unchanged, Some(last)) if changes.names(last.id) => last.id,
            (Last::Unchanged, Some(_)) => return Ok(()),
            (Last::Newest, _) | (Last::Unchanged, None) => {
                self.compare_with_newest();
                return Ok(());
            }
        };
        let place = self.find(id)?;
        match place.map(|place| self.row_at(place)).transpose()?.flatten() {
            Some(row) => self.view.last = Some(LastEvent::from(&row)),
            None => self.compare_with_newest(),
        }
        match changes.last {
            Last::Event(event) if place.is_none() => Err(FoldError::NoSuchEvent {
                bucket: self.view.key.0,
                event,
            }),
            _ => Ok(()),
        }
    }

    /// What the next heartbeat is compared with is the newest event from now on.
    pub(crate) fn compare_with_newest(&mut self) {
        self.view.last = self.view.newest().as_ref().map(LastEvent::from);
    }

    /// Adds events, of equal ids the last.
    fn add_rows(&mut self, put: &Put<'_>) {
        let mut rows = self.rows(put);
        if put.given().is_some_and(has_twice) {
            let latest: FxHashMap<EventId, Row> = rows.into_iter().map(|r| (r.id, r)).collect();
            rows = latest.into_values().collect();
        }
        self.view.len += rows.len() as u64;
        for row in &rows {
            self.add_time(row);
        }
        self.push_rows(rows);
    }
}

/// Whether an id is there twice: so it may be in records of old.
fn has_twice(ids: &[EventId]) -> bool {
    if ids.is_sorted_by(|a, b| a < b) {
        return false;
    }
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).any(|pair| matches!(pair, [a, b] if a == b))
}

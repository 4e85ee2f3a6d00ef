//! From when to when the events of a bucket reach, and from which time on a record has changed them.

use timberline_model::Timestamp;

use crate::row::Row;
use crate::view::RemovedEvents;

use super::BucketState;

impl BucketState {
    pub(super) fn note_change(&mut self, from: Timestamp) {
        self.changed = Some(self.changed.map_or(from, |before| before.min(from)));
    }

    /// An event came in.
    pub(super) fn add_time(&mut self, row: &Row) {
        // The new event reaches as far as the removed one did: nothing need be measured.
        let reaches =
            |extent: fn(&(Timestamp, Timestamp)) -> Timestamp| self.view.extent.as_ref().map(extent);
        self.begin_went &= reaches(|e| e.0).is_some_and(|start| row.start > start);
        self.end_went &= reaches(|e| e.1).is_some_and(|end| row.end() < end);
        self.widen(row);
        self.greatest_start = self.greatest_start.max(row.start);
        if self.view.open.as_ref().is_some_and(|o| o.row.start == row.start) {
            self.open_is_alone = false;
        }
        self.note_change(row.start.min(row.end()));
    }

    pub(super) fn widen(&mut self, row: &Row) {
        let (start, end) = self.view.extent.unwrap_or((row.start, row.end()));
        self.view.extent = Some((start.min(row.start), end.max(row.end())));
    }

    /// Events were removed.
    pub(super) fn removed(&mut self, gone: RemovedEvents) {
        if gone.events == 0 {
            return;
        }
        self.view.len = self.view.len.saturating_sub(gone.events);
        self.note_change(gone.from);
        if let Some((start, end)) = self.view.extent {
            self.begin_went |= gone.least_start <= start;
            self.end_went |= gone.greatest_end >= end;
        }
    }

    /// Measures the extent again if it may have changed.
    pub(super) fn measure(&mut self) {
        if std::mem::take(&mut self.begin_went) | std::mem::take(&mut self.end_went) {
            self.view.extent = self.view.measured();
        }
    }
}

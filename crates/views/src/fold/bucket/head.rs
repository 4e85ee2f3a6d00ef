//! The rows of a bucket in memory: adding, freezing, and the view segment that takes their place.

use std::sync::Arc;

use crate::head::{Interner, Run, push_run};
use crate::record::Put;
use crate::row::Row;
use crate::segment::SegmentError;
use crate::view::{Loss, OpenEvent, Replacement};

use super::BucketState;

impl BucketState {
    /// Freezes the rows of the head to flush them; new rows go to a new head.
    pub(crate) fn freeze(&mut self) {
        debug_assert!(self.view.frozen.is_empty());
        self.view.frozen = std::mem::take(&mut self.view.runs);
        self.interner = Interner::default();
        if let Some(open) = self.view.open.take() {
            let text = open.text().to_owned();
            self.view.open = Some(self.opened(open.row, &text));
        }
    }

    /// Puts a new view segment in the place of what it was made of. What was removed in the meantime is hidden in it.
    pub(crate) fn install(&mut self, mut new: Replacement) -> Result<(), SegmentError> {
        new.catch_up(&self.view)?;
        let lost = new.take_place(&mut self.view);
        self.lose(&lost);
        Ok(())
    }

    /// Counts events out that a damaged segment had and its replacement has not. Reads nothing: it was looked up before.
    fn lose(&mut self, lost: &Loss) {
        if lost.events == 0 {
            return;
        }
        self.view.len = self.view.len.saturating_sub(lost.events);
        self.view.extent = self.view.measured();
        // What a heartbeat made or extended since it was looked up is in memory.
        let is_there = |id| lost.last == Some(id) || self.view.find_in_memory(id).is_some();
        if self.view.last.is_some_and(|last| !is_there(last.id)) {
            self.compare_with_newest();
        }
    }

    pub(super) fn opened(&mut self, row: Row, text: &str) -> OpenEvent {
        let data = self.interner.intern(text);
        OpenEvent {
            row: Row { data, ..row },
            dictionary: self.interner.dictionary().clone(),
        }
    }

    /// The rows of events, over the dictionary of the head.
    pub(super) fn rows(&mut self, put: &Put<'_>) -> Vec<Row> {
        self.interner.reserve(put.texts().count());
        let data: Vec<u32> = put.texts().map(|text| self.interner.intern(text)).collect();
        let rows = put.ids().zip(put.rows());
        rows.filter_map(|(id, (start, duration, text))| {
            Some(Row {
                start,
                duration,
                id,
                data: *data.get(text as usize)?,
            })
        })
        .collect()
    }

    pub(super) fn push_rows(&mut self, mut rows: Vec<Row>) {
        rows.sort_unstable_by(Row::cmp);
        let run = Run::from_sorted(rows, self.interner.dictionary().clone());
        push_run(Arc::make_mut(&mut self.view.runs), run);
    }

    pub(super) fn close_open(&mut self) {
        if let Some(open) = self.view.open.take() {
            self.push_rows(vec![open.row]);
        }
    }
}

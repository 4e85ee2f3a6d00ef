//! A sorted, immutable piece of a head.
//!
//! New rows come in as small runs, which are merged into their neighbour as long as that is less than twice their
//! size (the logarithmic method): a row is copied log2(n) times in all, a snapshot is a list of a dozen runs, and
//! a late event costs no more than a timely one.

use std::sync::Arc;

use timberline_model::{EventId, Timestamp};

use crate::head::HeadDictionary;
use crate::row::{Bounds, Row};

/// Rows of a run between two entries of its index of ends.
const STRIDE: usize = 64;

/// Sorted rows that share a dictionary.
#[derive(Debug)]
pub(crate) struct Run {
    rows: Vec<Row>,
    dictionary: Arc<HeadDictionary>,
    /// Greatest end of each `STRIDE` rows, so that a long event far back is found without reading all.
    ends: Vec<Timestamp>,
    /// Whether a row ends before it starts.
    negative: bool,
    least_id: EventId,
    greatest_id: EventId,
}

impl Run {
    /// Makes a run of rows that are sorted already.
    pub(crate) fn from_sorted(rows: Vec<Row>, dictionary: Arc<HeadDictionary>) -> Run {
        debug_assert!(rows.is_sorted_by_key(Row::order));
        let ends = rows
            .chunks(STRIDE)
            .map(|c| c.iter().map(Row::end).max().unwrap_or(Timestamp::MIN))
            .collect();
        let least_id = rows.iter().map(|r| r.id).min().unwrap_or(EventId(u64::MAX));
        let greatest_id = rows.iter().map(|r| r.id).max().unwrap_or(EventId::NONE);
        Run {
            negative: rows.iter().any(|r| r.duration.is_negative()),
            rows,
            dictionary,
            ends,
            least_id,
            greatest_id,
        }
    }

    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub(crate) fn dictionary(&self) -> &Arc<HeadDictionary> {
        &self.dictionary
    }

    pub(crate) fn text(&self, row: &Row) -> &str {
        self.dictionary.text(row.data)
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether a row ends before it starts.
    pub(crate) fn has_negative(&self) -> bool {
        self.negative
    }

    /// Whether one of these ids, which are sorted, lies between its least and its greatest.
    pub(crate) fn may_hold(&self, ids: &[EventId]) -> bool {
        let from = ids.partition_point(|id| *id < self.least_id);
        ids.get(from).is_some_and(|id| *id <= self.greatest_id)
    }

    /// Position of the event with this id.
    pub(crate) fn find(&self, id: EventId) -> Option<usize> {
        if id < self.least_id || id > self.greatest_id {
            return None;
        }
        self.rows.iter().rposition(|r| r.id == id)
    }

    /// The run without the row at this position.
    pub(crate) fn without(&self, position: usize) -> Run {
        let mut rows = self.rows.clone();
        if position < rows.len() {
            rows.remove(position);
        }
        Run::from_sorted(rows, self.dictionary.clone())
    }

    /// The run without the rows that have these ids, which are sorted; the rows are added to `gone`.
    pub(crate) fn without_these(self: &Arc<Run>, ids: &[EventId], gone: &mut Vec<Row>) -> Arc<Run> {
        if !self.may_hold(ids) {
            return self.clone();
        }
        let is_meant = |row: &&Row| ids.binary_search(&row.id).is_ok();
        let (hit, left): (Vec<Row>, Vec<Row>) = self.rows.iter().partition(is_meant);
        if hit.is_empty() {
            return self.clone();
        }
        gone.extend(hit);
        Arc::new(Run::from_sorted(left, self.dictionary.clone()))
    }

    /// The position of the newest row that touches the range, at or below `below` (exclusive).
    pub(crate) fn newest_touching(&self, bounds: &Bounds, below: usize) -> Option<usize> {
        let mut next = below.min(self.rows.len());
        while next > 0 {
            let at = next - 1;
            let chunk = at / STRIDE;
            if self.ends.get(chunk).is_some_and(|end| *end < bounds.from) {
                next = chunk * STRIDE;
                continue;
            }
            match self.rows.get(at) {
                Some(row) if bounds.touches(row) => return Some(at),
                _ => next = at,
            }
        }
        None
    }

    /// The position from which on rows may touch the range.
    pub(crate) fn first_that_may_touch(&self, bounds: &Bounds) -> usize {
        let before = self.ends.iter().take_while(|end| **end < bounds.from);
        (before.count() * STRIDE).min(self.rows.len())
    }

    /// Number of rows that start at or before `to`: where a backward read of the range begins.
    pub(crate) fn upper(&self, to: Timestamp) -> usize {
        self.rows.partition_point(|r| r.start <= to)
    }

    fn merge(older: &Run, newer: &Run) -> Run {
        let mut rows = Vec::with_capacity(older.len() + newer.len());
        let (mut a, mut b) = (older.rows.iter().peekable(), newer.rows.iter().peekable());
        while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
            if x.cmp(y).is_le() {
                rows.extend(a.next());
            } else {
                rows.extend(b.next());
            }
        }
        rows.extend(a);
        rows.extend(b);
        Run::from_sorted(rows, older.dictionary.clone())
    }
}

/// Adds a run and merges as the logarithmic method asks.
pub(crate) fn push_run(runs: &mut Vec<Arc<Run>>, run: Run) {
    if run.len() == 0 {
        return;
    }
    let mut last = Arc::new(run);
    while let Some(before) = runs.last() {
        if before.len() >= 2 * last.len() || !Arc::ptr_eq(&before.dictionary, &last.dictionary) {
            break;
        }
        last = Arc::new(Run::merge(before, &last));
        runs.pop();
    }
    runs.push(last);
}

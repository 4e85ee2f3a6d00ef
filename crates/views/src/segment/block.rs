//! A decoded block of a view segment.

use timberline_model::{Duration, EventId, Timestamp};

use crate::row::Row;

/// A decoded block: start, duration, id and data of up to [`BLOCK_ROWS`](super::BLOCK_ROWS) events.
#[derive(Debug, Default)]
pub(crate) struct Block {
    pub(super) columns: [Vec<i64>; 4],
    pub(super) rows: usize,
    pub(super) greatest_seq: u64,
}

impl Block {
    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    /// Starts, durations, ids and numbers of the data.
    pub(crate) fn columns(&self) -> &[Vec<i64>; 4] {
        &self.columns
    }

    pub(crate) fn greatest_seq(&self) -> u64 {
        self.greatest_seq
    }

    pub(crate) fn row(&self, i: usize) -> Option<Row> {
        let [starts, durations, ids, data] = &self.columns;
        Some(Row {
            start: Timestamp::from_nanos(*starts.get(i)?),
            duration: Duration::from_nanos(*durations.get(i)?),
            id: EventId(*ids.get(i)? as u64),
            data: *data.get(i)? as u32,
        })
    }
}

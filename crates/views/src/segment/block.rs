//! A decoded block of a view segment.

use timberline_log::Seq;
use timberline_model::{Duration, EventId, Timestamp};

use crate::row::Row;

/// A decoded block: start, duration, id and data of up to [`BLOCK_ROWS`](super::BLOCK_ROWS) events.
#[derive(Debug, Default)]
pub(crate) struct Block {
    pub(super) columns: [Vec<i64>; 4],
    pub(super) rows: usize,
    pub(super) greatest_seq: Seq,
}

impl Block {
    /// The same columns of rows that are in memory.
    pub(crate) fn of_rows(rows: &[Row]) -> Block {
        let column = |value: fn(&Row) -> i64| rows.iter().map(value).collect();
        Block {
            columns: [
                column(|row| row.start.nanos()),
                column(|row| row.duration.nanos()),
                column(|row| row.id.0 as i64),
                column(|row| i64::from(row.data)),
            ],
            rows: rows.len(),
            greatest_seq: Seq::NONE,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    /// Starts, durations, ids and numbers of the data.
    pub(crate) fn columns(&self) -> &[Vec<i64>; 4] {
        &self.columns
    }

    /// Numbers of the data.
    pub(super) fn data(&self) -> &[i64] {
        let [.., data] = &self.columns;
        data
    }

    pub(crate) fn greatest_seq(&self) -> Seq {
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

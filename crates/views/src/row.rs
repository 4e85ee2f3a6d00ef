//! One event as the views hold it, and the one order events are kept in.

use std::cmp::{Ordering, Reverse};

use timberline_model::{Duration, EventId, Timestamp};

/// An event of a bucket; its data is an index into a dictionary that the holder of the row knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) start: i64,
    pub(crate) duration: i64,
    pub(crate) id: u64,
    pub(crate) data: u32,
}

impl Row {
    /// Where the event ends; rows are checked before they are logged, so this never saturates in practice.
    pub(crate) fn end(&self) -> i64 {
        self.start.saturating_add(self.duration)
    }

    /// Rows are kept in the reverse of listing order. A listing has the newest start first, of equal starts the
    /// earlier end, of equal ends the smaller id (what aw-server-rust answers, see the corpus).
    pub(crate) fn order(&self) -> (i64, Reverse<i64>, Reverse<u64>) {
        (self.start, Reverse(self.duration), Reverse(self.id))
    }

    pub(crate) fn cmp(&self, other: &Row) -> Ordering {
        self.order().cmp(&other.order())
    }
}

/// A period of time, both ends inclusive, either of them open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// Events that end before this are left out.
    pub start: Option<Timestamp>,
    /// Events that start after this are left out.
    pub end: Option<Timestamp>,
}

impl TimeRange {
    /// All of time.
    pub const ALL: TimeRange = TimeRange {
        start: None,
        end: None,
    };

    /// The part of an event that lies in the range, of an event that touches it.
    pub fn clip(&self, start: Timestamp, duration: Duration) -> (Timestamp, Duration) {
        let (start, duration) = self.bounds().clip(start.nanos(), duration.nanos());
        (Timestamp::from_nanos(start), Duration::from_nanos(duration))
    }

    pub(crate) fn bounds(&self) -> Bounds {
        Bounds {
            from: self.start.map_or(i64::MIN, Timestamp::nanos),
            to: self.end.map_or(i64::MAX, Timestamp::nanos),
        }
    }
}

/// [`TimeRange`] in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) from: i64,
    pub(crate) to: i64,
}

impl Bounds {
    /// Whether the event touches the range: `end_of_event >= from` and `start_of_event <= to`.
    pub(crate) fn touches(&self, row: &Row) -> bool {
        row.end() >= self.from && row.start <= self.to
    }

    /// The part of an event that lies in the range: its start and duration.
    pub(crate) fn clip(&self, start: i64, duration: i64) -> (i64, i64) {
        // What ends before it starts has no part that could lie anywhere.
        if duration < 0 {
            return (start, duration);
        }
        let end = start.saturating_add(duration).min(self.to);
        let start = start.max(self.from);
        (start, end.saturating_sub(start))
    }

    pub(crate) fn is_all(&self) -> bool {
        self.from == i64::MIN && self.to == i64::MAX
    }
}

/// Id and times of an event, as answers need them.
pub(crate) fn event_id(row: &Row) -> EventId {
    EventId(row.id)
}

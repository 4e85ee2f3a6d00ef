//! One event as the views hold it, and the one order events are kept in.

use std::cmp::{Ordering, Reverse};

use timberline_model::{Duration, EventId, Timestamp};

/// An event of a bucket; its data is an index into a dictionary that the holder of the row knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) start: Timestamp,
    pub(crate) duration: Duration,
    pub(crate) id: EventId,
    pub(crate) data: u32,
}

impl Row {
    /// Where the event ends; rows are checked before they are logged, so this never saturates in practice.
    pub(crate) fn end(&self) -> Timestamp {
        self.start.saturating_add(self.duration)
    }

    /// Rows are kept in the reverse of listing order. A listing has the newest start first, of equal starts the
    /// earlier end, of equal ends the smaller id (what aw-server-rust answers, see the corpus).
    pub(crate) fn order(&self) -> (Timestamp, Reverse<Duration>, Reverse<EventId>) {
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
        self.bounds().clip(start, duration)
    }

    pub(crate) fn bounds(&self) -> Bounds {
        Bounds {
            from: self.start.unwrap_or(Timestamp::MIN),
            to: self.end.unwrap_or(Timestamp::MAX),
        }
    }
}

/// A [`TimeRange`] with both ends: an open one is the first or last instant there is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
}

impl Bounds {
    /// Whether the event touches the range: `end_of_event >= from` and `start_of_event <= to`.
    pub(crate) fn touches(&self, row: &Row) -> bool {
        row.end() >= self.from && row.start <= self.to
    }

    /// The part of an event that lies in the range: its start and duration.
    pub(crate) fn clip(&self, start: Timestamp, duration: Duration) -> (Timestamp, Duration) {
        // What ends before it starts has no part that could lie anywhere.
        if duration.is_negative() {
            return (start, duration);
        }
        let end = start.saturating_add(duration).min(self.to);
        let start = start.max(self.from);
        (start, end.since(start))
    }

    pub(crate) fn is_all(&self) -> bool {
        self.from == Timestamp::MIN && self.to == Timestamp::MAX
    }
}

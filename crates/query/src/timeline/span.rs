//! Spans, as they are answered.

use std::sync::Arc;

use timberline_model::{Duration, EventId, Timestamp};

use super::tile::TileSpan;

/// A stretch of a lane to be drawn as one.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Where it begins.
    pub start: Timestamp,
    /// Where it ends.
    pub end: Timestamp,
    /// How much of it some event covers.
    pub covered: Duration,
    /// How many events lie in it, wholly or partly; not known of activity.
    pub events: Option<u64>,
    /// The event, if there is only one.
    pub id: Option<EventId>,
    /// The data with most time in it, as canonical JSON text; of equal times those that come first.
    pub data: Arc<str>,
    /// That time: the sum over its events.
    pub time: Duration,
}

/// The spans of a tile's neighbours together: an event that is alone in several becomes one span again.
#[derive(Debug, Default)]
pub(super) struct Joined(Vec<Span>);

impl Joined {
    pub(super) fn push(&mut self, next: &TileSpan) {
        let next = &next.span;
        if let Some(last) = self.0.last_mut()
            && last.id.is_some()
            && last.id == next.id
            && last.end == next.start
        {
            last.end = next.end;
            last.covered = Duration::from_nanos(last.covered.nanos() + next.covered.nanos());
            last.time = Duration::from_nanos(last.time.nanos() + next.time.nanos());
            return;
        }
        self.0.push(next.clone());
    }

    pub(super) fn finish(self) -> Vec<Span> {
        self.0
    }
}

//! Whether a bucket has an event already: what an import asks for each of a million events.

use std::collections::VecDeque;

use rustc_hash::{FxBuildHasher, FxHashSet};
use std::hash::BuildHasher;
use timberline_model::{NewEvent, Timestamp};

use crate::bucket::BucketView;
use crate::row::TimeRange;
use crate::segment::SegmentError;

/// How many periods are remembered.
const REMEMBERED: usize = 4;
/// Length of a period: an import asks for neighbours one after the other, so a day of events is read once.
const PERIOD: i64 = 86_400_000_000_000;

/// Start, duration and a hash of the data.
type Print = (i64, i64, u64);

/// Answers from the events of the day asked for, of which it remembers the last few.
pub(crate) struct Presence<'a> {
    view: &'a BucketView,
    periods: VecDeque<(i64, FxHashSet<Print>)>,
    extent: (i64, i64),
}

impl<'a> Presence<'a> {
    pub(crate) fn new(view: &'a BucketView) -> Result<Presence<'a>, SegmentError> {
        Ok(Presence {
            view,
            periods: VecDeque::new(),
            extent: view.extent.unwrap_or((0, -1)),
        })
    }

    /// Whether there is an event with this start, duration and data.
    pub(crate) fn has(&mut self, event: &NewEvent<'_>) -> Result<bool, SegmentError> {
        let start = event.start.nanos();
        if start < self.extent.0 || event.end().nanos() > self.extent.1 {
            return Ok(false);
        }
        let period = start.div_euclid(PERIOD);
        let key = (
            start,
            event.duration.nanos(),
            FxBuildHasher.hash_one(event.data.as_bytes()),
        );
        if let Some((_, events)) = self.periods.iter().find(|(p, _)| *p == period) {
            return Ok(events.contains(&key));
        }
        let events = self.read(period)?;
        let found = events.contains(&key);
        if self.periods.len() == REMEMBERED {
            self.periods.pop_front();
        }
        self.periods.push_back((period, events));
        Ok(found)
    }

    /// The events that start in a period. Data is remembered by a 64-bit hash: two of the same start and duration
    /// with differing data of one hash are not to be expected.
    fn read(&self, period: i64) -> Result<FxHashSet<Print>, SegmentError> {
        let from = period.saturating_mul(PERIOD);
        let to = from.saturating_add(PERIOD - 1);
        let range = TimeRange {
            start: None,
            end: Some(Timestamp::from_nanos(to)),
        };
        let mut events = FxHashSet::default();
        let mut text = Vec::new();
        for event in self.view.events(range)? {
            let event = event?;
            let row = event.row();
            if row.start < from {
                break;
            }
            text.clear();
            event.write_data(&mut text);
            events.insert((row.start, row.duration, FxBuildHasher.hash_one(text.as_slice())));
        }
        Ok(events)
    }
}

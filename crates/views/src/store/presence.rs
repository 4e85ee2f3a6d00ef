//! Whether a bucket has an event already: what an import asks for each of a million events.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};

use rustc_hash::FxHashSet;
use timberline_model::{NewEvent, Timestamp};

use crate::bucket::BucketView;
use crate::row::TimeRange;
use crate::segment::SegmentError;

/// How many periods are remembered.
const REMEMBERED: usize = 4;
/// Length of a period: an import asks for neighbours one after the other, so a day of events is read once.
const PERIOD: i64 = 86_400_000_000_000;

/// Start, duration and 128 bits of hash of the data, under keys drawn at random: an event is left out of an import for
/// it, so two that differ must not look alike, by chance or by design.
type Print = (i64, i64, [u64; 2]);

/// Answers from the events of the day asked for, of which it remembers the last few.
pub(crate) struct Presence<'a> {
    view: &'a BucketView,
    periods: VecDeque<(i64, FxHashSet<Print>)>,
    extent: (i64, i64),
    keys: [RandomState; 2],
}

impl<'a> Presence<'a> {
    pub(crate) fn new(view: &'a BucketView) -> Presence<'a> {
        Presence {
            view,
            periods: VecDeque::new(),
            extent: view.extent.unwrap_or((0, -1)),
            keys: [RandomState::new(), RandomState::new()],
        }
    }

    fn print(&self, start: i64, duration: i64, data: &[u8]) -> Print {
        let [a, b] = &self.keys;
        (start, duration, [a.hash_one(data), b.hash_one(data)])
    }

    /// Whether there is an event with this start, duration and data.
    pub(crate) fn has(&mut self, event: &NewEvent<'_>) -> Result<bool, SegmentError> {
        let start = event.start.nanos();
        if start < self.extent.0 || event.end().nanos() > self.extent.1 {
            return Ok(false);
        }
        let period = start.div_euclid(PERIOD);
        let print = self.print(start, event.duration.nanos(), event.data.as_bytes());
        if let Some((_, events)) = self.periods.iter().find(|(p, _)| *p == period) {
            return Ok(events.contains(&print));
        }
        let events = self.read(period)?;
        let found = events.contains(&print);
        if self.periods.len() == REMEMBERED {
            self.periods.pop_front();
        }
        self.periods.push_back((period, events));
        Ok(found)
    }

    /// The events that start in a period.
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
            events.insert(self.print(row.start, row.duration, &text));
        }
        Ok(events)
    }
}

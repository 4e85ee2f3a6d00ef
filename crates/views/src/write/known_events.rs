//! Whether a bucket has an event already: what an import asks for each of a million events.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};

use rustc_hash::FxHashMap;
use timberline_model::{NewEvent, Timestamp};

use crate::row::TimeRange;
use crate::segment::SegmentError;
use crate::view::BucketView;
use crate::view::Snapshot;

/// Length of a period: events are read a day at a time, each day when it is first asked for.
const PERIOD: i64 = 86_400_000_000_000;
/// Events that are remembered: 64 MiB. Beyond it the days that were read first are forgotten; a file of more events in
/// no order at all reads them again.
const MAX_REMEMBERED: usize = 4 << 20;

/// 128 bits of hash of start, duration and data, under keys drawn at random: an event is left out of an import for it, so
/// two that differ must not look alike, by chance or by design.
type EventFingerprint = u128;

/// Which events a bucket had in a snapshot. Each part of it is read once, however often it is asked for.
#[derive(Debug)]
pub struct KnownEvents<'a> {
    /// `None` if the bucket was not there.
    view: Option<&'a BucketView>,
    /// The fingerprints of the events that start in a period, sorted.
    periods: FxHashMap<i64, Period>,
    /// The periods in the order in which they were read.
    order: VecDeque<i64>,
    /// Events in all periods.
    remembered: usize,
    most: usize,
    /// Whether an event is known only as often as it is there.
    counts: bool,
    keys: [RandomState; 2],
}

/// The events that start in a period.
#[derive(Debug, Default)]
struct Period {
    /// Sorted.
    fingerprints: Vec<EventFingerprint>,
    /// Which of them were found already. Empty until the first is found, and if nothing is counted.
    found: Vec<bool>,
}

impl Period {
    /// Whether this is one of them; if `counts`, one that was not found before.
    fn has(&mut self, fingerprint: EventFingerprint, counts: bool) -> bool {
        if !counts {
            return self.fingerprints.binary_search(&fingerprint).is_ok();
        }
        let first = self.fingerprints.partition_point(|other| *other < fingerprint);
        self.found.resize(self.fingerprints.len(), false);
        let same = self.fingerprints.iter().zip(&mut self.found).skip(first);
        let mut same = same.take_while(|(other, _)| **other == fingerprint);
        match same.find(|(_, found)| !**found) {
            Some((_, found)) => {
                *found = true;
                true
            }
            None => false,
        }
    }
}

impl<'a> KnownEvents<'a> {
    /// Those of a bucket, each as often as it is there: the second time that [`has`](Self::has) is asked for an event
    /// that is there once, it is not known. So a source that has equal events, and was stored in part, can be stored
    /// completely. Days that had to be forgotten (see `MAX_REMEMBERED`) begin again.
    pub fn counted(snapshot: &'a Snapshot, bucket: &str) -> KnownEvents<'a> {
        KnownEvents {
            counts: true,
            ..KnownEvents::of(snapshot, bucket)
        }
    }

    /// Those of a bucket.
    pub fn of(snapshot: &'a Snapshot, bucket: &str) -> KnownEvents<'a> {
        KnownEvents::remembering(snapshot.bucket(bucket), MAX_REMEMBERED)
    }

    fn remembering(view: Option<&'a BucketView>, most: usize) -> KnownEvents<'a> {
        KnownEvents {
            view: view.filter(|view| !view.is_empty()),
            periods: FxHashMap::default(),
            order: VecDeque::new(),
            remembered: 0,
            most,
            counts: false,
            keys: [RandomState::new(), RandomState::new()],
        }
    }

    /// Whether the bucket had none.
    pub fn is_empty(&self) -> bool {
        self.view.is_none()
    }

    fn fingerprint(&self, start: i64, duration: i64, data: &[u8]) -> EventFingerprint {
        let [a, b] = &self.keys;
        let half = |key: &RandomState| u128::from(key.hash_one((start, duration, data)));
        half(a) << 64 | half(b)
    }

    /// Whether there is an event with this start, duration and data.
    ///
    /// # Errors
    /// When a view segment is damaged.
    pub fn has(&mut self, event: &NewEvent<'_>) -> Result<bool, SegmentError> {
        let Some(view) = self.view else {
            return Ok(false);
        };
        let start = event.start.nanos();
        let outside = |(from, to)| start < from || event.end().nanos() > to;
        if view.extent.is_none_or(outside) {
            return Ok(false);
        }
        let period = start.div_euclid(PERIOD);
        let fingerprint = self.fingerprint(start, event.duration.nanos(), event.data.as_bytes());
        if let Some(events) = self.periods.get_mut(&period) {
            return Ok(events.has(fingerprint, self.counts));
        }
        let mut events = Period {
            fingerprints: self.read(view, period)?,
            found: Vec::new(),
        };
        let found = events.has(fingerprint, self.counts);
        self.remember(period, events);
        Ok(found)
    }

    fn remember(&mut self, period: i64, events: Period) {
        self.remembered += events.fingerprints.len();
        self.periods.insert(period, events);
        self.order.push_back(period);
        while self.remembered > self.most && self.order.len() > 1 {
            let oldest = self
                .order
                .pop_front()
                .and_then(|oldest| self.periods.remove(&oldest));
            self.remembered -= oldest.map_or(0, |events| events.fingerprints.len());
        }
    }

    /// The events that start in a period.
    fn read(&self, view: &BucketView, period: i64) -> Result<Vec<EventFingerprint>, SegmentError> {
        let from = period.saturating_mul(PERIOD);
        let to = from.saturating_add(PERIOD - 1);
        let range = TimeRange {
            start: None,
            end: Some(Timestamp::from_nanos(to)),
        };
        let mut fingerprints = Vec::new();
        let mut text = Vec::new();
        for event in view.events(range)? {
            let event = event?;
            let row = event.row();
            if row.start < from {
                break;
            }
            text.clear();
            event.write_data(&mut text);
            fingerprints.push(self.fingerprint(row.start, row.duration, &text));
        }
        fingerprints.sort_unstable();
        fingerprints.shrink_to_fit();
        Ok(fingerprints)
    }
}

#[cfg(test)]
mod tests {
    use timberline_model::{Bucket, Data, Duration};

    use super::*;
    use crate::{Store, StoreOptions};

    const DAYS: i64 = 5;
    const A_DAY: i64 = 100;

    fn event(number: i64, data: &'static str) -> NewEvent<'static> {
        NewEvent {
            id: None,
            start: Timestamp::from_nanos(number * (PERIOD / A_DAY)),
            duration: Duration::from_nanos(1_000),
            data: data.into(),
        }
    }

    fn snapshot() -> std::sync::Arc<Snapshot> {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(dir.path(), StoreOptions::default()).unwrap();
        let bucket = Bucket {
            id: "b".into(),
            type_: "t".into(),
            client: "c".into(),
            hostname: "h".into(),
            created: Timestamp::from_nanos(0),
            data: Data::default(),
            last_updated: None,
        };
        store.create_bucket(&bucket).unwrap();
        let all: Vec<_> = (0..DAYS * A_DAY).map(|n| event(n, r#"{"n":1}"#)).collect();
        let (sealed, in_memory) = all.split_at(250);
        store.insert_events("b", sealed).unwrap();
        store.flush(1).unwrap();
        store.insert_events("b", in_memory).unwrap();
        store.snapshot()
    }

    /// Asks for all events, in an order in which no neighbours meet, and for others like them. Gives back how often a day
    /// was read.
    fn ask(known: &mut KnownEvents<'_>) -> usize {
        let mut reads = 0;
        for n in (0..DAYS * A_DAY).map(|n| n * 7_919 % (DAYS * A_DAY)) {
            let before = known.order.back().copied();
            assert!(known.has(&event(n, r#"{"n":1}"#)).unwrap());
            reads += usize::from(known.order.back().copied() != before);
            assert!(!known.has(&event(n, r#"{"n":2}"#)).unwrap());
            let longer = Duration::from_nanos(1_001);
            let longer = NewEvent {
                duration: longer,
                ..event(n, r#"{"n":1}"#)
            };
            assert!(!known.has(&longer).unwrap());
        }
        reads
    }

    #[test]
    fn each_day_is_read_once_in_whatever_order_it_is_asked_for() {
        let snapshot = snapshot();
        assert_eq!(ask(&mut KnownEvents::of(&snapshot, "b")), DAYS as usize);
    }

    #[test]
    fn what_does_not_fit_is_read_again() {
        let snapshot = snapshot();
        let mut known = KnownEvents::remembering(snapshot.bucket("b"), 250);
        assert!(ask(&mut known) > DAYS as usize);
        assert!(known.remembered <= 250 && known.periods.len() == 2, "{known:?}");
    }

    #[test]
    fn a_bucket_that_was_not_there_knows_nothing() {
        let snapshot = Snapshot::default();
        let mut known = KnownEvents::of(&snapshot, "b");
        assert!(known.is_empty() && !known.has(&event(1, "{}")).unwrap());
    }

    #[test]
    fn counted_events_are_known_as_often_as_they_are_there() {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(dir.path(), StoreOptions::default()).unwrap();
        let bucket = Bucket {
            id: "b".to_owned(),
            type_: "t".to_owned(),
            client: "c".to_owned(),
            hostname: "h".to_owned(),
            created: Timestamp::from_nanos(0),
            data: Data::default(),
            last_updated: None,
        };
        store.create_bucket(&bucket).unwrap();
        let (once, twice, never) = (event(1, "{}"), event(1, r#"{"a":1}"#), event(2, "{}"));
        let events = [twice.clone(), once.clone(), twice.clone()];
        store.insert_events("b", &events).unwrap();
        let snapshot = store.snapshot();
        let mut known = KnownEvents::counted(&snapshot, "b");
        let answers = [&twice, &once, &once, &twice, &twice, &never].map(|event| known.has(event).unwrap());
        assert_eq!(answers, [true, true, false, true, false, false]);
        let mut known = KnownEvents::of(&snapshot, "b");
        assert!((0..3).all(|_| known.has(&once).unwrap()));
        store.close().unwrap();
    }
}

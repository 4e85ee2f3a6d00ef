//! Which events are stored already: what an import asks for each of a million events.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};

use rustc_hash::FxHashMap;
use timberline_model::{Duration, NewEvent, Timestamp};

use crate::record::BucketKey;
use crate::row::TimeRange;
use crate::segment::SegmentError;
use crate::view::BucketView;
use crate::view::Snapshot;

/// Length of a period: events are read a day at a time, each day when it is first asked for.
const PERIOD: i64 = 86_400_000_000_000;
/// Events that are remembered: 80 MiB. Beyond it, the days that were read first are forgotten; a file of more events in
/// no order at all reads them again.
const MAX_REMEMBERED: usize = 4 << 20;

/// 128 bits of hash of start, duration and data, under keys drawn at random: an event is left out of an import for it, so
/// two that differ must not look alike, by chance or by design.
type EventFingerprint = u128;

/// Which events a snapshot has, each as often as it is there: the second time that an import asks for an event that is
/// there once, it is not known. So a source that has equal events, and was stored in part, can be stored completely.
///
/// Each part of the snapshot is read once, however often it is asked for. Days that had to be forgotten (see
/// `MAX_REMEMBERED`) begin again: their equal events may be known more often than they are there.
#[derive(Debug)]
pub struct KnownEvents<'a> {
    snapshot: &'a Snapshot,
    /// The events of a bucket that start in a period.
    periods: FxHashMap<(BucketKey, i64), Period>,
    /// The periods in the order in which they were read.
    order: VecDeque<(BucketKey, i64)>,
    /// Distinct events in all periods.
    remembered: usize,
    most: usize,
    keys: [RandomState; 2],
}

/// The events that start in a period.
#[derive(Debug, Default)]
struct Period {
    /// Sorted, each once.
    fingerprints: Vec<EventFingerprint>,
    /// How many of each were not asked for yet.
    left: Vec<u32>,
}

impl Period {
    fn of(mut all: Vec<EventFingerprint>) -> Period {
        all.sort_unstable();
        let mut period = Period::default();
        for run in all.chunk_by(|a, b| a == b) {
            period.fingerprints.extend(run.first());
            period.left.push(u32::try_from(run.len()).unwrap_or(u32::MAX));
        }
        period.fingerprints.shrink_to_fit();
        period.left.shrink_to_fit();
        period
    }

    /// Whether one of these is left; then there is one less.
    fn take(&mut self, fingerprint: EventFingerprint) -> bool {
        let found = self.fingerprints.binary_search(&fingerprint).ok();
        match found.and_then(|at| self.left.get_mut(at)) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }
}

impl<'a> KnownEvents<'a> {
    /// Those of a snapshot.
    pub fn of(snapshot: &'a Snapshot) -> KnownEvents<'a> {
        KnownEvents::remembering(snapshot, MAX_REMEMBERED)
    }

    fn remembering(snapshot: &'a Snapshot, most: usize) -> KnownEvents<'a> {
        KnownEvents {
            snapshot,
            periods: FxHashMap::default(),
            order: VecDeque::new(),
            remembered: 0,
            most,
            keys: [RandomState::new(), RandomState::new()],
        }
    }

    /// Those of one bucket, which need not be there.
    pub fn bucket(&mut self, id: &str) -> KnownInBucket<'_, 'a> {
        KnownInBucket {
            view: self.snapshot.bucket(id).filter(|view| !view.is_empty()),
            known: self,
        }
    }

    fn fingerprint(&self, start: Timestamp, duration: Duration, data: &[u8]) -> EventFingerprint {
        let [a, b] = &self.keys;
        let half = |key: &RandomState| u128::from(key.hash_one((start, duration, data)));
        half(a) << 64 | half(b)
    }

    fn remember(&mut self, key: (BucketKey, i64), period: Period) {
        self.remembered += period.fingerprints.len();
        self.periods.insert(key, period);
        self.order.push_back(key);
        while self.remembered > self.most && self.order.len() > 1 {
            let oldest = self
                .order
                .pop_front()
                .and_then(|oldest| self.periods.remove(&oldest));
            self.remembered -= oldest.map_or(0, |period| period.fingerprints.len());
        }
    }

    /// The events of a bucket that start in a period.
    fn read(&self, view: &BucketView, period: i64) -> Result<Period, SegmentError> {
        let from = Timestamp::from_nanos(period.saturating_mul(PERIOD));
        let to = from.saturating_add(Duration::from_nanos(PERIOD - 1));
        let range = TimeRange {
            start: None,
            end: Some(to),
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
        Ok(Period::of(fingerprints))
    }
}

/// The [`KnownEvents`] of one bucket.
#[derive(Debug)]
pub struct KnownInBucket<'k, 'a> {
    known: &'k mut KnownEvents<'a>,
    /// `None` if the bucket is not there, or has no events.
    view: Option<&'a BucketView>,
}

impl KnownInBucket<'_, '_> {
    /// Whether there is an event with this start, duration and data that was not taken yet; it is taken now.
    ///
    /// # Errors
    /// When a view segment is damaged.
    pub fn take(&mut self, event: &NewEvent<'_>) -> Result<bool, SegmentError> {
        let Some(view) = self.view else {
            return Ok(false);
        };
        let start = event.start;
        let outside = |(from, to)| start < from || event.end() > to;
        if view.extent.is_none_or(outside) {
            return Ok(false);
        }
        let period = start.nanos().div_euclid(PERIOD);
        let key = (view.key(), period);
        let fingerprint = self
            .known
            .fingerprint(start, event.duration, event.data.as_bytes());
        if let Some(events) = self.known.periods.get_mut(&key) {
            return Ok(events.take(fingerprint));
        }
        let mut events = self.known.read(view, period)?;
        let found = events.take(fingerprint);
        self.known.remember(key, events);
        Ok(found)
    }

    /// Those of the events that are not there. The others are taken.
    ///
    /// # Errors
    /// When a view segment is damaged.
    pub fn missing<'e, 'data>(
        &mut self,
        events: &'e [NewEvent<'data>],
    ) -> Result<Cow<'e, [NewEvent<'data>]>, SegmentError> {
        if self.view.is_none() {
            return Ok(Cow::Borrowed(events));
        }
        let mut missing = Vec::new();
        for event in events {
            if !self.take(event)? {
                missing.push(event.clone());
            }
        }
        Ok(Cow::Owned(missing))
    }
}

#[cfg(test)]
mod tests {
    use timberline_model::{Bucket, Data};

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
            let mut bucket = known.bucket("b");
            assert!(bucket.take(&event(n, r#"{"n":1}"#)).unwrap());
            assert!(!bucket.take(&event(n, r#"{"n":2}"#)).unwrap());
            let longer = Duration::from_nanos(1_001);
            let longer = NewEvent {
                duration: longer,
                ..event(n, r#"{"n":1}"#)
            };
            assert!(!bucket.take(&longer).unwrap());
            reads += usize::from(known.order.back().copied() != before);
        }
        reads
    }

    #[test]
    fn each_day_is_read_once_in_whatever_order_it_is_asked_for() {
        let snapshot = snapshot();
        assert_eq!(ask(&mut KnownEvents::of(&snapshot)), DAYS as usize);
    }

    #[test]
    fn what_does_not_fit_is_read_again() {
        let snapshot = snapshot();
        let mut known = KnownEvents::remembering(&snapshot, 250);
        assert!(ask(&mut known) > DAYS as usize);
        assert!(known.remembered <= 250 && known.periods.len() == 2, "{known:?}");
    }

    #[test]
    fn a_bucket_that_was_not_there_knows_nothing() {
        let snapshot = Snapshot::default();
        let mut known = KnownEvents::of(&snapshot);
        let mut bucket = known.bucket("b");
        let events = [event(1, "{}")];
        assert!(!bucket.take(&events[0]).unwrap());
        assert_eq!(bucket.missing(&events).unwrap().as_ref(), &events);
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
        let mut known = KnownEvents::of(&snapshot);
        let asked = [&twice, &once, &once, &twice, &twice, &never];
        // Each time a bucket of its own: what was taken stays taken.
        let answers = asked.map(|event| known.bucket("b").take(event).unwrap());
        assert_eq!(answers, [true, true, false, true, false, false]);
        let mut known = KnownEvents::of(&snapshot);
        let source: Vec<_> = asked.into_iter().cloned().collect();
        let missing = known.bucket("b").missing(&source).unwrap();
        assert_eq!(missing.as_ref(), [once, twice, never]);
        store.close().unwrap();
    }
}

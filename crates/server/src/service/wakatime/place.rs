//! Where a heartbeat belongs among the events of its bucket.

use std::borrow::Cow;

use timberline_model::{Duration, NewEvent, Timestamp};
use timberline_views::{BucketView, EventRef, SegmentError, TimeRange};

/// After this time without a heartbeat, nobody works any more. It is WakaTime's own default.
const TIMEOUT: Duration = Duration::from_nanos(15 * 60 * 1_000_000_000);

/// The events to write for a heartbeat at `time` with these data: none if it is there already.
///
/// Each heartbeat is an event that lasts until the next heartbeat, or for no time if that is more than [`TIMEOUT`] away.
/// So the order in which heartbeats arrive does not matter: plugins keep them while the server is away, and send them
/// later, after newer ones.
pub(super) fn place<'a>(
    view: &BucketView,
    time: Timestamp,
    data: &'a str,
) -> Result<Vec<NewEvent<'a>>, SegmentError> {
    let mut events = Vec::new();
    let mut earlier = None;
    for event in view.events(until(time))? {
        let event = event?;
        let before = event.start() < time;
        if !before && has_data(&event, data) {
            return Ok(events);
        }
        if earlier.is_none() {
            earlier = Some(lasting_until(&event, time));
        }
        if before {
            break;
        }
    }
    events.extend(earlier.flatten());
    let next = next_start(view, time)?;
    events.extend(alone(time, data).into_iter().map(|event| NewEvent {
        duration: next.since(time),
        ..event
    }));
    Ok(events)
}

/// The same in a bucket without events.
pub(super) fn alone(time: Timestamp, data: &str) -> Vec<NewEvent<'_>> {
    vec![NewEvent {
        id: None,
        start: time,
        duration: Duration::ZERO,
        data: Cow::Borrowed(data),
    }]
}

/// The event with the duration that a heartbeat at `time` gives it, unless it has that duration already.
fn lasting_until(event: &EventRef<'_>, time: Timestamp) -> Option<NewEvent<'static>> {
    let duration = time.since(event.start());
    (duration <= TIMEOUT && duration != event.duration()).then(|| {
        let mut data = Vec::new();
        event.write_data(&mut data);
        NewEvent {
            id: Some(event.id()),
            start: event.start(),
            duration,
            data: Cow::Owned(String::from_utf8_lossy(&data).into_owned()),
        }
    })
}

fn has_data(event: &EventRef<'_>, data: &str) -> bool {
    let mut text = Vec::new();
    event.write_data(&mut text);
    text == data.as_bytes()
}

/// The start of the first event after `time`, if that is close enough; otherwise `time` itself.
fn next_start(view: &BucketView, time: Timestamp) -> Result<Timestamp, SegmentError> {
    let range = TimeRange {
        start: Some(time),
        end: Some(time.saturating_add(TIMEOUT)),
    };
    let mut first = time;
    // The newest comes first.
    for event in view.events(range)? {
        let start = event?.start();
        if start <= time {
            break;
        }
        first = start;
    }
    Ok(first)
}

fn until(time: Timestamp) -> TimeRange {
    TimeRange {
        start: None,
        end: Some(time),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use timberline_model::{Bucket, Data};
    use timberline_views::{Store, StoreOptions};

    use super::*;

    const MINUTE: i64 = 60 * 1_000_000_000;

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(dir.path(), StoreOptions::default()).unwrap();
        (dir, store)
    }

    fn create(store: &Store, id: &str) {
        let bucket = Bucket {
            id: id.to_owned(),
            type_: String::new(),
            client: String::new(),
            hostname: String::new(),
            created: Timestamp::EPOCH,
            data: Data::default(),
            last_updated: None,
        };
        store.create_bucket(&bucket).unwrap();
    }

    fn send(store: &Store, bucket: &str, minute: i64, file: u8) {
        let snapshot = store.snapshot();
        let data = format!("{{\"file\":\"{file}\"}}");
        let time = Timestamp::from_nanos(minute * MINUTE);
        let events = place(snapshot.bucket(bucket).unwrap(), time, &data).unwrap();
        if !events.is_empty() {
            store.insert_events(bucket, &events).unwrap();
        }
    }

    /// Minute, minutes that it lasts, data.
    fn stored(store: &Store, bucket: &str) -> Vec<(i64, i64, String)> {
        let snapshot = store.snapshot();
        let view = snapshot.bucket(bucket).unwrap();
        let mut events: Vec<_> = view
            .events(TimeRange::ALL)
            .unwrap()
            .map(|event| {
                let event = event.unwrap();
                let mut data = Vec::new();
                event.write_data(&mut data);
                let (start, duration) = (event.start().nanos(), event.duration().nanos());
                (
                    start / MINUTE,
                    duration / MINUTE,
                    String::from_utf8(data).unwrap(),
                )
            })
            .collect();
        events.reverse();
        events
    }

    /// The definition: sorted by time, each heartbeat lasts until the next one if that is near.
    fn defined(sent: &[(i64, u8)]) -> Vec<(i64, i64, String)> {
        let sorted: BTreeMap<i64, u8> = sent.iter().copied().collect();
        let times: Vec<i64> = sorted.keys().copied().collect();
        let next = times.iter().skip(1).copied().chain([i64::MAX]);
        let lasts = times.iter().zip(next).map(|(time, next)| {
            let gap = next - time;
            if gap <= 15 { gap } else { 0 }
        });
        let data = sorted.values().map(|file| format!("{{\"file\":\"{file}\"}}"));
        times
            .iter()
            .zip(lasts)
            .zip(data)
            .map(|((time, lasts), data)| (*time, lasts, data))
            .collect()
    }

    #[test]
    fn in_any_order_and_sent_twice() {
        let (_dir, store) = store();
        let sent = prop::collection::btree_map(0..200_i64, 0..3_u8, 0..25)
            .prop_map(|map| map.into_iter().collect::<Vec<_>>())
            .prop_shuffle();
        let number = std::cell::Cell::new(0);
        proptest!(ProptestConfig::with_cases(64), |(sent in sent, again in 0..25_usize)| {
            number.set(number.get() + 1);
            let bucket = format!("b{}", number.get());
            create(&store, &bucket);
            for (minute, file) in sent.iter().chain(sent.get(again)) {
                send(&store, &bucket, *minute, *file);
            }
            prop_assert_eq!(stored(&store, &bucket), defined(&sent));
        });
        store.close().unwrap();
    }

    #[test]
    fn two_at_the_same_time_are_both_kept_and_counted_once() {
        let (_dir, store) = store();
        create(&store, "b");
        for (minute, file) in [(0, 1), (5, 2), (5, 3), (5, 2), (8, 1)] {
            send(&store, "b", minute, file);
        }
        let events = stored(&store, "b");
        assert_eq!(events.len(), 4, "{events:?}");
        assert_eq!(
            events.iter().map(|(_, lasts, _)| lasts).sum::<i64>(),
            8,
            "{events:?}"
        );
        store.close().unwrap();
    }
}

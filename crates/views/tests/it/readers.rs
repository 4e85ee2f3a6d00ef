//! Readers while writers and the compactor work: every snapshot is whole, never changes, and is never older than the one
//! before.

#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicBool, Ordering};

use crate::plain::{bucket_name, list};
use timberline_model::{Duration, EventId, Heartbeat, NewEvent, Pulsetime, Timestamp};
use timberline_views::tools::check;
use timberline_views::{Snapshot, Store, StoreOptions, TimeRange};

const WRITERS: u8 = 3;
const ROUNDS: i64 = 60;

fn make(store: &Store, bucket: u8) {
    let bucket = crate::plain::bucket(&bucket_name(bucket));
    store.create_bucket(&bucket).unwrap();
}

/// Enough events to make the compactor seal and merge, with late ones and deletions between them.
fn write(store: &Store, bucket: u8) {
    let name = bucket_name(bucket);
    let second = 1_000_000_000i64;
    for round in 0..ROUNDS {
        let base = if round % 7 == 3 {
            (round - 3) * 1000
        } else {
            round * 1000
        } * second;
        let events: Vec<NewEvent<'_>> = (0..1000)
            .map(|i| NewEvent {
                id: None,
                start: Timestamp::from_nanos(base + i * second),
                duration: Duration::from_nanos(second),
                data: format!(r#"{{"n":{}}}"#, i % 50).into(),
            })
            .collect();
        let (ids, _) = store.insert_events(&name, &events).unwrap();
        for id in ids.iter().step_by(100) {
            assert!(store.delete_event(&name, EventId(id.0)).unwrap().0);
        }
        for beat in 0..20 {
            let start = Timestamp::from_nanos((round * 1000 + 1000) * second + beat * second / 2);
            let beat = Heartbeat {
                start,
                duration: Duration::ZERO,
                data: r#"{"beat":1}"#.into(),
            };
            store
                .heartbeat(&name, &beat, Pulsetime::from_nanos(5 * second))
                .unwrap();
        }
    }
}

fn picture(snapshot: &Snapshot) -> Vec<Vec<crate::plain::Event>> {
    snapshot.buckets().map(|b| list(b, TimeRange::ALL)).collect()
}

fn read(store: &Store, done: &AtomicBool) -> u32 {
    let (mut newest, mut pictures) = (0, 0);
    while !done.load(Ordering::Relaxed) || pictures == 0 {
        let snapshot = store.snapshot();
        assert!(snapshot.seq().0 >= newest, "a picture older than the one before");
        newest = snapshot.seq().0;
        let first = picture(&snapshot);
        assert_eq!(check(&snapshot), Vec::<String>::new());
        assert!(
            first == picture(&snapshot),
            "the picture as of record {newest} changed"
        );
        pictures += 1;
    }
    pictures
}

#[test]
fn a_readers_snapshot_is_whole_and_never_changes() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = Store::open(dir.path(), StoreOptions::default()).unwrap();
    (0..WRITERS).for_each(|b| make(&store, b));
    let done = AtomicBool::new(false);
    std::thread::scope(|threads| {
        let readers: Vec<_> = (0..2).map(|_| threads.spawn(|| read(&store, &done))).collect();
        let writers: Vec<_> = (0..WRITERS)
            .map(|b| {
                let store = &store;
                threads.spawn(move || write(store, b))
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
        for reader in readers {
            assert!(reader.join().unwrap() > 0);
        }
    });
    let last = picture(&store.snapshot());
    store.close().unwrap();
    let (store, report) = Store::open(dir.path(), StoreOptions::default()).unwrap();
    assert_eq!(report.folded, 0, "a store that was closed has nothing to fold");
    assert!(
        picture(&store.snapshot()) == last,
        "another picture after a restart"
    );
}

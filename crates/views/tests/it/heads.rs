//! What is in memory does not go by the number of buckets: when many grow and none is full, the largest are sealed.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use timberline_model::{Duration, NewEvent, Timestamp};
use timberline_views::tools::check;
use timberline_views::{Store, StoreOptions, TimeRange};

const BUCKETS: usize = 24;
const EVENTS: i64 = 400;

fn view_files(dir: &Path) -> usize {
    let mut found = 0;
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found += view_files(&path);
        } else {
            found += usize::from(path.extension().is_some_and(|extension| extension == "view"));
        }
    }
    found
}

/// 3 MiB of distinct data, far from what fills a head.
fn fill(store: &Store, bucket: &str) {
    store.create_bucket(&crate::plain::bucket(bucket)).unwrap();
    let padding = "x".repeat(8_000);
    let events: Vec<NewEvent<'_>> = (0..EVENTS)
        .map(|i| NewEvent {
            id: None,
            start: Timestamp::from_nanos(i * 1_000_000_000),
            duration: Duration::ZERO,
            data: format!(r#"{{"bucket":"{bucket}","n":{i},"p":"{padding}"}}"#).into(),
        })
        .collect();
    store.insert_events(bucket, &events).unwrap();
}

#[test]
fn many_buckets_that_grow_are_sealed_before_they_are_full() {
    let dir = tempfile::tempdir().unwrap();
    let options = || StoreOptions {
        background: false,
        ..StoreOptions::default()
    };
    let (store, _) = Store::open(dir.path(), options()).unwrap();
    for n in 0..4 {
        fill(&store, &format!("b{n}"));
    }
    store.compact().unwrap();
    assert_eq!(view_files(dir.path()), 0, "four heads are no burden");
    for n in 4..BUCKETS {
        fill(&store, &format!("b{n}"));
    }
    store.compact().unwrap();
    let sealed = view_files(dir.path());
    assert!((1..BUCKETS).contains(&sealed), "{sealed}");
    // Nothing more is to be done, and everything is there, now and after a start.
    store.compact().unwrap();
    assert_eq!(view_files(dir.path()), sealed);
    let whole = |store: &Store| {
        let snapshot = store.snapshot();
        assert_eq!(snapshot.buckets().count(), BUCKETS);
        for bucket in snapshot.buckets() {
            assert_eq!(bucket.events(TimeRange::ALL).unwrap().count() as i64, EVENTS);
        }
        assert_eq!(check(&snapshot), Vec::<String>::new());
    };
    whole(&store);
    store.close().unwrap();
    let (store, _) = Store::open(dir.path(), options()).unwrap();
    whole(&store);
}

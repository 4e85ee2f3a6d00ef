//! What a write and a start cost with few buckets and with many:
//! `cargo run --release -p timberline-benches --bin buckets`.
//!
//! Each line should look like the first. A bucket is made without waiting for the disk.

#![allow(clippy::expect_used, clippy::print_stdout)] // A benchmark that cannot set up its subject has nothing to measure.

use std::time::{Duration, Instant};

use timberline_benches::{heartbeat, window};
use timberline_model::{Bucket, Data, Pulsetime, Timestamp};
use timberline_views::{Store, StoreOptions};

const PULSETIME: Pulsetime = Pulsetime::from_nanos(60_000_000_000);
const WRITES: i64 = 20_000;

fn main() {
    println!(
        "{:>8} {:>12} {:>14} {:>14} {:>10} {:>12} {:>12}",
        "buckets", "create", "heartbeat", "other bucket", "list", "start", "start, log"
    );
    for buckets in [10, 1_000, 30_000, 100_000] {
        measure(buckets);
    }
}

fn measure(buckets: usize) {
    let dir = tempfile::tempdir().expect("a directory");
    let (store, _) = Store::open(dir.path(), StoreOptions::default()).expect("opens");
    for number in 0..buckets {
        store.create_bucket(&bucket(number)).expect("is made");
    }
    let create = per(1_000, |n| {
        store
            .create_bucket(&bucket(buckets + n as usize))
            .expect("is made");
    });
    let data = window(1);
    let same = bucket(buckets / 2).id;
    let merged = per(WRITES, |n| {
        store
            .heartbeat(&same, &heartbeat(n, &data), PULSETIME)
            .expect("is stored");
    });
    let ids: Vec<String> = (0..buckets).map(|number| bucket(number).id).collect();
    let spread = per(WRITES, |n| {
        // A prime apart, so that neighbours are not written one after the other.
        let id = &ids[(n as usize * 7_919) % ids.len()];
        store
            .heartbeat(id, &heartbeat(n, &data), PULSETIME)
            .expect("is stored");
    });
    let began = Instant::now();
    let listed: usize = store
        .snapshot()
        .buckets()
        .map(|view| view.bucket().id.len())
        .sum();
    let list = began.elapsed();
    assert!(listed > 0);
    // What a start after a kill reads: the log.
    drop(store);
    let from_log = open(dir.path());
    let closed = open(dir.path());
    println!(
        "{buckets:>8} {create:>12.2?} {merged:>14.2?} {spread:>14.2?} {list:>10.2?} {closed:>12.2?} {from_log:>12.2?}"
    );
}

/// The time that one of many takes.
fn per(times: i64, mut write: impl FnMut(i64)) -> Duration {
    let began = Instant::now();
    (0..times).for_each(&mut write);
    began.elapsed() / times as u32
}

/// How long a start takes; the store is closed properly after it.
fn open(path: &std::path::Path) -> Duration {
    let began = Instant::now();
    let (store, _) = Store::open(path, StoreOptions::default()).expect("opens");
    let took = began.elapsed();
    store.close().expect("closes");
    took
}

fn bucket(number: usize) -> Bucket {
    Bucket {
        id: format!("aw-watcher-window_machine-{number:06}"),
        type_: "currentwindow".into(),
        client: "aw-watcher-window".into(),
        hostname: "machine".into(),
        created: Timestamp::from_nanos(1_700_000_000_000_000_000),
        data: Data::default(),
        last_updated: None,
    }
}

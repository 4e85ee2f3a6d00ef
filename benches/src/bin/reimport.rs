//! What importing again costs: `cargo run --release -p timberline-benches --bin reimport`.
//!
//! Half a million events come in as an import stores them, 2,000 at a time; then the same again, in the same order and
//! in none. A later time should be at most twice the first.

#![allow(clippy::expect_used, clippy::print_stdout)] // A benchmark that cannot set up its subject has nothing to measure.

use std::time::{Duration, Instant};

use timberline_benches::{BUCKET, events, store};
use timberline_model::NewEvent;
use timberline_views::{KnownEvents, Store};

const EVENTS: i64 = 500_000;
const BATCH: usize = 2_000;

fn main() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = store(dir.path());
    let in_order = events(0, EVENTS);
    let mut shuffled = in_order.clone();
    // A step that has no factor in common with the number visits each event once, and neighbours never meet.
    for (place, event) in shuffled.iter_mut().enumerate() {
        *event = in_order[place * 314_159 % EVENTS as usize].clone();
    }
    let first = import(&store, &in_order);
    println!("first                 {first:>10.2?}");
    for (name, events) in [("again, in order", &in_order), ("again, in no order", &shuffled)] {
        let again = import(&store, events);
        println!(
            "{name:<20}  {again:>10.2?}   {:.2} x",
            again.as_secs_f64() / first.as_secs_f64()
        );
    }
    let count = store
        .snapshot()
        .bucket(BUCKET)
        .map_or(0, timberline_views::BucketView::len);
    assert_eq!(count, EVENTS as u64, "nothing came in twice");
}

fn import(store: &Store, events: &[NewEvent<'_>]) -> Duration {
    let began = Instant::now();
    let snapshot = store.snapshot();
    let mut known = KnownEvents::of(&snapshot);
    let mut newest = None;
    for batch in events.chunks(BATCH) {
        store.wait_for_room(BUCKET);
        let missing = known.bucket(BUCKET).missing(batch).expect("is readable");
        let receipt = store.import_events(BUCKET, &missing).expect("is stored");
        newest = Some(receipt.seq);
    }
    if let Some(newest) = newest {
        store.durable_blocking(newest).expect("is on the disk");
    }
    began.elapsed()
}

//! Heartbeats beside writes that read, search and compress much:
//! `cargo run --release -p timberline-benches --bin disturbed [events]`.
//!
//! One thread sends a heartbeat every 200 µs and measures each, first undisturbed, then beside a redaction of all events
//! of another bucket and of its own, an undo of their import, and inserts with ids. The 99th percentile should be at
//! most 1.5 times the undisturbed one. `hold` is the longest one heartbeat had to wait.

#![allow(clippy::expect_used, clippy::print_stdout)] // A benchmark that cannot set up its subject has nothing to measure.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use timberline_benches::{BUCKET, events, heartbeat, store, window};
use timberline_model::{Bucket, EventId, NewEvent, Pulsetime};
use timberline_views::Cancel;
use timberline_views::erasure::Selection;
use timberline_views::history::Undoing;
use timberline_views::{Seq, Store, TimeRange};

const PULSETIME: Pulsetime = Pulsetime::from_nanos(60_000_000_000);
const PACE: Duration = Duration::from_micros(200);
const BEATS: &str = "aw-watcher-afk_bench";

fn main() {
    let given = std::env::args().nth(1).and_then(|count| count.parse().ok());
    let count: i64 = given.unwrap_or(2_240_000);
    let dir = tempfile::tempdir().expect("a directory");
    let store = store(dir.path());
    let like = store
        .snapshot()
        .bucket(BUCKET)
        .expect("is there")
        .bucket()
        .clone();
    store
        .create_bucket(&Bucket {
            id: BEATS.into(),
            ..like
        })
        .expect("is made");
    let imported = import(&store, count);
    println!(
        "{count} events\n{:<34} {:>9} {:>9} {:>9} {:>9} {:>8}",
        "", "took", "p50", "p99", "hold", "p99 x"
    );

    let calm = beside(&store, BEATS, || std::thread::sleep(Duration::from_secs(3)));
    report("undisturbed", &calm, &calm);
    let with_ids = |first: i64| {
        for batch in 0..100 {
            let events = with_ids(first + batch * 2_000, 2_000);
            let (_, receipt) = store.insert_events(BUCKET, &events).expect("is stored");
            // As the server does before it answers.
            store.durable_blocking(receipt.seq).expect("is on the disk");
            store.wait_for_room(BUCKET);
        }
    };
    report(
        "inserts of 200,000 with ids",
        &beside(&store, BEATS, || with_ids(0)),
        &calm,
    );
    for bucket in [BEATS, BUCKET] {
        let name = format!(
            "redaction, heartbeats in {}",
            if bucket == BEATS { "another" } else { "the same" }
        );
        let number = usize::from(bucket == BUCKET);
        report(&name, &beside(&store, bucket, || redact(&store, number)), &calm);
    }
    let again = beside(&store, BEATS, || std::thread::sleep(Duration::from_secs(3)));
    report("undisturbed, once more", &again, &calm);
    let preview = beside(&store, BEATS, || undo(&store, imported, Undoing::Preview));
    report("preview of an undo of the import", &preview, &calm);

    // What was redacted has changed since; what comes in anew can be taken back whole.
    let imported = import(&store, count / 2);
    let undone = beside(&store, BEATS, || undo(&store, imported, Undoing::All));
    report("undo of an import of half as many", &undone, &calm);
}

/// Brings events in, and tells which records did.
fn import(store: &Store, count: i64) -> (Seq, Seq) {
    let first = store.snapshot().seq().next();
    let mut newest = first;
    for batch in 0..count / 4_000 {
        let (_, receipt) = store
            .insert_events(BUCKET, &events(batch * 4_000, 4_000))
            .expect("is stored");
        newest = receipt.seq;
        store.wait_for_room(BUCKET);
    }
    store.durable_blocking(newest).expect("is on the disk");
    store.compact().expect("compacts");
    (first, newest)
}

/// Events that take the place of those with these ids.
fn with_ids(first: i64, n: i64) -> Vec<NewEvent<'static>> {
    let replaced = |(number, event): (usize, NewEvent<'static>)| NewEvent {
        id: Some(EventId(first as u64 + number as u64 + 1)),
        ..event
    };
    events(first, n).into_iter().enumerate().map(replaced).collect()
}

fn redact(store: &Store, round: usize) {
    let selection = Selection {
        buckets: Vec::new(),
        ids: None,
        range: TimeRange::ALL,
        data: &|data| data.contains("document"),
    };
    let selected = store.select(&selection, 0, &Cancel::new()).expect("is read");
    let word = format!("document ({round})");
    store
        .redact(&selected, &|data| Some(data.replace("document", &word)))
        .expect("is redacted");
}

fn undo(store: &Store, (from, to): (Seq, Seq), undoing: Undoing) {
    let (undone, _) = store.undo(from, to, undoing, &Cancel::new()).expect("is undone");
    assert!(undoing == Undoing::Preview || undone.conflicts.is_empty());
}

struct Measured {
    took: Duration,
    sorted: Vec<Duration>,
}

impl Measured {
    fn at(&self, part: f64) -> Duration {
        let last = self.sorted.len().saturating_sub(1);
        self.sorted
            .get((last as f64 * part) as usize)
            .copied()
            .unwrap_or_default()
    }
}

fn report(name: &str, measured: &Measured, calm: &Measured) {
    let (p50, p99, hold) = (measured.at(0.5), measured.at(0.99), measured.at(1.0));
    let ratio = p99.as_secs_f64() / calm.at(0.99).as_secs_f64();
    println!(
        "{name:<34} {:>9.2?} {p50:>9.2?} {p99:>9.2?} {hold:>9.2?} {ratio:>8.2}",
        measured.took
    );
}

/// How long heartbeats take while something is done.
fn beside(store: &Store, bucket: &str, work: impl FnOnce()) -> Measured {
    let done = AtomicBool::new(false);
    // Later than all that was imported.
    let first = 100_000_000 + store.snapshot().seq().get() as i64;
    std::thread::scope(|scope| {
        let beats = scope.spawn(|| {
            let data = window(1);
            let mut took = Vec::new();
            let mut n = first;
            while !done.load(Ordering::Relaxed) {
                n += 1;
                let beat = heartbeat(n, &data);
                let began = Instant::now();
                store.heartbeat(bucket, &beat, PULSETIME).expect("is stored");
                took.push(began.elapsed());
                std::thread::sleep(PACE);
            }
            took
        });
        let began = Instant::now();
        work();
        let took = began.elapsed();
        done.store(true, Ordering::Relaxed);
        let mut sorted = beats.join().expect("it ends");
        sorted.sort_unstable();
        Measured { took, sorted }
    })
}

//! What a timeline costs: the first one of an engine, again, of another place, and after an event.
//!
//!     cargo run --release -p timberline-benches --bin timeline [DAYS [WIDTH]]

#![allow(
    clippy::expect_used,
    reason = "a measurement that cannot set itself up is none"
)]

use std::sync::Arc;
use std::time::{Duration as Time, Instant};

use timberline_benches::history::{BUCKETS, end, history};
use timberline_disk::FileStorage;
use timberline_model::{Duration, Timestamp};
use timberline_query::{Cancel, Engine, Limits, TimelineQuery};
use timberline_views::Snapshot;

const DAY: i64 = 86_400_000_000_000;
/// How often each is measured; the middle one counts.
const TIMES: usize = 9;

fn main() {
    let mut arguments = std::env::args()
        .skip(1)
        .map(|text| text.parse().expect("a number"));
    let days: i64 = arguments.next().unwrap_or(3_650);
    let width = arguments.next().unwrap_or(2_000) as usize;
    let snapshot = open(days);
    let events: u64 = snapshot.buckets().map(timberline_views::BucketView::len).sum();
    println!("{days} days, {events} events, width {width}; milliseconds");
    println!(
        "{:>10}  {:>8}  {:>8}  {:>8}  {:>8}  {:>8}",
        "span", "opened", "first", "again", "moved", "spans"
    );
    for span in [days, 365, 30, 7, 1].into_iter().filter(|span| *span <= days) {
        measure(days, span, width);
    }
}

/// The data from the disk, as after a start: nothing is mapped yet.
fn open(days: i64) -> Snapshot {
    let spill = tempfile::tempdir().expect("a directory");
    let spill = Arc::new(FileStorage::open(spill.path()).expect("opens"));
    let (snapshot, _) = timberline_views::tools::read_only(&history(days), None, spill).expect("reads");
    snapshot
}

fn measure(days: i64, span: i64, width: usize) {
    let query = |shift: i64| TimelineQuery {
        buckets: BUCKETS.map(|(id, _)| id.to_owned()).to_vec(),
        start: Some(Timestamp::from_nanos(end().nanos() - span * DAY - shift)),
        end: Some(end().saturating_add(Duration::from_nanos(-shift))),
        width,
        past: false,
    };
    let engine = || Engine::new(Limits::default()).expect("threads");
    let ask = |engine: &Engine, snapshot: &Snapshot, shift: i64| {
        let timeline = engine.timeline(snapshot, &query(shift), &Cancel::new());
        timeline.expect("a timeline").to_json().len()
    };
    let opened = middle(|| {
        let (snapshot, engine) = (open(days), engine());
        timed(|| ask(&engine, &snapshot, 0))
    });
    let snapshot = open(days);
    let first = middle(|| {
        let engine = engine();
        timed(|| ask(&engine, &snapshot, 0))
    });
    let kept = engine();
    let timeline = kept
        .timeline(&snapshot, &query(0), &Cancel::new())
        .expect("a timeline");
    let spans: usize = timeline.lanes.iter().map(|lane| lane.spans.len()).sum();
    let again = middle(|| timed(|| ask(&kept, &snapshot, 0)));
    let mut shift = 0;
    let moved = middle(|| {
        shift += span * DAY / 100;
        timed(|| ask(&kept, &snapshot, shift))
    });
    let shown = [opened, first, again, moved].map(|time| format!("{:.2}", time.as_secs_f64() * 1e3));
    let [opened, first, again, moved] = shown;
    println!(
        "{:>10}  {opened:>8}  {first:>8}  {again:>8}  {moved:>8}  {spans:>8}",
        format!("{span} days")
    );
}

fn timed(what: impl FnOnce() -> usize) -> Time {
    let begun = Instant::now();
    assert!(what() > 0);
    begun.elapsed()
}

fn middle(mut measured: impl FnMut() -> Time) -> Time {
    let mut times: Vec<Time> = (0..TIMES).map(|_| measured()).collect();
    times.sort_unstable();
    times.get(TIMES / 2).copied().unwrap_or_default()
}

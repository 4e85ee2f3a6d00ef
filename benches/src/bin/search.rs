//! What a search costs: the first one after the data were opened, and one of another word.
//!
//!     cargo run --release -p timberline-benches --bin search [DAYS [TEXT ...]]

#![allow(
    clippy::expect_used,
    reason = "a measurement that cannot set itself up is none"
)]

use std::sync::Arc;
use std::time::{Duration as Time, Instant};

use timberline_benches::history::{BUCKETS, history};
use timberline_disk::FileStorage;
use timberline_query::{Cancel, Engine, Hits, Limits, Search, SearchQuery};
use timberline_views::{Snapshot, TimeRange};

/// How often each is measured; the middle one counts.
const TIMES: usize = 9;
/// A word that most days have, rare ones, what is nowhere, a phrase, fields, an expression, and the first letters of a
/// word.
const TEXTS: [&str; 9] = [
    "invoice",
    "stack overflow",
    "\"query planner\"",
    "app:gimp",
    "-firefox recipe",
    "xyzzy",
    "/v[0-9]+/",
    "inv",
    "i",
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    let days: i64 = arguments.next().map_or(3_650, |text| text.parse().expect("days"));
    let given: Vec<String> = arguments.collect();
    let texts: Vec<&str> = match given.as_slice() {
        [] => TEXTS.to_vec(),
        given => given.iter().map(String::as_str).collect(),
    };
    let snapshot = open(days);
    let events: u64 = snapshot.buckets().map(timberline_views::BucketView::len).sum();
    println!("{days} days, {events} events; milliseconds");
    println!(
        "{:>20}  {:>8}  {:>8}  {:>8}  {:>10}",
        "text", "opened", "first", "hits", "hours"
    );
    for text in texts {
        measure(days, &snapshot, text);
    }
}

/// The data from the disk, as after a start: nothing is mapped yet.
fn open(days: i64) -> Snapshot {
    let spill = tempfile::tempdir().expect("a directory");
    let spill = Arc::new(FileStorage::open(spill.path()).expect("opens"));
    let (snapshot, _) = timberline_views::tools::read_only(&history(days), None, spill).expect("reads");
    snapshot
}

fn measure(days: i64, snapshot: &Snapshot, text: &str) {
    let engine = Engine::new(Limits::default()).expect("threads");
    let opened = middle(|| {
        let snapshot = open(days);
        timed(|| ask(&engine, &snapshot, text))
    });
    let first = middle(|| timed(|| ask(&engine, snapshot, text)));
    let hits = ask(&engine, snapshot, text);
    println!(
        "{text:>20}  {:>8.2}  {:>8.2}  {:>8}  {:>10.1}",
        opened.as_secs_f64() * 1e3,
        first.as_secs_f64() * 1e3,
        hits.total,
        hits.time.as_secs_f64() / 3_600.0
    );
}

fn ask(engine: &Engine, snapshot: &Snapshot, text: &str) -> Hits {
    let search = Search::parse(text).expect("a search");
    let query = SearchQuery {
        buckets: BUCKETS.map(|(id, _)| id.to_owned()).to_vec(),
        range: TimeRange::ALL,
        limit: 20,
        spans: 5,
        after: None,
    };
    engine
        .search(snapshot, &search, &query, &Cancel::new())
        .expect("hits")
}

fn timed<T>(what: impl FnOnce() -> T) -> Time {
    let begun = Instant::now();
    let _ = what();
    begun.elapsed()
}

fn middle(mut measured: impl FnMut() -> Time) -> Time {
    let mut times: Vec<Time> = (0..TIMES).map(|_| measured()).collect();
    times.sort_unstable();
    times.get(TIMES / 2).copied().unwrap_or_default()
}

//! Usage by category of the newest year of a long history: first, again, and again after one more heartbeat.
//!
//!     cargo run --release -p timberline-benches --example usage [DAYS]

#![allow(
    clippy::expect_used,
    reason = "a measurement that cannot set itself up is none"
)]

use std::time::Instant;

use timberline_benches::history::{BUCKETS, end, history};
use timberline_model::{Duration, Heartbeat, Pulsetime, Timestamp};
use timberline_query::activity::{CategoryRules, Definition, Dimension, Listed, UsageRequest};
use timberline_query::calendar::{Calendar, Interval};
use timberline_query::categories::Categories;
use timberline_query::{Cancel, Engine, Limits, Period};
use timberline_views::{Store, StoreOptions};

const DAY: i64 = 86_400_000_000_000;

fn main() {
    let days: i64 = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(3_650);
    let data = history(days);
    let copy = tempfile::tempdir().expect("a directory");
    copy_all(&data, copy.path());
    let (store, _) = Store::open(copy.path(), StoreOptions::default()).expect("opens");
    for (by, interval) in [
        (Dimension::Category, Interval::None),
        (Dimension::Category, Interval::Day),
        (Dimension::Title, Interval::None),
        (Dimension::Domain, Interval::Month),
    ] {
        let engine = Engine::new(Limits::default()).expect("threads");
        let measure = |what: &str| {
            let begun = Instant::now();
            let nanos = usage(&store, &engine, by, interval);
            let took = begun.elapsed().as_secs_f64() * 1e3;
            println!(
                "{by:?} by {interval:?}, {what}: {took:.2} ms ({} s)",
                nanos / 1_000_000_000
            );
        };
        measure("first");
        measure("again");
        measure("again");
        for second in 0..3 {
            beat(&store, second);
            measure("after a heartbeat");
        }
        println!("{} bytes cached", engine.metrics().cache_bytes);
    }
}

/// A year by category.
fn usage(store: &Store, engine: &Engine, by: Dimension, interval: Interval) -> i128 {
    let snapshot = store.snapshot();
    let mut definition = Definition::of_devices(&snapshot, Some(&["bench".to_owned()])).expect("is one");
    definition.categories = Some(
        CategoryRules::new(&Categories::read(None).expect("are categories").rules()).expect("are rules"),
    );
    let calendar = Calendar::of_zone("Europe/Berlin", "04:00", "monday").expect("is one");
    let period = Period {
        start: Timestamp::from_nanos(end().nanos() - 365 * DAY),
        end: Timestamp::from_nanos(end().nanos() + DAY),
    };
    let bins = calendar.bins(period, interval, 10_000).expect("bins");
    let request = UsageRequest {
        definition: &definition,
        period,
        by,
        calendar: &calendar,
        bins: &bins,
        listed: Listed::Longest(100),
        past: false,
    };
    let usage = engine
        .usage(&snapshot, &request, &Cancel::new())
        .expect("is answered");
    usage.total.all
}

/// A heartbeat of the window after the last event.
fn beat(store: &Store, second: i64) {
    let beat = Heartbeat {
        start: Timestamp::from_nanos(end().nanos() + second * 1_000_000_000),
        duration: Duration::ZERO,
        data: r#"{"app":"vim","title":"usage.rs"}"#.into(),
    };
    let pulsetime = Pulsetime::from_secs_f64(60.0).expect("is one");
    store
        .heartbeat(BUCKETS[0].0, &beat, pulsetime)
        .expect("is stored");
}

/// So that the data that other measurements use stay as they are.
fn copy_all(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).expect("a directory");
    for entry in std::fs::read_dir(from).expect("is listed") {
        let entry = entry.expect("is listed");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("has a type").is_dir() {
            copy_all(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("is copied");
        }
    }
}

//! A year of a window watcher that sends one heartbeat a second, on a clock of its own: what it takes on the disk as it
//! was written, after squashing, and if its outcome had been inserted instead.
//!
//!     cargo run --release -p timberline-benches --bin year [DAYS]

#![allow(
    clippy::expect_used,
    reason = "a measurement that cannot set itself up is none"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use timberline_benches::history::{Day, end};
use timberline_model::{Bucket, Data, Duration, Heartbeat, NewEvent, Pulsetime, Timestamp};
use timberline_views::time_trust::Clock;
use timberline_views::{Store, StoreOptions, TimeRange};

const BUCKET: &str = "aw-watcher-window_bench";
const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400;
/// What is on the screen when nobody is there.
const LOCKED: &str = r#"{"app":"loginwindow","title":"locked"}"#;

fn main() {
    let days: i64 = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(365);
    let dir = tempfile::tempdir().expect("a directory");
    let (beats, direct) = (dir.path().join("heartbeats"), dir.path().join("inserted"));
    let clock = Arc::new(AtomicI64::new(0));
    let store = open(&beats, &clock);
    let begun = Instant::now();
    let (sent, most) = live(&store, &clock, days);
    let took = begun.elapsed();
    println!(
        "{sent} heartbeats in {:.0} s ({:.2} µs each, compacting and squashing included)",
        took.as_secs_f64(),
        took.as_secs_f64() * 1e6 / sent as f64
    );
    store.compact().expect("compacts");
    store.checkpoint().expect("is written");
    let events = store.snapshot().bucket(BUCKET).map_or(0, |bucket| bucket.len());
    println!(
        "{events} events; the log's greatest size on the way was {} MB",
        most / 1_000_000
    );
    tell("with 30 days of history", &beats, events);
    // When all of it is older than history is kept.
    clock.fetch_add(60 * DAY * SECOND, Ordering::Relaxed);
    for _ in 0..2 {
        store.checkpoint().expect("is written");
        store.maintain().expect("is squashed");
        clock.fetch_add(60 * DAY * SECOND, Ordering::Relaxed);
    }
    let squashed = tell("all of it squashed", &beats, events);
    insert(&store, &direct, &clock);
    let inserted = tell("the same events inserted, 1,000 at a time", &direct, events);
    println!("squashed / inserted: {:.3}", squashed as f64 / inserted as f64);
}

fn open(dir: &Path, clock: &Arc<AtomicI64>) -> Store {
    let clock = Arc::clone(clock);
    let options = StoreOptions {
        background: false,
        clock: Clock::of(move || Timestamp::from_nanos(clock.load(Ordering::Relaxed))),
        ..StoreOptions::default()
    };
    let (store, _) = Store::open(dir, options).expect("opens");
    let bucket = Bucket {
        id: BUCKET.into(),
        type_: "currentwindow".into(),
        client: "bench".into(),
        hostname: "bench".into(),
        created: end(),
        data: Data::default(),
        last_updated: None,
    };
    store.create_bucket(&bucket).expect("a bucket can be made");
    store
}

/// Gives back how many heartbeats were sent, and the greatest size of the log at the end of a day.
fn live(store: &Store, clock: &AtomicI64, days: i64) -> (u64, u64) {
    let last_day = end().nanos() / SECOND / DAY;
    let pulsetime = Pulsetime::from_secs_f64(5.0).expect("is one");
    let (mut sent, mut most) = (0, 0);
    for date in last_day - days..last_day {
        let day = Day::of(date);
        let mut windows = day.lists()[0].iter().peekable();
        let mut on_screen = (i64::MAX, LOCKED);
        for second in date * DAY..(date + 1) * DAY {
            while let Some((start, duration, data)) = windows.next_if(|next| next.0 <= second * 1000) {
                on_screen = (start + duration, data);
            }
            let data = if second * 1000 < on_screen.0 {
                on_screen.1
            } else {
                LOCKED
            };
            let beat = Heartbeat {
                start: Timestamp::from_nanos(second * SECOND),
                duration: Duration::ZERO,
                data: data.into(),
            };
            clock.store(second * SECOND, Ordering::Relaxed);
            store.heartbeat(BUCKET, &beat, pulsetime).expect("is stored");
            sent += 1;
        }
        store.compact().expect("compacts");
        store.maintain().expect("is squashed");
        most = most.max(store.log().map_or(0, |log| size(log.path())));
    }
    (sent, most)
}

fn insert(from: &Store, dir: &Path, clock: &Arc<AtomicI64>) {
    let store = open(dir, clock);
    let snapshot = from.snapshot();
    let view = snapshot.bucket(BUCKET).expect("is there");
    let mut events: Vec<NewEvent<'_>> = view
        .events(TimeRange::ALL)
        .expect("is read")
        .map(|event| {
            let event = event.expect("is read");
            let mut data = Vec::new();
            event.write_data(&mut data);
            NewEvent {
                id: None,
                start: event.start(),
                duration: event.duration(),
                data: String::from_utf8(data).expect("is text").into(),
            }
        })
        .collect();
    events.reverse();
    for part in events.chunks(1000) {
        store.insert_events(BUCKET, part).expect("is stored");
        store.compact().expect("compacts");
    }
    store.checkpoint().expect("is written");
    store.close().expect("closes");
}

fn tell(what: &str, dir: &Path, events: u64) -> u64 {
    let (log, views) = (size(&dir.join("log")), size(&dir.join("views")));
    let each = |bytes: u64| bytes as f64 / events as f64;
    println!(
        "{what}: log {log} B ({:.1} an event), views {views} B ({:.1} an event), together {:.1} an event",
        each(log),
        each(views),
        each(log + views)
    );
    log + views
}

/// Bytes that the files of a directory hold. Of the active log segment only what is in use: the rest is reserved.
fn size(dir: &Path) -> u64 {
    let files = std::fs::read_dir(dir).expect("is listed");
    let bytes = |path: &Path| {
        let content = std::fs::read(path).unwrap_or_default();
        content
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last as u64 + 1)
    };
    files.map(|file| bytes(&file.expect("is listed").path())).sum()
}

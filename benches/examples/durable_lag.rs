//! How old the oldest heartbeat is that a power cut would cost: `cargo run --release -p timberline-benches --example
//! durable_lag [SECONDS]`. Appends 10,000 heartbeats a second and looks, a thousand times a second, at the age of the
//! oldest one that is not yet known to be on the disk.

#![allow(clippy::expect_used)]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use timberline_benches::{BUCKET, heartbeat, store, window};
use timberline_model::Pulsetime;

fn main() {
    let seconds = std::env::args().nth(1).and_then(|s| s.parse().ok()).unwrap_or(10);
    let dir = tempfile::tempdir_in(".").expect("a directory on this disk");
    let store = store(dir.path());
    let data = window(1);
    let begin = Instant::now();
    let (mut unsynced, mut oldest, mut sent) = (VecDeque::new(), Duration::ZERO, 0i64);
    while begin.elapsed() < Duration::from_secs(seconds) {
        for _ in 0..10 {
            sent += 1;
            let answer = store
                .heartbeat(
                    BUCKET,
                    &heartbeat(sent, &data),
                    Pulsetime::from_nanos(60_000_000_000),
                )
                .expect("is stored");
            unsynced.push_back((answer.receipt.seq, Instant::now()));
        }
        std::thread::sleep(Duration::from_millis(1));
        let durable = store.durable_seq();
        while unsynced.front().is_some_and(|(seq, _)| *seq <= durable) {
            unsynced.pop_front();
        }
        if let Some((_, since)) = unsynced.front() {
            oldest = oldest.max(since.elapsed());
        }
    }
    println!("{sent} heartbeats; the oldest unsynced one was {oldest:.3?} old");
}

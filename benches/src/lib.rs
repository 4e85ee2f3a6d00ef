//! What the benchmarks share: a generated day of a window watcher; in [`history`], generated years of several watchers; in
//! [`server`], [`http`] and [`sample`], a server process under test, a client, and what the process uses.
//!
//! `cargo bench -p timberline-benches` runs the micro-benchmarks. `src/bin/` has the programs that measure more. Figures in
//! the documents name the command that they come from.

pub mod history;
pub mod http;
pub mod sample;
pub mod server;

use std::path::Path;

use timberline_model::{Bucket, Duration, Heartbeat, NewEvent, Timestamp};
use timberline_views::{Store, StoreOptions};

/// The bucket all benchmarks use.
pub const BUCKET: &str = "aw-watcher-window_bench";

/// Distinct window titles; real data has some thousand, a few of them most of the time.
const TITLES: i64 = 4_000;
/// 2026-01-01T00:00:00Z.
const BEGIN: i64 = 1_767_225_600_000_000_000;

/// The data of the n-th window.
#[must_use]
pub fn window(n: i64) -> String {
    // Squares crowd at the low end, as popular titles do.
    let title = (n * 7_919 % TITLES).pow(2) / TITLES;
    format!(
        r#"{{"app":"app-{}","title":"document {title} - some editor with a longish name"}}"#,
        title % 37
    )
}

/// `n` events, ten seconds apart, from number `first` on.
#[must_use]
pub fn events(first: i64, n: i64) -> Vec<NewEvent<'static>> {
    (first..first + n)
        .map(|i| NewEvent {
            id: None,
            start: Timestamp::from_nanos(BEGIN + i * 10_000_000_000 + i % 977 * 1_000_000),
            duration: Duration::from_nanos(9_000_000_000 + i % 501 * 1_000_000),
            data: window(i).into(),
        })
        .collect()
}

/// The n-th heartbeat, one second after the one before; all with the same data, so they merge.
#[must_use]
pub fn heartbeat(n: i64, data: &str) -> Heartbeat<'_> {
    Heartbeat {
        start: Timestamp::from_nanos(BEGIN + n * 1_000_000_000),
        duration: Duration::ZERO,
        data: data.into(),
    }
}

/// A store in this directory, with the bucket in it.
///
/// # Panics
/// When it cannot be made: a benchmark needs a store.
#[must_use]
#[allow(clippy::expect_used)]
pub fn store(dir: &Path) -> Store {
    let (store, _) = Store::open(dir, StoreOptions::default()).expect("a fresh directory opens");
    let bucket = Bucket {
        id: BUCKET.into(),
        type_: "currentwindow".into(),
        client: "bench".into(),
        hostname: "bench".into(),
        created: Timestamp::from_nanos(BEGIN),
        data: timberline_model::Data::default(),
        last_updated: None,
    };
    store.create_bucket(&bucket).expect("a bucket can be made");
    store
}

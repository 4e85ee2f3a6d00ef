//! What the web UI's queries cost, on 30 and 365 days of generated data; with `TIMBERLINE_BENCH_DECADE=1` on 3,650 days
//! too. The data are made once and kept in `target/bench-data` (48 MB for a year; ten years take some minutes).
//!
//! `cold`: with an engine that has not seen anything. `new period`: with one that knows the data and the rules, not the
//! period. `repeated`: a question that was asked before.

#![allow(clippy::expect_used, missing_docs)] // A benchmark that cannot set up its subject has nothing to measure.

#[path = "../../crates/cli/src/bench/set.rs"]
mod set;

use std::cell::LazyCell;
use std::sync::Arc;
use std::time::Duration as Time;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use set::{Case, Span, Subjects, cases};
use timberline_benches::history::{BUCKETS, history};
use timberline_disk::FileStorage;
use timberline_model::Duration;
use timberline_query::{Cancel, Engine, Limits, Query};
use timberline_views::Snapshot;

fn subjects() -> Subjects {
    let [window, afk, web, editor] = BUCKETS.map(|(id, _)| id.to_owned());
    Subjects {
        window,
        afk,
        web: Some(web),
        editor: Some(editor),
        stopwatch: None,
    }
}

fn engine() -> Engine {
    Engine::new(Limits::default()).expect("threads")
}

/// Asks one after the other; gives the bytes of the answers.
fn ask(engine: &Engine, snapshot: &Snapshot, requests: &[Query]) -> usize {
    let answers = requests.iter().map(|request| {
        let answer = engine.run(snapshot, request, &Cancel::new()).expect("an answer");
        answer.to_json().len()
    });
    answers.sum()
}

/// Opens the data; nothing but the views on disk is read.
fn open(days: i64) -> Snapshot {
    let spill = tempfile::tempdir().expect("a directory");
    let spill = Arc::new(FileStorage::open(spill.path()).expect("opens"));
    let (snapshot, _) = timberline_views::tools::read_only(&history(days), None, spill).expect("reads");
    snapshot
}

fn queries(c: &mut Criterion) {
    let decade = std::env::var_os("TIMBERLINE_BENCH_DECADE").is_some();
    for days in [30, 365, 3_650] {
        if days <= 365 || decade {
            history_of(c, days);
        }
    }
}

fn history_of(c: &mut Criterion, days: i64) {
    let mut group = c.benchmark_group(format!("query of {days} days"));
    group
        .sample_size(10)
        .warm_up_time(Time::from_millis(500))
        .measurement_time(Time::from_secs(2));
    // Not before the first benchmark that the command line asks for.
    let snapshot = LazyCell::new(|| open(days));
    let end = timberline_benches::history::end();
    let spans = Span::ALL
        .into_iter()
        .filter(|span| span.length() <= set::days(days));
    for case in spans.flat_map(|span| cases(&subjects(), span, end)) {
        let name = |how: &str| format!("{} of a {}, {how}", case.name, case.span.name());
        group.bench_function(name("cold"), |b| {
            let ask = |engine: Engine| (ask(&engine, &snapshot, &case.requests), engine);
            b.iter_batched(engine, ask, BatchSize::PerIteration);
        });
        group.bench_function(name("new period"), |b| {
            let engine = engine();
            ask(&engine, &snapshot, &case.requests);
            let mut seconds = 0;
            let next = || next(&case, &mut seconds);
            b.iter_batched(
                next,
                |requests| ask(&engine, &snapshot, &requests),
                BatchSize::PerIteration,
            );
        });
        group.bench_function(name("repeated"), |b| {
            let engine = engine();
            ask(&engine, &snapshot, &case.requests);
            b.iter(|| ask(&engine, &snapshot, &case.requests));
        });
    }
    group.finish();
}

/// The case about a period that it was not asked about before, a second earlier each time.
fn next(case: &Case, seconds: &mut i64) -> Vec<Query> {
    *seconds += 1;
    case.earlier(Duration::from_nanos(*seconds * 1_000_000_000))
}

criterion_group!(benches, queries);
criterion_main!(benches);

//! The conformance corpus against the real server: what clients of the ActivityWatch servers rely on.
//!
//! The corpus is data (`data/conformance/*.json`), the same for every server; `conformance/` is a runner for
//! its format. A failing test prints the first difference of each failing scenario.

mod client;
mod compare;
mod format;
mod runner;

use self::format::Corpus;
use self::runner::Runner;
use crate::harness::http;
use crate::harness::rfc3339;
use crate::harness::server::{Installation, Server};
use serde_json::{Value, json};
use timberline_views::{BucketView, Store, StoreOptions};

/// Every corpus that the server has to pass as a whole.
fn corpora() -> Vec<Corpus> {
    let rest = Corpus::parse(include_str!("../data/conformance/rest.json"));
    let query = Corpus::parse(include_str!("../data/conformance/query.json"));
    let divergent = Corpus::parse(include_str!("../data/conformance/divergent.json"));
    assert_eq!(
        (
            rest.scenarios.len(),
            query.scenarios.len(),
            divergent.scenarios.len()
        ),
        (300, 447, 45),
        "scenarios in the corpora"
    );
    vec![rest, query, divergent]
}

/// Runs all of it. `when` tells the runs on one server apart.
fn conforms(port: u16, when: &str) -> Runner {
    let mut runner = Runner::new(port, when);
    for corpus in corpora() {
        runner.run(&corpus);
    }
    println!(
        "{when}: {} scenarios passed, {} failed",
        runner.passed,
        runner.failures.len()
    );
    all_passed(&runner, when);
    runner
}

fn all_passed(runner: &Runner, when: &str) {
    assert!(
        runner.failures.is_empty(),
        "{when}:\n{}",
        runner.failures.join("\n")
    );
}

#[test]
fn conforms_on_a_fresh_store_and_after_restarts() {
    let installation = Installation::new();
    let server = installation.start();
    conforms(server.port, "fresh");
    server.stop();
    let server = installation.start();
    conforms(server.port, "restarted");
    server.kill();
    let server = installation.start();
    conforms(server.port, "killed");
    server.stop();
}

/// Queries are answered from results that are remembered, from view segments instead of heads, and by a server that has
/// only just been started: always the same.
#[test]
fn queries_are_answered_the_same_from_the_cache_after_compaction_and_after_restarts() {
    let installation = Installation::new();
    let server = installation.start();
    let mut runner = conforms(server.port, "first");
    runner.ask_again("remembered");
    server.stop();

    let (store, _) = Store::open(&installation.data, StoreOptions::default()).expect("the store opens");
    store.flush(1).expect("heads become segments");
    store.compact().expect("segments are merged");
    let segments: usize = store.snapshot().buckets().map(BucketView::segment_count).sum();
    assert!(segments > 400, "{segments} view segments");
    store.close().expect("the store closes");

    let server = installation.start();
    runner.ask_again("compacted");
    runner.ask_again("compacted and remembered");
    server.kill();
    let server = installation.start();
    runner.ask_again("killed");
    all_passed(&runner, "asked again");
    server.stop();
}

/// What the reference answers with and without its API key.
#[test]
fn a_server_with_an_api_key_conforms() {
    let auth = Corpus::parse(include_str!("../data/conformance/auth.json"));
    assert_eq!(auth.scenarios.len(), 16, "scenarios in the corpus");
    let mut installation = Installation::new();
    installation.configure("[auth]\napi_key = \"conformance-key\"\n");
    for when in ["fresh", "restarted"] {
        let server = installation.start();
        let mut runner = Runner::new(server.port, when);
        runner.run(&auth);
        all_passed(&runner, when);
        server.stop();
    }
}

#[test]
fn conforms_on_a_large_store_and_after_a_restart() {
    let installation = Installation::new();
    let server = installation.start();
    fill(&server, EVENTS);
    conforms(server.port, "large");
    assert_eq!(stored(&server), EVENTS, "the runs must not touch what is there");
    server.stop();
    let server = installation.start();
    conforms(server.port, "large-restarted");
    assert_eq!(
        stored(&server),
        EVENTS,
        "a restart must not change the number of events"
    );
    server.stop();
}

/// For comparing this runner with another one, or Timberline with another server:
/// `CONFORMANCE_PORT=5666 cargo test --test conformance -- --ignored --nocapture`.
#[test]
#[ignore = "for a server that was started by hand"]
fn conforms_at_a_given_port() {
    let port = std::env::var("CONFORMANCE_PORT").expect("CONFORMANCE_PORT");
    conforms(
        port.parse().expect("CONFORMANCE_PORT: a number"),
        &format!("run{}", std::process::id()),
    );
}

/// What makes a store large: a year or two of one person's life.
const EVENTS: usize = 1_000_000;

/// The buckets that they are in.
const LARGE: [&str; 3] = ["large-window", "large-afk", "large-web"];

/// Events in one request.
const BATCH: usize = 1000;

/// Stores many events through the API, in three buckets, with data that repeat as a person's do.
fn fill(server: &Server, events: usize) {
    let bucket = json!({"client": "large", "type": "test", "hostname": "large"}).to_string();
    for name in LARGE {
        let answer = http::post(server.port, &format!("/api/0/buckets/{name}"), bucket.as_bytes());
        assert_eq!(answer.expect("an answer").status, 200, "bucket {name}");
    }
    let mut connection = http::Connection::open(server.port).expect("a connection");
    for (number, first) in (0..events).step_by(BATCH).enumerate() {
        let batch: Vec<Value> = (first..events.min(first + BATCH)).map(event).collect();
        let target = format!("/api/0/buckets/{}/events", LARGE[number % LARGE.len()]);
        let body = Value::from(batch).to_string();
        let answer = connection
            .request("POST", &target, Some(body.as_bytes()))
            .expect("an answer");
        assert_eq!(answer.status, 200, "{target}: {}", answer.text());
    }
}

/// One of many: half a minute each, from 2021 on.
fn event(number: usize) -> Value {
    let start = rfc3339::parse("2021-01-01T00:00:00Z").expect("a valid time");
    let start = start + number as i128 * 30 * rfc3339::SECOND;
    let title = format!("document {}", number * number % 2003);
    json!({
        "timestamp": rfc3339::format(start),
        "duration": 29.25,
        "data": {"app": format!("app {}", number % 17), "title": title},
    })
}

/// How many events the large buckets hold.
fn stored(server: &Server) -> usize {
    let count = |name| {
        let answer = http::get(server.port, &format!("/api/0/buckets/{name}/events/count"));
        answer
            .expect("an answer")
            .text()
            .trim()
            .parse::<usize>()
            .expect("a number")
    };
    LARGE.into_iter().map(count).sum()
}

//! Privacy filters through the API: what is stored, what clients see, and previews.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::harness::server::{Installation, Server};
use crate::harness::{http, poll};
use serde_json::{Value, json};

const SETTING: &str = "/api/0/settings/privacy_filters";
const PREVIEW: &str = "/api/1/privacy/preview";
const WINDOW: &str = "aw-watcher-window_laptop";

fn post(server: &Server, target: &str, body: &Value, status: u16) -> Value {
    let answer = http::post(server.port, target, body.to_string().as_bytes()).expect("an answer");
    assert_eq!(answer.status, status, "{target}: {}", answer.text());
    answer.json().unwrap_or_default()
}

fn set(server: &Server, rules: &Value) {
    post(server, SETTING, rules, 201);
}

fn make_bucket(server: &Server, bucket: &str) {
    let body = json!({"client": "c", "type": "t", "hostname": "h"});
    post(server, &format!("/api/0/buckets/{bucket}"), &body, 200);
}

fn event(second: u32, data: &Value) -> Value {
    json!({"timestamp": format!("2024-03-01T10:00:{second:02}Z"), "duration": 0, "data": data})
}

fn beat(server: &Server, bucket: &str, second: u32, data: &Value) -> Value {
    let target = format!("/api/0/buckets/{bucket}/heartbeat?pulsetime=60");
    post(server, &target, &event(second, data), 200)
}

fn insert(server: &Server, bucket: &str, events: Value) -> Value {
    post(server, &format!("/api/0/buckets/{bucket}/events"), &events, 200)
}

/// The data of a bucket's events, the oldest first.
fn stored(server: &Server, bucket: &str) -> Vec<Value> {
    let target = format!("/api/0/buckets/{bucket}/events");
    let events = http::get(server.port, &target)
        .expect("an answer")
        .json()
        .expect("JSON");
    let events = events.as_array().expect("a list");
    events.iter().rev().map(|event| event["data"].clone()).collect()
}

fn title(text: &str) -> Value {
    json!({"app": "Firefox", "title": text})
}

fn rule(pattern: &str, action: &str) -> Value {
    json!({"enabled": true, "field": "title", "pattern": pattern, "action": action, "replacement": "REDACTED"})
}

#[test]
fn heartbeats_are_filtered_and_a_dropped_one_is_answered_with_the_last_event() {
    let installation = Installation::new();
    let server = installation.start();
    make_bucket(&server, WINDOW);
    make_bucket(&server, "other");
    let mut only_windows = rule("(?i)bank", "drop");
    only_windows["bucket_prefix"] = "aw-watcher-window".into();
    set(&server, &json!([only_windows, rule("password", "redact")]));

    let dropped = beat(&server, WINDOW, 0, &title("My Bank"));
    assert_eq!(
        dropped,
        json!({"id": null, "timestamp": "2024-03-01T10:00:00Z", "duration": 0.0, "data": title("My Bank")})
    );
    let first = beat(&server, WINDOW, 1, &title("password 1"));
    assert_eq!(first["data"], title("REDACTED"));
    // They differ only in what is redacted, so they are one event.
    let second = beat(&server, WINDOW, 5, &title("password 2"));
    assert_eq!((&second["id"], &second["duration"]), (&first["id"], &json!(4.0)));
    let dropped = beat(&server, WINDOW, 6, &title("My Bank"));
    assert_eq!(dropped, second);
    assert_eq!(stored(&server, WINDOW), [title("REDACTED")]);

    beat(&server, "other", 0, &title("My Bank"));
    assert_eq!(stored(&server, "other"), [title("My Bank")]);
    let missing = "/api/0/buckets/aw-watcher-window_none/heartbeat?pulsetime=60";
    post(&server, missing, &event(0, &title("My Bank")), 404);

    let mut connection = http::Connection::open(server.port).expect("a connection");
    let deleted = connection.request("DELETE", SETTING, None).expect("an answer");
    assert_eq!(deleted.status, 200);
    beat(&server, WINDOW, 7, &title("My Bank"));
    assert_eq!(stored(&server, WINDOW), [title("REDACTED"), title("My Bank")]);
}

#[test]
fn inserts_are_filtered_and_answered_with_what_is_stored() {
    let installation = Installation::new();
    let server = installation.start();
    make_bucket(&server, "b");
    set(
        &server,
        &json!([rule("bank", "drop"), rule("password", "redact")]),
    );
    let answer = insert(
        &server,
        "b",
        json!([
            event(0, &title("bank")),
            event(1, &title("a password")),
            event(2, &title("c"))
        ]),
    );
    let answered: Vec<&Value> = answer
        .as_array()
        .expect("a list")
        .iter()
        .map(|e| &e["data"])
        .collect();
    assert_eq!(answered, [&title("REDACTED"), &title("c")]);
    assert!(answer[0]["id"].is_u64() && answer[1]["id"].is_u64(), "{answer}");
    assert_eq!(stored(&server, "b"), [title("REDACTED"), title("c")]);
    assert_eq!(insert(&server, "b", json!([event(3, &title("bank"))])), json!([]));
    assert_eq!(insert(&server, "b", event(3, &title("bank"))), json!([]));
    post(
        &server,
        "/api/0/buckets/none/events",
        &json!([event(0, &title("bank"))]),
        404,
    );
}

#[test]
fn filters_outlive_restarts_and_hashes_stay_the_same() {
    let installation = Installation::new();
    let server = installation.start();
    make_bucket(&server, "b");
    let key = installation.root().join("data/privacy.key");
    set(&server, &json!([rule("", "drop")]));
    assert!(!key.exists(), "no rule hashes yet");
    set(&server, &json!([rule("secret", "hash")]));
    let before = beat(&server, "b", 0, &title("secret"));
    let mode = fs::metadata(&key).expect("the key").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let hash = before["data"]["title"].as_str().expect("a title");
    assert!(hash.starts_with("hash:") && hash.len() == 37, "{hash}");
    server.stop();

    let server = installation.start();
    let after = beat(&server, "b", 5, &title("secret"));
    assert_eq!(after["id"], before["id"]);
    assert_eq!(after["data"], before["data"]);
    assert_ne!(beat(&server, "b", 6, &title("secret 2"))["data"], before["data"]);
}

#[test]
fn a_rule_with_a_mistake_is_passed_over_and_told() {
    let installation = Installation::new();
    let server = installation.start();
    make_bucket(&server, "b");
    set(&server, &json!([rule("(", "drop"), rule("bank", "redact")]));
    assert_eq!(beat(&server, "b", 0, &title("bank"))["data"], title("REDACTED"));
    let report = post(&server, PREVIEW, &json!({}), 200);
    assert_eq!(report["problems"][0]["index"], 0);
    let log = poll("the log to tell of it", || {
        let log = http::get(server.port, "/api/0/log").expect("an answer").text();
        log.contains("unclosed group").then_some(log)
    });
    assert!(log.contains("privacy_filters"), "{log}");

    set(&server, &json!({"not": "a list"}));
    assert_eq!(beat(&server, "b", 1, &title("bank"))["data"], title("bank"));
    let report = post(&server, PREVIEW, &json!({}), 200);
    assert_eq!(report["problems"][0]["index"], Value::Null, "{report}");
}

#[test]
fn imports_are_filtered() {
    let installation = Installation::new();
    let server = installation.start();
    make_bucket(&server, "old");
    insert(&server, "old", json!([event(0, &title("password 0"))]));
    set(
        &server,
        &json!([rule("bank", "drop"), rule("password", "redact")]),
    );
    let events = json!([
        event(0, &title("password 0")),
        event(1, &title("password 1")),
        event(2, &title("bank")),
        event(3, &title("c")),
    ]);
    let bucket = |id: &str| json!({"id": id, "type": "t", "client": "c", "hostname": "h", "events": events});
    let file = json!({"buckets": {"old": bucket("old"), "new": bucket("new")}});
    let outcome = post(&server, "/api/0/import", &file, 200);
    assert_eq!(
        outcome,
        json!({
            "buckets_created": 1, "events_added": 5, "events_known": 1, "events_unreadable": 0, "events_dropped": 2,
            "events_changed": 0, "buckets_changed": 0, "buckets_left_out": 0, "notes": [], "notes_omitted": 0,
        })
    );
    let merged = [title("password 0"), title("REDACTED"), title("c")];
    assert_eq!(stored(&server, "old"), merged);
    assert_eq!(
        stored(&server, "new"),
        [title("REDACTED"), title("REDACTED"), title("c")]
    );
    // Both are there now; what was redacted is known again.
    let again = post(&server, "/api/0/import", &file, 200);
    assert_eq!(again["events_added"], 0, "{again}");
    assert_eq!(stored(&server, "old"), merged);
}

/// The fenced block of this kind in `docs/privacy.md`.
fn example(kind: &str) -> Value {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/privacy.md");
    let page = fs::read_to_string(page).expect("the page");
    let (_, block) = page.split_once(&format!("```json {kind}\n")).expect("the block");
    let (block, _) = block.split_once("```").expect("its end");
    serde_json::from_str(block).expect("JSON")
}

#[test]
fn the_preview_of_the_documentation_is_true_and_changes_nothing() {
    let installation = Installation::new();
    let server = installation.start();
    make_bucket(&server, WINDOW);
    insert(&server, WINDOW, example("events"));
    let before = stored(&server, WINDOW);
    assert_eq!(
        post(&server, PREVIEW, &example("request"), 200),
        example("answer")
    );
    assert_eq!(stored(&server, WINDOW), before);
    assert!(!installation.root().join("data/privacy.key").exists());
}

#[test]
fn a_preview_is_of_the_time_the_bucket_and_the_samples_it_is_asked_for() {
    let installation = Installation::new();
    let server = installation.start();
    for bucket in ["a", "b"] {
        make_bucket(&server, bucket);
        let events: Vec<Value> = (0..60).map(|n| event(n, &title(&format!("bank {n}")))).collect();
        insert(&server, bucket, events.into());
    }
    set(&server, &json!([rule("bank", "redact")]));
    let report = post(&server, PREVIEW, &json!({"limit": 3}), 200);
    assert_eq!(report["filters"][0]["redacted"], 120, "{report}");
    assert_eq!(report["samples"].as_array().map(Vec::len), Some(3));
    let some = json!({
        "filters": [rule("bank", "hash")], "bucket": "b",
        "start": "2024-03-01T10:00:10Z", "end": "2024-03-01T10:00:19Z",
    });
    let report = post(&server, PREVIEW, &some, 200);
    assert_eq!(report["events"], 10, "{report}");
    assert_eq!(
        report["buckets"],
        json!([{"id": "b", "events": 10, "dropped": 0, "redacted": 0, "hashed": 10}])
    );
    assert_eq!(report["complete"], true);

    for (body, status) in [
        (json!({"bucket": "none"}), 404),
        (json!({"start": "yesterday"}), 422),
        (
            json!({"start": "2024-03-02T00:00:00Z", "end": "2024-03-01T00:00:00Z"}),
            422,
        ),
        (json!({"limit": -1}), 422),
        (json!({"filter": []}), 422),
        (json!([]), 422),
    ] {
        post(&server, PREVIEW, &body, status);
    }
}

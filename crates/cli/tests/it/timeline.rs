//! `GET /api/1/timeline` of a real server: the examples of `docs/timeline.md`; parameters, tokens, past states, damage.

use std::fs;

use serde_json::{Value, json};

use crate::harness::http::{self, Answer, Connection};
use crate::harness::page::Page;
use crate::harness::poll;
use crate::harness::server::{Installation, Server};

const PAGE: Page = Page {
    text: include_str!("../../../../docs/timeline.md"),
    varying: &[],
};

/// More than the rows at which a head becomes a view segment, which are 32,768.
const EVENTS: usize = 34_000;

#[test]
fn every_example_is_answered_as_shown() {
    PAGE.check(2);
}

fn make(server: &Server, bucket: &str, hostname: &str, events: &Value) {
    let described = json!({"client": "tests", "type": "test", "hostname": hostname}).to_string();
    let path = format!("/api/0/buckets/{bucket}");
    http::post(server.port, &path, described.as_bytes()).expect("a bucket");
    let stored = http::post(
        server.port,
        &format!("{path}/events"),
        events.to_string().as_bytes(),
    );
    assert_eq!(stored.expect("an answer").status, 200);
}

fn event(second: usize, title: &str) -> Value {
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    json!({"timestamp": format!("2024-03-01T{hour:02}:{minute:02}:{second:02}Z"), "duration": 1, "data": {"title": title}})
}

fn timeline(server: &Server, query: &str) -> Value {
    let answer = http::get(server.port, &format!("/api/1/timeline{query}")).expect("an answer");
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    answer.json().expect("JSON")
}

/// The lanes, each with the sum of what is covered.
fn lanes(timeline: &Value) -> Vec<(String, f64)> {
    let lanes = timeline["lanes"].as_array().expect("lanes");
    let covered = |lane: &Value| {
        let spans = lane["spans"].as_array().expect("spans").iter();
        spans.map(|span| span["covered"].as_f64().expect("seconds")).sum()
    };
    let name = |lane: &Value| lane["bucket"].as_str().expect("a bucket").to_owned();
    lanes.iter().map(|lane| (name(lane), covered(lane))).collect()
}

#[test]
fn buckets_devices_and_past_states_can_be_chosen() {
    let installation = Installation::new();
    let server = installation.start();
    make(&server, "a-1", "laptop", &json!([event(1, "one")]));
    make(&server, "a-2", "desk", &json!([event(1, "one"), event(5, "two")]));
    make(&server, "b", "desk", &json!([event(2, "one")]));
    let chosen = |query: &str| lanes(&timeline(&server, query));
    let named = |lanes: &[(&str, f64)]| -> Vec<(String, f64)> {
        lanes
            .iter()
            .map(|(name, covered)| ((*name).to_owned(), *covered))
            .collect()
    };
    assert_eq!(chosen(""), named(&[("a-1", 1.0), ("a-2", 2.0), ("b", 1.0)]));
    assert_eq!(chosen("?bucket=a-*"), named(&[("a-1", 1.0), ("a-2", 2.0)]));
    assert_eq!(chosen("?bucket=b&bucket=a-1"), named(&[("a-1", 1.0), ("b", 1.0)]));
    assert_eq!(chosen("?devices=desk"), named(&[("a-2", 2.0), ("b", 1.0)]));
    assert_eq!(chosen("?devices=nobody"), named(&[]));
    // Records: a bucket and its events, three times.
    assert_eq!(chosen("?as_of=3"), named(&[("a-1", 1.0), ("a-2", 0.0)]));
    let wrong = [
        ("?bucket=c", 404),
        ("?width=1", 400),
        ("?width=20001", 400),
        ("?width=wide", 400),
        ("?start=yesterday", 400),
        ("?start=2024-03-01T00:00:00Z&end=2024-03-01T00:00:00Z", 400),
        ("?as_of=99", 400),
        ("?lanes=app", 400),
        ("?lanes=category", 400),
    ];
    for (query, status) in wrong {
        let answer = http::get(server.port, &format!("/api/1/timeline{query}")).expect("an answer");
        assert_eq!(answer.status, status, "{query}: {}", answer.text());
    }
    server.stop();
}

#[test]
fn a_token_for_some_buckets_sees_these() {
    let installation = Installation::new();
    let create = |args: &[&str]| {
        let mut command = installation.program();
        command
            .args(["token", "create"])
            .args(args)
            .arg("--dbpath")
            .arg(&installation.data);
        let (status, out, err) = installation.run(command);
        assert!(status.success(), "{err}");
        out.trim().to_owned()
    };
    let token = create(&["some", "--scope", "read", "--bucket", "a-*"]);
    let all = create(&["all", "--scope", "admin"]);
    let server = installation.start();
    let ask = |token: &str, method: &str, target: &str, body: &str| -> Answer {
        let mut headers = vec![
            ("host".to_owned(), format!("127.0.0.1:{}", server.port)),
            ("authorization".to_owned(), format!("Bearer {token}")),
            ("content-length".to_owned(), body.len().to_string()),
        ];
        if !body.is_empty() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        let mut connection = Connection::open(server.port).expect("a connection");
        connection
            .exchange(method, target, &headers, body.as_bytes())
            .expect("an answer")
    };
    let bucket = json!({"client": "c", "type": "t", "hostname": "h"}).to_string();
    for id in ["a-1", "b"] {
        assert_eq!(
            ask(&all, "POST", &format!("/api/0/buckets/{id}"), &bucket).status,
            200
        );
    }
    let seen = ask(&token, "GET", "/api/1/timeline", "");
    assert_eq!(lanes(&seen.json().expect("JSON")), [("a-1".to_owned(), 0.0)]);
    for (query, status) in [("bucket=b", 404), ("lanes=category", 403)] {
        let answer = ask(&token, "GET", &format!("/api/1/timeline?{query}"), "");
        assert_eq!(answer.status, status, "{query}");
    }
    server.stop();
}

#[test]
fn a_damaged_view_segment_changes_no_span() {
    let installation = Installation::new();
    let server = installation.start();
    make(&server, "a", "host", &json!([]));
    for first in (0..EVENTS).step_by(2_000) {
        let events: Vec<Value> = (first..first + 2_000)
            .map(|n| event(n, &format!("title {}", n % 997)))
            .collect();
        let body = serde_json::to_vec(&events).expect("JSON");
        let answer = http::post(server.port, "/api/0/buckets/a/events", &body).expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let view = poll("a view segment", || {
        let files = fs::read_dir(installation.data.join("views")).ok()?.flatten();
        let mut files = files.map(|file| file.path());
        files.find(|path| path.extension().is_some_and(|ending| ending == "view"))
    });
    let query = "?width=500";
    let before = timeline(&server, query);
    assert_eq!(lanes(&before), [("a".to_owned(), EVENTS as f64)]);
    server.stop();
    // Past the header, in the columns and the dictionary: every 4 KiB a byte.
    let mut bytes = fs::read(&view).expect("the view segment");
    for byte in bytes.iter_mut().skip(4_500).step_by(4_096) {
        *byte ^= 0x10;
    }
    fs::write(&view, &bytes).expect("the view segment");
    let server = installation.start();
    assert!(timeline(&server, query) == before, "the timeline differs");
    server.stop();
}

//! `GET /api/1/log`: the records that there are to undo.

use crate::harness::http;
use crate::harness::server::{Installation, Server};
use serde_json::{Value, json};

const BUCKET: &str = "/api/0/buckets/windows";

fn send(server: &Server, method: &str, target: &str, body: Option<&Value>) -> (u16, Value) {
    let mut connection = http::Connection::open(server.port).expect("a connection");
    let body = body.map(Value::to_string);
    let sent = body.as_deref().map(str::as_bytes);
    let answer = connection.request(method, target, sent).expect("an answer");
    (answer.status, answer.json().unwrap_or_default())
}

fn post(server: &Server, target: &str, body: &Value) -> Value {
    let (status, answer) = send(server, "POST", target, Some(body));
    assert!(status < 300, "{target}: {status} {answer}");
    answer
}

fn list(server: &Server, query: &str) -> Value {
    let (status, answer) = send(server, "GET", &format!("/api/1/log{query}"), None);
    assert_eq!(status, 200, "{query}: {answer}");
    answer
}

fn seqs(answer: &Value) -> Vec<u64> {
    let records = answer["records"].as_array().expect("a list");
    records
        .iter()
        .filter_map(|record| record["seq"].as_u64())
        .collect()
}

fn event(second: u32) -> Value {
    json!({"timestamp": format!("2024-03-01T10:00:{second:02}Z"), "duration": 0, "data": {"title": "t"}})
}

/// Nine records, of which 3 and 4 are heartbeats.
fn fill(server: &Server) {
    post(
        server,
        BUCKET,
        &json!({"client": "c", "type": "t", "hostname": "h"}),
    );
    post(server, &format!("{BUCKET}/events"), &json!([event(1), event(2)]));
    post(server, &format!("{BUCKET}/heartbeat?pulsetime=1"), &event(20));
    post(server, &format!("{BUCKET}/heartbeat?pulsetime=1"), &event(21));
    post(server, "/api/0/settings/theme", &json!("dark"));
    send(server, "DELETE", &format!("{BUCKET}/events/1"), None);
    post(server, "/api/1/undo", &json!({"seq": 6}));
    send(server, "DELETE", "/api/0/settings/theme", None);
    send(server, "DELETE", BUCKET, None);
}

#[test]
fn all_but_heartbeats_are_listed_with_what_they_are_about() {
    let installation = Installation::new();
    let server = installation.start();
    fill(&server);
    let mut all = list(&server, "");
    for record in all["records"].as_array_mut().expect("a list") {
        let time = record.as_object_mut().and_then(|record| record.remove("time"));
        assert!(time.is_some_and(|time| time.is_string()), "{record}");
    }
    let expected = json!({
        "records": [
            // Also of a bucket in the trash, the name is known.
            {"seq": 9, "kind": "bucket-deleted", "bucket": "windows"},
            {"seq": 8, "kind": "setting-deleted", "key": "theme"},
            {"seq": 7, "kind": "events-changed", "bucket": "windows", "events": 1, "removed": 0},
            {"seq": 6, "kind": "events-deleted", "bucket": "windows", "removed": 1},
            {"seq": 5, "kind": "setting-set", "key": "theme"},
            {"seq": 2, "kind": "events-inserted", "bucket": "windows", "events": 2},
            {"seq": 1, "kind": "bucket-created", "bucket": "windows"},
        ],
        "next": null,
        "history_from": 0,
    });
    assert_eq!(all, expected);
}

#[test]
fn pages_together_are_the_whole_list() {
    let installation = Installation::new();
    let server = installation.start();
    fill(&server);
    for limit in [1, 2, 3, 7] {
        let (mut pages, mut to) = (Vec::new(), 9);
        loop {
            let page = list(&server, &format!("?limit={limit}&to={to}"));
            let found = seqs(&page);
            assert!(found.len() <= limit);
            pages.extend(found);
            match page["next"].as_u64() {
                Some(next) => to = next,
                None => break,
            }
        }
        assert_eq!(pages, [9, 8, 7, 6, 5, 2, 1], "limit {limit}");
    }
    assert_eq!(seqs(&list(&server, "?from=2&to=6")), [6, 5, 2]);
    assert_eq!(list(&server, "?from=2&to=6&limit=2")["next"], 4);
    assert_eq!(list(&server, "?from=5&to=6&limit=2")["next"], Value::Null);
    assert_eq!(seqs(&list(&server, "?from=7&to=6")), [0; 0]);
    assert_eq!(seqs(&list(&server, "?from=1000")), [0; 0]);
}

#[test]
fn a_kind_can_be_asked_for_heartbeats_too() {
    let installation = Installation::new();
    let server = installation.start();
    fill(&server);
    assert_eq!(seqs(&list(&server, "?kind=heartbeat")), [4, 3]);
    assert_eq!(seqs(&list(&server, "?kind=events-deleted")), [6]);
    for query in ["kind=heart", "limit=ten", "from=-1", "to=x"] {
        let (status, answer) = send(&server, "GET", &format!("/api/1/log?{query}"), None);
        assert_eq!(status, 400, "{answer}");
        let name = query.split('=').next().unwrap_or_default();
        assert!(
            answer["message"].as_str().expect("a message").starts_with(name),
            "{answer}"
        );
    }
}

#[test]
fn a_purged_bucket_has_no_name_any_more() {
    let installation = Installation::new();
    let server = installation.start();
    fill(&server);
    let request = json!({"bucket": "windows", "whole_bucket": true});
    let preview = post(&server, "/api/1/purge", &request);
    post(&server, "/api/1/purge", &json!({"token": preview["token"]}));
    let text = list(&server, "").to_string();
    assert!(!text.contains("windows"), "{text}");
    let begun = &list(&server, "?kind=purge-begun")["records"][0];
    assert_eq!(
        (&begun["purged"], &begun["bucket"]),
        (&json!("bucket"), &Value::Null)
    );
}

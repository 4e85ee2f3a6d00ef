//! Many heartbeats in one request, against the real server: answers, tokens, filters, and requests that are sent again,
//! also after `kill -9`.

use serde_json::{Value, json};

use crate::harness::http::{Answer, Connection};
use crate::harness::page::Page;
use crate::harness::server::Installation;

const PATH: &str = "/api/1/heartbeats";

fn beat(bucket: &str, second: u32, app: &str) -> Value {
    json!({
        "bucket": bucket,
        "pulsetime": 10,
        "timestamp": format!("2026-03-01T10:00:{second:02}Z"),
        "data": {"app": app},
    })
}

fn send(port: u16, method: &str, target: &str, body: &Value) -> Answer {
    let mut connection = Connection::open(port).expect("a connection");
    let body = body.to_string();
    let answer = connection.request(method, target, Some(body.as_bytes()));
    answer.expect("an answer")
}

fn create(port: u16, bucket: &str) {
    let body = json!({"client": "c", "type": "t", "hostname": "h"});
    assert_eq!(
        send(port, "POST", &format!("/api/0/buckets/{bucket}"), &body).status,
        200
    );
}

fn stored(port: u16, bucket: &str) -> Value {
    let mut connection = Connection::open(port).expect("a connection");
    let path = format!("/api/0/buckets/{bucket}/events");
    connection
        .request("GET", &path, None)
        .expect("an answer")
        .json()
        .expect("JSON")
}

#[test]
fn every_example_of_the_page_is_answered_as_shown() {
    let page = Page {
        text: include_str!("../../../../docs/events.md"),
        varying: &["time", "token", "expires", "next"],
    };
    page.check(9);
}

#[test]
fn a_request_that_is_sent_again_is_carried_out_once_also_after_a_kill() {
    let installation = Installation::new();
    let server = installation.start();
    create(server.port, "a");
    create(server.port, "b");
    let body = json!({"batch": "x", "heartbeats": [
        beat("a", 0, "vim"), beat("b", 1, "vim"), beat("a", 5, "vim"), beat("a", 6, "web"), {"bucket": "a"},
        beat("b", 59, "vim"),
    ]});
    let first = send(server.port, "POST", PATH, &body);
    assert_eq!(first.status, 200, "{}", first.text());
    let mut first = first.json().expect("JSON");
    assert_eq!(first["repeated"], json!(false));
    let events = [stored(server.port, "a"), stored(server.port, "b")];
    assert_eq!(events[0].as_array().map(Vec::len), Some(2), "{events:?}");
    assert_eq!(events[0][1]["duration"], json!(5.0));
    first["repeated"] = json!(true);
    let again = send(server.port, "POST", PATH, &body);
    assert_eq!(again.json(), Some(first.clone()));
    server.kill();
    let server = installation.start();
    let again = send(server.port, "POST", PATH, &body);
    assert_eq!(again.json(), Some(first.clone()));
    assert_eq!([stored(server.port, "a"), stored(server.port, "b")], events);
    // Stopped properly: from the checkpoint.
    server.stop();
    let server = installation.start();
    let again = send(server.port, "POST", PATH, &body);
    assert_eq!(again.json(), Some(first));
    let other = json!({"batch": "x", "heartbeats": [beat("a", 0, "other")]});
    let other = send(server.port, "POST", PATH, &other);
    assert_eq!(other.status, 409, "{}", other.text());
    assert_eq!([stored(server.port, "a"), stored(server.port, "b")], events);
    server.stop();
    installation.verify();
}

#[test]
fn lines_are_read_and_what_no_request_is_is_refused() {
    let installation = Installation::new();
    let server = installation.start();
    create(server.port, "a");
    let lines = format!("{}\n\n{}\n", beat("a", 0, "vim"), beat("c", 0, "vim"));
    let host = ("Host".to_owned(), format!("127.0.0.1:{}", server.port));
    let kind = ("Content-Type".to_owned(), "application/x-ndjson".to_owned());
    let length = ("Content-Length".to_owned(), lines.len().to_string());
    let mut connection = Connection::open(server.port).expect("a connection");
    let target = format!("{PATH}?batch=lines&answers=errors");
    let answer = connection.exchange("POST", &target, &[host, kind, length], lines.as_bytes());
    let answer = answer.expect("an answer").json().expect("JSON");
    assert_eq!(
        (&answer["batch"], &answer["stored"]),
        (&json!("lines"), &json!(1))
    );
    assert_eq!(answer["answers"][0]["index"], json!(1));
    for (body, status) in [
        (json!([]), 422),
        (json!({"heartbeats": [], "answers": "some"}), 422),
        (json!({"heartbeats": [], "batch": ""}), 422),
        (json!({"heartbeats": vec![json!(null); 10_001]}), 413),
    ] {
        let answer = send(server.port, "POST", PATH, &body);
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    assert_eq!(stored(server.port, "a").as_array().map(Vec::len), Some(1));
    server.stop();
}

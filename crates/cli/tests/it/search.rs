//! `GET /api/1/search` of a real server: the examples of `docs/search.md`; encrypted data, past states, what is erased.

use serde_json::{Value, json};

use crate::harness::http;
use crate::harness::page::Page;
use crate::harness::server::{Installation, Server};

const PAGE: Page = Page {
    text: include_str!("../../../../docs/search.md"),
    varying: &[],
};

#[test]
fn every_example_is_answered_as_shown() {
    PAGE.check(2);
}

fn post(server: &Server, path: &str, body: &Value) -> Value {
    let answer = http::post(server.port, path, body.to_string().as_bytes()).expect("an answer");
    assert!(answer.status < 300, "{path}: {} {}", answer.status, answer.text());
    answer.json().unwrap_or_default()
}

fn search(server: &Server, query: &str) -> Value {
    let answer = http::get(server.port, &format!("/api/1/search?{query}")).expect("an answer");
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    answer.json().expect("JSON")
}

fn titles(server: &Server, query: &str) -> Vec<String> {
    let hits = search(server, query);
    let hits = hits["hits"].as_array().expect("hits").iter();
    hits.map(|hit| hit["data"]["title"].as_str().expect("a title").to_owned())
        .collect()
}

/// On an encrypted data directory, restarted so that all of it is read from the disk.
#[test]
fn what_is_found_follows_deletions_undo_and_purges() {
    let installation = Installation::new();
    let start = || {
        let mut command = installation.command();
        command
            .arg("--encrypt")
            .env("TIMBERLINE_PASSPHRASE", "correct horse");
        installation.start_as(command)
    };
    let server = start();
    let bucket = json!({"client": "c", "type": "t", "hostname": "h"});
    post(&server, "/api/0/buckets/a", &bucket); // record 1
    let event = |second: u32, title: &str| json!({"timestamp": format!("2024-03-01T10:00:{second:02}Z"), "duration": second, "data": {"title": title}});
    let stored = post(
        &server,
        "/api/0/buckets/a/events",
        &json!([event(1, "secret bank"), event(2, "bank"), event(3, "BÄNK")]),
    ); // record 2
    let all = ["BÄNK", "bank", "secret bank"];
    assert_eq!(titles(&server, "q=bank"), all);
    server.stop();
    let server = start();
    assert_eq!(titles(&server, "q=bank"), all);
    assert_eq!(titles(&server, "q=bank&limit=1"), all[..1]);
    let cursor = search(&server, "q=bank&limit=1")["cursor"]
        .as_str()
        .expect("a cursor")
        .to_owned();
    assert_eq!(titles(&server, &format!("q=bank&cursor={cursor}")), all[1..]);

    let id = stored[1]["id"].as_u64().expect("an id");
    let mut connection = http::Connection::open(server.port).expect("a connection");
    let deleted = connection.request("DELETE", &format!("/api/0/buckets/a/events/{id}"), None); // record 3
    assert_eq!(deleted.expect("an answer").status, 200);
    drop(connection);
    assert_eq!(titles(&server, "q=bank"), ["BÄNK", "secret bank"]);
    assert_eq!(titles(&server, "q=bank&as_of=2"), all);
    post(&server, "/api/1/undo", &json!({"seq": 3}));
    assert_eq!(titles(&server, "q=bank"), all);

    let preview = post(&server, "/api/1/purge", &json!({"data": {"pattern": "secret"}}));
    post(&server, "/api/1/purge", &json!({"token": preview["token"]}));
    assert_eq!(titles(&server, "q=bank"), all[..2]);
    assert_eq!(titles(&server, "q=secret"), [""; 0]);
    server.stop();
}

//! Purges: what is sent with a token, and several buckets at once.

use crate::harness::http;
use crate::harness::server::{Installation, Server};
use serde_json::json;

const PURGE: &str = "/api/1/purge";

fn fill(server: &Server, bucket: &str) {
    let path = format!("/api/0/buckets/{bucket}");
    server.post(&path, &json!({"client": "c", "type": "t", "hostname": "h"}));
    let event = json!({"timestamp": "2024-03-01T10:00:00Z", "duration": 1, "data": {"title": bucket}});
    let (status, _) = server.post(&format!("{path}/events"), &json!([event, event]));
    assert_eq!(status, 200);
}

fn buckets(server: &Server) -> Vec<String> {
    let answer = http::get(server.port, "/api/0/buckets").expect("an answer");
    let buckets = answer.json().expect("JSON");
    buckets.as_object().expect("an object").keys().cloned().collect()
}

#[test]
fn a_token_is_sent_alone_so_that_nothing_else_is_carried_out_than_what_is_read() {
    let installation = Installation::new();
    let server = installation.start();
    fill(&server, "a");
    fill(&server, "b");
    let asked = json!({"bucket": "a", "whole_bucket": true});
    let (_, preview) = server.post(PURGE, &asked);
    for other in [
        json!({"bucket": "b", "whole_bucket": true, "token": preview["token"]}),
        json!({"events": [1], "token": preview["token"]}),
        json!({"start": "2024-03-01T00:00:00Z", "token": preview["token"]}),
        json!({"data": {"pattern": "x"}, "token": preview["token"]}),
    ] {
        let (status, answer) = server.post(PURGE, &other);
        assert_eq!(status, 422, "{answer}");
    }
    assert_eq!(buckets(&server), ["a", "b"]);
    // Refused requests do not use it up.
    let (status, receipt) = server.post(PURGE, &json!({"token": preview["token"]}));
    assert_eq!((status, &receipt["events"]), (200, &json!(2)));
    assert_eq!(buckets(&server), ["b"]);
    let (status, _) = server.post(PURGE, &json!({"token": preview["token"]}));
    assert_eq!(status, 409);
}

#[test]
fn several_buckets_go_in_one_purge_with_one_receipt() {
    let installation = Installation::new();
    let server = installation.start();
    for bucket in ["a", "b", "c"] {
        fill(&server, bucket);
    }
    // A bucket that is named twice is purged once.
    let asked = json!({"bucket": ["a", "c", "a"], "whole_bucket": true});
    let (_, preview) = server.post(PURGE, &asked);
    assert_eq!(preview["events"], 4);
    let (status, receipt) = server.post(PURGE, &json!({"token": preview["token"]}));
    assert_eq!((status, &receipt["events"]), (200, &json!(4)));
    // The creation and the insert of each.
    assert_eq!(receipt["records"], 4);
    assert_eq!(buckets(&server), ["b"]);
    let log = http::get(server.port, "/api/1/log?kind=purge-ended").expect("an answer");
    assert_eq!(
        log.json().expect("JSON")["records"].as_array().map(Vec::len),
        Some(1)
    );
    server.stop();
    installation.verify();
}

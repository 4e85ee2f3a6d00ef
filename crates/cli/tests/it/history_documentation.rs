//! The examples of `docs/history.md`, in their order, against a server.

use crate::harness::http;
use crate::harness::server::Installation;
use serde_json::Value;

const PAGE: &str = include_str!("../../../../docs/history.md");

/// What is another each time: it must be there, and of the kind that is shown.
const VARYING: [&str; 10] = [
    "time",
    "token",
    "expires",
    "completed",
    "deleted_at",
    "erased_at",
    "log_segments",
    "records",
    "view_segments",
    "created",
];

/// A block of the page: what follows the backticks, and what is in it.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let inside = PAGE.split("```").skip(1).step_by(2);
    inside
        .map(|block| block.split_once('\n').expect("a block has lines"))
        .collect()
}

/// Whether an answer is what the page shows.
fn is_as_shown(shown: &Value, found: &Value) -> bool {
    match (shown, found) {
        (Value::Object(shown), Value::Object(found)) => {
            shown.len() == found.len()
                && shown.iter().all(|(key, shown)| {
                    let Some(found) = found.get(key) else { return false };
                    let varies = VARYING.contains(&key.as_str());
                    (varies && (shown.is_string() && found.is_string() || shown.is_u64() && found.is_u64()))
                        || is_as_shown(shown, found)
                })
        }
        (Value::Array(shown), Value::Array(found)) => {
            shown.len() == found.len() && shown.iter().zip(found).all(|(a, b)| is_as_shown(a, b))
        }
        _ => shown == found,
    }
}

#[test]
fn every_example_is_answered_as_shown() {
    let installation = Installation::new();
    let server = installation.start();
    // The token that the page shows is not the one that this server gave.
    let mut token: Option<(String, String)> = None;
    let mut compared = 0;
    let blocks = blocks();
    for (index, (language, request)) in blocks.iter().enumerate() {
        if *language != "http" {
            continue;
        }
        let (head, body) = request.split_once("\n\n").unwrap_or((request.trim(), ""));
        let (method, target) = head.trim().split_once(' ').expect("a method and a path");
        let mut body = body.trim().to_owned();
        if let Some((shown, given)) = &token {
            body = body.replace(shown, given);
        }
        let sent = (!body.is_empty()).then_some(body.as_bytes());
        let mut connection = http::Connection::open(server.port).expect("a connection");
        let answer = connection.request(method, target, sent).expect("an answer");
        assert_eq!(answer.status, 200, "{request}: {}", answer.text());
        let Some(("json", shown)) = blocks.get(index + 1) else {
            continue;
        };
        let shown: Value = serde_json::from_str(shown).expect("the page shows JSON");
        let found = answer.json().expect("JSON");
        assert!(
            is_as_shown(&shown, &found),
            "{request} is answered with {found:#}"
        );
        if let (Some(shown), Some(given)) = (shown["token"].as_str(), found["token"].as_str()) {
            token = Some((shown.to_owned(), given.to_owned()));
        }
        compared += 1;
    }
    assert_eq!(compared, blocks.iter().filter(|block| block.0 == "json").count());
    assert!(compared >= 12, "only {compared} examples have answers");
    server.stop();
    installation.verify();
}

#[test]
fn a_difference_is_noticed() {
    let json = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    let shown = json(r#"{"seq": 1, "time": "t", "records": [{"seq": 2}]}"#);
    assert!(is_as_shown(
        &shown,
        &json(r#"{"seq": 1, "time": "u", "records": [{"seq": 2}]}"#)
    ));
    for other in [
        r#"{"seq": 2, "time": "t", "records": [{"seq": 2}]}"#,
        r#"{"seq": 1, "time": null, "records": [{"seq": 2}]}"#,
        r#"{"seq": 1, "time": "t", "records": [{"seq": 3}]}"#,
        r#"{"seq": 1, "time": "t", "records": []}"#,
        r#"{"seq": 1, "time": "t", "records": [{"seq": 2}], "more": 1}"#,
        r#"{"seq": 1, "records": [{"seq": 2}]}"#,
    ] {
        assert!(!is_as_shown(&shown, &json(other)), "{other}");
    }
}

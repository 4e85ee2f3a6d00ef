//! Queries through the API: the errors of those that are wrong or too much, and that they leave the server as it
//! was, whatever becomes of them. What they answer is `conformance.rs`'s matter.

use crate::harness::page::Page;
use crate::harness::server::{Installation, Server};
use crate::harness::{http, poll, rfc3339};
use serde_json::{Value, json};

const PERIOD: &str = "2021-01-01T00:00:00Z/2031-01-01T00:00:00Z";

/// Stores so many events, each with data of its own.
fn fill(server: &Server, bucket: &str, events: usize) {
    let body = json!({"client": "c", "type": "t", "hostname": "h"}).to_string();
    let made = http::post(server.port, &format!("/api/0/buckets/{bucket}"), body.as_bytes());
    assert_eq!(made.expect("an answer").status, 200);
    let begin = rfc3339::parse("2024-01-01T00:00:00Z").expect("a valid time");
    let mut connection = http::Connection::open(server.port).expect("a connection");
    for first in (0..events).step_by(10_000) {
        let event = |i: usize| {
            let start = rfc3339::format(begin + i as i128 * 10 * rfc3339::SECOND);
            json!({"timestamp": start, "duration": 9.5, "data": {"title": format!("{i} {}", "a".repeat(30) + "b")}})
        };
        let batch: Vec<Value> = (first..events.min(first + 10_000)).map(event).collect();
        let body = Value::from(batch).to_string();
        let target = format!("/api/0/buckets/{bucket}/events");
        let answer = connection.request("POST", &target, Some(body.as_bytes()));
        assert_eq!(answer.expect("an answer").status, 200);
    }
}

fn query(port: u16, program: &str) -> http::Answer {
    query_for(port, program, &[PERIOD])
}

fn query_for(port: u16, program: &str, periods: &[&str]) -> http::Answer {
    let body = json!({"query": [program], "timeperiods": periods}).to_string();
    http::post(port, "/api/0/query/", body.as_bytes()).expect("an answer")
}

fn metric(port: u16, name: &str) -> f64 {
    let text = http::get(port, "/metrics").expect("an answer").text();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(&format!("timberline_{name} ")));
    line.expect("the metric").parse().expect("a number")
}

fn refused(answer: &http::Answer, status: u16, kind: &str, says: &str) {
    let json = answer.json().unwrap_or_default();
    assert_eq!(answer.status, status, "{json}");
    assert_eq!(json["type"], kind, "{json}");
    let message = json["message"].as_str().unwrap_or_default();
    assert!(message.contains(says), "{message}");
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_what_is_too_much_with_its_limit() {
    let mut installation = Installation::new();
    installation.configure("[limits]\nquery_memory_bytes = 40000000\nquery_result_bytes = 100000\n");
    let server = installation.start();
    let port = server.port;
    fill(&server, "b", 20_000);

    let wrong = query(port, "a = 1;\nRETURN = find_bukcet(\"b\");");
    refused(
        &wrong,
        400,
        "QueryInterpretException",
        "line 2, column 10: there is no function `find_bukcet`",
    );
    refused(
        &wrong,
        400,
        "QueryInterpretException",
        "did you mean `find_bucket`?",
    );
    refused(
        &query(port, "RETURN = [1;"),
        400,
        "QueryParseException",
        "line 1, column 12",
    );
    refused(&query(port, "a = 1;"), 400, "QueryParseException", "RETURN");
    let argument = query(port, "RETURN = flood(1);");
    refused(
        &argument,
        400,
        "QueryFunctionException",
        "flood: argument 1 (events) must be a list, found the number 1",
    );
    refused(
        &query(port, "RETURN = query_bucket(\"c\");"),
        400,
        "QueryFunctionException",
        "there is no 'c'",
    );

    let limit = "QueryLimitException";
    refused(
        &query(port, &"#".repeat(10 << 20)),
        413,
        limit,
        "limits.query_program_bytes",
    );
    let nested = format!("RETURN = {};", "[".repeat(100_000));
    refused(&query(port, &nested), 422, limit, "more than 64 brackets");
    let periods = vec![PERIOD; 10_000];
    refused(
        &query_for(port, "RETURN = 1;", &periods),
        413,
        limit,
        "limits.query_periods",
    );
    let doubling = format!(
        "e = query_bucket(\"b\");{}RETURN = 1;",
        "e = concat(e, e);".repeat(40)
    );
    refused(&query(port, &doubling), 422, limit, "limits.query_memory_bytes");
    refused(
        &query(port, "RETURN = query_bucket(\"b\");"),
        422,
        limit,
        "limits.query_result_bytes",
    );

    // And the server goes on, with nothing of it left.
    assert_eq!(metric(port, "query_memory_bytes"), 0.0);
    let count = query(port, "RETURN = query_bucket_eventcount(\"b\");");
    assert_eq!(count.json(), Some(json!([20_000.0])));
    server.stop();
}

#[test]
fn a_rule_that_takes_too_many_steps_is_a_warning_beside_the_usual_answer() {
    let installation = Installation::new();
    let server = installation.start();
    let port = server.port;
    fill(&server, "b", 3);
    let program = r#"
        events = categorize(query_bucket("b"), [
            [["Arbeit", "Größe"], {"type": "regex", "regex": "^\d+ (?:a|aa)+(?!b)$"}],
            [["Rest"], {"type": "regex", "regex": "^1 "}]]);
        RETURN = sum_durations(filter_keyvals(events, "$category", [["Rest"]]));"#;
    // The second time it is remembered.
    for _ in 0..2 {
        let answer = query(port, program);
        assert_eq!((answer.status, answer.json()), (200, Some(json!([9.5]))));
        let header = answer.header("x-timberline-warnings").expect("a warning");
        assert!(header.is_ascii(), "{header}");
        let warnings: Vec<String> = serde_json::from_str(&header).expect("a list of texts");
        let [warning] = warnings.as_slice() else {
            panic!("one warning, not {warnings:?}")
        };
        assert!(warning.contains("\"Arbeit > Größe\""), "{warning}");
        assert!(warning.contains("limits.query_backtracking_steps"), "{warning}");
    }
    assert_eq!(metric(port, "queries_warned_total"), 2.0);
    assert_eq!(metric(port, "queries_failed_total"), 0.0);
    let none = query(port, "RETURN = sum_durations(query_bucket(\"b\"));");
    assert_eq!(none.header("x-timberline-warnings"), None);

    // The log has it once, by the rule's name, and nothing of the titles.
    let log = http::get(port, "/api/0/log").expect("an answer").text();
    assert_eq!(log.matches("Arbeit > Größe").count(), 1, "{log}");
    assert!(!log.contains("aaaa"), "{log}");
    server.stop();
}

#[test]
fn a_query_ends_in_time_or_when_its_client_has_gone() {
    let mut installation = Installation::new();
    // More steps than any of the titles takes, so that only time can end it.
    installation.configure("[limits]\nquery_seconds = 3.0\nquery_backtracking_steps = 10000000\n");
    let server = installation.start();
    let port = server.port;
    fill(&server, "b", 20_000);
    // A millisecond or so for each title, so half a minute in all.
    let slow = r#"RETURN = filter_keyvals_regex(query_bucket("b"), "title", "a*a*a*(?=b)\d");"#;
    refused(
        &query(port, slow),
        422,
        "QueryLimitException",
        "limits.query_seconds",
    );

    // From here on only the client can end it.
    server.stop();
    installation.configure("[limits]\nquery_seconds = 600.0\nquery_backtracking_steps = 10000000\n");
    let server = installation.start();
    let port = server.port;
    let failed = metric(port, "queries_failed_total");
    let body = json!({"query": [slow], "timeperiods": [PERIOD]}).to_string();
    let mut connection = http::Connection::open(port).expect("a connection");
    let headers = connection.usual_headers(Some(body.as_bytes()));
    connection
        .send("POST", "/api/0/query", &headers, body.as_bytes())
        .expect("it is sent");
    poll("the query to run", || {
        (metric(port, "query_memory_bytes") > 0.0).then_some(())
    });
    drop(connection);
    poll("the query to end", || {
        (metric(port, "queries_failed_total") > failed).then_some(())
    });
    assert_eq!(metric(port, "query_memory_bytes"), 0.0);
    server.stop();
}

#[test]
fn results_are_remembered_until_something_changes_that_they_were_made_of() {
    let installation = Installation::new();
    let server = installation.start();
    let port = server.port;
    fill(&server, "b", 1_000);
    fill(&server, "other", 10);
    let day = "2024-01-01T00:00:00Z/2024-01-01T01:00:00Z";
    let count = || query_for(port, "RETURN = query_bucket_eventcount(\"b\");", &[day]).json();
    let hits = || metric(port, "query_cache_hits_total");
    let insert = |bucket: &str, time: &str| {
        let body = json!([{"timestamp": time, "duration": 1, "data": {"x": 1}}]).to_string();
        let answer = http::post(port, &format!("/api/0/buckets/{bucket}/events"), body.as_bytes());
        assert_eq!(answer.expect("an answer").status, 200);
    };
    assert_eq!(count(), Some(json!([361.0])));
    assert_eq!((count(), hits()), (Some(json!([361.0])), 1.0));
    // Later, and elsewhere.
    insert("b", "2024-02-01T00:00:00Z");
    insert("other", "2024-01-01T00:30:00Z");
    assert_eq!((count(), hits()), (Some(json!([361.0])), 2.0));
    insert("b", "2024-01-01T00:30:00Z");
    assert_eq!((count(), hits()), (Some(json!([362.0])), 2.0));
    server.stop();
}

#[test]
fn a_large_answer_is_streamed_whole() {
    let installation = Installation::new();
    let server = installation.start();
    fill(&server, "b", 90_000);
    let answer = query(server.port, "RETURN = sort_by_timestamp(query_bucket(\"b\"));");
    assert!(answer.body.len() > 8 << 20, "{} bytes", answer.body.len());
    let json = answer.json().expect("JSON");
    assert_eq!(json[0].as_array().map(Vec::len), Some(90_000));
    assert_eq!(
        json[0][89_999]["data"]["title"],
        format!("89999 {}b", "a".repeat(30))
    );
    server.stop();
}

const PAGE: Page = Page {
    text: include_str!("../../../../docs/query.md"),
    varying: &["parse_seconds", "run_seconds", "write_seconds", "seconds"],
};

/// The examples about queries themselves are run by the tests of `crates/query`.
#[test]
fn the_example_of_what_a_query_costs_is_answered_as_shown() {
    PAGE.check(1);
}

/// What it costs is what it does: the same past, the same rows, the same warnings, the same mistakes.
#[test]
fn a_query_is_explained_as_it_is_answered() {
    let installation = Installation::new();
    let server = installation.start();
    let port = server.port;
    fill(&server, "b", 10);
    let before = http::get(port, "/api/1/log?limit=1")
        .expect("an answer")
        .json()
        .expect("JSON")["records"][0]["seq"]
        .clone();
    fill(&server, "other", 10);
    let explain = |program: &str, more: Value| {
        let mut body = json!({"query": [program], "timeperiods": [PERIOD, PERIOD]});
        body.as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        http::post(port, "/api/1/query/explain", body.to_string().as_bytes()).expect("an answer")
    };
    let both = r#"RETURN = limit_events(concat(query_bucket("b"), query_bucket("other")), 15);"#;
    let costs = explain(both, json!({})).json().expect("JSON");
    assert_eq!(costs["periods"].as_array().map(Vec::len), Some(2), "{costs}");
    for period in costs["periods"].as_array().expect("a list") {
        let steps = period["steps"].as_array().expect("a list").iter();
        let steps: Vec<Value> = steps
            .map(|step| json!([step["function"], step["rows_in"], step["rows_out"]]))
            .collect();
        let shown = json!([
            ["query_bucket", 0, 10],
            ["query_bucket", 0, 10],
            ["concat", 20, 20],
            ["limit_events", 20, 15]
        ]);
        assert_eq!(json!(steps), shown);
        let result = query(port, both).json().expect("JSON");
        let bytes = serde_json::to_vec(&result[0]).expect("JSON").len();
        assert_eq!(period["result_bytes"], bytes);
    }
    // Of a past state, in which there is no other bucket.
    let past = explain(both, json!({ "as_of": before }));
    refused(&past, 400, "QueryFunctionException", "there is no 'other'");
    let wrong = explain("RETURN = find_bukcet(\"b\");", json!({}));
    refused(
        &wrong,
        400,
        "QueryInterpretException",
        "did you mean `find_bucket`?",
    );
    let many = explain("RETURN = 1;", json!({ "timeperiods": vec![PERIOD; 17] }));
    assert_eq!(many.status, 413);
    server.stop();
}

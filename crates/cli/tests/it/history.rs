//! Time travel, an event's history, the trash, undo, purges and redactions, as clients see them.

use std::fs;
use std::path::Path;

use crate::harness::server::{Installation, Server};
use crate::harness::{http, let_work, poll};
use serde_json::{Value, json};

const BUCKET: &str = "/api/0/buckets/windows";
const SECRET: &str = "the-secret-of-the-crypt";

fn ask(server: &Server, method: &str, target: &str, body: Option<&Value>) -> (u16, Value, Option<String>) {
    let mut connection = http::Connection::open(server.port).expect("a connection");
    let body = body.map(Value::to_string);
    let answer = connection
        .request(method, target, body.as_deref().map(str::as_bytes))
        .expect("an answer");
    let seq = answer.header("x-timberline-seq");
    (answer.status, answer.json().unwrap_or_default(), seq)
}

fn get(server: &Server, target: &str) -> Value {
    let (status, body, _) = ask(server, "GET", target, None);
    assert_eq!(status, 200, "{target}: {body}");
    body
}

fn post(server: &Server, target: &str, body: &Value) -> Value {
    let (status, answer, _) = ask(server, "POST", target, Some(body));
    assert!(status < 300, "{target}: {status} {answer}");
    answer
}

fn make_bucket(server: &Server) {
    post(
        server,
        BUCKET,
        &json!({"client": "c", "type": "t", "hostname": "h"}),
    );
}

fn event(second: u32, title: &str) -> Value {
    json!({"timestamp": format!("2024-03-01T10:00:{second:02}Z"), "duration": 1, "data": {"app": "x", "title": title}})
}

/// Inserts an event and gives back its id.
fn insert(server: &Server, second: u32, title: &str) -> u64 {
    let stored = post(
        server,
        &format!("{BUCKET}/events"),
        &json!([event(second, title)]),
    );
    stored[0]["id"].as_u64().expect("an id")
}

fn titles(server: &Server, as_of: &str) -> Vec<String> {
    let events = get(server, &format!("{BUCKET}/events{as_of}"));
    let title = |event: &Value| event["data"]["title"].as_str().unwrap_or_default().to_owned();
    events
        .as_array()
        .expect("a list")
        .iter()
        .rev()
        .map(title)
        .collect()
}

/// Waits until the wall clock shows another millisecond.
fn next_millisecond() -> timberline_model::Timestamp {
    let millisecond = |time: timberline_model::Timestamp| time.nanos() / 1_000_000;
    let begun = millisecond(timberline_model::Timestamp::now());
    poll("the clock to advance", || {
        let now = timberline_model::Timestamp::now();
        (millisecond(now) > begun).then_some(now)
    })
}

#[test]
fn every_read_can_be_as_of_a_record_or_an_instant() {
    let installation = Installation::new();
    let server = installation.start();
    make_bucket(&server); // record 1
    let first = insert(&server, 1, "one"); // record 2
    post(&server, "/api/0/settings/theme", &json!("dark")); // record 3
    let then = next_millisecond().to_string();
    next_millisecond();
    insert(&server, 2, "two"); // record 4
    post(&server, "/api/0/settings/theme", &json!("light")); // record 5

    assert_eq!(titles(&server, ""), ["one", "two"]);
    for as_of in ["?as_of=3".to_owned(), format!("?as_of={then}")] {
        assert_eq!(titles(&server, &as_of), ["one"]);
        assert_eq!(get(&server, &format!("{BUCKET}/events/count{as_of}")), 1);
        assert_eq!(get(&server, &format!("/api/0/settings/theme{as_of}")), "dark");
        assert_eq!(get(&server, &format!("/api/0/settings{as_of}"))["theme"], "dark");
        let export = get(&server, &format!("/api/0/export{as_of}"));
        assert_eq!(
            export["buckets"]["windows"]["events"].as_array().map(Vec::len),
            Some(1)
        );
        let buckets = get(&server, &format!("/api/0/buckets{as_of}"));
        assert!(buckets["windows"].is_object());
        let end = &buckets["windows"]["metadata"]["end"];
        assert!(
            end.as_str().expect("an end").starts_with("2024-03-01T10:00:02"),
            "{buckets}"
        );
        let (status, _, seq) = ask(&server, "GET", &format!("{BUCKET}/events/{first}{as_of}"), None);
        assert_eq!((status, seq.as_deref()), (200, Some("3")));
    }
    assert_eq!(get(&server, "/api/0/buckets?as_of=0"), json!({}));
    assert_eq!(titles(&server, "?as_of=2999-01-01T00:00:00Z"), ["one", "two"]);
    for (wrong, status) in [("yesterday", 400), ("99", 400), ("-1", 400)] {
        let (found, body, _) = ask(&server, "GET", &format!("{BUCKET}/events?as_of={wrong}"), None);
        assert_eq!(found, status, "{wrong}: {body}");
    }
}

#[test]
fn queries_of_the_past_and_of_the_present_do_not_mix() {
    let installation = Installation::new();
    let server = installation.start();
    make_bucket(&server);
    insert(&server, 1, "one");
    insert(&server, 2, "two");
    let query = |as_of: Option<Value>| {
        let mut body = json!({
            "query": ["RETURN = sum_durations(query_bucket(\"windows\"));"],
            "timeperiods": ["2024-03-01T00:00:00Z/2024-03-02T00:00:00Z"],
        });
        if let Some(as_of) = as_of {
            body["as_of"] = as_of;
        }
        post(&server, "/api/0/query/", &body)[0].clone()
    };
    for _ in 0..2 {
        assert_eq!(query(None), 2.0);
        assert_eq!(query(Some(json!(2))), 1.0);
        assert_eq!(query(Some(json!("3"))), 2.0);
    }
    let body =
        json!({"query": ["RETURN = 1;"], "timeperiods": ["2024-03-01T00:00:00Z/2024-03-02T00:00:00Z"]});
    let (_, _, seq) = ask(&server, "POST", "/api/0/query/?as_of=2", Some(&body));
    assert_eq!(seq.as_deref(), Some("2"));
}

#[test]
fn what_is_squashed_is_gone_and_the_answer_says_from_when_on_it_is_not() {
    let mut installation = Installation::new();
    installation.configure(
        "history = \"1 second\"\nerase_after = \"1 second\"\nmaintain_every = \"1 second\"\n[log]\nsegment_bytes = 1048576\n",
    );
    let server = installation.start();
    make_bucket(&server);
    insert(&server, 1, "one");
    let large = "x".repeat(200_000);
    for _ in 0..30 {
        post(&server, "/api/0/settings/large", &json!(large));
    }
    // A checkpoint is what squashing waits for; a start writes one, and so does an orderly stop.
    server.stop();
    let server = installation.start();
    let gone = poll("the log to be squashed", || {
        let (status, body, _) = ask(&server, "GET", &format!("{BUCKET}/events?as_of=1"), None);
        (status == 410).then_some(body)
    });
    let from = gone["from_seq"].as_u64().expect("a number");
    assert!(
        from > 2 && gone["from_time"].is_string() && gone["message"].is_string(),
        "{gone}"
    );
    assert_eq!(titles(&server, &format!("?as_of={from}")), ["one"]);
    assert_eq!(titles(&server, ""), ["one"]);
    server.stop();
    installation.verify();
    let server = installation.start();
    assert_eq!(titles(&server, ""), ["one"]);
}

#[test]
fn an_events_history_is_told_over_http_and_from_the_log() {
    let installation = Installation::new();
    let server = installation.start();
    make_bucket(&server);
    let target = format!("{BUCKET}/heartbeat?pulsetime=10");
    let beat = |second: u32| {
        let body = json!({"timestamp": format!("2024-03-01T10:00:{second:02}Z"), "duration": 0, "data": {"app": "x"}});
        post(&server, &target, &body)["id"].as_u64().expect("an id")
    };
    let id = beat(1);
    assert_eq!(beat(5), id);
    let history = get(&server, &format!("/api/1/buckets/windows/events/{id}/history"));
    let changes = history["changes"].as_array().expect("a list");
    let what: Vec<&str> = changes.iter().filter_map(|c| c["what"].as_str()).collect();
    assert_eq!(what, ["created", "extended"]);
    assert_eq!(changes[0]["data"], json!({"app": "x"}));
    assert_eq!(
        (&changes[1]["duration"], &changes[1]["heartbeat"]["pulsetime"]),
        (&json!(4.0), &json!(10.0))
    );
    for (path, status) in [("windows/events/999", 404), ("none/events/1", 404)] {
        let (found, _, _) = ask(&server, "GET", &format!("/api/1/buckets/{path}/history"), None);
        assert_eq!(found, status, "{path}");
    }
    let explain = |args: &[&str]| {
        let mut command = installation.program();
        command
            .args(["log", "explain"])
            .args(args)
            .arg("--dbpath")
            .arg(&installation.data);
        installation.run(command)
    };
    let (status, out, err) = explain(&["windows", &id.to_string()]);
    assert!(status.success(), "{err}");
    assert!(out.contains("created") && out.contains("extended"), "{out}");
    let (status, _, err) = explain(&["windows", "999"]);
    assert!(!status.success() && err.lines().count() == 1, "{err}");
}

#[test]
fn deleted_things_come_back_from_the_trash_and_edits_are_undone() {
    let installation = Installation::new();
    let server = installation.start();
    make_bucket(&server);
    let id = insert(&server, 1, "one");
    ask(&server, "DELETE", &format!("{BUCKET}/events/{id}"), None);
    assert!(titles(&server, "").is_empty());
    let trash = get(&server, "/api/1/trash");
    let item = &trash["items"][0];
    assert_eq!(
        (&item["what"], &item["events"], &item["bucket"]),
        (&json!("events"), &json!([id]), &json!("windows"))
    );
    let restored = post(
        &server,
        &format!("/api/1/trash/{}/restore", item["id"]),
        &json!({}),
    );
    assert_eq!(restored["events_restored"], 1);
    assert_eq!(titles(&server, ""), ["one"]);
    assert_eq!(get(&server, "/api/1/trash"), json!({"items": []}));
    let (status, _, _) = ask(&server, "POST", "/api/1/trash/1/restore", None);
    assert_eq!(status, 404);

    ask(&server, "DELETE", &format!("{BUCKET}?force=1"), None);
    assert_eq!(get(&server, "/api/0/buckets/"), json!({}));
    let item = get(&server, "/api/1/trash")["items"][0].clone();
    assert_eq!((&item["what"], &item["count"]), (&json!("bucket"), &json!(1)));
    post(
        &server,
        &format!("/api/1/trash/{}/restore", item["id"]),
        &json!({}),
    );
    assert_eq!(titles(&server, ""), ["one"]);

    let mut edited = event(1, "edited");
    edited["id"] = json!(id);
    post(&server, &format!("{BUCKET}/events"), &json!([edited]));
    let seq = get(&server, &format!("/api/1/buckets/windows/events/{id}/history"))["changes"]
        .as_array()
        .and_then(|changes| changes.last()?["seq"].as_u64())
        .expect("a number");
    let preview = post(&server, "/api/1/undo", &json!({"seq": seq, "preview": true}));
    assert_eq!(
        (&preview["events_restored"], &preview["seq"]),
        (&json!(1), &Value::Null)
    );
    assert_eq!(titles(&server, ""), ["edited"]);
    post(&server, "/api/1/undo", &json!({"seq": seq}));
    assert_eq!(titles(&server, ""), ["one"]);
    // Once more is a conflict: it is no longer what the edit had made it.
    let (status, body, _) = ask(&server, "POST", "/api/1/undo", Some(&json!({"seq": seq})));
    assert_eq!(
        (status, body["conflicts"].as_array().map(Vec::len)),
        (409, Some(1)),
        "{body}"
    );
    for wrong in [
        json!({}),
        json!({"seq": 0}),
        json!({"from": 5, "to": 2}),
        json!({"seq": 1, "x": 2}),
        json!([]),
    ] {
        let (status, body, _) = ask(&server, "POST", "/api/1/undo", Some(&wrong));
        assert_eq!(status, 422, "{wrong}: {body}");
    }
    let (status, _, _) = ask(&server, "POST", "/api/1/undo", Some(&json!({"seq": 1000})));
    assert_eq!(status, 400);
}

/// The files below a directory in which it is found, as it is or compressed.
fn found_in(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(found_in(&path));
        } else if let Ok(bytes) = fs::read(&path)
            && holds(&bytes)
        {
            found.push(path.display().to_string());
        }
    }
    found
}

fn holds(bytes: &[u8]) -> bool {
    let has = |bytes: &[u8]| memchr::memmem::find(bytes, SECRET.as_bytes()).is_some();
    let frame = |at: usize| {
        let mut plain = Vec::new();
        let decoder = zstd::stream::read::Decoder::new(bytes.get(at..).unwrap_or_default());
        let _ = decoder.and_then(|d| std::io::Read::read_to_end(&mut d.single_frame(), &mut plain));
        has(&plain)
    };
    has(bytes) || memchr::memmem::find_iter(bytes, &[0x28, 0xb5, 0x2f, 0xfd]).any(frame)
}

fn fill(server: &Server) {
    make_bucket(server);
    for round in 0..5 {
        let title = |n: u32| {
            if n % 10 == 3 {
                format!("{SECRET} {n}")
            } else {
                format!("title {n}")
            }
        };
        let events: Vec<Value> = (0..60).map(|n| event(n, &title(n + round))).collect();
        post(server, &format!("{BUCKET}/events"), &json!(events));
    }
    let id = insert(server, 1, SECRET);
    ask(server, "DELETE", &format!("{BUCKET}/events/{id}"), None);
}

#[test]
fn after_a_purge_nothing_is_left_in_data_and_backups() {
    let installation = Installation::new();
    let server = installation.start();
    fill(&server);
    let backup = installation.root().join("backup");
    let mut command = installation.program();
    command
        .arg("backup")
        .arg(&backup)
        .arg("--dbpath")
        .arg(&installation.data);
    let (status, _, err) = installation.run(command);
    assert!(status.success(), "{err}");
    assert!(!found_in(&installation.data).is_empty() && !found_in(&backup).is_empty());

    for refused in [
        json!({}),
        json!({"bucket": "windows"}),
        json!({"whole_bucket": true}),
        json!({"x": 1}),
    ] {
        let (status, body, _) = ask(&server, "POST", "/api/1/purge", Some(&refused));
        assert_eq!(status, 422, "{refused}: {body}");
    }
    let selection = json!({"bucket": "windows", "data": {"pattern": SECRET, "field": "title"}});
    let preview = post(&server, "/api/1/purge", &selection);
    assert_eq!(
        (&preview["events"], &preview["deleted"]),
        (&json!(30), &json!(1)),
        "{preview}"
    );
    assert_eq!(preview["samples"].as_array().map(Vec::len), Some(20));
    let token = json!({"token": preview["token"]});
    let receipt = post(&server, "/api/1/purge", &token);
    assert_eq!(
        (&receipt["events"], &receipt["backups"][0]["done"]),
        (&json!(30), &json!(true)),
        "{receipt}"
    );
    // A token is good for one time, and not for the other kind.
    let (status, _, _) = ask(&server, "POST", "/api/1/purge", Some(&token));
    assert_eq!(status, 409);
    assert_eq!(found_in(&installation.data), [""; 0]);
    assert_eq!(found_in(&backup), [""; 0]);
    assert_eq!(titles(&server, "").len(), 270);
    let mut command = installation.program();
    command.args(["backup", "--verify"]).arg(&backup);
    let (status, out, err) = installation.run(command);
    assert!(status.success(), "{out}{err}");
    server.stop();
    installation.verify();
    let server = installation.start();
    assert_eq!(titles(&server, "").len(), 270);
}

#[test]
fn a_purge_that_is_killed_is_completed_by_the_next_start() {
    let installation = Installation::new();
    for round in 0..3 {
        let server = installation.start();
        if round == 0 {
            fill(&server);
        } else {
            insert(&server, round, SECRET);
        }
        let preview = post(&server, "/api/1/purge", &json!({"data": {"pattern": SECRET}}));
        let body = json!({"token": preview["token"]}).to_string();
        let mut connection = http::Connection::open(server.port).expect("a connection");
        let headers = connection.usual_headers(Some(body.as_bytes()));
        let _ = connection.send("POST", "/api/1/purge", &headers, body.as_bytes());
        // Killed at different moments of the purge.
        let_work(std::time::Duration::from_millis(2 * u64::from(round)));
        server.kill();
        let server = installation.start();
        // Either it was ordered, and is completed; or whoever got no answer orders it again.
        let left = titles(&server, "").iter().any(|title| title.contains(SECRET));
        if left {
            let preview = post(&server, "/api/1/purge", &json!({"data": {"pattern": SECRET}}));
            post(&server, "/api/1/purge", &json!({"token": preview["token"]}));
        }
        poll("the purge to be complete", || {
            found_in(&installation.data).is_empty().then_some(())
        });
        server.stop();
        installation.verify();
    }
}

#[test]
fn redacted_values_are_nowhere_and_their_events_stay() {
    let installation = Installation::new();
    let server = installation.start();
    make_bucket(&server);
    insert(&server, 1, &format!("login {SECRET} page"));
    insert(&server, 2, "other");
    let request = json!({"field": "title", "pattern": SECRET, "replacement": "***"});
    let (status, _, _) = ask(
        &server,
        "POST",
        "/api/1/redact",
        Some(&json!({"pattern": SECRET})),
    );
    assert_eq!(status, 422);
    let preview = post(&server, "/api/1/redact", &request);
    assert_eq!(preview["events"], 1);
    let (status, _, _) = ask(
        &server,
        "POST",
        "/api/1/purge",
        Some(&json!({"token": preview["token"]})),
    );
    assert_eq!(status, 409, "a redaction's token does not purge");
    let receipt = post(&server, "/api/1/redact", &json!({"token": preview["token"]}));
    assert_eq!(receipt["what"], "redacted");
    assert_eq!(titles(&server, ""), ["login *** page", "other"]);
    assert_eq!(titles(&server, "?as_of=2"), ["login *** page"]);
    assert_eq!(found_in(&installation.data), [""; 0]);
    server.stop();
    installation.verify();
}

#[test]
fn events_go_when_they_have_been_kept_as_long_as_they_are_to_be() {
    let mut installation = Installation::new();
    installation.configure("[[retention]]\nbucket = \"win*\"\nkeep = \"1 year\"\n");
    let server = installation.start();
    make_bucket(&server);
    insert(&server, 1, "old");
    let now = timberline_model::Timestamp::now().to_string();
    let fresh = json!([{"timestamp": now, "duration": 1, "data": {"title": "new"}}]);
    post(&server, &format!("{BUCKET}/events"), &fresh);
    server.stop();
    // It is looked at each start.
    let server = installation.start();
    poll("the old event to go", || {
        (titles(&server, "") == ["new"]).then_some(())
    });
}

#[test]
fn the_commands_purge_and_redact_ask_the_server() {
    let installation = Installation::new();
    let server = installation.start();
    make_bucket(&server);
    insert(&server, 1, SECRET);
    insert(&server, 2, "a password");
    let run = |args: &[&str]| {
        let mut command = installation.program();
        command
            .args(args)
            .args(["--server", &format!("http://127.0.0.1:{}", installation.port)]);
        installation.run(command)
    };
    let (status, _, err) = run(&["purge", "--pattern", SECRET]);
    assert!(!status.success() && err.contains("--yes"), "{err}");
    let (status, out, err) = run(&["purge", "--pattern", SECRET, "--yes"]);
    assert!(status.success() && out.contains("purged"), "{out}{err}");
    assert_eq!(titles(&server, ""), ["a password"]);
    let (status, out, err) = run(&[
        "redact",
        "--field",
        "title",
        "--pattern",
        "password",
        "--replacement",
        "***",
        "--yes",
    ]);
    assert!(status.success(), "{out}{err}");
    assert_eq!(titles(&server, ""), ["a ***"]);
    let (status, _, err) = run(&["purge", "--yes"]);
    assert!(!status.success() && err.lines().count() == 1, "{err}");
}

//! Buckets that are renamed, archived and merged, against the real server: watchers that know only the old id, tokens, rules,
//! lists, and what is left after a kill.

use serde_json::{Value, json};

use crate::access::create;
use crate::harness::http::Connection;
use crate::harness::page::Page;
use crate::harness::server::Installation;

#[test]
fn every_example_of_the_page_is_answered_as_shown() {
    let page = Page {
        text: include_str!("../../../../docs/buckets.md"),
        varying: &["time", "created"],
    };
    page.check(10);
}

fn ask(port: u16, method: &str, target: &str, body: Option<Value>) -> (u16, Value) {
    let mut connection = Connection::open(port).expect("a connection");
    let body = body.map(|body| body.to_string());
    let body = body.as_ref().map(String::as_bytes);
    let answer = connection.request(method, target, body).expect("an answer");
    let json = answer.json().unwrap_or_default();
    (answer.status, json)
}

fn make(port: u16, bucket: &str) -> u16 {
    let body = json!({"client": "c", "type": "currentwindow", "hostname": "h"});
    ask(port, "POST", &format!("/api/0/buckets/{bucket}"), Some(body)).0
}

fn beat(port: u16, bucket: &str, second: u32) -> u16 {
    let body = json!({"timestamp": format!("2026-03-01T10:00:{second:02}Z"), "duration": 0, "data": {"app": "secret"}});
    let target = format!("/api/0/buckets/{bucket}/heartbeat?pulsetime=0");
    ask(port, "POST", &target, Some(body)).0
}

fn count(port: u16, bucket: &str) -> Value {
    ask(
        port,
        "GET",
        &format!("/api/0/buckets/{bucket}/events/count"),
        None,
    )
    .1
}

#[test]
fn a_watcher_that_knows_only_the_old_id_loses_nothing_also_after_a_kill() {
    let installation = Installation::new();
    let server = installation.start();
    let port = server.port;
    assert_eq!((make(port, "old"), make(port, "other")), (200, 200));
    assert_eq!(beat(port, "old", 1), 200);
    let rename = |id: &str| ask(port, "PATCH", "/api/1/buckets/old", Some(json!({"id": id})));
    assert_eq!(rename("other").0, 409);
    assert_eq!(rename("..").0, 422);
    assert_eq!(rename("new").0, 200);
    assert_eq!((make(port, "old"), beat(port, "old", 2)), (304, 200));
    assert_eq!(count(port, "new"), 2);
    let both = json!({"heartbeats": [
        {"bucket": "old", "pulsetime": 5, "timestamp": "2026-03-01T10:00:10Z", "data": {"app": "x"}},
        {"bucket": "new", "pulsetime": 5, "timestamp": "2026-03-01T10:00:12Z", "data": {"app": "x"}},
    ]});
    let (status, answer) = ask(port, "POST", "/api/1/heartbeats", Some(both));
    assert_eq!(
        (status, &answer["answers"][1]["duration"]),
        (200, &json!(2.0)),
        "{answer}"
    );
    let merge = |body: Value| ask(port, "POST", "/api/1/buckets/old/merge", Some(body));
    assert_eq!(merge(json!({"into": "new"})).0, 422);
    assert_eq!(merge(json!({"into": "none"})).0, 404);
    let (status, merged) = merge(json!({"into": "other"}));
    assert_eq!((status, &merged["events"]), (200, &json!(3)), "{merged}");
    server.kill();
    let server = installation.start();
    let port = server.port;
    for id in ["old", "new", "other"] {
        assert_eq!((make(port, id), count(port, id)), (304, json!(3)), "{id}");
    }
    let undo = merged["undo"][0].clone();
    assert_eq!(ask(port, "POST", "/api/1/undo", Some(undo)).0, 200);
    assert_eq!((count(port, "old"), count(port, "other")), (json!(3), json!(0)));
}

#[test]
fn an_archived_bucket_is_out_of_sight_and_takes_heartbeats() {
    let installation = Installation::new();
    let server = installation.start();
    let port = server.port;
    make(port, "gone");
    beat(port, "gone", 1);
    let archive = json!({"archived": true});
    assert_eq!(ask(port, "PATCH", "/api/1/buckets/gone", Some(archive)).0, 200);
    assert_eq!(beat(port, "gone", 2), 200);
    assert_eq!(count(port, "gone"), 2);
    let listed = |target: &str, list: &str| {
        ask(port, "GET", target, None).1[list]
            .as_array()
            .map_or(0, Vec::len)
    };
    assert_eq!(listed("/api/1/buckets", "buckets"), 0);
    assert_eq!(listed("/api/1/buckets?archived=true", "buckets"), 1);
    assert_eq!(listed("/api/1/events", "events"), 0);
    assert_eq!(listed("/api/1/events?bucket=*", "events"), 0);
    assert_eq!(listed("/api/1/events?bucket=gone", "events"), 2);
    assert_eq!(listed("/api/1/search?q=secret", "hits"), 0);
    assert_eq!(listed("/api/1/search?q=secret&bucket=gone", "hits"), 1);
    let (_, export) = ask(port, "GET", "/api/0/export", None);
    assert!(export["buckets"]["gone"].is_object(), "{export}");
}

/// A filter for the new id must see what is sent to the old one.
#[test]
fn privacy_filters_see_through_aliases() {
    let installation = Installation::new();
    let server = installation.start();
    let port = server.port;
    make(port, "old");
    ask(port, "PATCH", "/api/1/buckets/old", Some(json!({"id": "new"})));
    let rule = json!([{"enabled": true, "bucket_prefix": "new", "field": "app", "pattern": "secret", "action": "drop"}]);
    ask(port, "POST", "/api/0/settings/privacy_filters", Some(rule));
    assert_eq!(beat(port, "old", 1), 200);
    let many = json!({"heartbeats": [{"bucket": "old", "pulsetime": 5, "timestamp": "2026-03-01T10:00:10Z", "data": {"app": "secret"}}]});
    assert_eq!(ask(port, "POST", "/api/1/heartbeats", Some(many)).0, 200);
    let event = json!({"timestamp": "2026-03-01T10:00:10Z", "duration": 1, "data": {"app": "secret"}});
    assert_eq!(ask(port, "POST", "/api/0/buckets/old/events", Some(event)).0, 200);
    assert_eq!(count(port, "new"), 0);
}

/// What is purged from a bucket is purged from those that were merged into it.
#[test]
fn a_purge_reaches_what_was_merged() {
    let installation = Installation::new();
    let server = installation.start();
    let port = server.port;
    make(port, "a");
    make(port, "b");
    beat(port, "a", 1);
    ask(port, "PATCH", "/api/1/buckets/a", Some(json!({"id": "c"})));
    assert_eq!(
        ask(port, "POST", "/api/1/buckets/c/merge", Some(json!({"into": "b"}))).0,
        200
    );
    let purge = json!({"bucket": "b", "data": {"pattern": "secret"}});
    let (status, preview) = ask(port, "POST", "/api/1/purge", Some(purge));
    assert_eq!(status, 200, "{preview}");
    let token = json!({"token": preview["token"]});
    assert_eq!(ask(port, "POST", "/api/1/purge", Some(token)).0, 200);
    let (_, trash) = ask(port, "GET", "/api/1/trash", None);
    assert_eq!(
        (count(port, "b"), &trash["items"][0]["count"]),
        (json!(0), &json!(0)),
        "{trash}"
    );
}

/// A token for the old id may go on recording under it, and nothing else.
#[test]
fn a_token_for_an_alias_may_only_record() {
    let mut installation = Installation::new();
    installation.configure("[auth]\napi_key = \"0123456789abcdef0123456789abcdef\"\n");
    let owner = "0123456789abcdef0123456789abcdef".to_owned();
    let writer = create(&installation, &["w", "--scope", "write", "--bucket", "old"]);
    let server = installation.start();
    let send = |secret: &str, method: &str, target: &str, body: Value| {
        let mut connection = Connection::open(server.port).expect("a connection");
        let body = body.to_string();
        let body = (method != "GET").then_some(body.as_bytes());
        let mut headers = connection.usual_headers(body);
        headers.push(("authorization".to_owned(), format!("Bearer {secret}")));
        let answer = connection.exchange(method, target, &headers, body.unwrap_or_default());
        answer.expect("an answer").status
    };
    let bucket = json!({"client": "c", "type": "currentwindow", "hostname": "h"});
    let event = json!({"timestamp": "2026-03-01T10:00:00Z", "duration": 0, "data": {}});
    let with_id = json!([{"id": 1, "timestamp": "2026-03-01T10:00:00Z", "duration": 0, "data": {}}]);
    let beat = "/api/0/buckets/old/heartbeat?pulsetime=0";
    let events = "/api/0/buckets/old/events";
    assert_eq!(send(&writer, "POST", "/api/0/buckets/old", bucket.clone()), 200);
    assert_eq!(
        send(&writer, "PATCH", "/api/1/buckets/old", json!({"id": "new"})),
        403,
        "not its name"
    );
    assert_eq!(send(&writer, "POST", events, with_id.clone()), 200);
    assert_eq!(
        send(&owner, "PATCH", "/api/1/buckets/old", json!({"id": "new"})),
        200
    );
    assert_eq!(send(&writer, "POST", "/api/0/buckets/old", bucket), 304);
    assert_eq!(send(&writer, "POST", beat, event.clone()), 200);
    assert_eq!(send(&writer, "POST", events, json!([event])), 200);
    assert_eq!(send(&writer, "POST", events, with_id), 403);
    for (method, target) in [
        ("GET", events),
        ("GET", "/api/0/buckets/old"),
        ("DELETE", "/api/0/buckets/old"),
        ("DELETE", "/api/0/buckets/old/events/1"),
        ("GET", "/api/0/buckets/new/events"),
    ] {
        assert_eq!(
            send(&writer, method, target, Value::Null),
            403,
            "{method} {target}"
        );
    }
    server.stop();
}

#[test]
fn the_command_renames_archives_and_merges() {
    let installation = Installation::new();
    let server = installation.start();
    let port = server.port;
    assert_eq!((make(port, "a%20b"), make(port, "c")), (200, 200));
    beat(port, "c", 1);
    let run = |args: &[&str]| {
        let mut command = installation.program();
        command
            .arg("bucket")
            .args(args)
            .arg("--server")
            .arg(format!("http://127.0.0.1:{port}"));
        let (status, out, err) = installation.run(command);
        (status.success(), out, err)
    };
    let (done, out, err) = run(&["rename", "c", "d"]);
    assert!(done && out.contains("To undo it"), "{out}{err}");
    assert!(run(&["archive", "c"]).0);
    let (_, out, _) = run(&["list"]);
    assert!(out.contains("a b") && out.lines().count() == 2, "{out}");
    assert!(run(&["unarchive", "c"]).0);
    let (done, out, err) = run(&["merge", "d", "a b"]);
    assert!(
        done && out.starts_with("1 events moved from d to a b"),
        "{out}{err}"
    );
    let (_, out, _) = run(&["list", "--all"]);
    assert!(out.contains("c, d"), "{out}");
    let (done, _, err) = run(&["rename", "none", "x"]);
    assert!(!done && err.contains("does not exist"), "{err}");
}

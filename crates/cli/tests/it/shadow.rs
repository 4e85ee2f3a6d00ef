//! `timberline shadow`: a copy stays in step with a server whose events grow, are deleted and are edited, through ends of both.
//! The server that is shadowed is Timberline, too: it answers as aw-server does, which the conformance tests prove.

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::server::{Data, Installation, Server};
use crate::harness::{http, poll};

const WINDOW: &str = "aw-watcher-window_laptop";
const AFK: &str = "aw-watcher-afk_laptop";
/// 2026-01-01T00:00:00Z
const NEW_YEAR: i64 = 1_767_225_600;

fn ok(answer: (u16, Value)) -> Value {
    assert!((200..300).contains(&answer.0), "{answer:?}");
    answer.1
}

fn make_bucket(source: &Server, bucket: &str, type_: &str) {
    let description = json!({ "client": "test", "type": type_, "hostname": "laptop" });
    ok(source.post(&format!("/api/0/buckets/{bucket}"), &description));
}

fn at(seconds: i64) -> String {
    chrono::DateTime::from_timestamp(seconds, 0)
        .expect("a time")
        .to_rfc3339()
}

/// Weeks of events, of which some are equal, some overlap, one lasts for days and one no time.
fn fill(source: &Server) {
    make_bucket(source, WINDOW, "currentwindow");
    make_bucket(source, AFK, "afkstatus");
    let mut events: Vec<Value> = (0..3_000)
        .map(|n| {
            let n = if n % 100 == 99 { n - 1 } else { n };
            json!({ "timestamp": at(NEW_YEAR + n * 700), "duration": 710.25, "data": { "app": n % 7, "title": n } })
        })
        .collect();
    events
        .push(json!({ "timestamp": at(NEW_YEAR + 90_000), "duration": 400_000, "data": { "app": "long" } }));
    events.push(json!({ "timestamp": at(NEW_YEAR + 95_000), "duration": 0, "data": { "app": "no time" } }));
    ok(source.post(&format!("/api/0/buckets/{WINDOW}/events"), &json!(events)));
    let afk = json!([{ "timestamp": at(NEW_YEAR), "duration": 60, "data": { "status": "not-afk" } }]);
    ok(source.post(&format!("/api/0/buckets/{AFK}/events"), &afk));
    ok(source.post("/api/0/settings/classes", &json!([{ "name": ["Work"] }])));
}

fn beat(source: &Server, bucket: &str, seconds: i64, title: &str) {
    let event = json!({ "timestamp": at(seconds), "duration": 0, "data": { "title": title } });
    ok(source.post(&format!("/api/0/buckets/{bucket}/heartbeat?pulsetime=60"), &event));
}

/// Every bucket with the contents of its events, in one order.
fn contents(port: u16) -> Option<Value> {
    let export = http::get(port, "/api/0/export").ok()?.json()?;
    let mut buckets = export["buckets"].as_object()?.clone();
    for bucket in buckets.values_mut() {
        let events = bucket["events"].as_array()?.iter();
        let events = events
            .map(|event| json!([event["timestamp"], event["duration"].as_f64(), event["data"]]).to_string());
        let mut events: Vec<String> = events.collect();
        events.sort();
        *bucket = json!({ "type": bucket["type"], "client": bucket["client"], "hostname": bucket["hostname"], "events": events });
    }
    Some(Value::Object(buckets))
}

fn until_equal(source: &Server, copy: u16) {
    poll("the copy to be equal", || {
        (contents(copy)? == contents(source.port)?).then_some(())
    });
}

fn ids(port: u16, limit: usize) -> Vec<u64> {
    let path = format!("/api/0/buckets/{WINDOW}/events?limit={limit}");
    let events = http::get(port, &path).expect("an answer").json().expect("events");
    let events = events.as_array().expect("a list").iter();
    events.map(|event| event["id"].as_u64().expect("an id")).collect()
}

fn delete(port: u16, target: &str) {
    let mut connection = http::Connection::open(port).expect("a connection");
    let answer = connection.request("DELETE", target, None).expect("an answer");
    assert_eq!(answer.status, 200, "{target}");
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

fn shadow(installation: &Installation, source: u16) -> Command {
    let mut command = installation.program();
    command.args(["shadow", &url(source), "--interval", "1", "--dbpath"]);
    command.arg(&installation.data);
    command
}

#[test]
fn a_copy_stays_in_step() {
    let theirs = Installation::new();
    let source = theirs.start();
    fill(&source);
    let ours = Installation::new();
    let serving = |ours: &Installation| {
        let mut command = shadow(ours, source.port);
        command.args(["--port", &ours.port.to_string()]);
        command
    };
    let copy = ours.start_as(serving(&ours));
    until_equal(&source, ours.port);
    let settings = http::get(ours.port, "/api/0/settings/classes").expect("an answer");
    assert_eq!(settings.json(), Some(json!([{ "name": ["Work"] }])));

    // The last event grows, others come, more than are looked at each time; an old one goes, and a bucket comes and goes.
    let now = NEW_YEAR + 3_000 * 700;
    for n in 0..5 {
        beat(&source, WINDOW, now + n * 10, "grows");
    }
    until_equal(&source, ours.port);
    for n in 0..60 {
        beat(&source, WINDOW, now + 100 + n, &format!("title {n}"));
    }
    make_bucket(&source, "short-lived", "test");
    beat(&source, "short-lived", now, "x");
    until_equal(&source, ours.port);
    let all = ids(source.port, 4_000);
    let events = format!("/api/0/buckets/{WINDOW}/events");
    delete(source.port, &format!("{events}/{}", all[2_000]));
    delete(source.port, "/api/0/buckets/short-lived?force=1");
    until_equal(&source, ours.port);

    // Killed, it goes on where it was.
    copy.kill();
    beat(&source, WINDOW, now + 500, "while nobody looked");
    delete(source.port, &format!("{events}/{}", all[10]));
    let copy = ours.start_as(serving(&ours));
    until_equal(&source, ours.port);

    // An edited event is found although there are as many as before.
    let edited =
        json!([{ "id": all[40], "timestamp": at(now + 40), "duration": 5.5, "data": { "title": "edited" } }]);
    ok(source.post(&events, &edited));
    until_equal(&source, ours.port);
    copy.stop();
    ours.verify();
}

#[test]
fn the_source_may_be_away() {
    let theirs = Installation::new();
    let source = theirs.start();
    fill(&source);
    let ours = Installation::with(Data::Encrypted);
    let here = ours.start();
    let mut command = shadow(&ours, source.port);
    command.args(["--server", &url(ours.port)]);
    let _copying = ours.spawn(command);
    until_equal(&source, ours.port);
    source.kill();
    // Meanwhile another one answers there: what it does not have is not deleted here.
    let mut others = Installation::new();
    others.port = theirs.port;
    let other = others.start();
    poll("the shadow to notice", || {
        let log = std::fs::read_to_string(ours.root().join("stderr.log")).ok()?;
        log.contains("another server answers").then_some(())
    });
    let events = contents(ours.port).expect("an export");
    assert_eq!(events[WINDOW]["events"].as_array().map(Vec::len), Some(3_002));
    other.kill();
    let source = theirs.start();
    beat(&source, AFK, NEW_YEAR + 1_000, "after the restart");
    until_equal(&source, ours.port);
    here.stop();
    ours.verify();
}

#[test]
fn compare_finds_what_differs() {
    let theirs = Installation::new();
    let source = theirs.start();
    fill(&source);
    let ours = Installation::new();
    let here = ours.start();
    let run = |what: &[&str]| {
        let mut command = shadow(&ours, source.port);
        command.args(["--server", &url(ours.port)]).args(what);
        let (status, out, err) = ours.run(command);
        (status.code().expect("an exit code"), out, err)
    };
    let (code, _, err) = run(&["--once"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(contents(here.port), contents(source.port));
    // Again it changes nothing.
    let (_, _, err) = run(&["--once"]);
    assert!(err.contains("3003 events (0 stored now)"), "{err}");

    let compare = ["--compare", "--day", "2026-01-05", "--json"];
    let (code, out, err) = run(&compare);
    assert_eq!(code, 0, "{out}\n{err}");
    let report: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(report["equal"], true);
    let names = |list: &Value| -> Vec<String> {
        let lines = list.as_array().expect("a list").iter();
        lines
            .map(|line| line["what"].as_str().expect("a name").to_owned())
            .collect()
    };
    assert_eq!(names(&report["buckets"]), [AFK, WINDOW]);
    assert!(names(&report["queries"]).contains(&"desktop window app_events".to_owned()));

    let old = ids(here.port, 4_000)[2_500];
    delete(here.port, &format!("/api/0/buckets/{WINDOW}/events/{old}"));
    let (code, out, _) = run(&["--compare", "--day", "2026-01-05"]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("The totals differ."), "{out}");
}

#[test]
fn what_cannot_be_shadowed_is_refused() {
    let ours = Installation::new();
    let here = ours.start();
    let run = |source: u16, more: &[&str]| {
        let mut command = shadow(&ours, source);
        command.args(more);
        let (status, _, err) = ours.run(command);
        (status.code().expect("an exit code"), err)
    };
    let (code, err) = run(here.port, &["--server", &url(here.port)]);
    assert_eq!(code, 2);
    assert!(err.contains("is the server that stores the copy"), "{err}");
    let nobody = Installation::new().port;
    let (code, err) = run(nobody, &["--server", &url(here.port)]);
    assert_eq!(code, 2);
    assert!(err.contains("no answer from"), "{err}");
}

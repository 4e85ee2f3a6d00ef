//! Somebody removes or moves the log's files while the server writes them.

use std::fs;
use std::path::PathBuf;

use crate::harness::server::Installation;
use crate::harness::{http, poll};
use serde_json::json;

fn event(n: u64) -> Vec<u8> {
    let events = json!([{"timestamp": format!("2026-01-05T10:{:02}:{:02}Z", n / 60, n % 60), "duration": 1, "data": {"n": n}}]);
    events.to_string().into_bytes()
}

fn bucket(port: u16) {
    let body = json!({"client": "c", "type": "currentwindow", "hostname": "h"});
    let answer = http::post(port, "/api/0/buckets/b", body.to_string().as_bytes()).expect("an answer");
    assert_eq!(answer.status, 200);
}

fn insert(port: u16, n: u64) -> http::Answer {
    http::post(port, "/api/0/buckets/b/events", &event(n)).expect("an answer")
}

fn heartbeat(port: u16, n: u64) -> http::Answer {
    let beat = json!({"timestamp": format!("2026-01-05T11:{:02}:{:02}Z", n / 60, n % 60), "duration": 0, "data": {"n": n}});
    http::post(
        port,
        "/api/0/buckets/b/heartbeat?pulsetime=0",
        beat.to_string().as_bytes(),
    )
    .expect("an answer")
}

fn count(port: u16) -> String {
    http::get(port, "/api/0/buckets/b/events/count")
        .expect("an answer")
        .text()
        .trim()
        .to_owned()
}

fn metric(port: u16, name: &str) -> String {
    let text = http::get(port, "/metrics").expect("an answer").text();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_default().trim().to_owned()
}

#[test]
fn inserts_into_a_segment_that_is_removed_survive_a_kill() {
    let installation = Installation::new();
    let server = installation.start();
    bucket(server.port);
    let segment = installation.data.join("log/00000000000000000001.seg");
    for n in 0..10 {
        // Removed, and moved within the file system.
        match n % 2 {
            0 => fs::remove_file(&segment).expect("the segment"),
            _ => fs::rename(&segment, installation.root().join("moved")).expect("the segment"),
        }
        assert_eq!(insert(server.port, n).status, 200);
        assert!(segment.exists(), "insert {n}");
    }
    assert_eq!(
        metric(server.port, "timberline_log_segments_restored_total "),
        "10"
    );
    server.kill();
    let server = installation.start();
    assert_eq!(count(server.port), "10");
    server.stop();
}

#[test]
fn nothing_is_acknowledged_while_the_data_directory_is_gone() {
    let mut installation = Installation::new();
    installation.configure("[limits]\nwaiting_seconds = 1\n");
    let server = installation.start();
    bucket(server.port);
    assert_eq!(insert(server.port, 0).status, 200);
    let elsewhere: PathBuf = installation.root().join("elsewhere");
    fs::rename(&installation.data, &elsewhere).expect("the data directory");
    let refused = insert(server.port, 1);
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert!(refused.text().contains("no longer there"), "{}", refused.text());
    // It was noticed: heartbeats, which do not wait for the disk, are not acknowledged either.
    let refused = heartbeat(server.port, 2);
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert_eq!(metric(server.port, "timberline_log_held "), "1");
    let page = http::get(server.port, "/status").expect("an answer").text();
    assert!(page.contains("no longer there"), "{page}");
    fs::rename(&elsewhere, &installation.data).expect("the data directory");
    // The one that was not certain was in memory all the time.
    let stored = (0..60).any(|n| insert(server.port, 3 + n).status == 200);
    assert!(stored);
    assert_eq!(heartbeat(server.port, 4).status, 200);
    assert_eq!(metric(server.port, "timberline_log_held "), "0");
    let before = count(server.port);
    server.kill();
    let server = installation.start();
    assert_eq!(count(server.port), before);
    server.stop();
}

#[test]
fn a_server_whose_data_directory_is_gone_can_be_stopped() {
    let mut installation = Installation::new();
    installation.configure("[limits]\nwaiting_seconds = 1\n");
    let mut server = installation.start();
    bucket(server.port);
    fs::rename(&installation.data, installation.root().join("elsewhere")).expect("the data directory");
    assert_eq!(insert(server.port, 1).status, 503);
    server.ask_to_stop();
    poll("the server to stop", || (!server.is_running()).then_some(()));
}

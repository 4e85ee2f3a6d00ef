//! The stream of a server whose clock jumps.

use serde_json::json;

use super::client::Client;
use super::{beat, make_bucket, open, seqs};
use crate::harness::clock::{JUMPS, SetClock};
use crate::harness::http;
use crate::harness::server::{Installation, Server};

/// Noon of 2024-03-01, UTC.
const NOON: i64 = 1_709_294_400;

fn start(installation: &Installation, clock: &SetClock) -> Server {
    let mut command = installation.command();
    clock.apply(&mut command);
    installation.start_as(command)
}

#[test]
fn each_record_comes_once_and_heads_are_right_while_the_clock_jumps() {
    let installation = Installation::new();
    let clock = SetClock::new(installation.root());
    let server = start(&installation, &clock);
    make_bucket(&server, "b", "t");
    let mut steady = Client::open(server.port, "mode=records&after=0", &[]);
    let mut returning = Client::open(server.port, "mode=records&after=0", &[]);
    let mut heads = Client::open(server.port, "mode=heads&every=100", &[]);
    let (mut all, mut over_reconnects) = (Vec::new(), Vec::new());
    let mut newest = 1;
    for jump in JUMPS.into_iter().chain([0]) {
        clock.shift_by(jump);
        for _ in 0..5 {
            newest += 1;
            beat(&mut open(&server), "b", newest, &newest.to_string());
        }
        all.extend(steady.through(newest));
        over_reconnects.extend(returning.through(newest));
        returning = Client::resume(server.port, "mode=records", newest);
        let head = heads.through(newest).pop().expect("a head");
        assert_eq!(
            (&head.data["bucket"], &head.data["count"]),
            (&json!("b"), &json!(newest - 1)),
            "{jump}"
        );
    }
    let expected: Vec<u64> = (1..=newest).collect();
    assert_eq!(seqs(&all), expected);
    assert_eq!(seqs(&over_reconnects), expected);
    let gaps = all
        .iter()
        .chain(&over_reconnects)
        .filter(|event| event.name == "gap");
    assert_eq!(gaps.count(), 0);
    server.stop();
    installation.verify();
}

#[test]
fn the_usage_of_today_is_that_of_the_day_that_the_clock_shows() {
    let installation = Installation::new();
    let clock = SetClock::new(installation.root());
    clock.set(NOON);
    let server = start(&installation, &clock);
    for (bucket, type_, data) in [
        ("w", "currentwindow", json!({ "app": "vim", "title": "x" })),
        ("a", "afkstatus", json!({ "status": "not-afk" })),
    ] {
        make_bucket(&server, bucket, type_);
        let events = [("2024-03-01", 60), ("2024-03-02", 90)].map(|(date, lasts)| {
            json!({ "timestamp": format!("{date}T10:00:00Z"), "duration": lasts, "data": data })
        });
        let (status, answer) = server.post(&format!("/api/0/buckets/{bucket}/events"), &json!(events));
        assert_eq!(status, 200, "{answer}");
    }
    let mut client = Client::open(server.port, "mode=usage&zone=UTC&day_start=00:00&every=1000", &[]);
    client.next();
    // Forward by a day, and back. Each time, something that is not about either day makes the stream look.
    for (now, day, duration) in [
        (NOON, "2024-03-01T00:00:00Z", 60.0),
        (NOON + 86_400, "2024-03-02T00:00:00Z", 90.0),
        (NOON, "2024-03-01T00:00:00Z", 60.0),
        (NOON - 86_400, "2024-02-29T00:00:00Z", 0.0),
    ] {
        clock.set(now);
        server.post("/api/0/settings/theme", &json!(now));
        let usage = client.next();
        assert_eq!(
            (usage.name.as_str(), &usage.data["start"], &usage.data["duration"]),
            ("usage", &json!(day), &json!(duration))
        );
    }
    // It answers others, too.
    let answer = http::get(server.port, "/api/0/info").expect("an answer");
    assert_eq!(answer.status, 200);
    server.stop();
}

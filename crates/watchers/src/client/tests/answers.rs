//! What the client does with each answer of a server.

use super::fake_server::{Fault, Kind};
use super::*;
use std::sync::atomic::Ordering;

const KINDS: [Kind; 3] = [Kind::Rust, Kind::Python, Kind::Timberline];

/// Ten heartbeats, a second apart, none of which extends another.
fn ten(process: &mut Process) -> Vec<(i64, i64, String)> {
    let expected: Vec<_> = (1..=10)
        .map(|second| (second, second, second.to_string()))
        .collect();
    for (start, _, data) in &expected {
        process.beat("b", *start, data).expect("it is taken");
        process.run(1);
    }
    expected
}

/// For comparison: aw-client 0.5.15 loses 10 of 10 heartbeats to a server that answers 500, and to one that is gone.
#[test]
fn nothing_is_lost_while_the_server_does_not_take_it() {
    for kind in KINDS {
        for fault in [
            Fault::Refused,
            Fault::LostOnTheWay,
            Fault::AnswerLost,
            Fault::Status(500),
            Fault::Status(503),
            Fault::StatusAfterwards(502),
            Fault::Status(429),
            Fault::Status(401),
            Fault::Status(403),
            Fault::Status(302),
            Fault::LoginPage,
            Fault::LoginPageOnly,
        ] {
            for commit_interval in [0, 10] {
                let mut process = Process::start(kind, options(commit_interval));
                *process.link.always.lock() = Some(fault);
                let expected = ten(&mut process);
                process.run(100);
                assert_eq!(process.waiting(), 10);
                *process.link.always.lock() = None;
                process.run(70);
                assert_eq!(process.stored("b"), expected, "{kind:?} {fault:?}");
                assert_eq!((process.waiting(), process.refused().as_str()), (0, ""));
            }
        }
    }
}

#[test]
fn a_missing_bucket_is_created_and_nothing_else_is_asked() {
    for kind in KINDS {
        let mut process = Process::start(kind, options(0));
        process.beat("b", 1, "x").expect("taken");
        process.send();
        assert_eq!(process.stored("b").len(), 1);
        let created = process.link.server.lock().created_with("b");
        let expected =
            serde_json::json!({ "client": "aw-watcher-test", "type": "test", "hostname": "laptop" });
        assert_eq!(created, expected);
        process.link.server.lock().requests.clear();
        process.beat("b", 2, "y").expect("taken");
        process.send();
        assert_eq!(process.link.server.lock().requests.len(), 1);
    }
}

#[test]
fn a_server_that_has_forgotten_everything_gets_its_buckets_again() {
    for kind in KINDS {
        let mut process = Process::start(kind, options(0));
        process.beat("b", 1, "x").expect("taken");
        process.send();
        process.link.server.lock().forget();
        process.beat("b", 2, "y").expect("taken");
        process.send();
        assert_eq!(process.stored("b"), [(2, 2, "y".to_owned())]);
    }
}

#[test]
fn refused_heartbeats_are_set_aside_and_block_nothing() {
    for kind in KINDS {
        let mut process = Process::start(kind, options(0));
        process.link.server.lock().unreadable = Some("bad".to_owned());
        for (start, data) in [(1, "good"), (2, "bad"), (3, "good again")] {
            process.beat("b", start, data).expect("taken");
        }
        process.send();
        let stored = process.stored("b");
        assert_eq!(
            stored,
            [(1, 1, "good".to_owned()), (3, 3, "good again".to_owned())],
            "{kind:?}"
        );
        assert_eq!(process.waiting(), 0);
        let refused = process.refused();
        let line: serde_json::Value = serde_json::from_str(refused.trim()).expect("one line");
        assert_eq!(line["data"], serde_json::json!({ "d": "bad" }));
        assert_eq!(line["timestamp"], "1970-01-01T00:00:02Z");
        assert!(
            line["reason"]
                .as_str()
                .expect("text")
                .contains("it is unreadable"),
            "{line}"
        );
    }
}

#[test]
fn a_server_that_refuses_everything_does_not_empty_the_queue() {
    for kind in KINDS {
        let mut process = Process::start(kind, options(0));
        *process.link.always.lock() = Some(Fault::Status(400));
        let expected = ten(&mut process);
        process.run(100);
        assert_eq!(process.refused(), "");
        *process.link.always.lock() = None;
        process.run(70);
        assert_eq!(process.stored("b"), expected, "{kind:?}");
    }
}

#[test]
fn heartbeats_that_a_privacy_filter_drops_are_written_nowhere() {
    let mut process = Process::start(Kind::Timberline, options(0));
    process.link.server.lock().filtered = Some("secret".to_owned());
    for (start, data) in [(1, "a"), (2, "secret"), (3, "b")] {
        process.beat("b", start, data).expect("taken");
    }
    process.send();
    assert_eq!(process.stored("b").len(), 2);
    assert_eq!((process.waiting(), process.refused().as_str()), (0, ""));
}

#[test]
fn a_bucket_that_was_missing_gets_its_events_although_the_answer_is_not_known_any_more() {
    let mut process = Process::start(Kind::Timberline, options(0));
    process.beat("a", 1, "x").expect("taken");
    process.send();
    process.beat("a", 2, "y").expect("taken");
    process.beat("b", 2, "z").expect("taken");
    process.link.next.lock().push_back(Fault::AnswerLost);
    process.send();
    {
        let mut server = process.link.server.lock();
        server.forgets_answers = true;
        // Nothing of this may come back.
        server.erase("a");
    }
    process.run(100);
    assert_eq!(process.stored("a"), []);
    assert_eq!(process.stored("b"), [(2, 2, "z".to_owned())]);
    assert_eq!((process.waiting(), process.refused().as_str()), (0, ""));
}

#[test]
fn a_token_for_some_buckets_blocks_only_the_others() {
    let mut process = Process::start(Kind::Timberline, options(0));
    process.link.server.lock().forbidden = vec!["b".to_owned()];
    for second in 1..=100 {
        for bucket in ["a", "b"] {
            process.beat(bucket, second, &second.to_string()).expect("taken");
        }
        process.run(1);
    }
    assert_eq!((process.stored("a").len(), process.waiting()), (100, 100));
    assert!(process.sender.trouble().is_some_and(|why| why.contains("'b'")));
    process.link.server.lock().forbidden.clear();
    process.run(70);
    assert_eq!((process.stored("b").len(), process.waiting()), (100, 0));
}

#[test]
fn a_key_for_recording_only_is_enough() {
    for kind in KINDS {
        let mut process = Process::start(kind, options(0));
        process.link.server.lock().append_only = true;
        process.link.server.lock().unreadable = Some("bad".to_owned());
        for (start, data) in [(1, "good"), (2, "bad"), (3, "good again")] {
            process.beat("b", start, data).expect("taken");
            process.link.next.lock().push_back(Fault::AnswerLost);
            process.run(10);
        }
        process.run(100);
        assert_eq!((process.stored("b").len(), process.waiting()), (2, 0), "{kind:?}");
        assert!(process.refused().contains("bad"));
    }
}

#[test]
fn the_server_says_when_to_come_again() {
    let mut process = Process::start(Kind::Timberline, options(0));
    process.link.next.lock().push_back(Fault::RetryAfter(300));
    process.beat("b", 1, "x").expect("taken");
    process.run(290);
    assert_eq!(process.link.server.lock().requests.len(), 0);
    process.run(20);
    assert_eq!(process.waiting(), 0);
}

#[test]
fn a_server_that_is_away_is_asked_less_and_less_often() {
    let mut process = Process::start(Kind::Timberline, options(0));
    *process.link.always.lock() = Some(Fault::Refused);
    process.beat("b", 1, "x").expect("taken");
    process.run(3600);
    // Each minute, or up to twice as often.
    let sent = process.link.sent.load(Ordering::Relaxed);
    assert!((55..=140).contains(&sent), "{sent} times in an hour");
    *process.link.always.lock() = None;
    process.run(61);
    assert_eq!(process.waiting(), 0, "and it is back within a minute");
}

#[test]
fn a_bucket_that_the_server_creates_but_does_not_have_causes_no_loop() {
    for kind in KINDS {
        let mut process = Process::start(kind, options(0));
        process.link.server.lock().forgets_buckets = true;
        let expected = ten(&mut process);
        process.run(3600);
        let sent = process.link.sent.load(Ordering::Relaxed);
        assert!(sent < 1_000, "{sent} requests in an hour: {kind:?}");
        assert_eq!((process.waiting(), process.refused().as_str()), (10, ""));
        process.link.server.lock().forgets_buckets = false;
        process.run(130);
        assert_eq!(process.stored("b"), expected);
    }
}

#[test]
fn a_server_without_the_api_is_waited_for() {
    for kind in KINDS {
        let mut process = Process::start(kind, options(0));
        *process.link.always.lock() = Some(Fault::Status(404));
        let expected = ten(&mut process);
        process.run(60);
        assert_eq!((process.waiting(), process.refused().as_str()), (10, ""));
        *process.link.always.lock() = None;
        process.run(70);
        assert_eq!(process.stored("b"), expected);
    }
}

//! Once in effect: what happens when an answer is lost.

use super::fake_server::{FakeServer, Fault, Kind};
use super::*;
use timberline_model::Heartbeat;

fn foreign(server: &mut FakeServer, bucket: &str, start: i64, data: &str) {
    let beat = waiting(bucket, start, 0, data, 2);
    let heartbeat = Heartbeat {
        start: beat.start,
        duration: beat.duration,
        data: beat.data.as_str().into(),
    };
    server.beat(bucket, &heartbeat, beat.pulsetime);
}

/// Why the client does more than to send again: with another event between, the heartbeat becomes a second event.
#[test]
fn sending_a_heartbeat_again_is_not_harmless_when_something_came_between() {
    for kind in [Kind::Rust, Kind::Timberline] {
        let mut server = FakeServer::new(kind);
        foreign(&mut server, "b", 10, "x");
        foreign(&mut server, "b", 10, "x");
        assert_eq!(server.events("b").len(), 1, "nothing between: harmless");
        foreign(&mut server, "b", 11, "y");
        foreign(&mut server, "b", 10, "x");
        assert_eq!(server.events("b").len(), 3, "something between: a second event");
    }
}

#[test]
fn a_heartbeat_whose_answer_was_lost_is_stored_once_although_another_program_wrote_between() {
    for kind in [Kind::Rust, Kind::Python, Kind::Timberline] {
        for killed in [false, true] {
            let mut process = Process::start(kind, options(0));
            process.beat("b", 5, "before").expect("taken");
            process.send();
            process.beat_for("b", 10, 3, "x", 2).expect("taken");
            process.link.next.lock().push_back(Fault::AnswerLost);
            process.run(1);
            foreign(&mut process.link.server.lock(), "b", 20, "foreign");
            if killed {
                process = process.kill(3);
            }
            process.run(70);
            let expected = [(5, 5, "before"), (10, 13, "x"), (20, 20, "foreign")];
            let expected = expected.map(|(start, end, data)| (start, end, data.to_owned()));
            assert_eq!(process.stored("b"), expected, "{kind:?}, killed: {killed}");
            assert_eq!(process.waiting(), 0);
        }
    }
}

#[test]
fn a_heartbeat_that_was_lost_on_the_way_is_sent_again() {
    for kind in [Kind::Rust, Kind::Python, Kind::Timberline] {
        let mut process = Process::start(kind, options(0));
        process.beat("b", 5, "before").expect("taken");
        process.send();
        for (start, data) in [(10, "x"), (11, "y")] {
            process.beat("b", start, data).expect("taken");
        }
        process
            .link
            .next
            .lock()
            .extend([Fault::LostOnTheWay, Fault::Status(500), Fault::AnswerLost]);
        process.run(200);
        assert_eq!(process.stored("b").len(), 3, "{kind:?}");
    }
}

#[test]
fn a_batch_is_sent_again_under_the_same_name_and_with_the_same_heartbeats() {
    // The fake server compares the heartbeats of requests with the same id.
    let mut process = Process::start(Kind::Timberline, options(0));
    process.link.next.lock().push_back(Fault::AnswerLost);
    for second in 1..=5 {
        process.beat("b", second, &second.to_string()).expect("taken");
    }
    process
        .link
        .server
        .lock()
        .beat("b", &first_beat(), Pulsetime::from_nanos(0));
    process.send();
    for second in 6..=9 {
        process.beat("b", second, &second.to_string()).expect("taken");
    }
    let mut process = process.kill(9);
    process.run(70);
    let data: Vec<_> = process.stored("b").into_iter().map(|(_, _, data)| data).collect();
    assert_eq!(data, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
}

fn first_beat() -> Heartbeat<'static> {
    Heartbeat {
        start: at(0),
        duration: Duration::ZERO,
        data: r#"{"d":"0"}"#.into(),
    }
}

#[test]
fn a_heartbeat_that_cannot_be_sent_twice_safely_is_refused() {
    let process = Process::start(Kind::Timberline, options(0));
    for (seconds, pulsetime) in [(-1, 2), (0, -1)] {
        let refused = process.beat_for("b", 1, seconds, "x", pulsetime);
        assert!(matches!(refused, Err(QueueError::Negative { .. })), "{refused:?}");
    }
}

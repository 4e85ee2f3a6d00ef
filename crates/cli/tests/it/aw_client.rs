//! A working day recorded through the real `aw-client` from PyPI: queued heartbeats of three watchers, several
//! restarts of the server and one `kill -9` in between. At the end every event is there, as long as it was.
//!
//! The client throws a queued heartbeat away on any refusal and on any closed connection, also a refused
//! one. So the server is given its listening socket, as service managers do (`--listen-fd`): while it is away,
//! connections wait in that socket, and nothing that the client says is lost.

mod day;
mod recorder;

use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::OwnedFd;
use std::process::Command;

use self::day::{Day, Event};
use self::recorder::Recorder;
pub(crate) use self::recorder::python_with_client;
use crate::harness::rfc3339;
use crate::harness::server::{Installation, Server};
use crate::harness::{http, poll};

/// Restarts at midday, and again in the afternoon. Each meets the traffic at another moment: with a request
/// half read, half answered, or still in the socket.
const RESTARTS: usize = 5;

#[test]
fn a_day_with_restarts_and_a_kill_is_recorded_whole() {
    let day = Day::plan();
    let installation = Installation::new();
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, installation.port)).expect("a listening socket");
    let mut recorder = Recorder::start(&installation, &day);
    let server = installation.start_as(command(&installation, &socket));

    // The morning is answered to the last heartbeat, and in the next moment the server is gone.
    recorder.record(0);
    poll("the morning to be recorded", || {
        (recorder.state().waiting == 0).then_some(())
    });
    server.kill();

    // Midday begins without a server. It comes, and is restarted while the clients catch up.
    recorder.record(1);
    let mut server = installation.start_as(command(&installation, &socket));
    for _ in 0..RESTARTS {
        server = restart_in_the_midst(&installation, &socket, server, &mut recorder);
    }

    // The afternoon begins before they have caught up, and has its restarts too.
    recorder.record(2);
    for _ in 0..RESTARTS {
        server = restart_in_the_midst(&installation, &socket, server, &mut recorder);
    }
    poll("the day to be recorded", || {
        (recorder.state().waiting == 0).then_some(())
    });
    let state = recorder.stop();
    assert_eq!(
        state.thrown_away,
        Vec::<String>::new(),
        "what the clients threw away"
    );

    for (bucket, expected) in day.events() {
        let stored = stored(&server, &bucket);
        let total =
            |events: &[Event]| events.iter().map(|event| event.duration).sum::<i128>() / rfc3339::SECOND;
        println!("{bucket}: {} events, {} s", stored.len(), total(&stored));
        assert_eq!(
            (total(&stored), stored.len()),
            (total(&expected), expected.len()),
            "{bucket}: seconds, events"
        );
        assert_eq!(stored, expected, "{bucket}");
    }
    server.stop();
    installation.verify();
}

/// Starts the server on a socket that is not its own: it gets it as its standard input.
fn command(installation: &Installation, socket: &TcpListener) -> Command {
    let socket: OwnedFd = socket.try_clone().expect("the socket once more").into();
    let mut command = installation.command();
    command.args(["--listen-fd", "0"]).stdin(socket);
    command
}

/// Restarts the server as soon as it has taken some of what waits, and while more waits.
fn restart_in_the_midst(
    installation: &Installation,
    socket: &TcpListener,
    server: Server,
    recorder: &mut Recorder,
) -> Server {
    let before = recorder.state().waiting;
    let now = poll("some requests to be answered", || {
        Some(recorder.state().waiting).filter(|waiting| waiting + 20 < before)
    });
    assert!(
        now > 0,
        "the day is too short: the restart must fall into the traffic"
    );
    server.stop();
    let server = installation.start_as(command(installation, socket));
    println!("restarted with {now} requests waiting");
    server
}

/// What the server has of a bucket, in the order of time.
fn stored(server: &Server, bucket: &str) -> Vec<Event> {
    let answer = http::get(server.port, &format!("/api/0/buckets/{bucket}/events")).expect("the events");
    assert_eq!(answer.status, 200, "{bucket}: {}", answer.text());
    let json = answer.json().expect("JSON");
    let mut events: Vec<_> = json
        .as_array()
        .expect("a list")
        .iter()
        .map(Event::from_json)
        .collect();
    events.sort_by_key(|event| event.start);
    events
}

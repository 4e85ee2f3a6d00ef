//! `kill -9` of the real server under writers: what it acknowledged is there afterwards, whole.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use crate::harness::ledger::Ledger;
use crate::harness::server::{Installation, Server};

const WRITERS: usize = 8;
const ROUNDS: usize = 20;

/// Heartbeats in one event.
const RUN_LENGTH: u64 = 7;

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let mut installation = Installation::new();
    // The smallest segments, so that kills meet the change from one to the next too.
    installation.configure("[log]\nsegment_bytes = 1048576\n");
    let mut server = installation.start();
    // One store goes through all rounds, so that every recovery meets what the earlier ones left behind.
    let mut ledgers: Vec<_> = (0..WRITERS)
        .map(|writer| Ledger::open(server.port, &format!("crash-{writer}"), RUN_LENGTH).expect("a bucket"))
        .collect();
    for round in 0..ROUNDS {
        // Different every round, from hardly begun to well under way.
        let kill_at = 1000 * (1 + round * 7 % 10);
        write_until_killed(server, &mut ledgers, kill_at);
        server = installation.start();
        let acknowledged: usize = ledgers.iter().map(Ledger::acknowledged).sum();
        let differences: String = ledgers
            .iter()
            .map(|ledger| ledger.differences(server.port))
            .collect();
        println!(
            "round {}: {acknowledged} heartbeats acknowledged so far",
            round + 1
        );
        assert_eq!(
            differences,
            "",
            "round {}, of {acknowledged} acknowledged heartbeats",
            round + 1
        );
    }
    server.stop();
    // A killed server leaves a log that proves to be sound, not only one that can be read.
    installation.verify();
}

/// Has all writers send as fast as they are answered and kills the server in the midst of it, as soon as
/// they have got so many answers.
fn write_until_killed(server: Server, ledgers: &mut [Ledger], kill_at: usize) {
    let answers = AtomicUsize::new(0);
    let (reach, reached) = mpsc::channel();
    let (answers, port) = (&answers, server.port);
    thread::scope(|scope| {
        for ledger in ledgers {
            let reach = reach.clone();
            scope.spawn(move || {
                ledger.begin_event();
                let ended = ledger.write(port, |answer| {
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    if answers.fetch_add(1, Ordering::Relaxed) + 1 == kill_at {
                        reach.send(()).expect("somebody waits for it");
                    }
                    ControlFlow::Continue(())
                });
                assert!(ended.is_err(), "a writer writes until it is cut off");
            });
        }
        drop(reach);
        // Fails when all writers have, and then the test does.
        let _ = reached.recv();
        server.kill();
    });
}

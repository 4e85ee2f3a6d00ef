//! The queue: merging, growth, full disks, kills.

use timberline_disk::Cipher;

use super::fake_server::{Fault, Kind};
use super::*;

#[test]
fn heartbeats_are_merged_as_aw_client_merges_them() {
    let mut process = Process::start(Kind::Rust, options(10));
    for second in 0..=60 {
        process.beat("b", second, "x").expect("taken");
        process.run(1);
    }
    let beats = |process: &Process| {
        let server = process.link.server.lock();
        server
            .requests
            .iter()
            .filter(|request| request.ends_with("heartbeat"))
            .count()
    };
    assert!(
        (5..=8).contains(&beats(&process)),
        "about one in ten is sent: {}",
        beats(&process)
    );
    process.run(11);
    assert_eq!(process.stored("b"), [(0, 60, "x".to_owned())]);
}

#[test]
fn held_back_heartbeats_are_sent_after_the_interval_although_nothing_follows() {
    let mut process = Process::start(Kind::Rust, options(10));
    process.beat("b", 1, "x").expect("taken");
    process.run(9);
    assert_eq!(process.stored("b").len(), 0);
    assert_eq!(process.queue.lock().deadline(), Some(Duration::from_secs(10)));
    process.run(1);
    assert_eq!(
        (process.stored("b").len(), process.queue.lock().deadline()),
        (1, Some(Duration::from_secs(600))),
        "then what was sent is erased"
    );
}

#[test]
fn held_back_heartbeats_survive_a_kill() {
    let mut process = Process::start(Kind::Rust, options(10));
    for second in 0..=7 {
        process.now = Duration::from_secs(second);
        assert_eq!(process.beat("b", second, "x").expect("taken"), Stored::OnDisk);
    }
    let mut process = process.kill(5);
    assert_eq!(process.waiting(), 1);
    process.run(11);
    assert_eq!(process.stored("b"), [(0, 7, "x".to_owned())]);
}

#[test]
fn held_back_heartbeats_are_written_at_most_once_a_second_and_within_a_second() {
    let mut process = Process::start(Kind::Rust, options(10));
    process.beat("b", 0, "x").expect("taken");
    let grown = |process: &Process| process.queue.lock().grown();
    let before = grown(&process);
    for _ in 0..9 {
        process.now = process.now.saturating_add(Duration::from_nanos(100_000_000));
        process.beat_for("b", 0, 1, "x", 2).expect("taken");
    }
    assert_eq!(grown(&process), before);
    assert_eq!(process.queue.lock().deadline(), Some(Duration::from_secs(1)));
    process.now = Duration::from_secs(1);
    process.queue.lock().maintain(process.now);
    assert!(grown(&process) > before);
}

#[test]
fn a_day_without_a_server_takes_one_heartbeat_for_each_event_and_little_disk() {
    let mut process = Process::start(Kind::Rust, options(10));
    *process.link.always.lock() = Some(Fault::Refused);
    process.beat("first", 0, "x").expect("taken");
    process.run(11);
    for minute in 0..1440 {
        for second in 0..60 {
            process.now = process.now.saturating_add(Duration::from_secs(1));
            let data = (minute / 10).to_string();
            process
                .beat("window", minute * 60 + second, &data)
                .expect("taken");
            if second % 5 == 0 {
                process
                    .beat_for("afk", 0, minute * 60 + second, "not-afk", 185)
                    .expect("taken");
            }
            if second % 20 == 0 {
                process.send();
            }
        }
    }
    assert!(process.waiting() <= 150, "{} wait", process.waiting());
    assert!(process.disk.used() < 4 << 20, "{} bytes", process.disk.used());
    *process.link.always.lock() = None;
    process.run(120);
    assert_eq!(
        (process.stored("window").len(), process.stored("afk").len()),
        (144, 1)
    );
    assert_eq!(
        process.stored("window")[143],
        (143 * 600, 144 * 600 - 1, "143".to_owned())
    );
}

#[test]
fn a_full_queue_keeps_what_waits_and_refuses_what_is_new() {
    for commit_interval in [0, 10] {
        a_full_queue(commit_interval);
    }
}

fn a_full_queue(commit_interval: i64) {
    let options = QueueOptions {
        limit: 2_000,
        ..options(commit_interval)
    };
    let mut process = Process::start(Kind::Rust, options);
    *process.link.always.lock() = Some(Fault::Refused);
    let mut taken = Vec::new();
    for second in 0..100 {
        if process.beat("b", second * 10, &second.to_string()).is_ok() {
            taken.push((second * 10, second * 10, second.to_string()));
        }
        process.run(1);
    }
    assert!((5..20).contains(&taken.len()), "{}", taken.len());
    let refused = process.beat("b", 5_000, "new").expect_err("full");
    assert!(matches!(refused, QueueError::Full { .. }), "{refused}");
    *process.link.always.lock() = None;
    process.run(70);
    assert_eq!(
        process.beat("b", 6_000, "new").expect("there is room"),
        Stored::OnDisk
    );
    let stored: Vec<_> = process.stored("b");
    assert_eq!(stored[..taken.len()], taken, "the oldest are all there");
}

#[test]
fn a_full_disk_is_waited_for_in_memory() {
    let mut process = Process::start(Kind::Rust, options(0));
    *process.link.always.lock() = Some(Fault::Refused);
    let data = "x".repeat(50_000);
    process.disk.set_capacity(process.disk.used() + 100_000);
    let mut stored = Vec::new();
    for second in 0..40 {
        stored.push(
            process
                .beat("b", second * 10, &format!("{second} {data}"))
                .expect("taken"),
        );
        process.run(1);
    }
    assert!(stored.contains(&Stored::OnDisk) && stored.contains(&Stored::InMemory));
    assert!(process.queue.lock().is_behind());
    process.disk.set_capacity(u64::MAX);
    process.run(2);
    assert!(!process.queue.lock().is_behind());
    let mut process = process.kill(7);
    *process.link.always.lock() = None;
    process.run(70);
    assert_eq!(process.stored("b").len(), 40);
}

#[test]
fn the_log_does_not_grow_with_what_was_sent() {
    let mut process = Process::start(Kind::Timberline, options(0));
    let data = "x".repeat(10_000);
    for second in 0..2_000 {
        process
            .beat("b", second * 10, &format!("{second} {data}"))
            .expect("taken");
        process.run(1);
    }
    assert!(process.disk.used() < 8 << 20, "{} bytes", process.disk.used());
    let process = process.kill(7);
    assert_eq!((process.waiting(), process.stored("b").len()), (0, 2_000));
}

#[test]
fn a_power_cut_while_the_log_is_written_anew_loses_nothing() {
    for operation in 0..60 {
        let process = Process::start(Kind::Rust, options(0));
        *process.link.always.lock() = Some(Fault::Refused);
        for second in 0..10 {
            process
                .beat("b", second * 10, &second.to_string())
                .expect("taken");
        }
        process.queue.lock().sync();
        process.disk.crash_at(process.disk.operations() + operation);
        process.queue.lock().rewrite_now(process.now);
        let disk = process.disk.crash(operation);
        *process.link.always.lock() = None;
        let mut again = Process::start_on(disk, process.link.clone(), options(0), Duration::ZERO);
        assert_eq!(again.waiting(), 10, "crash before operation {operation}");
        again.run(10);
        assert_eq!(again.stored("b").len(), 10);
    }
}

#[test]
fn a_sync_that_failed_ends_the_log_and_not_the_queue() {
    let mut process = Process::start(Kind::Rust, options(0));
    process.beat("b", 1, "x").expect("taken");
    process.disk.fail_syncs(true);
    process.queue.lock().sync();
    *process.link.always.lock() = Some(Fault::Refused);
    assert_eq!(process.beat("b", 10, "y").expect("taken"), Stored::InMemory);
    process.disk.fail_syncs(false);
    process.run(3);
    assert!(!process.queue.lock().is_behind());
    let mut process = process.kill(7);
    *process.link.always.lock() = None;
    process.run(70);
    assert_eq!(process.stored("b").len(), 2);
}

#[test]
fn a_second_process_gets_the_error_that_the_queue_is_in_use() {
    let process = Process::start(Kind::Rust, options(0));
    let second = Queue::open(place(&process.disk), options(0), Duration::ZERO).expect_err("in use");
    assert!(second.to_string().contains("is in use by"), "{second}");
}

#[test]
fn a_heartbeat_that_is_too_large_for_the_log_is_refused() {
    let process = Process::start(Kind::Rust, options(0));
    let refused = process
        .beat("b", 1, &"x".repeat(300 << 10))
        .expect_err("too large");
    assert!(matches!(refused, QueueError::TooLarge { .. }), "{refused}");
    process.beat("b", 1, &"x".repeat(250 << 10)).expect("it fits");
}

#[test]
fn nothing_of_what_was_sent_is_left_on_the_disk_when_the_client_is_closed() {
    let mut process = Process::start(Kind::Timberline, options(10));
    process.beat("b", 1, "a secret title").expect("taken");
    process.run(11);
    process.queue.lock().close(process.now).expect("closed");
    for dir in ["a", "b", "state"] {
        let storage = process.disk.dir(dir);
        for name in storage.list().expect("files") {
            let bytes = storage.read_file(&name).expect("a file");
            assert!(!bytes.windows(6).any(|bytes| bytes == b"secret"), "{dir}/{name}");
        }
    }
}

fn any_file_has(process: &Process, text: &[u8]) -> bool {
    ["a", "b", "state"].into_iter().any(|dir| {
        let storage = process.disk.dir(dir);
        let names = storage.list().expect("files");
        names.iter().any(|name| {
            let bytes = storage.read_file(name).expect("a file");
            bytes.windows(text.len()).any(|bytes| bytes == text)
        })
    })
}

/// Events can be purged from the server's store: then they must not be in the queue's files either.
#[test]
fn what_was_sent_is_erased_when_asked_and_after_ten_minutes() {
    for asked in [true, false] {
        let mut process = Process::start(Kind::Timberline, options(10));
        process.beat("b", 1, "a secret title").expect("taken");
        process.run(11);
        process.beat("b", 20, "what waits").expect("taken");
        assert!(any_file_has(&process, b"secret"));
        if asked {
            process.queue.lock().forget_sent(process.now);
        } else {
            *process.link.always.lock() = Some(Fault::Refused);
            process.run(601);
        }
        assert!(!any_file_has(&process, b"secret"), "asked: {asked}");
        *process.link.always.lock() = None;
        let mut process = process.kill(3);
        process.run(70);
        assert_eq!(process.stored("b").len(), 2);
    }
}

#[test]
fn an_encrypted_queue_is_opened_again() {
    let options = || {
        let mut options = options(0);
        options.log.cipher = Some(Arc::new(Cipher::taken_into_use(&[7; 32])));
        options
    };
    let mut process = Process::start(Kind::Rust, options());
    *process.link.always.lock() = Some(Fault::Refused);
    for second in 0..10 {
        process
            .beat("b", second * 10, &second.to_string())
            .expect("taken");
        if second == 5 {
            process.queue.lock().rewrite_now(process.now);
        }
        process = process.kill(7);
        assert_eq!(process.waiting(), second as usize + 1);
    }
    *process.link.always.lock() = None;
    process.run(70);
    assert_eq!(process.stored("b").len(), 10);
}

/// Wherever the damage is, what can be read is sent: a damaged record costs itself, and not the queue.
#[test]
fn damage_costs_no_more_than_the_records_that_it_hits() {
    for rewritten in [false, true] {
        let mut at = 0;
        loop {
            let process = Process::start(Kind::Rust, options(0));
            *process.link.always.lock() = Some(Fault::Refused);
            for second in 0..10 {
                process
                    .beat("b", second * 10, &second.to_string())
                    .expect("taken");
                // As each second: later records then say that this one is durable.
                process.queue.lock().sync();
            }
            if rewritten {
                process.queue.lock().rewrite_now(process.now);
            }
            process.queue.lock().sync();
            let disk = process.disk.crash(1);
            let storage = disk.dir(if rewritten { "b" } else { "a" });
            let names = storage.list().expect("files");
            let name = names.first().expect("a segment");
            let mut bytes = storage.read_file(name).expect("a segment");
            let used = bytes.iter().rposition(|byte| *byte != 0).expect("records");
            if at > used {
                break;
            }
            bytes[at] ^= 0x10;
            storage.write_file(name, &bytes).expect("written");
            *process.link.always.lock() = None;
            let mut again = Process::start_on(disk, process.link.clone(), options(0), Duration::ZERO);
            again.run(70);
            let stored = again.stored("b").len();
            assert!(
                stored >= 9,
                "rewritten: {rewritten}, damage at {at}: {stored} of 10"
            );
            at += 7;
        }
    }
}

/// The record that completes a log may not fit the disk when the log is begun.
#[test]
fn a_disk_that_is_full_at_the_first_start_loses_nothing_later() {
    let disk = SimDisk::with_files_up_to(1, 1 << 20);
    disk.set_capacity(disk.used());
    let link = Arc::new(Link::to(FakeServer::new(Kind::Rust)));
    *link.always.lock() = Some(Fault::Refused);
    let process = Process::start_on(disk, link, options(0), Duration::ZERO);
    process.disk.set_capacity(u64::MAX);
    assert_eq!(process.beat("b", 1, "x").expect("taken"), Stored::OnDisk);
    let mut process = process.kill(5);
    assert_eq!(process.waiting(), 1);
    *process.link.always.lock() = None;
    process.run(70);
    assert_eq!(process.stored("b").len(), 1);
}

/// The log's last record says that it is complete. If that is damaged when a crash interrupts writing the other log, what both have
/// counts.
#[test]
fn of_two_logs_without_an_end_both_are_read() {
    for operation in 0..12 {
        let process = Process::start(Kind::Rust, options(0));
        *process.link.always.lock() = Some(Fault::Refused);
        for second in 0..10 {
            process
                .beat("b", second * 10, &second.to_string())
                .expect("taken");
        }
        process.queue.lock().sync();
        process.disk.crash_at(process.disk.operations() + operation);
        process.queue.lock().rewrite_now(process.now);
        let disk = process.disk.crash(operation);
        for dir in ["a", "b"] {
            let storage = disk.dir(dir);
            for name in storage.list().expect("files") {
                let mut bytes = storage.read_file(&name).expect("a segment");
                if let Some(at) = bytes.windows(14).position(|bytes| bytes == br#"{"generation":"#) {
                    bytes[at] = b'?';
                    storage.write_file(&name, &bytes).expect("written");
                }
            }
        }
        *process.link.always.lock() = None;
        let mut again = Process::start_on(disk, process.link.clone(), options(0), Duration::ZERO);
        again.run(70);
        assert_eq!(again.stored("b").len(), 10, "crash before operation {operation}");
        let again = again.kill(3);
        assert_eq!(again.waiting(), 0);
    }
}

#[test]
fn a_full_disk_keeps_what_was_sent_and_is_not_asked_all_the_time() {
    let mut process = Process::start(Kind::Timberline, options(0));
    process.beat("b", 1, "a secret title").expect("taken");
    process.run(11);
    process.disk.set_capacity(process.disk.used());
    process.now = process.now.saturating_add(Duration::from_secs(600));
    process.queue.lock().maintain(process.now);
    assert!(any_file_has(&process, b"secret"));
    let again = process.queue.lock().deadline().expect("it is tried again");
    assert_eq!(again, process.now.saturating_add(Duration::from_secs(60)));
    process.disk.set_capacity(u64::MAX);
    process.run(61);
    assert!(!any_file_has(&process, b"secret"));
}

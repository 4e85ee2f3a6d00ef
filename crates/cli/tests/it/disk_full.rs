//! A full disk: writes wait and are refused at last, reads go on, and with space everything goes on, with
//! nothing lost that was acknowledged.
//!
//! Needs a small filesystem, which root can mount; without that there is nothing to test here, and the test
//! says so.

#![cfg(target_os = "linux")]
use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use crate::harness::http::{self, Answer, Connection};
use crate::harness::ledger::Ledger;
use crate::harness::rfc3339;
use crate::harness::server::Installation;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use serde_json::{Value, json};

/// The size of the small filesystem, and what of it the ballast leaves free at first.
const DISK_BYTES: u64 = 64 << 20;
const FREE_BYTES: u64 = 6 << 20;

/// Small segments, so that the next one is soon wanted. Long enough to show that a write waits, short enough
/// to see it refused.
const CONFIGURATION: &str = "
[log]
segment_bytes = 1048576

[limits]
waiting_seconds = 10
";

#[test]
fn a_full_disk_holds_writes_and_loses_nothing() {
    let mut installation = Installation::new();
    installation.configure(CONFIGURATION);
    let Some(disk) = SmallDisk::mount_or_tell(&installation.data) else {
        return;
    };
    let mut server = installation.start();
    let port = server.port;
    let mut ledger = Ledger::open(port, "disk-full", 5).expect("a bucket");
    let mut filler = Filler::open(port);
    let ballast = disk.load(FREE_BYTES);

    // Until it is full: each write is either stored or, having waited in vain, refused with the reason.
    let refusal = filler.fill();
    assert_refused_for_want_of_space(&refusal);
    let mut refusal = None;
    let wrote = ledger.write(port, |answer| match answer.status {
        200 => ControlFlow::Continue(()),
        _ => {
            refusal = Some((answer.status, answer.text(), answer.header("retry-after")));
            ControlFlow::Break(())
        }
    });
    wrote.expect("an answer to every heartbeat");
    println!("the last small heartbeat: {refusal:?}");
    assert_readiness(&installation, port, 503, "the disk is full");
    ledger.begin_event();

    // A write waits: it has been sent, the server answers other requests after it, and there is no room for
    // it. When there is, it is stored.
    let mut waiting = filler.send();
    for _ in 0..3 {
        assert_readable(port);
    }
    assert!(server.is_running());
    fs::remove_file(ballast).expect("the ballast to go");
    let answer = waiting.receive("POST").expect("an answer");
    assert_eq!(answer.status, 200, "a write that waited: {}", answer.text());
    filler.stored += 1;

    // And so is all that follows, without a restart.
    let mut more = 500;
    let wrote = ledger.write(port, |answer| {
        assert_eq!(answer.status, 200, "{}", answer.text());
        more -= 1;
        if more == 0 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    wrote.expect("an answer to every heartbeat");
    assert_readiness(&installation, port, 200, "ready");
    assert_whole(&ledger, &filler, port, "after the disk had space again");
    assert!(server.is_running());
    server.kill();
    let server = installation.start();
    assert_whole(&ledger, &filler, port, "after a kill");

    // Nor does a full disk keep the server from starting: a person wants to see the data, and what to free.
    server.stop();
    let ballast = disk.load(0);
    let mut server = installation.start();
    assert_readable(port);
    assert_whole(&ledger, &filler, port, "started on a full disk");
    fs::remove_file(ballast).expect("the ballast to go");
    filler.stored += 1;
    let answer = filler.send().receive("POST").expect("an answer");
    assert_eq!(answer.status, 200, "a write after that: {}", answer.text());
    assert!(server.is_running());
    server.stop();
    installation.verify();
}

/// The server is alive, `/ready` has this status and reason, and `timberline status` agrees.
fn assert_readiness(installation: &Installation, port: u16, status: u16, reason: &str) {
    let answer = http::get(port, "/health").expect("an answer");
    assert_eq!(answer.status, 200, "/health");
    let answer = http::get(port, "/ready").expect("an answer");
    assert_eq!(answer.status, status, "/ready: {}", answer.text());
    assert!(answer.text().contains(reason), "/ready: {}", answer.text());
    let mut command = installation.program();
    command.args(["status", "--json", "--port", &port.to_string(), "--dbpath"]);
    command.arg(&installation.data);
    let (code, out, err) = installation.run(command);
    let report: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out} {err}"));
    assert_eq!(report["ready"], status == 200, "{out}");
    assert_eq!(code.code(), Some(if status == 200 { 0 } else { 1 }), "{out}");
}

/// The worst of starts: the disk is full, and the views have to be made again from the log. They are derived, so
/// that they cannot be written costs memory, and neither data nor service.
#[test]
fn a_full_disk_does_not_keep_a_long_log_from_being_read() {
    let mut installation = Installation::new();
    installation.configure(CONFIGURATION);
    let Some(disk) = SmallDisk::mount_or_tell(&installation.data) else {
        return;
    };
    let server = installation.start();
    let mut connection = Connection::open(server.port).expect("a connection");
    let bucket = json!({"client": "long", "type": "test", "hostname": "test"}).to_string();
    let made = connection
        .request("POST", "/api/0/buckets/long", Some(bucket.as_bytes()))
        .expect("an answer");
    assert_eq!(made.status, 200, "{}", made.text());
    // More than any store keeps in memory without need, in more records than it reads between two looks.
    let (batches, batch) = (1_500_u64, 100_u64);
    for number in 0..batches {
        let event = |i| json!({"timestamp": instant(number * batch + i), "duration": 1, "data": {"n": i}});
        let events = (0..batch).map(event).collect::<Value>().to_string();
        let target = "/api/0/buckets/long/events";
        let answer = connection
            .request("POST", target, Some(events.as_bytes()))
            .expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    server.stop();
    fs::remove_dir_all(installation.data.join("views")).expect("the views to go");
    let ballast = disk.load(0);
    let server = installation.start();
    let count = http::get(server.port, "/api/0/buckets/long/events/count")
        .expect("an answer")
        .text();
    assert_eq!(
        count.trim(),
        (batches * batch).to_string(),
        "started on a full disk"
    );
    fs::remove_file(ballast).expect("the ballast to go");
    server.stop();
    installation.verify();
}

/// A purge first writes an order, for which there is room, and then files, for which there is none: the order is
/// written once, the answer says what is done and what is not, and the rest follows by itself.
#[test]
fn a_purge_on_a_full_disk_is_ordered_once_and_completed_with_space() {
    const SECRET: &str = "the-secret-of-the-crypt";
    let mut installation = Installation::new();
    installation.configure(&format!("maintain_every = \"1 second\"\n{CONFIGURATION}"));
    let Some(disk) = SmallDisk::mount_or_tell(&installation.data) else {
        return;
    };
    let server = installation.start();
    let post = |target: &str, body: &Value| {
        let answer = http::post(server.port, target, body.to_string().as_bytes()).expect("an answer");
        (answer.status, answer.json().unwrap_or_default())
    };
    let bucket = json!({"client": "c", "type": "t", "hostname": "h"});
    post("/api/0/buckets/b", &bucket);
    let event = json!({"timestamp": instant(0), "duration": 1, "data": {"title": SECRET}});
    assert_eq!(post("/api/0/buckets/b/events", &json!([event])).0, 200);
    let records = |kind: &str| {
        let answer = http::get(server.port, &format!("/api/1/log?kind={kind}")).expect("an answer");
        let records = answer.json().expect("JSON");
        records["records"].as_array().map_or(0, Vec::len)
    };
    let (_, preview) = post("/api/1/purge", &json!({"data": {"pattern": SECRET}}));
    let ballast = disk.load(0);
    let (status, receipt) = post("/api/1/purge", &json!({"token": preview["token"]}));
    assert_eq!(
        (status, &receipt["state"], &receipt["events"]),
        (202, &json!("ordered"), &json!(1)),
        "{receipt}"
    );
    assert_eq!(records("purge-begun"), 1);
    let shown = http::get(server.port, "/api/0/buckets/b/events").expect("an answer");
    assert_eq!(shown.json(), Some(json!([])), "it is out of sight");
    fs::remove_file(ballast).expect("the ballast to go");
    crate::harness::poll("the purge to be completed", || {
        (records("purge-ended") == 1).then_some(())
    });
    assert_eq!(records("purge-begun"), 1, "it was ordered once");
    for entry in fs::read_dir(installation.data.join("log")).expect("a log") {
        let path = entry.expect("an entry").path();
        let bytes = fs::read(&path).expect("a file");
        assert!(
            memchr::memmem::find(&bytes, SECRET.as_bytes()).is_none(),
            "{}",
            path.display()
        );
    }
    server.stop();
    installation.verify();
}

/// A redaction that fills the disk says how far it came, and the rest can be redacted when there is space.
#[test]
fn a_redaction_that_fills_the_disk_is_answered_with_what_is_done() {
    const SECRET: &str = "the-secret-of-the-crypt";
    const EVENTS: u64 = 3_000;
    let mut installation = Installation::new();
    installation.configure(&format!("maintain_every = \"1 second\"\n{CONFIGURATION}"));
    let Some(disk) = SmallDisk::mount_or_tell(&installation.data) else {
        return;
    };
    let server = installation.start();
    let post = |target: &str, body: &Value| {
        let answer = http::post(server.port, target, body.to_string().as_bytes()).expect("an answer");
        (answer.status, answer.json().unwrap_or_default())
    };
    post(
        "/api/0/buckets/b",
        &json!({"client": "c", "type": "t", "hostname": "h"}),
    );
    let mut noise = Filler::quiet(server.port);
    for first in (0..EVENTS).step_by(500) {
        let event = |n: u64, text: String| json!({"timestamp": instant(n), "duration": 1, "data": {"title": SECRET, "text": text}});
        let events: Vec<Value> = (first..first + 500)
            .map(|n| event(n, noise.text(1_000)))
            .collect();
        assert_eq!(post("/api/0/buckets/b/events", &json!(events)).0, 200);
    }
    let redact = |fill: bool| {
        let asked = json!({"field": "title", "pattern": SECRET, "replacement": "***"});
        let (status, preview) = post("/api/1/redact", &asked);
        assert_eq!(status, 200, "{preview}");
        let ballast = fill.then(|| disk.load(0));
        let (status, receipt) = post("/api/1/redact", &json!({"token": preview["token"]}));
        if let Some(ballast) = ballast {
            fs::remove_file(ballast).expect("the ballast to go");
        }
        (status, receipt)
    };
    let with_secret = || {
        let answer = http::get(server.port, "/api/0/buckets/b/events").expect("an answer");
        let events = answer.json().expect("JSON");
        let events = events.as_array().expect("a list");
        assert_eq!(events.len() as u64, EVENTS);
        events
            .iter()
            .filter(|event| event["data"]["title"] == SECRET)
            .count() as u64
    };
    let (status, receipt) = redact(true);
    assert_eq!((status, &receipt["state"]), (202, &json!("partly")), "{receipt}");
    let redacted = receipt["redacted"].as_u64().expect("a number");
    assert!((1..EVENTS).contains(&redacted), "{receipt}");
    assert_eq!(with_secret(), EVENTS - redacted);
    let (status, receipt) = redact(false);
    assert_eq!(
        (status, &receipt["state"], &receipt["events"]),
        (200, &json!("completed"), &json!(EVENTS - redacted)),
        "{receipt}"
    );
    assert_eq!(with_secret(), 0);
    server.stop();
    installation.verify();
}

/// An undo on a full disk is done as a whole or not at all, an import is not done twice; a restore is an undo.
#[test]
fn undo_and_import_on_a_full_disk_are_not_done_twice() {
    const EVENTS: u64 = 1_200;
    let mut installation = Installation::new();
    installation.configure(CONFIGURATION);
    let Some(disk) = SmallDisk::mount_or_tell(&installation.data) else {
        return;
    };
    let server = installation.start();
    let send = |method: &str, target: &str, body: &Value| {
        let mut connection = Connection::open(server.port).expect("a connection");
        let answer = connection
            .request(method, target, Some(body.to_string().as_bytes()))
            .expect("an answer");
        (answer.status, answer.json().unwrap_or_default())
    };
    let count = |bucket: &str| {
        let target = format!("/api/0/buckets/{bucket}/events/count");
        http::get(server.port, &target).expect("an answer").text()
    };
    let mut noise = Filler::quiet(server.port);
    let event =
        |n: u64, text: String| json!({"timestamp": instant(n), "duration": 1, "data": {"text": text}});
    let mut import = |bucket: &str, events: u64| {
        let events: Vec<Value> = (0..events).map(|n| event(n, noise.text(1_000))).collect();
        json!({"buckets": {bucket: {"id": bucket, "client": "c", "type": "t", "hostname": "h", "events": events}}})
    };

    let large = import("large", 3 * EVENTS);
    let ballast = disk.load(0);
    let (status, answer) = send("POST", "/api/0/import", &large);
    assert_ne!(status, 200, "{answer}");
    // The answer is true: it says how much is stored.
    let stored = format!(" {} events are stored", count("large"));
    let message = answer["message"].as_str().unwrap_or_default();
    assert!(message.contains(&stored), "{stored}: {message}");
    fs::remove_file(ballast).expect("the ballast to go");
    // What of it is stored is not stored again.
    let (status, answer) = send("POST", "/api/0/import", &large);
    assert_eq!(
        (status, count("large")),
        (200, (3 * EVENTS).to_string()),
        "{answer}"
    );

    let (status, answer) = send("POST", "/api/0/import", &import("b", EVENTS));
    assert_eq!((status, count("b")), (200, EVENTS.to_string()), "{answer}");
    // The import taken back, which removes its events; and that taken back, which has to write them once more.
    let (_, log) = send("GET", "/api/1/log?limit=1000", &Value::Null);
    let inserts = log["records"].as_array().expect("records").iter();
    let inserts = inserts.filter(|record| record["kind"] == "events-inserted" && record["bucket"] == "b");
    let seqs: Vec<u64> = inserts.filter_map(|record| record["seq"].as_u64()).collect();
    let (from, to) = (seqs.iter().min(), seqs.iter().max());
    let (status, answer) = send("POST", "/api/1/undo", &json!({"from": from, "to": to}));
    assert_eq!((status, count("b")), (200, "0".to_owned()), "{answer}");
    let back = json!({"seq": answer["seq"]});
    let mut filler = Filler::open(server.port);
    let ballast = disk.load(0);
    // Also what the log had set apart is full now.
    filler.fill();
    let (full, refused) = send("POST", "/api/1/undo", &back);
    let between = count("b");
    fs::remove_file(ballast).expect("the ballast to go");
    println!("undo on a full disk: {full} {refused}, then {between} events");
    assert_eq!((full, between.as_str()), (503, "0"), "{refused}");
    let (status, answer) = send("POST", "/api/1/undo", &back);
    assert_eq!((status, count("b")), (200, EVENTS.to_string()), "{answer}");
    server.stop();
    installation.verify();
}

fn instant(second: u64) -> String {
    let start = rfc3339::parse("2024-03-01T00:00:00Z").expect("a valid time");
    rfc3339::format(start + i128::from(second) * rfc3339::SECOND)
}

/// A filesystem of its own for the data directory.
struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    /// Tells why there is nothing to test, if there is not.
    fn mount_or_tell(path: &Path) -> Option<SmallDisk> {
        SmallDisk::mount(path)
            .inspect_err(|error| println!("skipped: no small filesystem can be mounted here: {error}"))
            .ok()
    }

    fn mount(path: &Path) -> io::Result<SmallDisk> {
        fs::create_dir_all(path)?;
        let options = std::ffi::CString::new(format!("size={DISK_BYTES},mode=0700"))?;
        mount(
            "timberline-test",
            path,
            "tmpfs",
            MountFlags::NOSUID,
            Some(options.as_c_str()),
        )?;
        Ok(SmallDisk {
            path: path.to_owned(),
        })
    }

    /// Fills it up but for so many bytes; gives the file that does.
    fn load(&self, leave: u64) -> PathBuf {
        let state = rustix::fs::statvfs(&self.path).expect("the state of the filesystem");
        let bytes = (state.f_bavail * state.f_frsize).saturating_sub(leave);
        let ballast = self.path.join("ballast");
        let mut file = File::create(&ballast).expect("the ballast");
        io::copy(&mut io::Read::take(io::repeat(1), bytes), &mut file).expect("the ballast to fit");
        file.flush().expect("the ballast to fit");
        ballast
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Detached, because a server that a failed test leaves behind may still use it.
        if let Err(error) = unmount(&self.path, UnmountFlags::DETACH) {
            eprintln!("{} stays mounted: {error}", self.path.display());
        }
    }
}

/// A writer of large events.
struct Filler {
    port: u16,
    random: u64,
    sent: u64,
    /// Events that were acknowledged.
    stored: u64,
}

impl Filler {
    const EVENTS: &str = "/api/0/buckets/filler/events";

    fn open(port: u16) -> Filler {
        let body = json!({"client": "filler", "type": "test", "hostname": "test"}).to_string();
        let answer = http::post(port, "/api/0/buckets/filler", body.as_bytes()).expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
        Filler {
            port,
            random: 1,
            sent: 0,
            stored: 0,
        }
    }

    /// One that only makes texts.
    fn quiet(port: u16) -> Filler {
        Filler {
            port,
            random: 7,
            sent: 0,
            stored: 0,
        }
    }

    /// A text that no store can compress.
    fn text(&mut self, length: usize) -> String {
        (0..length)
            .map(|_| char::from(35 + self.random() as u8 % 56))
            .collect()
    }

    /// Writes until a write is refused; gives the refusal.
    fn fill(&mut self) -> Answer {
        loop {
            let answer = self.send().receive("POST").expect("an answer");
            if answer.status != 200 {
                println!("full after {} large events", self.stored);
                return answer;
            }
            self.stored += 1;
        }
    }

    /// Sends one event that takes as much space as it is long: no store can compress what is random.
    fn send(&mut self) -> Connection {
        self.sent += 1;
        let text: String = (0..60_000)
            .map(|_| char::from(33 + self.random() as u8 % 58))
            .collect();
        let event = json!([{"timestamp": "2024-03-01T00:00:00Z", "duration": 1, "data": {"text": text}}]);
        let body = event.to_string().into_bytes();
        let mut connection = Connection::open(self.port).expect("a connection");
        let headers = connection.usual_headers(Some(&body));
        connection
            .send("POST", Self::EVENTS, &headers, &body)
            .expect("to send");
        connection
    }

    /// The next of a series, by xorshift.
    fn random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random >> 32
    }
}

fn assert_refused_for_want_of_space(refusal: &Answer) {
    assert_eq!(refusal.status, 503, "{}", refusal.text());
    let message = refusal
        .json()
        .and_then(|json| json["message"].as_str().map(str::to_owned));
    let message = message.expect("a JSON body with a message");
    println!("refused: {message}");
    assert!(
        message.contains("space") || message.contains("full"),
        "it says why: {message}"
    );
    assert!(
        refusal.header("retry-after").is_some(),
        "it says when to come back"
    );
}

/// All kinds of reads answer.
fn assert_readable(port: u16) {
    for target in [
        "/api/0/info",
        "/api/0/buckets/",
        "/api/0/buckets/disk-full/events?limit=10",
        "/api/0/buckets/filler/events/count",
        "/api/0/settings",
    ] {
        let answer = http::get(port, target).expect("an answer");
        assert_eq!(answer.status, 200, "{target}: {}", answer.text());
    }
}

/// Nothing that was acknowledged is missing.
fn assert_whole(ledger: &Ledger, filler: &Filler, port: u16, when: &str) {
    assert_eq!(ledger.differences(port), "", "{when}");
    let count = http::get(port, "/api/0/buckets/filler/events/count")
        .expect("an answer")
        .text();
    let count: u64 = count.trim().parse().expect("a number");
    println!(
        "{when}: {} heartbeats, {count} large events",
        ledger.acknowledged()
    );
    // A refused one may be there or not; an acknowledged one must be.
    assert!(
        (filler.stored..=filler.sent).contains(&count),
        "{when}: {count} of {} events",
        filler.stored
    );
}

//! What is erased is erased from every copy: raw files of the data directory and of all backups are searched, and
//! whatever in them zstd can decompress; also when the server or a backup is killed at any moment of it.
//!
//! `TIMBERLINE_CASES=50 cargo test -p timberline-cli --test erasure` for a long run.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::harness::server::{Data, Ending, Installation, Server};
use crate::harness::{http, let_work, poll};
use memchr::memmem;
use serde_json::{Value, json};

const PURGE: &str = "/api/1/purge";
const SECRET: &str = "the-secret-of-the-crypt";
/// Small segments; what is deleted is erased a second later.
const CONFIGURATION: &str =
    "erase_after = \"1 second\"\nmaintain_every = \"1 second\"\n[log]\nsegment_bytes = 1048576\n";
const KEEPING: &str = "[log]\nsegment_bytes = 1048576\n";

fn cases(default: u64) -> u64 {
    let cases = std::env::var("TIMBERLINE_CASES").ok();
    cases.and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A bucket with a hundred events, every tenth with the secret.
fn fill(server: &Server, bucket: &str) {
    let path = format!("/api/0/buckets/{bucket}");
    let made = json!({"client": "c", "type": "t", "hostname": "h"});
    server.post(&path, &made);
    let event = |n: u32| {
        let title = match n % 10 {
            0 => format!("{SECRET} {bucket} {n}"),
            _ => format!("plain {n}"),
        };
        json!({"timestamp": format!("2024-03-01T10:{:02}:{:02}Z", n / 60, n % 60), "duration": 1, "data": {"title": title}})
    };
    let events: Vec<Value> = (0..100).map(event).collect();
    let (status, answer) = server.post(&format!("{path}/events"), &json!(events));
    assert_eq!(status, 200, "{answer}");
}

/// Has everything with the secret purged; the receipt.
fn purge(server: &Server) -> (u16, Value) {
    let (status, preview) = server.post(PURGE, &json!({"data": {"pattern": SECRET}}));
    assert_eq!(status, 200, "{preview}");
    server.post(PURGE, &json!({"token": preview["token"]}))
}

fn backup(installation: &Installation, dir: &Path) {
    let mut command = installation.program();
    command
        .arg("backup")
        .arg(dir)
        .arg("--dbpath")
        .arg(&installation.data);
    let (status, out, err) = installation.run(command);
    assert!(status.success(), "{out}{err}");
}

/// The files below a directory in which the secret is, as it is or compressed.
fn found_in(dir: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found_in(&path, found);
        } else if let Ok(bytes) = fs::read(&path)
            && holds(&bytes)
        {
            found.push(path.display().to_string());
        }
    }
}

fn holds(bytes: &[u8]) -> bool {
    let has = |bytes: &[u8]| memmem::find(bytes, SECRET.as_bytes()).is_some();
    let frame_holds = |at: usize| {
        let mut plain = Vec::new();
        let decoder = zstd::stream::read::Decoder::new(bytes.get(at..).unwrap_or_default());
        // What follows the frame is not part of it.
        let _ = decoder.and_then(|decoder| decoder.single_frame().read_to_end(&mut plain));
        has(&plain)
    };
    has(bytes) || memmem::find_iter(bytes, &[0x28, 0xb5, 0x2f, 0xfd]).any(frame_holds)
}

fn found(dirs: &[&Path]) -> Vec<String> {
    let mut found = Vec::new();
    for dir in dirs {
        found_in(dir, &mut found);
    }
    found
}

/// Waits until the secret is nowhere.
fn wait_until_gone(dirs: &[&Path]) {
    poll(&format!("the secret to go from {dirs:?}"), || {
        found(dirs).is_empty().then_some(())
    });
}

fn waiting(server: &Server) -> String {
    let metrics = http::get(server.port, "/metrics").expect("an answer").text();
    let line = metrics
        .lines()
        .find(|line| line.starts_with("timberline_backups_waiting_for_erasure"));
    line.expect("a metric")
        .rsplit(' ')
        .next()
        .expect("a number")
        .to_owned()
}

/// Nobody asks for it: what was deleted expires, and goes from the backups as by a purge.
#[test]
fn what_expires_goes_from_the_backups() {
    let mut installation = Installation::new();
    installation.configure(KEEPING);
    let server = installation.start();
    fill(&server, "kept");
    fill(&server, "gone");
    let answer = http::Connection::open(server.port)
        .and_then(|mut connection| connection.request("DELETE", "/api/0/buckets/gone", None))
        .expect("an answer");
    assert_eq!(answer.status, 200);
    let (status, _) = purge(&server);
    assert_eq!(status, 200);
    fill(&server, "late");
    let deleted = http::Connection::open(server.port)
        .and_then(|mut connection| connection.request("DELETE", "/api/0/buckets/late", None))
        .expect("an answer");
    assert_eq!(deleted.status, 200);
    let dir = installation.root().join("backup");
    backup(&installation, &dir);
    server.stop();
    assert!(!found(&[&dir]).is_empty(), "the search finds nothing");
    installation.configure(CONFIGURATION);
    let server = installation.start();
    wait_until_gone(&[&dir, &installation.data]);
    server.stop();
}

#[test]
fn a_copy_that_cannot_be_reached_waits_and_is_done_when_it_comes_back() {
    let mut installation = Installation::new();
    installation.configure(KEEPING);
    let server = installation.start();
    fill(&server, "a");
    let (dir, away) = (
        installation.root().join("backup"),
        installation.root().join("away"),
    );
    backup(&installation, &dir);
    fs::rename(&dir, &away).expect("the disk to be unplugged");
    let (status, receipt) = purge(&server);
    assert_eq!((status, &receipt["state"]), (200, &json!("completed")));
    let copy = &receipt["backups"][0];
    assert_eq!(
        (&copy["done"], &copy["waiting"]),
        (&json!(false), &json!(true)),
        "{receipt}"
    );
    assert_eq!(waiting(&server), "1");
    assert!(found(&[&installation.data]).is_empty());
    assert!(!found(&[&away]).is_empty(), "the search finds nothing");
    server.stop();
    fs::rename(&away, &dir).expect("the disk to be back");
    let server = installation.start();
    wait_until_gone(&[&dir]);
    poll("the metric", || (waiting(&server) == "0").then_some(()));
    server.stop();
}

/// The exit code of a command, and what it printed.
fn run(installation: &Installation, arguments: &[&str], data: &Path) -> (Option<i32>, String) {
    let mut command = installation.program();
    command.args(arguments).arg("--dbpath").arg(data);
    let (status, out, err) = installation.run(command);
    (status.code(), format!("{out}{err}"))
}

/// Damages the record that inserted the events of a bucket.
fn damage_insert(installation: &Installation, bucket: &str) {
    let (_, dump) = run(installation, &["log", "dump"], &installation.data);
    let records = dump
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let inserted = |record: &Value| record["kind"] == "events-inserted" && record["bucket"] == bucket;
    let record = records
        .into_iter()
        .find(inserted)
        .expect("the record of the insert");
    let file = record["file"].as_str().expect("its segment");
    let segment = installation.data.join("log").join(file);
    let mut bytes = fs::read(&segment).expect("the segment");
    let at = usize::try_from(record["offset"].as_u64().expect("an offset")).expect("an offset");
    bytes[at + 40] ^= 1;
    fs::write(&segment, bytes).expect("the segment");
}

/// Damages that record, and has the log repaired.
fn lose_events_and_repair(installation: &Installation, bucket: &str) {
    damage_insert(installation, bucket);
    let new = installation.root().join("repaired");
    let (code, printed) = run(
        installation,
        &["log", "repair", new.to_str().expect("a path")],
        &installation.data,
    );
    assert_eq!(code, Some(1), "{printed}");
    fs::rename(&installation.data, installation.root().join("damaged")).expect("renamed");
    fs::rename(new, &installation.data).expect("renamed");
}

fn events(server: &Server, bucket: &str) -> Vec<Value> {
    let answer = http::get(server.port, &format!("/api/0/buckets/{bucket}/events")).expect("an answer");
    answer
        .json()
        .and_then(|value| value.as_array().cloned())
        .expect("events")
}

/// What a damaged log has lost is still in its backups after it was repaired, and what is erased then goes from them.
fn a_repaired_log_takes_nothing_from_its_backups_but_what_is_erased(data: Data) {
    let mut installation = Installation::with(data);
    installation.configure(KEEPING);
    let dir = installation.root().join("backup");
    let server = installation.start();
    fill(&server, "lost");
    fill(&server, "there");
    backup(&installation, &dir);
    server.stop();
    lose_events_and_repair(&installation, "lost");

    let server = installation.start();
    assert_eq!(
        (events(&server, "lost").len(), events(&server, "there").len()),
        (0, 100)
    );
    let (status, receipt) = purge(&server);
    assert_eq!(status, 200, "{receipt}");
    assert_eq!(receipt["backups"][0]["segments"], 1, "{receipt}");
    assert_eq!(waiting(&server), "0");
    // It is not brought up to date either: what takes its place has less.
    let (code, printed) = run(
        &installation,
        &["backup", dir.to_str().expect("a path")],
        &installation.data,
    );
    assert_eq!(code, Some(2), "{printed}");
    assert!(
        printed.contains("repaired") && printed.contains("another directory"),
        "{printed}"
    );
    // Once more from the start on: there is nothing left to do.
    server.stop();
    let server = installation.start();
    let (status, receipt) = purge(&server);
    assert_eq!(status, 200, "{receipt}");
    server.stop();

    let back = installation.root().join("back");
    let (code, printed) = run(&installation, &["restore", dir.to_str().expect("a path")], &back);
    assert_eq!(code, Some(0), "{printed}");
    installation.data = back;
    let server = installation.start();
    assert_eq!(events(&server, "lost").len(), 100, "only the backup has them");
    let left = events(&server, "there");
    assert_eq!(left.len(), 90);
    assert!(!left.iter().any(|event| event.to_string().contains(SECRET)));
    server.stop();
    installation.verify();
}

#[test]
fn a_repaired_log_takes_nothing_from_its_backups() {
    a_repaired_log_takes_nothing_from_its_backups_but_what_is_erased(Data::Plain);
}

#[test]
fn a_repaired_log_takes_nothing_from_its_backups_encrypted() {
    a_repaired_log_takes_nothing_from_its_backups_but_what_is_erased(Data::Encrypted);
}

/// Where the secret is: raw bytes of plain directories, records of encrypted ones.
fn secret_in(installation: &Installation, data: Data, dirs: &[&Path]) -> Vec<String> {
    if data == Data::Plain {
        return found(dirs);
    }
    let holds = |dir: &&&Path| run(installation, &["log", "dump"], dir).1.contains(SECRET);
    dirs.iter()
        .filter(holds)
        .map(|dir| dir.display().to_string())
        .collect()
}

/// The server, or a backup, is killed somewhere between the order and the last backup.
fn nothing_is_left_whoever_is_killed_whenever(data: Data, cases: u64) {
    let mut installation = Installation::with(data);
    installation.configure(KEEPING);
    let dirs = ["one", "two"].map(|name| installation.root().join(name));
    let mut server = installation.start();
    for case in 0..cases {
        fill(&server, &format!("bucket-{case}"));
        backup(&installation, &dirs[0]);
        if case % 3 == 0 {
            backup(&installation, &dirs[1]);
        }
        assert!(
            !secret_in(&installation, data, &[&dirs[0]]).is_empty(),
            "the search finds nothing"
        );
        // A backup that is made meanwhile.
        let mut command = installation.program();
        command
            .arg("backup")
            .arg(&dirs[1])
            .arg("--dbpath")
            .arg(&installation.data);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let (_, preview) = server.post(PURGE, &json!({"data": {"pattern": SECRET}}));
        let meanwhile = Ending(command.spawn().expect("the command to start"));
        let port = server.port;
        let asked = std::thread::spawn(move || {
            let body = json!({"token": preview["token"]}).to_string();
            // Killed on its way, it gives no answer.
            let _ = http::post(port, PURGE, body.as_bytes());
        });
        // Spread over what a purge takes; nothing is expected of any of these moments.
        let_work(std::time::Duration::from_millis(case * 7 % 60));
        if case % 2 == 0 {
            drop(meanwhile);
            server.kill();
        } else {
            server.kill();
            drop(meanwhile);
        }
        asked.join().expect("the client to end");
        // Whatever it was killed at, what is there can be restored.
        whole(&installation, &dirs[0]);
        server = installation.start();
        // It may have been killed before it was ordered.
        let (status, receipt) = purge(&server);
        assert_eq!(status, 200, "{receipt}");
        let places = [installation.data.as_path(), &dirs[0], &dirs[1]];
        poll("the secret to go", || {
            secret_in(&installation, data, &places).is_empty().then_some(())
        });
    }
    // Made up by the next, each is whole.
    for dir in &dirs {
        backup(&installation, dir);
        whole(&installation, dir);
    }
    assert!(secret_in(&installation, data, &[&dirs[0], &dirs[1]]).is_empty());
    server.stop();
    installation.verify();
}

#[test]
fn nothing_is_left_in_store_and_backups_whoever_is_killed_whenever() {
    nothing_is_left_whoever_is_killed_whenever(Data::Plain, cases(4));
}

#[test]
fn nothing_is_left_in_store_and_backups_whoever_is_killed_whenever_encrypted() {
    nothing_is_left_whoever_is_killed_whenever(Data::Encrypted, cases(3));
}

/// A backup is whole, by its own check and as a log.
fn whole(installation: &Installation, dir: &Path) {
    let checks: [&[&str]; 2] = [
        &["backup", "--verify", dir.to_str().expect("a path")],
        &["log", "verify"],
    ];
    for check in checks {
        let (code, printed) = run(installation, check, dir);
        assert_eq!(code, Some(0), "{check:?}: {printed}");
    }
}

/// The log has lost records, views and a backup still have them: a purge reaches all three, and takes nothing else.
fn a_purge_of_a_damaged_log_takes_nothing_else(data: Data) {
    let mut installation = Installation::with(data);
    installation.configure(KEEPING);
    let dir = installation.root().join("backup");
    let server = installation.start();
    for bucket in ["one", "two", "three"] {
        fill(&server, bucket);
    }
    backup(&installation, &dir);
    server.stop();
    damage_insert(&installation, "one");
    damage_insert(&installation, "two");
    let server = installation.start();
    let (status, receipt) = purge(&server);
    assert_eq!(
        (status, &receipt["state"]),
        (200, &json!("completed")),
        "{receipt}"
    );
    assert_eq!(
        (&receipt["events"], &receipt["backups"][0]["done"]),
        (&json!(30), &json!(true)),
        "{receipt}"
    );
    for bucket in ["one", "two", "three"] {
        assert_eq!(events(&server, bucket).len(), 90, "{bucket}");
    }
    server.stop();
    assert_eq!(
        secret_in(&installation, data, &[&installation.data, &dir]),
        [""; 0]
    );
    whole(&installation, &dir);
    let (code, dump) = run(&installation, &["log", "dump"], &dir);
    assert_eq!(
        (code, dump.matches("\"plain 11\"").count()),
        (Some(0), 3),
        "{dump}"
    );
}

#[test]
fn a_purge_reaches_what_a_damaged_log_has_lost() {
    a_purge_of_a_damaged_log_takes_nothing_else(Data::Plain);
}

#[test]
fn a_purge_reaches_what_a_damaged_log_has_lost_encrypted() {
    a_purge_of_a_damaged_log_takes_nothing_else(Data::Encrypted);
}

/// Segments of a backup, and of the log itself, are replaced again and again while they are verified.
fn what_is_erased_from_meanwhile_is_whole(data: Data) {
    let mut installation = Installation::with(data);
    installation.configure(KEEPING);
    let dir = installation.root().join("backup");
    let server = installation.start();
    fill(&server, "kept");
    let stop = AtomicBool::new(false);
    let erasures = AtomicU64::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let bucket = format!("bucket-{}", erasures.load(Ordering::Relaxed));
                fill(&server, &bucket);
                backup(&installation, &dir);
                let (status, receipt) = purge(&server);
                assert_eq!(status, 200, "{receipt}");
                erasures.fetch_add(1, Ordering::Relaxed);
            }
        });
        let _stop = Stop(&stop);
        poll("a backup", || dir.join("manifest.json").exists().then_some(()));
        poll("an erasure", || {
            (erasures.load(Ordering::Relaxed) > 0).then_some(())
        });
        for _ in 0..cases(8) {
            whole(&installation, &dir);
            let (code, printed) = run(&installation, &["log", "verify"], &installation.data);
            assert_eq!(code, Some(0), "{printed}");
        }
    });
    println!("verified beside {erasures:?} erasures");
    server.stop();
}

/// Says that it is over, also when a check has failed.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_log_and_its_backup_are_whole_while_they_are_erased_from() {
    what_is_erased_from_meanwhile_is_whole(Data::Plain);
}

#[test]
fn a_log_and_its_backup_are_whole_while_they_are_erased_from_encrypted() {
    what_is_erased_from_meanwhile_is_whole(Data::Encrypted);
}

/// Sets that the server makes, in this directory: one at the start, the next in a year.
fn with_sets(installation: &mut Installation, sets: &Path) {
    installation.configure(&format!(
        "{KEEPING}[backup]\ndir = {sets:?}\nevery = \"365 days\"\nkeep = 3\n"
    ));
}

/// The finished sets on the list of backups.
fn listed(installation: &Installation) -> Vec<PathBuf> {
    let list = fs::read(installation.data.join("backups.json")).unwrap_or_default();
    let list: Value = serde_json::from_slice(&list).unwrap_or_default();
    let paths = list["backups"].as_array().into_iter().flatten();
    let paths = paths.filter_map(|backup| backup["path"].as_str());
    paths
        .filter(|path| !path.ends_with("unfinished"))
        .map(PathBuf::from)
        .collect()
}

fn first_set(installation: &Installation) -> PathBuf {
    poll("a set", || {
        let set = listed(installation).into_iter().next()?;
        set.join("manifest.json").exists().then_some(set)
    })
}

/// Killed while it was making a set of links to the one before, or removing one: what is there is on no list.
#[test]
fn sets_that_are_on_no_list_are_erased_from() {
    let mut installation = Installation::new();
    installation.configure(KEEPING);
    let server = installation.start();
    fill(&server, "a");
    server.stop();
    let sets = installation.root().join("sets");
    with_sets(&mut installation, &sets);
    let server = installation.start();
    let set = first_set(&installation);
    server.kill();
    let (begun, renamed) = (sets.join("unfinished"), sets.join("2020-01-03T03-00-00Z"));
    for other in [&begun, &renamed] {
        fs::create_dir_all(other.join("log")).expect("a directory");
        fs::copy(set.join("manifest.json"), other.join("manifest.json")).expect("a copy");
        for segment in fs::read_dir(set.join("log")).expect("a directory") {
            let name = segment.expect("an entry").file_name();
            fs::hard_link(set.join("log").join(&name), other.join("log").join(&name)).expect("a link");
        }
    }
    let server = installation.start();
    let (status, receipt) = purge(&server);
    assert_eq!(status, 200, "{receipt}");
    wait_until_gone(&[&installation.data, &set, &begun, &renamed]);
    server.stop();
    assert!(listed(&installation).contains(&renamed.canonicalize().expect("a path")));
}

/// Killed in the middle of an erasure, started, and stopped at once: what that start did not reach, the next does.
#[test]
fn a_start_that_is_stopped_at_once_leaves_nothing_that_the_next_does_not_reach() {
    let mut installation = Installation::new();
    let sets = installation.root().join("sets");
    with_sets(&mut installation, &sets);
    let mut server = installation.start();
    let set = first_set(&installation);
    for case in 0..cases(4) {
        fill(&server, &format!("bucket-{case}"));
        backup(&installation, &set);
        assert!(!found(&[&sets]).is_empty(), "the search finds nothing");
        let (_, preview) = server.post(PURGE, &json!({"data": {"pattern": SECRET}}));
        let port = server.port;
        let asked = std::thread::spawn(move || {
            let body = json!({"token": preview["token"]}).to_string();
            // Killed on its way, it gives no answer.
            http::post(port, PURGE, body.as_bytes()).is_ok()
        });
        // Nothing is expected of any of these moments.
        let_work(std::time::Duration::from_millis(case * 13 % 70));
        server.kill();
        let answered = asked.join().expect("the client to end");
        installation.start().stop();
        server = installation.start();
        if !answered && !found(&[&installation.data]).is_empty() {
            // It may have been killed before it was ordered.
            purge(&server);
        }
        wait_until_gone(&[&installation.data, &sets]);
    }
    server.stop();
}

/// What is squashed in the log is squashed in its backups, without waiting for a purge or a start.
#[test]
fn a_backup_follows_when_history_is_squashed() {
    let mut installation = Installation::new();
    installation.configure(&format!(
        "history = \"1 second\"\nerase_after = \"1 second\"\nmaintain_every = \"1 second\"\n{KEEPING}"
    ));
    let dir = installation.root().join("backup");
    let server = installation.start();
    fill(&server, "a");
    backup(&installation, &dir);
    // A checkpoint is what squashing waits for.
    server.stop();
    let server = installation.start();
    let segment = "log/00000000000000000001.seg";
    let copied = fs::read(dir.join(segment)).expect("a segment");
    poll("the log to be squashed, and its backup", || {
        let copy = fs::read(dir.join(segment)).ok()?;
        (copy != copied && Some(copy) == fs::read(installation.data.join(segment)).ok()).then_some(())
    });
    whole(&installation, &dir);
    server.stop();
}

/// A disk that does not answer: a file of the backup that nobody can open.
#[test]
fn a_backup_that_does_not_answer_does_not_keep_the_server_from_stopping() {
    let mut installation = Installation::new();
    installation.configure(KEEPING);
    let dir = installation.root().join("backup");
    let server = installation.start();
    fill(&server, "a");
    backup(&installation, &dir);
    server.stop();
    let segment = dir.join("log/00000000000000000001.seg");
    fs::remove_file(&segment).expect("a segment");
    let made = std::process::Command::new("mkfifo").arg(&segment).status();
    assert!(made.is_ok_and(|status| status.success()), "a pipe");
    let server = installation.start();
    // Answered or not, it is at work on the backup by now, or never will be.
    let written = http::post(
        server.port,
        "/api/0/buckets/b",
        br#"{"client":"c","type":"t","hostname":"h"}"#,
    );
    assert_eq!(written.expect("an answer").status, 200);
    server.stop();
}

/// A damaged backup of encrypted data can be repaired like any log, and purged from before.
#[test]
fn an_encrypted_backup_is_purged_from_and_repaired() {
    let mut installation = Installation::with(Data::Encrypted);
    installation.configure(KEEPING);
    let dir = installation.root().join("backup");
    let server = installation.start();
    fill(&server, "there");
    backup(&installation, &dir);
    assert!(!secret_in(&installation, Data::Encrypted, &[&dir]).is_empty());
    let (status, receipt) = purge(&server);
    assert_eq!(status, 200, "{receipt}");
    assert_eq!(receipt["backups"][0]["done"], true, "{receipt}");
    assert!(secret_in(&installation, Data::Encrypted, &[&dir]).is_empty());
    whole(&installation, &dir);
    fill(&server, "lost");
    backup(&installation, &dir);
    server.stop();
    installation.data = dir;
    lose_events_and_repair(&installation, "lost");
    let server = installation.start();
    assert_eq!(
        (events(&server, "lost").len(), events(&server, "there").len()),
        (0, 90)
    );
    server.stop();
    installation.verify();
}

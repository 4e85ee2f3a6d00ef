//! What a log has lost and its backups still have: it is never erased from them, nor mixed with what comes under the same
//! numbers later, and it is named. And backups on disks that do not answer.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::server::{Data, Installation, Server};
use crate::harness::{http, poll};
use serde_json::{Value, json};

const SMALL: &str = "[log]\nsegment_bytes = 1048576\n";
const PURGE: &str = "/api/1/purge";

/// Forty events that nothing can compress much: half a segment.
fn fill(server: &Server, bucket: &str) {
    let path = format!("/api/0/buckets/{bucket}");
    server.post(&path, &json!({"client": "c", "type": "t", "hostname": "h"}));
    let mut random: u64 = bucket.bytes().fold(88_172_645_463_325_252, |sum, byte| {
        sum.rotate_left(9) ^ u64::from(byte)
    });
    let mut noise = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        format!("{random:016x}")
    };
    let mut event = |n: u32| {
        let title: String = (0..750).map(|_| noise()).collect();
        json!({"timestamp": format!("2024-03-01T10:00:{n:02}Z"), "duration": 1, "data": {"title": format!("{bucket} {title}")}})
    };
    let events: Vec<Value> = (0..40).map(&mut event).collect();
    let (status, answer) = server.post(&format!("{path}/events"), &json!(events));
    assert_eq!(status, 200, "{answer}");
}

fn count(server: &Server, bucket: &str) -> Option<u64> {
    let answer = http::get(server.port, &format!("/api/0/buckets/{bucket}/events/count")).expect("an answer");
    answer.json().and_then(|value| value.as_u64())
}

/// Purges all that begins with a word; the receipt.
fn purge(server: &Server, word: &str) -> Value {
    let (status, preview) = server.post(PURGE, &json!({"data": {"pattern": word}}));
    assert_eq!(status, 200, "{preview}");
    let (status, receipt) = server.post(PURGE, &json!({"token": preview["token"]}));
    assert_eq!(
        (status, &receipt["state"]),
        (200, &json!("completed")),
        "{receipt}"
    );
    receipt
}

/// The exit code of a command, and what it printed.
fn run(installation: &Installation, arguments: &[&str], data: &Path) -> (Option<i32>, String) {
    let mut command = installation.program();
    command.args(arguments).arg("--dbpath").arg(data);
    let (status, out, err) = installation.run(command);
    (status.code(), format!("{out}{err}"))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

fn back_up(installation: &Installation, dir: &Path) -> (Option<i32>, String) {
    run(installation, &["backup", text(dir)], &installation.data)
}

/// The files of a log, and what is in them.
fn segments(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(dir.join("log")).expect("a log");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "seg"))
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let bytes = fs::read(&path).expect("a segment");
            (path, bytes)
        })
        .collect()
}

fn doctor_names(installation: &Installation, backup: &Path) {
    let (_, printed) = run(installation, &["doctor"], &installation.data);
    assert!(
        printed.contains(text(backup)) && printed.contains("that the log has lost"),
        "{printed}"
    );
}

fn restored(installation: &mut Installation, backup: &Path, name: &str) -> Server {
    let back = installation.root().join(name);
    let (code, printed) = run(installation, &["restore", text(backup)], &back);
    assert_eq!(code, Some(0), "{printed}");
    installation.data = back;
    installation.start()
}

fn copy_dir(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-r").args([from, to]).status();
    assert!(copied.is_ok_and(|status| status.success()), "a copy");
}

/// The data directory is put back to an earlier state, and other records come under the numbers of those that are lost.
fn a_log_that_was_put_back(data: Data) {
    let mut installation = Installation::with(data);
    installation.configure(SMALL);
    let dir = installation.root().join("backup");
    let server = installation.start();
    fill(&server, "kept");
    server.stop();
    let earlier = installation.root().join("earlier");
    copy_dir(&installation.data, &earlier);
    let server = installation.start();
    for bucket in ["lost-1", "lost-2", "lost-3"] {
        fill(&server, bucket);
    }
    let (code, printed) = back_up(&installation, &dir);
    assert_eq!(code, Some(0), "{printed}");
    server.stop();
    let whole = segments(&dir);
    fs::copy(
        installation.data.join("backups.json"),
        earlier.join("backups.json"),
    )
    .expect("the list");
    fs::rename(&installation.data, installation.root().join("away")).expect("renamed");
    fs::rename(&earlier, &installation.data).expect("renamed");
    doctor_names(&installation, &dir);

    let server = installation.start();
    for bucket in ["new-1", "new-2", "new-3", "new-4"] {
        let (code, printed) = back_up(&installation, &dir);
        assert_eq!(code, Some(2), "{printed}");
        assert!(
            printed.contains("the log lost its end") && printed.contains("another directory"),
            "{printed}"
        );
        fill(&server, bucket);
        // Makes newer generations of segments whose numbers the backup has, too.
        let receipt = purge(&server, &format!("^..title...{bucket}"));
        let copy = &receipt["backups"][0];
        assert_eq!(copy["waiting"], json!(true), "{receipt}");
        assert!(
            segments(&dir) == whole,
            "the backup is no longer what it was after {bucket}"
        );
    }
    doctor_names(&installation, &dir);
    let (code, printed) = run(
        &installation,
        &["backup", "--verify", text(&dir)],
        &installation.data,
    );
    assert_eq!(code, Some(0), "{printed}");
    let new = installation.root().join("new");
    let (code, printed) = back_up(&installation, &new);
    assert_eq!(code, Some(0), "{printed}");
    server.stop();
    for (backup, lost, new) in [(&dir, Some(40), None), (&new, None, Some(0))] {
        let server = restored(&mut installation, backup, &format!("back-{}", lost.is_some()));
        assert_eq!(count(&server, "kept"), Some(40));
        assert_eq!((count(&server, "lost-3"), count(&server, "new-4")), (lost, new));
        server.stop();
        installation.verify();
    }
}

#[test]
fn a_log_that_was_put_back_takes_nothing_from_its_backup() {
    a_log_that_was_put_back(Data::Plain);
}

#[test]
fn a_log_that_was_put_back_takes_nothing_from_its_backup_encrypted() {
    a_log_that_was_put_back(Data::Encrypted);
}

fn sets(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut sets: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.join("manifest.json").exists() && !path.ends_with("unfinished"))
        .collect();
    sets.sort();
    sets
}

/// A server that makes a set at its start, if the newest is old, and keeps one.
fn with_sets(installation: &mut Installation, dir: &Path) {
    installation.configure(&format!(
        "{SMALL}[backup]\ndir = {dir:?}\nevery = \"365 days\"\nkeep = 1\n"
    ));
}

/// Gives the sets names of long ago, in their order, and starts the server, which then makes a new one.
fn with_new_set(installation: &Installation, dir: &Path) -> (Server, PathBuf) {
    for (number, set) in sets(dir).into_iter().enumerate() {
        let old = dir.join(format!("2020-01-{:02}T03-00-00Z", number + 1));
        fs::rename(set, old).expect("renamed");
    }
    let server = installation.start();
    let is_new = |set: &PathBuf| !text(set).contains("/2020-01-");
    let set = poll("a new set", || sets(dir).into_iter().find(is_new));
    (server, set)
}

/// Enough for three segments.
const BUCKETS: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];

/// A segment file in the midst of the log is removed.
#[test]
fn a_segment_that_the_log_has_lost_stays_in_every_backup() {
    let mut installation = Installation::new();
    let (dir, all) = (
        installation.root().join("backup"),
        installation.root().join("sets"),
    );
    with_sets(&mut installation, &all);
    let server = installation.start();
    for bucket in BUCKETS {
        fill(&server, bucket);
    }
    let (code, printed) = back_up(&installation, &dir);
    assert_eq!(code, Some(0), "{printed}");
    server.stop();
    with_new_set(&installation, &all).0.stop();
    let (lost, bytes) = segments(&installation.data).remove(1);
    fs::remove_file(&lost).expect("a segment");

    // More sets than are kept.
    with_new_set(&installation, &all).0.stop();
    let (server, _) = with_new_set(&installation, &all);
    fill(&server, "late");
    server.stop();
    let (server, set) = with_new_set(&installation, &all);
    let (code, printed) = back_up(&installation, &dir);
    assert_eq!(code, Some(0), "{printed}");
    server.stop();
    assert_eq!(sets(&all), std::slice::from_ref(&set));
    for backup in [&dir, &set] {
        let name = lost.file_name().expect("a name");
        assert!(fs::read(backup.join("log").join(name)).is_ok_and(|copy| copy == bytes));
        doctor_names(&installation, backup);
        let (code, printed) = run(&installation, &["backup", "--verify", text(backup)], backup);
        assert_eq!(code, Some(0), "{printed}");
    }
    for (number, backup) in [dir, set].iter().enumerate() {
        installation.configure(SMALL);
        let server = restored(&mut installation, backup, &format!("back-{number}"));
        for bucket in BUCKETS.into_iter().chain(["late"]) {
            assert_eq!(count(&server, bucket), Some(40), "{bucket}");
        }
        server.stop();
        installation.verify();
    }
}

/// The newest segment file is removed: the set that has it is kept beside the new ones.
#[test]
fn the_set_that_has_what_the_log_has_lost_is_kept() {
    let mut installation = Installation::new();
    let all = installation.root().join("sets");
    with_sets(&mut installation, &all);
    let server = installation.start();
    for bucket in ["a", "b", "c", "d", "e", "lost"] {
        fill(&server, bucket);
    }
    server.stop();
    with_new_set(&installation, &all).0.stop();
    let bytes = |set: &Path| {
        segments(set)
            .into_iter()
            .map(|(_, bytes)| bytes)
            .collect::<Vec<_>>()
    };
    let whole = bytes(&sets(&all).pop().expect("a set"));
    fs::remove_dir_all(installation.data.join("views")).expect("the views");
    let (newest, _) = segments(&installation.data).pop().expect("a segment");
    fs::remove_file(newest).expect("a segment");

    let (server, _) = with_new_set(&installation, &all);
    fill(&server, "new");
    server.stop();
    let mut made = Vec::new();
    for _ in 0..3 {
        let (server, set) = with_new_set(&installation, &all);
        fill(&server, &format!("new-{}", made.len()));
        server.stop();
        made.push(set);
    }
    let old = all.join("2020-01-01T03-00-00Z");
    assert!(bytes(&old) == whole, "the old set is no longer what it was");
    doctor_names(&installation, &old);
    let set = made.pop().expect("a set");
    installation.configure(SMALL);
    for (set, lost, new) in [(&old, Some(40), None), (&set, None, Some(40))] {
        let server = restored(&mut installation, set, &format!("back-{}", lost.is_some()));
        assert_eq!((count(&server, "lost"), count(&server, "new")), (lost, new));
        server.stop();
        installation.verify();
    }
}

/// A file of a backup that nobody can open: a disk that does not answer.
struct Hung {
    segment: PathBuf,
    aside: PathBuf,
    pipe: PathBuf,
}

impl Hung {
    fn make(backup: &Path, aside: &Path) -> Hung {
        let segment = backup.join("log/00000000000000000001.seg");
        fs::rename(&segment, aside).expect("a segment");
        let made = Command::new("mkfifo").arg(&segment).status();
        assert!(made.is_ok_and(|status| status.success()), "a pipe");
        Hung {
            pipe: aside.with_extension("pipe"),
            segment,
            aside: aside.to_owned(),
        }
    }

    /// The disk answers again; whoever waits in it goes on.
    fn answer(self) {
        fs::rename(&self.segment, &self.pipe).expect("a pipe");
        fs::rename(&self.aside, &self.segment).expect("a segment");
        drop(
            fs::OpenOptions::new()
                .write(true)
                .open(&self.pipe)
                .expect("a reader"),
        );
    }
}

fn waiting(server: &Server) -> String {
    let metrics = http::get(server.port, "/metrics").expect("an answer").text();
    let line = metrics
        .lines()
        .find(|line| line.starts_with("timberline_backups_waiting_for_erasure"));
    let number = line.and_then(|line| line.rsplit(' ').next());
    number.expect("a metric").to_owned()
}

#[test]
fn a_purge_does_not_wait_for_a_backup_that_does_not_answer() {
    let mut installation = Installation::new();
    installation.configure(SMALL);
    let root = installation.root().to_owned();
    let (one, two) = (root.join("disk-1/backup"), root.join("disk-2/backup"));
    let server = installation.start();
    fill(&server, "secret");
    for dir in [&one, &two] {
        let (code, printed) = back_up(&installation, dir);
        assert_eq!(code, Some(0), "{printed}");
    }
    let before = segments(&two).remove(0).1;
    let hung = Hung::make(&one, &root.join("aside"));
    let receipt = purge(&server, "secret ");
    let copy_of = |receipt: &Value, dir: &Path| {
        let copies = receipt["backups"].as_array().cloned().unwrap_or_default();
        copies
            .into_iter()
            .find(|copy| copy["path"] == json!(dir))
            .expect("the backup")
    };
    assert_eq!(copy_of(&receipt, &one)["waiting"], json!(true), "{receipt}");
    assert_eq!(copy_of(&receipt, &two)["done"], json!(true), "{receipt}");
    assert!(segments(&two).remove(0).1 != before);
    // And again, while a thread waits in it already.
    fill(&server, "other");
    let receipt = purge(&server, "other ");
    assert_eq!(copy_of(&receipt, &one)["waiting"], json!(true), "{receipt}");
    assert_eq!(waiting(&server), "1");
    hung.answer();
    poll("the backup to be erased from", || {
        (segments(&one).remove(0).1 != before).then_some(())
    });
    poll("the metric", || (waiting(&server) == "0").then_some(()));
    server.stop();
}

/// The server stops while the disk of its automatic backups does not answer.
#[test]
fn automatic_backups_do_not_keep_the_server_from_stopping() {
    let mut installation = Installation::new();
    let all = installation.root().join("sets");
    with_sets(&mut installation, &all);
    let (server, made) = with_new_set(&installation, &all);
    fill(&server, "a");
    server.kill();
    let pipe = made.join("manifest.json");
    fs::remove_file(&pipe).expect("a manifest");
    let piped = Command::new("mkfifo").arg(&pipe).status();
    assert!(piped.is_ok_and(|status| status.success()), "a pipe");
    let server = installation.start();
    fill(&server, "b");
    server.stop();
    // What was acknowledged is there.
    fs::remove_dir_all(&all).expect("the sets");
    let server = installation.start();
    assert_eq!((count(&server, "a"), count(&server, "b")), (Some(40), Some(40)));
    server.stop();
    installation.verify();
}

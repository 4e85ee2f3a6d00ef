//! `timberline backup` and `timberline restore`: the real command next to a server under load, killed on its way,
//! on a full disk, and back into a data directory. All of it with plain and with encrypted data.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use crate::harness::http::{self, Connection};
use crate::harness::server::{Data, Ending, Installation, PASSPHRASE};
use crate::harness::{let_work, poll};
use serde_json::{Value, json};
use timberline_disk::{FileStorage, KeyFile};
use timberline_views::tools::{Replica, differences, read_log};
use timberline_views::{Seq, Snapshot};

const CONFIGURATION: &str = "[log]\nsegment_bytes = 1048576\n";

/// Makes two tests of each function: with plain and with encrypted data.
macro_rules! plain_and_encrypted {
    ($($(#[$when:meta])* $name:ident),* $(,)?) => {
        mod plain {
            $(#[test] $(#[$when])* fn $name() { super::$name(super::Data::Plain); })*
        }
        mod encrypted {
            $(#[test] $(#[$when])* fn $name() { super::$name(super::Data::Encrypted); })*
        }
    };
}

/// How much is done of something: encrypting takes a debug build long, and what differs shows soon.
fn share(data: Data, all: u64) -> u64 {
    match data {
        Data::Plain => all,
        Data::Encrypted => all / 4,
    }
}

plain_and_encrypted!(
    a_backup_under_load_is_the_log_as_it_was_with_its_last_record,
    a_second_backup_copies_only_what_is_new,
    a_backup_killed_on_its_way_is_made_up_by_the_next,
    what_cannot_be_done_is_one_line_that_says_what_to_do,
    a_damaged_backup_is_found_and_only_restored_when_told_to,
    a_segment_that_was_rewritten_replaces_its_copy_and_the_key_comes_along,
    the_server_makes_sets_by_itself_that_share_what_is_the_same,
    #[cfg(target_os = "linux")]
    a_full_disk_is_told_and_the_next_backup_goes_on,
);

/// Runs a command that is to end by itself; gives exit code, output and complaint.
fn run(installation: &Installation, args: &[&str]) -> (i32, String, String) {
    let mut command = installation.program();
    command.args(args).arg("--dbpath").arg(&installation.data);
    let (status, out, err) = installation.run(command);
    (status.code().expect("an exit code"), out, err)
}

fn backup(installation: &Installation, dir: &Path) -> String {
    let (code, out, err) = run(installation, &["backup", text(dir)]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    print!("{out}");
    out
}

fn restore(installation: &Installation, from: &Path, to: &Path) -> (i32, String, String) {
    let mut command = installation.program();
    command.arg("restore").arg(from).arg("--dbpath").arg(to);
    let (status, out, err) = installation.run(command);
    (status.code().expect("an exit code"), out, err)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of ours")
}

fn manifest(dir: &Path) -> Value {
    serde_json::from_slice(&fs::read(dir.join("manifest.json")).expect("a manifest")).expect("JSON")
}

fn assert_verified(installation: &Installation, dir: &Path) {
    let (code, out, err) = run(installation, &["backup", "--verify", text(dir)]);
    assert_eq!(code, 0, "{out}{err}");
}

/// What the first records of a log come to; all of them without `until`.
fn fold(dir: &Path, until: u64) -> Snapshot {
    let key = KeyFile::of(dir);
    let cipher = key
        .exists()
        .expect("an answer")
        .then(|| Arc::new(key.open(PASSPHRASE.as_bytes()).expect("it opens")));
    let spill = tempfile::tempdir().expect("a directory");
    let mut replica = Replica::new(Arc::new(FileStorage::open(spill.path()).expect("a directory")));
    let mut records = read_log(dir, cipher.as_ref())
        .expect("a log")
        .read_from(Seq::FIRST)
        .expect("records");
    while let Some(record) = records.next() {
        let record = record.expect("no damage");
        if record.seq.get() > until {
            break;
        }
        replica.apply(&record).expect("it folds");
    }
    replica.snapshot()
}

/// Name, inode and length of every segment.
fn segments(data: &Path) -> BTreeMap<String, (u64, u64)> {
    let entries = fs::read_dir(data.join("log")).expect("a log");
    let entries = entries.map(|entry| entry.expect("an entry"));
    entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let meta = entry.metadata().ok()?;
            name.ends_with(".seg").then_some((name, (meta.ino(), meta.len())))
        })
        .collect()
}

/// A writer that does not rest: a batch of events and a heartbeat in turn.
fn write(port: u16, bucket: &str, stop: &AtomicBool, written: &AtomicU64) {
    let body = json!({"client": "load", "type": "test", "hostname": "test"}).to_string();
    http::post(port, &format!("/api/0/buckets/{bucket}"), body.as_bytes()).expect("a bucket");
    let mut connection = Connection::open(port).expect("a connection");
    let mut random = 7u64;
    for n in 0u64.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let time = format!(
            "2024-03-{:02}T{:02}:{:02}:{:02}Z",
            1 + n / 86_400 % 28,
            n / 3600 % 24,
            n / 60 % 60,
            n % 60
        );
        let mut event = |_| {
            // What is random cannot be compressed, so that segments fill soon.
            let title: String = (0..6)
                .map(|_| {
                    random ^= random << 13;
                    random ^= random >> 7;
                    random ^= random << 17;
                    format!("{random:x}")
                })
                .collect();
            json!({"timestamp": time, "duration": 1, "data": {"title": title}})
        };
        let path = format!("/api/0/buckets/{bucket}/");
        let (path, body) = if n % 2 == 0 {
            (
                path + "events",
                Value::from((0..400).map(&mut event).collect::<Vec<_>>()),
            )
        } else {
            (
                path + "heartbeat?pulsetime=60",
                json!({"timestamp": time, "duration": 0, "data": {"n": n / 40}}),
            )
        };
        let answer = connection
            .request("POST", &path, Some(body.to_string().as_bytes()))
            .expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
        written.fetch_add(1, Ordering::Relaxed);
    }
}

/// Runs `act` while two writers are at work.
fn under_load<T>(port: u16, name: &str, act: impl FnOnce(&AtomicU64) -> T) -> T {
    let (stop, written) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for writer in 0..2 {
            let (stop, written) = (&stop, &written);
            scope.spawn(move || write(port, &format!("{name}-{writer}"), stop, written));
        }
        // Should `act` fail, the writers are not to go on for ever.
        let _told = Told(&stop);
        act(&written)
    })
}

struct Told<'a>(&'a AtomicBool);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Waits until so many more writes were acknowledged.
fn more(written: &AtomicU64, count: u64) {
    let before = written.load(Ordering::Relaxed);
    poll("writes", || {
        (written.load(Ordering::Relaxed) >= before + count).then_some(())
    });
}

fn a_backup_under_load_is_the_log_as_it_was_with_its_last_record(data: Data) {
    let mut installation = Installation::with(data);
    installation.configure(CONFIGURATION);
    let server = installation.start();
    let dir = installation.root().join("backup");
    let kept = installation.root().join("kept");
    under_load(server.port, "load", |written| {
        more(written, share(data, 300));
        for round in 0..share(data, 4).max(2) {
            backup(&installation, &dir);
            assert_verified(&installation, &dir);
            if round == 1 {
                // The state of this moment is looked at when the log has long gone on.
                assert_eq!(restore(&installation, &dir, &kept).0, 0);
            }
            more(written, share(data, 100));
        }
    });
    server.stop();
    let seq = manifest(&dir)["seq"].as_u64().expect("a number");
    let back = installation.root().join("back");
    let (code, out, err) = restore(&installation, &dir, &back);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    for (restored, until) in [(&back, seq), (&kept, u64::MAX)] {
        let is = fold(restored, until);
        let was = fold(&installation.data, is.seq().get());
        assert_eq!(differences(&was, &is), Vec::<String>::new());
        assert!(is.buckets().all(|bucket| bucket.len() > 100));
    }
    assert_eq!(
        fs::read(back.join("device_id")).expect("an id"),
        fs::read(installation.data.join("device_id")).expect("an id")
    );
    // A server takes it up and goes on.
    installation.data = back;
    let server = installation.start();
    under_load(server.port, "more", |written| more(written, 4));
    server.stop();
    installation.verify();
}

fn a_second_backup_copies_only_what_is_new(data: Data) {
    let mut installation = Installation::with(data);
    installation.configure(CONFIGURATION);
    let server = installation.start();
    let dir = installation.root().join("backup");
    under_load(server.port, "load", |written| more(written, 600));
    let first = backup(&installation, &dir);
    let before = segments(&dir);
    assert!(before.len() > 2, "{first}");

    let again = backup(&installation, &dir);
    assert!(again.contains("0 copied, 0 extended"), "{again}");
    assert_eq!(segments(&dir), before);

    let beat = json!({"timestamp": "2024-05-01T00:00:00Z", "duration": 0, "data": {}}).to_string();
    let answer = http::post(
        server.port,
        "/api/0/buckets/load-0/heartbeat?pulsetime=1",
        beat.as_bytes(),
    );
    assert_eq!(answer.expect("an answer").status, 200);
    let little = backup(&installation, &dir);
    assert!(little.contains("0 copied, 1 extended"), "{little}");
    under_load(server.port, "load", |written| more(written, 200));
    server.stop();
    let grown = backup(&installation, &dir);
    let after = segments(&dir);
    for (name, (inode, length)) in before.iter().rev().skip(1) {
        assert_eq!(after[name], (*inode, *length), "{name} was touched: {grown}");
    }
    let (last, (inode, _)) = before.last_key_value().expect("segments");
    assert_eq!(after[last].0, *inode, "the last one is extended, not made anew");
    assert_verified(&installation, &dir);
    let listed: Value =
        serde_json::from_slice(&fs::read(installation.data.join("backups.json")).expect("a list"))
            .expect("JSON");
    assert_eq!(listed["backups"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        listed["backups"][0]["path"],
        text(&dir.canonicalize().expect("a path"))
    );
}

fn a_backup_killed_on_its_way_is_made_up_by_the_next(data: Data) {
    let mut installation = Installation::with(data);
    installation.configure(CONFIGURATION);
    let server = installation.start();
    let dir = installation.root().join("backup");
    let (mut killed, mut complete) = (0, 0);
    under_load(server.port, "load", |written| {
        more(written, 200);
        let begun = Instant::now();
        backup(&installation, &installation.root().join("whole"));
        // So that it is hit at the beginning, in the middle and at the end, however fast the machine is.
        let whole = begun.elapsed();
        let rounds = u32::try_from(share(data, 24)).expect("a few");
        for round in 0..rounds {
            if round % 8 == 0 {
                // Three times from nothing.
                let _ = fs::remove_dir_all(&dir);
            }
            let mut child = Ending(spawn_backup(&installation, &dir));
            let_work(whole * (round * 7 % rounds) / (rounds - rounds / 6));
            match child.0.try_wait().expect("its state") {
                Some(_) => complete += 1,
                None => killed += 1,
            }
            drop(child);
            if manifest_is_complete(&dir) {
                // Whatever moment it was killed at, what is there can be restored.
                assert_verified(&installation, &dir);
            }
            more(written, 2);
        }
    });
    println!("{killed} killed, {complete} complete");
    assert!(killed > 0);
    backup(&installation, &dir);
    assert_verified(&installation, &dir);
    server.stop();
    let back = installation.root().join("back");
    assert_eq!(restore(&installation, &dir, &back).0, 0);
    let is = fold(&back, u64::MAX);
    assert_eq!(
        differences(&fold(&installation.data, is.seq().get()), &is),
        Vec::<String>::new()
    );
}

fn spawn_backup(installation: &Installation, dir: &Path) -> std::process::Child {
    let mut command = installation.program();
    command
        .arg("backup")
        .arg(dir)
        .arg("--dbpath")
        .arg(&installation.data);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("the command to start")
}

fn manifest_is_complete(dir: &Path) -> bool {
    dir.join("manifest.json").exists()
        && manifest(dir)["segments"]
            .as_array()
            .is_some_and(|list| !list.is_empty())
}

/// A small installation that has stopped.
fn small(data: Data) -> Installation {
    let mut installation = Installation::with(data);
    installation.configure(CONFIGURATION);
    let server = installation.start();
    under_load(server.port, "load", |written| more(written, 300));
    server.stop();
    installation
}

fn refused(outcome: (i32, String, String), words: &[&str]) {
    let (code, out, err) = outcome;
    assert_ne!(code, 0, "{out}");
    assert_eq!(err.lines().count(), 1, "one line, not: {err}");
    println!("{}", err.trim_end());
    for word in words {
        assert!(err.contains(word), "{word} in: {err}");
    }
}

fn what_cannot_be_done_is_one_line_that_says_what_to_do(data: Data) {
    let installation = small(data);
    let root = installation.root().to_owned();
    let dir = root.join("backup");
    let try_backup = |dir: &Path| run(&installation, &["backup", text(dir)]);
    fs::write(root.join("file"), "in the way").expect("a file");
    refused(try_backup(&root.join("file/backup")), &["file/backup"]);
    refused(try_backup(&installation.data), &["choose a directory elsewhere"]);
    refused(
        try_backup(&installation.data.join("backup")),
        &["choose a directory elsewhere"],
    );

    let other = small(data);
    refused(try_backup(&other.data), &["manifest.json", "choose another"]);
    backup(&other, &dir);
    refused(try_backup(&dir), &["of device", "choose another"]);

    refused(
        restore(&installation, &dir, &other.data),
        &["never overwritten", "--dbpath"],
    );
    refused(
        restore(&installation, &root.join("nothing"), &root.join("new")),
        &["no backup"],
    );
    refused(
        run(
            &installation,
            &["backup", "--verify", text(&root.join("nothing"))],
        ),
        &["no backup"],
    );
    assert!(!root.join("new").exists(), "nothing was begun");
}

fn a_damaged_backup_is_found_and_only_restored_when_told_to(data: Data) {
    let installation = small(data);
    let dir = installation.root().join("backup");
    backup(&installation, &dir);
    let (name, _) = segments(&dir).pop_first().expect("a segment");
    let path = dir.join("log").join(&name);
    let mut bytes = fs::read(&path).expect("a segment");
    bytes[5000] ^= 1;
    fs::write(&path, &bytes).expect("a segment");

    let (code, out, _) = run(&installation, &["backup", "--verify", text(&dir)]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains(&name) && out.contains("damaged at byte"), "{out}");
    let back = installation.root().join("back");
    refused(
        restore(&installation, &dir, &back),
        &["damaged", "--despite-damage"],
    );
    assert!(!back.join("log").exists());

    // What the last line of the finding says to do.
    fs::remove_file(&path).expect("removed");
    let again = backup(&installation, &dir);
    assert!(again.contains("1 copied"), "{again}");
    assert_verified(&installation, &dir);
}

fn a_segment_that_was_rewritten_replaces_its_copy_and_the_key_comes_along(data: Data) {
    let installation = small(data);
    let dir = installation.root().join("backup");
    let key = installation.data.join("KEY");
    if data == Data::Plain {
        // It is no real key: with it nothing could be read back.
        fs::write(&key, b"secret").expect("a key");
    }
    backup(&installation, &dir);
    assert_eq!(
        fs::read(dir.join("KEY")).expect("a key"),
        fs::read(&key).expect("a key")
    );
    let mode = fs::metadata(dir.join("KEY")).expect("a key").mode();
    assert_eq!(mode & 0o077, 0, "nobody else can read it");
    if data == Data::Plain {
        for key in [key, dir.join("KEY")] {
            fs::remove_file(key).expect("a key");
        }
    }

    let (name, _) = segments(&installation.data).pop_first().expect("a segment");
    let path = installation.data.join("log").join(&name);
    let mut bytes = fs::read(&path).expect("a segment");
    next_generation(&mut bytes);
    let new = path.with_extension("tmp");
    fs::write(&new, &bytes).expect("a file");
    fs::rename(&new, &path).expect("renamed");
    let out = backup(&installation, &dir);
    assert!(out.contains("1 copied"), "{out}");
    assert_eq!(manifest(&dir)["segments"][0]["generation"], 1);
    assert_eq!(fs::read(dir.join("log").join(&name)).expect("a segment"), bytes);
    assert_verified(&installation, &dir);
}

/// Adds one to the generation in a segment's header, by the specification in `docs/format/log.md`.
fn next_generation(segment: &mut [u8]) {
    segment[48] += 1;
    segment[60..64].fill(0);
    let mut crc = u32::MAX;
    for byte in &segment[..2048] {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                crc >> 1 ^ 0xEDB8_8320
            } else {
                crc >> 1
            };
        }
    }
    segment[60..64].copy_from_slice(&(!crc).to_le_bytes());
}

fn the_server_makes_sets_by_itself_that_share_what_is_the_same(data: Data) {
    let mut installation = small(data);
    let sets = installation.root().join("sets");
    let configuration = format!(
        "{CONFIGURATION}[backup]\ndir = \"{}\"\nevery = \"1 day\"\nkeep = 2\n",
        sets.display()
    );
    installation.configure(&configuration);
    let one = made(&installation, &sets, &[]);
    // As if the first were of two days ago, and a third older still.
    let old = rename(&sets, &one, "2020-01-03T03-00-00Z");
    let two = made(&installation, &sets, &[&old]);
    let linked = segments(&sets.join(&two));
    let shared = segments(&sets.join(&old))
        .iter()
        .filter(|(name, meta)| linked.get(*name) == Some(meta))
        .count();
    assert!(
        shared >= 1 && shared >= linked.len() - 1,
        "{shared} of {} are shared",
        linked.len()
    );
    for set in [&old, &two] {
        assert_verified(&installation, &sets.join(set));
    }

    let older = rename(&sets, &two, "2020-01-04T03-00-00Z");
    let three = made(&installation, &sets, &[&old, &older]);
    assert_eq!(names(&sets), [older, three], "two are kept");
}

/// What needs the passphrase of encrypted data is what reads records: the server, and a check.
#[test]
fn backup_and_restore_need_no_passphrase_and_a_check_says_that_it_does() {
    let mut installation = small(Data::Encrypted);
    let dir = installation.root().join("backup");
    let back = installation.root().join("back");
    let without = |installation: &Installation, args: &[&str], data: &Path| {
        let mut command = installation.program();
        command.args(args).arg("--dbpath").arg(data);
        command.env_remove("TIMBERLINE_PASSPHRASE");
        let (status, out, err) = installation.run(command);
        (status.code().expect("an exit code"), out, err)
    };
    let data = installation.data.clone();
    // From nothing, and brought up to date.
    for _ in 0..2 {
        let (code, out, err) = without(&installation, &["backup", text(&dir)], &data);
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        let server = installation.start();
        under_load(server.port, "more", |written| more(written, 20));
        server.stop();
    }
    refused(
        without(&installation, &["backup", "--verify", text(&dir)], &data),
        &["is encrypted", "--passphrase-file"],
    );
    assert_verified(&installation, &dir);
    let (code, out, err) = without(&installation, &["restore", text(&dir)], &back);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    installation.data = back;
    let server = installation.start();
    under_load(server.port, "more", |written| more(written, 4));
    server.stop();
    installation.verify();
}

fn rename(sets: &Path, set: &str, name: &str) -> String {
    fs::rename(sets.join(set), sets.join(name)).expect("renamed");
    name.to_owned()
}

/// Starts the server, waits until there is a set that is not among these, and stops it.
fn made(installation: &Installation, sets: &Path, known: &[&String]) -> String {
    let server = installation.start();
    let set = poll("a set", || {
        names(sets)
            .into_iter()
            .find(|name| name.starts_with('2') && !known.contains(&name))
    });
    let metrics = poll("a metric", || {
        let metrics = http::get(server.port, "/metrics").expect("an answer").text();
        let line = metrics
            .lines()
            .find(|line| line.starts_with("timberline_backup_last_success"))?
            .to_owned();
        (!line.ends_with(" 0")).then_some(line)
    });
    println!("{set}: {metrics}");
    server.stop();
    set
}

fn names(sets: &Path) -> Vec<String> {
    let entries = fs::read_dir(sets).into_iter().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .collect();
    names.sort();
    names
}

#[cfg(target_os = "linux")]
fn a_full_disk_is_told_and_the_next_backup_goes_on(data: Data) {
    use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
    let installation = small(data);
    let disk: PathBuf = installation.root().join("disk");
    fs::create_dir(&disk).expect("a directory");
    let size = c"size=2560k";
    if let Err(error) = mount("tmpfs", &disk, "tmpfs", MountFlags::empty(), Some(size)) {
        println!("not tested: a small filesystem cannot be mounted here ({error})");
        return;
    }
    let full = run(&installation, &["backup", text(&disk.join("backup"))]);
    let resized = Command::new("mount")
        .args(["-o", "remount,size=64m", text(&disk)])
        .status()
        .is_ok_and(|status| status.success());
    let again = run(&installation, &["backup", text(&disk.join("backup"))]);
    let verified = run(&installation, &["backup", "--verify", text(&disk.join("backup"))]);
    unmount(&disk, UnmountFlags::DETACH).expect("unmounted");
    refused(full, &["No space left", text(&disk)]);
    assert!(resized);
    assert_eq!(
        (again.0, verified.0),
        (0, 0),
        "{} {} {}",
        again.1,
        again.2,
        verified.1
    );
}

//! `timberline log …`: the real command on data directories that a store has filled, damaged and whole, next to a
//! running server and without one.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::harness::http;
use crate::harness::poll;
use crate::harness::server::{Ending, Installation};
use serde_json::{Value, json};
use timberline_model::{Bucket, BucketUpdate, Data, Duration, Heartbeat, NewEvent, Pulsetime, Timestamp};
use timberline_views::{Store, StoreOptions};

const AFK: &str = "aw-watcher-afk_test";
const WINDOW: &str = "aw-watcher-window_test";
const SECOND: i64 = 1_000_000_000;
/// 2024-03-01T10:00:00Z.
const BEGIN: i64 = 1_709_287_200 * SECOND;
const HEARTBEATS: i64 = 3_000;
const INSERTED: i64 = 500;

/// Runs a subcommand of `log` on this installation's data; gives exit code, output and complaint.
fn log(installation: &Installation, args: &[&str]) -> (i32, String, String) {
    let (status, out, err) = installation.run(log_command(installation, args));
    (status.code().expect("an exit code"), out, err)
}

fn log_command(installation: &Installation, args: &[&str]) -> Command {
    let mut command = installation.program();
    command
        .arg("log")
        .args(args)
        .arg("--dbpath")
        .arg(&installation.data);
    command
}

fn lines(out: &str) -> Vec<Value> {
    out.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// An installation with two buckets, one that is gone, a setting, and several small segments.
fn filled() -> Installation {
    let installation = Installation::new();
    let options = StoreOptions {
        segment_bytes: 64 << 10,
        ..StoreOptions::default()
    };
    let (store, _) = Store::open(&installation.data, options).expect("a store");
    for id in [AFK, WINDOW, "gone"] {
        let bucket = Bucket {
            id: id.to_owned(),
            type_: "test".to_owned(),
            client: "tests".to_owned(),
            hostname: "here".to_owned(),
            created: Timestamp::from_nanos(BEGIN),
            data: Data::default(),
            last_updated: None,
        };
        store.create_bucket(&bucket).expect("a bucket");
    }
    for n in 0..HEARTBEATS {
        let beat = Heartbeat {
            start: Timestamp::from_nanos(BEGIN + n * SECOND),
            duration: Duration::ZERO,
            data: format!(
                r#"{{"status":"{}"}}"#,
                if n % 20 < 10 { "afk" } else { "not-afk" }
            )
            .into(),
        };
        let pulsetime = Pulsetime::from_secs_f64(5.0).expect("a pulsetime");
        let bucket = if n % 2 == 0 { AFK } else { "gone" };
        store.heartbeat(bucket, &beat, pulsetime).expect("a heartbeat");
    }
    let events: Vec<NewEvent<'_>> = (0..INSERTED)
        .map(|n| NewEvent {
            id: None,
            start: Timestamp::from_nanos(BEGIN + n * 60 * SECOND),
            duration: Duration::from_nanos(30 * SECOND),
            data: format!(r#"{{"app":"app {}","title":"é"}}"#, n % 7).into(),
        })
        .collect();
    let (ids, _) = store.insert_events(WINDOW, &events).expect("inserted");
    store.delete_event(WINDOW, ids[3]).expect("deleted");
    store
        .update_bucket(
            WINDOW,
            &BucketUpdate {
                client: Some("other".to_owned()),
                ..BucketUpdate::default()
            },
        )
        .expect("updated");
    store.set_setting("startOfDay", "\"04:00\"").expect("a setting");
    store.delete_bucket("gone").expect("gone");
    store.flush(1).expect("sealed");
    store.close().expect("closed");
    installation
}

fn segments(installation: &Installation) -> Vec<PathBuf> {
    files(&installation.data.join("log"), "seg")
}

fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    files
}

fn flip_bit(path: &Path, offset: u64) {
    let mut bytes = fs::read(path).expect("a file");
    bytes[usize::try_from(offset).expect("an offset")] ^= 0x10;
    fs::write(path, bytes).expect("a file");
}

fn number(value: &Value, name: &str) -> u64 {
    value[name]
        .as_u64()
        .unwrap_or_else(|| panic!("{name} in {value}"))
}

/// The events of a bucket in a server's answer, without their ids.
fn events(port: u16, bucket: &str) -> Vec<Value> {
    let answer = http::get(port, &format!("/api/0/buckets/{bucket}/events?limit=-1")).expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut events = answer.json().expect("JSON");
    let events = events.as_array_mut().expect("a list");
    for event in events.iter_mut() {
        event.as_object_mut().expect("an event").remove("id");
    }
    events.clone()
}

#[test]
fn stat_adds_up() {
    let installation = filled();
    let (code, out, err) = log(&installation, &["stat", "--json"]);
    assert_eq!(code, 0, "{err}");
    let stat: Value = serde_json::from_str(&out).expect("JSON");
    let records = number(&stat, "records");
    assert_eq!(records, number(&stat, "last_seq"));
    assert_eq!(stat["durable_seq"], stat["last_seq"], "it was closed");
    let listed = stat["segments"].as_array().expect("segments");
    assert!(listed.len() > 2, "{out}");
    assert_eq!(listed.len(), segments(&installation).len());
    let sum = |name| listed.iter().map(|segment| number(segment, name)).sum::<u64>();
    assert_eq!(sum("records"), records);
    assert_eq!(sum("bytes_used"), number(&stat, "bytes_used"));
    for (segment, path) in listed.iter().zip(segments(&installation)) {
        let length = fs::metadata(&path).expect("a file").len();
        let unused = length - number(segment, "bytes_used");
        assert!(unused < 4096, "trimmed: {segment}");
    }
    let bucket = |id: &str| {
        let buckets = stat["buckets"].as_array().expect("buckets");
        let found = buckets.iter().find(|bucket| bucket["id"] == id);
        found.unwrap_or_else(|| panic!("{id} in {out}")).clone()
    };
    // Ten seconds one way, ten the other.
    assert_eq!(number(&bucket(AFK), "events"), 300);
    assert_eq!(bucket(AFK)["start"], "2024-03-01T10:00:00Z");
    assert_eq!(number(&bucket(AFK), "records"), 1 + HEARTBEATS as u64 / 2);
    assert_eq!(number(&bucket(AFK), "view_segments"), 1);
    assert_eq!(number(&bucket(WINDOW), "events"), INSERTED as u64 - 1);
    assert_eq!(bucket("gone")["deleted"], true);
    assert_eq!(number(&bucket("gone"), "events"), 0);

    let (code, table, _) = log(&installation, &["stat"]);
    assert_eq!(code, 0);
    for text in [AFK, "gone (deleted)", "sealed", "00000000000000000001.seg"] {
        assert!(table.contains(text), "{text} in:\n{table}");
    }
}

#[test]
fn a_log_that_is_whole_is_verified() {
    let installation = filled();
    let (code, out, err) = log(&installation, &["verify"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(
        out.contains("every invariant holds") && out.contains("show the same"),
        "{out}"
    );
}

#[test]
fn a_flipped_bit_is_found_and_the_rest_is_served() {
    let installation = filled();
    let (_, whole, _) = log(&installation, &["dump"]);
    let whole = lines(&whole);
    // One in a sealed segment, one in the last, which is not sealed but was synced when the log was closed.
    let sealed = whole
        .iter()
        .find(|record| record["seq"] == 100)
        .expect("a record");
    let synced = whole.iter().find(|record| record["kind"] == "bucket-updated");
    for victim in [sealed, synced.expect("a record")] {
        let file = installation
            .data
            .join("log")
            .join(victim["file"].as_str().expect("a file"));
        let offset = number(victim, "offset");
        flip_bit(&file, offset + 33);

        let (code, out, _) = log(&installation, &["verify"]);
        assert_eq!(code, 1, "{out}");
        let place = format!("{} is damaged at byte {offset} ", file.display());
        assert!(out.contains(&place), "{place} in:\n{out}");

        let (code, out, _) = log(&installation, &["dump"]);
        assert_eq!(code, 1);
        let (damage, rest): (Vec<_>, Vec<_>) = lines(&out)
            .into_iter()
            .partition(|line| line.get("damage").is_some());
        assert_eq!(damage.len(), 1, "{damage:?}");
        let damage = &damage[0]["damage"];
        assert_eq!(damage["file"], file.display().to_string());
        assert_eq!(damage["offset"], offset);
        assert_eq!(
            (&damage["lost_from"], &damage["lost_to"]),
            (&victim["seq"], &victim["seq"])
        );
        let others: Vec<Value> = whole
            .iter()
            .filter(|record| record["seq"] != victim["seq"])
            .cloned()
            .collect();
        assert_eq!(rest.len(), others.len());
        assert!(rest == others, "all other records are as before");

        // Damage outside of the range is not reported.
        let after = (number(victim, "seq") + 1).to_string();
        let (code, out, _) = log(&installation, &["dump", "--from", &after]);
        assert_eq!((code, out.contains("damage")), (0, false), "{out}");

        flip_bit(&file, offset + 33);
        assert_eq!(log(&installation, &["verify"]).0, 0, "whole again");
    }
}

#[test]
fn damaged_views_are_found_and_made_anew() {
    let installation = filled();
    let view = files(&installation.data.join("views"), "view")[0].clone();
    flip_bit(&view, 200);
    let (code, out, _) = log(&installation, &["verify"]);
    assert_eq!(code, 1, "{out}");
    let name = view.file_name().expect("a name").to_string_lossy().into_owned();
    assert!(out.contains(&name), "{name} in:\n{out}");

    let (code, out, err) = log(&installation, &["rebuild"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("all views are new"), "{out}");
    let (code, out, _) = log(&installation, &["verify"]);
    assert_eq!(code, 0, "{out}");

    fs::remove_dir_all(installation.data.join("views")).expect("removed");
    assert_eq!(
        log(&installation, &["verify"]).0,
        0,
        "views that are not there are not wrong"
    );
    assert!(
        !installation.data.join("views").exists(),
        "looking changes nothing"
    );
    assert_eq!(log(&installation, &["rebuild"]).0, 0);
    assert!(installation.data.join("views/checkpoint").exists());
    assert_eq!(log(&installation, &["verify"]).0, 0);
}

#[test]
fn views_are_not_rebuilt_from_a_damaged_log_unasked() {
    let installation = filled();
    let before = log(&installation, &["dump", "--kind", "events-inserted", "--compact"]).1;
    let record = &lines(&before)[0];
    let file = installation
        .data
        .join("log")
        .join(record["file"].as_str().expect("a file"));
    flip_bit(&file, number(record, "offset") + 40);
    // The views still have what the log has lost.
    let (code, _, err) = log(&installation, &["rebuild"]);
    assert_eq!(code, 1);
    assert!(
        err.contains("is damaged at byte") && err.contains("--despite-damage"),
        "{err}"
    );
    let server = installation.start();
    assert_eq!(events(server.port, WINDOW).len() as i64, INSERTED - 1);
    server.stop();

    let (code, out, err) = log(&installation, &["rebuild", "--despite-damage"]);
    assert_eq!(code, 0, "{err}");
    assert!(
        out.contains("all views are new") && err.contains("is damaged"),
        "{out}{err}"
    );
    assert!(
        err.contains(&format!("{} events that the log had lost", INSERTED - 1)),
        "{err}"
    );
    let server = installation.start();
    assert_eq!(events(server.port, WINDOW).len() as i64, INSERTED - 1);
    server.stop();
}

#[test]
fn missing_segments_are_found() {
    let installation = filled();
    let segments = segments(&installation);
    fs::remove_file(segments.last().expect("a segment")).expect("removed");
    let (code, out, _) = log(&installation, &["verify"]);
    assert_eq!(code, 1);
    assert!(out.contains("log segments are missing"), "{out}");
    fs::remove_file(&segments[0]).expect("removed");
    let (code, out, _) = log(&installation, &["verify"]);
    assert_eq!(code, 1);
    assert!(out.contains("everything before it is missing"), "{out}");
}

#[test]
fn dump_shows_what_is_asked_for() {
    let installation = filled();
    let (code, out, err) = log(&installation, &["dump", "--from", "4", "--to", "6"]);
    assert_eq!(code, 0, "{err}");
    let records = lines(&out);
    assert_eq!(records.len(), 3);
    let first = &records[0];
    assert_eq!((&first["seq"], &first["kind"]), (&json!(4), &json!("heartbeat")));
    assert_eq!(
        (&first["bucket"], &first["bucket_key"]),
        (&json!(AFK), &json!(0)),
        "its id is known though its creation was not asked for"
    );
    assert_eq!(first["timestamp"], "2024-03-01T10:00:00Z");
    assert_eq!(
        (&first["duration"], &first["pulsetime"]),
        (&json!(0.0), &json!(5.0))
    );
    assert_eq!(first["outcome"], "created");
    assert_eq!(first["data"], json!({"status": "afk"}));
    assert_eq!(records[2]["outcome"], "extended");
    assert_eq!(records[2]["event"], first["event"]);
    assert_eq!(records[2]["event_duration"], 2.0);

    let kinds = |args: &[&str]| {
        let (code, out, err) = log(&installation, &[&["dump"], args].concat());
        assert_eq!(code, 0, "{err}");
        lines(&out)
    };
    let inserted = kinds(&["--kind", "events-inserted", "--bucket", WINDOW]);
    assert_eq!(inserted.len(), 1);
    assert_eq!(inserted[0]["count"], INSERTED);
    assert_eq!(
        inserted[0]["events"].as_array().map(Vec::len),
        Some(INSERTED as usize)
    );
    assert_eq!(inserted[0]["events"][1]["timestamp"], "2024-03-01T10:01:00Z");
    let compact = kinds(&["--kind", "events-inserted", "--compact"]);
    assert_eq!(compact[0].get("events"), None);
    assert_eq!(compact[0]["count"], INSERTED);
    assert_eq!(kinds(&["--kind", "setting-set"])[0]["value"], "04:00");
    let gone = kinds(&["--bucket", "gone", "--from", "4"]);
    assert_eq!(
        gone.len() as i64,
        HEARTBEATS / 2 + 1,
        "also of a bucket that is gone, created before"
    );
    assert_eq!(kinds(&["--until", "1h"]).len(), 0);
    assert_eq!(kinds(&["--since", "1h"]).len(), kinds(&[]).len());

    let (code, _, err) = log(&installation, &["dump", "--bucket", "nobody"]);
    assert_eq!(code, 1);
    assert_eq!(err, "timberline: there is no bucket 'nobody' in this log\n");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let installation = filled();
    let mut dump = log_command(&installation, &["dump"]);
    let mut child = Ending(
        dump.stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("dump"),
    );
    let mut first = String::new();
    let mut reader = BufReader::new(child.0.stdout.take().expect("its output"));
    reader.read_line(&mut first).expect("a line");
    drop(reader);
    let status = poll("dump to end", || child.0.try_wait().expect("its state"));
    let mut complaint = String::new();
    std::io::Read::read_to_string(&mut child.0.stderr.take().expect("its errors"), &mut complaint)
        .expect("text");
    assert!(status.success() && complaint.is_empty(), "{status}: {complaint}");
}

#[test]
fn tail_shows_the_newest() {
    let installation = filled();
    let (_, out, _) = log(&installation, &["dump", "--compact"]);
    let all: Vec<&str> = out.lines().collect();
    let tail = |args: &[&str]| {
        let (code, out, err) = log(&installation, &[&["tail", "--no-follow"], args].concat());
        assert_eq!(code, 0, "{err}");
        out
    };
    let expected = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    assert_eq!(tail(&[]), expected(&all[all.len() - 10..]));
    // More than the last segments hold.
    assert_eq!(tail(&["-n", "2500"]), expected(&all[all.len() - 2500..]));
    assert_eq!(tail(&["-n", "999999"]), expected(&all));
    assert_eq!(tail(&["-n", "0"]), "");
    assert_eq!(tail(&["--from", "2990"]), expected(&all[2989..]));
    let afk: Vec<&str> = all.iter().filter(|line| line.contains(AFK)).copied().collect();
    assert_eq!(
        tail(&["-n", "1200", "--bucket", AFK]),
        expected(&afk[afk.len() - 1200..])
    );
}

#[test]
fn tail_follows_a_server() {
    let installation = filled();
    let server = installation.start();
    let mut tail = log_command(&installation, &["tail", "-n", "1", "--bucket", AFK]);
    let mut child = Ending(tail.stdout(Stdio::piped()).spawn().expect("tail"));
    let mut shown = BufReader::new(child.0.stdout.take().expect("its output")).lines();
    let mut next = || -> Value {
        let line = shown.next().expect("a line").expect("text");
        serde_json::from_str(&line).expect("JSON")
    };
    assert_eq!(next()["timestamp"], "2024-03-01T10:49:58Z");
    for (second, bucket) in [(10, AFK), (11, WINDOW), (12, AFK)] {
        let beat = json!({"timestamp": format!("2024-03-02T10:00:{second}Z"), "duration": 0, "data": {}});
        let target = format!("/api/0/buckets/{bucket}/heartbeat?pulsetime=5");
        let answer = http::post(server.port, &target, beat.to_string().as_bytes()).expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert_eq!(next()["timestamp"], "2024-03-02T10:00:10Z");
    assert_eq!(next()["timestamp"], "2024-03-02T10:00:12Z");
    server.stop();
}

#[test]
fn replay_shows_the_state_of_then() {
    let installation = filled();
    let state = |args: &[&str]| -> Value {
        let (code, out, err) = log(&installation, &[&["replay", "--json", "--events"], args].concat());
        assert_eq!(code, 0, "{err}");
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    };
    let now = state(&[]);
    assert_eq!(now["buckets"].as_object().map(serde_json::Map::len), Some(2));
    assert_eq!(now["settings"], json!({"startOfDay": "04:00"}));
    assert_eq!(now["buckets"][WINDOW]["event_count"], INSERTED - 1);
    assert_eq!(now["buckets"][WINDOW]["client"], "other");

    // Three buckets were made and ten heartbeats came, half of them to each of two.
    let then = state(&["--to-seq", "13"]);
    assert_eq!(then["seq"], 13);
    assert_eq!(then["settings"], json!({}));
    assert_eq!(then["buckets"][WINDOW]["client"], "tests");
    assert_eq!(then["buckets"]["gone"]["event_count"], 1);
    let events = then["buckets"][AFK]["events"].as_array().expect("events");
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["duration"], 8.0);
    assert_eq!(events[0]["data"], json!({"status": "afk"}));

    assert_eq!(state(&["--to-time", "1h"])["seq"], 0, "before the first record");
    let (code, table, _) = log(&installation, &["replay", "--to-seq", "13", "--bucket", "gone"]);
    assert_eq!(code, 0);
    assert!(table.contains("gone") && !table.contains(AFK), "{table}");

    let server = installation.start();
    for bucket in [AFK, WINDOW] {
        let mut folded = now["buckets"][bucket]["events"].clone();
        for event in folded.as_array_mut().expect("events") {
            event.as_object_mut().expect("an event").remove("id");
        }
        assert!(json!(self::events(server.port, bucket)) == folded, "{bucket}");
    }
    server.stop();
}

#[test]
fn replay_to_a_second_server_gives_the_same_events() {
    let source = filled();
    let running = source.start();
    let second = Installation::new();
    let server = second.start();
    let url = format!("http://127.0.0.1:{}", server.port);
    let (code, out, err) = log(&source, &["replay", "--to", &url, "--speed", "max"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(
        out.contains("sent 3,000 heartbeats, 500 inserted events, 3 buckets"),
        "{out}"
    );
    for not_sent in [
        "events-deleted: 1",
        "bucket-updated: 1",
        "bucket-deleted: 1",
        "setting-set: 1",
    ] {
        assert!(
            out.contains(&format!("not sent, {not_sent}\n")),
            "{not_sent} in {out}"
        );
    }
    assert_eq!(events(server.port, AFK), events(running.port, AFK));
    let mut inserted = events(server.port, WINDOW);
    inserted.retain(|event| event["timestamp"] != "2024-03-01T10:03:00Z");
    assert_eq!(
        inserted,
        events(running.port, WINDOW),
        "but for the one that was deleted"
    );

    // The rest of the recording alone: the bucket is made first, and what a heartbeat said is found.
    let third = Installation::new();
    let other = third.start();
    let url = format!("http://127.0.0.1:{}/", other.port);
    let args = [
        "replay", "--to", &url, "--speed", "1000000", "--from", "2000", "--bucket", AFK,
    ];
    let (code, out, err) = log(&source, &args);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains(" 1 buckets"), "{out}");
    let all = events(running.port, AFK);
    let part = events(other.port, AFK);
    assert!(part.len() > 50 && part.len() < all.len());
    assert_eq!(
        part[..part.len() - 1],
        all[..part.len() - 1],
        "but for the first, which began before"
    );
    let buckets = http::get(other.port, "/api/0/buckets/")
        .expect("an answer")
        .json();
    assert_eq!(
        buckets.and_then(|b| b.as_object().map(serde_json::Map::len)),
        Some(1)
    );
    other.stop();

    // Refusals are reported, and are a failure.
    let args = ["replay", "--to", &url, "--speed", "max"];
    let (code, _, err) = log(&source, &args);
    assert_eq!(code, 1);
    assert!(err.contains("there is no ActivityWatch server at"), "{err}");
    server.stop();
    running.stop();
}

#[test]
fn replayed_times_can_be_moved_to_now() {
    let source = filled();
    let second = Installation::new();
    let server = second.start();
    let url = format!("http://127.0.0.1:{}", server.port);
    let args = [
        "replay",
        "--to",
        &url,
        "--speed",
        "max",
        "--bucket",
        AFK,
        "--rewrite-times",
    ];
    let (code, out, err) = log(&source, &args);
    assert_eq!(code, 0, "{out}{err}");
    let moved = events(server.port, AFK);
    assert_eq!(moved.len(), 300);
    let (_, then, _) = log(&source, &["dump", "--from", "1", "--to", "1"]);
    let written = Timestamp::parse(lines(&then)[0]["time"].as_str().expect("a time")).expect("a time");
    let first = moved.last().expect("an event")["timestamp"]
        .as_str()
        .expect("a time");
    let first = Timestamp::parse(first).expect("a time");
    let shift = first.since(Timestamp::from_nanos(BEGIN));
    let since_written = Timestamp::now().since(written);
    assert!(
        shift.nanos() > 0 && shift <= since_written,
        "{shift:?} {since_written:?}"
    );
    server.stop();
}

#[test]
fn everything_but_rebuilding_works_beside_a_server() {
    let mut installation = filled();
    installation.configure("[log]\nsegment_bytes = 1048576\n");
    let server = installation.start();
    let port = server.port;
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..2)
            .map(|writer| {
                let done = &done;
                scope.spawn(move || write_on(port, writer, done))
            })
            .collect();
        for _ in 0..4 {
            let (code, out, err) = log(&installation, &["verify"]);
            assert_eq!((code, err.as_str()), (0, ""), "{out}");
            for args in [
                &["stat"][..],
                &["dump", "--compact"],
                &["tail", "--no-follow"],
                &["replay"],
            ] {
                let (code, _, err) = log(&installation, args);
                assert_eq!((code, err.as_str()), (0, ""), "{args:?}");
            }
        }
        done.store(true, Ordering::Relaxed);
        for writer in writers {
            assert!(writer.join().expect("a writer") > 0);
        }
    });
    let (code, _, err) = log(&installation, &["rebuild"]);
    assert_eq!(code, 1);
    let holder = format!("is in use by process {}", server.process_id());
    assert!(err.contains(&holder) && err.lines().count() == 1, "{err}");
    assert!(err.ends_with(": stop it or choose another --dbpath\n"), "{err}");
    server.stop();
    assert_eq!(log(&installation, &["verify"]).0, 0);
}

/// Sends heartbeats and events until told to stop; gives how many.
fn write_on(port: u16, writer: u32, done: &AtomicBool) -> u32 {
    let mut connection = http::Connection::open(port).expect("a connection");
    let mut sent = 0;
    while !done.load(Ordering::Relaxed) {
        let second = sent % 60;
        let minute = sent / 60 % 60;
        let time = format!("2024-04-0{}T10:{minute:02}:{second:02}Z", writer + 1);
        let event = json!({"timestamp": time, "duration": 1, "data": {"n": sent % 10}});
        let (target, body) = match sent % 10 {
            0 => (
                format!("/api/0/buckets/{WINDOW}/events"),
                json!([event, event, event]),
            ),
            _ => (format!("/api/0/buckets/{AFK}/heartbeat?pulsetime=5"), event),
        };
        let answer = connection.request("POST", &target, Some(body.to_string().as_bytes()));
        assert_eq!(answer.expect("an answer").status, 200);
        sent += 1;
    }
    sent
}

#[test]
fn where_there_is_nothing_nothing_is_made() {
    let installation = Installation::new();
    for missing in [true, false] {
        for (args, expected) in [
            (&["stat"][..], 1),
            (&["verify"], 2),
            (&["dump"], 1),
            (&["tail"], 1),
            (&["replay"], 1),
            (&["rebuild"], 1),
        ] {
            let (code, out, err) = log(&installation, args);
            assert_eq!((code, out.as_str()), (expected, ""), "{args:?}");
            assert_eq!(err.lines().count(), 1, "{err}");
            let path = installation.data.display().to_string();
            assert!(err.contains(&path) && err.contains("--dbpath"), "{err}");
            assert_eq!(installation.data.exists(), !missing);
        }
        if missing {
            fs::create_dir(&installation.data).expect("an empty directory");
        } else {
            let entries = fs::read_dir(&installation.data).expect("a directory").count();
            assert_eq!(entries, 0);
        }
    }
}

#[test]
fn without_options_it_is_the_directory_of_the_server() {
    let installation = filled();
    let home = installation.root().join("home/.local/share");
    fs::create_dir_all(&home).expect("a directory");
    fs::rename(&installation.data, home.join("timberline-testing")).expect("moved");
    let mut stat = installation.program();
    stat.args(["log", "stat", "--testing"]);
    let (status, out, err) = installation.run(stat);
    assert!(status.success(), "{err}");
    assert!(out.contains("timberline-testing"), "{out}");
    let mut stat = installation.program();
    stat.args(["log", "stat"]);
    let (status, _, err) = installation.run(stat);
    assert!(
        !status.success() && err.contains(".local/share/timberline"),
        "{err}"
    );
}

#[test]
fn a_setting_of_any_length_and_a_number_of_any_size_are_shown() {
    let installation = filled();
    let (store, _) = Store::open(&installation.data, StoreOptions::default()).expect("a store");
    // The width of a formatter ends at 65,535.
    let long = format!("\"{}\"", "x".repeat(70_000));
    store.set_setting("long", &long).expect("a setting");
    store.set_setting(&"key".repeat(30_000), "1").expect("a setting");
    store.close().expect("closed");
    for args in [
        &["replay"][..],
        &["replay", "--json"],
        &["replay", "--events"],
        &["dump"],
        &["tail", "--no-follow"],
        &["stat"],
        &["verify"],
    ] {
        let (code, out, err) = log(&installation, args);
        assert_eq!(code, 0, "{args:?}: {err}");
        assert!(!err.contains("panicked"), "{args:?}: {err}");
        let shown = out.contains(long.trim_matches('"'));
        assert!(shown || args[0] != "replay", "{args:?}");
    }
}

//! Databases of ActivityWatch's servers: every schema, in every state in which a file can be.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::harness::{
    SECOND, START, bucket, contents, event, fill, hard, many, read, read_with, rust_database,
};
use proptest::prelude::*;
use rusqlite::{Connection, params};
use timberline_exchange::Error;
use timberline_exchange::import::{Kind, Options, Reason, Source};
use timberline_model::{Bucket, NewEvent, Timestamp};

fn assert_same(path: &Path, expected: &[(Bucket, Vec<NewEvent<'static>>)]) {
    let read = read(path);
    assert_eq!(read.buckets.len(), expected.len());
    for (bucket, (expected, events)) in read.buckets.iter().zip(expected) {
        assert_eq!(
            (&bucket.id, &bucket.type_, &bucket.client, &bucket.hostname),
            (
                &expected.id,
                &expected.type_,
                &expected.client,
                &expected.hostname
            )
        );
        assert_eq!(bucket.created, Some(expected.created));
        let mut events = events.clone();
        events.sort_by_key(|event| event.id);
        assert_eq!(read.events[&bucket.id], events);
    }
    assert!(read.report.left_out.is_empty(), "{:?}", read.report);
    for bucket in &read.report.buckets {
        assert!(
            bucket.left_out.is_empty() && bucket.changed.is_empty(),
            "{bucket:?}"
        );
    }
}

#[test]
fn every_schema_of_aw_server_rust_is_read_to_the_nanosecond() {
    for version in 1..=7 {
        for claimed in [version, 0] {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("sqlite.db");
            let connection = rust_database(&path, version);
            fill(&connection, &hard());
            // A restored dump claims to be version 0.
            connection.pragma_update(None, "user_version", claimed).unwrap();
            drop(connection);
            let before = contents(directory.path());
            assert_same(&path, &hard());
            let read = read(&path);
            assert_eq!(read.kind, Kind::AwServerRust(version), "claimed {claimed}");
            let data = if version == 1 {
                "{}"
            } else {
                r#"{"$aw.sync":{"x":1}}"#
            };
            assert_eq!(read.buckets[0].data.as_str(), data);
            assert_eq!(contents(directory.path()), before, "version {version}");
        }
    }
}

#[test]
fn settings_come_along_by_the_keys_of_the_api() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sqlite.db");
    let connection = rust_database(&path, 7);
    for (key, value) in [
        (
            "settings.classes",
            r#"[{"name":["Work"],"rule":{"type":"regex","regex":"é"}}]"#,
        ),
        ("settings.startOfDay", "\"04:00\""),
        ("settings.broken", "{"),
        ("cors", "1"),
    ] {
        connection
            .execute("INSERT INTO key_value VALUES (?1, ?2, 0)", [key, value])
            .unwrap();
    }
    drop(connection);
    let read = read(&path);
    let keys: Vec<_> = read.settings.iter().map(|setting| setting.key.as_str()).collect();
    assert_eq!(keys, ["classes", "startOfDay"]);
    assert_eq!(read.settings[1].value, "\"04:00\"");
    let note = read.report.left_out.iter().next().unwrap();
    assert_eq!((note.reason, note.count), (Reason::Setting, 1));
    assert!(note.first.contains("broken"), "{note:?}");
}

#[test]
fn buckets_of_several_devices_keep_apart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sqlite.db");
    let connection = rust_database(&path, 7);
    for device in ["local", "phone", "tablet"] {
        let sql = "INSERT INTO buckets (name, device_id, type, client, hostname, created)
            VALUES ('b', ?1, 't', 'c', 'h', '2024-03-01T10:00:00Z')";
        connection.execute(sql, [device]).unwrap();
    }
    let sql = "INSERT INTO events (bucketrow, starttime, endtime, data) VALUES (2, 0, 5, '{}')";
    connection.execute(sql, []).unwrap();
    drop(connection);
    let read = read(&path);
    let names: Vec<_> = read
        .buckets
        .iter()
        .map(|bucket| (bucket.id.as_str(), bucket.device.as_deref()))
        .collect();
    let expected = [
        ("b", None),
        ("b-synced-from-phone", Some("phone")),
        ("b-synced-from-tablet", Some("tablet")),
    ];
    assert_eq!(names, expected);
    assert_eq!(read.events["b-synced-from-phone"].len(), 1);
    assert_eq!(
        read.report.buckets[1].changed.iter().next().unwrap().reason,
        Reason::SameName
    );
}

#[test]
fn data_compressed_with_a_dictionary_are_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sqlite.db");
    let connection = rust_database(&path, 4);
    let object = |at: usize| format!(r#"{{"app":"Firefox","title":"Some window title number {at}"}}"#);
    // Any bytes can be a dictionary; trained ones only pay better.
    let dictionary: Vec<u8> = (0..50).flat_map(|at| object(at).into_bytes()).collect();
    let schema = "DROP TABLE events;
        CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, bucketrow INTEGER NOT NULL,
            starttime INTEGER NOT NULL, duration INTEGER NOT NULL, data BLOB NOT NULL);
        CREATE TABLE compression_dict (id INTEGER PRIMARY KEY CHECK (id = 0), dict BLOB NOT NULL);
        INSERT INTO buckets (name, type, client, hostname, created) VALUES ('b', 't', 'c', 'h', '2024-03-01T10:00:00Z');
        PRAGMA user_version = 6;";
    connection.execute_batch(schema).unwrap();
    connection
        .execute("INSERT INTO compression_dict VALUES (0, ?1)", [&dictionary])
        .unwrap();
    let mut compressor = zstd::bulk::Compressor::with_dictionary(6, &dictionary).unwrap();
    for at in 0..10usize {
        let data = match at {
            9 => vec![0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3],
            at if at % 2 == 0 => compressor.compress(object(at).as_bytes()).unwrap(),
            at => object(at).into_bytes(),
        };
        let sql = "INSERT INTO events (bucketrow, starttime, duration, data) VALUES (1, ?1, 5, ?2)";
        connection.execute(sql, params![at as i64, data]).unwrap();
    }
    drop(connection);
    let read = read(&path);
    assert_eq!(read.kind, Kind::AwServerRust(6));
    let events = &read.events["b"];
    assert_eq!(events.len(), 9);
    for (at, event) in events.iter().enumerate() {
        assert_eq!(
            (event.data.as_ref(), event.duration.nanos()),
            (object(at).as_str(), 5)
        );
    }
    assert_eq!(
        read.report.buckets[0].left_out.iter().next().unwrap().reason,
        Reason::Data
    );
}

/// The tables of aw-server's usual storage.
const PEEWEE: &str = r#"
    CREATE TABLE "bucketmodel" ("key" INTEGER NOT NULL PRIMARY KEY, "id" VARCHAR(255) NOT NULL,
        "created" DATETIME NOT NULL, "name" VARCHAR(255), "type" VARCHAR(255) NOT NULL,
        "client" VARCHAR(255) NOT NULL, "hostname" VARCHAR(255) NOT NULL, "datastr" VARCHAR(255));
    CREATE TABLE "eventmodel" ("id" INTEGER NOT NULL PRIMARY KEY, "bucket_id" INTEGER NOT NULL,
        "timestamp" DATETIME NOT NULL, "duration" DECIMAL(10, 5) NOT NULL, "datastr" VARCHAR(255) NOT NULL);
    INSERT INTO bucketmodel VALUES (3, 'b', '2024-03-01 10:00:00.5+00:00', NULL, 't', 'c', 'h', '{"k": 1}');"#;

#[test]
fn the_usual_storage_of_aw_server_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("peewee-sqlite.v2.db");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(PEEWEE).unwrap();
    connection
        .execute_batch(
            r#"INSERT INTO eventmodel VALUES
            (1, 3, '2024-03-01 10:00:00+00:00', 1.5, '{"app": "a", "title": "b"}'),
            (2, 3, '2024-03-01 11:00:00.123456+01:00', '0.00001', '{"title": "b", "app": "\u00e9"}'),
            (3, 3, '2024-03-01 10:00:00', 3, '{}'),
            (4, 3, 1709287200, 3, '{}'),
            (5, 3, 1709287200.25, 3, '{}'),
            (6, 3, 1709287200250, 3, '{}'),
            (7, 3, 'never', 3, '{}'),
            (9, 3, 0, 'long', '{}'),
            (10, 3, 0, 1, '[]'),
            (11, 3, 0, 1, '{"a": NaN, "b": "\ud835"}'),
            (12, 4, 0, 1, '{}'),
            (13, 3, 0, 9e9, '{}')"#,
        )
        .unwrap();
    drop(connection);
    let read = read(&path);
    assert_eq!(read.kind, Kind::AwServerPeewee);
    assert_eq!(
        read.buckets[0].created,
        Some(Timestamp::from_nanos(START + SECOND / 2))
    );
    assert_eq!(read.buckets[0].data.as_str(), r#"{"k":1}"#);
    let expected = [
        event(1, START, 3 * SECOND / 2, r#"{"app":"a","title":"b"}"#),
        event(2, START + 123_456_000, 10_000, r#"{"app":"é","title":"b"}"#),
        event(3, START, 3 * SECOND, "{}"),
        event(4, START, 3 * SECOND, "{}"),
        event(5, START + SECOND / 4, 3 * SECOND, "{}"),
        event(6, START + SECOND / 4, 3 * SECOND, "{}"),
        event(11, 0, SECOND, "{\"a\":null,\"b\":\"\u{fffd}\"}"),
        event(13, 0, 9_000_000_000 * SECOND, "{}"),
    ];
    assert_eq!(read.events["b"], expected);
    let reasons: Vec<_> = read.report.buckets[0]
        .left_out
        .iter()
        .map(|note| (note.reason, note.count))
        .collect();
    assert_eq!(
        reasons,
        [(Reason::Time, 1), (Reason::Duration, 1), (Reason::Data, 1)]
    );
    assert_eq!(read.report.buckets[0].changed.count(), 1);
    assert_eq!(
        read.report.left_out.iter().next().unwrap().reason,
        Reason::NoBucket
    );
}

#[test]
fn the_other_storage_of_aw_server_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sqlite.v1.db");
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch(
            r#"CREATE TABLE buckets (rowid INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, name TEXT,
                type TEXT NOT NULL, client TEXT NOT NULL, hostname TEXT NOT NULL, created TEXT NOT NULL,
                datastr TEXT NOT NULL);
            CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, bucketrow INTEGER NOT NULL,
                starttime INTEGER NOT NULL, endtime INTEGER NOT NULL, datastr TEXT NOT NULL);
            INSERT INTO buckets VALUES (1, 'b', NULL, 't', 'c', 'h', '2024-03-01T10:00:00+00:00', '{}');
            INSERT INTO events VALUES (1, 1, 1709287200000000, 1709287201500000, '{"a": 1}'),
                (2, 1, 1709287200000000.2, 1709287201500000.9, '{}'), (3, 1, 1e300, 1, '{}');"#,
        )
        .unwrap();
    drop(connection);
    let read = read(&path);
    assert_eq!(read.kind, Kind::AwServerSqlite);
    let expected = [
        event(1, START, 3 * SECOND / 2, r#"{"a":1}"#),
        event(2, START, 3 * SECOND / 2 + 1_000, "{}"),
    ];
    assert_eq!(read.events["b"], expected);
    assert_eq!(read.report.buckets[0].left_out.count(), 1);
}

/// A database in WAL mode whose last events are only in the log.
fn with_log(path: &Path) -> Connection {
    let connection = rust_database(path, 7);
    connection
        .query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))
        .unwrap();
    connection.pragma_update(None, "wal_autocheckpoint", 0).unwrap();
    fill(&connection, &many(1000));
    connection
}

#[test]
fn a_log_that_a_crash_has_left_is_read_and_not_touched() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sqlite.db");
    let crashed = tempfile::tempdir().unwrap();
    let connection = with_log(&path);
    for name in ["sqlite.db", "sqlite.db-wal", "sqlite.db-shm"] {
        fs::copy(directory.path().join(name), crashed.path().join(name)).unwrap();
    }
    drop(connection);
    for with_index in [true, false] {
        let path = crashed.path().join("sqlite.db");
        if !with_index {
            fs::remove_file(crashed.path().join("sqlite.db-shm")).unwrap();
        }
        let before = contents(crashed.path());
        assert_same(&path, &many(1000));
        assert_eq!(contents(crashed.path()), before, "with an index: {with_index}");
    }
}

#[test]
fn a_database_in_wal_mode_without_a_log_gets_none() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sqlite.db");
    drop(with_log(&path));
    let before = contents(directory.path());
    assert_eq!(before.len(), 1, "closing has removed the log");
    assert_same(&path, &many(1000));
    assert_eq!(contents(directory.path()), before);
}

/// Another process that has a database open, and carries out commands.
const WRITER: &str = r#"
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
for line in sys.stdin:
    connection.execute(line).fetchall()
    print("done", flush=True)
"#;

struct Writer(std::process::Child);

impl Writer {
    fn start(path: &Path) -> Writer {
        let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
        let mut command = Command::new(python);
        command
            .args(["-c", WRITER])
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        Writer(command.spawn().expect("python3, which the tests need"))
    }

    fn execute(&mut self, statements: &[&str]) {
        let stdin = self.0.stdin.as_mut().unwrap();
        for statement in statements {
            writeln!(stdin, "{statement}").unwrap();
        }
        let mut answers = BufReader::new(self.0.stdout.as_mut().unwrap());
        for statement in statements {
            let mut line = String::new();
            answers.read_line(&mut line).unwrap();
            assert_eq!(line, "done\n", "{statement}");
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const INSERT: &str = "INSERT INTO events (bucketrow, starttime, endtime, data) VALUES (1, 5, 6, '{}')";

#[test]
fn a_running_server_is_read_as_it_was_at_the_start_and_goes_on_writing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sqlite.db");
    fill(&rust_database(&path, 7), &many(20_000));
    let mut server = Writer::start(&path);
    server.execute(&["PRAGMA journal_mode = WAL", INSERT, INSERT]);
    let mut source = Source::open(&path, &Options::default()).unwrap();
    let mut count = 0;
    while let Some(batch) = source.next_batch().unwrap() {
        count += batch.events.len();
        server.execute(&[INSERT, "DELETE FROM events WHERE id = 19999"]);
    }
    assert_eq!(count, 20_002);
    drop(source);
    server.execute(&["PRAGMA wal_checkpoint(TRUNCATE)", INSERT]);
    let names: Vec<String> = contents(directory.path()).into_keys().collect();
    assert_eq!(
        names,
        ["sqlite.db", "sqlite.db-shm", "sqlite.db-wal"],
        "which are the server's"
    );
}

#[test]
fn a_server_with_a_journal_is_read_too_and_named_while_it_writes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sqlite.db");
    fill(&rust_database(&path, 4), &many(20_000));
    let mut server = Writer::start(&path);
    let mut source = Source::open(&path, &Options::default()).unwrap();
    let mut count = 0;
    while let Some(batch) = source.next_batch().unwrap() {
        count += batch.events.len();
        server.execute(&[INSERT]);
    }
    assert!(count >= 20_000);
    assert!(
        source.report().remarks[0].contains("another program"),
        "{:?}",
        source.report()
    );
    drop(source);
    server.execute(&["BEGIN EXCLUSIVE", INSERT]);
    match Source::open(&path, &Options::default()) {
        Err(error @ Error::InUse { .. }) => {
            assert!(error.to_string().contains("Stop the other server"), "{error}")
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_interrupted_transaction_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sqlite.db");
    fill(&rust_database(&path, 4), &many(2_000));
    let mut server = Writer::start(&path);
    server.execute(&[
        "PRAGMA cache_size = 1",
        "BEGIN IMMEDIATE",
        "UPDATE events SET data = '{\"x\":1}'",
    ]);
    let crashed = tempfile::tempdir().unwrap();
    for name in ["sqlite.db", "sqlite.db-journal"] {
        fs::copy(directory.path().join(name), crashed.path().join(name)).unwrap();
    }
    let before = contents(crashed.path());
    let error = Source::open(&crashed.path().join("sqlite.db"), &Options::default()).unwrap_err();
    assert!(error.to_string().contains("Start the old server once"), "{error}");
    assert_eq!(contents(crashed.path()), before);
}

#[test]
fn an_encrypted_database_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sqlite.db");
    let mut state = 1u64;
    let random = (0..8192).map(|_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    });
    fs::write(&path, random.collect::<Vec<_>>()).unwrap();
    let error = Source::open(&path, &Options::default()).unwrap_err();
    assert!(matches!(error, Error::Encrypted { .. }), "{error}");
}

#[test]
fn other_databases_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("other.db");
    let connection = Connection::open(&path).unwrap();
    // Names alone do not count, and a view might take for ever.
    let sql = "CREATE TABLE buckets (id); CREATE VIEW events AS
        WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n;";
    connection.execute_batch(sql).unwrap();
    drop(connection);
    let error = Source::open(&path, &Options::default()).unwrap_err();
    assert!(error.to_string().contains("not one of ActivityWatch"), "{error}");
}

/// The page size of these databases, and where the pages of the events are.
const PAGE: usize = 4096;

#[test]
fn around_damaged_pages_everything_else_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sqlite.db");
    let events = many(20_000);
    fill(&rust_database(&path, 7), &events);
    let whole = fs::read(&path).unwrap();
    // Leaves of tables begin with 13.
    let leaves: Vec<usize> = (1..whole.len() / PAGE)
        .filter(|page| whole[page * PAGE] == 13)
        .collect();
    let mut damaged = whole.clone();
    for at in [leaves.len() / 3, leaves.len() / 3 + 2, leaves.len() / 2] {
        damaged[leaves[at] * PAGE..][..PAGE].fill(0xa5);
    }
    fs::write(&path, &damaged).unwrap();
    let read = read(&path);
    let stored = &read.events["aw-watcher-window_h"];
    let note = read.report.left_out.iter().next().expect("a note of the damage");
    assert_eq!(note.reason, Reason::Damaged);
    assert!(note.first.contains("events "), "{note:?}");
    assert_eq!(stored.len() as u64 + note.count, 20_000, "{note:?}");
    assert!(
        (30..400).contains(&note.count),
        "three pages have some hundred events at most: {note:?}"
    );
    let all = &events[0].1;
    assert!(
        stored
            .iter()
            .all(|event| all[event.id.unwrap().0 as usize - 1] == *event)
    );
}

#[test]
fn events_of_a_bucket_that_cannot_be_read_come_all_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sqlite.db");
    let connection = rust_database(&path, 7);
    fill(&connection, &many(1000));
    let sql = "SELECT rootpage FROM sqlite_master WHERE name = 'buckets'";
    let root: u32 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
    let root = root as usize;
    drop(connection);
    let mut bytes = fs::read(&path).unwrap();
    bytes[(root - 1) * PAGE..][..PAGE].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    let read = read(&path);
    assert_eq!(read.events["recovered-bucket-1"], many(1000)[0].1);
    assert!(
        read.report
            .left_out
            .iter()
            .next()
            .unwrap()
            .first
            .contains("the table of buckets")
    );
}

#[test]
fn of_a_file_that_was_cut_off_the_rest_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sqlite.db");
    fill(&rust_database(&path, 7), &many(20_000));
    let whole = fs::read(&path).unwrap();
    let mut counts = Vec::new();
    for part in [2, 3, 10] {
        fs::write(&path, &whole[..whole.len() / part / PAGE * PAGE]).unwrap();
        match read_with(&path, &Options::default()) {
            Ok(read) => {
                let stored = read.events.values().map(Vec::len).sum::<usize>();
                if stored < 20_000 {
                    assert!(!read.report.left_out.is_empty(), "{:?}", read.report);
                }
                counts.push(stored);
            }
            Err(error) => panic!("1/{part}: {error}"),
        }
    }
    assert!(counts[0] > 1_000, "{counts:?}");
}

#[test]
fn a_huge_row_is_left_out_and_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sqlite.db");
    let connection = rust_database(&path, 7);
    fill(&connection, &many(100));
    let sql =
        "UPDATE events SET data = '{\"x\":\"' || hex(zeroblob(10000000)) || '\"}' WHERE id IN (1, 50, 100)";
    connection.execute(sql, []).unwrap();
    drop(connection);
    let read = read(&path);
    assert_eq!(read.events["aw-watcher-window_h"].len(), 97);
    let note = read.report.left_out.iter().next().unwrap();
    assert_eq!(
        (note.reason, note.count, note.first.as_str()),
        (Reason::TooLarge, 3, "event 1")
    );
}

#[test]
fn large_events_come_in_small_batches() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sqlite.db");
    let connection = rust_database(&path, 7);
    fill(&connection, &many(60));
    let sql = "UPDATE events SET data = '{\"x\":\"' || hex(zeroblob(500000)) || '\"}'";
    connection.execute(sql, []).unwrap();
    drop(connection);
    let mut source = Source::open(&path, &Options::default()).unwrap();
    let mut count = 0;
    while let Some(batch) = source.next_batch().unwrap() {
        let bytes: usize = batch.events.iter().map(|event| event.data.len()).sum();
        assert!(bytes <= 6 << 20, "{bytes}");
        assert!(
            source.progress().done <= count + 10,
            "no more was read than was given"
        );
        count += batch.events.len() as u64;
    }
    assert_eq!(count, 60);
}

/// The locks of a process are gone once it has closed the file anywhere.
#[test]
fn a_database_is_read_once_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sqlite.db");
    fill(&rust_database(&path, 7), &many(10));
    let source = Source::open(&path, &Options::default()).unwrap();
    let other_name = directory.path().join(".").join("sqlite.db");
    let error = Source::open(&other_name, &Options::default()).unwrap_err();
    assert!(matches!(error, Error::AlreadyReading { .. }), "{error}");
    drop(source);
    assert!(Source::open(&other_name, &Options::default()).is_ok());
}

#[test]
fn an_empty_database_has_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sqlite.db");
    drop(rust_database(&path, 7));
    let read = read(&path);
    assert!(read.buckets.is_empty() && read.report.left_out.is_empty());
    fill(
        &Connection::open(&path).unwrap(),
        &[(bucket("empty"), Vec::new())],
    );
    assert_eq!(crate::harness::read(&path).events["empty"], Vec::new());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Whatever bytes change: no panic, no endless loop, and nothing is invented silently.
    #[test]
    fn any_damage_ends_well(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sqlite.db");
        fill(&rust_database(&path, 7), &many(300));
        let mut bytes = fs::read(&path).unwrap();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            let length = cut.index(bytes.len());
            bytes.truncate(length);
        }
        fs::write(&path, &bytes).unwrap();
        let _ = read_damaged(&path);
    }
}

fn read_damaged(path: &Path) -> timberline_exchange::Result<u64> {
    let mut source = Source::open(path, &Options::default())?;
    let mut count = 0;
    while let Some(batch) = source.next_batch()? {
        count += batch.events.len() as u64;
    }
    assert_eq!(
        count,
        source
            .report()
            .buckets
            .iter()
            .map(|bucket| bucket.events)
            .sum::<u64>()
    );
    Ok(count)
}

//! What the tests share: databases of every schema, and reading a source whole.

#![allow(dead_code, reason = "every test file uses another part of it")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rusqlite::{Connection, params};
use timberline_exchange::export::Sink;
use timberline_exchange::import::{Kind, Options, Report, Setting, Source, SourceBucket};
use timberline_model::{Bucket, Data, Duration, EventId, NewEvent, Timestamp};

pub(crate) const SECOND: i64 = 1_000_000_000;
/// 2024-03-01T10:00:00Z
pub(crate) const START: i64 = 1_709_287_200 * SECOND;

/// Texts that break what is careless.
pub(crate) const HOSTILE: [&str; 14] = [
    "plain",
    "",
    "quote \" and ' and \\ back",
    "line\nbreak\r\nand\ttab",
    "\u{202e}right to left\u{202c} \u{5d0}\u{5d1}",
    "\u{1f600} four bytes \u{10ffff}",
    "nul \0 inside",
    "=HYPERLINK(\"http://x\",\"y\")",
    "+1+1|cmd",
    "-2",
    "@SUM(A1)",
    "'=1",
    "semi;colon, comma",
    " space around ",
];

pub(crate) fn event(id: u64, start: i64, duration: i64, data: &str) -> NewEvent<'static> {
    NewEvent {
        id: Some(EventId(id)),
        start: Timestamp::from_nanos(start),
        duration: Duration::from_nanos(duration),
        data: Data::canonical(data).unwrap().into_owned().into(),
    }
}

pub(crate) fn data(pairs: &[(&str, &str)]) -> String {
    let object: serde_json::Map<_, _> = pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).into()))
        .collect();
    serde_json::Value::Object(object).to_string()
}

pub(crate) fn bucket(id: &str) -> Bucket {
    Bucket {
        id: id.to_owned(),
        type_: "currentwindow".to_owned(),
        client: "aw-watcher-window".to_owned(),
        hostname: "h\u{f6}st".to_owned(),
        created: Timestamp::from_nanos(START + 123_000_000),
        data: Data::parse(r#"{"$aw.sync":{"x":1}}"#).unwrap(),
        last_updated: None,
    }
}

/// Two buckets with all that is hard: ids, texts, times, durations.
pub(crate) fn hard() -> Vec<(Bucket, Vec<NewEvent<'static>>)> {
    let mut events = Vec::new();
    for (at, text) in HOSTILE.iter().enumerate() {
        let at = at as i64;
        let object = data(&[
            ("app", text),
            ("title", HOSTILE[HOSTILE.len() - 1 - at as usize]),
            (text, "k"),
        ]);
        events.push(event(
            10 + at as u64,
            START + at * SECOND + at,
            at * 1_000_000_007,
            &object,
        ));
    }
    let extreme = [
        event(100, i64::MIN, 0, "{}"),
        event(101, i64::MIN, i64::MAX, r#"{"n":-1.5e-7,"o":{"p":[null,true]}}"#),
        event(
            102,
            i64::MAX,
            0,
            r#"{"audible":true,"tabCount":9007199254740993}"#,
        ),
        event(103, 0, -5 * SECOND, r#"{"audible":"no","n":3}"#),
        event(104, -1, 1, r#"{"app":null}"#),
    ];
    vec![
        (bucket("aw-watcher-window_h\u{f6}st"), events),
        (bucket("b/../;'\" x"), extreme.to_vec()),
    ]
}

/// Gives all that to a sink, in pieces.
pub(crate) fn write(
    sink: &mut dyn Sink,
    buckets: &[(Bucket, Vec<NewEvent<'static>>)],
) -> timberline_exchange::export::Totals {
    for (bucket, events) in buckets {
        sink.bucket(bucket).unwrap();
        for events in events.chunks(5) {
            sink.events(events).unwrap();
        }
    }
    sink.finish().unwrap()
}

pub(crate) fn total(buckets: &[(Bucket, Vec<NewEvent<'static>>)]) -> (u64, i128) {
    let events = buckets.iter().flat_map(|(_, events)| events);
    events.fold((0, 0), |(count, total), event| {
        (count + 1, total + i128::from(event.duration.nanos()))
    })
}

/// A source, read to its end.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) kind: Kind,
    pub(crate) buckets: Vec<SourceBucket>,
    pub(crate) settings: Vec<Setting>,
    pub(crate) events: BTreeMap<String, Vec<NewEvent<'static>>>,
    pub(crate) report: Report,
}

pub(crate) fn read(path: &Path) -> Read {
    read_with(path, &Options::default()).unwrap()
}

pub(crate) fn read_with(path: &Path, options: &Options) -> timberline_exchange::Result<Read> {
    let mut source = Source::open(path, options)?;
    let mut events = BTreeMap::new();
    for bucket in source.buckets() {
        assert!(
            events.insert(bucket.id.clone(), Vec::new()).is_none(),
            "{} is there twice",
            bucket.id
        );
    }
    let mut done = 0;
    while let Some(batch) = source.next_batch()? {
        assert!(!batch.events.is_empty());
        let progress = source.progress();
        assert!(
            done <= progress.done && progress.done <= progress.total,
            "{progress:?} after {done}"
        );
        done = progress.done;
        let bucket = source.buckets()[batch.bucket].id.clone();
        events.get_mut(&bucket).unwrap().extend(batch.events);
    }
    assert_eq!(source.next_batch()?, None, "the end stays the end");
    for (bucket, report) in source.buckets().iter().zip(&source.report().buckets) {
        let events = &events[&bucket.id];
        assert_eq!(report.events, events.len() as u64);
        assert_eq!(
            report.total,
            events
                .iter()
                .map(|event| i128::from(event.duration.nanos()))
                .sum::<i128>()
        );
    }
    Ok(Read {
        kind: source.kind(),
        buckets: source.buckets().to_vec(),
        settings: source.settings().to_vec(),
        events,
        report: source.report().clone(),
    })
}

/// Makes a database with the tables of one version of aw-server-rust, as that server's migrations leave them.
pub(crate) fn rust_database(path: &Path, version: u32) -> Connection {
    let connection = Connection::open(path).unwrap();
    let data = match version {
        1 => "",
        2 => ", data TEXT DEFAULT '{}'",
        _ => ", data_deprecated TEXT DEFAULT '{}', data TEXT NOT NULL DEFAULT '{}'",
    };
    let buckets = match version {
        7 => "CREATE TABLE buckets (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL,
                device_id TEXT NOT NULL DEFAULT 'local', type TEXT NOT NULL, client TEXT NOT NULL,
                hostname TEXT NOT NULL, created TEXT NOT NULL, data TEXT NOT NULL DEFAULT '{}',
                data_deprecated TEXT DEFAULT '{}', UNIQUE(device_id, name));"
            .to_owned(),
        _ => format!(
            "CREATE TABLE buckets (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL,
                type TEXT NOT NULL, client TEXT NOT NULL, hostname TEXT NOT NULL, created TEXT NOT NULL{data});"
        ),
    };
    connection.execute_batch(&buckets).unwrap();
    let events = "CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, bucketrow INTEGER NOT NULL,
        starttime INTEGER NOT NULL, endtime INTEGER NOT NULL, data TEXT NOT NULL,
        FOREIGN KEY (bucketrow) REFERENCES buckets(id));
        CREATE INDEX bucket_id_index ON buckets(id);";
    connection.execute_batch(events).unwrap();
    if version >= 4 {
        let settings =
            "CREATE TABLE key_value (key TEXT PRIMARY KEY, value TEXT, last_modified NUMBER NOT NULL);";
        connection.execute_batch(settings).unwrap();
    }
    let indexes = match version {
        0..=4 => "CREATE INDEX events_bucketrow_index ON events(bucketrow);
            CREATE INDEX events_starttime_index ON events(starttime);
            CREATE INDEX events_endtime_index ON events(endtime);",
        5 => "CREATE INDEX events_bucketrow_starttime_endtime_index ON events(bucketrow, starttime DESC, endtime);",
        _ => "CREATE INDEX events_bucketrow_starttime_endtime_index ON events(bucketrow, starttime DESC, endtime);
            CREATE INDEX events_bucketrow_endtime_starttime_index ON events(bucketrow, endtime, starttime DESC);",
    };
    connection.execute_batch(indexes).unwrap();
    connection.pragma_update(None, "user_version", version).unwrap();
    connection
}

/// Puts buckets and events into a database of aw-server-rust, with the ids that they have.
pub(crate) fn fill(connection: &Connection, buckets: &[(Bucket, Vec<NewEvent<'static>>)]) {
    connection.execute_batch("BEGIN").unwrap();
    for (bucket, events) in buckets {
        let sql = "INSERT INTO buckets (name, type, client, hostname, created) VALUES (?1, ?2, ?3, ?4, ?5)";
        let created = bucket.created.to_string();
        connection
            .execute(
                sql,
                params![bucket.id, bucket.type_, bucket.client, bucket.hostname, created],
            )
            .unwrap();
        let row = connection.last_insert_rowid();
        // Version 1 has none.
        let _ = connection.execute(
            "UPDATE buckets SET data = ?1 WHERE id = ?2",
            params![bucket.data.as_str(), row],
        );
        let sql = "INSERT INTO events (id, bucketrow, starttime, endtime, data) VALUES (?1, ?2, ?3, ?4, ?5)";
        let mut insert = connection.prepare(sql).unwrap();
        for event in events {
            let id = event.id.map(|id| id.0 as i64);
            insert
                .execute(params![
                    id,
                    row,
                    event.start.nanos(),
                    event.end().nanos(),
                    event.data
                ])
                .unwrap();
        }
    }
    connection.execute_batch("COMMIT").unwrap();
}

/// A bucket and that many ordinary events.
pub(crate) fn many(count: i64) -> Vec<(Bucket, Vec<NewEvent<'static>>)> {
    let object = |at: i64| {
        format!(
            r#"{{"app":"app {}","title":"a title of some length, number {}"}}"#,
            at % 7,
            at % 1000
        )
    };
    let events = (0..count).map(|at| event(at as u64 + 1, START + at * SECOND, SECOND / 3, &object(at)));
    vec![(bucket("aw-watcher-window_h"), events.collect())]
}

/// All files in a directory with their content, to see what has changed.
pub(crate) fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            (
                entry.file_name().to_string_lossy().into_owned(),
                fs::read(entry.path()).unwrap(),
            )
        })
        .collect()
}

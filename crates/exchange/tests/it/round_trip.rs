//! What is written can be read: counts, durations and, where the format has room for them, every value.

use std::fs;

use crate::harness::{START, bucket, contents, event, hard, many, read, total, write};
use proptest::prelude::*;
use timberline_exchange::export::{Columns, Csv, Ical, Json, NdJson, Sink, Sqlite, Totals};
use timberline_exchange::import::{Kind, Setting};
use timberline_model::{Bucket, Data, Duration, NewEvent, Timestamp};

type Buckets = Vec<(Bucket, Vec<NewEvent<'static>>)>;

fn surveyed(buckets: &Buckets) -> Columns {
    let mut columns = Columns::default();
    for event in buckets.iter().flat_map(|(_, events)| events) {
        columns.observe(&event.data);
    }
    columns
}

fn now() -> Timestamp {
    Timestamp::from_nanos(START)
}

fn assert_totals(totals: Totals, buckets: &Buckets) {
    let (events, sum) = total(buckets);
    assert_eq!(
        (totals.buckets, totals.events, totals.total),
        (buckets.len() as u64, events, sum)
    );
}

#[test]
fn a_database_that_is_exported_and_imported_has_equal_rows() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sqlite.db");
    let buckets = hard();
    let mut sqlite = Sqlite::new(&path, now()).unwrap();
    sqlite.setting("classes", r#"[{"name":["A"]}]"#).unwrap();
    assert_totals(write(&mut sqlite, &buckets), &buckets);
    drop(sqlite);
    assert_eq!(
        contents(directory.path()).into_keys().collect::<Vec<_>>(),
        ["sqlite.db"]
    );
    let read = read(&path);
    assert_eq!(read.kind, Kind::AwServerRust(7));
    for (bucket, (expected, events)) in read.buckets.iter().zip(&buckets) {
        assert_eq!(
            (&bucket.id, bucket.created, &bucket.data),
            (&expected.id, Some(expected.created), &expected.data)
        );
        assert_eq!(read.events[&bucket.id], *events);
    }
    let setting = Setting {
        key: "classes".to_owned(),
        value: r#"[{"name":["A"]}]"#.to_owned(),
    };
    assert_eq!(read.settings, [setting]);
    assert!(Sqlite::new(&path, now()).is_err(), "it is there already");
}

/// aw-server-rust names its indexes in its queries, which fail without them, and reads times as RFC 3339 with a space.
#[test]
fn the_queries_of_aw_server_rust_run_on_an_exported_database() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sqlite.db");
    write(&mut Sqlite::new(&path, now()).unwrap(), &hard());
    let connection = rusqlite::Connection::open(&path).unwrap();
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    for index in [
        "events_bucketrow_starttime_endtime_index",
        "events_bucketrow_endtime_starttime_index",
    ] {
        let sql =
            format!("SELECT count(*) FROM events INDEXED BY {index} WHERE bucketrow = 1 AND starttime >= 0");
        assert_eq!(count(&sql), hard()[0].1.len() as i64);
    }
    assert_eq!(
        count("SELECT count(*) FROM buckets WHERE device_id = 'local' AND json_valid(data)"),
        2
    );
    assert_eq!(count("PRAGMA user_version"), 7);
    assert_eq!(count("SELECT count(*) FROM key_value"), 0);
    let created: String = connection
        .query_row("SELECT created FROM buckets", [], |row| row.get(0))
        .unwrap();
    assert_eq!(created, "2024-03-01 10:00:00.123+00:00");
    let check: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
    assert_eq!(
        connection.query_row("PRAGMA foreign_key_check", [], |_| Ok(())),
        Err(rusqlite::Error::QueryReturnedNoRows)
    );
    // Inserting goes on behind the greatest id.
    connection
        .execute(
            "INSERT INTO events (bucketrow, starttime, endtime, data) VALUES (1, 0, 0, '{}')",
            [],
        )
        .unwrap();
    assert_eq!(connection.last_insert_rowid(), 105);
}

#[test]
fn an_event_whose_id_is_taken_gets_another_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sqlite.db");
    let of = |id: &str, start: i64| {
        (
            bucket(id),
            vec![event(1, start, 1, "{}"), event(2, start + 1, 1, "{}")],
        )
    };
    let buckets = vec![of("a", 0), of("b", 10)];
    let totals = write(&mut Sqlite::new(&path, now()).unwrap(), &buckets);
    assert_eq!(totals.renumbered, 2);
    assert_totals(totals, &buckets);
    assert_eq!(
        read(&path).events.values().map(Vec::len).collect::<Vec<_>>(),
        [2, 2]
    );
}

#[test]
fn a_database_that_is_not_completed_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let mut sqlite = Sqlite::new(&directory.path().join("sqlite.db"), now()).unwrap();
    sqlite.bucket(&bucket("b")).unwrap();
    drop(sqlite);
    assert!(contents(directory.path()).is_empty());
}

/// Each format that this crate reads back.
fn assert_comes_back(buckets: &Buckets) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.json");
    assert_totals(
        write(&mut Json::new(fs::File::create(&path).unwrap()), buckets),
        buckets,
    );
    let json = read(&path);
    let csv_path = directory.path().join("x.csv");
    let csv_file = fs::File::create(&csv_path).unwrap();
    assert_totals(
        write(&mut Csv::new(csv_file, surveyed(buckets)), buckets),
        buckets,
    );
    let csv = read(&csv_path);
    for (bucket, events) in buckets {
        let without_ids: Vec<_> = events
            .iter()
            .map(|event| NewEvent {
                id: None,
                ..event.clone()
            })
            .collect();
        assert_eq!(json.events[&bucket.id], without_ids);
        let times = |events: &[NewEvent<'_>]| -> Vec<_> {
            events
                .iter()
                .map(|event| (event.id, event.start, event.duration))
                .collect()
        };
        if !events.is_empty() {
            assert_eq!(times(&csv.events[&bucket.id]), times(events));
        }
    }
    let mut lines = Vec::new();
    assert_totals(write(&mut NdJson::new(&mut lines), buckets), buckets);
    let mut lines = str::from_utf8(&lines).unwrap().lines();
    for (bucket, events) in buckets {
        for event in events {
            let line: serde_json::Value = serde_json::from_str(lines.next().unwrap()).unwrap();
            assert_eq!(line["bucket"], bucket.id);
            assert_eq!(line["id"].as_u64(), event.id.map(|id| id.0));
            assert_eq!(line["timestamp"], event.start.to_string());
            assert_eq!(
                line["data"],
                serde_json::from_str::<serde_json::Value>(&event.data).unwrap()
            );
        }
    }
    assert_eq!(lines.next(), None);
}

#[test]
fn hard_events_come_back_from_every_format() {
    assert_comes_back(&hard());
    assert_comes_back(&many(10_000));
    assert_comes_back(&Vec::new());
    assert_comes_back(&vec![(bucket("empty"), Vec::new())]);
}

#[test]
fn chosen_fields_are_the_only_columns() {
    let buckets = vec![(
        bucket("b"),
        vec![event(1, START, 5, r#"{"app":"=x","title":"t","z":1}"#)],
    )];
    let mut out = Vec::new();
    write(
        &mut Csv::new(&mut out, Columns::chosen(&["title", "app", "none"])),
        &buckets,
    );
    let expected = "bucket,id,timestamp,duration,title,app,none\r\n\
        b,1,2024-03-01T10:00:00Z,0.000000005,t,'=x,\r\n";
    assert_eq!(str::from_utf8(&out).unwrap(), expected);
    let mut out = Vec::new();
    write(&mut Csv::new(&mut out, Columns::default()), &buckets);
    assert!(
        str::from_utf8(&out)
            .unwrap()
            .contains(r#""{""app"":""=x"",""title"":""t"",""z"":1}""#)
    );
    let mut csv = Csv::new(Vec::new(), surveyed(&many(1)));
    csv.bucket(&buckets[0].0).unwrap();
    let error = csv.events(&buckets[0].1).unwrap_err();
    assert!(error.to_string().contains("not surveyed"), "{error}");
}

#[test]
fn no_cell_is_a_formula() {
    let buckets = hard();
    let mut out = Vec::new();
    write(&mut Csv::new(&mut out, surveyed(&buckets)), &buckets);
    let mut parser = csv_core::Reader::new();
    let (mut field, mut input) = (vec![0; 4096], out.as_slice());
    let (mut at, mut column) = (0, 0);
    loop {
        let (result, read, written) = parser.read_field(input, &mut field[at..]);
        input = &input[read..];
        at += written;
        match result {
            csv_core::ReadFieldResult::End => break,
            csv_core::ReadFieldResult::Field { record_end } => {
                let cell = str::from_utf8(&field[..at]).unwrap();
                let is_number = cell.parse::<f64>().is_ok();
                assert!(
                    is_number || !cell.starts_with(['=', '+', '-', '@', '\t', '\r']),
                    "column {column}: {cell:?}"
                );
                column = if record_end { 0 } else { column + 1 };
                at = 0;
            }
            _ => {}
        }
    }
}

#[test]
fn calendars_have_short_lines_and_stable_names() {
    let buckets = hard();
    let ical = |buckets: &Buckets, at: i64| {
        let mut out = Vec::new();
        let totals = write(&mut Ical::new(&mut out, Timestamp::from_nanos(at)), buckets);
        assert_totals(totals, buckets);
        String::from_utf8(out).unwrap()
    };
    let text = ical(&buckets, START);
    for line in text.split("\r\n") {
        assert!(line.len() <= 75 && !line.contains(['\n', '\r', '\0']), "{line:?}");
    }
    let uids = |text: &str| -> Vec<String> {
        text.lines()
            .filter(|line| line.starts_with("UID:"))
            .map(str::to_owned)
            .collect()
    };
    let mut grown = buckets.clone();
    grown[0].1[0].duration = Duration::from_nanos(77);
    assert_eq!(
        uids(&text),
        uids(&ical(&grown, 0)),
        "an event that grows keeps its name"
    );
    let mut distinct = uids(&text);
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len() as u64, total(&buckets).0);
}

fn any_event() -> impl Strategy<Value = NewEvent<'static>> {
    let value = prop_oneof![
        any::<String>().prop_map(serde_json::Value::from),
        any::<i64>().prop_map(serde_json::Value::from),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<f64>().prop_map(serde_json::Value::from),
        Just(serde_json::json!([{"a": null}])),
    ];
    let data = prop::collection::hash_map(prop_oneof!["[a-c]", any::<String>()], value, 0..5);
    (any::<i64>(), any::<i64>(), data).prop_filter_map("ends too late", |(start, duration, data)| {
        let start = Timestamp::from_nanos(start);
        let duration = Duration::from_nanos(duration / 4);
        start.checked_add(duration)?;
        let data = serde_json::to_string(&data).ok()?;
        let data = Data::canonical(&data).ok()?.into_owned().into();
        Some(NewEvent {
            id: None,
            start,
            duration,
            data,
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_events_come_back(events in prop::collection::vec(any_event(), 0..20)) {
        let buckets = vec![(bucket("b"), events)];
        assert_comes_back(&buckets);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sqlite.db");
        assert_totals(write(&mut Sqlite::new(&path, now()).unwrap(), &buckets), &buckets);
        let read = read(&path);
        let without_ids: Vec<_> = read.events["b"].iter().map(|event| NewEvent { id: None, ..event.clone() }).collect();
        prop_assert_eq!(&without_ids, &buckets[0].1);
    }
}

//! The real programs: databases that aw-server's own storage wrote are read rightly, and what this crate writes is read
//! rightly by DuckDB and icalendar. Packages come from PyPI.

pub(crate) mod python;

use std::fs;

use crate::harness::{HOSTILE, START, bucket, event, many, read, total, write};
use python::run_script;
use serde_json::Value as Json;
use timberline_exchange::export::{Columns, Ical, Parquet, ParquetFolders};
use timberline_exchange::import::Kind;
use timberline_model::{Data, Timestamp};

/// What aw-server says is in a bucket: start and duration in nanoseconds, data.
fn expected(events: &Json) -> Vec<(i64, i64, String)> {
    let mut expected: Vec<_> = events
        .as_array()
        .unwrap()
        .iter()
        .map(|event| {
            let micros = |at: usize| event[at].as_i64().unwrap() * 1_000;
            (
                micros(0),
                micros(1),
                Data::parse(&event[2].to_string()).unwrap().to_string(),
            )
        })
        .collect();
    expected.sort();
    expected
}

#[test]
fn databases_of_the_real_aw_server_are_read() {
    let directory = tempfile::tempdir().unwrap();
    // Half surrogates, as Python writes them, are no JSON for Rust: they become the replacement character in both.
    let said = run_script("write_databases.py", directory.path());
    for (name, kind) in [
        ("peewee-sqlite.v2.db", Kind::AwServerPeewee),
        ("sqlite.v1.db", Kind::AwServerSqlite),
    ] {
        let read = read(&directory.path().join(name));
        assert_eq!(read.kind, kind);
        let buckets = said[name].as_object().unwrap();
        assert_eq!(read.buckets.len(), buckets.len());
        for (id, events) in buckets {
            let mut found: Vec<_> = read.events[id]
                .iter()
                .map(|event| {
                    (
                        event.start.nanos(),
                        event.duration.nanos(),
                        event.data.to_string(),
                    )
                })
                .collect();
            found.sort();
            assert_eq!(found, expected(events), "{name}: {id}");
            assert!(read.report.left_out.is_empty(), "{:?}", read.report);
        }
    }
}

#[test]
fn duckdb_and_icalendar_read_what_was_written() {
    let directory = tempfile::tempdir().unwrap();
    let texts = HOSTILE.iter().enumerate().map(|(at, text)| {
        let data = crate::harness::data(&[("title", text)]);
        event(at as u64 + 1, START + at as i64, at as i64 * 400_000_001, &data)
    });
    let odd = [
        event(
            9_007_199_254_740_991,
            START,
            -5,
            r#"{"audible":true,"tabs":3,"share":0.5,"any":[1]}"#,
        ),
        event(50, 1, 1, r#"{"audible":false,"tabs":-4,"share":2,"any":"text"}"#),
        event(
            51,
            START * 2,
            1_000_000_000,
            r#"{"id":"not the id","":1,"any":null}"#,
        ),
    ];
    let mut buckets = vec![
        (bucket("b\u{f6}/ x"), texts.collect::<Vec<_>>()),
        (bucket("odd"), odd.to_vec()),
    ];
    buckets.extend(many(300_000));
    let mut columns = Columns::default();
    for event in buckets.iter().flat_map(|(_, events)| events) {
        columns.observe(&event.data);
    }
    let (count, sum) = total(&buckets);
    let file = fs::File::create(directory.path().join("x.parquet")).unwrap();
    let written = write(&mut Parquet::new(file, columns.clone()).unwrap(), &buckets);
    assert_eq!((written.events, written.total), (count, sum));
    let mut folders = ParquetFolders::new(&directory.path().join("folders"), columns).unwrap();
    assert_eq!(write(&mut folders, &buckets), written);
    let some = &buckets[..2];
    let calendar = fs::File::create(directory.path().join("x.ics")).unwrap();
    write(&mut Ical::new(calendar, Timestamp::from_nanos(START)), some);

    let found = run_script("read_exports.py", directory.path());
    for name in ["x.parquet", "folders"] {
        let found = &found[name];
        assert_eq!(found["count"], count, "{name}");
        assert_eq!(found["total"], sum.to_string(), "{name}");
        assert_eq!(found["first"], "1", "{name}");
        let expected: Json = serde_json::json!([
            ["aw-watcher-window_h", 300_000],
            ["b\u{f6}/ x", HOSTILE.len()],
            ["odd", 3]
        ]);
        assert_eq!(found["buckets"], expected, "{name}");
        let types = &found["types"];
        for (column, type_) in [
            ("audible", "BOOLEAN"),
            ("tabs", "BIGINT"),
            ("share", "DOUBLE"),
            ("data.id", "VARCHAR"),
            ("id", "BIGINT"),
        ] {
            assert_eq!(types[column], type_, "{name}: {column}");
        }
        let titles: Vec<_> = found["titles"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Json::as_str)
            .collect();
        for text in HOSTILE {
            assert!(titles.contains(&text), "{name}: {text:?}");
        }
    }
    for column in ["id", "timestamp", "duration_ns"] {
        let encodings = found["encodings"][column].to_string();
        assert!(
            encodings.contains("DELTA_BINARY_PACKED") && encodings.contains("ZSTD"),
            "{column}: {encodings}"
        );
    }
    let (count, sum) = total(some);
    assert_eq!(
        (found["x.ics"]["count"].as_u64(), found["x.ics"]["total"].as_str()),
        (Some(count), Some(&*sum.to_string()))
    );
    let summaries = found["x.ics"]["summaries"].as_array().unwrap();
    // Calendars have no NUL, and no carriage return of its own.
    for (text, summary) in HOSTILE.iter().zip(summaries).filter(|(text, _)| !text.is_empty()) {
        assert_eq!(summary.as_str().unwrap(), text.replace(['\0', '\r'], ""));
    }
}

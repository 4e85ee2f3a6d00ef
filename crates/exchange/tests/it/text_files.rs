//! Export files and tables, of every vintage and in every state.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use crate::harness::{HOSTILE, SECOND, START, event, hard, read, read_with, total, write};
use proptest::prelude::*;
use timberline_exchange::Error;
use timberline_exchange::export::{Columns, Csv, Json};
use timberline_exchange::import::{CsvMapping, Kind, Options, Reason, Source};
use timberline_model::Timestamp;

/// A file with this name and content; the directory goes with it.
fn file(name: &str, content: impl AsRef<[u8]>) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    fs::write(&path, content).unwrap();
    (directory, path)
}

const EVENTS: &str = r#"[{"id": 7, "timestamp": "2024-03-01T10:00:00Z", "duration": 1.5, "data": {"b": "x", "a": 1}},
    {"timestamp": "2024-03-01T11:00:00.000001+01:00", "duration": 0.000000001, "data": {}}]"#;

#[test]
fn every_shape_of_an_export_gives_the_same() {
    let fields =
        r#""id": "b", "type": "t", "client": "c", "hostname": "h", "created": "2024-03-01T10:00:00""#;
    let shapes = [
        (
            "x.json",
            format!(r#"{{"buckets": {{"b": {{{fields}, "events": {EVENTS}}}}}}}"#),
        ),
        (
            "x.json",
            format!("\u{feff} {{\"buckets\": {{\"b\": {{\"events\": {EVENTS}, {fields}}}}},\n}}"),
        ),
        (
            "x.json",
            format!(r#"{{"buckets": [{{{fields}, "events": {EVENTS}}}]}}"#),
        ),
        ("x.json", format!(r#"{{{fields}, "events": {EVENTS}}}"#)),
        (
            "x.json",
            format!(r#"{{"events": {EVENTS}, {fields}, "more": [[{{}}]]}}"#),
        ),
        (
            "x.json",
            format!(
                r#"{{"version": "1", "buckets": {{"b": {{{fields}, "events": {EVENTS}}}}}, "end": null}}"#
            ),
        ),
    ];
    for (name, text) in shapes {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(text.as_bytes()).unwrap();
        let zstd = zstd::encode_all(text.as_bytes(), 1).unwrap();
        for content in [text.clone().into_bytes(), gzip.finish().unwrap(), zstd] {
            let (_directory, path) = file(name, content);
            let read = read(&path);
            assert_eq!(read.kind, Kind::Export, "{text}");
            let bucket = &read.buckets[0];
            assert_eq!(
                (
                    bucket.id.as_str(),
                    bucket.type_.as_str(),
                    bucket.client.as_str(),
                    bucket.hostname.as_str()
                ),
                ("b", "t", "c", "h"),
                "{text}"
            );
            assert_eq!(bucket.created, Some(Timestamp::from_nanos(START)));
            let events: Vec<_> = read.events["b"]
                .iter()
                .map(|e| (e.start.nanos(), e.duration.nanos(), e.data.as_ref()))
                .collect();
            let expected = [
                (START, 3 * SECOND / 2, r#"{"a":1,"b":"x"}"#),
                (START + 1_000, 1, "{}"),
            ];
            assert_eq!(events, expected, "{text}");
            assert!(
                read.report.left_out.is_empty() && read.report.buckets[0].changed.is_empty(),
                "{:?}",
                read.report
            );
        }
    }
}

#[test]
fn a_list_of_events_is_about_the_bucket_that_its_name_says() {
    let (_directory, path) = file("aw-event-export-afk_h.json", EVENTS);
    let list = read(&path);
    assert_eq!((list.kind, list.events["afk_h"].len()), (Kind::EventList, 2));
    let options = Options {
        bucket: Some("mine".to_owned()),
        ..Options::default()
    };
    assert_eq!(read_with(&path, &options).unwrap().events["mine"].len(), 2);
}

#[test]
fn what_is_odd_is_kept_and_what_is_broken_is_named() {
    let text = r#"{"buckets": {
        "null": null,
        "odd": {"id": 5, "type": null, "hostname": "h", "created": "yesterday", "data": [], "events": [
            {"timestamp": "2024-03-01T10:00:00Z", "data": {"t": "\ud835"}},
            {"timestamp": "2024-03-01T10:00:00", "duration": null, "data": null},
            {"timestamp": "2024-03-01T10:00:00Z", "duration": "1.5", "data": {"n": NaN}},
            {"timestamp": "never", "data": {}}, {"data": {}}, 7, null, {"timestamp": "2024-03-01T10:00:00Z", "data": []},
            {"timestamp": "2262-04-01T00:00:00Z", "duration": 9e9, "data": {}}
        ]},
        "odd2": {"id": "5", "events": [{"timestamp": "2024-03-01T10:00:00Z", "data": {}}]}
    }}"#;
    let (_directory, path) = file("x.json", text);
    let read = read(&path);
    let names: Vec<_> = read.buckets.iter().map(|bucket| bucket.id.as_str()).collect();
    assert_eq!(names, ["null", "5"], "two with one id are one");
    let data: Vec<_> = read.events["5"]
        .iter()
        .map(|event| (event.duration.nanos(), event.data.as_ref()))
        .collect();
    assert_eq!(
        data,
        [
            (0, "{\"t\":\"\u{fffd}\"}"),
            (0, "{}"),
            (3 * SECOND / 2, r#"{"n":null}"#),
            (0, "{}")
        ]
    );
    let report = &read.report.buckets[1];
    assert_eq!(report.left_out.count(), 6, "{report:?}");
    assert!(report.changed.count() >= 6, "{report:?}");
    let time = report
        .left_out
        .iter()
        .find(|note| note.reason == Reason::Time)
        .unwrap();
    assert_eq!(time.count, 2);
    assert!(time.first.starts_with("event 3: timestamp"), "{time:?}");
}

#[test]
fn of_a_file_that_ends_early_the_beginning_is_read() {
    let buckets = hard();
    let mut json = Json::new(Vec::new());
    write(&mut json, &buckets);
    let (directory, path) = file("x.json", "");
    let mut out = fs::File::create(&path).unwrap();
    write(&mut Json::new(&mut out), &buckets);
    let whole = fs::read(&path).unwrap();
    let mut last = 0;
    for length in (0..=whole.len()).step_by(7).chain([whole.len()]) {
        fs::write(&path, &whole[..length]).unwrap();
        let count = match read_with(&path, &Options::default()) {
            Ok(read) => {
                let damaged = read
                    .report
                    .left_out
                    .iter()
                    .any(|note| note.reason == Reason::Damaged);
                assert_eq!(damaged, length < whole.len(), "{length}");
                read.report
                    .buckets
                    .iter()
                    .map(|bucket| bucket.events)
                    .sum::<u64>()
            }
            Err(error) => {
                assert!(matches!(error, Error::Unrecognised { .. }), "{length}: {error}");
                0
            }
        };
        assert!(count >= last, "a longer beginning has no fewer events");
        last = count;
    }
    assert_eq!(last, total(&buckets).0);
    // The same, cut off within a compressed file.
    let gzip = {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&whole).unwrap();
        gzip.finish().unwrap()
    };
    fs::write(directory.path().join("y.json.gz"), &gzip[..gzip.len() / 2]).unwrap();
    let read = read(&directory.path().join("y.json.gz"));
    assert!(read.report.buckets[0].events > 0);
    assert_eq!(
        read.report.left_out.iter().next().unwrap().reason,
        Reason::Damaged
    );
}

#[test]
fn settings_of_aw_server_are_read() {
    let (_directory, path) = file(
        "settings.json",
        r#"{"classes": [{"name": ["A"]}], "startOfDay": "04:00"}"#,
    );
    let read = read(&path);
    assert_eq!(read.kind, Kind::Settings);
    let settings: Vec<_> = read
        .settings
        .iter()
        .map(|s| (s.key.as_str(), s.value.as_str()))
        .collect();
    assert_eq!(
        settings,
        [("classes", r#"[{"name": ["A"]}]"#), ("startOfDay", "\"04:00\"")]
    );
}

#[test]
fn what_is_no_export_is_named() {
    for (name, content, expected) in [
        ("empty", "", "empty"),
        ("x.json", "{}", "no export"),
        ("x.json", r#"{"a": 1"#, "no export"),
        ("x.csv", "a,b\n1,2", "--map"),
        ("x", "\u{1}\u{2}\u{3}", "no SQLite database"),
    ] {
        let (_directory, path) = file(name, content);
        let error = Source::open(&path, &Options::default()).unwrap_err().to_string();
        assert!(error.contains(expected), "{content:?}: {error}");
    }
    let directory = tempfile::tempdir().unwrap();
    assert!(Source::open(directory.path(), &Options::default()).is_err());
    assert!(Source::open(&directory.path().join("none"), &Options::default()).is_err());
}

#[test]
fn csv_of_the_standard_web_ui_is_read() {
    let text = "timestamp,duration,url,title,audible,incognito,tabCount\r\n\
        2024-03-01T10:00:00.250Z,1.5,https://a/?b=1,\"A \"\"title\"\", with\r\na break\",true,false,12\r\n\
        2024-03-01T10:00:02.000Z,0,,,,,\r\n\
        2024-03-01T10:00:03.000Z,x,u,t,true,false,1\r\n\
        later,0,u,t,true,false,1";
    let (_directory, path) = file("aw-events-export-aw-watcher-web-firefox-2024-03-02 (1).csv", text);
    let read = read(&path);
    let bucket = &read.buckets[0];
    assert_eq!(
        (bucket.id.as_str(), bucket.type_.as_str()),
        ("aw-watcher-web-firefox", "web.tab.current")
    );
    let events = &read.events["aw-watcher-web-firefox"];
    let first = serde_json::json!({"url": "https://a/?b=1", "title": "A \"title\", with\r\na break",
        "audible": true, "incognito": false, "tabCount": 12});
    assert_eq!(events[0].data, first.to_string());
    assert_eq!(events[1].data, r#"{"title":"","url":""}"#);
    let notes: Vec<_> = read.report.buckets[0]
        .left_out
        .iter()
        .map(|note| (note.reason, note.first.as_str()))
        .collect();
    assert!(
        matches!(notes[..], [(Reason::Duration, first), (Reason::Time, second)]
        if first.starts_with("row 4") && second.starts_with("row 5")),
        "{notes:?}"
    );
}

#[test]
fn any_table_is_read_with_a_mapping() {
    let text =
        "Start;Stop;Program;Hours;Where\n2024-03-01 10:00;2024-03-01 10:30;Word;1,5;home\n1709287200;;x;;\n";
    let (_directory, path) = file("hours.csv", text);
    let mapping: CsvMapping = "timestamp=Start,end=Stop,app=Program,h=Hours:number,bucket=Where"
        .parse()
        .unwrap();
    let options = Options {
        csv: Some(mapping),
        ..Options::default()
    };
    let read = read_with(&path, &options).unwrap();
    assert_eq!(
        read.events["home"],
        [event(0, START, 1800 * SECOND, r#"{"app":"Word","h":1.5}"#)]
            .map(|event| { timberline_model::NewEvent { id: None, ..event } })
    );
    // The second row has no bucket.
    assert_eq!(
        read.report.left_out.iter().next().unwrap().reason,
        Reason::NoBucket
    );
    for (mapping, expected) in [
        ("timestamp=Begin", "no column 'Begin'"),
        ("timestamp=Start,end=Stop,duration=Hours", "not both"),
    ] {
        let options = Options {
            csv: Some(mapping.parse().unwrap()),
            ..Options::default()
        };
        let error = read_with(&path, &options).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    for mapping in ["", "app=Program", "timestamp", "=x"] {
        assert!(mapping.parse::<CsvMapping>().is_err(), "{mapping}");
    }
}

#[test]
fn our_own_csv_comes_back_text_for_text() {
    let mut columns = Columns::default();
    let events: Vec<_> = HOSTILE
        .iter()
        .enumerate()
        .filter(|(_, text)| !text.is_empty())
        .map(|(at, text)| {
            event(
                at as u64 + 1,
                START,
                at as i64,
                &crate::harness::data(&[("title", text), ("id", text), ("data.x", "")]),
            )
        })
        .collect();
    for event in &events {
        columns.observe(&event.data);
    }
    let buckets = [(crate::harness::bucket("=b"), events.clone())];
    let (_directory, path) = file("x.csv", "");
    write(&mut Csv::new(fs::File::create(&path).unwrap(), columns), &buckets);
    let read = read(&path);
    let without_empty = events.iter().map(|event| {
        let data = event.data.replace(r#""data.x":"","#, "").into();
        timberline_model::NewEvent {
            data,
            ..event.clone()
        }
    });
    assert_eq!(read.events["=b"], without_empty.collect::<Vec<_>>());
}

proptest! {
    #[test]
    fn garbage_ends_well(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let (_directory, path) = file("x", &bytes);
        let _ = read_with(&path, &Options::default());
    }

    #[test]
    fn garbage_that_looks_like_an_export_ends_well(
        parts in prop::collection::vec(prop::sample::select(vec![
            "{", "}", "[", "]", ",", ":", "\"buckets\"", "\"events\"", "\"id\"", "\"b\"", "1", "null", "\"\\", "NaN",
            "{\"timestamp\":\"2024-03-01T10:00:00Z\",\"data\":{}}", "\u{feff}", " ", "\"",
        ]), 0..40),
    ) {
        for start in ["", "{\"buckets\":{\"b\":{\"events\":[", "{\"events\":["] {
            let (_directory, path) = file("x.json", format!("{start}{}", parts.concat()));
            let _ = read_with(&path, &Options::default());
        }
    }

    #[test]
    fn garbage_that_looks_like_a_table_ends_well(text in "[\\x00-\\x7f\u{e9}]{0,200}") {
        for start in ["timestamp,duration\n", "bucket,id,timestamp,duration,data\nb,1,2024-03-01,", ""] {
            let (_directory, path) = file("x.csv", format!("{start}{text}"));
            let _ = read_with(&path, &Options::default());
        }
    }
}

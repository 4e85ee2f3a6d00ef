//! `timberline export` and `/api/1/export`: every format, beside a server and without one, and back.

mod over_http;
mod read_exports;

use std::fs;
use std::path::Path;

use crate::harness::http;
use crate::harness::rfc3339::{self, SECOND};
use crate::harness::server::{Data, Installation, Server};
use serde_json::{Value, json};

/// Events that [`fill`] stores.
const EVENTS: usize = 2_503;
/// 2024-03-01T10:00:00Z
const START: i128 = 1_709_287_200;

/// Stores two buckets with events of several kinds, and a setting.
fn fill(server: &Server) {
    let event = |n: i128, data: Value| {
        let start = (START + 60 * n) * SECOND + n;
        json!({"timestamp": rfc3339::format(start), "duration": 1.5, "data": data})
    };
    let window: Vec<_> = (0..2_500)
        .map(|n| event(n, json!({"app": format!("app {}", n % 7), "n": n})))
        .collect();
    let odd = [
        json!({}),
        json!({"app": "=1+1", "title": "a\n\"b\", c;"}),
        json!({"nested": {"a": [1, null]}}),
    ];
    let odd: Vec<_> = odd
        .into_iter()
        .enumerate()
        .map(|(n, data)| event(n as i128, data))
        .collect();
    let bucket = |id: &str, events: &[Value]| {
        json!({"id": id, "type": "currentwindow", "client": "c", "hostname": "h",
            "created": "2024-03-01T09:00:00Z", "events": events})
    };
    let file = json!({"buckets":
        {"aw-window_h": bucket("aw-window_h", &window), "odd": bucket("odd", &odd)}});
    assert_eq!(server.post("/api/0/import", &file).0, 200);
    assert_eq!(server.post("/api/0/settings/theme", &json!("dark")).0, 201);
}

/// An installation with these data, and no server.
fn filled(data: Data) -> Installation {
    let installation = Installation::with(data);
    let server = installation.start();
    fill(&server);
    server.stop();
    installation
}

/// Runs a command on the data; gives exit code, output and complaint.
fn run(installation: &Installation, command: &str, args: &[&str]) -> (i32, String, String) {
    let mut program = installation.program();
    program
        .arg(command)
        .args(args)
        .arg("--dbpath")
        .arg(&installation.data);
    let (status, out, err) = installation.run(program);
    (status.code().expect("an exit code"), out, err)
}

fn exported(installation: &Installation, args: &[&str]) -> String {
    let (code, out, err) = run(installation, "export", args);
    assert_eq!(code, 0, "{args:?}: {err}");
    out
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path that is text")
}

/// Each bucket's events, without their ids, as the JSON export has them.
fn events(export: &str) -> Value {
    let export: Value = serde_json::from_str(export).expect("JSON");
    let mut all = serde_json::Map::new();
    for (id, bucket) in export["buckets"].as_object().expect("buckets") {
        let mut events = bucket["events"].as_array().expect("events").clone();
        events.iter_mut().for_each(|event| event["id"] = Value::Null);
        events.sort_by_key(Value::to_string);
        all.insert(id.clone(), json!([bucket["type"], bucket["created"], events]));
    }
    Value::Object(all)
}

/// Nothing that an export began is left.
fn assert_nothing_is_left(directory: &Path) {
    let names = fs::read_dir(directory).expect("the directory").flatten();
    let names: Vec<_> = names.map(|entry| entry.file_name()).collect();
    let left = names
        .iter()
        .find(|name| name.to_string_lossy().starts_with(".timberline"));
    assert_eq!(left, None);
}

fn every_format_comes_back(data: Data) {
    let installation = filled(data);
    let json = exported(&installation, &[]);
    for (format, name) in [("json", "a.json"), ("sqlite", "b.db"), ("csv", "c.csv")] {
        let path = installation.root().join(name);
        exported(&installation, &["--format", format, "-o", text(&path)]);
        let copy = Installation::new();
        let (code, out, err) = run(&copy, "import", &[text(&path)]);
        assert_eq!(code, 0, "{format}: {out}\n{err}");
        let (back, expected) = (events(&exported(&copy, &[])), events(&json));
        if format == "csv" {
            // A table has no room for the fields of buckets, nor for the types of values.
            for (id, bucket) in expected.as_object().expect("buckets") {
                let times = |bucket: &Value| {
                    let events = bucket[2].as_array().expect("events");
                    let mut times: Vec<_> = events
                        .iter()
                        .map(|event| json!([event["timestamp"], event["duration"]]).to_string())
                        .collect();
                    times.sort();
                    times
                };
                assert_eq!(times(&back[id]), times(bucket));
            }
        } else {
            assert_eq!(back, expected, "{format}");
        }
        if format == "sqlite" {
            let server = copy.start();
            let theme = http::get(server.port, "/api/0/settings/theme").expect("a setting");
            assert_eq!(theme.text(), "\"dark\"");
            server.stop();
        }
    }
    let lines = exported(&installation, &["--format", "ndjson"]);
    assert_eq!(lines.lines().count(), EVENTS);
    let calendar = exported(&installation, &["--format", "ical"]);
    assert_eq!(calendar.matches("BEGIN:VEVENT").count(), EVENTS);
    let columns = installation.root().join("x.parquet");
    exported(&installation, &["--format", "parquet", "-o", text(&columns)]);
    assert_eq!(fs::read(&columns).expect("the file")[..4], *b"PAR1");
    let folders = installation.root().join("hive");
    let hive = ["--format", "parquet", "--hive", "-o", text(&folders)];
    exported(&installation, &hive);
    assert!(folders.join("bucket=odd/month=2024-03").is_dir());
    assert_nothing_is_left(installation.root());
}

#[test]
fn plain_data_come_back_from_every_format() {
    every_format_comes_back(Data::Plain);
}

#[test]
fn encrypted_data_come_back_from_every_format() {
    every_format_comes_back(Data::Encrypted);
}

#[test]
fn a_part_of_history_is_exported() {
    let installation = filled(Data::Plain);
    let lines = |args: &[&str]| {
        exported(&installation, &[&["--format", "ndjson"], args].concat())
            .lines()
            .count()
    };
    assert_eq!(lines(&["--bucket", "odd"]), 3);
    assert_eq!(lines(&["--bucket", "aw-*", "--bucket", "o*d"]), EVENTS);
    let period = ["--start", "2024-03-01T11:00:00Z", "--end", "2024-03-01T11:09:59Z"];
    assert_eq!(lines(&[&["--bucket", "aw-*"], &period[..]].concat()), 10);
    let table = exported(
        &installation,
        &["--format", "csv", "--fields", "app", "--bucket", "odd"],
    );
    assert!(
        table.lines().next().expect("a heading").ends_with("app"),
        "{table}"
    );

    let program = r#"RETURN = filter_keyvals(query_bucket("aw-window_h"), "app", ["app 3"]);"#;
    assert_eq!(lines(&["--query", program, "--start", "2024-01-01"]), 357);
    let file = installation.root().join("query.aw");
    fs::write(&file, program.replace("app 3", "app 6")).expect("a file");
    assert_eq!(lines(&["--query", text(&file), "--start", "2024-01-01"]), 357);
    assert_eq!(lines(&["--query", text(&file)]), 0, "today");
}

#[test]
fn what_cannot_be_exported_is_one_line_and_leaves_nothing() {
    let (code, _, err) = run(&Installation::new(), "export", &[]);
    assert_eq!(code, 2, "{err}");
    let installation = filled(Data::Plain);
    let there = installation.root().join("there.json");
    fs::write(&there, "mine").expect("a file");
    let nowhere = installation.root().join("no/such/dir.db");
    for args in [
        &["--bucket", "no-such*"][..],
        &["-o", text(&there)],
        &["--fields", "app"],
        &["--format", "sqlite", "-o", text(&nowhere)],
        &["--format", "csv", "--hive", "-o", text(&nowhere)],
        &["--as-of", "1"],
        &["--query", "RETURN = 1;"],
        &["--query", "RETURN = [1];"],
        &["--query", "/no/such/query"],
        &["--query", "RETURN = nothing();"],
        &["-o", "/dev/full"],
    ] {
        let (code, _, err) = run(&installation, "export", args);
        assert_eq!(code, 2, "{args:?}: {err}");
        assert_eq!(err.trim_end().lines().count(), 1, "{err}");
    }
    assert_eq!(fs::read_to_string(&there).expect("the file"), "mine");
    exported(&installation, &["-o", text(&there), "--force"]);
    assert_eq!(
        events(&fs::read_to_string(&there).expect("the file")),
        events(&exported(&installation, &[]))
    );
    assert_nothing_is_left(installation.root());
}

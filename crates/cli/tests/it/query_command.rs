//! `timberline query …` and `timberline bench query`: the real command, on data directories that a store has filled, by
//! way of a running server and beside one.

use std::fs::{self, File};
use std::process::Command;

use crate::harness::http;
use crate::harness::server::Installation;
use serde_json::{Value, json};
use timberline_model::{Bucket, Data, Duration, NewEvent, Timestamp};
use timberline_views::{Store, StoreOptions};

const WINDOW: &str = "aw-watcher-window_test";
const AFK: &str = "aw-watcher-afk_test";
const SECOND: i64 = 1_000_000_000;
/// 2024-03-01T10:00:00Z.
const BEGIN: i64 = 1_709_287_200 * SECOND;
/// Two hours east of Greenwich, all year.
const ZONE: &str = "TST-2";
const MARCH: [&str; 4] = ["--start", "2024-03-01", "--end", "2024-03-02"];

/// An installation with an hour of two watchers.
fn filled() -> Installation {
    let installation = Installation::new();
    let (store, _) = Store::open(&installation.data, StoreOptions::default()).expect("a store");
    create(&store, WINDOW, "currentwindow");
    let code = r#"{"app":"Code","title":"main.rs, \"new\""}"#;
    let mail = r#"{"app":"Mail","title":"Inbox"}"#;
    insert(
        &store,
        WINDOW,
        &[(0, 1_200, code), (1_200, 600, mail), (1_800, 1_800, code)],
    );
    create(&store, AFK, "afkstatus");
    let (here, away) = (r#"{"status":"not-afk"}"#, r#"{"status":"afk"}"#);
    insert(&store, AFK, &[(0, 3_000, here), (3_000, 600, away)]);
    store.close().expect("closed");
    installation
}

/// Inserts events: seconds since [`BEGIN`], duration, data.
fn insert(store: &Store, id: &str, events: &[(i64, i64, &str)]) {
    let event = |(start, duration, data): &(i64, i64, &str)| NewEvent {
        id: None,
        start: Timestamp::from_nanos(BEGIN + start * SECOND),
        duration: Duration::from_nanos(duration * SECOND),
        data: (*data).to_owned().into(),
    };
    let events: Vec<NewEvent<'_>> = events.iter().map(event).collect();
    store.insert_events(id, &events).expect("inserted");
}

fn create(store: &Store, id: &str, type_: &str) {
    let bucket = Bucket {
        id: id.to_owned(),
        type_: type_.to_owned(),
        client: "tests".to_owned(),
        hostname: "test".to_owned(),
        created: Timestamp::from_nanos(BEGIN),
        data: Data::default(),
        last_updated: None,
    };
    store.create_bucket(&bucket).expect("a bucket");
}

/// Writes a query to a file of the installation, in whose root the commands of these tests run.
fn write(installation: &Installation, text: &str) {
    fs::write(installation.root().join("query.aw"), text).expect("written");
}

/// The command, where it finds `query.aw`.
fn query_command(installation: &Installation, args: &[&str]) -> Command {
    let mut command = installation.program();
    command.current_dir(installation.root()).env("TZ", ZONE);
    command.arg("query").args(args);
    command
}

fn ended(installation: &Installation, command: Command) -> (i32, String, String) {
    let (status, out, err) = installation.run(command);
    (status.code().expect("an exit code"), out, err)
}

/// Runs a query on the data.
fn query(installation: &Installation, text: &str, args: &[&str]) -> (i32, String, String) {
    write(installation, text);
    let mut command = query_command(installation, &["query.aw", "--data"]);
    command.arg(&installation.data).args(args);
    ended(installation, command)
}

/// Runs a query on the first of March; gives what it printed.
fn printed(installation: &Installation, text: &str, args: &[&str]) -> String {
    let (code, out, err) = query(installation, text, &[&MARCH, args].concat());
    assert_eq!((code, err.as_str()), (0, ""));
    out
}

fn windows() -> String {
    format!(r#"RETURN = sort_by_timestamp(query_bucket("{WINDOW}"));"#)
}

const SUMMARY: &str = r#"
events = query_bucket(find_bucket("aw-watcher-window_"));
events = categorize(events, [[["Work", "Programming"], {"type": "regex", "regex": "Code"}]]);
RETURN = {
    "window": {
        "categories": sort_by_duration(merge_events_by_keys(events, ["$category"])),
        "duration": sum_durations(events)
    },
    "none": [],
    "buckets": query_bucket_names(),
    "name": NAME
};"#;

#[test]
fn elsewhere_than_on_a_terminal_the_result_is_the_json_of_the_server() {
    let installation = filled();
    let by_default = printed(&installation, SUMMARY, &[]);
    assert_eq!(by_default.lines().count(), 1);
    assert_eq!(printed(&installation, SUMMARY, &["--json"]), by_default);
    let result: Value = serde_json::from_str(&by_default).expect("JSON");
    assert_eq!(result["window"]["duration"], 3_600.0);
    assert_eq!(result["buckets"], json!([AFK, WINDOW]));

    let server = installation.start();
    let body =
        json!({"query": [SUMMARY], "timeperiods": ["2024-03-01T00:00:00+02:00/2024-03-02T00:00:00+02:00"]});
    let answer = http::post(server.port, "/api/0/query/", body.to_string().as_bytes()).expect("an answer");
    assert_eq!(format!("[{}]", by_default.trim_end()), answer.text());
    server.stop();
}

#[test]
fn csv_has_a_column_for_each_name() {
    let installation = filled();
    let expected = "timestamp,duration,app,title\r\n\
        2024-03-01T10:00:00Z,1200.0,Code,\"main.rs, \"\"new\"\"\"\r\n\
        2024-03-01T10:20:00Z,600.0,Mail,Inbox\r\n\
        2024-03-01T10:30:00Z,1800.0,Code,\"main.rs, \"\"new\"\"\"\r\n";
    assert_eq!(printed(&installation, &windows(), &["--csv"]), expected);

    let mixed =
        format!(r#"RETURN = concat(query_bucket("{AFK}"), limit_events(query_bucket("{WINDOW}"), 1));"#);
    let csv = printed(&installation, &mixed, &["--csv"]);
    assert!(
        csv.starts_with("timestamp,duration,status,app,title\r\n"),
        "{csv}"
    );
    assert!(
        csv.contains(",600.0,afk,,\r\n") && csv.ends_with(",,Code,\"main.rs, \"\"new\"\"\"\r\n"),
        "{csv}"
    );
    assert_eq!(
        printed(&installation, "RETURN = [];", &["--csv"]),
        "timestamp,duration\r\n"
    );

    for (text, kind) in [
        (SUMMARY, "a dict"),
        ("RETURN = 1;", "a number"),
        ("RETURN = [1];", "a list of other values"),
    ] {
        let (code, out, err) = query(&installation, text, &["--csv"]);
        assert_eq!((code, out.as_str()), (1, ""));
        assert!(err.contains(&format!("but the result is {kind}:")), "{err}");
    }
}

#[test]
fn a_table_shows_what_there_is_section_by_section() {
    let installation = filled();
    let expected = "\
start                      duration  app   title
2024-03-01T12:00:00+02:00   0:20:00  Code  main.rs, \"new\"
2024-03-01T12:20:00+02:00   0:10:00  Mail  Inbox
2024-03-01T12:30:00+02:00   0:30:00  Code  main.rs, \"new\"
";
    assert_eq!(printed(&installation, &windows(), &["--table"]), expected);
    let expected = "\
window.categories
start                      duration  $category           app   title
2024-03-01T12:30:00+02:00   0:50:00  Work > Programming  Code  main.rs, \"new\"
2024-03-01T12:20:00+02:00   0:10:00  Uncategorized       Mail  Inbox

window.duration  3600.0

none  no events

buckets
aw-watcher-afk_test
aw-watcher-window_test

name  Ann
";
    assert_eq!(
        printed(&installation, SUMMARY, &["--table", "--name", "Ann"]),
        expected
    );
    for (text, expected) in [
        ("RETURN = 1 + 1;", "2.0\n"),
        ("RETURN = \"a\u{1b}[2Jb\";", "a\u{fffd}[2Jb\n"),
        ("RETURN = [1, \"two\"];", "1.0\ntwo\n"),
        ("RETURN = [];", "no events\n"),
    ] {
        assert_eq!(printed(&installation, text, &["--table"]), expected);
    }
}

#[test]
fn explain_tells_each_step_and_the_whole() {
    let installation = filled();
    let out = printed(&installation, SUMMARY, &["--explain"]);
    let lines: Vec<Vec<&str>> = out
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        lines[0],
        ["line", "function", "rows", "in", "rows", "out", "ms", "share"]
    );
    let step = |n: usize| lines[n][..4].to_vec();
    assert_eq!(step(1), ["2", "find_bucket", "0", "-"]);
    assert_eq!(step(2), ["2", "query_bucket", "0", "3"]);
    assert_eq!(step(3), ["3", "categorize", "3", "3"]);
    assert_eq!(step(4), ["6", "merge_events_by_keys", "3", "2"]);
    assert_eq!(step(5), ["6", "sort_by_duration", "2", "2"]);
    assert_eq!(step(6), ["7", "sum_durations", "3", "-"]);
    for what in ["open ", "parse ", "run ", "write ", "run again "] {
        assert_eq!(
            out.lines().filter(|line| line.starts_with(what)).count(),
            if what == "run " { 2 } else { 1 }
        );
    }
    let shares = lines.iter().filter(|line| line.last() == Some(&"%"));
    let shares = shares.map(|line| line[line.len() - 2].parse::<f64>().expect("a share"));
    let whole: f64 = shares.sum();
    assert!((whole - 100.0).abs() < 1.0, "{out}");
}

#[test]
fn an_error_points_at_its_place() {
    let installation = filled();
    let wrong = "a = 1;\n\tevents = floo(query_bucket(\"x\"));\nRETURN = a;";
    let (code, out, err) = query(&installation, wrong, &[]);
    assert_eq!((code, out.as_str()), (1, ""));
    let expected = "timberline: query.aw, line 2, column 11: there is no function `floo`; did you mean `flood`?\n   \
        events = floo(query_bucket(\"x\"));\n            ^\n";
    assert_eq!(err, expected);
    assert_eq!(query(&installation, wrong, &["--explain"]).2, expected);

    // The same from standard input, and by way of a server.
    let mut command = query_command(&installation, &["-", "--data"]);
    let file = File::open(installation.root().join("query.aw")).expect("a file");
    command.arg(&installation.data).stdin(file);
    let (code, _, err) = ended(&installation, command);
    assert_eq!((code, err), (1, expected.replace("query.aw", "standard input")));
    let server = installation.start();
    let url = format!("http://127.0.0.1:{}", server.port);
    let (code, _, err) = ended(
        &installation,
        query_command(&installation, &["query.aw", "--server", &url]),
    );
    assert_eq!((code, err.as_str()), (1, expected));
    server.stop();

    // One that is at no place in particular.
    let (code, _, err) = query(&installation, "a = 1;", &[]);
    assert_eq!((code, err.lines().count()), (1, 1));
    assert!(err.starts_with("timberline: query.aw: "), "{err}");
}

#[test]
fn what_a_server_has_just_taken_is_seen_beside_it_and_through_it() {
    let installation = filled();
    let server = installation.start();
    let url = format!("http://127.0.0.1:{}", server.port);
    let beat =
        json!({"timestamp": "2024-03-01T12:00:00Z", "duration": 5, "data": {"app": "Late", "title": ""}});
    let target = format!("/api/0/buckets/{WINDOW}/heartbeat?pulsetime=5");
    let answer = http::post(server.port, &target, beat.to_string().as_bytes()).expect("an answer");
    assert_eq!(answer.status, 200);

    let beside = printed(&installation, &windows(), &["--json"]);
    let events: Value = serde_json::from_str(&beside).expect("JSON");
    assert_eq!(events[3]["data"]["app"], "Late");
    let through = |args: &[&str]| {
        let args = [&["query.aw", "--server", &url], &MARCH[..], args].concat();
        let (code, out, err) = ended(&installation, query_command(&installation, &args));
        assert_eq!((code, err.as_str()), (0, ""));
        out
    };
    assert_eq!(through(&["--json"]), beside);
    assert!(through(&["--csv"]).ends_with("2024-03-01T12:00:00Z,5.0,Late,\r\n"));
    write(&installation, "RETURN = NAME;");
    assert_eq!(through(&["--name", "ä & b", "--table"]), "ä & b\n");

    let args = ["query.aw", "--server", &url, "--explain"];
    let (code, _, err) = ended(&installation, query_command(&installation, &args));
    assert_eq!((code, err.lines().count()), (1, 1));
    assert!(err.contains("leave out --server"), "{err}");
    server.stop();
    let (code, _, err) = ended(&installation, query_command(&installation, &args[..3]));
    assert_eq!((code, err.lines().count()), (1, 1));
    assert!(err.contains(&format!("no answer from {url}")), "{err}");
}

#[test]
fn periods_are_days_as_they_are_here() {
    let installation = filled();
    let period = |zone: &str, args: &[&str]| -> Value {
        write(&installation, "RETURN = [STARTTIME, ENDTIME];");
        let mut command = query_command(&installation, &["query.aw", "--data"]);
        command.arg(&installation.data).args(args).env("TZ", zone);
        let (code, out, err) = ended(&installation, command);
        assert_eq!((code, err.as_str()), (0, ""));
        serde_json::from_str(&out).expect("JSON")
    };
    let east = period(ZONE, &MARCH);
    assert_eq!(
        east,
        json!(["2024-02-29T22:00:00+00:00", "2024-03-01T22:00:00+00:00"])
    );
    let exact = [
        "--start",
        "2024-03-01T10:00:00Z",
        "--end",
        "2024-03-01T10:00:00.5+01:00",
    ];
    let (code, _, err) = query(&installation, "RETURN = 1;", &exact);
    assert_eq!(code, 1);
    assert!(
        err.contains("2024-03-01T12:00:00+02:00") && err.contains("ends before it begins"),
        "{err}"
    );

    // Three hours west, an hour less in summer; the clocks go from midnight to one.
    let put_forward = period(
        "AAA3BBB,M3.2.0/0,M11.1.0/0",
        &["--start", "2024-03-10", "--end", "2024-03-11"],
    );
    assert_eq!(
        put_forward,
        json!(["2024-03-10T03:00:00+00:00", "2024-03-11T02:00:00+00:00"])
    );

    // Today, unless the day ends just now.
    let today = period(ZONE, &[]);
    let at = |n: usize| Timestamp::parse(today[n].as_str().expect("a time")).expect("a time");
    assert!(at(0) <= at(1) && at(1) <= Timestamp::now());
    assert!(at(1).since(at(0)).as_secs_f64() <= 86_401.0);
    assert!(today[0].as_str().expect("a time").ends_with("T22:00:00+00:00"));
}

#[test]
fn what_cannot_be_is_told_in_a_line() {
    let installation = filled();
    let told = |args: &[&str], expected: i32, part: &str| {
        let (code, out, err) = ended(&installation, query_command(&installation, args));
        assert_eq!((code, out.as_str()), (expected, ""), "{args:?}");
        assert!(err.contains(part), "{err}");
    };
    told(&["none.aw"], 1, "cannot read none.aw");
    write(&installation, "RETURN = 1;");
    told(&["query.aw", "--data", "nowhere"], 1, "--dbpath");
    told(&["query.aw", "--start", "tomorrow"], 2, "yesterday");
    told(&["query.aw", "--csv", "--json"], 2, "cannot be used with");
    told(&["query.aw", "--csv", "--explain"], 2, "cannot be used with");
    told(
        &["query.aw", "--server", "http://localhost", "--data", "x"],
        2,
        "cannot be used with",
    );
    told(
        &["query.aw", "--server", "ftp://localhost"],
        2,
        "expected an address",
    );
    fs::write(installation.root().join("query.aw"), b"RETURN = \"\xff\";").expect("written");
    told(&["query.aw"], 1, "query.aw is not UTF-8 text");
}

#[test]
fn damage_is_told_beside_the_result() {
    let installation = filled();
    let server = installation.start();
    let post = |target: &str, body: &Value| {
        let answer = http::post(server.port, target, body.to_string().as_bytes()).expect("an answer");
        assert_eq!(answer.status, 200);
    };
    let event = |time: &str| json!({"timestamp": time, "duration": 0, "data": {"app": time}});
    for time in [
        "2024-03-01T12:00:00Z",
        "2024-03-01T12:00:01Z",
        "2024-03-01T12:00:02Z",
    ] {
        post(
            &format!("/api/0/buckets/{WINDOW}/heartbeat?pulsetime=5"),
            &event(time),
        );
    }
    // What comes after these tells that the heartbeats were on the disk: they are no torn end.
    for time in ["2024-03-01T12:00:03Z", "2024-03-01T12:00:04Z"] {
        post(&format!("/api/0/buckets/{AFK}/events"), &json!([event(time)]));
    }
    server.kill();
    let mut dump = installation.program();
    dump.args(["log", "dump", "--kind", "heartbeat", "--from", "6", "--data"])
        .arg(&installation.data);
    let (_, records, _) = installation.run(dump);
    let record: Value = serde_json::from_str(records.lines().next().expect("a record")).expect("JSON");
    let file = record["file"].as_str().expect("a file");
    let offset = record["offset"].as_u64().expect("an offset");
    let path = installation.data.join("log").join(file);
    let mut bytes = fs::read(&path).expect("a segment");
    bytes[usize::try_from(offset).expect("an offset") + 40] ^= 1;
    fs::write(&path, bytes).expect("a segment");

    let (code, out, err) = query(&installation, &windows(), &MARCH);
    let events: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(
        events.as_array().map(Vec::len),
        Some(5),
        "three, the first heartbeat and the last"
    );
    assert_eq!(code, 1);
    assert!(
        err.starts_with("timberline: ") && err.contains("is damaged at byte"),
        "{err}"
    );
}

#[test]
fn the_set_of_the_web_ui_is_timed_on_ones_own_data() {
    let installation = filled();
    let bench = |args: &[&str]| {
        let mut command = installation.program();
        command
            .args(["bench", "query", "--data"])
            .arg(&installation.data)
            .args(args);
        ended(&installation, command)
    };
    let (code, out, err) = bench(&["--rounds", "2"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(
        out.contains(&format!("buckets         {WINDOW}, 3 events\n")),
        "{out}"
    );
    let lines: Vec<Vec<&str>> = out
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let row = |name: &str| {
        let row = lines
            .iter()
            .find(|line| line.join(" ").starts_with(&format!("{name} day ")));
        row.unwrap_or_else(|| panic!("{name} in {out}")).clone()
    };
    // Requests and rows: windows and afk once; afk; both for each hour, of which an event may be in two.
    assert_eq!(row("desktop")[2..4], ["1", "5"]);
    assert_eq!(row("usage bars")[3..5], ["1", "2"]);
    assert_eq!(row("categories")[2], "24");
    assert!(!out.contains("editor") && !out.contains("week"), "{out}");

    assert_eq!(bench(&["--rounds", "0"]).0, 2);
    let empty = Installation::new();
    let (store, _) = Store::open(&empty.data, StoreOptions::default()).expect("a store");
    create(&store, WINDOW, "currentwindow");
    store.close().expect("closed");
    let mut command = empty.program();
    command.args(["bench", "query", "--data"]).arg(&empty.data);
    let (code, _, err) = ended(&empty, command);
    assert_eq!((code, err.lines().count()), (1, 1));
    assert!(err.contains("currentwindow"), "{err}");
}

#[test]
fn a_rule_that_takes_too_many_steps_is_told_on_standard_error() {
    let installation = filled();
    let (store, _) = Store::open(&installation.data, StoreOptions::default()).expect("a store");
    let title = format!(r#"{{"app":"Word","title":"{}b"}}"#, "a".repeat(60));
    insert(&store, WINDOW, &[(3_600, 60, &title)]);
    store.close().expect("closed");
    let program = format!(
        r#"RETURN = sum_durations(filter_keyvals(categorize(query_bucket("{WINDOW}"), [
            [["Größe"], {{"type": "regex", "regex": "^(?:a|aa)+(?!b)$"}}], [["Code"], {{"type": "regex", "regex": "Code"}}]]),
            "$category", [["Code"]]));"#
    );
    let told = |(code, out, err): (i32, String, String)| {
        assert_eq!((code, out.trim()), (0, "3000.0"), "{err}");
        assert_eq!(err.lines().count(), 1, "{err}");
        assert!(
            err.starts_with("timberline: the rule of the category \"Größe\" took too many steps"),
            "{err}"
        );
    };
    told(query(&installation, &program, &MARCH));
    let (code, _, err) = query(&installation, &program, &[&MARCH[..], &["--explain"]].concat());
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("\"Größe\""), "{err}");
    let server = installation.start();
    let url = format!("http://127.0.0.1:{}", server.port);
    let args = [&["query.aw", "--server", &url], &MARCH[..]].concat();
    told(ended(&installation, query_command(&installation, &args)));
    server.stop();
}

//! `timberline status`, `GET /api/1/status`, `/health`, `/ready` and the format of `/metrics`, in every state of a server.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::harness::http;
use crate::harness::rfc3339;
use crate::harness::server::{Data, Installation, Server};
use serde_json::{Value, json};

/// Exit code and report of `timberline status --json`.
fn status(installation: &Installation) -> (i32, Value) {
    let (code, out) = status_text(installation, &["--json"]);
    let report = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"));
    (code, report)
}

fn status_text(installation: &Installation, more: &[&str]) -> (i32, String) {
    let mut command = installation.program();
    command.args(["status", "--testing", "--port", &installation.port.to_string()]);
    command.args(more).arg("--dbpath").arg(&installation.data);
    let (status, out, err) = installation.run(command);
    assert_eq!(err, "");
    (status.code().expect("an exit code"), out)
}

fn ago(seconds: i128) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock");
    rfc3339::format((i128::from(now.as_secs()) - seconds) * rfc3339::SECOND)
}

/// A bucket of this type and host whose last event ended so long ago.
fn bucket(server: &Server, id: &str, type_: &str, hostname: &str, seconds: i128) {
    let body = json!({"client": "tests", "type": type_, "hostname": hostname});
    assert_eq!(server.post(&format!("/api/0/buckets/{id}"), &body).0, 200);
    let event = json!([{"timestamp": ago(seconds), "duration": 0, "data": {"n": 1}}]);
    assert_eq!(server.post(&format!("/api/0/buckets/{id}/events"), &event).0, 200);
}

fn answer(server: &Server, target: &str) -> (u16, String) {
    let answer = http::get(server.port, target).expect("an answer");
    (answer.status, answer.text())
}

fn state<'a>(report: &'a Value, id: &str) -> &'a str {
    let buckets = report["buckets"].as_array().expect("buckets");
    let bucket = buckets.iter().find(|bucket| bucket["id"] == id);
    bucket
        .and_then(|bucket| bucket["state"].as_str())
        .expect("a bucket with a state")
}

/// The paths of all values, with the kind of each.
fn shape(value: &Value, path: &str, out: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, value)| shape(value, &format!("{path}.{name}"), out)),
        Value::Array(values) => {
            out.insert(format!("{path}: list"));
            values
                .iter()
                .for_each(|value| shape(value, &format!("{path}[]"), out));
        }
        Value::Null => drop(out.insert(format!("{path}: null"))),
        Value::Bool(_) => drop(out.insert(format!("{path}: bool"))),
        Value::Number(_) => drop(out.insert(format!("{path}: number"))),
        Value::String(_) => drop(out.insert(format!("{path}: text"))),
    }
}

fn assert_shape(report: &Value, golden: &str) {
    let mut paths = BTreeSet::new();
    shape(report, "", &mut paths);
    // Where there is no git there is no commit.
    let text = paths.into_iter().collect::<Vec<_>>().join("\n");
    let text = text
        .replace(".commit: null", ".commit: text")
        .replace(".date: null", ".date: text");
    assert_eq!(
        text,
        golden.trim(),
        "the shape has changed: it is a promise to scripts\n{text}"
    );
}

#[test]
fn without_a_server_the_data_directory_is_shown() {
    let installation = Installation::new();
    let (code, report) = status(&installation);
    assert_eq!(code, 3);
    assert_eq!(report["running"], false);
    assert_eq!(report["store"], Value::Null);
    let (code, text) = status_text(&installation, &[]);
    assert_eq!(code, 3);
    assert!(
        text.contains("not running") && text.contains("no data directory yet"),
        "{text}"
    );

    let server = installation.start();
    bucket(&server, "window", "currentwindow", "elsewhere", 5_000);
    server.stop();
    let (code, report) = status(&installation);
    assert_eq!(code, 3);
    assert_eq!(report["store"]["events"], 1);
    assert_eq!(report["store"]["durable_seq"], Value::Null);
    assert_eq!(state(&report, "window"), "quiet");
    assert_shape(&report, include_str!("status/data.txt"));
}

#[test]
fn a_running_server_reports_and_marks_watchers_that_have_stopped() {
    let installation = Installation::new();
    let server = installation.start();
    let (code, report) = status(&installation);
    assert_eq!(code, 0, "{report}");
    assert_eq!(report["running"], true);
    assert_eq!(report["ready"], true);
    assert_eq!(report["access"]["loopback_only"], true);
    assert_eq!(report["buckets"], json!([]));

    let host = report["hostname"].as_str().expect("a host name").to_owned();
    bucket(&server, "window", "currentwindow", &host, 5_000);
    bucket(&server, "afk", "afkstatus", &host, 1);
    bucket(&server, "web", "web.tab.current", &host, 5_000);
    bucket(&server, "off", "currentwindow", "another-host", 5_000);
    let (code, report) = status(&installation);
    assert_eq!(code, 1, "{report}");
    let states = ["window", "afk", "web", "off"].map(|id| state(&report, id));
    assert_eq!(states, ["stopped", "reporting", "quiet", "quiet"]);
    let attention = report["attention"].to_string();
    assert!(
        attention.contains("The watcher of window has stopped"),
        "{attention}"
    );
    assert_eq!(report["store"]["durable_seq"], report["store"]["seq"]);
    assert_shape(&report, include_str!("status/server.txt"));
    let (code, text) = status_text(&installation, &[]);
    assert_eq!(code, 1);
    for part in [
        "STOPPED",
        "only programs on this machine, without a key",
        "writes    go through",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }

    assert_eq!(answer(&server, "/health"), (200, "alive\n".to_owned()));
    assert_eq!(answer(&server, "/ready"), (200, "ready\n".to_owned()));
    server.stop();
}

#[test]
fn a_server_of_other_data_is_not_taken_for_this_one() {
    let installation = Installation::new();
    let server = installation.start();
    let mut command = installation.program();
    command.args(["status", "--port", &installation.port.to_string()]);
    command.arg("--dbpath").arg(installation.root().join("other"));
    let (code, out, _) = installation.run(command);
    assert_eq!(code.code(), Some(3), "{out}");
    assert!(out.contains("the one at http://127.0.0.1"), "{out}");
    server.stop();
}

#[test]
fn a_damaged_log_is_reported_by_the_server_and_without_it() {
    let installation = Installation::new();
    let server = installation.start();
    bucket(&server, "a", "test", "test", 100);
    for second in 0..30 {
        let beat = json!({"timestamp": ago(99 - second), "duration": 0, "data": {"n": i64::try_from(second).expect("small")}});
        assert_eq!(
            server.post("/api/0/buckets/a/heartbeat?pulsetime=1", &beat).0,
            200
        );
    }
    // A start after this reads the whole segment.
    server.kill();
    let segment = installation.data.join("log/00000000000000000001.seg");
    let mut bytes = fs::read(&segment).expect("a segment");
    // In the middle of the first records.
    for byte in &mut bytes[4_200..4_208] {
        *byte ^= 0x55;
    }
    fs::write(&segment, bytes).expect("the segment to be written");
    let (code, report) = status(&installation);
    assert_eq!(code, 3);
    assert_ne!(report["damage"], json!([]), "{report}");
    let server = installation.start();
    let (code, report) = status(&installation);
    assert_eq!(code, 1, "{report}");
    assert_ne!(report["damage"]["log"], json!([]), "{report}");
    let attention = report["attention"].to_string();
    assert!(attention.contains("The log is damaged"), "{attention}");
    server.stop();
}

#[test]
fn encrypted_data_are_shown_with_the_passphrase_and_named_without() {
    let installation = Installation::with(Data::Encrypted);
    let server = installation.start();
    bucket(&server, "a", "test", "test", 100);
    let (_, report) = status(&installation);
    assert_eq!(report["store"]["encrypted"], true);
    server.stop();
    let (code, report) = status(&installation);
    assert_eq!(code, 3);
    assert_eq!(report["store"]["events"], 1);
    let mut command = installation.program();
    command.env_remove("TIMBERLINE_PASSPHRASE");
    command.args(["status", "--json", "--port", &installation.port.to_string()]);
    command.arg("--dbpath").arg(&installation.data);
    let (code, out, _) = installation.run(command);
    assert_eq!(code.code(), Some(3), "{out}");
    let report: Value = serde_json::from_str(&out).expect("JSON");
    assert!(
        report["unreadable"]
            .as_str()
            .is_some_and(|why| why.contains("passphrase")),
        "{out}"
    );
}

#[test]
fn with_a_key_only_those_who_have_it_get_the_report() {
    let mut installation = Installation::new();
    installation.configure("[auth]\napi_key = \"a-key\"\n");
    let server = installation.start();
    let (code, report) = {
        let config = installation.root().join("timberline.toml");
        let config = config.to_str().expect("a path of text");
        let (code, out) = status_text(&installation, &["--json", "--config", config]);
        (code, serde_json::from_str::<Value>(&out).expect("JSON"))
    };
    assert_eq!(
        (code, &report["access"]["authentication"]),
        (0, &json!("required"))
    );
    for (target, status) in [
        ("/health", 200),
        ("/ready", 200),
        ("/api/1/status", 401),
        ("/metrics", 401),
    ] {
        assert_eq!(answer(&server, target).0, status, "{target}");
    }
    let mut command = installation.program();
    command.args(["status", "--port", &installation.port.to_string(), "--dbpath"]);
    command.arg(&installation.data);
    let (code, _, err) = installation.run(command);
    assert!(code.code() == Some(2) && err.contains("401"), "{err}");
    server.stop();
}

#[test]
fn what_is_no_timberline_is_an_error() {
    let installation = Installation::new();
    let mut command = installation.program();
    command.args([
        "status",
        "--server",
        &format!("http://127.0.0.1:{}", installation.port),
    ]);
    let (code, _, err) = installation.run(command);
    assert_eq!(code.code(), Some(2), "{err}");
    assert!(err.contains("no server answers"), "{err}");
}

#[test]
fn the_version_has_commit_and_date() {
    let installation = Installation::new();
    let mut command = installation.program();
    command.arg("--version");
    let (_, out, _) = installation.run(command);
    let version = concat!("timberline ", env!("CARGO_PKG_VERSION"));
    assert!(out.starts_with(version), "{out}");
}

/// Every sample belongs to the metric that was announced last, no metric comes twice, and names have their unit. `promtool`,
/// where it is installed, has the last word.
#[test]
fn metrics_have_the_format_of_prometheus() {
    let installation = Installation::new();
    let server = installation.start();
    bucket(&server, "quoted%22%5C", "test", "test", 100);
    let text = answer(&server, "/metrics").1;
    let (mut seen, mut current, mut kind) = (BTreeSet::new(), "", "");
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a name and a text");
            assert!(seen.insert(name) && !help.is_empty(), "{line}");
            current = name;
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, is) = rest.split_once(' ').expect("a name and a kind");
            assert_eq!(name, current);
            assert!(["gauge", "counter"].contains(&is), "{line}");
            kind = is;
        } else {
            let (name, value) = line.rsplit_once(' ').expect("a name and a value");
            assert_eq!(name.split('{').next(), Some(current), "{line}");
            assert!(value.parse::<f64>().is_ok(), "{line}");
            assert_eq!(kind == "counter", current.ends_with("_total"), "{line}");
        }
    }
    for name in ["build_info", "ready", "log_durable_seq", "disk_used_bytes"] {
        assert!(seen.contains(format!("timberline_{name}").as_str()), "{name}");
    }
    assert!(
        text.contains(r#"timberline_bucket_events{bucket="quoted\"\\"} 1"#),
        "{text}"
    );
    promtool(&installation, &text);
    server.stop();
}

fn promtool(installation: &Installation, text: &str) {
    let file = installation.root().join("metrics");
    fs::write(&file, text).expect("the metrics to be written");
    let file = fs::File::open(&file).expect("the metrics");
    match Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(file)
        .output()
    {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success() && said.is_empty(), "promtool: {said}");
        }
        Err(error) => println!("promtool cannot be run: {error}"),
    }
}

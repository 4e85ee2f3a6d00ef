//! A damaged view segment under the real server: every answer is right, and the damage is reported.

use std::fs;
use std::path::PathBuf;

use crate::harness::server::{Installation, Server};
use crate::harness::{http, poll};
use serde_json::{Value, json};

/// More than the rows at which a head becomes a view segment, which are 32,768.
const EVENTS: usize = 34_000;

fn fill(server: &Server) {
    let bucket = json!({"client": "tests", "type": "test", "hostname": "test"}).to_string();
    http::post(server.port, "/api/0/buckets/a", bucket.as_bytes()).expect("a bucket");
    for first in (0..EVENTS).step_by(2_000) {
        let events: Vec<_> = (first..first + 2_000)
            .map(|n| {
                let (hour, minute, second) = (n / 3_600, n / 60 % 60, n % 60);
                let time = format!("2024-03-01T{hour:02}:{minute:02}:{second:02}Z");
                json!({"timestamp": time, "duration": 1, "data": {"title": format!("title {}", n % 997)}})
            })
            .collect();
        let body = serde_json::to_vec(&events).expect("JSON");
        let answer = http::post(server.port, "/api/0/buckets/a/events", &body).expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

fn view_file(installation: &Installation) -> Option<PathBuf> {
    let files = fs::read_dir(installation.data.join("views")).ok()?.flatten();
    let mut views = files.map(|file| file.path());
    views.find(|path| path.extension().is_some_and(|ending| ending == "view"))
}

fn events(server: &Server) -> Value {
    let answer = http::get(server.port, "/api/0/buckets/a/events").expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json().expect("JSON")
}

fn metric(server: &Server, name: &str) -> String {
    let text = http::get(server.port, "/metrics").expect("an answer").text();
    let name = format!("timberline_{name} ");
    let line = text.lines().find_map(|line| line.strip_prefix(name.as_str()));
    line.unwrap_or_else(|| panic!("{name} in {text}")).to_owned()
}

#[test]
fn a_damaged_view_segment_costs_no_answer_and_is_reported() {
    let installation = Installation::new();
    let server = installation.start();
    fill(&server);
    let view = poll("a view segment", || view_file(&installation));
    let stored = events(&server);
    server.stop();
    // Past the header, in the columns and the dictionary: every 4 KiB a byte.
    let mut bytes = fs::read(&view).expect("the view segment");
    for byte in bytes.iter_mut().skip(4_500).step_by(4_096) {
        *byte ^= 0x10;
    }
    fs::write(&view, &bytes).expect("the view segment");

    let server = installation.start();
    assert!(events(&server) == stored, "the list differs");
    let exported = http::get(server.port, "/api/0/buckets/a/export").expect("an answer");
    let exported = exported.json().expect("JSON");
    assert!(exported["buckets"]["a"]["events"] == stored, "the export differs");
    let query = json!({"query": ["RETURN = sum_durations(query_bucket(\"a\"));"], "timeperiods": ["2024-02-01T00:00:00Z/2024-04-01T00:00:00Z"]});
    let answer = http::post(server.port, "/api/0/query/", query.to_string().as_bytes()).expect("an answer");
    assert_eq!(answer.json().expect("JSON"), json!([EVENTS as f64]));
    assert_eq!(metric(&server, "view_segments_damaged_total"), "1");
    assert_eq!(metric(&server, "view_segments_healed_total"), "1");
    assert_eq!(metric(&server, "view_events_lost_total"), "0");
    // A new file takes the place of the damaged one, which is set aside under another name.
    let aside = view.with_extension("view.damaged");
    poll("the damaged file to be set aside", || {
        aside.exists().then_some(())
    });
    let mut doctor = installation.program();
    doctor.args(["doctor", "--dbpath"]).arg(&installation.data);
    let (_, out, _) = installation.run(doctor);
    let name = aside.file_name().expect("a name").to_string_lossy().into_owned();
    assert!(out.contains("warn  views") && out.contains(&name), "{out}");
    server.stop();
    installation.verify();

    let server = installation.start();
    assert!(events(&server) == stored, "the list differs after a restart");
    server.stop();
}

/// Exit code and output of a subcommand on the data directory.
fn run(installation: &Installation, command: &[&str]) -> (Option<i32>, String) {
    let mut program = installation.program();
    program.args(command).arg("--dbpath").arg(&installation.data);
    let (status, out, err) = installation.run(program);
    (status.code(), out + &err)
}

#[test]
fn damage_that_no_read_has_met_is_found_by_doctor_by_verify_and_by_the_scrub() {
    let mut installation = Installation::new();
    installation.configure("scrub_every = \"1 second\"\n");
    let server = installation.start();
    fill(&server);
    let view = poll("a view segment", || view_file(&installation));
    let stored = events(&server);
    server.stop();
    let checkpoint = installation.data.join("views/checkpoint");
    let copy = installation.data.join("views/checkpoint.copy");
    for file in [&view, &checkpoint, &copy] {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        let whole = fs::read(file).expect("a file");
        let mut damaged = whole.clone();
        damaged[whole.len() / 2] ^= 4;
        for bytes in [Some(&damaged[..]), None] {
            match bytes {
                Some(bytes) => fs::write(file, bytes).expect("a file"),
                None => fs::remove_file(file).expect("a file"),
            }
            let (_, out) = run(&installation, &["doctor"]);
            let told = out
                .lines()
                .any(|line| line.starts_with("warn  views") && line.contains(&name));
            assert!(told, "{name}: {out}");
        }
        fs::write(file, damaged).expect("a file");
        let (code, out) = run(&installation, &["log", "verify"]);
        assert!(code == Some(1) && out.contains(&name), "{name}: {out}");
        fs::write(file, whole).expect("a file");
    }
    let (code, out) = run(&installation, &["doctor"]);
    assert!(code == Some(0) && out.contains("ok    views"), "{out}");

    let server = installation.start();
    for file in [&checkpoint, &copy] {
        let whole = fs::read(file).expect("a file");
        fs::write(file, &whole[..whole.len() / 2]).expect("a file");
        poll("the file to be written again", || {
            (fs::read(file).ok()?.len() == whole.len()).then_some(())
        });
    }
    assert_ne!(metric(&server, "checkpoints_damaged_total"), "0");
    assert!(events(&server) == stored, "the list differs");
    server.stop();
    installation.verify();
}

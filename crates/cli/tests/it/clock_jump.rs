//! The real server on a clock that jumps: nothing is erased because of it, it is reported, and people may say what is right.

use std::fs;
use std::path::Path;

use crate::harness::clock::{JUMPS, SetClock};
use crate::harness::server::{Installation, Server};
use crate::harness::{http, poll};
use serde_json::{Value, json};

const DAY: i64 = 86_400;
const YEAR: i64 = 365 * DAY;
const BUCKET: &str = "/api/0/buckets/w";

fn start(installation: &Installation, clock: &SetClock) -> Server {
    let mut command = installation.command();
    clock.apply(&mut command);
    installation.start_as(command)
}

fn ask(server: &Server, method: &str, target: &str, body: Option<&Value>) -> Value {
    let mut connection = http::Connection::open(server.port).expect("a connection");
    let body = body.map(Value::to_string);
    let answer = connection
        .request(method, target, body.as_deref().map(str::as_bytes))
        .expect("an answer");
    assert!(answer.status < 300, "{method} {target}: {}", answer.text());
    answer.json().unwrap_or_default()
}

fn trash(server: &Server) -> usize {
    let trash = ask(server, "GET", "/api/1/trash", None);
    trash["items"].as_array().expect("a list").len()
}

fn count(server: &Server) -> u64 {
    let count = ask(server, "GET", &format!("{BUCKET}/events/count"), None);
    count.as_u64().expect("a number")
}

fn metric(server: &Server, name: &str) -> String {
    let metrics = http::get(server.port, "/metrics").expect("an answer").text();
    let value = metrics.lines().find_map(|line| line.strip_prefix(name));
    value.expect("the metric").trim().to_owned()
}

/// Waits until the server has seen that erasing is suspended, or that it is not.
fn wait_suspended(server: &Server, suspended: bool) {
    let wanted = if suspended { "1" } else { "0" };
    poll("the server to see its clock", || {
        (metric(server, "timberline_erasing_suspended ") == wanted).then_some(())
    });
}

/// A bucket with events, of which one was deleted, and a deleted bucket.
fn fill(server: &Server) {
    let bucket = json!({"client": "c", "type": "t", "hostname": "h"});
    for name in ["w", "gone"] {
        ask(server, "POST", &format!("/api/0/buckets/{name}"), Some(&bucket));
    }
    let now = timberline_model::Timestamp::now().nanos();
    let events: Vec<Value> = (0..500i64)
        .map(|day| {
            json!({"timestamp": crate::harness::rfc3339::format(i128::from(now - (day * DAY + DAY / 2) * 1_000_000_000)),
                "duration": 1, "data": {"title": day}})
        })
        .collect();
    ask(server, "POST", &format!("{BUCKET}/events"), Some(&json!(events)));
    ask(server, "DELETE", &format!("{BUCKET}/events/1"), None);
    ask(server, "DELETE", "/api/0/buckets/gone?force=1", None);
}

/// Runs `timberline doctor`, on the same clock; gives what it printed.
fn doctor(installation: &Installation, clock: &SetClock, args: &[&str]) -> (bool, String) {
    let mut command = installation.program();
    clock.apply(&mut command);
    command.arg("doctor").args(args);
    command.arg("--dbpath").arg(&installation.data);
    let config = installation.root().join("timberline.toml");
    if config.exists() {
        command.arg("--config").arg(config);
    }
    let (status, out, err) = installation.run(command);
    (status.success(), out + &err)
}

fn log(installation: &Installation) -> String {
    fs::read_to_string(installation.root().join("stderr.log")).expect("its log")
}

fn installation(toml: &str) -> (Installation, SetClock) {
    let mut installation = Installation::new();
    installation.configure(toml);
    let clock = SetClock::new(installation.root());
    (installation, clock)
}

#[test]
fn a_clock_that_jumps_while_the_server_runs_erases_nothing() {
    let (installation, clock) = installation("maintain_every = \"1 second\"\n");
    let server = start(&installation, &clock);
    fill(&server);
    for jump in JUMPS {
        clock.shift_by(jump);
        wait_suspended(&server, true);
        assert_eq!(trash(&server), 2, "{jump}");
        clock.shift_by(0);
        wait_suspended(&server, false);
        assert_eq!(trash(&server), 2, "{jump}");
    }
    server.stop();
    let log = log(&installation);
    for words in [
        "the clock jumped",
        "confirm it: the doctor says how",
        "is trusted again",
    ] {
        assert!(log.contains(words), "{words}: {log}");
    }
}

#[test]
fn a_clock_that_is_wrong_at_a_start_erases_nothing_here_nor_in_backups() {
    let mut installation = Installation::new();
    let sets = installation.root().join("sets");
    installation.configure(&format!(
        "[backup]\ndir = \"{}\"\nevery = \"1 minute\"\nkeep = 1\n[[retention]]\nbucket = \"*\"\nkeep = \"2 years\"\n",
        sets.display()
    ));
    let clock = SetClock::new(installation.root());
    let server = start(&installation, &clock);
    fill(&server);
    server.stop();
    let server = start(&installation, &clock);
    let real = poll("a set", || {
        names(&sets).into_iter().find(|name| name.starts_with('2'))
    });
    server.stop();
    for jump in JUMPS {
        clock.shift_by(jump);
        let server = start(&installation, &clock);
        wait_suspended(&server, true);
        assert_eq!((count(&server), trash(&server)), (499, 2), "{jump}");
        server.stop();
    }
    assert!(names(&sets).contains(&real), "{:?}", names(&sets));
    clock.shift_by(0);
    let server = start(&installation, &clock);
    wait_suspended(&server, false);
    assert_eq!((count(&server), trash(&server)), (499, 2));
    server.stop();
    installation.verify();
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

#[test]
fn a_suspension_is_shown_and_can_be_ended_by_hand_while_the_server_runs() {
    let (installation, clock) = installation("maintain_every = \"1 second\"\n");
    let server = start(&installation, &clock);
    fill(&server);
    clock.shift_by(8 * DAY);
    wait_suspended(&server, true);
    let page = http::get(server.port, "/status").expect("the page").text();
    assert!(
        page.contains("Erasing is suspended: the clock jumped 8 days ahead"),
        "{page}"
    );
    let (_, out) = doctor(&installation, &clock, &[]);
    assert!(
        out.contains("warn  erasing         suspended: the clock jumped 8 days ahead"),
        "{out}"
    );
    assert!(out.contains("run `timberline doctor --trust-clock`"), "{out}");
    assert_eq!(trash(&server), 2);

    let (well, out) = doctor(&installation, &clock, &["--trust-clock"]);
    assert!(well && out.contains("The server has taken note"), "{out}");
    wait_suspended(&server, false);
    poll("the trash to be emptied", || (trash(&server) == 0).then_some(()));
    let (well, out) = doctor(&installation, &clock, &["--trust-clock"]);
    assert!(well && out.contains("nothing to confirm"), "{out}");
    server.stop();
    let (_, out) = doctor(&installation, &clock, &[]);
    assert!(out.contains("the clock is trusted"), "{out}");
}

#[test]
fn a_suspension_can_be_ended_by_hand_while_no_server_runs() {
    let (installation, clock) = installation("maintain_every = \"1 second\"\n");
    let server = start(&installation, &clock);
    fill(&server);
    server.stop();
    clock.shift_by(10 * YEAR);
    let (_, out) = doctor(&installation, &clock, &[]);
    assert!(
        out.contains("suspended: the clock jumped 10 years ahead"),
        "{out}"
    );
    let (well, out) = doctor(&installation, &clock, &["--trust-clock"]);
    assert!(well && out.contains("takes note when it starts"), "{out}");
    let server = start(&installation, &clock);
    poll("the trash to be emptied", || (trash(&server) == 0).then_some(()));
    assert_eq!(metric(&server, "timberline_erasing_suspended "), "0");
    server.stop();
}

#[test]
fn a_rule_that_would_erase_most_of_a_bucket_waits_for_a_confirmation() {
    let (mut installation, clock) = installation("");
    let server = start(&installation, &clock);
    fill(&server);
    server.stop();
    installation.configure("[[retention]]\nbucket = \"*\"\nkeep = \"30 days\"\n");
    let server = start(&installation, &clock);
    poll("the rule to be held", || {
        (metric(&server, "timberline_retention_held_buckets ") == "1").then_some(())
    });
    assert_eq!(count(&server), 499);
    let page = http::get(server.port, "/status").expect("the page").text();
    assert!(page.contains("retention of w is held"), "{page}");
    let (_, out) = doctor(&installation, &clock, &[]);
    let words = "timberline doctor --confirm-retention w";
    assert!(out.contains("warn  retention") && out.contains(words), "{out}");
    assert!(log(&installation).contains("If that is wanted, confirm it"));

    let (well, out) = doctor(&installation, &clock, &["--confirm-retention", "nowhere"]);
    assert!(!well && out.contains("it does in w"), "{out}");
    let (well, out) = doctor(&installation, &clock, &["--confirm-retention", "w"]);
    assert!(well && out.contains("The server has taken note"), "{out}");
    poll("the rule to be applied", || (count(&server) == 29).then_some(()));
    assert_eq!(metric(&server, "timberline_retention_held_buckets "), "0");
    server.stop();
    // What was confirmed is not asked about again.
    let server = start(&installation, &clock);
    let (_, out) = doctor(&installation, &clock, &[]);
    assert!(!out.contains("warn  retention"), "{out}");
    assert_eq!(count(&server), 29);
    server.stop();
}

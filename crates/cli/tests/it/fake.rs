//! `timberline fake` and `/api/1/fake`: the real command, with and without a server. What it makes is what the plan says, and what
//! it removes is only that.

use serde_json::{Value, json};

use crate::harness::http;
use crate::harness::server::{Installation, Server};

const PAGE: &str = include_str!("../../../../docs/fake.md");

/// Runs `timberline fake` on the data directory; gives exit code, output and complaint.
fn fake(installation: &Installation, args: &[&str]) -> (i32, String, String) {
    let mut command = installation.program();
    command
        .arg("fake")
        .args(args)
        .arg("--dbpath")
        .arg(&installation.data);
    let (status, out, err) = installation.run(command);
    (status.code().unwrap_or(-1), out, err)
}

/// The same on a server, which listens where the configuration does not say.
fn fake_on(server: &Server, installation: &Installation, args: &[&str]) -> (i32, String, String) {
    let url = format!("http://127.0.0.1:{}", server.port);
    fake(installation, &[args, &["--server", &url]].concat())
}

fn get(server: &Server, path: &str) -> Value {
    let answer = http::get(server.port, path).expect("an answer");
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json().expect("JSON")
}

/// Start, duration and data of the events, the oldest first.
fn events(server: &Server, bucket: &str) -> Vec<(String, Value, Value)> {
    let list = get(server, &format!("/api/0/buckets/{bucket}/events?limit=-1"));
    let list = list.as_array().expect("a list").iter().rev();
    list.map(simple).collect()
}

fn simple(event: &Value) -> (String, Value, Value) {
    let start = event["timestamp"]
        .as_str()
        .expect("a time")
        .replace("+00:00", "Z");
    (start, event["duration"].clone(), event["data"].clone())
}

fn own_bucket(server: &Server) {
    let bucket = json!({"client": "c", "type": "currentwindow", "hostname": "laptop"});
    assert_eq!(
        server.post("/api/0/buckets/aw-watcher-window_laptop", &bucket).0,
        200
    );
    let event =
        json!([{"timestamp": "2026-03-02T10:00:00Z", "duration": 60, "data": {"app": "a", "title": "mine"}}]);
    assert_eq!(
        server
            .post("/api/0/buckets/aw-watcher-window_laptop/events", &event)
            .0,
        200
    );
}

/// The first line after the one that begins with `$ `, up to the end of the block.
fn shown(command: &str) -> String {
    let after = PAGE
        .split_once(&format!("    $ {command}\n"))
        .expect("the page shows it")
        .1;
    let lines = after.lines().take_while(|line| line.starts_with("    "));
    lines.map(|line| format!("{}\n", &line[4..])).collect()
}

#[test]
fn the_page_shows_what_the_command_prints() {
    let installation = Installation::new();
    let args = ["--days", "7", "--start", "2026-03-02", "--zone", "Europe/Berlin"];
    let (code, out, err) = fake(&installation, &args);
    assert_eq!(code, 0, "{err}");
    let command = format!("timberline fake {}", args.join(" "));
    assert_eq!(out, shown(&command));
    let (code, out, err) = fake(&installation, &["--remove"]);
    assert_eq!((code, out), (0, shown("timberline fake --remove")), "{err}");
    assert_eq!(fake(&installation, &["--remove"]).1, "There were no fake data\n");
}

#[test]
fn a_server_stores_what_an_export_says_and_removes_nothing_else() {
    let installation = Installation::new();
    let args = [
        "--days",
        "5",
        "--seed",
        "9",
        "--profile",
        "student",
        "--start",
        "2026-03-27",
        "--zone",
        "Europe/Berlin",
    ];
    let (code, export, err) = fake(&installation, &[&args[..], &["--output", "-"]].concat());
    assert_eq!(code, 0, "{err}");
    let export: Value = serde_json::from_str(&export).expect("JSON");
    let server = installation.start();
    own_bucket(&server);
    let (code, _, err) = fake_on(&server, &installation, &args);
    assert_eq!(code, 0, "{err}");
    let buckets = get(&server, "/api/0/buckets");
    for (id, exported) in export["buckets"].as_object().expect("buckets") {
        assert_eq!(buckets[id]["data"]["fake"], true, "{id}");
        assert_eq!(buckets[id]["type"], exported["type"]);
        let exported = exported["events"].as_array().expect("events").iter();
        let exported: Vec<_> = exported.map(simple).collect();
        assert_eq!(events(&server, id), exported, "{id}");
    }
    // A second plan would be mixed with the first one.
    let (code, _, err) = fake_on(&server, &installation, &["--days", "1"]);
    assert!(code == 2 && err.contains("remove them first"), "{code} {err}");
    // Buckets in the trash are fake, too.
    let deleted = "/api/0/buckets/aw-watcher-afk_fake-laptop?force=1";
    let mut connection = http::Connection::open(server.port).expect("a connection");
    assert_eq!(
        connection
            .request("DELETE", deleted, None)
            .expect("an answer")
            .status,
        200
    );
    let (code, _, err) = fake_on(&server, &installation, &["--remove"]);
    assert_eq!(code, 0, "{err}");
    let left = get(&server, "/api/0/buckets");
    assert_eq!(
        left.as_object().expect("buckets").keys().collect::<Vec<_>>(),
        ["aw-watcher-window_laptop"]
    );
    assert_eq!(events(&server, "aw-watcher-window_laptop").len(), 1);
    assert_eq!(
        get(&server, "/api/1/trash")["items"]
            .as_array()
            .map_or(0, Vec::len),
        0
    );
    server.stop();
}

#[test]
fn a_bucket_of_the_person_is_never_taken_for_a_fake_one() {
    let installation = Installation::new();
    let server = installation.start();
    let bucket =
        json!({"client": "c", "type": "currentwindow", "hostname": "fake-laptop", "data": {"mine": true}});
    assert_eq!(
        server
            .post("/api/0/buckets/aw-watcher-window_fake-laptop", &bucket)
            .0,
        200
    );
    let (status, answer) = server.post("/api/1/fake", &json!({"days": 1}));
    assert_eq!(status, 409, "{answer}");
    assert_eq!(answer["conflicts"], json!(["aw-watcher-window_fake-laptop"]));
    let (code, _, err) = fake_on(&server, &installation, &["--remove"]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(
        get(&server, "/api/0/buckets")
            .as_object()
            .map_or(0, serde_json::Map::len),
        1
    );
    server.stop();
}

//! Heartbeats in the shapes of `wakatime-cli`: requests with its headers, answers as its parser expects them.

use serde_json::{Value, json};

use crate::harness::clock::SetClock;
use crate::harness::http::{self, Connection};
use crate::harness::page::Page;
use crate::harness::server::{Data, Installation, Server};

const BULK: &str = "/api/wakatime/v1/users/current/heartbeats.bulk";
const AGENT: &str = "wakatime/v1.102.1 (linux-6.1.0-x86_64) go1.22.4 vscode/1.91.0 vscode-wakatime/24.6.0";

const PAGE: Page = Page {
    text: include_str!("../../../../docs/wakatime.md"),
    varying: &["cached_at"],
};
/// Noon of 2024-03-01, UTC.
const NOON: i64 = 1_709_294_400;

/// Sends as the command-line client does.
fn send(server: &Server, target: &str, body: &Value, key: Option<&str>) -> (u16, Value) {
    let body = body.to_string();
    let mut connection = Connection::open(server.port).expect("a connection");
    let mut headers = connection.usual_headers(Some(body.as_bytes()));
    headers.push(("User-Agent".to_owned(), AGENT.to_owned()));
    headers.push(("X-Machine-Name".to_owned(), "laptop".to_owned()));
    headers.push(("Timezone".to_owned(), "Europe/Berlin".to_owned()));
    if let Some(key) = key {
        headers.push(("Authorization".to_owned(), format!("Basic {key}")));
    }
    let answer = connection
        .exchange("POST", target, &headers, body.as_bytes())
        .expect("an answer");
    (answer.status, answer.json().unwrap_or_default())
}

fn heartbeat(time: f64, entity: &str) -> Value {
    json!({
        "branch": "main", "category": "coding", "cursorpos": 12, "dependencies": ["dep1", "dep2"],
        "entity": entity, "is_write": true, "language": "Go", "lineno": 42, "lines": 100,
        "project": "wakatime-cli", "project_root_count": 3, "time": time, "type": "file", "user_agent": AGENT,
    })
}

/// Start, duration and file of each event, the oldest first.
fn events(server: &Server, bucket: &str) -> Vec<(String, f64, String)> {
    let answer = http::get(server.port, &format!("/api/0/buckets/{bucket}/events")).expect("an answer");
    let events = answer.json().expect("JSON");
    let events = events.as_array().expect("a list").iter().rev();
    events
        .map(|event| {
            (
                event["timestamp"].as_str().expect("a time").to_owned(),
                event["duration"].as_f64().expect("a number"),
                event["data"]["file"].as_str().expect("a file").to_owned(),
            )
        })
        .collect()
}

fn recorded(expected: &[(&str, f64, &str)]) -> Vec<(String, f64, String)> {
    let owned = |(time, lasts, file): &(&str, f64, &str)| ((*time).to_owned(), *lasts, (*file).to_owned());
    expected.iter().map(owned).collect()
}

fn offline_heartbeats_arrive_after_newer_ones(data: Data) {
    let installation = Installation::with(data);
    let server = installation.start();
    let now = json!([heartbeat(1_709_287_800.0, "/src/b.go")]);
    let (status, answer) = send(&server, BULK, &now, None);
    assert_eq!(status, 202, "{answer}");
    assert_eq!(answer["responses"][0][1], 201, "{answer}");
    assert_eq!(answer["responses"][0][0]["data"]["entity"], "/src/b.go");

    let earlier = json!([
        heartbeat(1_709_287_200.0, "/src/a.go"),
        {"entity": "", "time": 1, "type": "file"},
        heartbeat(1_709_287_500.25, "/src/a.go"),
        heartbeat(1_709_280_000.0, "/src/long before.go"),
    ]);
    for _ in 0..2 {
        let (status, answer) = send(&server, BULK, &earlier, None);
        assert_eq!(status, 202, "{answer}");
        let statuses: Vec<_> = (0..4).map(|i| answer["responses"][i][1].clone()).collect();
        assert_eq!(statuses, [201, 400, 201, 201], "{answer}");
        let why = answer["responses"][1][0]["error"].as_str();
        assert!(why.is_some_and(|why| why.contains("entity")), "{answer}");
    }
    let expected = recorded(&[
        ("2024-03-01T08:00:00Z", 0.0, "/src/long before.go"),
        ("2024-03-01T10:00:00Z", 300.25, "/src/a.go"),
        ("2024-03-01T10:05:00.250Z", 299.75, "/src/a.go"),
        ("2024-03-01T10:10:00Z", 0.0, "/src/b.go"),
    ]);
    assert_eq!(events(&server, "wakatime-vscode_laptop"), expected);
    let bucket = http::get(server.port, "/api/0/buckets/wakatime-vscode_laptop")
        .expect("an answer")
        .json()
        .expect("JSON");
    assert_eq!(bucket["type"], "app.editor.activity");
    assert_eq!(bucket["hostname"], "laptop");
    server.kill();

    let server = installation.start();
    assert_eq!(
        events(&server, "wakatime-vscode_laptop"),
        expected,
        "after kill -9"
    );
    server.stop();
    installation.verify();
}

#[test]
fn heartbeats_are_stored_in_any_order_and_once() {
    offline_heartbeats_arrive_after_newer_ones(Data::Plain);
}

#[test]
fn heartbeats_are_stored_in_an_encrypted_store() {
    offline_heartbeats_arrive_after_newer_ones(Data::Encrypted);
}

#[test]
fn a_server_with_credentials_takes_them_as_wakatime_sends_them() {
    let mut installation = Installation::new();
    installation.configure("[auth]\napi_key = \"0d7e3b5a-7d0e-4c4e-9d33-8a6a4f0b1c2d\"\n");
    let server = installation.start();
    let one = heartbeat(1_709_287_800.0, "/src/b.go");
    // base64 of the key; of "wrong"
    let right = "MGQ3ZTNiNWEtN2QwZS00YzRlLTlkMzMtOGE2YTRmMGIxYzJk";
    let target = "/api/wakatime/v1/users/current/heartbeats";
    for (key, expected) in [(None, 401), (Some("d3Jvbmc="), 401), (Some(right), 201)] {
        let (status, answer) = send(&server, target, &one, key);
        assert_eq!(status, expected, "{answer}");
    }
    server.stop();
}

#[test]
fn what_is_no_list_of_heartbeats_is_refused() {
    let installation = Installation::new();
    let server = installation.start();
    for body in [json!({}), json!("x"), json!(null)] {
        let (status, answer) = send(&server, BULK, &body, None);
        assert_eq!(status, 422, "{answer}");
    }
    let (status, answer) = send(&server, BULK, &json!([]), None);
    assert_eq!((status, answer), (202, json!({"responses": []})));
    server.stop();
}

/// Today, as a plugin in this time zone sees it.
fn today(server: &Server, zone: &str) -> Value {
    let mut connection = Connection::open(server.port).expect("a connection");
    let mut headers = connection.usual_headers(None);
    headers.push(("TimeZone".to_owned(), zone.to_owned()));
    let target = "/api/wakatime/v1/users/current/statusbar/today";
    let answer = connection
        .exchange("GET", target, &headers, b"")
        .expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json().expect("JSON")["data"].take()
}

/// What each list of an answer has, in seconds.
fn sums(today: &Value) -> Value {
    let mut sums = serde_json::Map::new();
    for (name, list) in today.as_object().expect("an object") {
        let parts = list.as_array().into_iter().flatten();
        let parts: serde_json::Map<_, _> = parts
            .map(|part| {
                let name = part["name"].as_str().expect("a name");
                (name.to_owned(), part["total_seconds"].clone())
            })
            .collect();
        if list.is_array() {
            sums.insert(name.clone(), parts.into());
        }
    }
    Value::from(sums)
}

fn start_at_noon(installation: &Installation) -> Server {
    let clock = SetClock::new(installation.root());
    clock.set(NOON);
    let mut command = installation.command();
    clock.apply(&mut command);
    installation.start_as(command)
}

#[test]
fn every_example_is_answered_as_shown() {
    let installation = Installation::new();
    let server = start_at_noon(&installation);
    PAGE.check_on(&server, 1);
    server.stop();
    installation.verify();
}

#[test]
fn today_counts_each_instant_once_over_all_editors() {
    let installation = Installation::new();
    let server = start_at_noon(&installation);
    let empty = today(&server, "UTC");
    assert_eq!(empty["grand_total"]["text"], "0 secs");
    assert_eq!(empty["languages"], json!([]));
    // 11 hours before noon, which is yesterday, and ten minutes around four in the morning, when the day begins.
    let times = [
        NOON - 39_600,
        NOON - 39_540,
        NOON - 29_100,
        NOON - 28_500,
        NOON - 3_600,
        NOON - 3_000,
    ];
    let beats: Vec<Value> = times
        .iter()
        .map(|time| heartbeat(*time as f64, "/a.go"))
        .collect();
    assert_eq!(send(&server, BULK, &json!(beats), None).0, 202);
    // ActivityWatch's own watcher of another editor, for five minutes within the last ten, and data with other fields.
    let bucket = json!({"client": "aw-watcher-vim", "type": "app.editor.activity", "hostname": "desk"});
    let target = "/api/0/buckets/aw-watcher-vim_desk";
    assert_eq!(server.post(target, &bucket).0, 200);
    let event =
        json!([{"timestamp": "2024-03-01T11:02:00Z", "duration": 300, "data": {"project": 7, "file": "x"}}]);
    assert_eq!(server.post(&format!("{target}/events"), &event).0, 200);
    let answer = today(&server, "UTC");
    assert_eq!(answer["grand_total"]["total_seconds"], 900.0, "{answer}");
    let expected = json!({
        "categories": {"Coding": 900.0},
        "projects": {"wakatime-cli": 600.0, "unknown": 300.0},
        "languages": {"Go": 600.0, "unknown": 300.0},
        "editors": {"vscode": 600.0, "vim": 300.0},
        "machines": {"laptop": 600.0, "desk": 300.0},
    });
    assert_eq!(sums(&answer), expected);
    assert_eq!(answer["range"]["start"], "2024-03-01T04:00:00Z");
    // In another zone the day began earlier; what is no zone is passed over.
    assert_eq!(
        today(&server, "Asia/Kathmandu")["range"]["start"],
        "2024-02-29T22:15:00Z"
    );
    assert_eq!(
        today(&server, "Asia/Kathmandu")["grand_total"]["total_seconds"],
        1_260.0
    );
    assert_eq!(today(&server, "Local"), answer);
    server.stop();
    installation.verify();
}

//! Heartbeats in the shapes of `wakatime-cli`: requests with its headers, answers as its parser expects them.

use serde_json::{Value, json};

use crate::harness::http::{self, Connection};
use crate::harness::server::{Data, Installation, Server};

const BULK: &str = "/api/wakatime/v1/users/current/heartbeats.bulk";
const AGENT: &str = "wakatime/v1.102.1 (linux-6.1.0-x86_64) go1.22.4 vscode/1.91.0 vscode-wakatime/24.6.0";

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

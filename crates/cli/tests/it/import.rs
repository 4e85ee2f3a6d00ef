//! Imports: what is in a file comes in whole, once, and nothing of a broken one.

use crate::harness::http::{self, Answer, Connection};
use crate::harness::server::{Installation, Server};
use serde_json::{Value, json};

fn import(server: &Server, file: &[u8]) -> Answer {
    http::post(server.port, "/api/0/import", file).expect("an answer")
}

fn get(server: &Server, target: &str) -> Value {
    let answer = http::get(server.port, target).expect("an answer");
    assert_eq!(answer.status, 200, "{target}: {}", answer.text());
    answer.json().expect("JSON")
}

/// An export of `count` events whose titles are longer than they need be by `padding`.
fn export(count: usize, padding: usize) -> Vec<u8> {
    let padding = "x".repeat(padding);
    let events: Vec<Value> = (0..count)
        .map(|n| {
            json!({
                "id": n + 1,
                "timestamp": crate::harness::rfc3339::format(n as i128 * crate::harness::rfc3339::SECOND),
                "duration": 1.0,
                "data": {"app": format!("app {}", n % 10), "title": format!("title \"{n}\" \u{e5} {padding}")},
            })
        })
        .collect();
    let bucket = json!({"id": "b", "type": "t", "client": "c", "hostname": "h", "events": events});
    serde_json::to_vec(&json!({"buckets": {"b": bucket}})).expect("JSON")
}

/// More buckets than are listed in one piece.
#[test]
fn a_long_list_of_buckets_is_streamed_whole() {
    let installation = Installation::new();
    let server = installation.start();
    assert_eq!(get(&server, "/api/0/buckets"), json!({}));
    let bucket = |id: &str| json!({"id": id, "type": "t", "client": "c", "hostname": "h", "events": []});
    let ids: Vec<String> = (0..1_200).map(|n| format!("bucket {n:04}")).collect();
    let buckets: serde_json::Map<String, Value> = ids.iter().map(|id| (id.clone(), bucket(id))).collect();
    let file = serde_json::to_vec(&json!({ "buckets": buckets })).expect("JSON");
    assert_eq!(import(&server, &file).status, 200);

    let answer = http::get(server.port, "/api/0/buckets").expect("the list");
    assert_eq!(answer.header("content-length"), None);
    assert_eq!(answer.header("content-type").as_deref(), Some("application/json"));
    let listed = answer.json().expect("JSON");
    let listed = listed.as_object().expect("an object");
    assert!(listed.keys().eq(&ids));
    assert_eq!(listed["bucket 0777"]["id"], "bucket 0777");
    assert_eq!(listed["bucket 0777"]["events"], Value::Null);
    server.stop();
}

#[test]
fn a_file_larger_than_the_spools_memory_comes_in_once_and_goes_out_the_same() {
    const EVENTS: usize = 15_000;
    let installation = Installation::new();
    let server = installation.start();
    let file = export(EVENTS, 700);
    assert!(file.len() > 10 << 20, "{}", file.len());

    let first = import(&server, &file).json().expect("JSON");
    assert_eq!(first["events_added"], EVENTS, "{first}");
    let second = import(&server, &file).json().expect("JSON");
    assert_eq!(second["events_added"], 0, "{second}");
    assert_eq!(second["events_known"], EVENTS, "{second}");
    assert_eq!(get(&server, "/api/0/buckets/b/events/count"), EVENTS);

    let out = http::get(server.port, "/api/0/export").expect("the export");
    let listed = get(&server, "/api/0/buckets/b/events");
    assert_eq!(out.json().expect("JSON")["buckets"]["b"]["events"], listed);
    let other = Installation::new();
    let copy = other.start();
    assert_eq!(import(&copy, &out.body).status, 200);
    let timeless = |server: &Server| {
        let mut events = get(server, "/api/0/buckets/b/events");
        for event in events.as_array_mut().into_iter().flatten() {
            event["id"].take();
        }
        events
    };
    assert_eq!(timeless(&copy), timeless(&server));
    copy.stop();
    server.stop();
    let left: Vec<_> = std::fs::read_dir(&installation.data)
        .expect("the data directory")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert!(
        !left.iter().any(|name| name.to_string_lossy().contains("tmp")),
        "{left:?}"
    );
}

#[test]
fn nothing_of_a_broken_file_comes_in() {
    let installation = Installation::new();
    let server = installation.start();
    let whole = export(3_000, 0);
    let mut garbled = whole.clone();
    let at = garbled.len() - 100;
    garbled[at] = b'\n';
    for (file, status) in [
        (&whole[..whole.len() - 1], 400),
        (&whole[..whole.len() / 2], 400),
        (&garbled, 400),
        (b"[]", 422),
        (b"", 400),
    ] {
        let answer = import(&server, file);
        assert_eq!(answer.status, status, "{}", answer.text());
    }
    assert_eq!(get(&server, "/api/0/buckets"), json!({}));
    server.stop();
}

#[test]
fn a_file_that_breaks_off_with_its_connection_leaves_nothing() {
    let installation = Installation::new();
    let server = installation.start();
    let file = export(1_000, 0);
    let mut connection = Connection::open(server.port).expect("a connection");
    let headers = connection.usual_headers(Some(&file));
    connection
        .send("POST", "/api/0/import", &headers, &file[..file.len() - 10])
        .expect("most of it to be sent");
    drop(connection);
    // Imports are carried out one after the other, so the broken one is over when this one is.
    assert_eq!(import(&server, br#"{"buckets":{}}"#).status, 200);
    assert_eq!(get(&server, "/api/0/buckets"), json!({}));
    server.stop();
}

#[test]
fn events_that_cannot_be_read_are_left_out_wherever_they_are() {
    let installation = Installation::new();
    let server = installation.start();
    let mut file = serde_json::from_slice::<Value>(&export(5_000, 0)).expect("JSON");
    let events = file["buckets"]["b"]["events"].as_array_mut().expect("a list");
    events[10] = json!("no event");
    events[2_500] = json!({"timestamp": "yesterday", "data": {}});
    events[4_999] = json!(null);
    // An id that cannot be used is no reason: new ids are given.
    events[4_000]["id"] = json!("four thousand");
    let outcome = import(&server, &serde_json::to_vec(&file).expect("JSON"));
    let outcome = outcome.json().expect("JSON");
    assert_eq!(outcome["events_unreadable"], 3, "{outcome}");
    assert_eq!(get(&server, "/api/0/buckets/b/events/count"), 4_997);
    server.stop();
}

#[test]
fn events_may_come_before_the_fields_of_their_bucket() {
    let installation = Installation::new();
    let server = installation.start();
    let file = br#"{"x": [1], "buckets": {"k": {"events":
        [{"data": {"a": 1}, "duration": 2, "timestamp": "2024-03-01T10:00:00Z"}],
        "hostname": "h", "client": "c", "type": "t", "id": "b"}}}"#;
    assert_eq!(import(&server, file).status, 200);
    assert_eq!(get(&server, "/api/0/buckets/b/events/count"), 1);
    assert_eq!(
        http::get(server.port, "/api/0/buckets/k")
            .expect("an answer")
            .status,
        404
    );
    server.stop();
}

/// What odd programs write: everything that can be taken is, and what was changed or left out is named.
#[test]
fn an_odd_file_is_taken_as_far_as_it_can_be_and_says_what_it_was() {
    let installation = Installation::new();
    let server = installation.start();
    let file = concat!(
        "\u{feff}",
        r#"{"buckets":{"odd":{"type":"t","client":null,"hostname":null,"created":"2023-09-01T08:00:00","data":null,"events":["#,
        r#"{"timestamp":"2024-04-27T10:00:00","duration":1,"data":{"title":"secret"}},"#,
        r#"{"timestamp":"2024-04-27T10:00:10Z","duration":NaN,"data":{"x":Infinity,"title":"half \ud835"}},"#,
        r#"{"timestamp":"yesterday","duration":1,"data":{"title":"secret"}},"#,
        r#"{"timestamp":"2024-04-27T10:00:20Z","duration":1,"data":{"title":"whole"}}]},"#,
        r#""none":7,"":{"type":"t","client":"c","hostname":"h"}}}"#
    );
    let answer = import(&server, file.as_bytes());
    let said = answer.json().unwrap_or_default();
    assert_eq!(answer.status, 200, "{said}");
    for (name, count) in [
        ("buckets_created", 1),
        ("buckets_changed", 1),
        ("buckets_left_out", 2),
        ("events_added", 3),
        ("events_changed", 2),
        ("events_unreadable", 1),
        ("notes_omitted", 0),
    ] {
        assert_eq!(said[name], count, "{name}: {said}");
    }
    let notes: Vec<_> = said["notes"].as_array().expect("a list").iter().collect();
    let named = |bucket: &str, place: &str| {
        notes
            .iter()
            .any(|note| note["bucket"] == bucket && note["place"] == place)
    };
    for (bucket, place) in [
        ("odd", "client"),
        ("odd", "hostname"),
        ("odd", "event 0"),
        ("odd", "event 1"),
        ("odd", "event 2"),
        ("none", ""),
        ("", ""),
    ] {
        assert!(named(bucket, place), "{bucket} {place}: {said}");
    }
    assert!(!server.log_tail().contains("secret"), "{}", server.log_tail());
    assert!(server.log_tail().contains("event 2"), "{}", server.log_tail());

    let bucket = get(&server, "/api/0/buckets/odd");
    assert_eq!(bucket["hostname"], "unknown");
    assert_eq!(bucket["created"], "2023-09-01T08:00:00Z");
    let events = get(&server, "/api/0/buckets/odd/events");
    assert_eq!(events[2]["timestamp"], "2024-04-27T10:00:00Z");
    assert_eq!(events[1]["duration"], 0.0);
    assert_eq!(events[1]["data"], json!({"x": null, "title": "half \u{fffd}"}));
    // Again: what was changed is known.
    let again = import(&server, file.as_bytes()).json().unwrap_or_default();
    assert_eq!(
        (&again["events_added"], &again["events_known"]),
        (&json!(0), &json!(3)),
        "{again}"
    );
    server.stop();
}

#[test]
fn an_odd_event_far_behind_in_a_large_file_is_found_under_its_number() {
    let installation = Installation::new();
    let server = installation.start();
    let mut file = String::from_utf8(export(5_000, 0)).expect("UTF-8");
    file = file.replace(r#""title":"title \"4321\" å ""#, r#""title":"title \udc00""#);
    let answer = import(&server, file.as_bytes());
    let said = answer.json().unwrap_or_default();
    assert_eq!(
        (answer.status, &said["events_added"]),
        (200, &json!(5_000)),
        "{said}"
    );
    assert_eq!(said["notes"][0]["place"], "event 4321", "{said}");
    assert_eq!(
        (&said["events_changed"], &said["events_unreadable"]),
        (&json!(1), &json!(0))
    );
    server.stop();
}

#[test]
fn a_file_of_which_nothing_can_be_taken_is_refused_with_the_reasons() {
    let installation = Installation::new();
    let server = installation.start();
    for file in [
        r#"{"b":{"id":"b","type":"t","client":"c","hostname":"h","events":[]}}"#,
        r#"{"buckets":{"b":{"id":"b","client":"c","hostname":"h","events":[]}}}"#,
        r#"{"buckets":{"b":7}}"#,
        "7",
    ] {
        let answer = import(&server, file.as_bytes());
        assert_eq!(answer.status, 422, "{file}: {}", answer.text());
    }
    assert_eq!(import(&server, br#"{"buckets":{}}"#).status, 200);
    // A map without "buckets", a list, a single bucket: all have events to take.
    let bucket = r#"{"id":"ID","type":"t","client":"c","hostname":"h","events":[{"timestamp":"2024-04-27T10:00:00Z","duration":1,"data":{}}]}"#;
    for (id, file) in [
        ("m", format!(r#"{{"m":{}}}"#, bucket.replace("ID", "m"))),
        ("l", format!("[{}]", bucket.replace("ID", "l"))),
        ("s", bucket.replace("ID", "s")),
        ("n", format!(r#"{{"buckets":[{}]}}"#, bucket.replace("ID", "n"))),
    ] {
        let answer = import(&server, file.as_bytes());
        assert_eq!(answer.status, 200, "{file}: {}", answer.text());
        assert_eq!(
            get(&server, &format!("/api/0/buckets/{id}/events/count")),
            json!(1)
        );
    }
    server.stop();
}

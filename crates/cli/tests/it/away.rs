//! `timberline away`.

use std::process::Stdio;

use serde_json::json;

use crate::harness::http;
use crate::harness::server::Installation;

#[test]
fn an_answer_covers_the_last_absence_and_the_sleep_in_it() {
    let installation = Installation::new();
    let server = installation.start();
    let get = |path: &str| {
        http::get(server.port, path)
            .expect("an answer")
            .json()
            .expect("JSON")
    };
    let hostname = get("/api/0/info")["hostname"]
        .as_str()
        .expect("a name")
        .to_owned();
    let afk = format!("/api/0/buckets/aw-watcher-afk_{hostname}");
    let bucket = json!({"client": "test", "type": "afkstatus", "hostname": hostname});
    assert_eq!(server.post(&afk, &bucket).0, 200);
    let event = |time: &str, minutes: u32, status: &str| json!({"timestamp": format!("2026-03-01T{time}:00Z"), "duration": 60 * minutes, "data": {"status": status}});
    let events = json!([
        event("11:00", 60, "not-afk"),
        event("12:00", 10, "afk"),
        // It slept.
        event("12:40", 5, "afk"),
        event("12:45", 20, "not-afk"),
    ]);
    assert_eq!(server.post(&format!("{afk}/events"), &events).0, 200);

    let port = server.port.to_string();
    let away = |more: &[&str]| {
        let mut command = installation.program();
        command.args(["away", "--testing", "--port", &port, " lunch with \"Ada\" "]);
        command.args(more).stdin(Stdio::null());
        installation.run(command)
    };
    // It was long ago, and nobody can be asked.
    let (status, _, errors) = away(&[]);
    assert!(!status.success() && errors.contains("add --yes"), "{errors}");
    let buckets = get("/api/0/buckets/");
    assert_eq!(buckets.as_object().expect("buckets").len(), 1);

    let (status, text, errors) = away(&["--yes"]);
    assert!(status.success(), "{errors}");
    assert!(text.ends_with(": lunch with \"Ada\"\n"), "{text}");
    let answers = get(&format!("/api/0/buckets/aw-watcher-ask-away_{hostname}/events"));
    let answer = &answers.as_array().expect("events")[0];
    assert_eq!(answer["data"], json!({"message": "lunch with \"Ada\""}));
    assert_eq!(answer["duration"], json!(45.0 * 60.0));
    assert!(
        answer["timestamp"].to_string().contains("2026-03-01T12:00:00"),
        "{answer}"
    );
    let bucket = get(&format!("/api/0/buckets/aw-watcher-ask-away_{hostname}"));
    assert_eq!(
        (&bucket["type"], &bucket["client"]),
        (&json!("afktask"), &json!("aw-watcher-ask-away"))
    );
    server.stop();
}

//! Edits of events and their undo where several things come together: on a log of which only the outcome is left, around a
//! kill, and in a data directory that was restored from a backup; with plain and with encrypted data.

use serde_json::{Value, json};

use crate::harness::http::{self, Connection};
use crate::harness::poll;
use crate::harness::server::{Data, Installation, Server};

const EVENTS: &str = "/api/1/buckets/b/events";

fn ask(server: &Server, method: &str, target: &str, body: &Value) -> Value {
    let mut connection = Connection::open(server.port).expect("a connection");
    let answer = connection
        .request(method, target, Some(body.to_string().as_bytes()))
        .expect("an answer");
    assert_eq!(answer.status, 200, "{method} {target} {body}: {}", answer.text());
    answer.json().expect("JSON")
}

fn get(server: &Server, target: &str) -> Value {
    let answer = http::get(server.port, target).expect("an answer");
    assert_eq!(answer.status, 200, "{target}: {}", answer.text());
    answer.json().expect("JSON")
}

/// All events, the newest first.
fn events(server: &Server) -> Vec<Value> {
    let events = get(server, "/api/0/buckets/b/events?limit=-1");
    events.as_array().expect("a list").clone()
}

fn records(edited: &Value) -> (u64, u64) {
    let number = |name: &str| edited[name].as_u64().expect("a record");
    (number("from"), number("to"))
}

/// A preview, and then what it shows.
fn carry_out(server: &Server, target: &str, request: &Value) -> (u64, u64) {
    let preview = ask(server, "POST", target, request);
    records(&ask(
        server,
        "POST",
        target,
        &json!({ "token": preview["token"] }),
    ))
}

fn undo(server: &Server, (from, to): (u64, u64)) {
    let undone = ask(server, "POST", "/api/1/undo", &json!({ "from": from, "to": to }));
    assert_eq!(undone["conflicts"], json!([]), "{undone}");
}

/// A bucket of 40 events of a minute, in a log that is squashed.
fn fill(installation: &mut Installation) {
    installation.configure(
        "history = \"1 second\"\nerase_after = \"1 second\"\nmaintain_every = \"1 second\"\n[log]\nsegment_bytes = 1048576\n",
    );
    let server = installation.start();
    let bucket = json!({ "client": "c", "type": "t", "hostname": "h" });
    assert_eq!(server.post("/api/0/buckets/b", &bucket).0, 200);
    let events: Vec<Value> = (0..40)
        .map(|minute| {
            let data = json!({ "app": if minute % 2 == 0 { "vim" } else { "web" }, "n": minute });
            json!({ "timestamp": format!("2024-03-01T10:{minute:02}:00Z"), "duration": 60, "data": data })
        })
        .collect();
    assert_eq!(server.post("/api/0/buckets/b/events", &json!(events)).0, 200);
    let large = "x".repeat(200_000);
    for _ in 0..30 {
        server.post("/api/0/settings/large", &json!(large));
    }
    // A checkpoint is what squashing waits for.
    server.stop();
    let server = installation.start();
    server.post("/api/0/settings/large", &json!(""));
    poll("the log to be squashed", || {
        let from = get(&server, "/api/1/log")["history_from"].as_u64();
        from.filter(|from| *from > 3)
    });
    server.stop();
    installation.configure("");
}

fn every_edit_is_taken_back(data: Data) {
    let mut installation = Installation::with(data);
    fill(&mut installation);
    let server = installation.start();
    let mut states = vec![events(&server)];
    let mut done = Vec::new();
    let patch = json!({ "duration": 30, "data": { "n": null, "note": "x" } });
    done.push(records(&ask(&server, "PATCH", &format!("{EVENTS}/1"), &patch)));
    states.push(events(&server));
    let cut = json!({ "at": ["2024-03-01T10:01:20Z", "2024-03-01T10:01:40Z"] });
    done.push(records(&ask(&server, "POST", &format!("{EVENTS}/2/split"), &cut)));
    states.push(events(&server));
    server.kill();

    let server = installation.start();
    assert_eq!(Some(&events(&server)), states.last(), "after kill -9");
    let merge = json!({ "events": [3, 4, 5] });
    done.push(records(&ask(&server, "POST", &format!("{EVENTS}/merge"), &merge)));
    states.push(events(&server));
    let edit = json!({ "bucket": "b", "field": "app", "value": "vim", "change": { "data": { "app": "Vim" }, "shift": 5 } });
    done.push(carry_out(&server, "/api/1/events/edit", &edit));
    states.push(events(&server));
    done.push(carry_out(
        &server,
        "/api/1/events/delete",
        &json!({ "text": "WEB" }),
    ));
    states.push(events(&server));
    let counts: Vec<usize> = states.iter().map(Vec::len).collect();
    assert_eq!(counts, [40, 40, 42, 40, 40, 19]);

    let copy = installation.root().join("backup");
    let mut backup = installation.program();
    backup
        .arg("backup")
        .arg(&copy)
        .arg("--dbpath")
        .arg(&installation.data);
    let (status, out, err) = installation.run(backup);
    assert!(status.success(), "{out}{err}");
    server.stop();
    let restored = Installation::with(data);
    let mut restore = restored.program();
    restore
        .arg("restore")
        .arg(&copy)
        .arg("--dbpath")
        .arg(&restored.data);
    let (status, out, err) = restored.run(restore);
    assert!(status.success(), "{out}{err}");

    for installation in [restored, installation] {
        let mut server = installation.start();
        for (number, edit) in done.iter().enumerate().rev() {
            assert_eq!(events(&server), states[number + 1], "before undo {number}");
            undo(&server, *edit);
            if number == 2 {
                server.kill();
                server = installation.start();
            }
            assert_eq!(events(&server), states[number], "after undo {number}");
        }
        server.stop();
        installation.verify();
    }
}

#[test]
fn every_edit_is_taken_back_from_a_squashed_log_over_a_kill_and_from_a_backup() {
    every_edit_is_taken_back(Data::Plain);
}

#[test]
fn every_edit_is_taken_back_from_an_encrypted_log() {
    every_edit_is_taken_back(Data::Encrypted);
}

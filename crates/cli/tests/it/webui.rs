//! The two web UIs: which one is at `/`, the switch, and how the own one is sent.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::harness::http::{self, Answer, Connection};
use crate::harness::server::{Installation, Server};

fn get(server: &Server, target: &str, headers: &[(&str, &str)]) -> Answer {
    let mut connection = Connection::open(server.port).expect("a connection");
    let mut all = connection.usual_headers(None);
    all.extend(
        headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    connection.exchange("GET", target, &all, &[]).expect("an answer")
}

fn state(server: &Server) -> Value {
    let answer = http::get(server.port, "/api/1/webui").expect("an answer");
    answer.json().expect("JSON")
}

fn standard(installation: &Installation) -> PathBuf {
    let dist = installation.root().join("dist");
    fs::create_dir_all(dist.join("js")).expect("a directory");
    fs::write(dist.join("index.html"), "<h1>Standard</h1>").expect("a file");
    fs::write(dist.join("js/app.js"), "1").expect("a file");
    dist
}

fn start(installation: &Installation, args: &[&str]) -> Server {
    let mut command = installation.command();
    command.arg("--webpath").arg(standard(installation)).args(args);
    installation.start_as(command)
}

fn is_standard(server: &Server, path: &str) -> bool {
    get(server, path, &[]).text() == "<h1>Standard</h1>"
}

#[test]
fn one_can_switch_there_and_back() {
    let installation = Installation::new();
    let server = start(&installation, &[]);
    let at_first = state(&server);
    assert_eq!(
        (&at_first["serves"], &at_first["standard"], &at_first["fixed"]),
        (&json!("standard"), &json!(true), &json!(false))
    );
    assert!(is_standard(&server, "/"));
    // Nothing is added to the standard web UI, and the other one is there all the time.
    assert!(
        get(&server, "/", &[])
            .header("content-security-policy")
            .is_none_or(|policy| !policy.contains("default-src"))
    );
    assert!(!is_standard(&server, "/timberline/"));
    assert_eq!(
        get(&server, "/timberline", &[]).header("location").as_deref(),
        Some("/timberline/")
    );
    let (status, switched) = server.post("/api/1/webui", &json!({"serve": "timberline"}));
    assert_eq!((status, &switched["serves"]), (200, &json!("timberline")));
    assert!(!is_standard(&server, "/"));
    assert_eq!(get(&server, "/js/app.js", &[]).status, 404);
    server.stop();
    // Also after a restart.
    let server = start(&installation, &[]);
    assert_eq!(state(&server)["serves"], "timberline");
    assert_eq!(server.post("/api/1/webui", &json!({"serve": "standard"})).0, 200);
    assert!(is_standard(&server, "/"));
    assert_eq!(get(&server, "/js/app.js", &[]).text(), "1");
    server.stop();
}

#[test]
fn what_the_command_line_says_cannot_be_switched() {
    let installation = Installation::new();
    let server = start(&installation, &["--webui", "timberline"]);
    assert_eq!(state(&server)["fixed"], true);
    assert!(!is_standard(&server, "/"));
    let (status, answer) = server.post("/api/1/webui", &json!({"serve": "standard"}));
    assert_eq!(status, 409, "{answer}");
    assert_eq!(state(&server)["serves"], "timberline");
    server.stop();
}

#[test]
fn without_the_standard_one_there_is_nothing_to_switch_to() {
    let installation = Installation::new();
    let server = installation.start();
    let (status, answer) = server.post("/api/1/webui", &json!({"serve": "standard"}));
    assert!(
        status == 422
            && answer["message"]
                .as_str()
                .is_some_and(|text| text.contains("--webpath")),
        "{status} {answer}"
    );
    // A setting that was stored when there was one does not matter.
    assert_eq!(server.post("/api/0/settings/_webui", &json!("standard")).0, 201);
    assert_eq!(state(&server)["serves"], "timberline");
    assert_eq!(get(&server, "/", &[]).status, 200);
    server.stop();
}

#[test]
fn the_page_shows_the_state() {
    let page = include_str!("../../../../docs/webui.md");
    let block = page
        .split("```json\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("a block");
    let mut shown: Value = serde_json::from_str(block).expect("JSON");
    let installation = Installation::new();
    let server = installation.start();
    let found = state(&server);
    shown["timberline"] = found["timberline"].clone();
    assert_eq!(shown, found);
    server.stop();
}

/// `make test` builds the web UI first; a plain `cargo test` has none.
#[test]
fn the_own_one_is_sent_compressed_and_under_a_strict_policy() {
    let installation = Installation::new();
    let server = installation.start();
    let page = get(&server, "/", &[("accept-encoding", "gzip")]);
    assert_eq!(page.status, 200);
    assert_eq!(page.header("x-content-type-options").as_deref(), Some("nosniff"));
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(
        policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
        "{policy}"
    );
    assert_eq!(get(&server, "/none.js", &[]).status, 404);
    if state(&server)["timberline"] == false {
        assert!(get(&server, "/", &[]).text().contains("make run"));
        server.stop();
        return;
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    let text = get(&server, "/", &[]).text();
    let script = text
        .split("src=\"./")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("a script");
    let plain = get(&server, &format!("/{script}"), &[]);
    assert_eq!(plain.header("content-encoding"), None);
    for (accepted, used) in [("gzip", "gzip"), ("gzip, br", "br"), ("br;q=0.1, gzip", "gzip")] {
        let answer = get(
            &server,
            &format!("/timberline/{script}"),
            &[("accept-encoding", accepted)],
        );
        assert_eq!(answer.header("content-encoding").as_deref(), Some(used));
        assert!(answer.body.len() < plain.body.len());
        assert!(
            answer
                .header("cache-control")
                .is_some_and(|caching| caching.contains("immutable"))
        );
        let etag = answer.header("etag").expect("a tag");
        assert_eq!(
            get(&server, &format!("/{script}"), &[("if-none-match", &etag)]).status,
            304
        );
    }
    server.stop();
}

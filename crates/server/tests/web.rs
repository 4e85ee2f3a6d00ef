//! What browsers need: files, compression, errors they can read, and a guard that keeps strangers out.

#![allow(
    clippy::expect_used,
    reason = "what a test needs and does not get is its failure"
)]

mod harness;

use std::fs;
use std::os::unix::fs::symlink;

use harness::http::{Answer, Connection};
use harness::server::{Installation, Server};

fn ask(server: &Server, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut connection = Connection::open(server.port).expect("a connection");
    let mut all = connection.usual_headers((!body.is_empty()).then_some(body));
    for (name, value) in headers {
        all.retain(|(key, _)| key != name);
        all.push(((*name).to_owned(), (*value).to_owned()));
    }
    connection
        .exchange(method, target, &all, body)
        .expect("an answer")
}

fn get(server: &Server, target: &str, headers: &[(&str, &str)]) -> Answer {
    ask(server, "GET", target, headers, &[])
}

/// A server with a web UI at `/` and a page at `/pages/watcher/`.
fn with_web_ui() -> (Installation, Server) {
    let installation = Installation::new();
    let dist = installation.root().join("dist");
    fs::create_dir_all(dist.join("assets")).expect("a directory");
    fs::write(dist.join("index.html"), "<h1>UI</h1>").expect("a file");
    fs::write(dist.join("assets/app.js"), "let x = 1;\n".repeat(30_000)).expect("a file");
    fs::write(installation.root().join("secret"), "secret").expect("a file");
    symlink(installation.root().join("secret"), dist.join("leak")).expect("a link");
    let mut command = installation.command();
    command.arg("--webpath").arg(&dist);
    command
        .arg("--custom-static")
        .arg(format!("watcher={}", dist.display()));
    let server = installation.start_as(command);
    (installation, server)
}

#[test]
fn a_web_ui_is_served_with_types_ranges_and_caching() {
    let (_installation, server) = with_web_ui();
    let index = get(&server, "/", &[]);
    assert_eq!((index.status, index.text().as_str()), (200, "<h1>UI</h1>"));
    assert_eq!(
        index.header("content-type").as_deref(),
        Some("text/html; charset=utf-8")
    );

    let script = get(&server, "/assets/app.js", &[]);
    assert_eq!(script.body.len(), 330_000);
    assert_eq!(
        script.header("content-type").as_deref(),
        Some("text/javascript; charset=utf-8")
    );
    let etag = script.header("etag").expect("an ETag");
    assert_eq!(
        get(&server, "/assets/app.js", &[("if-none-match", &etag)]).status,
        304
    );
    let part = get(&server, "/assets/app.js", &[("range", "bytes=4-8")]);
    assert_eq!((part.status, part.text().as_str()), (206, "x = 1"));
    let head = ask(&server, "HEAD", "/assets/app.js", &[], &[]);
    assert_eq!(head.header("content-length").as_deref(), Some("330000"));
    server.stop();
}

#[test]
fn there_is_no_way_out_of_the_directory() {
    let (_installation, server) = with_web_ui();
    for target in [
        "/leak",
        "/../secret",
        "/..%2fsecret",
        "/%2e%2e/secret",
        "/assets/../../secret",
        "/pages/watcher/../../../secret",
        "/pages/watcher/leak",
        "//etc/passwd",
    ] {
        let answer = get(&server, target, &[]);
        assert_eq!(answer.status, 404, "{target}: {}", answer.text());
    }
    server.stop();
}

#[test]
fn custom_pages_are_served_below_their_name() {
    let (_installation, server) = with_web_ui();
    let page = get(&server, "/pages/watcher", &[]);
    assert_eq!(page.status, 308);
    assert_eq!(page.header("location").as_deref(), Some("/pages/watcher/"));
    assert_eq!(get(&server, "/pages/watcher/", &[]).text(), "<h1>UI</h1>");
    assert_eq!(get(&server, "/pages/other/", &[]).status, 404);
    server.stop();
}

#[test]
fn without_a_web_ui_there_is_a_page_about_the_store() {
    let installation = Installation::new();
    let server = installation.start();
    let bucket = br#"{"client":"c","type":"<script>","hostname":"h"}"#;
    ask(&server, "POST", "/api/0/buckets/%3Cb%3E", &[], bucket);
    let page = get(&server, "/", &[]);
    assert_eq!(page.status, 200);
    assert_eq!(
        page.header("content-type").as_deref(),
        Some("text/html; charset=utf-8")
    );
    let text = page.text();
    assert!(
        text.contains("&lt;b&gt;") && text.contains("&lt;script&gt;"),
        "{text}"
    );
    assert!(!text.contains("<script>"), "{text}");
    assert_eq!(get(&server, "/index.php", &[]).status, 404);
    server.stop();
}

#[test]
fn large_answers_are_compressed_and_heartbeats_are_not() {
    let (_installation, server) = with_web_ui();
    for (accepted, used) in [("gzip", "gzip"), ("br", "br")] {
        let answer = get(&server, "/assets/app.js", &[("accept-encoding", accepted)]);
        assert_eq!(answer.header("content-encoding").as_deref(), Some(used));
        assert!(answer.body.len() < 10_000, "{}", answer.body.len());
    }
    let bucket = br#"{"client":"c","type":"t","hostname":"h"}"#;
    ask(&server, "POST", "/api/0/buckets/b", &[], bucket);
    let data = format!(r#"{{"title":"{}"}}"#, "x".repeat(5_000));
    let beat = format!(r#"{{"timestamp":"2024-03-01T10:00:00Z","data":{data}}}"#);
    let target = "/api/0/buckets/b/heartbeat?pulsetime=1";
    let accept = [("accept-encoding", "gzip, br")];
    let answer = ask(&server, "POST", target, &accept, beat.as_bytes());
    assert_eq!((answer.status, answer.header("content-encoding")), (200, None));
    let list = get(&server, "/api/0/buckets/b/events", &accept);
    assert_eq!(list.header("content-encoding").as_deref(), Some("br"));
    server.stop();
}

#[test]
fn a_page_of_the_server_itself_gets_everything_and_a_strangers_nothing_private() {
    let (_installation, server) = with_web_ui();
    let own = format!("http://127.0.0.1:{}", server.port);
    let module = get(&server, "/assets/app.js", &[("origin", &own)]);
    assert_eq!(module.header("access-control-allow-origin"), Some(own));
    let stranger = [("origin", "http://evil.example")];
    // The file is no secret, and without the header a page cannot read it.
    let module = get(&server, "/assets/app.js", &stranger);
    assert_eq!(
        (module.status, module.header("access-control-allow-origin")),
        (200, None)
    );
    for target in ["/api/0/info", "/pages/watcher/"] {
        assert_eq!(get(&server, target, &stranger).status, 403, "{target}");
    }
    let rebound = [("host", "evil.example")];
    for target in ["/", "/api/0/info", "/pages/watcher/"] {
        assert_eq!(get(&server, target, &rebound).status, 400, "{target}");
    }
    server.stop();
}

#[test]
fn errors_are_json_with_a_message() {
    let mut installation = Installation::new();
    installation.configure("[limits]\nbody_bytes = 1000\n");
    let server = installation.start();
    let large = vec![b' '; 2_000_000];
    for (method, target, body, status) in [
        ("GET", "/api/0/none", &[][..], 404),
        ("GET", "/none", &[], 404),
        ("PUT", "/api/0/info", &[], 405),
        ("POST", "/", b"{}", 405),
        ("POST", "/api/0/buckets/b", b"{", 400),
        ("POST", "/api/0/buckets/b/events", &large, 413),
        ("POST", "/api/0/buckets/b/heartbeat", b"{}", 422),
        ("POST", "/api/0/import", b"{\"buckets\": [}", 400),
        ("GET", "/api/0/buckets/%ff", &[], 400),
    ] {
        let answer = ask(&server, method, target, &[], body);
        let json = answer.json().unwrap_or_default();
        assert_eq!(answer.status, status, "{method} {target}: {json}");
        assert!(json["message"].is_string(), "{method} {target}: {json}");
    }
    server.stop();
}

#[test]
fn a_refusal_reaches_a_client_that_sends_much_before_it_looks() {
    let installation = Installation::new();
    let server = installation.start();
    let body = vec![b' '; 8 << 20];
    for (method, target, content_type, status) in [
        ("POST", "/api/0/buckets/b/events", "text/plain", 415),
        ("POST", "/api/0/import", "text/plain", 415),
        ("POST", "/api/0/nowhere", "application/json", 404),
        ("PUT", "/api/0/info", "application/json", 405),
        ("POST", "/", "application/json", 405),
    ] {
        let answer = ask(&server, method, target, &[("content-type", content_type)], &body);
        assert_eq!(answer.status, status, "{method} {target}");
        assert!(answer.json().is_some(), "{method} {target}");
    }
    server.stop();
}

#[test]
fn the_log_is_told_as_json() {
    let installation = Installation::new();
    let server = installation.start();
    let log = get(&server, "/api/0/log", &[]).json().expect("JSON");
    let lines = log.as_array().expect("a list");
    assert!(lines.iter().any(|line| line["levelname"] == "INFO"), "{log}");
    server.stop();
}

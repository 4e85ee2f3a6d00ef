//! Credentials: the API key.

use serde_json::json;

use crate::harness::http::{Answer, Connection};
use crate::harness::server::{Installation, Server};

const KEY: &str = "a-key-of-ours";

fn ask(server: &Server, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut all = vec![
        ("host".to_owned(), format!("127.0.0.1:{}", server.port)),
        ("content-length".to_owned(), body.len().to_string()),
    ];
    if !body.is_empty() {
        all.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    all.extend(
        headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    let mut connection = Connection::open(server.port).expect("a connection");
    connection
        .exchange(method, target, &all, body)
        .expect("an answer")
}

/// What the standard web UI does with a key: `/?token=KEY` loads the page without it, and the page sends it as a header.
#[test]
fn the_web_ui_works_with_a_key_and_its_files_are_open() {
    let mut installation = Installation::new();
    let web = installation.root().join("web");
    std::fs::create_dir_all(web.join("js")).expect("a directory");
    std::fs::write(web.join("index.html"), "<html>ui</html>").expect("a file");
    std::fs::write(web.join("js/app.js"), "ui()").expect("a file");
    installation.configure(&format!("webpath = \"web\"\n[auth]\napi_key = \"{KEY}\"\n"));
    let server = installation.start();
    let token = format!("/?token={KEY}");
    for target in [token.as_str(), "/js/app.js", "/api/0/info"] {
        assert_eq!(ask(&server, "GET", target, &[], b"").status, 200, "{target}");
    }
    let bearer = format!("Bearer {KEY}");
    let bucket = json!({"client": "c", "type": "t", "hostname": "h"}).to_string();
    let key = [("authorization", bearer.as_str())];
    let beat = json!({"timestamp": "2026-01-05T09:00:00Z", "duration": 1, "data": {}}).to_string();
    let query =
        json!({"timeperiods": ["2026-01-05T00:00:00Z/2026-01-06T00:00:00Z"], "query": ["RETURN = 1;"]})
            .to_string();
    for (method, target, body) in [
        ("POST", "/api/0/buckets/b", bucket.as_str()),
        ("POST", "/api/0/buckets/b/heartbeat?pulsetime=1", &beat),
        ("GET", "/api/0/buckets/", ""),
        ("GET", "/api/0/buckets/b/events", ""),
        ("POST", "/api/0/query/", &query),
        ("GET", "/api/0/settings", ""),
        ("GET", "/metrics", ""),
    ] {
        let refused = ask(&server, method, target, &[], body.as_bytes());
        assert_eq!(refused.status, 401, "{method} {target}");
        assert_eq!(refused.header("www-authenticate").as_deref(), Some("Bearer"));
        let in_address = format!(
            "{target}{}token={KEY}",
            if target.contains('?') { "&" } else { "?" }
        );
        assert_eq!(
            ask(&server, method, &in_address, &[], body.as_bytes()).status,
            401,
            "{in_address}"
        );
        assert_eq!(
            ask(&server, method, target, &key, body.as_bytes()).status,
            200,
            "{method} {target}"
        );
    }
    server.stop();
}

/// A key gives a browser extension what it gives everyone, and a page of another site nothing.
#[test]
fn an_extension_with_the_key_may_do_everything() {
    let mut installation = Installation::new();
    installation.configure(&format!("[auth]\napi_key = \"{KEY}\"\n"));
    let server = installation.start();
    let bearer = format!("Bearer {KEY}");
    let extension = ("origin", "moz-extension://x");
    let key = ("authorization", bearer.as_str());
    assert_eq!(
        ask(&server, "GET", "/api/0/settings", &[extension, key], b"").status,
        200
    );
    let refused = ask(&server, "GET", "/api/0/settings", &[extension], b"");
    assert_eq!(refused.status, 401);
    assert_eq!(
        refused.header("access-control-allow-origin").as_deref(),
        Some(extension.1),
        "the extension can read why"
    );
    let asked = ("access-control-request-method", "DELETE");
    assert_eq!(
        ask(&server, "OPTIONS", "/api/0/buckets/b", &[extension, asked], b"").status,
        200
    );
    let page = ("origin", "https://evil.example");
    assert_eq!(
        ask(&server, "GET", "/api/0/settings", &[page, key], b"").status,
        403
    );
    let status_page = ask(&server, "GET", "/", &[], b"").text();
    assert!(
        status_page.contains("API key") && !status_page.contains("Buckets"),
        "{status_page}"
    );
    server.stop();
}

#[test]
fn commands_find_the_key_in_the_configuration() {
    let mut installation = Installation::new();
    let home = installation.root().join("home/.config/timberline");
    let text = format!("port = {}\n[auth]\napi_key = \"{KEY}\"\n", installation.port);
    installation.configure(&text);
    let server = installation.start();
    let url = format!("http://127.0.0.1:{}", server.port);
    let query = |variable: Option<&str>| {
        let program = installation.root().join("program");
        std::fs::write(&program, "RETURN = 1;").expect("a file");
        let mut command = installation.program();
        command.args(["query", "--json", "--server", &url]).arg(program);
        if let Some(value) = variable {
            command.env("TIMBERLINE_API_KEY", value);
        }
        installation.run(command)
    };
    let (status, _, err) = query(None);
    assert!(!status.success() && err.contains("API key"), "{err}");
    let (status, out, err) = query(Some(KEY));
    assert!(status.success() && out.trim() == "1.0", "{out}{err}");
    std::fs::create_dir_all(&home).expect("a directory");
    std::fs::write(home.join("config.toml"), text).expect("a configuration");
    let (status, out, err) = query(None);
    assert!(status.success() && out.trim() == "1.0", "{out}{err}");
    assert!(!server.log_tail().contains(KEY));
    server.stop();
}

//! Credentials: the API key and tokens.

use serde_json::json;

use crate::harness::http::{Answer, Connection};
use crate::harness::poll;
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
    let status_page = ask(&server, "GET", "/status", &[], b"").text();
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
    let program = installation.root().join("program");
    let mut command = installation.program();
    command.args(["query", "--json", "--server", &url]).arg(program);
    command
        .arg("--config")
        .arg(installation.root().join("timberline.toml"));
    let (status, out, err) = installation.run(command);
    assert!(status.success() && out.trim() == "1.0", "--config: {out}{err}");
    std::fs::create_dir_all(&home).expect("a directory");
    std::fs::write(home.join("config.toml"), text).expect("a configuration");
    let (status, out, err) = query(None);
    assert!(status.success() && out.trim() == "1.0", "{out}{err}");
    assert!(!server.log_tail().contains(KEY));
    server.stop();
}

/// Guesses run out, and on this machine nobody can lock the owner of the key out by guessing.
#[test]
fn guessing_is_pointless_and_locks_nobody_out() {
    let mut installation = Installation::new();
    installation.configure(&format!("[auth]\napi_key = \"{KEY}\"\n"));
    let reader = create(&installation, &["reader", "--scope", "read"]);
    let server = installation.start();
    let send = |secret: &str, method: &str| {
        let bearer = format!("Bearer {secret}");
        ask(
            &server,
            method,
            "/api/0/settings/x",
            &[("authorization", bearer.as_str())],
            b"1",
        )
    };
    let guesses: Vec<Answer> = (0..60)
        .map(|guess| send(&format!("guess-{guess}"), "POST"))
        .collect();
    let count = |status: u16| guesses.iter().filter(|answer| answer.status == status).count();
    assert!(count(401) >= 20 && count(429) >= 20 && count(401) + count(429) == 60);
    let last = guesses.last().expect("an answer");
    assert_eq!(
        (last.status, last.header("retry-after").as_deref()),
        (429, Some("1"))
    );
    assert!(
        matches!(send(KEY, "POST").status, 200 | 201),
        "the key still counts"
    );
    assert_eq!(send(&reader, "GET").status, 200, "and so does a token");
    assert_eq!(
        ask(&server, "GET", "/api/0/settings", &[], b"").status,
        401,
        "no guess"
    );
    let page = [("origin", "https://evil.example"), ("authorization", "Bearer x")];
    assert_eq!(
        ask(&server, "GET", "/api/0/settings", &page, b"").status,
        403,
        "no guess either"
    );
    let refused = (0..60)
        .map(|_| send(&reader, "POST").status)
        .filter(|status| *status == 429);
    assert!(refused.count() >= 20, "a token that asks for too much");
    assert_eq!(send(&reader, "GET").status, 200, "may still do what it may");
    server.stop();
}

/// Below the base path the same checks count as without it, and no other way of writing it leads past them.
#[test]
fn a_base_path_opens_nothing() {
    let mut installation = Installation::new();
    installation.configure(&format!("base_path = \"/aw\"\n[auth]\napi_key = \"{KEY}\"\n"));
    let server = installation.start();
    let bearer = format!("Bearer {KEY}");
    let key = [("authorization", bearer.as_str())];
    assert_eq!(ask(&server, "GET", "/aw/api/0/buckets/", &key, b"").status, 200);
    assert_eq!(ask(&server, "GET", "//aw//api/0/buckets", &key, b"").status, 200);
    assert_eq!(ask(&server, "GET", "/api/0/buckets/", &key, b"").status, 200);
    for row in documented() {
        let path = row
            .path
            .replace("{bucket}", "b")
            .replace("{id}", "1")
            .replace("{page}", "p");
        for before in ["/aw", "//aw/", "/aw//"] {
            let answer = ask(&server, &row.method, &format!("{before}{path}"), &[], b"");
            assert_eq!(
                answer.status == 401,
                !row.open,
                "{} {before}{path}: {}",
                row.method,
                answer.text()
            );
        }
        for before in [
            "/aw/aw",
            "/%61w",
            "/AW",
            "/aw;x",
            "/aw/..",
            "/aw/%2e%2e",
            "/aw%2F",
            "/aw.",
        ] {
            let answer = ask(&server, &row.method, &format!("{before}{path}"), &[], b"");
            let nowhere = matches!(answer.status, 400 | 401 | 404 | 405);
            assert!(
                nowhere || row.open,
                "{} {before}{path}: {}",
                row.method,
                answer.text()
            );
        }
    }
    server.stop();
}

/// Behind a trusted proxy, the clients' own addresses count. From anybody else, nobody believes the headers.
#[test]
fn guesses_behind_a_proxy_count_for_their_sender() {
    let mut installation = Installation::new();
    installation.configure(&format!(
        "trusted_proxies = [\"127.0.0.1\"]\n[auth]\napi_key = \"{KEY}\"\n"
    ));
    let server = installation.start();
    let send = |secret: &str, client: &str| {
        let bearer = format!("Bearer {secret}");
        let headers = [("authorization", bearer.as_str()), ("x-forwarded-for", client)];
        ask(&server, "GET", "/api/0/settings", &headers, b"").status
    };
    let owner = "192.0.2.2";
    assert_eq!(send(KEY, owner), 200);
    for client in ["192.0.2.1", "127.0.0.1, 192.0.2.1", owner] {
        // Which address a client claims before its own makes no difference.
        let refused = (0..60)
            .map(|_| send("guess", client))
            .filter(|status| *status == 429);
        assert!(refused.count() >= 20, "{client}");
    }
    assert_eq!(send(KEY, "192.0.2.1"), 429, "the right one may be a guess, too");
    assert_eq!(send(KEY, owner), 200, "it was right before");
    assert_eq!(send(KEY, "192.0.2.3"), 200, "another address");
    server.stop();
}

/// Creates a token and gives it back.
pub(crate) fn create(installation: &Installation, args: &[&str]) -> String {
    let (status, out, err) = token(installation, &[&["create"], args].concat());
    assert!(status.success(), "{err}");
    out.trim().to_owned()
}

fn token(installation: &Installation, args: &[&str]) -> (std::process::ExitStatus, String, String) {
    let mut command = installation.program();
    command
        .arg("token")
        .args(args)
        .arg("--dbpath")
        .arg(&installation.data);
    installation.run(command)
}

/// A row of the table in `docs/access.md`.
struct Row {
    method: String,
    path: String,
    open: bool,
    scopes: Vec<bool>,
    with_buckets: String,
}

const SCOPES: [&str; 4] = ["append", "read", "write", "admin"];

fn documented() -> Vec<Row> {
    let page = include_str!("../../../../docs/access.md");
    let table = page.split("<!-- table -->").nth(1).expect("the table");
    let row = |line: &str| {
        let cells: Vec<String> = line
            .split('|')
            .map(|cell| cell.trim().trim_matches('`').to_owned())
            .collect();
        Row {
            method: cells[1].clone(),
            path: cells[2].clone(),
            open: cells[3] == "yes",
            scopes: cells[4..8].iter().map(|cell| cell == "yes").collect(),
            with_buckets: cells[8].clone(),
        }
    };
    table
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(row)
        .collect()
}

/// Sends one request in every way of writing it, and compares what happens with what the page says.
struct Prober<'a> {
    server: &'a Server,
    connection: Connection,
    sent: usize,
}

impl Prober<'_> {
    fn send(&mut self, method: &str, target: &str, bearer: &str, more: &[(&str, &str)]) -> Answer {
        self.sent += 1;
        let body: &[u8] = if matches!(method, "POST" | "PUT") {
            b"{}"
        } else {
            b""
        };
        let host = format!("127.0.0.1:{}", self.server.port);
        let length = body.len().to_string();
        let usual = [
            ("host", host.as_str()),
            ("content-length", &length),
            ("content-type", "application/json"),
        ];
        let credentials = [("authorization", bearer)];
        let headers = usual.iter().chain(more).chain(&credentials);
        let headers: Vec<_> = headers
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        self.connection
            .exchange(method, target, &headers, body)
            .unwrap_or_else(|_| {
                self.connection = Connection::open(self.server.port).expect("a connection");
                let answer = self.connection.exchange(method, target, &headers, body);
                answer.unwrap_or_else(|error| panic!("{method} {target}: {error}"))
            })
    }

    fn probe(&mut self, method: &str, path: &str, bearer: &str, allowed: bool) {
        let absolute = format!("http://127.0.0.1:{}{path}", self.server.port);
        let doubled = path.replace('/', "//");
        let slash = format!("{path}/");
        let method_in_query = format!("{path}?_method=GET");
        for (target, more) in [
            (path, &[][..]),
            (absolute.as_str(), &[]),
            (doubled.as_str(), &[]),
            (slash.as_str(), &[]),
            (method_in_query.as_str(), &[]),
            (
                path,
                &[
                    ("x-http-method-override", "GET"),
                    ("x-method-override", "GET"),
                    ("x-http-method", "GET"),
                ],
            ),
            (
                path,
                &[
                    ("x-original-url", "/api/0/info"),
                    ("x-rewrite-url", "/api/0/info"),
                    ("x-forwarded-prefix", "/x"),
                ],
            ),
        ] {
            let status = self.send(method, target, bearer, more).status;
            let refused = matches!(status, 401 | 403 | 429);
            assert_eq!(!refused, allowed, "{method} {target} {more:?}: {status}");
        }
        let two_hosts = [("host", "127.0.0.1")];
        assert_eq!(
            self.send(method, path, bearer, &two_hosts).status,
            400,
            "{method} {path}: two hosts"
        );
        if !allowed {
            self.trick(method, path, bearer);
        }
    }

    /// Other ways to write a path that is refused: none of them leads to it.
    fn trick(&mut self, method: &str, path: &str, bearer: &str) {
        let targets = [
            path.to_uppercase(),
            path.replacen("/api", "/%61pi", 1),
            path.replacen("/api/", "/api/info/../", 1),
            path.replacen("/api/", "/api/0/info/%2e%2e/%2e%2e/", 1),
            path.replacen("/api/", "/api%2F", 1),
            path.replacen("/api/0/", "/api/0/info%2f..%2f", 1),
            format!("{path}."),
            format!("{path};x=y"),
            format!("{path}%00"),
            format!("{path}/%2e%2e/info"),
            format!("/api/0/info{path}"),
            format!("/api/0/buckets/mine_a%2F..%2F..{path}"),
        ];
        // Half of them each time: the next bucket or token tries the others.
        let skipped = self.sent / 2 % 2;
        for target in targets.into_iter().skip(skipped).step_by(2) {
            let answer = self.send(method, &target, bearer, &[]);
            let nothing_there = answer.status == 404 && answer.text().contains("nothing at this path");
            assert!(
                nothing_there || matches!(answer.status, 400 | 401 | 403 | 405 | 429) || target == path,
                "{method} {target}: {} {}",
                answer.status,
                answer.text()
            );
        }
    }
}

/// `(scope, buckets, method, path)`: what the page says, and nothing more.
#[test]
fn no_token_may_do_more_than_the_documentation_says() {
    let installation = Installation::new();
    let mut tokens = Vec::new();
    for (index, scope) in SCOPES.into_iter().enumerate() {
        let named = format!("{scope}-mine");
        if index < 2 {
            tokens.push((index, false, create(&installation, &[scope, "--scope", scope])));
        }
        let args = [named.as_str(), "--scope", scope, "--bucket", "mine_*"];
        tokens.push((index, true, create(&installation, &args)));
    }
    let server = installation.start();
    let connection = Connection::open(server.port).expect("a connection");
    let mut prober = Prober {
        server: &server,
        connection,
        sent: 0,
    };
    for row in documented() {
        let buckets = if row.path.contains("{bucket}") {
            &["mine_a", "other"][..]
        } else {
            &["mine_a"]
        };
        for bucket in buckets {
            let path = row.path.replace("{bucket}", bucket).replace("{id}", "1");
            let path = path.replace("{page}", "p");
            // A stream would not end.
            let path = path.replace("/api/1/stream", "/api/1/stream?mode=none");
            for (scope, limited, secret) in &tokens {
                let within = match row.with_buckets.as_str() {
                    _ if !limited => true,
                    "these" => *bucket == "mine_a",
                    "no" => false,
                    _ => true,
                };
                prober.probe(
                    &row.method,
                    &path,
                    &format!("Bearer {secret}"),
                    row.scopes[*scope] && within || row.open,
                );
            }
            for nobody in ["Bearer timberline_x", "Basic eA==", ""] {
                prober.probe(&row.method, &path, nobody, row.open);
            }
        }
    }
    println!("{} requests", prober.sent);
    assert!(prober.sent > 2_000, "{}", prober.sent);
    server.stop();
}

#[test]
fn a_token_is_followed_by_a_running_server_and_its_last_use_is_listed() {
    let mut installation = Installation::new();
    installation.configure(&format!("host = \"0.0.0.0\"\n[auth]\napi_key = \"{KEY}\"\n"));
    let first = create(&installation, &["first", "--scope", "read"]);
    let server = installation.start();
    assert!(server.log_tail().contains("unencrypted"), "{}", server.log_tail());
    let report = || {
        let bearer = format!("Bearer {KEY}");
        let headers = [("authorization", bearer.as_str())];
        let status = ask(&server, "GET", "/api/1/status", &headers, b"")
            .json()
            .expect("JSON");
        status["access"]["tokens"].clone()
    };
    let status = |secret: &str| {
        let bearer = format!("Bearer {secret}");
        ask(
            &server,
            "GET",
            "/api/0/settings",
            &[("authorization", bearer.as_str())],
            b"",
        )
        .status
    };
    assert_eq!(report()[0]["last_used"], serde_json::Value::Null);
    assert_eq!((status(&first), status(KEY), status("x")), (200, 200, 401));
    let listed = report();
    assert_eq!(listed[0]["name"], "first", "{listed}");
    assert_eq!(listed[0]["scope"], "read", "{listed}");
    assert!(listed[0]["last_used"].is_string(), "{listed}");
    let mut command = installation.program();
    command
        .args(["status", "--config"])
        .arg(installation.root().join("timberline.toml"));
    command.arg("--dbpath").arg(&installation.data);
    command.args(["--port", &server.port.to_string()]);
    let (_, shown, err) = installation.run(command);
    assert!(
        shown.contains("1 read; the last one used is first, 2"),
        "{shown}{err}"
    );
    let second = create(&installation, &["second", "--scope", "read", "--expires", "2s"]);
    poll("the server to know the token", || {
        (status(&second) == 200).then_some(())
    });
    let (revoked, _, err) = token(&installation, &["revoke", "first"]);
    assert!(revoked.success(), "{err}");
    assert_eq!(status(&first), 401, "revoked at once");
    poll("the token to expire", || (status(&second) == 401).then_some(()));
    assert!(!token(&installation, &["revoke", "first"]).0.success());
    server.stop();
    let (_, list, _) = token(&installation, &["list"]);
    let line = list
        .lines()
        .find(|line| line.starts_with("second"))
        .expect("the token");
    assert!(line.contains("expired") && !line.contains("never"), "{list}");
    assert!(
        !list.contains(second.trim_start_matches("timberline_")) && !list.contains("first"),
        "{list}"
    );
    for file in ["tokens.json", "tokens-used.json"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(installation.data.join(file))
            .expect("the file")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    std::fs::write(installation.data.join("tokens.json"), "{").expect("damage");
    let (status, _, err) = installation.run(installation.command());
    assert!(!status.success() && err.contains("tokens.json"), "{err}");
}

/// What aw-client and the watchers send, with a token that may only append.
#[test]
fn a_watcher_works_with_an_append_token_and_reads_nothing_else() {
    let installation = Installation::with(crate::harness::server::Data::Encrypted);
    let secret = create(&installation, &["vim", "--scope", "append", "--bucket", "mine_*"]);
    let everything = create(&installation, &["all", "--scope", "admin"]);
    let server = installation.start();
    let bearer = format!("Bearer {secret}");
    let all = format!("Bearer {everything}");
    let send = |bearer: &str, method: &str, target: &str, body: &str| {
        ask(
            &server,
            method,
            target,
            &[("authorization", bearer)],
            body.as_bytes(),
        )
    };
    let bucket = json!({"client": "c", "type": "t", "hostname": "h"}).to_string();
    let beat = json!({"timestamp": "2026-01-05T09:00:00Z", "duration": 1, "data": {"a": 1}});
    let mut replacing = beat.clone();
    replacing["id"] = json!(1);
    assert_eq!(send(&all, "POST", "/api/0/buckets/other", &bucket).status, 200);
    assert_eq!(
        send(&bearer, "POST", "/api/0/buckets/mine_a", &bucket).status,
        200
    );
    assert_eq!(
        send(&bearer, "POST", "/api/0/buckets/mine_a", &bucket).status,
        304
    );
    let heartbeat = "/api/0/buckets/mine_a/heartbeat?pulsetime=5";
    assert_eq!(send(&bearer, "POST", heartbeat, &beat.to_string()).status, 200);
    let answer = send(&bearer, "POST", heartbeat, &beat.to_string());
    assert_eq!(
        answer.json().expect("JSON")["id"],
        serde_json::Value::Null,
        "what it sent"
    );
    let answer = send(&all, "POST", heartbeat, &beat.to_string());
    assert!(answer.json().expect("JSON")["id"].is_u64(), "the event");
    let events = "/api/0/buckets/mine_a/events";
    assert_eq!(
        send(&bearer, "POST", events, &json!([beat]).to_string()).status,
        200
    );
    let refused = send(&bearer, "POST", events, &json!([beat, replacing]).to_string());
    assert_eq!(refused.status, 403, "{}", refused.text());
    // What a filter drops or changes is answered as it was sent, too.
    let filters = json!([
        {"enabled": true, "field": "a", "pattern": "private", "action": "drop"},
        {"enabled": true, "field": "a", "pattern": "secret", "action": "redact", "replacement": "hidden"},
    ]);
    let setting = send(
        &all,
        "POST",
        "/api/0/settings/privacy_filters",
        &filters.to_string(),
    );
    assert!(matches!(setting.status, 200 | 201), "{}", setting.text());
    for said in ["private", "secret"] {
        let sent = json!({"timestamp": "2026-01-05T09:00:01Z", "duration": 1, "data": {"a": said}});
        let answer = send(&bearer, "POST", heartbeat, &sent.to_string());
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(
            answer.json().expect("JSON")["data"],
            sent["data"],
            "{}",
            answer.text()
        );
    }
    let listed = send(&bearer, "GET", "/api/0/buckets/", "")
        .json()
        .expect("a list");
    assert_eq!(
        listed.as_object().expect("an object").keys().collect::<Vec<_>>(),
        ["mine_a"]
    );
    assert_eq!(send(&bearer, "GET", "/api/0/buckets/mine_a", "").status, 200);
    assert_eq!(send(&bearer, "GET", "/api/0/buckets/other", "").status, 403);
    assert_eq!(send(&bearer, "GET", events, "").status, 403);
    let import = json!({"buckets": {"mine_b": {"id": "mine_b", "type": "t", "client": "c", "hostname": "h", "events": []}}});
    assert_eq!(
        send(&bearer, "POST", "/api/0/import", &import.to_string()).status,
        403
    );
    let listed = send(&all, "GET", "/api/0/buckets/", "").json().expect("a list");
    assert_eq!(listed.as_object().map(serde_json::Map::len), Some(2));
    server.stop();
}

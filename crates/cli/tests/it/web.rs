//! What browsers need: files, compression, errors they can read, and a guard that keeps strangers out.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::Value;

use crate::harness::http::{Answer, Connection};
use crate::harness::server::{Installation, Server};

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
fn there_is_a_page_about_the_store() {
    let installation = Installation::new();
    let server = installation.start();
    let bucket = br#"{"client":"c","type":"<script>","hostname":"h"}"#;
    ask(&server, "POST", "/api/0/buckets/%3Cb%3E", &[], bucket);
    let page = get(&server, "/status", &[]);
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
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.ends_with("frame-ancestors 'none'"), "{policy}");
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
        ("GET", "/api/0/buckets/b/heartbeat", &[], 405),
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

const ADD_ON: &str = "moz-extension://11111111-2222-3333-4444-555555555555";
const BUCKET: &[u8] = br#"{"client":"aw-client-web","type":"web.tab.current","hostname":"h"}"#;

/// Any Firefox add-on has such an origin, so it may do what aw-watcher-web does and no more.
#[test]
fn a_browser_extension_records_and_reads_only_what_it_made() {
    let installation = Installation::new();
    let server = installation.start();
    ask(&server, "POST", "/api/0/buckets/window", &[], BUCKET);
    let secret = br#"[{"timestamp":"2026-01-05T10:00:00Z","duration":1,"data":{"title":"secret"}}]"#;
    ask(&server, "POST", "/api/0/buckets/window/events", &[], secret);
    for origin in [ADD_ON, "chrome-extension://any", "safari-web-extension://any"] {
        let from = [("origin", origin)];
        let send = |method: &str, target: &str, body: &[u8]| ask(&server, method, target, &from, body);
        let own = format!("/api/0/buckets/web-{}", origin.len());
        let beat = br#"{"timestamp":"2026-01-05T10:00:00Z","duration":0,"data":{"url":"u"}}"#;
        assert_eq!(send("GET", "/api/0/info", b"").status, 200);
        let created = send("POST", &own, BUCKET);
        assert_eq!(created.status, 200, "{}", created.text());
        assert_eq!(
            created.header("access-control-allow-origin").as_deref(),
            Some(origin)
        );
        assert_eq!(created.header("access-control-allow-credentials"), None);
        let beaten = send("POST", &format!("{own}/heartbeat?pulsetime=80"), beat);
        assert_eq!(beaten.status, 200, "{}", beaten.text());

        let listed = send("GET", "/api/0/buckets/", b"");
        let listed = listed.json().expect("JSON");
        let names: Vec<_> = listed.as_object().expect("an object").keys().collect();
        assert_eq!(names, [own.trim_start_matches("/api/0/buckets/")]);
        assert_eq!(send("GET", &own, b"").status, 200);
        assert_eq!(send("GET", "/api/0/buckets/none", b"").status, 404);

        let answered = beaten.json().expect("JSON");
        assert_eq!(answered["id"], Value::Null, "what it sent: {answered}");

        for (method, target, body) in [
            ("GET", "/api/0/buckets/window", &b""[..]),
            ("GET", "/api/0/buckets/window/events", b""),
            ("GET", "//api/0/export", b""),
            ("GET", "/api/0/settings", b""),
            ("GET", "/api/1/log", b""),
            ("GET", "/metrics", b""),
            ("POST", "/api/0/query", b"{}"),
            ("POST", "/api/1/purge", b"{}"),
            ("POST", "/api/0/import", b"{}"),
            ("POST", "/api/0/settings/x", b"1"),
            ("PUT", &own, BUCKET),
            ("DELETE", &own, b""),
            ("DELETE", "/api/0/buckets/window/events/1", b""),
            ("POST", "/api/0/buckets/window/events", secret),
        ] {
            let answer = send(method, target, body);
            assert_eq!(
                answer.status,
                403,
                "{origin}: {method} {target}: {}",
                answer.text()
            );
        }
    }
    server.kill();
    let server = installation.start();
    let target = format!("/api/0/buckets/web-{}", ADD_ON.len());
    assert_eq!(
        get(&server, &target, &[("origin", ADD_ON)]).status,
        200,
        "remembered"
    );
    assert_eq!(
        get(&server, &target, &[("origin", "moz-extension://other")]).status,
        403
    );
    server.stop();
}

#[test]
fn an_extension_is_told_in_advance_what_it_may_not_do_and_cors_opens_everything() {
    let mut installation = Installation::new();
    installation.configure("cors = [\"moz-extension://mine\"]\n");
    let server = installation.start();
    let preflight = |origin, method| {
        let headers = [("origin", origin), ("access-control-request-method", method)];
        ask(&server, "OPTIONS", "/api/0/buckets/b", &headers, b"")
    };
    assert_eq!(preflight(ADD_ON, "DELETE").status, 403);
    let append = preflight(ADD_ON, "POST");
    assert_eq!(append.status, 200);
    assert!(
        !append
            .header("access-control-allow-methods")
            .expect("methods")
            .contains("DELETE")
    );
    assert_eq!(append.header("access-control-allow-credentials"), None);
    assert_eq!(preflight("moz-extension://mine", "DELETE").status, 200);
    assert_eq!(
        get(&server, "/api/0/export", &[("origin", "moz-extension://mine")]).status,
        200
    );
    assert_eq!(get(&server, "/api/0/export", &[("origin", ADD_ON)]).status, 403);
    server.stop();
}

#[test]
fn pages_of_other_sites_get_nothing_but_a_visit() {
    let (_installation, server) = with_web_ui();
    let cross = ("sec-fetch-site", "cross-site");
    for target in ["/api/0/info", "/assets/app.js", "/pages/watcher/"] {
        assert_eq!(get(&server, target, &[cross]).status, 403, "{target}");
        assert_eq!(
            get(&server, target, &[("sec-fetch-site", "same-origin")]).status,
            200,
            "{target}"
        );
    }
    let mut visit = vec![
        cross,
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];
    let page = get(&server, "/", &visit);
    assert_eq!(page.status, 200);
    assert_eq!(
        page.header("content-security-policy").as_deref(),
        Some("frame-ancestors 'self'")
    );
    visit.pop();
    visit.push(("sec-fetch-dest", "iframe"));
    assert_eq!(get(&server, "/", &visit).status, 403);
    for target in ["/api/0/info", "/assets/app.js", "/api/0/none", "/"] {
        let answer = get(&server, target, &[]);
        assert_eq!(
            answer.header("x-content-type-options").as_deref(),
            Some("nosniff"),
            "{target}"
        );
        assert_eq!(
            answer.header("cross-origin-resource-policy").as_deref(),
            Some("same-origin"),
            "{target}"
        );
    }
    server.stop();
}

/// awatcher up to 0.3.3 sends this and never looks at the status.
#[test]
fn empty_segments_of_a_path_mean_nothing_and_pass_no_check() {
    let installation = Installation::new();
    let server = installation.start();
    assert_eq!(ask(&server, "POST", "//api/0/buckets/b", &[], BUCKET).status, 200);
    let beat = br#"{"timestamp":"2026-01-05T10:00:00Z","duration":0,"data":{}}"#;
    let target = "//api//0/buckets/b///heartbeat?pulsetime=1";
    assert_eq!(ask(&server, "POST", target, &[], beat).status, 200);
    assert_eq!(get(&server, "/api/0/buckets/b/events/count", &[]).text(), "1");
    for target in ["//api/0/export", "/api//0/export", "///metrics", "//pages/x/"] {
        let answer = get(&server, target, &[("origin", "https://evil.example")]);
        assert_eq!(answer.status, 403, "{target}");
    }
    for target in [
        "/%2fapi/0/export",
        "/%61pi/0/export",
        "/api%2f0/export",
        "/x/..//api/0/export",
    ] {
        let answer = get(&server, target, &[("origin", "https://evil.example")]);
        assert!(answer.status >= 400, "{target}: {}", answer.text());
    }
    server.stop();
}

#[test]
fn what_is_refused_is_in_the_log_and_counted() {
    let installation = Installation::new();
    let server = installation.start();
    for _ in 0..3 {
        let beat = br#"{"timestamp":"2026-01-05T10:00:00Z","data":{"title":"secret"}}"#;
        let target = "/api/0/buckets/none/heartbeat?pulsetime=1&title=secret";
        assert_eq!(
            ask(&server, "POST", target, &[("user-agent", "watcher/1")], beat).status,
            404
        );
    }
    assert_eq!(
        get(&server, "/api/0/info", &[("origin", "https://evil.example")]).status,
        403
    );
    assert_eq!(ask(&server, "POST", "/api/0/buckets/b", &[], b"{").status, 400);
    let metrics = get(&server, "/metrics", &[]).text();
    for line in [
        "timberline_requests_refused_total{status=\"404\",reason=\"no such bucket\"} 3",
        "timberline_requests_refused_total{status=\"403\",reason=\"foreign origin (cors)\"} 1",
        "timberline_requests_refused_total{status=\"400\",reason=\"not readable\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    let log = server.log_tail();
    let lines: Vec<_> = log
        .lines()
        .filter(|line| line.contains("no such bucket"))
        .collect();
    let [line] = &lines[..] else {
        panic!("one line of three: {log}");
    };
    for part in [
        "WARN",
        "method=POST",
        "/api/0/buckets/none/heartbeat",
        "status=404",
        "127.0.0.1 watcher/1",
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(!log.contains("secret"), "{log}");
    server.stop();
}

#[test]
fn entries_that_never_match_stop_the_start_and_so_does_an_open_address_unless_it_is_accepted() {
    let mut installation = Installation::new();
    installation.configure("cors = [\"https://a.org/\"]\n");
    let (status, _, err) = installation.run(installation.command());
    assert!(!status.success());
    assert!(
        err.contains("cors") && err.contains("write \"https://a.org\""),
        "{err}"
    );
    assert!(
        !installation.data.exists(),
        "a refused start leaves nothing behind"
    );
    installation.configure("host = \"0.0.0.0\"\n");
    let (status, _, err) = installation.run(installation.command());
    assert!(!status.success());
    for way_out in ["api_key", "127.0.0.1", "--insecure-no-auth"] {
        assert!(err.contains(way_out), "{way_out}: {err}");
    }
    assert!(
        !installation.data.exists(),
        "a refused start leaves nothing behind"
    );
    let mut command = installation.command();
    command.arg("--insecure-no-auth");
    let server = installation.start_as(command);
    assert!(
        server.log_tail().contains("NO AUTHENTICATION"),
        "{}",
        server.log_tail()
    );
    let rebound = [("host", "evil.local"), ("origin", "http://evil.local")];
    assert_eq!(get(&server, "/api/0/info", &rebound).status, 400);
    assert_eq!(get(&server, "/api/0/info", &[("host", "nas.local")]).status, 200);
    server.stop();
}

/// Titles that were cut in the middle of a character, as Python's json writes them.
#[test]
fn half_a_surrogate_pair_costs_neither_the_heartbeat_nor_the_batch() {
    let installation = Installation::new();
    let server = installation.start();
    let bucket = br#"{"client":"c","type":"t","hostname":"h"}"#;
    ask(&server, "POST", "/api/0/buckets/b", &[], bucket);
    let beat = |body: &[u8]| {
        ask(
            &server,
            "POST",
            "/api/0/buckets/b/heartbeat?pulsetime=1",
            &[],
            body,
        )
    };
    let cut =
        beat(br#"{"timestamp":"2026-01-05T09:00:00Z","duration":0,"data":{"title":"x \ud835\udd4e\ud835"}}"#);
    let json = cut.json().unwrap_or_default();
    assert_eq!(
        (cut.status, json["data"]["title"].as_str()),
        (200, Some("x \u{1d54e}\u{fffd}"))
    );
    let latin =
        beat(b"{\"timestamp\":\"2026-01-05T09:01:00\",\"duration\":0,\"data\":{\"title\":\"M\xfcller\"}}");
    let json = latin.json().unwrap_or_default();
    assert_eq!(
        (latin.status, json["data"]["title"].as_str()),
        (200, Some("M\u{fffd}ller"))
    );
    assert_eq!(
        json["timestamp"], "2026-01-05T09:01:00Z",
        "a time without an offset is UTC"
    );
    let batch = br#"[{"timestamp":"2026-01-05T10:00:00Z","duration":1,"data":{"\udc00":"one"}},
        {"timestamp":"2026-01-05T10:00:01Z","duration":1,"data":{"list":["\ud835"]}},
        {"timestamp":"2026-01-05T10:00:02Z","duration":1,"data":{"title":"\\ud835"}}]"#;
    let inserted = ask(&server, "POST", "/api/0/buckets/b/events", &[], batch);
    let json = inserted.json().unwrap_or_default();
    assert_eq!(inserted.status, 200, "{json}");
    assert_eq!(json[0]["data"]["\u{fffd}"], "one");
    assert_eq!(json[1]["data"]["list"][0], "\u{fffd}");
    assert_eq!(
        json[2]["data"]["title"], "\\ud835",
        "an escaped backslash is no escape"
    );
    server.kill();
    let server = installation.start();
    assert_eq!(get(&server, "/api/0/buckets/b/events/count", &[]).text(), "5");
    server.stop();
}

#[test]
fn a_bucket_that_no_address_can_name_is_not_made_and_can_be_removed() {
    let installation = Installation::new();
    let server = installation.start();
    for target in ["/api/0/buckets/%2e", "/api/0/buckets/%2E%2e", "/api/0/buckets/."] {
        assert_eq!(ask(&server, "POST", target, &[], BUCKET).status, 422, "{target}");
    }
    server.stop();
    let (store, _) =
        timberline_views::Store::open(&installation.data, timberline_views::StoreOptions::default())
            .expect("the store opens");
    for id in ["", "..", "b"] {
        let bucket = timberline_model::Bucket {
            id: id.to_owned(),
            type_: "t".to_owned(),
            client: "c".to_owned(),
            hostname: "h".to_owned(),
            created: timberline_model::Timestamp::from_nanos(0),
            data: timberline_model::Data::default(),
            last_updated: None,
        };
        store.create_bucket(&bucket).expect("a bucket");
    }
    store.close().expect("the store closes");
    let server = installation.start();
    for target in ["/api/1/buckets?id=", "/api/1/buckets?id=.."] {
        assert_eq!(ask(&server, "DELETE", target, &[], b"").status, 200, "{target}");
        assert_eq!(ask(&server, "DELETE", target, &[], b"").status, 404, "{target}");
    }
    assert_eq!(ask(&server, "DELETE", "/api/1/buckets", &[], b"").status, 422);
    let left = get(&server, "/api/0/buckets/", &[]).json().expect("JSON");
    assert_eq!(left.as_object().expect("an object").len(), 1);
    server.stop();
}

#[test]
fn settings_are_held_to_what_can_be_read_again() {
    let installation = Installation::new();
    let server = installation.start();
    let set = |body: &[u8]| ask(&server, "POST", "/api/0/settings/s", &[], body).status;
    assert_eq!(set(br#"{"regex":"(?i)caf\u00e9 \ud835\udd4e"}"#), 201);
    let deep = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    assert_eq!(set(deep(127).as_bytes()), 201);
    assert_eq!(set(deep(200).as_bytes()), 400);
    assert_eq!(set(br#""\ud83d""#), 400);
    assert_eq!(set(b"1e999"), 400);
    assert_eq!(set(format!("\"{}\"", "x".repeat(2 << 20)).as_bytes()), 413);
    assert_eq!(
        get(&server, "/api/0/settings/s", &[]).text(),
        deep(127),
        "the last that was taken"
    );
    server.stop();
}

#[test]
fn a_privacy_rule_that_has_no_effect_is_reported_where_it_is_saved() {
    let installation = Installation::new();
    let server = installation.start();
    let set = |body: &str| {
        ask(
            &server,
            "POST",
            "/api/0/settings/privacy_filters",
            &[],
            body.as_bytes(),
        )
    };
    let rule = |pattern: &str, action: &str| {
        format!(r#"{{"enabled":true,"field":"title","pattern":"{pattern}","action":"{action}"}}"#)
    };
    for (value, count, part) in [
        (
            format!("[{},{}]", rule("(", "drop"), rule("hide", "drop")),
            1,
            "rule 0",
        ),
        (format!("[{}]", rule("hide", "remove")), 1, "rule 0"),
        (
            r#"[{"field":"title","pattern":"x","action":"drop"}]"#.to_owned(),
            1,
            "enabled",
        ),
        (r#"{"rules":[]}"#.to_owned(), 1, "expected a list"),
        ("null".to_owned(), 1, "expected a list"),
    ] {
        let answer = set(&value);
        assert_eq!(answer.status, 201, "{value}");
        let warning = answer.header("x-timberline-warning").unwrap_or_default();
        assert!(warning.contains(part), "{value}: {warning}");
        assert_eq!(answer.json().unwrap_or_default()["count"], count, "{value}");
    }
    for value in ["[]".to_owned(), format!("[{}]", rule("hide", "drop"))] {
        let answer = set(&value);
        assert_eq!(
            (answer.status, answer.header("x-timberline-warning")),
            (201, None),
            "{value}"
        );
    }
    server.stop();
}

/// A reverse proxy on this machine passes its own host name on.
#[test]
fn a_refused_host_name_names_the_key_that_allows_it() {
    let installation = Installation::new();
    let server = installation.start();
    let answer = get(&server, "/api/0/info", &[("host", "hours.example.org:8443")]);
    let said = answer.json().unwrap_or_default();
    assert_eq!(
        (answer.status, said["message"].as_str()),
        (400, Some("Host header is invalid"))
    );
    let hint = said["hint"].as_str().unwrap_or_default();
    assert!(
        hint.contains("'hours.example.org'") && hint.contains("allowed_hosts"),
        "{said}"
    );
    server.stop();
}

#[test]
fn an_existing_directory_is_closed_to_others() {
    use std::os::unix::fs::PermissionsExt;
    let installation = Installation::new();
    let mode = |path: &std::path::Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    fs::create_dir_all(&installation.data).expect("a directory");
    fs::set_permissions(&installation.data, fs::Permissions::from_mode(0o755)).expect("a mode");
    let server = installation.start();
    assert_eq!(mode(&installation.data), 0o700);
    assert!(server.log_tail().contains("0700"), "{}", server.log_tail());
    assert_eq!(mode(&installation.data.join("log")), 0o700);
    for entry in fs::read_dir(installation.data.join("log"))
        .expect("a directory")
        .flatten()
    {
        assert_eq!(mode(&entry.path()), 0o600, "{}", entry.path().display());
    }
    server.stop();
}

//! The deployed clients with defaults, with an API key and with a token that may only append: the real `aw-client` from
//! PyPI, and what ActivityWatch's browser extension sends.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::access::create;
use crate::aw_client::python_with_client;
use crate::harness::http::{Answer, Connection};
use crate::harness::server::{Installation, Server};

const KEY: &str = "a-key-of-ours";
const BUCKET: &str = "aw-watcher-test_desk";

/// Which credentials the server asks for and the client sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Credentials {
    Nobody,
    Key,
    AppendToken,
}

const ALL: [Credentials; 3] = [Credentials::Nobody, Credentials::Key, Credentials::AppendToken];

/// A server, and the secret that a client sends to it.
fn server(credentials: Credentials) -> (Installation, Server, Option<String>) {
    let mut installation = Installation::new();
    let secret = match credentials {
        Credentials::Nobody => None,
        Credentials::Key => {
            installation.configure(&format!("[auth]\napi_key = \"{KEY}\"\n"));
            Some(KEY.to_owned())
        }
        Credentials::AppendToken => {
            let args = ["w", "--scope", "append", "--bucket", "aw-watcher-*"];
            Some(create(&installation, &args))
        }
    };
    let server = installation.start();
    (installation, server, secret)
}

#[test]
fn aw_client_works_as_far_as_its_credentials_go() {
    for credentials in ALL {
        let (installation, server, secret) = server(credentials);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/aw_client/use_client.py");
        let mut command = Command::new(python_with_client());
        installation.set_home(&mut command);
        command.env("NO_PROXY", "127.0.0.1").stdin(Stdio::null());
        command.arg(script).arg(server.port.to_string()).arg(BUCKET);
        command.args(&secret);
        let output = command.output().expect("python to start");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let outcome: Value = serde_json::from_str(&text).unwrap_or_else(|error| {
            let log = String::from_utf8_lossy(&output.stderr).into_owned();
            panic!("{credentials:?}: {error}: {text}{log}")
        });
        let beyond = match credentials {
            Credentials::AppendToken => json!(403),
            Credentials::Nobody | Credentials::Key => json!("ok"),
        };
        for call in [
            "info",
            "create",
            "create again",
            "heartbeat",
            "queued",
            "insert",
            "buckets",
        ] {
            assert_eq!(outcome[call], "ok", "{credentials:?}: {call}");
        }
        for call in ["read", "query", "delete"] {
            assert_eq!(outcome[call], beyond, "{credentials:?}: {call}");
        }
        server.stop();
    }
}

/// What aw-watcher-web sends (aw-client-js): each request is announced by a preflight.
#[test]
fn the_browser_extension_records_with_all_credentials() {
    const ORIGINS: [&str; 2] = [
        "moz-extension://0a1b2c3d-0000-4000-8000-000000000001",
        "chrome-extension://nglaklhklhcoonedhgnpgddginnjdadi",
    ];
    for credentials in ALL {
        let (_installation, server, secret) = server(credentials);
        for (index, origin) in ORIGINS.into_iter().enumerate() {
            let bucket = format!("/api/0/buckets/aw-watcher-web-{index}_desk");
            let bearer = secret.as_ref().map(|secret| format!("Bearer {secret}"));
            let new = json!({"client": "aw-client-web", "type": "web.tab.current", "hostname": "unknown"});
            let tab = json!({"url": "u", "title": "t", "audible": false, "incognito": false, "tabCount": 3});
            let beat = json!({"timestamp": "2026-01-05T09:00:00.000Z", "duration": 0, "data": tab});
            let heartbeat = format!("{bucket}/heartbeat?pulsetime=80");
            for (method, target, body, expected) in [
                ("GET", "/api/0/info", None, 200),
                ("POST", bucket.as_str(), Some(&new), 200),
                ("POST", bucket.as_str(), Some(&new), 304),
                ("POST", heartbeat.as_str(), Some(&beat), 200),
                ("POST", heartbeat.as_str(), Some(&beat), 200),
            ] {
                let answer = as_a_browser(&server, origin, bearer.as_deref(), method, target, body);
                assert_eq!(
                    answer.status,
                    expected,
                    "{credentials:?} {method} {target}: {}",
                    answer.text()
                );
                let readable = answer.header("access-control-allow-origin");
                assert_eq!(
                    readable.as_deref(),
                    Some(origin),
                    "{credentials:?} {method} {target}"
                );
            }
            let export = as_a_browser(&server, origin, bearer.as_deref(), "GET", "/api/0/export", None);
            let expected = if credentials == Credentials::Key { 200 } else { 403 };
            assert_eq!(export.status, expected, "{credentials:?}: {}", export.text());
        }
        server.stop();
    }
}

/// A request of a page, after its preflight, which must promise it.
fn as_a_browser(
    server: &Server,
    origin: &str,
    bearer: Option<&str>,
    method: &str,
    target: &str,
    body: Option<&Value>,
) -> Answer {
    let body = body.map(|body| body.to_string().into_bytes());
    let mut connection = Connection::open(server.port).expect("a connection");
    let mut headers = connection.usual_headers(body.as_deref());
    headers.push(("origin".to_owned(), origin.to_owned()));
    headers.push(("sec-fetch-site".to_owned(), "cross-site".to_owned()));
    let mut preflight = headers.clone();
    preflight.retain(|(name, _)| !name.starts_with("content-"));
    preflight.push(("access-control-request-method".to_owned(), method.to_owned()));
    let asked = "authorization,content-type".to_owned();
    preflight.push(("access-control-request-headers".to_owned(), asked.clone()));
    let promise = connection
        .exchange("OPTIONS", target, &preflight, b"")
        .expect("an answer");
    if promise.status == 200 {
        assert_eq!(
            promise.header("access-control-allow-headers"),
            Some(asked),
            "{target}"
        );
    }
    if let Some(bearer) = bearer {
        headers.push(("authorization".to_owned(), bearer.to_owned()));
    }
    let body = body.unwrap_or_default();
    connection
        .exchange(method, target, &headers, &body)
        .expect("an answer")
}

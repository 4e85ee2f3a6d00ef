//! What pages and extensions get from the real server: the table in `docs/access.md`, row by row, over plain sockets.

use std::io;

use crate::harness::http::{Answer, Connection};
use crate::harness::server::Installation;

/// Requests for each column of the table.
const COLUMNS: [&[(&str, &str)]; 6] = [
    &[("GET", "/api/0/info")],
    &[("GET", "/api/0/buckets/"), ("GET", "//api/0/buckets/b")],
    &[
        ("POST", "/api/0/buckets/b"),
        ("POST", "/api/0/buckets/b/heartbeat?pulsetime=1"),
    ],
    &[
        ("GET", "/api/0/buckets/b/events"),
        ("GET", "//api/0/export"),
        ("GET", "/api/0/settings"),
        ("GET", "/api/1/status"),
        ("GET", "/metrics"),
    ],
    &[
        ("POST", "/api/0/buckets/b/events"),
        ("POST", "/api/0/import"),
        ("POST", "/api/0/settings/k"),
        ("PUT", "/api/0/buckets/b"),
        ("DELETE", "/api/0/buckets/none"),
        ("POST", "/api/1/purge"),
    ],
    &[("GET", "/"), ("GET", "/health"), ("GET", "/none.js")],
];

/// Headers for each row of the table; `HOST` stands for the server's own address.
const ROWS: [&[&[(&str, &str)]]; 9] = [
    &[
        &[("host", "HOST")],
        &[("host", "localhost"), ("sec-fetch-site", "same-origin")],
        &[("host", "HOST"), ("sec-fetch-site", "none")],
    ],
    &[&[
        ("host", "HOST"),
        ("origin", "http://HOST"),
        ("sec-fetch-site", "same-origin"),
    ]],
    &[
        &[],
        &[("host", "")],
        &[("host", "rebound.example")],
        &[("host", "rebound.example"), ("origin", "http://rebound.example")],
        &[("host", "127.0.0.1.nip.io"), ("origin", "null")],
        &[("host", "HOST"), ("host", "rebound.example")],
    ],
    &[
        &[("host", "HOST"), ("origin", "null")],
        &[("host", "HOST"), ("origin", "http://evil.example")],
        &[("host", "HOST"), ("origin", "http://127.0.0.1:1")],
        &[("host", "HOST"), ("origin", "https://HOST")],
        &[("host", "HOST"), ("origin", "http://HOST.evil.example")],
    ],
    &[
        &[("host", "HOST"), ("sec-fetch-site", "cross-site")],
        &[
            ("host", "HOST"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "no-cors"),
        ],
        &[
            ("host", "HOST"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "iframe"),
        ],
    ],
    &[&[
        ("host", "HOST"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-dest", "image"),
    ]],
    &[&[
        ("host", "HOST"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ]],
    &[
        &[("host", "HOST"), ("origin", "moz-extension://0a1b")],
        &[
            ("host", "HOST"),
            ("origin", "chrome-extension://nglaklhklhcoonedhgnpgddginnjdadi"),
        ],
    ],
    &[
        &[("host", "HOST"), ("origin", "chrome-extension://someoneelse")],
        &[("host", "HOST"), ("origin", "safari-web-extension://0A1B")],
    ],
];

/// What forms can send without asking first, and JSON.
const BODIES: [(&str, &str); 4] = [
    ("application/json", "{}"),
    ("text/plain", "{}"),
    ("application/x-www-form-urlencoded", "a=b"),
    (
        "multipart/form-data; boundary=x",
        "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n{\"buckets\":{}}\r\n--x--\r\n",
    ),
];

fn documented() -> Vec<Vec<String>> {
    let page = include_str!("../../../../docs/access.md");
    let table = page.split("<!-- origins -->").nth(1).expect("the table");
    let lines = table.lines().filter(|line| line.starts_with("| ")).skip(1);
    lines
        .map(|line| {
            let cells = line.trim_matches('|').split('|').skip(1);
            cells.map(|cell| cell.trim().to_owned()).collect()
        })
        .collect()
}

struct Sender {
    connection: Connection,
    port: u16,
}

impl Sender {
    fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> io::Result<Answer> {
        if self.connection.is_closed() {
            self.connection = Connection::open(self.port)?;
        }
        self.connection.exchange(method, target, headers, body)
    }
}

#[test]
fn no_page_gets_more_from_the_server_than_the_documentation_says() {
    let table = documented();
    let installation = Installation::new();
    // Not in testing mode, which trusts more.
    let mut command = installation.program();
    command.args(["serve", "--port", &installation.port.to_string(), "--dbpath"]);
    command.arg(&installation.data);
    let server = installation.start_as(command);
    let own = format!("127.0.0.1:{}", server.port);
    let mut sender = Sender {
        connection: Connection::open(server.port).expect("a connection"),
        port: server.port,
    };
    let mut sent = 0;
    for (row, variants) in ROWS.into_iter().enumerate() {
        for (variant, (content_type, body)) in variants.iter().flat_map(|v| BODIES.map(|body| (v, body))) {
            for (column, (method, target)) in COLUMNS
                .iter()
                .enumerate()
                .flat_map(|(column, requests)| requests.iter().map(move |request| (column, request)))
            {
                if *method == "GET" && content_type != BODIES[0].0 {
                    continue;
                }
                let mut headers: Vec<_> = variant
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), value.replace("HOST", &own)))
                    .collect();
                let body = if *method == "GET" { "" } else { body };
                headers.push(("content-type".to_owned(), content_type.to_owned()));
                headers.push(("content-length".to_owned(), body.len().to_string()));
                let answer = sender.send(method, target, &headers, body.as_bytes());
                let answer = answer.unwrap_or_else(|error| panic!("{method} {target} {headers:?}: {error}"));
                let by_guard = matches!(answer.status, 403)
                    || (answer.status == 400 && answer.text().contains("Host header"));
                let expected = &table[row][column];
                let said = format!(
                    "{method} {target} {headers:?}: {} {}",
                    answer.status,
                    answer.text()
                );
                match expected.as_str() {
                    "yes" => assert!(!by_guard, "{said}"),
                    // The bucket is not the extension's.
                    "its own" => assert!(
                        answer.status == 403 || answer.text() == "{}" || answer.status == 404,
                        "{said}"
                    ),
                    status => assert_eq!(answer.status.to_string(), status, "{said}"),
                }
                sent += 1;
            }
        }
    }
    println!("{sent} requests");
    assert!(sent >= 1_000, "{sent}");
    server.stop();
}

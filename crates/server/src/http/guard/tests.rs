//! What web pages and extensions can make a browser send to a server on the loopback, in every combination. The table
//! in `docs/access.md` is compared with all of them.

use http::HeaderName;
use http::header::CONTENT_TYPE;

use super::*;

/// The page that users read.
const PAGE: &str = include_str!("../../../../../docs/access.md");

const OWN: &str = "http://127.0.0.1:5600";
const IN_CORS: &str = "https://dash.example";

const HOSTS: [&[&str]; 8] = [
    &["127.0.0.1:5600"],
    &["localhost"],
    &["[::1]:5600"],
    &["rebound.example:5600"],
    &["127.0.0.1.nip.io"],
    &[""],
    &[],
    &["127.0.0.1:5600", "rebound.example"],
];
const ORIGINS: [Option<&str>; 13] = [
    None,
    Some(OWN),
    Some(IN_CORS),
    Some("null"),
    Some(""),
    Some("http://evil.example"),
    Some("http://127.0.0.1:8000"),
    Some("https://127.0.0.1:5600"),
    Some("http://rebound.example:5600"),
    Some("moz-extension://0a1b"),
    Some("chrome-extension://nglaklhklhcoonedhgnpgddginnjdadi"),
    Some("chrome-extension://someoneelse"),
    Some("safari-web-extension://0A1B"),
];
/// `Sec-Fetch-Site`, `-Mode` and `-Dest`.
const FETCHES: [Option<[&str; 3]>; 8] = [
    None,
    Some(["same-origin", "cors", "empty"]),
    Some(["none", "navigate", "document"]),
    Some(["same-site", "no-cors", "image"]),
    Some(["cross-site", "cors", "empty"]),
    Some(["cross-site", "no-cors", "script"]),
    Some(["cross-site", "navigate", "iframe"]),
    Some(["cross-site", "navigate", "document"]),
];
/// What a form can send, and what only a script can.
const TYPES: [&str; 4] = [
    "application/json",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
];

/// The columns of the table, with the requests that they stand for.
const COLUMNS: [(&str, &[(&str, &str)]); 6] = [
    ("`info`", &[("GET", "/api/0/info")]),
    (
        "buckets",
        &[("GET", "/api/0/buckets/"), ("GET", "/api/0/buckets/b")],
    ),
    (
        "record",
        &[
            ("POST", "/api/0/buckets/b"),
            ("POST", "/api/0/buckets/b/heartbeat"),
        ],
    ),
    (
        "read",
        &[
            ("GET", "/api/0/buckets/b/events"),
            ("GET", "/api/0/export"),
            ("GET", "/api/0/settings"),
            ("GET", "/api/1/status"),
            ("GET", "/metrics"),
        ],
    ),
    (
        "change",
        &[
            ("POST", "/api/0/buckets/b/events"),
            ("POST", "/api/0/import"),
            ("POST", "/api/0/query"),
            ("POST", "/api/0/settings/k"),
            ("DELETE", "/api/0/buckets/b"),
            ("PUT", "/api/0/buckets/b"),
            ("POST", "/api/1/purge"),
            ("PATCH", "/api/2/new"),
        ],
    ),
    (
        "files",
        &[("GET", "/"), ("GET", "/js/app.js"), ("GET", "/health")],
    ),
];

/// The rows of the table: who asks, with an example of it (host, origin, fetch, whether credentials are needed).
type Example = (
    &'static [&'static str],
    Option<&'static str>,
    Option<[&'static str; 3]>,
    bool,
);
const ROWS: [(&str, Example); 10] = [
    (
        "a program, or the user: neither `Origin` nor `Sec-Fetch-Site`, or `same-origin`, `none`",
        (HOSTS[0], None, None, false),
    ),
    (
        "a page of this server; an origin in `cors`",
        (HOSTS[0], Some(OWN), None, false),
    ),
    (
        "no `Host`, several, or another name in it (DNS rebinding)",
        (HOSTS[3], None, None, false),
    ),
    (
        "a page of another site or port, a file, a sandboxed frame: `Origin: http://…`, `null`",
        (HOSTS[0], Some("null"), None, false),
    ),
    (
        "no `Origin`, `Sec-Fetch-Site: cross-site` (an image, a script, a frame)",
        (HOSTS[0], None, FETCHES[5], false),
    ),
    (
        "no `Origin`, `Sec-Fetch-Site: same-site` (another port of this machine)",
        (HOSTS[0], None, FETCHES[3], false),
    ),
    (
        "the user follows a link from another site",
        (HOSTS[0], None, FETCHES[7], false),
    ),
    (
        "a Firefox add-on, ActivityWatch's Chrome extension",
        (HOSTS[0], Some("moz-extension://0a1b"), None, false),
    ),
    (
        "any other extension",
        (HOSTS[0], Some("chrome-extension://someoneelse"), None, false),
    ),
    (
        "any extension, if the server asks for credentials",
        (HOSTS[0], Some("chrome-extension://someoneelse"), None, true),
    ),
];

fn guard() -> Guard {
    let mut settings = crate::settings::test_settings();
    settings.access.cors = vec![IN_CORS.to_owned()];
    Guard::new(&settings, 5600, "host").unwrap()
}

fn head(method: &str, path: &str, (hosts, origin, fetch, _): Example, content_type: &str) -> request::Parts {
    let (mut head, ()) = http::Request::new(()).into_parts();
    head.method = method.parse().unwrap();
    head.uri = path.parse().unwrap();
    let mut add = |name: &'static str, value: &str| {
        let value = HeaderValue::from_str(value).unwrap();
        head.headers.append(HeaderName::from_static(name), value);
    };
    hosts.iter().for_each(|host| add("host", host));
    origin.iter().for_each(|origin| add("origin", origin));
    if let Some([site, mode, dest]) = fetch {
        add("sec-fetch-site", site);
        add("sec-fetch-mode", mode);
        add("sec-fetch-dest", dest);
    }
    add(CONTENT_TYPE.as_str(), content_type);
    head
}

/// What the guard says, as it stands in the table.
fn said(guard: &Guard, head: &request::Parts, keyed: bool) -> String {
    let by_key = keyed && !is_open(head.uri.path());
    match guard.check(head, keyed) {
        Verdict::Pass(_) if by_key => "by credentials".to_owned(),
        Verdict::Pass(_) => "yes".to_owned(),
        Verdict::PassExtension(_) if head.method == Method::GET && head.uri.path().contains("/buckets") => {
            "its own".to_owned()
        }
        Verdict::PassExtension(_) => "yes".to_owned(),
        Verdict::Refuse(error) => error.status().as_str().to_owned(),
        Verdict::Answer(_) => "a preflight".to_owned(),
    }
}

/// Which row a request belongs to. Decided by what it is, not as the guard does it.
fn row((hosts, origin, fetch, keyed): Example, method: &str) -> usize {
    let own_host = |host: &&&str| matches!(**host, "127.0.0.1:5600" | "localhost" | "[::1]:5600");
    if hosts.len() != 1 || hosts.iter().find(own_host).is_none() {
        return 2;
    }
    let extensions = ["moz-extension:", "chrome-extension:", "safari-web-extension:"];
    match origin {
        Some(OWN | IN_CORS) => 1,
        Some(origin) if extensions.iter().any(|scheme| origin.starts_with(scheme)) => match origin {
            _ if keyed => 9,
            "chrome-extension://someoneelse" | "safari-web-extension://0A1B" => 8,
            _ => 7,
        },
        Some(_) => 3,
        None => match fetch {
            Some(["cross-site", "navigate", "document"]) if method == "GET" => 6,
            Some(["cross-site", ..]) => 4,
            Some(["same-site", ..]) => 5,
            _ => 0,
        },
    }
}

/// The cells of the table on the page.
fn shown() -> Vec<Vec<String>> {
    let marked = PAGE.split("<!-- origins -->").nth(1).unwrap_or_default();
    let lines = marked.lines().filter(|line| line.starts_with("| ")).skip(1);
    lines
        .map(|line| {
            let cells = line.trim_matches('|').split('|').skip(1);
            cells.map(|cell| cell.trim().to_owned()).collect()
        })
        .collect()
}

/// The page is generated from the guard: this prints what it should say.
#[test]
fn the_documentation_page_shows_the_table() {
    let guard = guard();
    let names = COLUMNS.map(|(name, _)| name).join(" | ");
    let mut expected = format!("| who asks | {names} |\n|---|---|---|---|---|---|---|\n");
    for (who, example) in ROWS {
        let cells = COLUMNS.map(|(_, requests)| {
            let (method, path) = requests[0];
            said(&guard, &head(method, path, example, TYPES[0]), example.3)
        });
        expected += &format!("| {who} | {} |\n", cells.join(" | "));
    }
    let marked = PAGE.split("<!-- origins -->").nth(1).unwrap_or_default();
    assert_eq!(
        marked.trim(),
        expected.trim(),
        "docs/access.md should have:\n{expected}"
    );
}

#[test]
fn no_page_and_no_extension_gets_more_than_the_page_says() {
    let guard = guard();
    let shown = shown();
    let mut combinations = 0;
    let examples = HOSTS.into_iter().flat_map(|hosts| {
        let origins = ORIGINS.into_iter();
        origins.flat_map(move |origin| FETCHES.map(|fetch| (hosts, origin, fetch)))
    });
    for (hosts, origin, fetch) in examples {
        for keyed in [false, true] {
            let example = (hosts, origin, fetch, keyed);
            for (column, (_, requests)) in COLUMNS.into_iter().enumerate() {
                for (method, path) in requests {
                    let cell = &shown[row(example, method)][column];
                    let cross = fetch.is_some_and(|[site, mode, dest]| {
                        site == "cross-site" && (mode, dest) != ("navigate", "document")
                    });
                    let expected = match cell.as_str() {
                        // As the page says below the table.
                        "yes" if column == 5 && cross && !matches!(row(example, method), 0 | 1) => "403",
                        "yes" | "its own" if keyed && !is_open(path) => "by credentials",
                        cell => cell,
                    };
                    for content_type in TYPES {
                        let said = said(&guard, &head(method, path, example, content_type), keyed);
                        assert_eq!(said, expected, "{method} {path} {example:?} {content_type}");
                        combinations += 1;
                    }
                }
            }
        }
    }
    println!("{combinations} combinations");
    assert!(combinations >= 100_000, "{combinations}");
}

/// No page of another site can ask for more by a preflight, and none learns that it may read an answer.
#[test]
fn a_preflight_promises_what_the_page_says() {
    let guard = guard();
    let shown = shown();
    for origin in ORIGINS.into_iter().flatten() {
        for keyed in [false, true] {
            let example = (HOSTS[0], Some(origin), None, keyed);
            for (column, (_, requests)) in COLUMNS.into_iter().enumerate().take(5) {
                for (method, path) in requests {
                    let mut head = head("OPTIONS", path, example, TYPES[0]);
                    let asked = HeaderValue::from_static(method);
                    head.headers.insert(ACCESS_CONTROL_REQUEST_METHOD, asked);
                    let allowed = match guard.check(&head, keyed) {
                        Verdict::Answer(answer) => answer.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN),
                        _ => false,
                    };
                    let refused = matches!(shown[row(example, method)][column].as_str(), "400" | "403");
                    assert_eq!(allowed, !refused, "{origin} {method} {path}, {keyed}");
                }
            }
        }
    }
}

/// A page whose own name points to this machine may send any header to it. To the server, it comes from the same address as
/// the proxy.
#[test]
fn what_a_page_says_as_if_it_were_a_proxy_helps_it_nothing() {
    let mut settings = crate::settings::test_settings();
    settings.network.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    settings.access.allowed_hosts = vec!["aw.example".to_owned()];
    let guard = Guard::new(&settings, 5600, "host").unwrap();
    let said = |host, forwarded: &str, origin| {
        let mut head = head("GET", "/api/0/export", (host, origin, None, false), TYPES[0]);
        for (name, value) in [("x-forwarded-host", forwarded), ("x-forwarded-proto", "https")] {
            let value = HeaderValue::from_str(value).unwrap();
            head.headers.insert(HeaderName::from_static(name), value);
        }
        crate::http::forwarded::resolve(&mut head, [127, 0, 0, 1].into(), &settings.network);
        said(&guard, &head, false)
    };
    let proxy = HOSTS[0];
    assert_eq!(said(proxy, "aw.example", None), "yes");
    assert_eq!(said(proxy, "aw.example", Some("https://aw.example")), "yes");
    assert_eq!(said(proxy, "aw.example", Some("http://aw.example")), "403");
    assert_eq!(said(proxy, "aw.example", Some("https://evil.example")), "403");
    assert_eq!(said(proxy, "evil.example", None), "400");
    assert_eq!(said(proxy, "evil.example", Some("https://evil.example")), "400");
    for rebound in [HOSTS[3], HOSTS[4], HOSTS[6], HOSTS[7]] {
        assert_eq!(said(rebound, "aw.example", None), "400", "{rebound:?}");
        assert_eq!(said(rebound, "127.0.0.1:5600", None), "400", "{rebound:?}");
    }
}

#[test]
fn several_origins_are_none_of_ours() {
    let mut head = head(
        "GET",
        "/api/0/export",
        (HOSTS[0], Some(OWN), None, false),
        TYPES[0],
    );
    assert_eq!(said(&guard(), &head, false), "yes");
    head.headers
        .append(ORIGIN, HeaderValue::from_static("http://evil.example"));
    assert_eq!(said(&guard(), &head, false), "403");
}

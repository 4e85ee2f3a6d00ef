use std::collections::BTreeSet;

use super::*;
use crate::access::is_open;

/// The table as users see it.
const PAGE: &str = include_str!("../../../../../docs/access.md");

/// Routes outside `/api` that need no credentials.
const OPEN: [&str; 5] = ["/api", "/health", "/ready", "/", "/pages/{page}"];

/// One row of the page: method, path, whether it needs no credentials, and for each scope whether it may, with any buckets
/// and with named ones.
struct Row {
    method: Method,
    path: String,
    open: bool,
    scopes: Vec<Scope>,
    limited: bool,
}

fn rows() -> Vec<Row> {
    let marked = PAGE.split("<!-- table -->").nth(1).unwrap();
    let rows = marked.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let scopes = Scope::ALL.into_iter().zip(&cells[3..7]);
        Row {
            method: cells[0].trim_matches('`').parse().unwrap(),
            path: cells[1].trim_matches('`').to_owned(),
            open: cells[2] == "yes",
            scopes: scopes
                .filter(|(_, cell)| **cell == "yes")
                .map(|(scope, _)| scope)
                .collect(),
            limited: cells[7] != "no",
        }
    })
    .collect()
}

/// The page is generated from the table: this prints what it should say.
#[test]
fn the_documentation_page_shows_the_table() {
    let mut expected = String::new();
    let mut row = |method: &str, path: &str, need: Need, limited: &str| {
        let cells = Scope::ALL.map(|scope| if need.is_met_by(scope) { "yes" } else { "no" });
        let open = if need == Need::Nothing { "yes" } else { "no" };
        expected += &format!(
            "| `{method}` | `{path}` | {open} | {} | {limited} |\n",
            cells.join(" | ")
        );
    };
    for (method, segments, need) in TABLE {
        let path: Vec<String> = segments
            .iter()
            .map(|s| {
                if *s == ANY {
                    "{id}".to_owned()
                } else {
                    (*s).to_owned()
                }
            })
            .collect();
        let limited = match path.join("/").as_str() {
            _ if *need == Need::Nothing => "yes",
            "0/buckets" => "shows these",
            "1/buckets" if *method == "GET" => "shows these",
            "1/export" if *method == "GET" => "has these",
            "1/stream" => "has these",
            "1/timeline" | "1/events" | "1/search" => "has these",
            "1/heartbeats" => "these",
            _ if segments.contains(&BUCKET) => "these",
            _ => "no",
        };
        row(method, &format!("/api/{}", path.join("/")), *need, limited);
    }
    row("GET", "/metrics", Need::Read, "no");
    row("POST", "/mcp", Need::Read, "no");
    OPEN.into_iter()
        .for_each(|path| row("GET", path, Need::Nothing, "yes"));
    let marked = PAGE.split("<!-- table -->").nth(1).unwrap_or_default();
    let shown: String = marked
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(shown, expected, "docs/access.md should have:\n{expected}");
}

/// A name is no way into the bucket that it has become an alias of.
#[test]
fn who_is_for_an_alias_may_only_record() {
    let id_of = |name: &str| match name {
        "mine_old" | "other" => Some("other".to_owned()),
        "mine_a" | "mine_b" => Some("mine_a".to_owned()),
        _ => None,
    };
    let limits = ["mine_*".to_owned()];
    let of = |method: &str, path: &str| extent(&limits, &method.parse().unwrap(), path, id_of);
    assert_eq!(of("POST", "/api/0/buckets/mine_old/heartbeat"), Extent::Recording);
    assert_eq!(of("POST", "/api/0/buckets/mine_old"), Extent::Recording);
    for (method, path) in [
        ("GET", "/api/0/buckets/mine_old/events"),
        ("HEAD", "/api/0/buckets/mine%5Fold/export"),
        ("GET", "/api/0/buckets/mine_old"),
        ("DELETE", "/api/0/buckets/mine_old"),
        ("PATCH", "/api/1/buckets/mine_old"),
    ] {
        assert_eq!(of(method, path), Extent::Nothing, "{method} {path}");
    }
    for path in [
        "/api/0/buckets/mine_b/events",
        "/api/0/buckets/mine_new/events",
        "/api/0/buckets",
    ] {
        assert_eq!(of("GET", path), Extent::Scope, "{path}");
    }
    let events = "/api/0/buckets/mine_old/events".to_owned();
    assert_eq!(extent(&[], &Method::GET, &events, id_of), Extent::Scope);
}

/// A route that nobody has thought about is closed to all but `admin`. It should not stay so by accident.
#[test]
fn every_route_has_a_row() {
    let sources = [
        include_str!("../../api/mod.rs"),
        include_str!("../../api/v0/mod.rs"),
        include_str!("../../api/v1/mod.rs"),
        include_str!("../../api/mcp/mod.rs"),
    ];
    let rows = rows();
    let mut routes = 0;
    for route in sources.iter().flat_map(|source| source.split(".route(").skip(1)) {
        let path = route.split('"').nth(1).unwrap();
        let ends = |text: &&str| text.starts_with(".method_not_allowed") || text.starts_with(".with_state");
        let end = (0..route.len()).find(|at| route.get(*at..).as_ref().is_some_and(ends));
        let handlers = &route[..end.unwrap_or(route.len())];
        if handlers.contains(" any(") {
            continue;
        }
        for (method, call) in [
            ("GET", "get("),
            ("POST", "post("),
            ("PUT", "put("),
            ("DELETE", "delete("),
            ("PATCH", "patch("),
        ] {
            let is_call = |before: &str| before.ends_with([' ', '.', ':', '\n', '(']);
            let mut found = handlers.match_indices(call);
            if !found.any(|(at, _)| is_call(&handlers[..at])) {
                continue;
            }
            routes += 1;
            let sent: Vec<&str> = path.split('/').collect();
            let fits = |row: &Row| {
                let wanted: Vec<&str> = row.path.split('/').collect();
                let same = |(wanted, sent): (&&str, &&str)| {
                    wanted == sent || (wanted.starts_with('{') && sent.starts_with('{'))
                };
                row.method == method && wanted.len() == sent.len() && wanted.iter().zip(&sent).all(same)
            };
            assert!(
                rows.iter().any(fits),
                "{method} {path} has no row in docs/access.md"
            );
        }
    }
    assert!(routes >= 30, "{routes} routes were found below api/");
}

/// A method and a path, in which every segment that may be anything is `{}`.
fn route_of(method: &str, path: &str) -> (String, String) {
    let anonymous = |segment: &str| if segment.starts_with('{') { "{}" } else { segment }.to_owned();
    let segments: Vec<String> = path.split('/').map(anonymous).collect();
    (method.to_uppercase(), segments.join("/"))
}

/// What clients are told that there is, and what there is, are the same.
#[test]
fn every_route_is_in_the_api_description() {
    let document = crate::api::openapi::document(&crate::settings::BasePath::default());
    let document = serde_json::to_value(document).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let described = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().keys();
        methods.map(move |method| route_of(method, path))
    });
    let described: BTreeSet<_> = described.collect();
    // The files of a page are no part of the API.
    let of_the_table = TABLE
        .iter()
        .filter(|(_, segments, _)| !matches!(segments, ["explorer.css" | "explorer.js"]))
        .map(|(method, segments, _)| route_of(method, &format!("/api/{}", segments.join("/"))));
    let others = ["/health", "/ready", "/metrics"].map(|path| route_of("GET", path));
    let others = others.into_iter().chain([route_of("POST", "/mcp")]);
    let there: BTreeSet<_> = of_the_table.chain(others).collect();
    let missing: Vec<_> = there.difference(&described).collect();
    assert!(
        missing.is_empty(),
        "not in the list of paths in api/openapi/mod.rs: {missing:?}"
    );
    let invented: Vec<_> = described.difference(&there).collect();
    assert!(invented.is_empty(), "not in the table of routes: {invented:?}");
}

#[test]
fn what_needs_no_credentials_is_open() {
    for row in rows() {
        let path = row.path.replace(BUCKET, "b").replace("{id}", "1");
        assert_eq!(is_open(&path), row.open, "{path}");
    }
}

/// Ways to write a path that a check may read otherwise than the router does.
fn tricks(path: &str) -> Vec<String> {
    let last = path.rsplit('/').next().unwrap_or_default().to_owned();
    let parent = path.strip_suffix(&last).unwrap_or_default().to_owned();
    vec![
        path.to_uppercase(),
        path.replacen("/api", "/API", 1),
        path.replacen("/api", "/%61pi", 1),
        path.replacen("/api/", "/api/x/../", 1),
        path.replacen("/api/", "/api/%2e%2e/api/", 1),
        path.replacen("/api/", "/api%2F", 1),
        path.replacen("/api/", "//api//", 1),
        path.replacen("/api/0/", "/api/0/info/../", 1),
        path.replacen("/api/0/", "/api/0/info/%2e%2e/", 1),
        path.replacen("/api/0/", "/api/0/info%2f..%2f", 1),
        format!("{path}."),
        format!("{path};a=b"),
        format!("{path}%20"),
        format!("{path}%00"),
        format!("{path}/."),
        format!("{path}/.."),
        format!("{path}/../info"),
        format!("{path}/%2e%2e/info"),
        format!("{path}%2F..%2Finfo"),
        format!("{parent};x/{last}"),
        format!("/api/0/buckets/mine_a/../..{path}"),
        format!("/api/0/buckets/mine_a%2F..%2F..{path}"),
        format!("/api/0/info{path}"),
        format!("/metrics/..{path}"),
    ]
}

/// Whether the page lets a request through, decided in another way than the table's function does it: by comparing whole
/// paths with the buckets filled in.
fn page_allows(rows: &[Row], scope: Scope, limits: &[String], method: &Method, path: &str) -> bool {
    let path = path.trim_end_matches('/');
    let method = if method == Method::HEAD {
        &Method::GET
    } else {
        method
    };
    let sent: Vec<&str> = path.split('/').collect();
    let mut fitting = rows.iter().filter(|row| {
        let wanted: Vec<&str> = row.path.split('/').collect();
        row.method == method
            && wanted.len() == sent.len()
            && wanted
                .iter()
                .zip(&sent)
                .all(|(wanted, sent)| wanted.starts_with('{') || wanted == sent)
    });
    let Some(row) = fitting.next() else {
        return scope == Scope::Admin && limits.is_empty();
    };
    if row.open && !row.path.starts_with("/api/") {
        // `allows` is not asked.
        return scope == Scope::Admin && limits.is_empty();
    }
    // `events/count` is also `events/{id}`: both rows say the same.
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(|id| id.into_owned());
    let named = row
        .path
        .split('/')
        .zip(&sent)
        .find(|(wanted, _)| *wanted == BUCKET);
    let within = match named {
        Some((_, segment)) => limits.is_empty() || decoded(segment).is_ok_and(|id| id.starts_with("mine_")),
        None => row.limited || limits.is_empty(),
    };
    row.scopes.contains(&scope) && within
}

#[test]
fn no_combination_gets_more_than_the_page_says() {
    let rows = rows();
    let mut paths: Vec<String> = Vec::new();
    for row in &rows {
        for bucket in [
            "mine_a",
            "other",
            "mine%5Fb",
            "x%2Fmine_a",
            "%ff",
            "..",
            "MINE_a",
            "mine_a;other",
            "other%00mine_",
        ] {
            let path = row.path.replace(BUCKET, bucket).replace("{id}", "1");
            if !paths.contains(&path) {
                paths.extend(tricks(&path));
                paths.push(format!("{path}/"));
                paths.push(path);
            }
        }
    }
    paths.extend(["/api", "/api/", "/api/0", "/api/2/new", "/api/1/import/run", ""].map(str::to_owned));
    let methods = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "TRACE", "get", "PURGE",
    ];
    let (mut combinations, mut allowed) = (0, 0);
    for scope in Scope::ALL {
        for limits in [Vec::new(), vec!["mine_*".to_owned()]] {
            for method in methods.map(|name| Method::from_bytes(name.as_bytes()).unwrap()) {
                for path in &paths {
                    let mut uri = path.parse().unwrap_or_default();
                    crate::http::paths::normalise(&mut uri);
                    let expected = page_allows(&rows, scope, &limits, &method, uri.path());
                    assert_eq!(
                        allows(scope, &limits, &method, uri.path()),
                        expected,
                        "{scope} {limits:?} {method} {path}"
                    );
                    combinations += 1;
                    allowed += usize::from(expected);
                }
            }
        }
    }
    println!("{combinations} combinations, {allowed} allowed");
    assert!(
        combinations > 100_000 && allowed > 1_000,
        "{combinations}, {allowed}"
    );
}

//! Categories through the API: the standard web UI's format comes back as it was, what it cannot show survives it, and every change
//! is a version that can be read, used and undone.

use serde_json::{Value, json};

use crate::harness::http::{self, Connection};
use crate::harness::page::Page;
use crate::harness::server::{Data, Installation, Server};

const PAGE: Page = Page {
    text: include_str!("../../../../docs/categories.md"),
    varying: &["time", "version"],
};
const CATEGORIES: &str = "/api/1/categories";
const SETTING: &str = "/api/0/settings/classes";
const BUCKET: &str = "aw-watcher-window_laptop";

#[test]
fn every_example_is_answered_as_shown() {
    PAGE.check(7);
}

fn ask(server: &Server, method: &str, target: &str, body: Option<&Value>, status: u16) -> Value {
    let body = body.map(Value::to_string);
    let mut connection = Connection::open(server.port).expect("a connection");
    let answer = connection
        .request(method, target, body.as_ref().map(String::as_bytes))
        .expect("an answer");
    assert_eq!(answer.status, status, "{method} {target}: {}", answer.text());
    answer.json().unwrap_or_default()
}

fn get(server: &Server, target: &str) -> Value {
    ask(server, "GET", target, None, 200)
}

fn put(server: &Server, categories: &Value, status: u16) -> Value {
    ask(
        server,
        "PUT",
        CATEGORIES,
        Some(&json!({ "categories": categories })),
        status,
    )
}

/// With `If-Match`.
fn put_if(server: &Server, categories: &Value, version: &str, status: u16) {
    let body = json!({ "categories": categories }).to_string();
    let headers = [
        ("Host", format!("127.0.0.1:{}", server.port)),
        ("Content-Type", "application/json".to_owned()),
        ("Content-Length", body.len().to_string()),
        ("If-Match", format!("\"{version}\"")),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value));
    let mut connection = Connection::open(server.port).expect("a connection");
    let answer = connection
        .exchange("PUT", CATEGORIES, &headers, body.as_bytes())
        .expect("an answer");
    assert_eq!(answer.status, status, "{}", answer.text());
}

/// A bucket with an hour of vim and an hour of Firefox.
fn record(server: &Server) {
    let bucket = json!({"client": "c", "type": "currentwindow", "hostname": "laptop"});
    ask(
        server,
        "POST",
        &format!("/api/0/buckets/{BUCKET}"),
        Some(&bucket),
        200,
    );
    let event = |hour: u32, app: &str| json!({"timestamp": format!("2024-03-01T{hour:02}:00:00Z"), "duration": 3600, "data": {"app": app, "title": "t"}});
    let events = json!([event(9, "vim"), event(10, "Firefox")]);
    ask(
        server,
        "POST",
        &format!("/api/0/buckets/{BUCKET}/events"),
        Some(&events),
        200,
    );
}

/// Seconds of each category, by `categorize` without rules.
fn seconds(server: &Server, as_of: Option<u64>) -> Value {
    let program = format!(
        "events = categorize(query_bucket('{BUCKET}')); RETURN = merge_events_by_keys(sort_by_timestamp(events), ['$category']);"
    );
    let mut body = json!({"query": [program], "timeperiods": ["2024-03-01T00:00:00Z/2024-03-02T00:00:00Z"]});
    if let Some(seq) = as_of {
        body["as_of"] = json!(seq);
    }
    let answer = ask(server, "POST", "/api/0/query", Some(&body), 200);
    let events = answer[0].as_array().expect("events").iter();
    events
        .map(|event| json!([event["data"]["$category"], event["duration"]]))
        .collect()
}

fn category(name: &[&str], regex: &str) -> Value {
    json!({"name": name, "rule": {"type": "regex", "regex": regex}})
}

/// As the standard web UI stores it: with ids from 0, colours and scores, and what a later version may add.
fn of_the_web_ui() -> Value {
    json!([
        {"name": ["Work"], "rule": {"type": "regex", "regex": "vim", "ignore_case": true}, "data": {"color": "#0F0", "score": 5}, "id": 0},
        {"name": ["Work", "Mail"], "rule": {"type": "regex", "regex": "Thunderbird|\\bMail\\b", "select_keys": ["app"], "priority": 70}, "id": 1},
        {"name": ["Media"], "rule": {"type": "none"}, "data": {"color": "#F00"}, "id": 2, "later": {"any": [1.5, null]}},
        {"name": ["Comms"], "rule": {"type": null}, "id": 3}
    ])
}

#[test]
fn switching_between_the_web_ui_and_this_api_loses_nothing() {
    let installation = Installation::new();
    let server = installation.start();
    let first = get(&server, CATEGORIES);
    assert_eq!(
        (&first["stored"], first["categories"].as_array().map(Vec::len)),
        (&json!(false), Some(15))
    );

    ask(&server, "POST", SETTING, Some(&of_the_web_ui()), 201);
    let shown = get(&server, CATEGORIES);
    assert_eq!(shown["categories"], of_the_web_ui());
    assert_eq!(shown["problems"], json!([]));
    assert_eq!(
        put(&server, &shown["categories"], 200)["version"],
        shown["version"]
    );
    assert_eq!(get(&server, SETTING), of_the_web_ui());

    // A rule that the web UI cannot show.
    let rule = json!({"type": "and", "rules": [
        {"type": "text", "text": "Firefox", "field": "app"}, {"type": "time", "from": "10:30", "zone": "UTC"}]});
    let mut categories = of_the_web_ui();
    categories
        .as_array_mut()
        .expect("a list")
        .push(json!({"name": ["Break"], "rule": rule}));
    put(&server, &categories, 200);
    let mut setting = get(&server, SETTING);
    assert_eq!(
        (&setting[4]["rule"], &setting[4]["id"]),
        (&json!({"type": "none"}), &json!(4))
    );

    // The web UI moves the category, gives out its ids again, and stores all of them.
    setting[4]["name"] = json!(["Media", "Break"]);
    setting[4]["data"] = json!({"color": "#123456"});
    setting[4]["id"] = json!(9);
    ask(&server, "POST", SETTING, Some(&setting), 201);
    let shown = get(&server, CATEGORIES);
    assert_eq!(shown["categories"][4]["rule"], rule);
    assert_eq!(shown["categories"][4]["name"], json!(["Media", "Break"]));
    assert!(shown["categories"][4].get("timberline").is_none());
    record(&server);
    let expected = json!([
        [["Work"], 3600.0],
        [["Uncategorized"], 1800.0],
        [["Media", "Break"], 1800.0]
    ]);
    assert_eq!(seconds(&server, None), expected);
    server.stop();
    installation.verify();
}

#[test]
fn what_cannot_be_stored_is_refused_with_the_category_and_the_place() {
    let installation = Installation::new();
    let server = installation.start();
    for (categories, parts) in [
        (
            json!([category(&["A"], "a"), category(&["B", "C"], "ab(c")]),
            vec!["category 2 (B > C)", "at character 3"],
        ),
        (
            json!([{"name": ["A"], "rule": {"type": "and", "rules": [{"type": "nothing"}]}}]),
            vec!["category 1", "part 1", "\"nothing\""],
        ),
        (
            json!([{"name": ["A"], "id": 1}, {"name": ["B"], "id": 1}]),
            vec!["category 2", "id 1", "category 1"],
        ),
        (json!([{"name": ["A", ""]}]), vec!["category 1", "empty"]),
        (json!([{"name": [null]}]), vec!["category 1", "name"]),
        (json!({"name": ["A"]}), vec!["list"]),
    ] {
        let error = put(&server, &categories, 422);
        let message = error["message"].as_str().expect("a message");
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    }
    assert_eq!(get(&server, CATEGORIES)["stored"], false);
    // The web UI may have stored it anyway.
    ask(
        &server,
        "POST",
        SETTING,
        Some(&json!([category(&["B"], "ab(c")])),
        201,
    );
    let problem = &get(&server, CATEGORIES)["problems"][0];
    assert_eq!(
        (&problem["index"], &problem["category"], &problem["position"]),
        (&json!(0), &json!(["B"]), &json!(2))
    );
    server.stop();
}

#[test]
fn an_update_that_somebody_else_has_overtaken_is_refused() {
    let installation = Installation::new();
    let server = installation.start();
    let version = |server: &Server| {
        get(server, CATEGORIES)["version"]
            .as_str()
            .expect("a version")
            .to_owned()
    };
    let first = version(&server);
    put_if(&server, &json!([category(&["A"], "a")]), &first, 200);
    put_if(&server, &json!([category(&["B"], "b")]), &first, 412);
    assert_eq!(get(&server, CATEGORIES)["categories"][0]["name"], json!(["A"]));
    put_if(&server, &json!([category(&["B"], "b")]), &version(&server), 200);
    let answer = http::get(server.port, CATEGORIES).expect("an answer");
    assert_eq!(answer.header("etag"), Some(format!("\"{}\"", version(&server))));
    server.stop();
}

fn versions_of(data: Data) {
    let installation = Installation::with(data);
    let server = installation.start();
    record(&server);
    put(&server, &json!([category(&["Work"], "vim")]), 200);
    put(
        &server,
        &json!([category(&["Work"], "vim|Firefox"), category(&["New"], "zzz")]),
        200,
    );
    ask(&server, "DELETE", SETTING, None, 200);

    let versions = get(&server, &format!("{CATEGORIES}/versions"))["versions"].clone();
    assert_eq!(versions.as_array().map(Vec::len), Some(3));
    assert_eq!(
        (&versions[0]["stored"], &versions[0]["removed"]),
        (&json!(false), &json!([["New"]]))
    );
    assert_eq!(
        (&versions[1]["added"], &versions[1]["changed"]),
        (&json!([["New"]]), &json!([["Work"]]))
    );
    let seq = |i: usize| versions[i]["seq"].as_u64().expect("a number");
    let page = get(&server, &format!("{CATEGORIES}/versions?limit=1&to={}", seq(1)));
    assert_eq!(
        (&page["versions"][0], &page["next"]),
        (&versions[1], &json!(seq(2)))
    );
    for i in 0..3 {
        let version = get(&server, &format!("{CATEGORIES}?version={}", seq(i)));
        assert_eq!(version["version"], versions[i]["version"]);
        assert_eq!(version, get(&server, &format!("{CATEGORIES}?as_of={}", seq(i))));
    }
    // A query about the past goes by the categories of that time.
    let work = |vim: f64, other: f64| match other {
        0.0 => json!([[["Work"], vim]]),
        other => json!([[["Work"], vim], [["Uncategorized"], other]]),
    };
    assert_eq!(seconds(&server, Some(seq(2))), work(3600.0, 3600.0));
    assert_eq!(seconds(&server, Some(seq(1))), work(7200.0, 0.0));
    let now = seconds(&server, None);
    assert_eq!(now[0][0], json!(["Work", "Programming"]));

    // Undo gives the version before back, and is a version itself.
    ask(
        &server,
        "POST",
        "/api/1/undo",
        Some(&json!({"from": seq(0), "to": seq(0)})),
        200,
    );
    assert_eq!(seconds(&server, None), work(7200.0, 0.0));
    server.stop();
    let server = installation.start();
    assert_eq!(get(&server, CATEGORIES)["version"], versions[1]["version"]);
    assert_eq!(
        get(&server, &format!("{CATEGORIES}/versions"))["versions"]
            .as_array()
            .map(Vec::len),
        Some(4)
    );
    server.stop();
    installation.verify();
}

#[test]
fn every_change_is_a_version_that_can_be_read_used_and_undone() {
    versions_of(Data::Plain);
}

#[test]
fn versions_of_an_encrypted_store_are_the_same() {
    versions_of(Data::Encrypted);
}

/// Seconds by category, as `/api/1/usage` has them.
fn usage(server: &Server, start: &str, end: &str, rules: &str) -> Value {
    let usage = get(
        server,
        &format!("/api/1/usage?start={start}&end={end}&by=category&rules={rules}"),
    );
    let groups = usage["groups"].as_array().expect("groups").iter();
    groups
        .map(|group| json!([group["value"], group["duration"]]))
        .collect()
}

#[test]
fn usage_goes_by_the_categories_of_now_or_then_or_of_a_version() {
    let installation = Installation::new();
    let server = installation.start();
    record(&server);
    put(&server, &json!([category(&["One"], "vim|Firefox")]), 200);
    put(&server, &json!([category(&["Two"], "Firefox")]), 200);
    let versions = get(&server, &format!("{CATEGORIES}/versions"))["versions"].clone();
    let day = ("2024-03-01T00:00:00Z", "2024-03-02T00:00:00Z");
    let by = |rules: &str| usage(&server, day.0, day.1, rules);
    let first = json!([[["One"], 7200.0]]);
    assert_eq!(by("now"), json!([[["Two"], 3600.0], [["Uncategorized"], 3600.0]]));
    assert_eq!(by(&versions[1]["seq"].to_string()), first);
    // All of it was before there were categories: the first ones count.
    assert_eq!(by("then"), first);

    // Something that went on while the categories changed, and long after: the future counts as the present.
    let changed = versions[0]["time"].as_str().expect("a time");
    let bucket = json!({"client": "c", "type": "currentwindow", "hostname": "desk"});
    ask(
        &server,
        "POST",
        "/api/0/buckets/aw-watcher-window_desk",
        Some(&bucket),
        200,
    );
    let second = &changed[..19];
    let event = json!([{"timestamp": format!("{second}Z"), "duration": 10, "data": {"app": "Firefox"}}]);
    ask(
        &server,
        "POST",
        "/api/0/buckets/aw-watcher-window_desk/events",
        Some(&event),
        200,
    );
    let year: u32 = changed[..4].parse().expect("a year");
    let end = format!("{}-01-01T00:00:00Z", year + 2);
    let seconds = usage(&server, &format!("{second}Z"), &end, "then");
    let groups = seconds.as_array().expect("groups");
    let of = |name: &str| {
        let group = groups.iter().find(|group| group[0] == json!([name]));
        group.map_or(0.0, |group| group[1].as_f64().expect("a number"))
    };
    assert!(
        of("Two") > 8.9 && (of("One") + of("Two") - 10.0).abs() < 1e-6,
        "{seconds}"
    );

    for (rules, status) in [("yesterday", 400), ("1", 404), ("99999", 404)] {
        let target = format!("/api/1/usage?start={}&end={}&rules={rules}", day.0, day.1);
        ask(&server, "GET", &target, None, status);
    }
    server.stop();
}

#[test]
fn an_accepted_rule_is_added_to_its_category() {
    let installation = Installation::new();
    let server = installation.start();
    record(&server);
    ask(
        &server,
        "POST",
        SETTING,
        Some(&json!([category(&["Web"], "Chrome")])),
        201,
    );
    let accept = |name: &[&str], status: u16| {
        let body = json!({"category": name, "rule": {"type": "regex", "regex": "^Firefox$"}});
        ask(
            &server,
            "POST",
            &format!("{CATEGORIES}/accept"),
            Some(&body),
            status,
        )
    };
    accept(&["Web"], 200);
    // Still a rule that the web UI can show.
    assert_eq!(get(&server, SETTING)[0]["rule"]["regex"], "Chrome|^Firefox$");
    assert_eq!(
        seconds(&server, None),
        json!([[["Uncategorized"], 3600.0], [["Web"], 3600.0]])
    );
    let after = accept(&["Web", "Browser"], 200);
    assert_eq!(after["categories"][1]["name"], json!(["Web", "Browser"]));
    accept(&[""], 422);
    server.stop();
}

//! Exports from a running server.

use super::*;
use crate::harness::http::{Answer, Connection};

fn get(server: &Server, target: &str, more: &[(&str, &str)]) -> Answer {
    let mut connection = Connection::open(server.port).expect("a connection");
    let mut headers = connection.usual_headers(None);
    headers.extend(
        more.iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    connection
        .exchange("GET", target, &headers, b"")
        .expect("an answer")
}

#[test]
fn every_format_is_what_the_command_writes() {
    let installation = filled(Data::Plain);
    let server = installation.start();
    for (format, media_type, end) in [
        ("json", "application/json", "json"),
        ("ndjson", "application/x-ndjson", "ndjson"),
        ("csv", "text/csv; charset=utf-8", "csv"),
        ("ical", "text/calendar; charset=utf-8", "ics"),
        ("parquet", "application/vnd.apache.parquet", "parquet"),
        ("sqlite", "application/vnd.sqlite3", "db"),
    ] {
        let named = get(&server, &format!("/api/1/export?format={format}"), &[]);
        let accepted = get(&server, "/api/1/export", &[("accept", media_type)]);
        for answer in [&named, &accepted] {
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(answer.header("content-type").as_deref(), Some(media_type));
            let name = format!("attachment; filename=timberline-export.{end}");
            assert_eq!(answer.header("content-disposition"), Some(name));
        }
        let path = installation.root().join(format);
        exported(&installation, &["--format", format, "-o", text(&path)]);
        let written = fs::read(&path).expect("the file");
        match format {
            // They say when they were made.
            "ical" => assert_eq!(
                named.text().lines().count(),
                String::from_utf8_lossy(&written).lines().count()
            ),
            "sqlite" => assert_eq!(named.body.len(), written.len()),
            _ => assert!(named.body == written, "{format}"),
        }
    }
    assert_nothing_is_left(&installation.data);
    server.stop();
}

#[test]
fn a_part_of_history_and_results_of_queries_are_sent() {
    let installation = filled(Data::Plain);
    let server = installation.start();
    let one = get(&server, "/api/1/export?format=ndjson&bucket=o*", &[]);
    assert_eq!(one.text().lines().count(), 3);
    let name = one.header("content-disposition").expect("a name");
    assert!(name.ends_with("timberline-export_odd.ndjson"), "{name}");
    let period = "&start=2024-03-01T11:00:00Z&end=2024-03-01T11:09:59Z";
    let part = get(
        &server,
        &format!("/api/1/export?format=ndjson&bucket=aw-window_h{period}"),
        &[],
    );
    assert_eq!(part.text().lines().count(), 10);
    let table = get(
        &server,
        "/api/1/export?format=csv&fields=title,app&bucket=odd",
        &[],
    );
    assert!(
        table.text().starts_with("bucket,id,timestamp,duration,title,app"),
        "{}",
        table.text()
    );
    assert_eq!(server.post("/api/0/buckets/odd/events", &json!([])).0, 200);

    for (target, accept, status) in [
        ("/api/1/export?format=xml", "*/*", 400),
        ("/api/1/export", "text/html", 406),
        ("/api/1/export?bucket=no-such", "*/*", 404),
        ("/api/1/export?bucket=odd&bucket=no-such", "*/*", 404),
        ("/api/1/export?fields=app", "*/*", 422),
        ("/api/1/export?start=yesterday", "*/*", 400),
        ("/api/1/export?as_of=99999999", "*/*", 400),
    ] {
        assert_eq!(
            get(&server, target, &[("accept", accept)]).status,
            status,
            "{target}"
        );
    }
    let past = get(&server, "/api/1/export?format=ndjson&as_of=1", &[]);
    assert_eq!((past.status, past.text().lines().count()), (200, 0));

    let mut request = json!({
        "query": [r#"events = query_bucket("aw-window_h");"#, r#"RETURN = {"a": limit_events(events, 5), "b": []};"#],
        "timeperiods": ["2024-03-01T00:00:00Z/2024-03-02T00:00:00Z", "2024-03-02T00:00:00Z/2024-03-03T00:00:00Z"],
        "format": "ndjson",
    });
    let post = |request: &Value| {
        http::post(server.port, "/api/1/export", request.to_string().as_bytes()).expect("an answer")
    };
    let result = post(&request);
    assert_eq!(result.status, 200, "{}", result.text());
    let lines: Vec<Value> = result
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 10, "five of each period");
    assert!(lines.iter().all(|line| line["bucket"] == "a"));
    request["query"] = json!(["RETURN = 1;"]);
    assert_eq!(post(&request).status, 422);
    request["query"] = json!(["RETURN = nothing;"]);
    assert_eq!(post(&request).status, 400);
    assert_eq!(post(&json!({})).status, 422);
    server.stop();
}

#[test]
fn the_command_uses_the_server_of_its_data() {
    let mut installation = Installation::with(Data::Encrypted);
    installation.configure(&format!("port = {}\n", installation.port));
    let server = installation.start();
    fill(&server);
    let config = installation.root().join("timberline.toml");
    let command = |args: &[&str]| {
        let mut program = installation.program();
        // Without the passphrase only the server can read the data.
        program.env_remove("TIMBERLINE_PASSPHRASE");
        program.arg("export").args(args).args(["--config", text(&config)]);
        program.arg("--dbpath").arg(&installation.data);
        let (status, out, err) = installation.run(program);
        (status.code().expect("an exit code"), out, err)
    };
    let (code, out, err) = command(&["--format", "ndjson"]);
    assert_eq!((code, out.lines().count()), (0, EVENTS), "{err}");
    let (code, out, err) = command(&["--format", "ndjson", "--as-of", "1"]);
    assert_eq!((code, out.lines().count()), (0, 0), "{err}");
    let program = r#"RETURN = query_bucket("odd");"#;
    let (code, out, err) = command(&["--format", "csv", "--query", program, "--start", "2024-01-01"]);
    assert_eq!((code, out.matches("\r\n").count()), (0, 4), "{err}");
    let path = installation.root().join("named.json");
    let url = format!("http://127.0.0.1:{}", server.port);
    let (code, _, err) = command(&["--server", &url, "-o", text(&path), "--bucket", "odd"]);
    assert_eq!(code, 0, "{err}");
    assert!(
        events(&fs::read_to_string(&path).expect("the file"))
            .as_object()
            .expect("buckets")
            .len()
            == 1
    );
    // A database would be in the clear while it is made.
    let answer = get(&server, "/api/1/export?format=sqlite", &[]);
    assert_eq!(answer.status, 422, "{}", answer.text());
    let (code, _, err) = command(&[
        "--server",
        &url,
        "--format",
        "sqlite",
        "-o",
        text(&path),
        "--force",
    ]);
    assert_eq!(code, 2);
    assert!(err.contains("encrypted"), "{err}");
    assert_nothing_is_left(installation.root());
    server.stop();
}

#[test]
fn a_token_for_some_buckets_gets_no_others() {
    let installation = filled(Data::Plain);
    let token = |args: &[&str]| {
        let (code, out, err) = run(&installation, "token", &[&["create"], args].concat());
        assert_eq!(code, 0, "{err}");
        format!("Bearer {}", out.trim())
    };
    let odd = token(&["odd", "--scope", "read", "--bucket", "odd*"]);
    let append = token(&["append", "--scope", "append"]);
    let read = token(&["read", "--scope", "read"]);
    let server = installation.start();
    let ask = |target: &str, bearer: &str| get(&server, target, &[("authorization", bearer)]);
    for format in ["json", "ndjson", "csv", "ical", "sqlite", "parquet"] {
        for more in [
            "",
            "&bucket=*",
            "&bucket=odd",
            "&as_of=2",
            "&start=2024-01-01T00:00:00Z",
        ] {
            let target = format!("/api/1/export?format={format}{more}");
            let answer = ask(&target, &odd);
            let found = |text: &str| memchr::memmem::find(&answer.body, text.as_bytes()).is_some();
            assert!(
                !found("aw-window") && !found("app 3") && !found("dark"),
                "{target}"
            );
        }
    }
    let all = ask("/api/1/export?format=ndjson", &odd);
    assert_eq!((all.status, all.text().lines().count()), (200, 3));
    for target in [
        "/api/1/export?bucket=aw-window_h",
        "/api/1/export?bucket=aw*",
        "/api/1/export?bucket=odd&bucket=aw-window_h",
    ] {
        assert_eq!(ask(target, &odd).status, 404, "{target}");
    }
    assert_eq!(
        ask("/api/1/export?format=ndjson", &read).text().lines().count(),
        EVENTS
    );
    assert_eq!(ask("/api/1/export", &append).status, 403);
    assert_eq!(ask("/api/1/export", "Bearer x").status, 401);
    let mut connection = Connection::open(server.port).expect("a connection");
    let body = json!({"query": "RETURN = query_bucket(\"odd\");", "timeperiods": ["2024-01-01T00:00:00Z/2025-01-01T00:00:00Z"]}).to_string();
    for (bearer, status) in [(&odd, 403), (&append, 403), (&read, 200)] {
        let mut headers = connection.usual_headers(Some(body.as_bytes()));
        headers.push(("authorization".to_owned(), bearer.clone()));
        let answer = connection
            .exchange("POST", "/api/1/export", &headers, body.as_bytes())
            .expect("an answer");
        assert_eq!(answer.status, status);
    }
    server.stop();
}

//! `GET /api/1/stream`: with real sockets, over disconnections, kills, damage and erasures.

mod client;
mod clock_jumps;

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use self::client::{Client, Event};
use crate::harness::http::{self, Connection};
use crate::harness::server::{Data, Installation, Server};
use crate::harness::{poll, rfc3339};

fn make_bucket(server: &Server, id: &str, type_: &str) {
    let bucket = json!({ "client": "c", "type": type_, "hostname": "h" });
    let (status, answer) = server.post(&format!("/api/0/buckets/{id}"), &bucket);
    assert!(matches!(status, 200 | 304), "{answer}");
}

fn beat(connection: &mut Connection, bucket: &str, second: u64, title: &str) {
    let timestamp = format!(
        "2024-03-01T{:02}:{:02}:{:02}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    );
    let body = json!({ "timestamp": timestamp, "duration": 0, "data": { "title": title } }).to_string();
    let target = format!("/api/0/buckets/{bucket}/heartbeat?pulsetime=100");
    let answer = connection.request("POST", &target, Some(body.as_bytes()));
    assert_eq!(answer.expect("an answer").status, 200);
}

fn open(server: &Server) -> Connection {
    Connection::open(server.port).expect("a connection")
}

fn newest(server: &Server) -> u64 {
    let log = http::get(server.port, "/api/1/log?kind=heartbeat&limit=1").expect("an answer");
    log.json().expect("JSON")["records"][0]["seq"]
        .as_u64()
        .expect("a record")
}

fn seqs(events: &[Event]) -> Vec<u64> {
    let records = events.iter().filter(|event| event.name == "record");
    records
        .map(|event| {
            assert_eq!(event.data["seq"], event.id, "{event:?}");
            event.id
        })
        .collect()
}

#[test]
fn records_come_as_they_are_published_and_only_those_that_are_asked_for() {
    let installation = Installation::new();
    let server = installation.start();
    make_bucket(&server, "a-1", "t");
    let mut all = Client::open(server.port, "mode=records", &[]);
    assert_eq!(all.status, 200);
    for header in [
        "content-type: text/event-stream",
        "cache-control: no-store",
        "x-accel-buffering: no",
    ] {
        assert!(all.headers.contains(header), "{}", all.headers);
    }
    let start = all.next();
    assert_eq!((start.name.as_str(), start.id), ("start", 1));
    let filtered = [
        "bucket=a-*&bucket=x",
        "type=u",
        "kind=bucket-created&kind=setting-set",
        "changes=true&kind=heartbeat",
    ];
    let mut filtered = filtered.map(|query| Client::open(server.port, &format!("mode=records&{query}"), &[]));
    filtered
        .iter_mut()
        .for_each(|client| assert_eq!(client.next().name, "start"));
    make_bucket(&server, "b-1", "u");
    let mut connection = open(&server);
    beat(&mut connection, "a-1", 1, "one");
    beat(&mut connection, "b-1", 1, "two");
    beat(&mut connection, "a-1", 2, "one");
    server.post("/api/0/settings/theme", &json!("dark"));
    let events = all.through(6);
    assert_eq!(seqs(&events), [2, 3, 4, 5, 6]);
    let mut first = events[0].data.clone();
    assert!(first["time"].take().is_string());
    assert_eq!(
        first,
        json!({ "seq": 2, "time": null, "kind": "bucket-created", "bucket": "b-1" })
    );
    let expected: [&[u64]; 4] = [&[3, 5], &[2, 4], &[2, 6], &[3, 4, 5]];
    for (client, expected) in filtered.iter_mut().zip(expected) {
        let events: Vec<Event> = expected.iter().map(|_| client.next()).collect();
        assert_eq!(seqs(&events), expected);
    }
    let mut changes = Client::open(server.port, "mode=records&changes=true&after=2", &[]);
    changes.next();
    let put = json!([{ "id": 1, "timestamp": "2024-03-01T00:00:01Z", "duration": 0.0, "data": { "title": "one" } }]);
    assert_eq!(
        changes.next().data["changes"],
        json!({ "put": put, "extended": [], "removed": [] })
    );
    changes.next();
    assert_eq!(
        changes.next().data["changes"]["extended"],
        json!([{ "id": 1, "duration": 1.0 }])
    );
    assert_eq!(changes.next().data["changes"], json!({ "value": "dark" }));
    server.stop();
}

#[test]
fn what_cannot_be_understood_is_named() {
    let installation = Installation::new();
    let server = installation.start();
    for (query, name) in [
        ("mode=all", "mode"),
        ("mode=records&kind=x", "kind"),
        ("kind=heartbeat", "kind"),
        ("after=-1", "after"),
        ("every=soon", "every"),
        ("mode=records&changes=perhaps", "changes"),
    ] {
        let answer = http::get(server.port, &format!("/api/1/stream?{query}")).expect("an answer");
        assert_eq!(answer.status, 400, "{query}");
        assert!(
            answer.text().contains(&format!(r#""message":"{name}"#)),
            "{}",
            answer.text()
        );
    }
    assert_eq!(
        Client::open(server.port, "", &[("last-event-id", "x".to_owned())]).status,
        400
    );
    server.stop();
}

/// Acceptance of the issue: each record once, whatever is read of a stream before it breaks off.
fn each_record_comes_once(data: Data) {
    const RECONNECTS: u64 = 50;
    let installation = Installation::with(data);
    let server = installation.start();
    make_bucket(&server, "b", "t");
    let stop = AtomicBool::new(false);
    let mut seen = Vec::new();
    std::thread::scope(|scope| {
        for writer in 0..2 {
            let (stop, server) = (&stop, &server);
            scope.spawn(move || {
                let mut connection = open(server);
                let mut second = 0;
                while !stop.load(Ordering::Relaxed) {
                    beat(&mut connection, "b", second, &format!("{writer} {}", second % 7));
                    second = (second + 1) % 80_000;
                }
            });
        }
        let mut client = Client::resume(server.port, "mode=records", 0);
        for round in 0..RECONNECTS {
            // Of a few hundred events or none, so that streams break off while they catch up and while they follow.
            for _ in 0..(round * 37) % 400 {
                seen.push(client.next());
            }
            client = Client::resume(server.port, "mode=records", client.last_id);
        }
        stop.store(true, Ordering::Relaxed);
        let newest = poll("the writers to end", || {
            let one = newest(&server);
            (one == newest(&server)).then_some(one)
        });
        seen.extend(client.through(newest));
    });
    let last = newest(&server);
    let mut client = Client::resume(server.port, "mode=records", seen.last().expect("an event").id);
    seen.extend(client.through(last));
    assert!(seen.iter().all(|event| event.name != "gap"));
    assert_eq!(seqs(&seen), (1..=last).collect::<Vec<u64>>());
    server.stop();
}

#[test]
fn each_record_comes_once_over_50_reconnects_while_heartbeats_come() {
    each_record_comes_once(Data::Plain);
}

#[test]
fn each_record_comes_once_from_an_encrypted_store() {
    each_record_comes_once(Data::Encrypted);
}

#[test]
fn a_stream_goes_on_after_a_kill() {
    let installation = Installation::new();
    let server = installation.start();
    make_bucket(&server, "b", "t");
    let mut connection = open(&server);
    let mut client = Client::open(server.port, "mode=records&after=0", &[]);
    for second in 0..100 {
        beat(&mut connection, "b", second, "x");
    }
    let mut seen = client.through(50);
    server.kill();
    while client.event().is_ok() {}
    let server = installation.start();
    let mut connection = open(&server);
    beat(&mut connection, "b", 100, "x");
    let mut client = Client::resume(server.port, "mode=records", 50);
    seen.extend(client.through(102));
    assert_eq!(seqs(&seen), (1..=102).collect::<Vec<u64>>());
    server.stop();
}

#[test]
fn a_client_that_has_seen_more_than_there_is_is_told() {
    let installation = Installation::new();
    let server = installation.start();
    make_bucket(&server, "b", "t");
    let mut client = Client::resume(server.port, "mode=records", 10);
    assert_eq!(client.next().id, 1);
    let gap = client.next();
    assert_eq!(
        gap.data,
        json!({ "from": 2, "to": 10, "first": 2, "reason": "ahead" })
    );
    beat(&mut open(&server), "b", 1, "x");
    assert_eq!(seqs(&[client.next()]), [2]);
    let mut client = Client::resume(server.port, "", 10);
    assert_eq!(client.next().id, 0, "the whole state comes");
    assert_eq!(client.next().name, "buckets");
    server.stop();
}

fn memory(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.process_id())).expect("its status");
    let line = status
        .lines()
        .find(|line| line.starts_with("RssAnon"))
        .expect("a line");
    let kilobytes = line
        .split_whitespace()
        .nth(1)
        .and_then(|number| number.parse::<u64>().ok());
    kilobytes.expect("a number") << 10
}

/// Acceptance of the issue.
#[test]
fn two_hundred_stalled_readers_cost_little_memory_and_no_heartbeat() {
    let mut installation = Installation::new();
    installation.configure("[limits]\nbody_seconds = 100000\ndrain_seconds = 100000\n");
    let server = installation.start();
    make_bucket(&server, "b", "t");
    let mut connection = open(&server);
    // Each reader finds more than all buffers on its way hold.
    let events: Vec<Value> = (0..100)
        .map(|n| json!({ "timestamp": "2024-03-01T10:00:00Z", "duration": n, "data": { "t": "x".repeat(100) } }))
        .collect();
    for _ in 0..200 {
        let (status, _) = server.post("/api/0/buckets/b/events", &json!(events));
        assert_eq!(status, 200);
    }
    let before = memory(&server);
    let stalled: Vec<TcpStream> = (0..200)
        .map(|_| {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port)).expect("a connection");
            stream
                .write_all(b"GET /api/1/stream?mode=records&changes=true&after=0 HTTP/1.1\r\nhost: localhost\r\n\r\n")
                .expect("to send");
            stream
        })
        .collect();
    for second in 0..2_000 {
        beat(&mut connection, "b", second, "x");
    }
    let open_streams = || {
        let metrics = http::get(server.port, "/metrics").expect("an answer").text();
        metrics.contains("timberline_streams 200\n").then_some(())
    };
    poll("the streams to be open", open_streams);
    let used = memory(&server).saturating_sub(before);
    assert!(used < 50 << 20, "{used} bytes");
    // A stop waits for none of them, although requests may take a day.
    server.stop();
    drop(stalled);
}

#[test]
fn streams_leave_places_for_others() {
    let mut installation = Installation::new();
    installation.configure("[limits]\nconnections = 8\nstreams = 100\ndrain_seconds = 100000\n");
    let server = installation.start();
    make_bucket(&server, "b", "t");
    let streams: Vec<Client> = (0..4).map(|_| Client::open(server.port, "", &[])).collect();
    assert!(streams.iter().all(|client| client.status == 200));
    let refused = Client::open(server.port, "", &[]);
    assert_eq!(refused.status, 503);
    for _ in 0..10 {
        beat(&mut open(&server), "b", 1, "x");
    }
    drop(streams);
    poll("a place", || {
        (Client::open(server.port, "", &[]).status == 200).then_some(())
    });
    server.stop();
}

#[test]
fn heads_show_the_newest_state_of_what_has_changed() {
    let installation = Installation::new();
    let server = installation.start();
    make_bucket(&server, "a", "t");
    make_bucket(&server, "b", "u");
    let mut connection = open(&server);
    beat(&mut connection, "a", 1, "old");
    let mut client = Client::open(server.port, "every=100", &[]);
    assert_eq!(client.next().name, "start");
    let first = client.through(3);
    let shown: Vec<(&str, u64)> = first
        .iter()
        .map(|event| (event.name.as_str(), event.id))
        .collect();
    assert_eq!(shown, [("buckets", 2), ("head", 2), ("head", 3)]);
    assert_eq!(first[0].data, json!({ "buckets": ["a", "b"] }));
    let head = json!({
        "seq": 3, "bucket": "a", "type": "t", "count": 1, "last_updated": "2024-03-01T00:00:01Z",
        "event": { "id": 1, "timestamp": "2024-03-01T00:00:01Z", "duration": 0.0, "data": { "title": "old" } },
    });
    assert_eq!(first[2].data, head);
    for second in 1..1_000 {
        beat(&mut connection, "b", second, "x");
    }
    let events = client.through(1_002);
    assert!(
        events.iter().all(|event| event.data["bucket"] == "b"),
        "{events:?}"
    );
    let last = &events.last().expect("an event").data;
    assert_eq!(
        (&last["count"], &last["event"]["duration"]),
        (&json!(1), &json!(998.0))
    );
    // What happened while nobody listened comes once, and a bucket that is gone leaves the list.
    let id = client.last_id;
    drop(client);
    for second in 0..10 {
        beat(&mut connection, "b", 1_000 + second, "x");
    }
    let deleted = connection.request("DELETE", "/api/0/buckets/a?force=1", None);
    assert_eq!(deleted.expect("an answer").status, 200);
    let mut client = Client::resume(server.port, "", id);
    assert_eq!(client.next().name, "start");
    let events = client.through(id + 11);
    let shown: Vec<(&str, u64)> = events
        .iter()
        .map(|event| (event.name.as_str(), event.id))
        .collect();
    assert_eq!(shown, [("head", id + 10), ("buckets", id + 11)]);
    assert_eq!(events[1].data, json!({ "buckets": ["b"] }));
    server.stop();
}

/// The number of the newest record, and a log that has lost one in its middle.
#[test]
fn a_damaged_record_is_a_gap() {
    let installation = Installation::new();
    let server = installation.start();
    make_bucket(&server, "b", "t");
    let mut connection = open(&server);
    for second in 0..100 {
        beat(
            &mut connection,
            "b",
            second,
            if second == 50 { "needle" } else { "x" },
        );
    }
    server.stop();
    let log = fs::read_dir(installation.data.join("log")).expect("the log");
    let segment = log
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|end| end == "seg"))
        .expect("a segment");
    let mut bytes = fs::read(&segment).expect("the segment");
    let at = bytes
        .windows(6)
        .position(|window| window == b"needle")
        .expect("the record");
    bytes[at] = b'N';
    fs::write(&segment, bytes).expect("to write");
    let server = installation.start();
    let mut client = Client::open(server.port, "mode=records&after=0", &[]);
    client.next();
    let events = client.through(101);
    let gaps: Vec<&Event> = events.iter().filter(|event| event.name == "gap").collect();
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!(
        gaps[0].data,
        json!({ "from": 52, "to": 52, "first": 53, "reason": "damaged" })
    );
    assert_eq!(
        seqs(&events),
        (1..=101).filter(|seq| *seq != 52).collect::<Vec<u64>>()
    );
    server.stop();
}

/// Ends the readers of a test, however the test ends.
struct StopAtEnd<'a>(&'a AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn what_is_erased_is_not_delivered_from_old_records() {
    let installation = Installation::new();
    let server = installation.start();
    make_bucket(&server, "b", "t");
    let mut connection = open(&server);
    for second in 0..600 {
        let title = if second % 10 == 3 { "secret" } else { "x" };
        beat(&mut connection, "b", second * 100, title);
    }
    let stop = AtomicBool::new(false);
    // Goes through the whole log again and again, while it is rewritten.
    let read = || {
        let mut rounds = (0, 0);
        while !stop.load(Ordering::Relaxed) || rounds.1 == 0 {
            let begun = http::get(server.port, "/api/1/log?kind=purge-begun").expect("an answer");
            let is_erased = begun.json().expect("JSON")["records"][0].is_object();
            let mut client = Client::open(server.port, "mode=records&changes=true&after=0", &[]);
            let events = client.through(601);
            let shown = events
                .iter()
                .any(|event| event.data.to_string().contains("secret"));
            match is_erased {
                true => assert!(!shown, "it was erased before the stream began"),
                false => assert!(shown || client.last_id > 0),
            }
            if is_erased {
                rounds.1 += 1;
            } else {
                rounds.0 += 1;
            }
        }
    };
    std::thread::scope(|scope| {
        let _stop = StopAtEnd(&stop);
        scope.spawn(read);
        scope.spawn(read);
        let request = json!({ "bucket": "b", "data": { "pattern": "secret", "field": "title" } });
        let (status, preview) = server.post("/api/1/purge", &request);
        assert_eq!((status, &preview["events"]), (200, &json!(60)), "{preview}");
        let (status, receipt) = server.post("/api/1/purge", &json!({ "token": preview["token"] }));
        assert!(status == 200 || status == 202, "{receipt}");
    });
    server.stop();
}

#[test]
fn what_is_squashed_is_a_gap() {
    let mut installation = Installation::new();
    installation.configure(
        "history = \"1 second\"\nerase_after = \"1 second\"\nmaintain_every = \"1 second\"\n[log]\nsegment_bytes = 1048576\n",
    );
    let server = installation.start();
    make_bucket(&server, "b", "t");
    let large = "x".repeat(200_000);
    for _ in 0..30 {
        server.post("/api/0/settings/large", &json!(large));
    }
    // A checkpoint is what squashing waits for.
    server.stop();
    let server = installation.start();
    beat(&mut open(&server), "b", 1, "x");
    let kept_from = || {
        let log = http::get(server.port, "/api/1/log")
            .expect("an answer")
            .json()
            .expect("JSON");
        log["history_from"].as_u64().filter(|from| *from > 2)
    };
    let from = poll("the log to be squashed", kept_from);
    let mut client = Client::open(server.port, "mode=records&after=1", &[]);
    client.next();
    let gap = client.next();
    assert_eq!(
        (gap.name.as_str(), &gap.data["reason"]),
        ("gap", &json!("squashed"))
    );
    assert_eq!(gap.data["from"], 2);
    let first = gap.data["first"].as_u64().expect("a number");
    assert!(first > from, "{first} {from}");
    let newest = newest(&server);
    assert_eq!(
        seqs(&client.through(newest)),
        (first..=newest).collect::<Vec<u64>>()
    );
    server.stop();
}

fn token(installation: &Installation, args: &[&str]) -> String {
    let mut command = installation.program();
    command
        .arg("token")
        .args(args)
        .arg("--dbpath")
        .arg(&installation.data);
    let (status, out, err) = installation.run(command);
    assert!(status.success(), "{err}");
    out.trim().to_owned()
}

#[test]
fn a_token_for_some_buckets_gets_these_until_it_is_revoked() {
    let installation = Installation::new();
    let secret = token(
        &installation,
        &["create", "mine", "--scope", "read", "--bucket", "mine_*"],
    );
    let writer = token(&installation, &["create", "writer", "--scope", "write"]);
    let server = installation.start();
    let send = |method: &str, target: &str, body: &Value| {
        let mut connection = open(&server);
        let body = body.to_string();
        let mut headers = connection.usual_headers(Some(body.as_bytes()));
        headers.push(("authorization".to_owned(), format!("Bearer {writer}")));
        let answer = connection.exchange(method, target, &headers, body.as_bytes());
        let status = answer.expect("an answer").status;
        assert!((200..300).contains(&status), "{target}: {status}");
    };
    let read = |query: &str| {
        Client::open(
            server.port,
            query,
            &[("authorization", format!("Bearer {secret}"))],
        )
    };
    let mut records = read("mode=records");
    let mut heads = read("every=100");
    assert_eq!((records.status, heads.status), (200, 200));
    assert_eq!(read("mode=usage").status, 403, "it is about all buckets");
    assert_eq!(Client::open(server.port, "", &[]).status, 401);
    records.next();
    heads.next();
    let bucket = json!({ "client": "c", "type": "t", "hostname": "h" });
    for id in ["mine_a", "other", "mine_b"] {
        send("POST", &format!("/api/0/buckets/{id}"), &bucket);
    }
    send("POST", "/api/0/settings/theme", &json!("dark"));
    send("DELETE", "/api/0/buckets/mine_b?force=1", &json!({}));
    let events: Vec<Event> = (0..3).map(|_| records.next()).collect();
    assert_eq!(seqs(&events), [1, 3, 5]);
    let text = format!("{:?}", heads.through(5));
    assert!(text.contains("mine_a") && !text.contains("other"), "{text}");
    token(&installation, &["revoke", "mine"]);
    // The end comes with the next event.
    poll("the stream to end", || {
        send(
            "POST",
            "/api/0/buckets/mine_a/heartbeat?pulsetime=1",
            &json!({ "timestamp": "2024-03-01T00:00:01Z", "data": {} }),
        );
        records.event().is_err().then_some(())
    });
    server.stop();
}

/// Work of a minute on this machine, some time before now, on a day that has not ended yet. Gives the start of the days.
fn work_now(server: &Server, minutes_ago: i128) -> String {
    let now = std::time::SystemTime::now();
    let now = now
        .duration_since(std::time::UNIX_EPOCH)
        .expect("a time")
        .as_nanos();
    let now = i128::try_from(now).expect("a time");
    let start = rfc3339::format(now - minutes_ago * 60_000_000_000);
    for (bucket, type_, data) in [
        (
            "aw-watcher-window_h",
            "currentwindow",
            json!({ "app": "vim", "title": "x" }),
        ),
        ("aw-watcher-afk_h", "afkstatus", json!({ "status": "not-afk" })),
    ] {
        make_bucket(server, bucket, type_);
        let event = json!({ "timestamp": start, "duration": 60, "data": data });
        let (status, answer) = server.post(&format!("/api/0/buckets/{bucket}/events"), &json!([event]));
        assert_eq!(status, 200, "{answer}");
    }
    let hour = now / 3_600_000_000_000 % 24;
    format!("{:02}:00", (hour + 12) % 24)
}

#[test]
fn the_usage_of_today_comes_whenever_it_changes() {
    let installation = Installation::new();
    let server = installation.start();
    let day_start = work_now(&server, 10);
    let query = format!("mode=usage&by=app&zone=UTC&day_start={day_start}");
    let mut client = Client::open(server.port, &query, &[]);
    assert_eq!(client.next().data["mode"], "usage");
    let first = client.next();
    assert_eq!(
        (first.name.as_str(), &first.data["duration"]),
        ("usage", &json!(60.0))
    );
    let group = &first.data["groups"][0];
    assert_eq!(
        (&group["value"], &group["duration"]),
        (&json!("vim"), &json!(60.0))
    );
    let day = (first.data["start"].clone(), first.data["end"].clone());
    // What is not about today changes nothing.
    server.post("/api/0/settings/theme", &json!("dark"));
    make_bucket(&server, "b", "t");
    work_now(&server, 5);
    let second = client.next();
    assert_eq!(
        (second.name.as_str(), &second.data["duration"]),
        ("usage", &json!(120.0))
    );
    assert_eq!((second.data["start"].clone(), second.data["end"].clone()), day);
    for (query, name) in [
        ("mode=usage&start=2024-03-01T00:00:00Z", "start"),
        ("mode=usage&by=mood", "by"),
    ] {
        let answer = http::get(server.port, &format!("/api/1/stream?{query}")).expect("an answer");
        assert_eq!(answer.status, 400);
        assert!(
            answer.text().contains(&format!(r#""message":"{name}"#)),
            "{}",
            answer.text()
        );
    }
    server.stop();
}

const PAGE: &str = include_str!("../../../../docs/live.md");

/// The example of the page: the same events with the same members.
#[test]
fn the_page_is_true() {
    let installation = Installation::new();
    let server = installation.start();
    for (id, type_) in [
        ("aw-watcher-afk_laptop", "afkstatus"),
        ("aw-watcher-window_laptop", "currentwindow"),
    ] {
        make_bucket(&server, id, type_);
    }
    beat(&mut open(&server), "aw-watcher-window_laptop", 1, "News");
    let shown =
        |field: &str| -> Vec<&str> { PAGE.lines().filter_map(|line| line.strip_prefix(field)).collect() };
    let (names, data) = (shown("event: "), shown("data: "));
    assert_eq!(names.len(), data.len());
    let mut client = Client::open(server.port, "", &[]);
    for (name, data) in names.into_iter().zip(data) {
        let data: Value = serde_json::from_str(data).expect("JSON");
        // The page leaves out the state of the other bucket.
        let event = loop {
            let event = client.next();
            if event.name != "head" || event.data["bucket"] == data["bucket"] {
                break event;
            }
        };
        assert_eq!(event.name, name);
        let keys = |value: &Value| {
            value
                .as_object()
                .map(|object| object.keys().cloned().collect::<Vec<String>>())
        };
        assert_eq!(keys(&event.data), keys(&data), "{name}");
        assert_eq!(keys(&event.data["event"]), keys(&data["event"]), "{name}");
    }
    server.stop();
}

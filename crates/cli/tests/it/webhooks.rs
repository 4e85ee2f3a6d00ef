//! Webhooks: with a real receiver, which answers, fails, hangs, redirects and closes; over kills and stops.

mod clock_jumps;
mod receiver;
mod restarts;

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use self::receiver::{Manner, Receiver};
use crate::harness::http::{self, Connection};
use crate::harness::server::{Data, Ending, Installation, Server, free_port};
use crate::harness::{poll, rfc3339};

fn ask(server: &Server, method: &str, target: &str, body: Option<&Value>) -> (u16, Value) {
    let mut connection = Connection::open(server.port).expect("a connection");
    let body = body.map(Value::to_string);
    let answer = connection.request(method, target, body.as_deref().map(str::as_bytes));
    let answer = answer.expect("an answer");
    (answer.status, answer.json().unwrap_or_default())
}

fn make_bucket(server: &Server, id: &str) {
    let bucket = json!({ "client": "c", "type": "t", "hostname": "h" });
    assert_eq!(server.post(&format!("/api/0/buckets/{id}"), &bucket).0, 200);
}

fn beat(server: &Server, bucket: &str, second: u64) {
    let timestamp = format!(
        "2024-03-01T{:02}:{:02}:{:02}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    );
    let body = json!({ "timestamp": timestamp, "duration": 0, "data": { "n": second } });
    let target = format!("/api/0/buckets/{bucket}/heartbeat?pulsetime=0");
    assert_eq!(server.post(&target, &body).0, 200);
}

/// Makes a webhook; gives its id and its secret.
fn make(server: &Server, definition: &Value) -> (String, String) {
    let (status, made) = server.post("/api/1/webhooks", definition);
    assert_eq!(status, 201, "{made}");
    let text = |name: &str| made[name].as_str().expect("a text").to_owned();
    (text("id"), text("secret"))
}

fn get(server: &Server, id: &str) -> Value {
    let (status, hook) = ask(server, "GET", &format!("/api/1/webhooks/{id}"), None);
    assert_eq!(status, 200, "{hook}");
    hook
}

/// Waits until the receiver has accepted these records, in this order and no others.
fn expect_records(receiver: &Receiver, expected: &[u64]) {
    poll("the records to arrive", || {
        (receiver.seqs().len() >= expected.len()).then_some(())
    });
    assert_eq!(receiver.seqs(), expected);
}

/// What another program computes.
fn openssl_hmac(secret: &str, text: &str) -> String {
    let mut openssl = Command::new("openssl")
        .args(["dgst", "-sha256", "-hmac", secret])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl to start");
    let mut input = openssl.stdin.take().expect("its input");
    input.write_all(text.as_bytes()).expect("to write");
    drop(input);
    let output = openssl.wait_with_output().expect("its output");
    let text = String::from_utf8(output.stdout).expect("text");
    text.trim().rsplit(' ').next().expect("digits").to_owned()
}

#[test]
fn records_are_delivered_signed_and_in_order() {
    let installation = Installation::new();
    let server = installation.start();
    make_bucket(&server, "before");
    let receiver = Receiver::start(Manner::Status(204));
    let trigger = json!({ "on": "records", "buckets": ["a*"], "changes": true });
    let definition = json!({ "url": receiver.url(), "name": "mine", "trigger": trigger });
    let (id, secret) = make(&server, &definition);
    for bucket in ["a-1", "b-1"] {
        make_bucket(&server, bucket);
        beat(&server, bucket, 1);
    }
    beat(&server, "a-1", 2);
    expect_records(&receiver, &[2, 3, 6]);
    for received in receiver.received() {
        assert_eq!(received.path, "/hook?a=b");
        assert_eq!(received.header("host"), format!("127.0.0.1:{}", receiver.port));
        assert_eq!(received.header("x-timberline-webhook"), id);
        assert_eq!(received.header("x-timberline-delivery"), received.delivery());
        let signed = format!("{}.{}", received.header("x-timberline-timestamp"), received.text);
        let expected = format!("sha256={}", openssl_hmac(&secret, &signed));
        assert_eq!(received.header("x-timberline-signature"), expected);
        assert_eq!(
            (&received.body["on"], &received.body["name"]),
            (&json!("records"), &json!("mine"))
        );
    }
    let records: Vec<Value> = receiver
        .received()
        .iter()
        .flat_map(|received| received.body["records"].as_array().expect("a list").clone())
        .collect();
    assert_eq!(records[1]["changes"]["put"][0]["data"], json!({ "n": 1 }));
    let hook = poll("the position to be known", || {
        let hook = get(&server, &id);
        (hook["position"] == json!(6)).then_some(hook)
    });
    assert_eq!((&hook["paused"], &hook["pending"]), (&Value::Null, &Value::Null));
    assert_eq!(hook.get("secret"), None, "it is shown once");
    let (_, list) = ask(&server, "GET", &format!("/api/1/webhooks/{id}/deliveries"), None);
    assert!(
        list["deliveries"]
            .as_array()
            .expect("a list")
            .iter()
            .all(|one| one["status"] == 204)
    );
    server.stop();
}

/// Whatever keeps a delivery from arriving, it comes again under the same id, and nothing overtakes it.
#[test]
fn what_does_not_arrive_is_sent_again_in_order() {
    let installation = Installation::new();
    let server = installation.start();
    for manner in [
        Manner::Status(500),
        Manner::Close,
        Manner::Redirect,
        Manner::Status(404),
    ] {
        let receiver = Receiver::start(manner);
        let (id, _) = make(
            &server,
            &json!({ "url": receiver.url(), "trigger": { "on": "records" } }),
        );
        let first = get(&server, &id)["position"].as_u64().expect("a number") + 1;
        server.post("/api/0/settings/a", &json!(1));
        poll("a failure", || (receiver.received().len() >= 2).then_some(()));
        server.post("/api/0/settings/a", &json!(2));
        let hook = get(&server, &id);
        assert!(
            hook["failed"].as_u64() >= Some(1) && hook["last"]["error"].is_string(),
            "{hook}"
        );
        assert!(
            receiver
                .received()
                .iter()
                .all(|received| received.path == "/hook?a=b"),
            "no redirect is followed"
        );
        receiver.set_manner(Manner::Status(200));
        expect_records(&receiver, &[first, first + 1]);
        let ids: Vec<String> = receiver
            .received()
            .iter()
            .map(|received| received.delivery().to_owned())
            .collect();
        assert!(ids[..ids.len() - 1].iter().all(|id| *id == ids[0]), "{ids:?}");
        assert_eq!(
            ask(&server, "DELETE", &format!("/api/1/webhooks/{id}"), None).0,
            204
        );
    }
    server.stop();
}

#[test]
fn a_receiver_that_hangs_delays_no_other() {
    let installation = Installation::new();
    let server = installation.start();
    let hanging = Receiver::start(Manner::Hang);
    let well = Receiver::start(Manner::Status(200));
    for receiver in [&hanging, &well] {
        make(
            &server,
            &json!({ "url": receiver.url(), "trigger": { "on": "records" } }),
        );
    }
    server.post("/api/0/settings/a", &json!(1));
    poll("the receiver to hang", || {
        (!hanging.received().is_empty()).then_some(())
    });
    server.post("/api/0/settings/a", &json!(2));
    expect_records(&well, &[1, 2]);
    // Neither does it delay a stop.
    server.stop();
}

#[test]
fn after_too_many_attempts_a_webhook_waits_for_a_person() {
    let installation = Installation::new();
    let server = installation.start();
    let receiver = Receiver::start(Manner::Status(500));
    let definition = json!({ "url": receiver.url(), "trigger": { "on": "records" }, "max_tries": 2 });
    let (id, _) = make(&server, &definition);
    server.post("/api/0/settings/a", &json!(1));
    let paused = || {
        let hook = get(&server, &id);
        hook["paused"].as_str().map(str::to_owned)
    };
    let reason = poll("the webhook to be paused", paused);
    assert!(
        reason.contains("2 attempts") && reason.contains("500"),
        "{reason}"
    );
    assert_eq!(receiver.received().len(), 2);
    server.stop();
    let server = installation.start();
    server.post("/api/0/settings/a", &json!(2));
    receiver.set_manner(Manner::Status(200));
    assert_eq!(get(&server, &id)["paused"], json!(reason));
    assert_eq!(receiver.received().len(), 2, "a restart does not continue it");
    let target = format!("/api/1/webhooks/{id}");
    let (status, hook) = ask(&server, "PATCH", &target, Some(&json!({ "paused": false })));
    assert_eq!((status, &hook["paused"]), (200, &Value::Null));
    expect_records(&receiver, &[1, 2]);
    // One that is gone for good says so.
    receiver.set_manner(Manner::Status(410));
    server.post("/api/0/settings/a", &json!(3));
    poll("the webhook to be paused", || {
        get(&server, &id)["paused"].as_str().map(str::to_owned)
    });
    server.stop();
}

/// Kills and stops at any moment: nothing is left out, and the order stays.
fn nothing_is_left_out(data: Data) {
    let installation = Installation::with(data);
    let receiver = Receiver::start(Manner::Status(200));
    let mut server = installation.start();
    make_bucket(&server, "b");
    make(
        &server,
        &json!({ "url": receiver.url(), "trigger": { "on": "records", "kinds": ["heartbeat"] } }),
    );
    let mut second = 0;
    for round in 0..6 {
        receiver.set_manner(match round % 3 {
            0 => Manner::Status(200),
            1 => Manner::Close,
            _ => Manner::Status(503),
        });
        let before = receiver.received().len();
        for _ in 0..20 {
            beat(&server, "b", second);
            second += 1;
        }
        poll("a delivery", || {
            (receiver.received().len() > before).then_some(())
        });
        match round % 2 {
            0 => server.kill(),
            _ => server.stop(),
        }
        server = installation.start();
    }
    receiver.set_manner(Manner::Status(200));
    expect_records(&receiver, &(2..=second + 1).collect::<Vec<u64>>());
    server.stop();
}

#[test]
fn kills_and_stops_leave_nothing_out() {
    nothing_is_left_out(Data::Plain);
}

#[test]
fn kills_and_stops_leave_nothing_out_of_an_encrypted_store() {
    nothing_is_left_out(Data::Encrypted);
}

/// What is erased while a delivery waits for its next attempt is not in that attempt.
#[test]
fn what_is_erased_is_not_sent_again() {
    let installation = Installation::new();
    let server = installation.start();
    make_bucket(&server, "b");
    let receiver = Receiver::start(Manner::Status(500));
    let trigger = json!({ "on": "records", "buckets": ["b"], "changes": true });
    make(&server, &json!({ "url": receiver.url(), "trigger": trigger }));
    let event = |title: &str| json!({ "timestamp": "2024-03-01T10:00:00Z", "duration": 1, "data": { "title": title } });
    let (status, _) = server.post(
        "/api/0/buckets/b/events",
        &json!([event("secret"), event("harmless")]),
    );
    assert_eq!(status, 200);
    poll("a failure", || (!receiver.received().is_empty()).then_some(()));
    assert!(receiver.received()[0].text.contains("secret"));
    let request = json!({ "bucket": "b", "data": { "pattern": "secret" } });
    let (_, preview) = server.post("/api/1/purge", &request);
    assert_eq!(
        server
            .post("/api/1/purge", &json!({ "token": preview["token"] }))
            .0,
        200
    );
    let before = receiver.received().len();
    receiver.set_manner(Manner::Status(200));
    poll("the records to arrive", || {
        receiver.seqs().contains(&2).then_some(())
    });
    for received in &receiver.received()[before..] {
        assert!(!received.text.contains("secret"), "{}", received.text);
    }
    let first = receiver
        .received()
        .into_iter()
        .find(|received| received.is_accepted);
    let first = first.expect("a delivery");
    assert_eq!(first.delivery(), receiver.received()[0].delivery());
    assert!(first.text.contains("harmless"), "{}", first.text);
    server.stop();
}

#[test]
fn a_replay_begins_where_it_is_told() {
    let installation = Installation::new();
    let server = installation.start();
    let receiver = Receiver::start(Manner::Status(200));
    for n in 1..=3 {
        server.post("/api/0/settings/a", &json!(n));
    }
    let (id, _) = make(
        &server,
        &json!({ "url": receiver.url(), "trigger": { "on": "records" } }),
    );
    let target = format!("/api/1/webhooks/{id}/replay");
    for wrong in [
        json!({ "from": 0 }),
        json!({ "from": 5 }),
        json!({}),
        json!({ "from": 1, "to": 2 }),
    ] {
        assert_eq!(server.post(&target, &wrong).0, 422, "{wrong}");
    }
    assert_eq!(server.post(&target, &json!({ "from": 2 })).0, 200);
    expect_records(&receiver, &[2, 3]);
    assert_eq!(server.post(&target, &json!({ "from": 1 })).0, 200);
    // Under other ids, so that the receiver does not take them for the same deliveries.
    expect_records(&receiver, &[2, 3, 1, 2, 3]);
    server.stop();
}

#[test]
fn a_bucket_that_falls_silent_is_reported_once() {
    let installation = Installation::new();
    let server = installation.start();
    let receiver = Receiver::start(Manner::Status(200));
    make_bucket(&server, "b");
    make_bucket(&server, "other");
    let trigger = json!({ "on": "silence", "buckets": ["b"], "seconds": 1 });
    let (id, _) = make(&server, &json!({ "url": receiver.url(), "trigger": trigger }));
    for round in 1..=2 {
        beat(&server, "b", round);
        poll("the report", || {
            (receiver.received().len() as u64 == round).then_some(())
        });
    }
    let last = &receiver.received()[1];
    let silent = json!([{ "bucket": "b", "seconds": 1, "last_event": "2024-03-01T00:00:02Z" }]);
    assert_eq!(
        (&last.body["on"], &last.body["silent"]),
        (&json!("silence"), &silent)
    );
    assert_eq!(
        server
            .post(&format!("/api/1/webhooks/{id}/replay"), &json!({ "from": 1 }))
            .0,
        422
    );
    server.stop();
}

#[test]
fn a_category_that_reaches_its_time_is_reported_once_a_day() {
    let installation = Installation::new();
    let receiver = Receiver::start(Manner::Status(200));
    let server = installation.start();
    let now = std::time::SystemTime::now();
    let now = now
        .duration_since(std::time::UNIX_EPOCH)
        .expect("a time")
        .as_secs();
    let day_start = format!("{:02}:00", (now / 3600 + 12) % 24);
    let rule = json!({ "type": "regex", "regex": "vim" });
    server.post("/api/0/settings/startOfDay", &json!(day_start));
    server.post(
        "/api/0/settings/classes",
        &json!([{ "id": 0, "name": ["Work", "Code"], "rule": rule }]),
    );
    let trigger = json!({ "on": "usage", "category": ["Work"], "seconds": 90 });
    make(&server, &json!({ "url": receiver.url(), "trigger": trigger }));
    let work = |server: &Server, minutes_ago: u64| {
        let start = rfc3339::format(i128::from(now - minutes_ago * 60) * 1_000_000_000);
        for (bucket, type_, data) in [
            (
                "aw-watcher-window_h",
                "currentwindow",
                json!({ "app": "vim", "title": "x" }),
            ),
            ("aw-watcher-afk_h", "afkstatus", json!({ "status": "not-afk" })),
        ] {
            let made = json!({ "client": "c", "type": type_, "hostname": "h" });
            server.post(&format!("/api/0/buckets/{bucket}"), &made);
            let event = json!({ "timestamp": start, "duration": 60, "data": data });
            assert_eq!(
                server
                    .post(&format!("/api/0/buckets/{bucket}/events"), &json!([event]))
                    .0,
                200
            );
        }
    };
    work(&server, 30);
    work(&server, 20);
    let received = poll("the report", || receiver.received().first().cloned());
    assert_eq!(
        (&received.body["on"], &received.body["category"]),
        (&json!("usage"), &json!(["Work"]))
    );
    assert!(
        received.body["duration"].as_f64() >= Some(90.0),
        "{}",
        received.text
    );
    // Neither more of it nor a restart causes another one: the next thing that is reported is something else.
    server.kill();
    let server = installation.start();
    work(&server, 10);
    let trigger = json!({ "on": "usage", "category": ["Work", "Code"], "seconds": 150 });
    make(&server, &json!({ "url": receiver.url(), "trigger": trigger }));
    // What the kill has interrupted comes again under the same id.
    let first = received.delivery().to_owned();
    let second = poll("the other report", || {
        let all = receiver.received();
        all.into_iter().find(|received| received.delivery() != first)
    });
    assert_eq!(second.body["seconds"], 150);
    server.stop();
}

#[test]
fn a_test_says_what_came_of_it() {
    let installation = Installation::new();
    let server = installation.start();
    let receiver = Receiver::start(Manner::Status(200));
    let (id, _) = make(
        &server,
        &json!({ "url": receiver.url(), "trigger": { "on": "records" } }),
    );
    let target = format!("/api/1/webhooks/{id}/test");
    let expected = json!({ "delivered": true, "status": 200, "error": null });
    assert_eq!(server.post(&target, &json!({})), (200, expected));
    assert_eq!(receiver.received()[0].body["on"], "test");
    receiver.set_manner(Manner::Status(403));
    let (_, failed) = server.post(&target, &json!({}));
    assert_eq!(
        (&failed["delivered"], &failed["status"]),
        (&json!(false), &json!(403))
    );
    drop(receiver);
    let (_, failed) = server.post(&target, &json!({}));
    assert!(
        failed["error"]
            .as_str()
            .expect("a text")
            .contains("cannot connect"),
        "{failed}"
    );
    server.stop();
}

/// A receiver that speaks TLS with the certificate of a file.
const TLS_RECEIVER: &str = "
import http.server, ssl, sys
class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers['Content-Length']))
        self.send_response(204)
        self.end_headers()
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), Receiver)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2])
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
";

#[test]
fn a_receiver_with_tls_needs_a_certificate_that_the_system_trusts() {
    let installation = Installation::new();
    let certificate = installation.root().join("cert.pem");
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ])
        .args([
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ])
        .arg("-keyout")
        .arg(&certificate)
        .arg("-out")
        .arg(installation.root().join("only-cert.pem"))
        .stderr(Stdio::null())
        .status();
    assert!(made.expect("openssl to start").success());
    let alone = std::fs::read(installation.root().join("only-cert.pem")).expect("the certificate");
    let with_key = [std::fs::read(&certificate).expect("the key"), alone].concat();
    std::fs::write(&certificate, with_key).expect("to write");
    let port = free_port();
    let receiver = Command::new("python3")
        .args(["-c", TLS_RECEIVER, &port.to_string()])
        .arg(&certificate)
        .spawn();
    let _receiver = Ending(receiver.expect("python3 to start"));
    poll("the receiver to listen", || {
        std::net::TcpStream::connect(("127.0.0.1", port)).ok()
    });
    for (is_trusted, host, expected) in [
        (true, "localhost", ""),
        (true, "127.0.0.1", "TLS"),
        (false, "localhost", "TLS"),
    ] {
        let mut command = installation.command();
        if is_trusted {
            command.env("SSL_CERT_FILE", installation.root().join("only-cert.pem"));
        }
        let server = installation.start_as(command);
        let url = format!("https://{host}:{port}/");
        let (id, _) = make(&server, &json!({ "url": url, "trigger": { "on": "records" } }));
        let (_, tested) = server.post(&format!("/api/1/webhooks/{id}/test"), &json!({}));
        let error = tested["error"].as_str().unwrap_or_default();
        assert_eq!(tested["delivered"], expected.is_empty(), "{tested}");
        assert!(error.contains(expected), "{tested}");
        server.stop();
    }
}

#[test]
fn a_webhook_reaches_this_machine_only_unless_the_configuration_says_more() {
    let mut installation = Installation::new();
    let server = installation.start();
    let make = |server: &Server, url: &str| {
        let (status, answer) = server.post(
            "/api/1/webhooks",
            &json!({ "url": url, "trigger": { "on": "records" } }),
        );
        (status, answer["message"].as_str().unwrap_or_default().to_owned())
    };
    for url in [
        "http://192.0.2.1/",
        "https://hooks.example.com/",
        "http://169.254.169.254/latest",
        "http://0.0.0.0/",
    ] {
        let (status, message) = make(&server, url);
        assert!(
            status == 422 && message.contains("webhooks.allow"),
            "{url}: {status} {message}"
        );
    }
    let itself = format!("http://localhost:{}/api/0/settings/x", server.port);
    assert_eq!(make(&server, &itself).0, 422);
    server.stop();
    installation.configure("[webhooks]\nallow = [\"192.0.2.0/24\", \"hooks.example.com\"]\n");
    let server = installation.start();
    assert_eq!(make(&server, "http://192.0.2.1/").0, 201);
    assert_eq!(make(&server, "https://hooks.example.com/").0, 201);
    server.stop();
    // What was allowed once is checked again at each attempt.
    installation.configure("");
    let server = installation.start();
    let (_, list) = ask(&server, "GET", "/api/1/webhooks", None);
    for hook in list["webhooks"].as_array().expect("a list") {
        let (_, tested) = server.post(
            &format!("/api/1/webhooks/{}/test", hook["id"].as_str().expect("an id")),
            &json!({}),
        );
        let error = tested["error"].as_str().expect("a text");
        assert!(error.contains("webhooks.allow"), "{error}");
    }
    server.stop();
}

#[test]
fn the_files_are_their_owners_and_a_damaged_one_is_kept() {
    let installation = Installation::new();
    let server = installation.start();
    let receiver = Receiver::start(Manner::Status(200));
    let definition = json!({ "url": receiver.url(), "trigger": { "on": "records" } });
    let (id, secret) = make(&server, &definition);
    for file in ["webhooks.json", "webhooks-state.json"] {
        let metadata = std::fs::metadata(installation.data.join(file)).expect("the file");
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777,
            0o600
        );
    }
    let target = format!("/api/1/webhooks/{id}");
    let (_, hook) = ask(
        &server,
        "PATCH",
        &target,
        Some(&json!({ "new_secret": true, "name": "x" })),
    );
    assert!(
        hook["secret"].is_string() && hook["secret"] != json!(secret) && hook["name"] == "x",
        "{hook}"
    );
    assert_eq!(
        ask(&server, "PATCH", &target, Some(&json!({ "unknown": 1 }))).0,
        422
    );
    assert_eq!(ask(&server, "GET", "/api/1/webhooks/none", None).0, 404);
    let log = http::get(server.port, "/api/0/log").expect("an answer").text();
    assert!(!log.contains(&secret));
    server.stop();
    let file = installation.data.join("webhooks.json");
    std::fs::write(&file, "{").expect("damage");
    let server = installation.start();
    let (status, answer) = server.post("/api/1/webhooks", &definition);
    assert!(
        status == 500
            && answer["message"]
                .as_str()
                .is_some_and(|text| text.contains("webhooks.json")),
        "{answer}"
    );
    assert_eq!(std::fs::read_to_string(&file).expect("the file"), "{");
    server.stop();
}

const PAGE: &str = include_str!("../../../../docs/webhooks.md");

/// What is between two texts of the page.
fn shown(before: &str, after: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(before).expect("the beginning");
    rest.split_once(after).expect("the end").0
}

/// The example of the page makes a webhook, its deliveries are as shown, and the program of the page accepts them and
/// nothing else.
#[test]
fn the_page_is_true() {
    let installation = Installation::new();
    let server = installation.start();
    make_bucket(&server, "aw-watcher-window_laptop");
    beat(&server, "aw-watcher-window_laptop", 1);
    let receiver = Receiver::start(Manner::Status(200));
    let mut definition: Value = serde_json::from_str(shown(" -d '", "'")).expect("JSON");
    definition["url"] = json!(receiver.url());
    let (_, secret) = make(&server, &definition);
    let deleted = ask(
        &server,
        "DELETE",
        "/api/0/buckets/aw-watcher-window_laptop/events/1",
        None,
    );
    assert_eq!(deleted.0, 200);
    let received = poll("the delivery", || receiver.received().first().cloned());
    let delivery: Value = serde_json::from_str(shown("```json\n", "```")).expect("JSON");
    let keys = |value: &Value| {
        value
            .as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect::<Vec<String>>()
    };
    assert_eq!(keys(&received.body), keys(&delivery));
    assert_eq!(keys(&received.body["records"][0]), keys(&delivery["records"][0]));
    let headers = json!({
        "X-Timberline-Timestamp": received.header("x-timberline-timestamp"),
        "X-Timberline-Signature": received.header("x-timberline-signature"),
    });
    let program = shown("```python\n", "```");
    let text = json!([secret, headers, received.text]);
    let check = "import json, sys\nsecret, headers, text = json.load(sys.stdin)\nbody = text.encode()\n\
                 print(is_genuine(secret, headers, body), is_genuine('x', headers, body), is_genuine(secret, headers, body + b' '))";
    let mut python = Command::new("python3")
        .args(["-c", &format!("{program}\n{check}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 to start");
    let mut input = python.stdin.take().expect("its input");
    input.write_all(text.to_string().as_bytes()).expect("to write");
    drop(input);
    let output = python.wait_with_output().expect("its output");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "True False False");
    server.stop();
}

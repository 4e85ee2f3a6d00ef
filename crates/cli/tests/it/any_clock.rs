//! The server answers whatever its clock says: before 1970, after 9999, and while somebody sets it.

use std::fs;

use crate::harness::clock::SetClock;
use crate::harness::http::{self, Connection};
use crate::harness::server::{Installation, Server};

const BUCKET: &[u8] = br#"{"client":"c","type":"t","hostname":"h"}"#;
const FIRST_DATE: &str = "Thu, 01 Jan 1970 00:00:00 GMT";
const LAST_DATE: &str = "Fri, 31 Dec 9999 23:59:59 GMT";

/// A time in seconds since 1970, and how the year in a `Date` header begins that is right then.
const TIMES: [(i64, &str); 9] = [
    (-20_000_000_000, FIRST_DATE),
    (-2_147_483_648, FIRST_DATE),
    (-86_400, FIRST_DATE),
    (0, "1970"),
    (2_147_483_646, "2038"),
    (4_294_967_295, "2106"),
    (9_223_372_035, "2262"),
    (253_402_300_800, LAST_DATE),
    (1_000_000_000_000, LAST_DATE),
];

fn start(installation: &Installation, clock: &SetClock) -> Server {
    let mut command = installation.command();
    clock.apply(&mut command);
    installation.start_as(command)
}

fn installation() -> (Installation, SetClock) {
    let mut installation = Installation::new();
    let web = installation.root().join("web");
    fs::create_dir_all(&web).expect("a directory");
    fs::write(web.join("index.html"), "<p>").expect("a page");
    let logs = installation.root().join("logs");
    let (web, logs) = (web.display(), logs.display());
    installation.configure(&format!(
        "webpath = \"{web}\"\n[logging]\ndir = \"{logs}\"\nlevel = \"debug\"\n"
    ));
    let clock = SetClock::new(installation.root());
    (installation, clock)
}

/// Has the server do what involves the clock.
fn use_everything(connection: &mut Connection, number: usize, date: &str) {
    let bucket = format!("/api/0/buckets/b{number}");
    let heartbeat = br#"{"timestamp":"2024-03-01T10:00:00Z","duration":1,"data":{"n":1}}"#;
    let event = br#"[{"timestamp":"2024-03-02T10:00:00Z","duration":1,"data":{"n":1}}]"#;
    let query = br#"{"query":["RETURN = 1;"],"timeperiods":["2024-03-01T00:00:00Z/2024-03-02T00:00:00Z"]}"#;
    let purge = format!(r#"{{"bucket":"b{number}","data":{{"contains":"n"}}}}"#);
    let requests: [(&str, String, Option<&[u8]>); 10] = [
        ("POST", bucket.clone(), Some(BUCKET)),
        ("POST", format!("{bucket}/heartbeat?pulsetime=1"), Some(heartbeat)),
        ("POST", format!("{bucket}/events"), Some(event)),
        ("GET", format!("{bucket}/events"), None),
        ("POST", "/api/0/query/".to_owned(), Some(query)),
        ("GET", "/".to_owned(), None),
        ("GET", "/api/0/export".to_owned(), None),
        ("GET", "/api/0/log".to_owned(), None),
        ("GET", "/api/1/trash".to_owned(), None),
        ("POST", "/api/1/purge".to_owned(), Some(purge.as_bytes())),
    ];
    for (method, path, body) in requests {
        let answer = connection
            .request(method, &path, body)
            .unwrap_or_else(|error| panic!("{method} {path} with the clock at {date}: {error}"));
        // What the purge is to find is not the matter here; that it is answered is.
        assert!(answer.status < 500, "{method} {path}: {}", answer.text());
        let sent = answer.header("date").expect("a date");
        assert!(sent.contains(date), "{method} {path}: {sent}, not {date}");
    }
}

/// No thread of the server has panicked, neither one that answers nor one in the background.
fn no_panic(installation: &Installation) {
    let log = fs::read_to_string(installation.root().join("stderr.log")).expect("its log");
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn a_server_answers_whatever_its_clock_says_at_its_start() {
    let (installation, clock) = installation();
    for (number, (seconds, date)) in TIMES.into_iter().enumerate() {
        clock.set(seconds);
        let server = start(&installation, &clock);
        let mut connection = Connection::open(server.port).expect("a connection");
        use_everything(&mut connection, number, date);
        server.stop();
    }
    no_panic(&installation);
    clock.shift_by(0);
    let server = start(&installation, &clock);
    for number in 0..TIMES.len() {
        let count = http::get(server.port, &format!("/api/0/buckets/b{number}/events/count"));
        assert_eq!(count.expect("the count").text(), "2", "bucket b{number}");
    }
    server.stop();
    installation.verify();
}

#[test]
fn a_server_answers_while_its_clock_is_set_back_and_forth() {
    let (installation, clock) = installation();
    let server = start(&installation, &clock);
    let mut kept = Connection::open(server.port).expect("a connection");
    // From one end to the other and back inwards.
    for number in 0..TIMES.len() {
        let index = if number % 2 == 0 {
            number / 2
        } else {
            TIMES.len() - 1 - number / 2
        };
        clock.set(TIMES[index].0);
        // A date is kept for a second of the clock, so after a jump back it may be an earlier one.
        use_everything(&mut kept, number, "GMT");
        let new = http::get(server.port, "/api/0/info").expect("an answer on a new connection");
        assert_eq!(new.status, 200);
    }
    server.stop();
    no_panic(&installation);
    installation.verify();
}

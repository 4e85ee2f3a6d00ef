//! The client as a whole: its thread, real files, real sockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration as StdDuration;

use super::fake_server::{FakeServer, Fault, Kind, Link};
use super::*;
use crate::client::http::Http;
use crate::client::transport::{Method, Request, Transport};
use crate::clock::SystemClock;
use crate::{Client, ClientOptions, Server};

const PATIENCE: StdDuration = StdDuration::from_secs(60);

fn client(dir: &std::path::Path, link: &Arc<Link>) -> Client {
    let options = ClientOptions::new(Server::new("127.0.0.1", 1), dir).hostname("laptop");
    Client::with_transport(options, link.clone(), Arc::new(SystemClock::new())).expect("it opens")
}

fn link() -> Arc<Link> {
    Arc::new(Link::to(FakeServer::new(Kind::Timberline)))
}

fn beat(client: &Client, start: i64, data: &str) -> Stored {
    let bucket = client.bucket("aw-watcher-test", "b", "test");
    let beat = waiting("b", start, 0, data, 2);
    bucket
        .heartbeat(beat.start, beat.duration, &beat.data, beat.pulsetime)
        .expect("taken")
}

#[test]
fn closing_sends_what_is_held_back() {
    let (dir, link) = (tempfile::tempdir().expect("a directory"), link());
    let client = client(dir.path(), &link);
    assert_eq!(beat(&client, 1, "x"), Stored::OnDisk);
    assert_eq!(client.health().waiting, 1);
    assert_eq!(client.close(PATIENCE).wait().left, 0);
    assert_eq!(link.server.lock().events("b"), [(1, 1, "x".to_owned())]);
    let bucket = client.bucket("aw-watcher-test", "b", "test");
    let late = waiting("b", 2, 0, "y", 2);
    let refused = bucket.heartbeat(late.start, late.duration, &late.data, late.pulsetime);
    assert!(matches!(refused, Err(QueueError::Closed)));
}

#[test]
fn the_next_process_sends_what_could_not_be_sent() {
    let (dir, link) = (tempfile::tempdir().expect("a directory"), link());
    *link.always.lock() = Some(Fault::Refused);
    let first = client(dir.path(), &link);
    beat(&first, 1, "x");
    assert_eq!(first.close(PATIENCE).wait().left, 1);
    *link.always.lock() = None;
    let second = client(dir.path(), &link);
    beat(&second, 10, "y");
    assert_eq!(second.close(PATIENCE).wait().left, 0);
    let expected = [(1, 1, "x".to_owned()), (10, 10, "y".to_owned())];
    assert_eq!(link.server.lock().events("b"), expected);
}

#[test]
fn an_event_that_grows_is_one_event() {
    let (dir, link) = (tempfile::tempdir().expect("a directory"), link());
    let client = client(dir.path(), &link);
    let data = Data::parse(r#"{"d":"x"}"#).expect("data");
    let (afk, window) = (client.afk_bucket(), client.window_bucket());
    assert_eq!(
        (afk.bucket().id.as_str(), window.bucket().type_.as_str()),
        ("aw-watcher-afk_laptop", "currentwindow")
    );
    for end in [5, 60, 3600] {
        afk.event(at(0), at(end), &data).expect("taken");
    }
    afk.event(at(3601), at(3602), &data).expect("taken");
    assert_eq!(client.close(PATIENCE).wait().left, 0);
    let expected = [(0, 3600, "x".to_owned()), (3601, 3602, "x".to_owned())];
    assert_eq!(link.server.lock().events("aw-watcher-afk_laptop"), expected);
}

#[test]
fn a_server_that_hangs_delays_the_end_no_longer_than_it_may() {
    struct Hangs(parking_lot::Mutex<()>);
    impl Transport for Hangs {
        fn send(&self, _: &Request) -> Result<crate::Answer, crate::NotSent> {
            drop(self.0.lock());
            Err(crate::NotSent {
                reason: "it has hung".to_owned(),
                may_have_arrived: true,
            })
        }
    }
    let dir = tempfile::tempdir().expect("a directory");
    let hangs = Arc::new(Hangs(parking_lot::Mutex::new(())));
    let hanging = hangs.0.lock();
    let options = ClientOptions::new(Server::new("127.0.0.1", 1), dir.path());
    let client =
        Client::with_transport(options, hangs.clone(), Arc::new(SystemClock::new())).expect("it opens");
    beat(&client, 1, "x");
    assert_eq!(client.close(StdDuration::from_millis(50)).wait().left, 1);
    // The queue is free for the next process, although the request still hangs.
    let link = link();
    let next = self::client(dir.path(), &link);
    assert_eq!(next.close(PATIENCE).wait().left, 0);
    drop(hanging);
    assert_eq!(link.server.lock().events("b").len(), 1);
}

#[test]
fn a_transport_that_panics_ends_nothing() {
    struct Panics;
    impl Transport for Panics {
        fn send(&self, _: &Request) -> Result<crate::Answer, crate::NotSent> {
            panic!("a test")
        }
    }
    let dir = tempfile::tempdir().expect("a directory");
    let options = ClientOptions::new(Server::new("127.0.0.1", 1), dir.path());
    let clock = Arc::new(SystemClock::new());
    let client = Client::with_transport(options, Arc::new(Panics), clock).expect("it opens");
    assert!(client.info().wait().is_err());
    beat(&client, 1, "x");
    assert_eq!(client.close(StdDuration::from_millis(50)).wait().left, 1);
}

#[test]
fn calls_get_their_answers() {
    let (dir, link) = (tempfile::tempdir().expect("a directory"), link());
    let client = client(dir.path(), &link);
    assert_eq!(client.info().wait().expect("an answer").version, "fake");
    let bucket = client.bucket("me", "b", "test");
    assert!(client.create_bucket(bucket.bucket()).wait().expect("created"));
    assert!(
        !client
            .create_bucket(bucket.bucket())
            .wait()
            .expect("there already")
    );
    link.server.lock().beat(
        "b",
        &timberline_model::Heartbeat {
            start: at(1),
            duration: Duration::from_secs(5),
            data: r#"{"d":"x"}"#.into(),
        },
        Pulsetime::from_nanos(0),
    );
    let events = client
        .events("b", None, Some(at(3)), None)
        .wait()
        .expect("events");
    let events: Vec<_> = events
        .iter()
        .map(|event| (event.start, event.end(), event.data.as_str()))
        .collect();
    assert_eq!(events, [(at(1), at(3), r#"{"d":"x"}"#)]);
    let refused = client.event_count("none").wait().expect_err("refused");
    assert!(refused.to_string().contains("status 404"), "{refused}");
    *link.always.lock() = Some(Fault::Refused);
    assert!(client.info().wait().is_err());
}

/// Answers one request on each connection with this text, and returns what it was asked.
fn serve(answers: Vec<&'static str>) -> (u16, thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let serving = thread::spawn(move || {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).expect("a line");
                if line.trim().is_empty() {
                    break;
                }
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().expect("a length");
                }
                head.push_str(&line);
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("a body");
            asked.push(head + "\n" + &String::from_utf8(body).expect("text"));
            stream.write_all(answer.as_bytes()).expect("written");
        }
        asked
    });
    (port, serving)
}

#[test]
fn requests_go_over_http_with_the_key() {
    let (port, serving) = serve(vec![
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
        "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nonly a part",
        "",
    ]);
    let http = Http::new(&Server::new("127.0.0.1", port).with_key("secret"));
    let request = Request {
        method: Method::Post,
        path: "/api/0/buckets/b".to_owned(),
        body: Some(b"{}".to_vec()),
        patience: PATIENCE,
    };
    let answer = http.send(&request).expect("an answer");
    assert_eq!(
        (answer.status, answer.retry_after),
        (503, Some(StdDuration::from_secs(7)))
    );
    assert_eq!(answer.body, b"{}");
    assert_eq!(
        http.send(&request).expect("an answer").status,
        302,
        "redirects are not followed"
    );
    assert!(http.send(&request).expect_err("it breaks off").may_have_arrived);
    assert!(http.send(&request).expect_err("no answer").may_have_arrived);
    let asked = serving.join().expect("it ends");
    assert!(
        asked[0].starts_with("POST /api/0/buckets/b HTTP/1.1"),
        "{}",
        asked[0]
    );
    assert!(
        asked[0]
            .to_ascii_lowercase()
            .contains("authorization: bearer secret"),
        "{}",
        asked[0]
    );
    let gone = http.send(&request).expect_err("nobody listens any more");
    assert!(!gone.may_have_arrived, "{gone}");
}

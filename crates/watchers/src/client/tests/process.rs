//! A real process that is killed again and again, real files, HTTP, and a server that loses answers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration as StdDuration;

use super::fake_server::{FakeServer, Kind};
use super::*;
use crate::client::transport::{Answer, Method, Request};
use crate::{Client, ClientOptions, Server};

/// What the child reads from its environment: `PORT DIRECTORY FIRST CLOSES`.
const VARIABLE: &str = "TIMBERLINE_WATCHERS_CHILD";

/// The child's body; as a test of its own it does nothing.
#[test]
fn child() {
    let Ok(what) = std::env::var(VARIABLE) else {
        return;
    };
    let words: Vec<&str> = what.split(' ').collect();
    let [port, dir, first, closes] = words[..] else {
        panic!("not readable: {what}")
    };
    let server = Server::new("127.0.0.1", port.parse().expect("a port"));
    let options = ClientOptions::new(server, dir).commit_interval(StdDuration::ZERO);
    let client = Client::open(options).expect("it opens");
    if closes == "closes" {
        assert_eq!(client.close(StdDuration::from_secs(60)).wait().left, 0);
        return;
    }
    let bucket = client.bucket("test", "b", "test");
    for number in first.parse::<i64>().expect("a number").. {
        let beat = waiting("b", number, 0, &number.to_string(), 0);
        let stored = bucket.heartbeat(beat.start, beat.duration, &beat.data, beat.pulsetime);
        assert_eq!(stored.expect("it is stored"), Stored::OnDisk);
        println!("stored {number}");
        while client.health().waiting > 20 {
            thread::yield_now();
        }
    }
}

/// Reads a request; `None` at the end of the connection.
fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).ok().filter(|&read| read > 0)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|&read| read > 0)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let mut words = first.split(' ');
    let method = match words.next()? {
        "GET" => Method::Get,
        "POST" => Method::Post,
        other => panic!("unexpected method {other}"),
    };
    Some(Request {
        method,
        path: words.next()?.to_owned(),
        body: Some(body),
        patience: StdDuration::ZERO,
    })
}

/// Serves a fake server; one answer in 97 is lost.
fn serve(server: Arc<Mutex<FakeServer>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, server) = (stream.expect("a connection"), Arc::clone(&server));
            thread::spawn(move || converse(stream, &server));
        }
    });
    port
}

fn converse(mut stream: TcpStream, server: &Mutex<FakeServer>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a stream"));
    while let Some(request) = read_request(&mut reader) {
        let mut server = server.lock();
        let Answer { status, body, .. } = server.answer(&request);
        let is_lost = server.requests.len().is_multiple_of(97);
        drop(server);
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", body.len());
        if is_lost || stream.write_all(&[head.as_bytes(), &body].concat()).is_err() {
            return;
        }
    }
}

fn start_child(port: u16, dir: &std::path::Path, first: i64, closes: &str) -> std::process::Child {
    Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "client::tests::process::child", "--nocapture"])
        .env(VARIABLE, format!("{port} {} {first} {closes}", dir.display()))
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process")
}

#[test]
fn a_process_that_is_killed_again_and_again_loses_nothing_and_repeats_nothing() {
    for kind in [Kind::Rust, Kind::Timberline] {
        let dir = tempfile::tempdir().expect("a directory");
        let server = Arc::new(Mutex::new(FakeServer::new(kind)));
        let port = serve(Arc::clone(&server));
        let mut stored = Vec::new();
        for kill in 0..6 {
            // Numbers that may have been stored without a word are not used again.
            let first = (kill + 1) * 1_000_000;
            let mut child = start_child(port, dir.path(), first, "goes-on");
            let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
            for line in lines.take(100 + 60 * kill as usize) {
                let line = line.expect("a line");
                stored.extend(
                    line.strip_prefix("stored ")
                        .and_then(|number| number.parse::<i64>().ok()),
                );
            }
            child.kill().expect("it is killed");
            child.wait().expect("it ends");
        }
        let closed = start_child(port, dir.path(), 0, "closes")
            .wait()
            .expect("it ends");
        assert!(closed.success());
        let got: Vec<i64> = server.lock().events("b").iter().map(|event| event.0).collect();
        assert!(
            got.is_sorted_by(|one, other| one < other),
            "in order, and each once: {kind:?}"
        );
        let lost: Vec<_> = stored
            .iter()
            .filter(|number| got.binary_search(number).is_err())
            .collect();
        assert!(
            stored.len() > 500 && lost.is_empty(),
            "{kind:?}: {} of {} lost",
            lost.len(),
            stored.len()
        );
    }
}

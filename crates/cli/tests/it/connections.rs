//! A new client is served whatever other connections do: idle ones, and clients that are slow with a head, a body or
//! an answer, as many as there are places and more.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};

use crate::harness::http::{self, Answer, Connection};
use crate::harness::poll;
use crate::harness::server::{Installation, Server};

const BUCKET: &[u8] = br#"{"client":"c","type":"t","hostname":"h"}"#;
const HEARTBEAT: &[u8] = br#"{"timestamp":"2024-03-01T10:00:00Z","duration":1,"data":{"n":1}}"#;
const PLACES: usize = 40;

/// So long that nothing in these tests ends because of it.
const LONG: &str = "header_seconds = 100000\nbody_seconds = 100000\nidle_seconds = 100000\n";

fn start(more: &str) -> (Installation, Server) {
    let mut installation = Installation::new();
    installation.configure(&format!("[limits]\nconnections = {PLACES}\n{LONG}{more}"));
    let server = installation.start();
    http::post(server.port, "/api/0/buckets/b", BUCKET).expect("the bucket to be made");
    (installation, server)
}

/// Sends part of something and leaves it at that.
fn send(port: u16, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("a connection");
    stream.write_all(text.as_bytes()).expect("to send");
    stream
}

fn post_head(path: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    )
}

/// With twice as many connections of a kind as there are places, new clients are served.
fn serves_beside(server: &Server, open: impl Fn() -> TcpStream) {
    let _others: Vec<TcpStream> = (0..2 * PLACES).map(|_| open()).collect();
    for _ in 0..3 {
        let answer = http::post(server.port, "/api/0/buckets/b/heartbeat?pulsetime=1", HEARTBEAT);
        assert_eq!(answer.expect("an answer").status, 200);
    }
}

#[test]
fn a_new_client_is_served_beside_idle_connections() {
    let (_installation, server) = start("");
    serves_beside(&server, || send(server.port, ""));
    server.stop();
}

#[test]
fn a_new_client_is_served_beside_slow_heads() {
    let (_installation, server) = start("");
    serves_beside(&server, || send(server.port, "GET /api/0/info HTT"));
    server.stop();
}

#[test]
fn a_new_client_is_served_beside_slow_bodies() {
    let (_installation, server) = start("");
    for path in ["/api/0/buckets/b/heartbeat?pulsetime=1", "/api/0/import"] {
        let head = post_head(path, 1_000);
        serves_beside(&server, || send(server.port, &format!("{head}{{")));
    }
    server.stop();
}

#[test]
fn a_new_client_is_served_beside_slow_readers() {
    let (_installation, server) = start("");
    // More than the buffers of two sockets hold.
    let data = "x".repeat(100_000);
    let event = format!(r#"{{"timestamp":"2024-03-02T10:00:00Z","duration":1,"data":{{"d":"{data}"}}}}"#);
    let events = format!("[{}]", vec![event; 100].join(","));
    let inserted = http::post(server.port, "/api/0/buckets/b/events", events.as_bytes());
    assert_eq!(inserted.expect("an answer").status, 200);
    serves_beside(&server, || {
        send(
            server.port,
            "GET /api/0/export HTTP/1.1\r\nhost: localhost\r\n\r\n",
        )
    });
    server.stop();
}

/// Bodies that are announced take memory from the others only as long as they come.
#[test]
fn a_large_body_is_taken_beside_large_ones_that_stall() {
    let (_installation, server) = start("body_pool_bytes = 8388608\nbody_bytes = 4194304\n");
    let head = post_head("/api/0/buckets/b/events", 4_000_000);
    let others: Vec<TcpStream> = (0..PLACES / 2)
        .map(|_| send(server.port, &format!("{head}[")))
        .collect();
    let event = r#"{"timestamp":"2024-03-02T10:00:00Z","duration":1,"data":{}}"#;
    let events = format!("[{}]", vec![event; 40_000].join(","));
    let answer = http::post(server.port, "/api/0/buckets/b/events", events.as_bytes());
    assert_eq!(answer.expect("an answer").status, 200);
    // A stop would wait for them.
    drop(others);
    server.stop();
}

/// An import that stalls holds up no other, and neither do imports that wait for memory.
#[test]
fn an_import_is_taken_beside_imports_that_stall() {
    let (_installation, server) = start("body_pool_bytes = 16777216\n");
    let head = post_head("/api/0/import", 10_000_000);
    let others: Vec<TcpStream> = (0..PLACES / 2)
        .map(|_| send(server.port, &format!("{head}{{")))
        .collect();
    let padding = " ".repeat(1_000_000);
    let answer = http::post(
        server.port,
        "/api/0/import",
        format!("{{\"buckets\":{{}}}}{padding}").as_bytes(),
    );
    assert_eq!(answer.expect("an answer").status, 200);
    drop(others);
    server.stop();
}

/// A client that keeps its connection, as RFC 9110 has it: it looks before it sends, and what it sent on a connection that
/// it had used before, and that ends without a byte of an answer, it sends again on a new one. (The server may close in the
/// same moment; then it has not read the request.)
struct Watcher {
    kept: Option<Connection>,
    opened: usize,
    sent_again: usize,
}

impl Watcher {
    fn post(&mut self, port: u16, target: &str, body: &[u8]) -> Answer {
        if let Some(mut connection) = self.kept.take().filter(|connection| !connection.is_closed()) {
            match connection.request("POST", target, Some(body)) {
                Ok(answer) => return self.keep(connection, answer),
                Err(error) => {
                    let ended = [
                        ErrorKind::UnexpectedEof,
                        ErrorKind::ConnectionReset,
                        ErrorKind::BrokenPipe,
                    ];
                    assert!(ended.contains(&error.kind()), "{error}");
                    self.sent_again += 1;
                }
            }
        }
        self.opened += 1;
        let mut connection = Connection::open(port).expect("a connection");
        let answer = connection.request("POST", target, Some(body)).expect("an answer");
        self.keep(connection, answer)
    }

    fn keep(&mut self, connection: Connection, answer: Answer) -> Answer {
        self.kept = (answer.header("connection").as_deref() != Some("close")).then_some(connection);
        answer
    }
}

/// Watchers that send again and again on connections that they keep lose nothing, and nothing is stored twice, however many
/// new clients come in between.
#[test]
fn no_request_is_lost_when_connections_make_way() {
    let (_installation, server) = start("");
    let port = server.port;
    let watcher = || Watcher {
        kept: None,
        opened: 0,
        sent_again: 0,
    };
    let mut watchers: Vec<Watcher> = (0..PLACES).map(|_| watcher()).collect();
    let rounds = 30;
    for round in 0..rounds {
        let _strangers: Vec<TcpStream> = (0..PLACES / 4).map(|_| send(port, "")).collect();
        for (number, watcher) in watchers.iter_mut().enumerate() {
            let event = format!(
                r#"{{"timestamp":"2024-03-01T10:{round:02}:{number:02}Z","duration":1,"data":{{"n":{number}}}}}"#
            );
            let answer = watcher.post(port, "/api/0/buckets/b/events", event.as_bytes());
            assert_eq!(answer.status, 200, "round {round}");
        }
    }
    let opened: usize = watchers.iter().map(|watcher| watcher.opened).sum();
    assert!(opened > 2 * PLACES, "no connection had to make way");
    let sent_again: usize = watchers.iter().map(|watcher| watcher.sent_again).sum();
    println!("{opened} connections, {sent_again} requests sent again");
    let count = http::get(port, "/api/0/buckets/b/events/count").expect("an answer");
    assert_eq!(count.text().trim(), (rounds * PLACES).to_string());
    server.stop();
}

/// Where descriptors are short, connections are refused or wait; nothing ends, and nothing spins.
#[test]
fn a_server_with_few_descriptors_goes_on() {
    let mut installation = Installation::new();
    installation.configure("[limits]\nconnections = 10000\n");
    let program = installation.command();
    let mut command = std::process::Command::new("bash");
    command.args(["-c", "ulimit -n 80; exec \"$@\"", "bash"]);
    command.arg(program.get_program()).args(program.get_args());
    installation.set_home(&mut command);
    let server = installation.start_as(command);
    let _others: Vec<TcpStream> = (0..200).map(|_| send(server.port, "")).collect();
    let answer = poll("an answer", || http::get(server.port, "/api/0/info").ok());
    assert_eq!(answer.status, 200);
    assert!(server.log_tail().contains("open files"), "{}", server.log_tail());
    server.stop();
}

#[test]
fn a_connection_that_makes_way_is_closed_in_order() {
    let (_installation, server) = start("");
    let mut first = send(server.port, "GET /api/0/info HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let mut answer = [0; 16];
    first.read_exact(&mut answer).expect("an answer");
    let _others: Vec<TcpStream> = (0..PLACES).map(|_| send(server.port, "")).collect();
    http::get(server.port, "/api/0/info").expect("an answer");
    // The rest of the answer, and then the end: not a reset.
    let mut rest = Vec::new();
    first.read_to_end(&mut rest).expect("an orderly end");
    server.stop();
}

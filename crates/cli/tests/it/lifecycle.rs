//! Starting and stopping: no request that the server has begun, or that the kernel has accepted for it, is
//! dropped.

use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::AsRawFd;

use crate::harness::http::{self, Connection};
use crate::harness::poll;
use crate::harness::server::Installation;

const BUCKET: &[u8] = br#"{"client":"c","type":"t","hostname":"h"}"#;
const EVENT: &[u8] = br#"[{"timestamp":"2024-03-01T10:00:00Z","duration":1,"data":{"n":1}}]"#;

#[test]
fn a_request_that_has_begun_is_finished() {
    let installation = Installation::new();
    let server = installation.start();
    let port = server.port;
    http::post(port, "/api/0/buckets/b", BUCKET).expect("the bucket to be made");

    // Half of a request, of which the server knows because it read the head.
    let mut begun = Connection::open(port).expect("a connection");
    let headers = begun.usual_headers(Some(EVENT));
    let (first, rest) = EVENT.split_at(10);
    begun
        .send("POST", "/api/0/buckets/b/events", &headers, first)
        .expect("the first half to be sent");
    let mut idle = Connection::open(port).expect("a connection");
    idle.request("GET", "/api/0/info", None)
        .expect("an answer on the connection that then idles");

    server.ask_to_stop();
    // The idle connection is closed, so the server has begun to stop.
    poll("the idle connection to be closed", || {
        idle.request("GET", "/api/0/info", None).err()
    });
    begun.send_more(rest).expect("the second half to be sent");
    let answer = begun.receive("POST").expect("an answer");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("connection").as_deref(), Some("close"));
    server.stop();

    let server = installation.start();
    let count = http::get(port, "/api/0/buckets/b/events/count").expect("the count");
    assert_eq!(count.text(), "1");
    server.stop();
}

#[test]
fn connections_that_wait_to_be_accepted_are_served() {
    let installation = Installation::new();
    let mut small = Installation::new();
    drop(installation);
    // One connection at a time: the others wait in the kernel.
    small.configure("[limits]\nconnections = 1\n");
    let server = small.start();
    let mut working = Connection::open(server.port).expect("a connection");
    let headers = working.usual_headers(Some(BUCKET));
    working
        .send("POST", "/api/0/buckets/b", &headers, &BUCKET[..5])
        .expect("half of a request");
    let mut waiting: Vec<Connection> = (0..5)
        .map(|_| {
            let mut connection = Connection::open(server.port).expect("a connection");
            let headers = connection.usual_headers(None);
            connection
                .send("GET", "/api/0/info", &headers, &[])
                .expect("a request");
            connection
        })
        .collect();
    working.send_more(&BUCKET[5..]).expect("the rest");
    assert_eq!(working.receive("POST").expect("an answer").status, 200);
    server.ask_to_stop();
    for connection in &mut waiting {
        assert_eq!(connection.receive("GET").expect("an answer").status, 200);
    }
    server.stop();
}

#[test]
fn an_inherited_socket_outlives_the_server_and_so_does_its_queue() {
    let mut installation = Installation::new();
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    installation.port = socket.local_addr().expect("its address").port();
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::empty()).expect("a socket to inherit");
    let start = || {
        let mut command = installation.command();
        let fd = socket.as_raw_fd().to_string();
        command.args(["--listen-fd", &fd]);
        installation.start_as(command)
    };

    let first = start();
    first.stop();
    // Nobody serves, nobody is refused.
    let mut early = Connection::open(installation.port).expect("a connection");
    let headers = early.usual_headers(None);
    early
        .send("GET", "/api/0/info", &headers, &[])
        .expect("a request");
    let second = start();
    assert_eq!(early.receive("GET").expect("an answer").status, 200);
    second.stop();
}

#[test]
fn a_socket_from_the_service_manager_is_used() {
    let mut installation = Installation::new();
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    installation.port = socket.local_addr().expect("its address").port();
    // As systemd does it: descriptor 3, and the number of descriptors and the process in the environment.
    let program = installation.command();
    let mut command = std::process::Command::new("bash");
    let fd = socket.as_raw_fd();
    command.args([
        "-c",
        &format!("exec 3<&{fd}; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$@\""),
        "bash",
    ]);
    command.arg(program.get_program()).args(program.get_args());
    installation.set_home(&mut command);
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::empty()).expect("a socket to inherit");
    installation.start_as(command).stop();
}

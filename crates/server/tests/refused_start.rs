//! What the server cannot work with ends it at its start, with one line that says what to do.

#![allow(
    clippy::expect_used,
    reason = "what a test needs and does not get is its failure"
)]

mod harness;

use std::fs;
use std::process::Command;

use harness::server::{Installation, free_port};

/// Runs a server that is to refuse; gives its complaint.
fn refusal(installation: &Installation, command: Command) -> String {
    let (status, _, complaint) = installation.run(command);
    assert!(!status.success(), "the server ended with {status}: {complaint}");
    let complaint = complaint.trim_end();
    assert_eq!(complaint.lines().count(), 1, "one line, not: {complaint}");
    println!("{complaint}");
    complaint.to_owned()
}

#[test]
fn a_data_directory_that_is_a_file() {
    let installation = Installation::new();
    fs::write(&installation.data, "in the way").expect("a file");
    let complaint = refusal(&installation, installation.command());
    assert!(
        complaint.contains(&installation.data.display().to_string()),
        "it names the path: {complaint}"
    );
}

#[test]
fn a_data_directory_that_cannot_be_made() {
    let mut installation = Installation::new();
    let parent = installation.root().join("file");
    fs::write(&parent, "in the way").expect("a file");
    installation.data = parent.join("data");
    let complaint = refusal(&installation, installation.command());
    assert!(
        complaint.contains(&installation.data.display().to_string()),
        "it names the path: {complaint}"
    );
}

#[test]
fn a_data_directory_in_use() {
    let installation = Installation::new();
    let server = installation.start();
    let complaint = refusal(&installation, installation.command_on(free_port()));
    assert!(
        complaint.contains(&server.process_id().to_string()),
        "it names the holder: {complaint}"
    );
    server.stop();
    // The lock is gone with its holder, even if that had no time to let go of it.
    installation.start().kill();
    installation.start().stop();
}

#[test]
fn a_port_in_use() {
    let installation = Installation::new();
    let server = installation.start();
    let other = Installation::new();
    let complaint = refusal(&other, other.command_on(server.port));
    assert!(
        complaint.contains(&server.port.to_string()),
        "it names the port: {complaint}"
    );
    server.stop();
}

#[test]
fn a_wrong_key_in_the_configuration() {
    let mut installation = Installation::new();
    installation.configure("host = \"127.0.0.1\"\nprot = 5600\n");
    let complaint = refusal(&installation, installation.command());
    assert!(
        complaint.contains(":2:") && complaint.contains("prot"),
        "it names line and key: {complaint}"
    );
}

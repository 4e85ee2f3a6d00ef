//! What the server cannot work with ends it at its start, with one line that says what to do.

#![allow(
    clippy::expect_used,
    reason = "what a test needs and does not get is its failure"
)]

mod harness;

use std::fs;
use std::path::{Path, PathBuf};
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

#[test]
fn data_of_a_newer_version() {
    let installation = Installation::new();
    installation.start().stop();
    let segments = segments(&installation.data);
    assert!(
        !segments.is_empty(),
        "segments below {}",
        installation.data.display()
    );
    for segment in &segments {
        let mut bytes = fs::read(segment).expect("a segment");
        set_format_version(&mut bytes, 99);
        fs::write(segment, bytes).expect("a segment");
    }
    let complaint = refusal(&installation, installation.command());
    assert!(complaint.contains("99"), "it names the version: {complaint}");
    let unchanged = segments
        .iter()
        .all(|segment| fs::read(segment).expect("a segment")[8] == 99);
    assert!(unchanged, "what a newer version wrote is left alone");
}

/// The log's files, wherever they are.
fn segments(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path());
    let (directories, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let mut segments: Vec<_> = directories
        .iter()
        .flat_map(|directory| segments(directory))
        .collect();
    segments.extend(
        files
            .into_iter()
            .filter(|file| file.extension().is_some_and(|kind| kind == "seg")),
    );
    segments.retain(|file| fs::read(file).is_ok_and(|bytes| bytes.starts_with(b"TMBRLOG\n")));
    segments
}

/// Has a segment look as if another version had written it, after docs/format/log.md.
fn set_format_version(segment: &mut [u8], version: u32) {
    const VERSION: std::ops::Range<usize> = 8..12;
    const CHECKSUM: std::ops::Range<usize> = 60..64;
    let block = &mut segment[..2048];
    block[VERSION].copy_from_slice(&version.to_le_bytes());
    block[CHECKSUM].fill(0);
    let checksum = crc32(block);
    block[CHECKSUM].copy_from_slice(&checksum.to_le_bytes());
}

fn crc32(bytes: &[u8]) -> u32 {
    let shift = |crc: u32| {
        if crc & 1 == 1 {
            crc >> 1 ^ 0xedb8_8320
        } else {
            crc >> 1
        }
    };
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| shift(crc))
    })
}

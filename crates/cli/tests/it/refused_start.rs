//! What the server cannot work with ends it at its start, with one line that says what to do.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::server::{Installation, free_port};

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

/// Everything below a directory, with its content; but for lock files, which name who tried last.
fn content(directory: &Path) -> Vec<(PathBuf, Option<Vec<u8>>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.push((path.clone(), None));
            found.extend(content(&path));
        } else {
            let bytes = (!path.ends_with("LOCK")).then(|| fs::read(&path).expect("a file"));
            found.push((path, bytes));
        }
    }
    found.sort();
    found
}

/// A server refuses to start, nothing has changed, and `doctor` fails too.
fn refused_without_a_trace(installation: &Installation, what: &str) {
    let before = content(&installation.data);
    let complaint = refusal(installation, installation.command());
    assert!(complaint.contains(what), "{complaint}");
    let after = content(&installation.data);
    let names = |content: &[(PathBuf, Option<Vec<u8>>)]| -> Vec<PathBuf> {
        content.iter().map(|(path, _)| path.clone()).collect()
    };
    assert_eq!(names(&before), names(&after), "{what}");
    assert!(before == after, "{what}: a file has changed");
    let mut doctor = installation.program();
    doctor.arg("doctor").arg("--dbpath").arg(&installation.data);
    let (status, out, _) = installation.run(doctor);
    assert_eq!(status.code(), Some(1), "{what}: {out}");
}

#[test]
fn a_refused_start_leaves_everything_as_it_was_and_doctor_fails_too() {
    let installation = Installation::new();
    installation.start().stop();
    let server = installation.start();
    let body = br#"{"client":"c","type":"t","hostname":"h"}"#;
    assert_eq!(
        crate::harness::http::post(server.port, "/api/0/buckets/b", body)
            .expect("an answer")
            .status,
        200
    );
    // Stopped in an orderly way: the views have all that the log has.
    server.stop();
    let segment = installation.data.join("log/00000000000000000001.seg");
    let aside = installation.root().join("aside");
    let log = installation.data.join("log");

    fs::rename(&segment, &aside).expect("renamed");
    refused_without_a_trace(&installation, "log segments are missing");
    fs::remove_file(log.join("LOCK")).expect("removed");
    fs::remove_file(installation.data.join("LOCK")).expect("removed");
    fs::remove_dir(installation.data.join("scratch")).expect("removed");
    refused_without_a_trace(&installation, "log segments are missing");
    fs::remove_dir(&log).expect("removed");
    refused_without_a_trace(&installation, "log segments are missing");
    fs::create_dir(&log).expect("a directory");
    // Cut off, without the mark that says what it had.
    fs::write(&segment, &fs::read(&aside).expect("a file")[..2048]).expect("written");
    refused_without_a_trace(&installation, "log segments are missing");
    fs::copy(&aside, &segment).expect("copied");

    let id = installation.data.join("device_id");
    let mut other = fs::read(&aside).expect("a file");
    other[16] ^= 1;
    other[32..40].copy_from_slice(&2u64.to_le_bytes());
    set_format_version(&mut other, 1);
    let second = log.join("00000000000000000002.seg");
    fs::write(&second, other).expect("written");
    fs::rename(&id, installation.root().join("id")).expect("renamed");
    refused_without_a_trace(&installation, "name several");
    fs::remove_file(&second).expect("removed");

    let server = installation.start();
    let buckets = crate::harness::http::get(server.port, "/api/0/buckets/")
        .expect("an answer")
        .text();
    assert!(buckets.contains("\"b\""), "{buckets}");
    server.stop();
    let restored = fs::read(&id).expect("the id");
    assert_eq!(
        restored,
        fs::read(installation.root().join("id")).expect("the id")
    );
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

#[test]
fn a_refused_first_start_with_encryption_leaves_no_key() {
    let installation = Installation::new();
    fs::create_dir(&installation.data).expect("a directory");
    fs::set_permissions(&installation.data, fs::Permissions::from_mode(0o700)).expect("its mode");
    let in_the_way = installation.data.join("scratch");
    fs::write(&in_the_way, "in the way").expect("a file");
    let encrypting = || {
        let mut command = installation.command();
        command
            .arg("--encrypt")
            .env("TIMBERLINE_PASSPHRASE", "correct horse");
        command
    };
    let before = content(&installation.data);
    let complaint = refusal(&installation, encrypting());
    assert!(complaint.contains("scratch"), "{complaint}");
    assert!(content(&installation.data) == before, "a file is left behind");
    fs::remove_file(in_the_way).expect("removed");
    installation.start_as(encrypting()).stop();
    assert!(installation.data.join("KEY").exists());
}

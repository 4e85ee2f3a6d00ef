//! `timberline serve --encrypt`: the real server on an encrypted data directory, killed and restarted; and nothing of
//! what it was told in any file.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::harness::http;
use crate::harness::server::{Installation, Server};
use serde_json::{Value, json};

const PASSPHRASE: &str = "TIMBERLINE_PASSPHRASE";
const BUCKET: &str = "aw-watcher-window_confidential";
/// What the clients say, piece by piece. None of it may be in any file.
const SECRETS: [&str; 8] = [
    "confidential",
    "currentwindow-secret",
    "hostname-secret",
    "heartbeat-secret",
    "inserted-secret",
    "imported-secret",
    "settings-secret",
    "setting-key",
];

fn encrypting(installation: &Installation) -> Command {
    let mut command = installation.command();
    command.arg("--encrypt").env(PASSPHRASE, "correct horse");
    command
}

fn unlocking(installation: &Installation, passphrase: &str) -> Command {
    let mut command = installation.command();
    command.env(PASSPHRASE, passphrase);
    command
}

fn tell(port: u16, path: &str, body: &Value) {
    let answer = http::post(port, path, body.to_string().as_bytes()).expect("an answer");
    assert!(
        (200..300).contains(&answer.status),
        "{path}: {} {}",
        answer.status,
        answer.text()
    );
}

fn events(port: u16, bucket: &str) -> Vec<Value> {
    let path = format!("/api/0/buckets/{bucket}/events?limit=-1");
    let answer = http::get(port, &path).expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let list = answer.json().expect("JSON");
    list.as_array().expect("a list").clone()
}

fn at(second: u32) -> String {
    format!("2024-03-01T10:{:02}:{:02}Z", second / 60 % 60, second % 60)
}

/// A bucket, heartbeats, inserted events, an import and a setting, all with secrets in them.
fn fill(server: &Server) {
    let port = server.port;
    tell(
        port,
        &format!("/api/0/buckets/{BUCKET}"),
        &json!({"client": "test", "type": "currentwindow-secret", "hostname": "hostname-secret"}),
    );
    for second in 0..50 {
        tell(
            port,
            &format!("/api/0/buckets/{BUCKET}/heartbeat?pulsetime=0.5"),
            &json!({"timestamp": at(second), "duration": 0, "data": {"app": format!("heartbeat-secret {second}")}}),
        );
    }
    let inserted: Vec<Value> = (0..500)
        .map(
            |n| json!({"timestamp": at(n), "duration": 1, "data": {"title": format!("inserted-secret {n}")}}),
        )
        .collect();
    tell(port, &format!("/api/0/buckets/{BUCKET}/events"), &json!(inserted));
    tell(
        port,
        "/api/0/settings/setting-key",
        &json!({"note": "settings-secret"}),
    );
    // More than an import keeps in memory.
    let padding = "imported-secret ".repeat(64);
    let imported: Vec<Value> = (0..10_000)
        .map(|n| json!({"timestamp": at(n), "duration": 1, "data": {"title": format!("{padding}{n}")}}))
        .collect();
    tell(
        port,
        "/api/0/import",
        &json!({"buckets": {"imported-confidential": {
            "id": "imported-confidential", "type": "t", "client": "c", "hostname": "h",
            "created": at(0), "data": {}, "events": imported,
        }}}),
    );
}

/// The files below a directory in which one of the secrets stands.
fn files_with_secrets(dir: &Path, found: &mut Vec<String>, seen: &mut usize) {
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files_with_secrets(&path, found, seen);
            continue;
        }
        *seen += 1;
        let bytes = fs::read(&path).expect("a file");
        for secret in SECRETS {
            if memchr::memmem::find(&bytes, secret.as_bytes()).is_some() {
                found.push(format!("{secret} in {}", path.display()));
            }
        }
    }
}

#[test]
fn nothing_that_the_server_was_told_is_in_any_file_and_all_of_it_survives_a_kill() {
    let installation = Installation::new();
    let server = installation.start_as(encrypting(&installation));
    fill(&server);
    server.kill();
    let (mut found, mut seen) = (Vec::new(), 0);
    files_with_secrets(installation.root(), &mut found, &mut seen);
    assert!(
        seen >= 4,
        "key, device id, log and more were looked at, not {seen} files"
    );
    assert_eq!(found, Vec::<String>::new(), "after a kill");

    // The flag is no harm to a directory that is encrypted already.
    let server = installation.start_as(encrypting(&installation));
    assert_eq!(events(server.port, BUCKET).len(), 550);
    assert_eq!(events(server.port, "imported-confidential").len(), 10_000);
    let setting = http::get(server.port, "/api/0/settings/setting-key").expect("an answer");
    assert!(setting.text().contains("settings-secret"));
    server.stop();
    files_with_secrets(installation.root(), &mut found, &mut seen);
    assert_eq!(found, Vec::<String>::new(), "after a checkpoint");
    let views = fs::read_dir(installation.data.join("views")).expect("views");
    assert!(views.count() > 0, "there is a checkpoint to look at");

    // From the views, not only from the log.
    let server = installation.start_as(unlocking(&installation, "correct horse"));
    assert_eq!(events(server.port, BUCKET).len(), 550);
    server.stop();
}

/// Runs a subcommand with a passphrase; gives exit code, output and complaint.
fn run(installation: &Installation, args: &[&str], passphrase: Option<&str>) -> (i32, String, String) {
    let mut command = installation.program();
    command.args(args).arg("--dbpath").arg(&installation.data);
    command.env_remove(PASSPHRASE);
    if let Some(passphrase) = passphrase {
        command.env(PASSPHRASE, passphrase);
    }
    let (status, out, err) = installation.run(command);
    (status.code().expect("an exit code"), out, err)
}

/// An encrypted installation with something in it, stopped.
fn filled() -> Installation {
    let installation = Installation::new();
    let server = installation.start_as(encrypting(&installation));
    fill(&server);
    server.stop();
    installation
}

#[test]
fn every_command_works_with_the_passphrase_and_none_without() {
    let installation = filled();
    let program = installation.root().join("names.aw");
    fs::write(&program, "RETURN = query_bucket_names();").expect("a program");
    let program = program.display().to_string();
    let commands: [&[&str]; 8] = [
        &["log", "stat"],
        &["log", "verify"],
        &["log", "dump", "--compact"],
        &["log", "tail", "--no-follow", "-n", "600"],
        &["log", "replay"],
        &["log", "rebuild"],
        &["query", &program, "--json"],
        &["log", "stat", "--json"],
    ];
    for args in commands {
        let (code, out, err) = run(&installation, args, Some("correct horse"));
        assert_eq!(code, 0, "{args:?}: {err}");
        let shows = out.contains(BUCKET) || args.contains(&"verify") || args.contains(&"rebuild");
        assert!(shows, "{args:?}: {out}");
        let (code, out, err) = run(&installation, args, None);
        assert_ne!(code, 0, "{args:?}");
        assert_eq!((out.as_str(), err.lines().count()), ("", 1), "{args:?}: {err}");
        assert!(
            err.contains("is encrypted: give its passphrase with --passphrase-file"),
            "{err}"
        );
        let (code, _, err) = run(&installation, args, Some("correct house"));
        assert_ne!(code, 0, "{args:?}");
        assert!(err.contains("wrong passphrase for "), "{args:?}: {err}");
        assert_eq!(err.lines().count(), 1, "{err}");
    }
    let file = installation.root().join("passphrase");
    fs::write(&file, "correct horse\n").expect("a file");
    let file = file.display().to_string();
    let (code, _, err) = run(
        &installation,
        &["log", "verify", "--passphrase-file", &file],
        None,
    );
    assert_eq!(code, 0, "{err}");
}

/// Runs a server that is to refuse; gives its complaint.
fn refusal(installation: &Installation, command: Command) -> String {
    let (status, _, complaint) = installation.run(command);
    assert!(!status.success(), "the server ended with {status}: {complaint}");
    assert_eq!(complaint.lines().count(), 1, "one line, not: {complaint}");
    complaint
}

#[test]
fn a_server_refuses_what_it_cannot_do_in_one_line() {
    let plain = Installation::new();
    plain.start().stop();
    let complaint = refusal(&plain, encrypting(&plain));
    assert!(
        complaint.contains("not encrypted") && complaint.contains("/api/0/export"),
        "{complaint}"
    );
    assert!(!plain.data.join("KEY").exists());

    let without = Installation::new();
    let mut command = without.command();
    command.arg("--encrypt").env_remove(PASSPHRASE);
    let complaint = refusal(&without, command);
    assert!(complaint.contains("--passphrase-file"), "{complaint}");

    let installation = filled();
    let complaint = refusal(&installation, unlocking(&installation, "correct house"));
    assert!(complaint.contains("wrong passphrase"), "{complaint}");
    let mut command = installation.command();
    command.env_remove(PASSPHRASE);
    let complaint = refusal(&installation, command);
    assert!(complaint.contains("is encrypted"), "{complaint}");
    // Without its key file it looks like a plain one; nothing may be written to it.
    fs::rename(installation.data.join("KEY"), installation.root().join("KEY")).expect("to hide the key");
    let complaint = refusal(&installation, installation.command());
    assert!(
        complaint.contains("is encrypted") && complaint.contains("KEY"),
        "{complaint}"
    );
    fs::rename(installation.root().join("KEY"), installation.data.join("KEY")).expect("to put it back");
    installation
        .start_as(unlocking(&installation, "correct horse"))
        .stop();
}

#[test]
fn the_passphrase_can_be_changed() {
    let installation = filled();
    let new = installation.root().join("new");
    fs::write(&new, "battery staple\n").expect("a file");
    let new = new.display().to_string();
    let args = ["key", "change", "--new-passphrase-file", new.as_str()];
    let (code, _, err) = run(&installation, &args, Some("wrong"));
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("wrong passphrase"), "{err}");
    let (code, out, err) = run(&installation, &args, Some("correct horse"));
    assert_eq!((code, out.as_str()), (0, "the passphrase was changed\n"), "{err}");
    assert_ne!(run(&installation, &["log", "stat"], Some("correct horse")).0, 0);
    assert_eq!(
        run(&installation, &["log", "verify"], Some("battery staple")).0,
        0
    );
}

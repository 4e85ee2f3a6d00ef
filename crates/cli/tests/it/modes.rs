//! Files are for their owner alone, whatever the umask.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::harness::http;
use crate::harness::server::Installation;
use serde_json::json;

/// The same command, started with another umask.
fn with_umask(umask: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", r#"umask "$0" && exec "$@""#, umask]);
    shell.arg(command.get_program()).args(command.get_args());
    for (variable, value) in command.get_envs() {
        shell.env(variable, value.unwrap_or_default());
    }
    shell.stdin(Stdio::null());
    shell
}

fn run(installation: &Installation, umask: &str, args: &[&str]) {
    let mut command = installation.program();
    command.args(args).arg("--dbpath").arg(&installation.data);
    let (status, out, err) = installation.run(with_umask(umask, &command));
    assert!(status.success(), "{args:?}: {status}\n{out}\n{err}");
}

/// Every file and directory below a directory, and itself, with its mode.
fn modes(dir: &Path, found: &mut Vec<(PathBuf, bool, u32)>) {
    let metadata = fs::symlink_metadata(dir).expect("it is there");
    found.push((
        dir.to_owned(),
        metadata.is_dir(),
        metadata.permissions().mode() & 0o7777,
    ));
    if metadata.is_dir() {
        for entry in fs::read_dir(dir).expect("a directory") {
            modes(&entry.expect("an entry").path(), found);
        }
    }
}

fn assert_private(dir: &Path, least: usize) {
    let mut found = Vec::new();
    modes(dir, &mut found);
    for (path, is_dir, mode) in &found {
        let wanted = if *is_dir { 0o700 } else { 0o600 };
        assert_eq!(*mode, wanted, "{:o} {}", mode, path.display());
    }
    assert!(found.len() >= least, "{found:?}");
}

#[test]
fn every_file_is_private_whatever_the_umask() {
    for umask in ["000", "077"] {
        let mut installation = Installation::new();
        let logs = installation.root().join("logs");
        installation.configure(&format!("[logging]\ndir = {logs:?}\n"));
        let backup = installation.root().join("a/backup");
        let server = installation.start_as(with_umask(umask, &installation.command()));
        let bucket = json!({"client": "tests", "type": "test", "hostname": "test"}).to_string();
        http::post(server.port, "/api/0/buckets/a", bucket.as_bytes()).expect("a bucket");
        let beat = json!({"timestamp": "2024-03-01T10:00:00Z", "duration": 0, "data": {}}).to_string();
        let path = "/api/0/buckets/a/heartbeat?pulsetime=1";
        http::post(server.port, path, beat.as_bytes()).expect("an answer");
        run(&installation, umask, &["backup", backup.to_str().expect("UTF-8")]);
        server.stop();
        run(
            &installation,
            umask,
            &["token", "create", "watcher", "--scope", "append"],
        );
        run(&installation, umask, &["log", "verify"]);
        assert_private(&installation.data, 8);
        assert_private(&backup, 4);
        assert_private(&installation.root().join("a"), 5);
        assert_private(&logs, 2);
    }
}

/// The command line makes what the server would have made: it has no umask of its own.
#[test]
fn what_commands_make_is_private_too() {
    let installation = Installation::new();
    installation.start().stop();
    let backup = installation.root().join("backup");
    run(&installation, "000", &["backup", backup.to_str().expect("UTF-8")]);
    assert_private(&backup, 3);
    let restored = Installation::new();
    run(&restored, "000", &["restore", backup.to_str().expect("UTF-8")]);
    assert_private(&restored.data, 3);
}

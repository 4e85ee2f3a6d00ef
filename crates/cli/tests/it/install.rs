//! Taking the place of `aw-server`: `timberline install`, and what is generated for packages.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::harness::http;
use crate::harness::server::Installation;

fn install(installation: &Installation, dir: &Path, more: &[&str]) -> (bool, String) {
    let mut command = installation.program();
    command
        .args(["install", "--as", "aw-server", "--dir"])
        .arg(dir)
        .args(more);
    let (status, out, err) = installation.run(command);
    (status.success(), out + &err)
}

/// aw-qt runs `aw-server` with `--testing` or nothing, and ends it with SIGTERM (aw-qt, `aw_qt/manager.py`). The other flags are
/// those of aw-server's own command line (aw-server, `aw_server/main.py`).
#[test]
fn the_launcher_takes_the_flags_of_aw_server_and_ends_with_sigterm() {
    let installation = Installation::new();
    let dir = installation.root().join("with 'quotes' and $HOME");
    let (done, said) = install(&installation, &dir, &[]);
    assert!(done && said.contains("not in PATH"), "{said}");
    let launcher = dir.join("aw-server");
    let mode = fs::metadata(&launcher)
        .expect("the launcher")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o755);

    let mut command = Command::new(&launcher);
    installation.set_home(&mut command);
    command.args(["--testing", "--verbose", "--log-json", "--storage", "peewee"]);
    command.args(["--host", "127.0.0.1", "--port", &installation.port.to_string()]);
    command.args(["--cors-origins", "http://one.example,http://two.example"]);
    let server = installation.start_as(command);
    let info = http::get(server.port, "/api/0/info")
        .expect("an answer")
        .json()
        .expect("JSON");
    assert_eq!(info["testing"], true);
    let mut connection = http::Connection::open(server.port).expect("a connection");
    let mut headers = connection.usual_headers(None);
    headers.push(("origin".to_owned(), "http://two.example".to_owned()));
    let answer = connection
        .exchange("GET", "/api/0/buckets", &headers, b"")
        .expect("an answer");
    assert_eq!(
        answer.header("access-control-allow-origin").as_deref(),
        Some("http://two.example")
    );
    let log = server.log_tail();
    // The process that aw-qt started is the server itself.
    server.stop();
    assert!(log.contains("--storage"), "{log}");
}

#[test]
fn a_foreign_program_is_kept_and_comes_back() {
    let installation = Installation::new();
    let dir = installation.root().join("bin");
    fs::create_dir(&dir).expect("a directory");
    let launcher = dir.join("aw-server");
    fs::write(&launcher, "#!/bin/sh\necho foreign\n").expect("a file");
    let foreign = || fs::read_to_string(&launcher).expect("a file").contains("foreign");

    let (done, said) = install(&installation, &dir, &[]);
    assert!(!done && said.contains("--force") && foreign(), "{said}");
    let (done, said) = install(&installation, &dir, &["--remove"]);
    assert!(!done && said.contains("not a launcher") && foreign(), "{said}");

    assert!(install(&installation, &dir, &["--force"]).0);
    assert!(!foreign());
    assert!(install(&installation, &dir, &[]).0, "its own launcher is renewed");
    assert!(install(&installation, &dir, &["--remove"]).0);
    assert!(foreign());

    fs::remove_file(&launcher).expect("the file to go");
    assert!(!install(&installation, &dir, &["--remove"]).0, "nothing there");
    fs::create_dir(&launcher).expect("a directory");
    let (done, said) = install(&installation, &dir, &["--force"]);
    assert!(!done && said.contains("is a directory"), "{said}");
    let left: Vec<_> = fs::read_dir(&dir).expect("the directory").collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn completions_and_man_pages_know_every_command() {
    let installation = Installation::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let mut command = installation.program();
        command.args(["completions", shell]);
        let (status, out, err) = installation.run(command);
        assert!(status.success() && err.is_empty(), "{shell}: {err}");
        assert!(out.contains("doctor") && out.contains("dbpath"), "{shell}");
    }
    let dir = installation.root().join("man1");
    let mut command = installation.program();
    command.arg("man").arg(&dir);
    let (status, _, err) = installation.run(command);
    assert!(status.success(), "{err}");
    for page in ["timberline.1", "timberline-serve.1", "timberline-log-verify.1"] {
        assert!(dir.join(page).is_file(), "{page}");
    }
}

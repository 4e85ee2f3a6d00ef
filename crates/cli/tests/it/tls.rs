//! TLS: certificates, clients that know the server by them, renewal while it runs, and clients that never finish a handshake.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::harness::poll;
use crate::harness::server::{Ending, Installation, Server};

/// `timberline cert`: the fingerprint that it prints.
fn make_certificate(installation: &Installation, dir: &Path, more: &[&str]) -> String {
    let mut command = installation.program();
    command
        .args(["cert", "127.0.0.1", "nas.lan", "--dir"])
        .arg(dir)
        .args(more);
    let (status, out, err) = installation.run(command);
    assert!(status.success(), "{err}");
    out.trim().to_owned()
}

fn hexadecimal(fingerprint: &str) -> String {
    fingerprint.replace(':', "").to_lowercase()
}

/// An installation whose server speaks TLS, the directory of its certificate, and the fingerprint.
fn secured(more: &str) -> (Installation, PathBuf, String) {
    let mut installation = Installation::new();
    let dir = installation.root().join("tls");
    let fingerprint = make_certificate(&installation, &dir, &[]);
    let port = installation.port;
    installation.configure(&format!(
        "port = {port}\n{more}\n[tls]\ncert = \"tls/cert.pem\"\nkey = \"tls/key.pem\"\n"
    ));
    (installation, dir, fingerprint)
}

fn start(installation: &Installation) -> Server {
    let mut server = installation.spawn(installation.command());
    poll("the server to speak TLS", || {
        assert!(server.is_running(), "{}", server.log_tail());
        server.log_tail().contains("speaking TLS only").then_some(())
    });
    server
}

/// `client.py` at work.
struct Client {
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    _process: Ending,
}

impl Client {
    fn connect(server: &Server, certificate: &Path) -> Client {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/tls/client.py");
        let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
        let mut command = Command::new(python);
        command.arg(script).arg(server.port.to_string()).arg(certificate);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Ending(command.spawn().expect("python to start"));
        Client {
            orders: process.0.stdin.take().expect("a pipe"),
            answers: BufReader::new(process.0.stdout.take().expect("a pipe")),
            _process: process,
        }
    }

    fn ask(&mut self) -> Value {
        let mut line = String::new();
        self.orders.write_all(b"ask\n").expect("an order");
        self.answers.read_line(&mut line).expect("an answer");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }
}

#[test]
fn a_certificate_is_made_once_and_its_key_is_the_owners() {
    let installation = Installation::new();
    let dir = installation.root().join("new/tls");
    let fingerprint = make_certificate(&installation, &dir, &[]);
    assert_eq!(fingerprint.len(), 32 * 3 - 1, "{fingerprint}");
    for file in ["cert.pem", "key.pem"] {
        let mode = fs::metadata(dir.join(file))
            .expect("the file")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let show = |file: &Path| {
        let mut command = installation.program();
        command.args(["cert", "--show"]).arg(file);
        installation.run(command)
    };
    assert_eq!(show(&dir.join("cert.pem")).1.trim(), fingerprint);
    let (status, _, err) = show(&dir.join("key.pem"));
    assert!(!status.success() && err.contains("no certificate"), "{err}");
    let mut again = installation.program();
    again.args(["cert", "--dir"]).arg(&dir);
    let (status, _, err) = installation.run(again);
    assert!(!status.success() && err.contains("--force"), "{err}");
    assert_eq!(
        show(&dir.join("cert.pem")).1.trim(),
        fingerprint,
        "nothing was changed"
    );
    assert_ne!(make_certificate(&installation, &dir, &["--force"]), fingerprint);
    let mut odd = installation.program();
    odd.args(["cert", "", "--dir"])
        .arg(installation.root().join("odd"));
    assert!(!installation.run(odd).0.success());
    assert!(!installation.root().join("odd").exists());
}

#[test]
fn commands_know_the_server_by_its_certificate() {
    let (installation, dir, fingerprint) = secured("[auth]\napi_key = \"k\"");
    let server = start(&installation);
    let program = installation.root().join("program");
    fs::write(&program, "RETURN = 1;").expect("a file");
    let url = format!("https://127.0.0.1:{}", server.port);
    let query = |url: &str, flags: &[&str]| {
        let mut command = installation.program();
        command.env("TIMBERLINE_API_KEY", "k");
        command
            .args(["query", "--json", "--server", url])
            .args(flags)
            .arg(&program);
        installation.run(command)
    };
    let cert = dir.join("cert.pem");
    let cert = cert.to_str().expect("a path");
    let config = installation.root().join("timberline.toml");
    for flags in [
        &["--cert-fingerprint", &fingerprint][..],
        &["--cert-fingerprint", &hexadecimal(&fingerprint)],
        &["--ca", cert],
        &["--config", config.to_str().expect("a path")],
    ] {
        let (status, out, err) = query(&url, flags);
        assert!(status.success() && out.trim() == "1.0", "{flags:?}: {out}{err}");
    }
    // The fingerprint says who it is; with --ca the name counts too.
    let by_name = format!("https://localhost:{}", server.port);
    assert!(query(&by_name, &["--cert-fingerprint", &fingerprint]).0.success());
    let other = "00".repeat(32);
    for (url, flags) in [
        (&url, &[][..]),
        (&url, &["--cert-fingerprint", other.as_str()]),
        (&by_name, &["--ca", cert]),
    ] {
        let (status, _, err) = query(url, flags);
        let explained =
            err.contains("certificate is not the expected one") || err.contains("no list of certificate");
        assert!(!status.success() && explained, "{url} {flags:?}: {err}");
    }
    let (status, _, err) = query(&format!("http://127.0.0.1:{}", server.port), &[]);
    assert!(!status.success(), "{err}");
    let mut command = installation.program();
    command.args(["status", "--testing", "--config"]).arg(&config);
    command.arg("--dbpath").arg(&installation.data);
    let (_, out, err) = installation.run(command);
    assert!(out.contains(&url) && out.contains("writes"), "{out}{err}");
    server.stop();
}

/// A renewed certificate is used from the next connection on; a broken one is not, and the log says so.
#[test]
fn a_certificate_is_renewed_while_the_server_runs() {
    let (installation, dir, fingerprint) = secured("");
    let server = start(&installation);
    let mut client = Client::connect(&server, &dir.join("cert.pem"));
    let before = client.ask();
    assert_eq!(
        (&before["kept"], &before["new"]),
        (&Value::from(200), &Value::from(200))
    );
    assert_eq!(before["second"], hexadecimal(&fingerprint).as_str());
    let hang_up = || {
        let pid = i32::try_from(server.process_id()).ok().and_then(Pid::from_raw);
        kill_process(pid.expect("a process id"), Signal::HUP).expect("to signal the server");
    };
    let renewed = make_certificate(&installation, &dir, &["--force"]);
    hang_up();
    poll("the certificate to be read again", || {
        server.log_tail().contains("was read again").then_some(())
    });
    let after = client.ask();
    assert_eq!(after["second"], hexadecimal(&renewed).as_str());
    assert_eq!(after["kept"], 200, "connections go on");
    for (file, text) in [
        ("cert.pem", "nonsense"),
        ("key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n"),
    ] {
        let path = dir.join(file);
        let good = fs::read(&path).expect("the file");
        fs::write(&path, text).expect("a broken file");
        let complaints = server.log_tail().matches("the one before stays").count();
        hang_up();
        poll("the server to complain", || {
            (server.log_tail().matches("the one before stays").count() > complaints).then_some(())
        });
        assert_eq!(client.ask()["second"], hexadecimal(&renewed).as_str(), "{file}");
        fs::write(&path, good).expect("the file as it was");
    }
    server.stop();
}

#[test]
fn a_start_without_a_usable_certificate_is_refused_in_one_line() {
    let (installation, dir, _) = secured("");
    let other = installation.root().join("other");
    make_certificate(&installation, &other, &[]);
    let good = fs::read(dir.join("key.pem")).expect("the key");
    let wrong = fs::read(other.join("key.pem")).expect("another key");
    for (text, expected) in [
        (&wrong[..], "cannot be used with the key"),
        (b"", "key.pem"),
        (b"x", "key.pem"),
    ] {
        fs::write(dir.join("key.pem"), text).expect("a file");
        let (status, _, err) = installation.run(installation.command());
        assert!(!status.success() && err.contains(expected), "{err}");
        assert_eq!(err.trim().lines().count(), 1, "{err}");
    }
    fs::remove_file(dir.join("key.pem")).expect("the key");
    let (status, _, err) = installation.run(installation.command());
    assert!(!status.success() && err.contains("key.pem"), "{err}");
    assert!(!installation.data.exists(), "nothing was made");
    fs::write(dir.join("key.pem"), good).expect("the key");
    let open = fs::Permissions::from_mode(0o644);
    fs::set_permissions(dir.join("key.pem"), open).expect("the mode");
    let server = start(&installation);
    assert!(
        server.log_tail().contains("others can read the key"),
        "{}",
        server.log_tail()
    );
    server.stop();
}

/// Clients that connect and never finish a handshake take no place from others for long, and are closed in the end.
#[test]
fn unfinished_handshakes_hold_up_nobody() {
    let (installation, dir, _) = secured("[limits]\nconnections = 8\nheader_seconds = 2\n");
    let server = start(&installation);
    // The beginning of a ClientHello that announces more than ever comes.
    let beginnings: [&[u8]; 3] = [b"", &[22], &[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, 0, 0]];
    let mut slow = Vec::new();
    for number in 0..24 {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port)).expect("a connection");
        stream
            .write_all(beginnings[number % beginnings.len()])
            .expect("to write");
        slow.push(stream);
    }
    let begun = Instant::now();
    let mut client = Client::connect(&server, &dir.join("cert.pem"));
    for _ in 0..10 {
        let said = client.ask();
        assert_eq!(
            (&said["kept"], &said["new"]),
            (&Value::from(200), &Value::from(200)),
            "{said}"
        );
    }
    println!("answered after {:?}", begun.elapsed());
    for stream in &mut slow {
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .expect("a timeout");
        let mut rest = Vec::new();
        // It may be reset, or end after an alert.
        let _ = stream.read_to_end(&mut rest);
    }
    assert!(begun.elapsed() < Duration::from_secs(60), "none is kept for ever");
    let mut plain = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port)).expect("a connection");
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("to write");
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "nothing is answered without TLS");
    poll("the log to tell", || {
        server.log_tail().contains("speaks TLS only").then_some(())
    });
    let stopped = Instant::now();
    server.stop();
    assert!(
        stopped.elapsed() < Duration::from_secs(20),
        "an idle connection does not hold up the stop"
    );
    drop(client);
}

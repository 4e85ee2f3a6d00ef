//! `timberline up`: the server with watchers beside it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::harness::http::{self, Connection};
use crate::harness::server::{Data, Installation, Server};
use crate::harness::{poll, rfc3339};

/// A watcher that says which arguments it got, and then goes on until it is ended.
const PROGRAM: &str = "#!/bin/sh\n\
    if [ \"$1\" = --help ]; then echo 'usage: [--testing] [--port PORT]'; exit; fi\n\
    echo \"$$ $*\" > \"$HOME/started\"\nexec sleep 600\n";

/// `up` on a desktop that does not answer, with a program to run.
pub(crate) fn up(installation: &Installation) -> Command {
    let bin = installation.root().join("home/bin");
    fs::create_dir_all(&bin).expect("a directory");
    let program = bin.join("aw-watcher-test");
    fs::write(&program, PROGRAM).expect("a program");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a mode");
    let mut command = without_display(installation);
    command.env("DISPLAY", ":54321");
    command
}

fn without_display(installation: &Installation) -> Command {
    let mut command = installation.program();
    command.args(["up", "--testing", "--port", &installation.port.to_string()]);
    command.arg("--dbpath").arg(&installation.data);
    if installation.is_encrypted() {
        command.arg("--encrypt");
    }
    let config = installation.root().join("timberline.toml");
    if config.exists() {
        command.arg("--config").arg(config);
    }
    for name in [
        "DISPLAY",
        "WAYLAND_DISPLAY",
        "XDG_SESSION_TYPE",
        "DBUS_SESSION_BUS_ADDRESS",
    ] {
        command.env_remove(name);
    }
    command.env("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere");
    command
}

fn watcher(list: &Value, name: &str) -> Value {
    let mut watchers = list["watchers"].as_array().expect("a list").iter();
    watchers
        .find(|watcher| watcher["name"] == name)
        .cloned()
        .unwrap_or_else(|| panic!("no {name} in {list}"))
}

#[test]
fn watchers_run_beside_the_server_are_paused_and_end_with_it() {
    let installation = Installation::new();
    let server = installation.start_as(up(&installation));
    let list = || {
        http::get(server.port, "/api/1/watchers")
            .expect("an answer")
            .json()
            .expect("JSON")
    };
    let before = list();
    assert_eq!(watcher(&before, "window")["enabled"], true);
    assert_eq!(watcher(&before, "aw-watcher-test")["state"], "off");

    let (status, _) = server.post("/api/1/watchers/aw-watcher-test/enable", &json!({}));
    assert_eq!(status, 200);
    let started = installation.root().join("home/started");
    let said = poll("the program to start", || {
        fs::read_to_string(&started)
            .ok()
            .filter(|text| text.ends_with('\n'))
    });
    let (process, arguments) = said.trim().split_once(' ').expect("process and arguments");
    assert_eq!(arguments, format!("--testing --port {}", server.port));
    let is_alive = || fs::read_to_string(format!("/proc/{process}/comm")).is_ok();
    assert!(is_alive());

    let (status, _) = server.post("/api/1/watchers/pause", &json!({ "seconds": 3600 }));
    assert_eq!(status, 200);
    poll("the program to end", || (!is_alive()).then_some(()));
    assert!(watcher(&list(), "afk")["paused"]["until"].is_string());
    let hostname = http::get(server.port, "/api/0/info")
        .expect("an answer")
        .json()
        .expect("JSON");
    let bucket = format!(
        "timberline-watchers_{}",
        hostname["hostname"].as_str().expect("a name")
    );
    let events = format!("/api/0/buckets/{bucket}/events");
    let event = poll("the pause to be recorded", || {
        let events = http::get(server.port, &events).ok()?.json()?;
        events.as_array()?.first().cloned()
    });
    assert_eq!(event["data"]["status"], "paused");
    assert!(event["data"]["watchers"].to_string().contains("aw-watcher-test"));

    fs::remove_file(&started).expect("the file");
    let (status, _) = server.post("/api/1/watchers/aw-watcher-test/resume", &json!({}));
    assert_eq!(status, 200);
    let said = poll("the program to start again", || {
        fs::read_to_string(&started)
            .ok()
            .filter(|text| text.ends_with('\n'))
    });
    let process = said.split(' ').next().expect("a process").to_owned();
    let shown = list();
    assert!(watcher(&shown, "window")["paused"].is_object());
    assert!(watcher(&shown, "aw-watcher-test")["paused"].is_null());

    let mut command = installation.program();
    command.args(["watchers", "--testing", "--port", &server.port.to_string()]);
    let (status, text, errors) = installation.run(command);
    assert!(status.success(), "{errors}");
    assert!(
        text.contains("aw-watcher-test") && text.contains("paused until"),
        "{text}"
    );

    server.stop();
    let is_alive = fs::read_to_string(format!("/proc/{process}/comm")).is_ok();
    assert!(!is_alive, "the program has outlived the server");
}

/// Somebody who comes from aw-qt has the same programs as before.
#[test]
fn programs_that_aw_qt_starts_run_unless_a_module_replaces_them() {
    let installation = Installation::new();
    let command = up(&installation);
    let home = installation.root().join("home");
    fs::copy(
        home.join("bin/aw-watcher-test"),
        home.join("bin/aw-watcher-window"),
    )
    .expect("a copy");
    let config = home.join(".config/activitywatch/aw-qt");
    fs::create_dir_all(&config).expect("a directory");
    let list = r#"autostart_modules = ["aw-server", "aw-watcher-window", "aw-watcher-test"]"#;
    fs::write(config.join("aw-qt.toml"), format!("[aw-qt-testing]\n{list}\n")).expect("a file");
    let server = installation.start_as(command);
    let program = poll("the program to run", || {
        let list = http::get(server.port, "/api/1/watchers")
            .expect("an answer")
            .json()
            .expect("JSON");
        let program = watcher(&list, "aw-watcher-test");
        (program["state"] == "running").then_some(program)
    });
    let reason = program["reason"].as_str().expect("a reason");
    assert!(reason.ends_with(", on because aw-qt starts it"), "{reason}");

    let mut command = installation.program();
    command.args(["watchers", "--testing", "--port", &server.port.to_string()]);
    let (status, text, errors) = installation.run(command);
    assert!(status.success(), "{errors}");
    assert!(text.contains(&format!("aw-watcher-test: {reason}")), "{text}");
    assert!(text.contains("aw-watcher-window: replaced by window"), "{text}");
    server.stop();
}

/// Of a program that has no lock of the reference's, only its bucket tells.
#[test]
fn a_module_stands_back_while_another_client_fills_its_bucket() {
    let installation = Installation::new();
    let server = installation.start_as(up(&installation));
    let get = |path: &str| {
        http::get(server.port, path)
            .expect("an answer")
            .json()
            .expect("JSON")
    };
    let hostname = get("/api/0/info")["hostname"]
        .as_str()
        .expect("a name")
        .to_owned();
    let bucket = format!("/api/0/buckets/aw-watcher-input_{hostname}");
    let other = json!({"client": "other-input", "type": "os.hid.input", "hostname": hostname});
    assert_eq!(server.post(&bucket, &other).0, 200);
    let beat = || {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("a right clock");
        let now = rfc3339::format(i128::try_from(now.as_nanos()).expect("a right clock"));
        let heartbeat = json!({"timestamp": now, "duration": 0, "data": {"presses": 0}});
        assert_eq!(
            server
                .post(&format!("{bucket}/heartbeat?pulsetime=60"), &heartbeat)
                .0,
            200
        );
    };
    beat();
    let (status, _) = server.post("/api/1/watchers/input/enable", &json!({}));
    assert_eq!(status, 200);
    let input = poll("the module to stand back", || {
        beat();
        // Often enough: the module watches the bucket for ten seconds.
        thread::sleep(Duration::from_millis(200));
        let input = watcher(&get("/api/1/watchers"), "input");
        (input["state"] == "standing-back").then_some(input)
    });
    assert_eq!(input["reason"], "other-input writes to the same bucket");
    server.stop();
}

/// The watchers are clients as all others: they have a key of their own and know the server's certificate.
#[test]
fn watchers_record_to_a_server_that_wants_a_key() {
    let mut installation = Installation::new();
    installation.configure("[auth]\napi_key = \"secret-of-this-test\"\n");
    let server = installation.start_as(up(&installation));
    let mut connection = Connection::open(server.port).expect("a connection");
    let mut ask = |method: &str, path: &str, body: Option<&[u8]>| {
        let mut headers = connection.usual_headers(body);
        let key = "Bearer secret-of-this-test";
        headers.push(("Authorization".to_owned(), key.to_owned()));
        connection
            .send(method, path, &headers, body.unwrap_or_default())
            .expect("sent");
        connection.receive(method).expect("an answer")
    };
    assert_eq!(ask("POST", "/api/1/watchers/pause", Some(b"{}")).status, 200);
    poll("the pause to be recorded", || {
        let buckets = ask("GET", "/api/0/buckets", None).text();
        buckets.contains("timberline.watchers").then_some(())
    });
    server.stop();
}

#[test]
fn without_a_desktop_it_only_serves_and_says_so() {
    let installation = Installation::new();
    let server = installation.start_as(without_display(&installation));
    let list = http::get(server.port, "/api/1/watchers")
        .expect("an answer")
        .json()
        .expect("JSON");
    assert_eq!(list["watchers"], json!([]));
    assert!(list["none_because"].to_string().contains("timberline up"));
    let log = server.log_tail();
    assert_eq!(log.matches("no watcher is started").count(), 1, "{log}");
    server.stop();
}

#[test]
fn a_module_that_there_is_not_is_refused_by_name() {
    let mut installation = Installation::new();
    installation.configure("[watchers]\nmodules = [\"windw\"]\n");
    let (status, _, errors) = installation.run(up(&installation));
    assert!(!status.success());
    assert!(
        errors.contains("windw") && errors.contains("window, afk"),
        "{errors}"
    );
}

#[test]
fn without_a_queue_it_serves_says_what_to_do_and_records_once_there_is_one() {
    let installation = Installation::new();
    let queue = installation.data.join("watchers/queue");
    fs::create_dir_all(installation.data.join("watchers")).expect("a directory");
    fs::write(&queue, "this is no directory").expect("a file");
    let server = installation.start_as(up(&installation));
    let ask = |path: &str| {
        http::get(server.port, path)
            .expect("an answer")
            .json()
            .expect("JSON")
    };
    let list = ask("/api/1/watchers");
    assert_eq!(list["watchers"], json!([]));
    let why = list["none_because"].as_str().expect("a reason");
    assert!(
        why.contains("queue") && why.contains("move it away") && why.contains(&queue.display().to_string()),
        "{why}"
    );
    assert!(
        ask("/api/1/status")["attention"]
            .to_string()
            .contains("Nothing is recorded")
    );
    let (status, answer) = server.post("/api/1/watchers/window/disable", &json!({}));
    assert_eq!(status, 503, "{answer}");
    let mut command = installation.program();
    command.args(["watchers", "--testing", "--port", &server.port.to_string()]);
    let (_, text, _) = installation.run(command);
    assert!(text.contains("The watchers do not run"), "{text}");

    fs::rename(&queue, queue.with_extension("moved")).expect("renamed");
    poll("the watchers to start", || {
        let list = ask("/api/1/watchers");
        (list["none_because"].is_null() && watcher(&list, "window")["enabled"] == true).then_some(())
    });
    assert!(
        !ask("/api/1/status")["attention"]
            .to_string()
            .contains("Nothing is recorded")
    );
    let (status, _) = server.post("/api/1/watchers/window/disable", &json!({}));
    assert_eq!(status, 200);
    let log = server.log_tail();
    assert_eq!(
        log.matches("nothing is recorded on this machine").count(),
        1,
        "{log}"
    );
    server.stop();
}

/// Pauses the watchers, and waits until that is recorded. Gives back the bucket.
fn pause(server: &Server) -> String {
    let (status, _) = server.post("/api/1/watchers/pause", &json!({ "seconds": 3600 }));
    assert_eq!(status, 200);
    poll("the pause to be recorded", || {
        let buckets = http::get(server.port, "/api/0/buckets").ok()?.json()?;
        let mut names = buckets.as_object()?.keys();
        let name = names.find(|name| name.starts_with("timberline-watchers_"))?;
        let events = format!("/api/0/buckets/{name}/events");
        let events = http::get(server.port, &events).ok()?.json()?;
        let is_recorded = events.as_array()?.first()?["data"]["status"] == "paused";
        is_recorded.then(|| name.clone())
    })
}

#[test]
fn watchers_record_again_after_a_restart_with_encrypted_data() {
    let installation = Installation::with(Data::Encrypted);
    for killed in [true, false, true] {
        let server = installation.start_as(up(&installation));
        let list = http::get(server.port, "/api/1/watchers")
            .expect("an answer")
            .json();
        assert!(list.expect("JSON")["none_because"].is_null());
        pause(&server);
        let (status, _) = server.post("/api/1/watchers/resume", &json!({}));
        assert_eq!(status, 200);
        if killed {
            server.kill();
        } else {
            server.stop();
        }
    }
}

/// The files below a directory that have the text in them.
fn files_with(dir: &std::path::Path, text: &str) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.append(&mut files_with(&path, text));
        } else if fs::read(&path)
            .is_ok_and(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
        {
            found.push(path);
        }
    }
    found
}

#[test]
fn what_is_purged_is_not_in_the_queue_of_the_watchers_either() {
    let installation = Installation::new();
    let server = installation.start_as(up(&installation));
    let bucket = pause(&server);
    let queue = installation.data.join("watchers/queue");
    let what = "timberline-watchers_";
    assert_ne!(files_with(&queue, what), Vec::<std::path::PathBuf>::new());
    // The server may have stored the pause before the client knows that it has.
    poll("the queue to be empty", || {
        let (_, preview) = server.post(
            "/api/1/purge",
            &json!({ "bucket": bucket, "data": { "pattern": "paused" } }),
        );
        let (status, receipt) = server.post("/api/1/purge", &json!({ "token": preview["token"] }));
        assert_eq!(
            (status, &receipt["state"]),
            (200, &json!("completed")),
            "{receipt}"
        );
        files_with(&queue, what).is_empty().then_some(())
    });
    server.stop();
}

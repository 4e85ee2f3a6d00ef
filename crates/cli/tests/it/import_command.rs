//! `timberline import`: the real command, with and without a server, killed on its way, on a full disk, into encrypted
//! data, and with files that are no sources.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::harness::http;
use crate::harness::let_work;
use crate::harness::server::{Data, Ending, Installation};
use rusqlite::{Connection, params};
use serde_json::{Value, json};

const SECOND: i64 = 1_000_000_000;
/// 2024-03-01T10:00:00Z
const START: i64 = 1_709_287_200 * SECOND;

/// A database of aw-server-rust with two buckets and a setting. Every 100th event is there twice.
fn rust_database(path: &Path, events: i64) {
    fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    let connection = Connection::open(path).expect("a database");
    connection
        .execute_batch(
            "CREATE TABLE buckets (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL, type TEXT NOT NULL,
                client TEXT NOT NULL, hostname TEXT NOT NULL, created TEXT NOT NULL,
                data_deprecated TEXT DEFAULT '{}', data TEXT NOT NULL DEFAULT '{}');
            CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, bucketrow INTEGER NOT NULL,
                starttime INTEGER NOT NULL, endtime INTEGER NOT NULL, data TEXT NOT NULL);
            CREATE TABLE key_value (key TEXT PRIMARY KEY, value TEXT, last_modified NUMBER NOT NULL);
            INSERT INTO buckets (name, type, client, hostname, created) VALUES
                ('aw-watcher-window_h', 'currentwindow', 'w', 'h', '2024-03-01T09:00:00+00:00'),
                ('aw-watcher-afk_h', 'afkstatus', 'a', 'h', '2024-03-01T09:00:00+00:00');
            INSERT INTO key_value VALUES ('settings.classes', '[{\"name\":[\"Work\"]}]', 1);
            PRAGMA user_version = 6; BEGIN;",
        )
        .expect("the tables");
    let mut insert = connection
        .prepare("INSERT INTO events (bucketrow, starttime, endtime, data) VALUES (?1, ?2, ?3, ?4)")
        .expect("a statement");
    for n in 0..events {
        // The event before once more.
        let n = if n % 100 == 99 { n - 1 } else { n };
        let start = START + n * SECOND;
        let data = format!(r#"{{"app":"app {}","title":"title {n}"}}"#, n % 7);
        insert
            .execute(params![1 + n % 5 / 4, start, start + SECOND / 3 + n, data])
            .expect("a row");
    }
    drop(insert);
    connection.execute_batch("COMMIT").expect("the rows");
}

/// A server of aw-server writes `peewee-sqlite.v2.db` like this.
fn peewee_database(path: &Path) {
    let connection = Connection::open(path).expect("a database");
    connection
        .execute_batch(
            r#"CREATE TABLE bucketmodel (key INTEGER NOT NULL PRIMARY KEY, id VARCHAR(255) NOT NULL,
                created DATETIME NOT NULL, name VARCHAR(255), type VARCHAR(255) NOT NULL, client VARCHAR(255) NOT NULL,
                hostname VARCHAR(255) NOT NULL, datastr VARCHAR(255));
            CREATE TABLE eventmodel (id INTEGER NOT NULL PRIMARY KEY, bucket_id INTEGER NOT NULL,
                timestamp DATETIME NOT NULL, duration DECIMAL(10, 5) NOT NULL, datastr VARCHAR(255) NOT NULL);
            INSERT INTO bucketmodel VALUES (1, 'aw-watcher-afk_p', '2024-03-01 09:00:00+00:00', NULL, 'afkstatus', 'a', 'p', '{}');
            INSERT INTO eventmodel VALUES (1, 1, '2024-03-01 10:00:00+00:00', 1.5, '{"status": "afk"}');
            INSERT INTO eventmodel VALUES (2, 1, 'yesterday', 1.5, '{"status": "afk"}');"#,
        )
        .expect("the tables");
}

/// Runs `timberline import`; gives exit code, output and complaint.
fn import(installation: &Installation, args: &[&str]) -> (i32, String, String) {
    let mut command = installation.program();
    command
        .arg("import")
        .args(args)
        .arg("--dbpath")
        .arg(&installation.data);
    let (status, out, err) = installation.run(command);
    (status.code().expect("an exit code"), out, err)
}

/// The same with `--json`, for a run that ends well; gives the first source.
fn imported(installation: &Installation, args: &[&str]) -> Value {
    let (code, out, err) = import(installation, &[args, &["--json"]].concat());
    assert_eq!(code, 0, "{args:?}: {out}\n{err}");
    let json: Value = serde_json::from_str(&out).expect("JSON");
    json["sources"][0].clone()
}

fn sum(source: &Value, what: &str) -> u64 {
    let buckets = source["buckets"].as_array().expect("buckets");
    buckets
        .iter()
        .map(|bucket| bucket[what].as_u64().expect("a count"))
        .sum()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path that is text")
}

fn source(installation: &Installation, events: i64) -> PathBuf {
    let path = installation.root().join("sqlite.db");
    rust_database(&path, events);
    path
}

/// All events without their ids, as an export has them.
fn everything(installation: &Installation) -> Value {
    let server = installation.start();
    let mut export = http::get(server.port, "/api/0/export")
        .expect("an export")
        .json()
        .expect("JSON");
    for bucket in export["buckets"].as_object_mut().expect("buckets").values_mut() {
        let events = bucket["events"].as_array_mut().expect("events");
        for event in events.iter_mut() {
            event["id"] = Value::Null;
        }
        events.sort_by_key(Value::to_string);
    }
    export["settings"] = http::get(server.port, "/api/0/settings")
        .expect("settings")
        .json()
        .expect("JSON");
    server.stop();
    export
}

fn comes_in_once_without_a_server(data: Data) {
    let installation = Installation::with(data);
    if data == Data::Encrypted {
        // `--encrypt` is for serving.
        installation.start().stop();
    }
    let path = source(&installation, 5_000);
    let before = fs::read(&path).expect("the source");

    let dry = imported(&installation, &[text(&path), "--dry-run"]);
    assert_eq!((sum(&dry, "read"), sum(&dry, "stored")), (5_000, 5_000), "{dry}");
    let first = imported(&installation, &[text(&path)]);
    assert_eq!(
        (sum(&first, "stored"), sum(&first, "known")),
        (5_000, 0),
        "{first}"
    );
    assert_eq!(first["settings"]["set"], json!(["classes"]));
    for bucket in first["buckets"].as_array().expect("buckets") {
        assert_eq!(bucket["duration_ns_source"], bucket["duration_ns_here"]);
    }
    let second = imported(&installation, &[text(&path)]);
    assert_eq!(
        (sum(&second, "stored"), sum(&second, "known")),
        (0, 5_000),
        "{second}"
    );
    let dry = imported(&installation, &[text(&path), "--dry-run"]);
    assert_eq!((sum(&dry, "stored"), sum(&dry, "known")), (0, 5_000), "{dry}");

    assert_eq!(fs::read(&path).expect("the source"), before);
    let names = fs::read_dir(installation.root()).expect("the directory");
    let beside = names
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("sqlite.db"));
    assert_eq!(beside.count(), 1, "nothing is left beside the source");
    installation.verify();
}

#[test]
fn a_database_comes_in_once_without_a_server() {
    comes_in_once_without_a_server(Data::Plain);
}

#[test]
fn a_database_comes_into_encrypted_data() {
    comes_in_once_without_a_server(Data::Encrypted);
}

#[test]
fn a_running_server_is_found_and_takes_the_same() {
    let alone = Installation::new();
    let path = source(&alone, 5_000);
    imported(&alone, &[text(&path)]);
    let expected = everything(&alone);

    let mut installation = Installation::new();
    installation.configure(&format!("port = {}\n", installation.port));
    let server = installation.start();
    let config = installation.root().join("timberline.toml");
    for (stored, known) in [(5_000, 0), (0, 5_000)] {
        let mut command = installation.program();
        command
            .args(["import", "--json", text(&path), "--testing", "--config"])
            .arg(&config);
        command.arg("--dbpath").arg(&installation.data);
        let (status, out, err) = installation.run(command);
        assert!(status.success(), "{out}\n{err}");
        assert!(err.contains("a server runs on these data"), "{err}");
        let json: Value = serde_json::from_str(&out).expect("JSON");
        let source = &json["sources"][0];
        assert_eq!(
            (sum(source, "stored"), sum(source, "known")),
            (stored, known),
            "{source}"
        );
        assert_eq!(
            source["buckets"][0]["duration_ns_source"],
            source["buckets"][0]["duration_ns_here"]
        );
    }
    // Without a word about where it is, its lock is in the way.
    let (code, _, err) = import(&installation, &[text(&path)]);
    assert_eq!(code, 2);
    assert!(err.contains("--server"), "{err}");
    server.stop();
    assert_eq!(everything(&installation), expected);
}

/// A number below `end`.
fn random(end: u128) -> u128 {
    use std::hash::{BuildHasher, RandomState};
    u128::from(RandomState::new().hash_one(0)) % end
}

/// Begins to import, and kills the command after some time. Gives back whether it was still at work.
fn import_killed_after(installation: &Installation, path: &Path, time: Duration) -> bool {
    let mut command = installation.program();
    command
        .args(["import", text(path), "--dbpath"])
        .arg(&installation.data);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut child = Ending(child.expect("the command to start"));
    let_work(time);
    child.0.kill().expect("the command to be killed");
    child.0.wait().expect("the command to end").code().is_none()
}

#[test]
fn killed_at_fifty_moments_and_run_again_is_one_clean_run() {
    // More than one batch, so that a kill may fall between two.
    const EVENTS: i64 = 6_000;
    const ROUNDS: usize = 5;
    const KILLS: usize = 10;
    let clean = Installation::new();
    let path = source(&clean, EVENTS);
    let begun = Instant::now();
    imported(&clean, &[text(&path)]);
    let whole = begun.elapsed();
    let expected = everything(&clean);

    let (mut at_work, mut in_part) = (0, 0);
    for _ in 0..ROUNDS {
        let installation = Installation::new();
        let mut moments = Vec::new();
        for _ in 0..KILLS {
            let moment = Duration::from_nanos(random(whole.as_nanos()) as u64);
            at_work += u32::from(import_killed_after(&installation, &path, moment));
            moments.push(moment);
        }
        let again = imported(&installation, &[text(&path)]);
        in_part += u32::from(sum(&again, "known") > 0 && sum(&again, "stored") > 0);
        assert_eq!(sum(&again, "known") + sum(&again, "stored"), EVENTS as u64);
        installation.verify();
        assert_eq!(
            everything(&installation),
            expected,
            "killed after {moments:?} of {whole:?}"
        );
    }
    println!(
        "{at_work} of {} were killed at work; {in_part} of {ROUNDS} runs added a part",
        ROUNDS * KILLS
    );
}

#[test]
fn a_server_runs_one_import_at_a_time_and_it_can_be_cancelled() {
    const EVENTS: u64 = 200_000;
    let installation = Installation::new();
    let path = installation
        .root()
        .join("home/.local/share/activitywatch/aw-server-rust/sqlite.db");
    rust_database(&path, 200_000);
    let server = installation.start();
    let run = || server.post("/api/1/import/run", &json!({ "path": text(&path) }));
    let ended = |target: &str| {
        crate::harness::poll("the import to end", || {
            let state = http::get(server.port, target)
                .expect("an answer")
                .json()
                .expect("JSON");
            let phase = state["phase"].as_str().expect("a phase").to_owned();
            (phase != "waiting" && phase != "reading").then_some(state)
        })
    };
    let (status, begun) = run();
    assert_eq!(status, 202, "{begun}");
    let target = format!("/api/1/import/run/{}", begun["id"].as_str().expect("an id"));
    // Also while the database is open for it.
    crate::harness::poll("the import to read", || {
        let state = http::get(server.port, &target).expect("an answer").json()?;
        (state["phase"] == "reading").then_some(())
    });
    let (status, refused) = run();
    assert_eq!(status, 409, "{refused}");
    assert!(refused.to_string().contains("running already"), "{refused}");
    let mut connection = http::Connection::open(server.port).expect("a connection");
    let cancelled = connection.request("DELETE", &target, None).expect("an answer");
    assert_eq!(cancelled.status, 200);
    let state = ended(&target);
    assert_eq!(state["phase"], "cancelled", "{state}");

    // Nothing stands in the way of the next one, and it adds what is missing.
    let (status, begun) = run();
    assert_eq!(status, 202, "{begun}");
    let state = ended(&format!(
        "/api/1/import/run/{}",
        begun["id"].as_str().expect("an id")
    ));
    let (stored, known) = (sum(&state["result"], "stored"), sum(&state["result"], "known"));
    assert_eq!(
        (&state["phase"], stored + known),
        (&json!("done"), EVENTS),
        "{state}"
    );
    server.stop();
}

#[test]
fn a_server_finds_and_imports_what_is_on_its_machine() {
    let installation = Installation::new();
    let path = installation
        .root()
        .join("home/.local/share/activitywatch/aw-server-rust/sqlite.db");
    rust_database(&path, 5_000);
    let other = source(&installation, 10);
    let server = installation.start();
    let (status, found) = server.post("/api/1/import/detect", &json!({}));
    assert_eq!(status, 200, "{found}");
    assert_eq!(found["found"][0]["path"], text(&path));
    let run = |body: &Value| server.post("/api/1/import/run", body);
    // No other file is read, however its path is written.
    let around = path.join("../../../../../../sqlite.db");
    for path in [text(&other), "/etc/passwd", "", text(&around)] {
        assert_eq!(run(&json!({ "path": path })).0, 422, "{path}");
    }
    let state = |id: &Value| {
        let target = format!("/api/1/import/run/{}", id.as_str().expect("an id"));
        http::get(server.port, &target)
            .expect("an answer")
            .json()
            .expect("JSON")
    };
    let ended = |body: &Value| {
        let (status, begun) = run(body);
        assert_eq!(status, 202, "{begun}");
        crate::harness::poll("the import to end", || {
            let state = state(&begun["id"]);
            let phase = state["phase"].as_str().expect("a phase").to_owned();
            (phase != "waiting" && phase != "reading").then_some(state)
        })
    };
    let dry = ended(&json!({"path": text(&path), "dry_run": true}));
    assert_eq!(
        (&dry["phase"], sum(&dry["result"], "stored")),
        (&json!("done"), 5_000)
    );
    let first = ended(&json!({"path": text(&path)}));
    assert_eq!(
        (&first["events_read"], sum(&first["result"], "stored")),
        (&json!(5_000), 5_000),
        "{first}"
    );
    assert_eq!(
        (&first["percent"], &first["error"]),
        (&json!(100), &Value::Null),
        "{first}"
    );
    let again = ended(&json!({"path": text(&path)}));
    assert_eq!(
        (sum(&again["result"], "stored"), sum(&again["result"], "known")),
        (0, 5_000)
    );
    for target in ["/api/1/import/run/99", "/api/1/import/run/x"] {
        assert_eq!(http::get(server.port, target).expect("an answer").status, 404);
    }
    let mut connection = http::Connection::open(server.port).expect("a connection");
    let target = format!("/api/1/import/run/{}", again["id"].as_str().expect("an id"));
    let cancelled = connection.request("DELETE", &target, None).expect("an answer");
    assert_eq!(cancelled.status, 200);
    assert_eq!(state(&again["id"])["phase"], "done", "it had ended");
    server.stop();
    // The same as the command stores.
    let clean = Installation::new();
    imported(&clean, &[text(&path)]);
    assert_eq!(everything(&installation), everything(&clean));
}

/// What a server has stored when it is killed in the middle of an import: some of the events that the file has twice.
#[test]
fn equal_events_are_stored_as_often_as_a_server_is_sent_them() {
    let installation = Installation::new();
    let server = installation.start();
    let event =
        |n: i64| json!({"timestamp": format!("2024-03-01T10:00:0{n}Z"), "duration": 1, "data": {"a": 1}});
    let bucket = |events: &[Value]| json!({"id": "b", "type": "t", "client": "c", "hostname": "h", "created": "2024-03-01T09:00:00Z", "events": events});
    let import = |buckets: &Value| {
        let (status, answer) = server.post("/api/0/import", &json!({ "buckets": buckets }));
        assert_eq!(status, 200, "{answer}");
        (answer["events_added"].clone(), answer["events_known"].clone())
    };
    let once = [event(1), event(2)];
    assert_eq!(import(&json!({"b": bucket(&once)})), (json!(2), json!(0)));
    let all = [event(1), event(1), event(1), event(2), event(3), event(3)];
    assert_eq!(import(&json!({"b": bucket(&all)})), (json!(4), json!(2)));
    // The bucket in pieces, as `timberline import` sends it.
    let pieces = json!([
        bucket(&all[..2]),
        bucket(&all[2..4]),
        bucket(&[event(1)]),
        bucket(&all[4..])
    ]);
    assert_eq!(import(&pieces), (json!(1), json!(6)));
    assert_eq!(import(&json!({"b": bucket(&all)})), (json!(0), json!(6)));
    server.stop();
}

#[test]
fn what_is_no_source_is_one_line_and_stores_nothing() {
    let installation = Installation::new();
    let root = installation.root();
    let good = source(&installation, 10);
    let file = |name: &str, content: &[u8]| {
        let path = root.join(name);
        fs::write(&path, content).expect("a file");
        path
    };
    let garbage = file("garbage.db", &[7; 5_000]);
    // SQLCipher: a whole number of pages of noise.
    let noise: Vec<u8> = (0..8_192u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let encrypted = file("sqlite-encrypted.db", &noise);
    for (path, words) in [
        (&garbage, ""),
        (&encrypted, "encrypted"),
        (&root.join("missing.db"), "missing.db"),
        (&root.to_owned(), "directory"),
    ] {
        let (code, out, err) = import(&installation, &[text(&good), text(path)]);
        assert_eq!(code, 2, "{}: {out}\n{err}", path.display());
        assert!(
            err.contains(words) && err.trim_end().lines().count() == 1,
            "{err}"
        );
        assert!(!installation.data.exists(), "nothing is made for it");
    }
}

#[test]
fn damage_is_named_and_the_rest_comes() {
    let installation = Installation::new();
    let path = installation.root().join("peewee-sqlite.v2.db");
    peewee_database(&path);
    let (code, out, err) = import(&installation, &[text(&path)]);
    assert_eq!(code, 1, "{out}\n{err}");
    assert!(out.contains("1 left out: unreadable time"), "{out}");
    assert!(out.contains("1.500000000 s"), "{out}");
}

#[test]
fn tables_settings_and_exports_come_in() {
    let installation = Installation::new();
    let root = installation.root();
    let table = root.join("hours.csv");
    fs::write(
        &table,
        "Start,Stop,Program\n2024-03-01T10:00:00Z,2024-03-01T10:00:02Z,vi\n",
    )
    .expect("a table");
    let args = [
        text(&table),
        "--map",
        "timestamp=Start,end=Stop,app=Program",
        "--bucket",
        "hours",
    ];
    let source = imported(&installation, &args);
    assert_eq!(source["buckets"][0]["bucket"], "hours");
    assert_eq!(source["buckets"][0]["duration_ns_here"], "2000000000");

    let settings = root.join("settings.json");
    fs::write(&settings, r#"{"theme": "dark", "startOfDay": "05:00"}"#).expect("settings");
    assert_eq!(
        imported(&installation, &[text(&settings)])["settings"]["set"]
            .as_array()
            .expect("keys")
            .len(),
        2
    );
    fs::write(&settings, r#"{"theme": "light", "startOfDay": "05:00"}"#).expect("settings");
    let kept = imported(&installation, &[text(&settings)]);
    assert_eq!(
        (&kept["settings"]["kept"], &kept["settings"]["same"]),
        (&json!(["theme"]), &json!(["startOfDay"]))
    );
    let replaced = imported(&installation, &[text(&settings), "--settings", "replace"]);
    assert_eq!(replaced["settings"]["set"], json!(["theme"]));

    let events = json!([{"timestamp": "2024-03-01T10:00:00Z", "duration": 1, "data": {}},
        {"timestamp": "2024-03-01T10:00:00Z", "duration": 1, "data": {}}]);
    let bucket = json!({"id": "b", "type": "t", "client": "c", "hostname": "h", "events": events});
    let export = root.join("export.json.zst");
    let mut encoder =
        zstd::stream::write::Encoder::new(fs::File::create(&export).expect("a file"), 1).expect("zstd");
    encoder
        .write_all(json!({"buckets": {"b": bucket}}).to_string().as_bytes())
        .expect("an export");
    encoder.finish().expect("an export");
    assert_eq!(sum(&imported(&installation, &[text(&export)]), "stored"), 2);
    assert_eq!(sum(&imported(&installation, &[text(&export)]), "known"), 2);
    let all = everything(&installation);
    assert_eq!(all["settings"], json!({"theme": "light", "startOfDay": "05:00"}));
    assert_eq!(all["buckets"]["b"]["events"].as_array().expect("events").len(), 2);
}

#[test]
fn privacy_filters_apply() {
    let installation = Installation::new();
    let server = installation.start();
    let rules = json!([{"enabled": true, "field": "app", "pattern": "^app 3$", "action": "drop"}]);
    assert_eq!(server.post("/api/0/settings/privacy_filters", &rules).0, 201);
    server.stop();
    let path = source(&installation, 700);
    let dry = imported(&installation, &[text(&path), "--dry-run"]);
    let first = imported(&installation, &[text(&path)]);
    for source in [&dry, &first] {
        assert!(sum(source, "dropped") >= 90, "{source}");
        assert_eq!(sum(source, "dropped") + sum(source, "stored"), 700, "{source}");
    }
    assert!(!everything(&installation)["buckets"].to_string().contains("app 3"));
}

#[test]
fn the_data_of_activitywatch_are_found_and_brought_along_at_the_first_start() {
    let installation = Installation::new();
    let (code, out, _) = {
        let mut command = installation.program();
        command.args(["import", "--detect"]);
        let (status, out, err) = installation.run(command);
        (status.code(), out, err)
    };
    assert_eq!(code, Some(0));
    assert!(out.contains("No data of ActivityWatch"), "{out}");

    let place = installation
        .root()
        .join("home/.local/share/activitywatch/aw-server-rust");
    rust_database(&place.join("sqlite-testing.db"), 100);
    let mut command = installation.program();
    command.args(["import", "--detect", "--json"]);
    let (_, out, _) = installation.run(command);
    let json: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(json["found"][0]["buckets"], 2, "{json}");

    // It is said, and nothing is done.
    let server = installation.start();
    let log = server.log_tail();
    assert!(
        log.contains("timberline import ") && log.contains("sqlite-testing.db"),
        "{log}"
    );
    assert_eq!(
        http::get(server.port, "/api/0/buckets").expect("buckets").text(),
        "{}"
    );
    server.stop();

    let mut command = installation.command();
    command.arg("--legacy-import");
    let server = installation.start_as(command);
    let count = http::get(server.port, "/api/0/buckets/aw-watcher-window_h/events/count").expect("a count");
    assert_eq!(count.text(), "81");
    server.stop();
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_it_and_the_next_run_adds_the_rest() {
    use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
    let installation = Installation::new();
    fs::create_dir_all(&installation.data).expect("a directory");
    let data = installation.data.as_path();
    if let Err(error) = mount(
        "tmpfs",
        data,
        "tmpfs",
        MountFlags::empty(),
        Some(c"size=24m,mode=0700"),
    ) {
        println!("not tested: a small filesystem cannot be mounted here ({error})");
        return;
    }
    let mut config = Installation::new();
    config.configure("[log]\nsegment_bytes = 1048576\n");
    let config = config.root().join("timberline.toml");
    let path = source(&installation, 20_000);
    let ballast = data.join("ballast");
    fs::write(&ballast, vec![1; 23 << 20]).expect("ballast");
    let args = [text(&path), "--config", text(&config)];
    let (code, out, err) = import(&installation, &args);
    assert_eq!(code, 2, "{out}\n{err}");
    assert!(
        err.contains("No space") && err.contains("Run the same command again") || err.contains("No space"),
        "{err}"
    );
    fs::remove_file(&ballast).expect("ballast to go");
    let again = imported(&installation, &args);
    assert_eq!(sum(&again, "known") + sum(&again, "stored"), 20_000);
    installation.verify();
    unmount(data, UnmountFlags::DETACH).expect("the filesystem to go");
}

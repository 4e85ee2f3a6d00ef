//! `timberline log repair`: the real command on a damaged log, and what comes of it. That nothing untouched is ever
//! lost is shown in `crates/views/tests/it/repair.rs`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::http;
use crate::harness::server::Installation;
use serde_json::{Value, json};

const HEARTBEATS: u64 = 200;

/// An installation whose server has stopped, and the offset of each record but the first two in its one segment.
fn filled() -> Installation {
    let installation = Installation::new();
    let server = installation.start();
    for bucket in ["a", "b"] {
        let body = json!({"client": "tests", "type": "test", "hostname": "test"}).to_string();
        http::post(server.port, &format!("/api/0/buckets/{bucket}"), body.as_bytes()).expect("a bucket");
    }
    let mut connection = http::Connection::open(server.port).expect("a connection");
    for n in 0..HEARTBEATS {
        let bucket = if n % 2 == 0 { "a" } else { "b" };
        let time = format!("2024-03-01T10:{:02}:{:02}Z", n / 60, n % 60);
        let beat = json!({"timestamp": time, "duration": 0, "data": {"n": n / 20}}).to_string();
        let path = format!("/api/0/buckets/{bucket}/heartbeat?pulsetime=60");
        let answer = connection
            .request("POST", &path, Some(beat.as_bytes()))
            .expect("an answer");
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    server.stop();
    installation
}

fn log(installation: &Installation, data: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = installation.program();
    command.arg("log").args(args).arg("--dbpath").arg(data);
    let (status, out, err) = installation.run(command);
    (status.code().expect("an exit code"), out, err)
}

fn dump(installation: &Installation, data: &Path) -> Vec<Value> {
    let (_, out, _) = log(installation, data, &["dump"]);
    out.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn segment(installation: &Installation) -> PathBuf {
    installation.data.join("log/00000000000000000001.seg")
}

fn flip(path: &Path, offset: u64) {
    let mut bytes = fs::read(path).expect("a file");
    bytes[usize::try_from(offset).expect("an offset")] ^= 0x10;
    fs::write(path, bytes).expect("a file");
}

#[test]
fn a_damaged_log_is_salvaged_into_one_that_is_whole() {
    let installation = filled();
    let before = dump(&installation, &installation.data);
    let victims = [50u64, 51, 120];
    for victim in victims {
        let offset = before[usize::try_from(victim - 1).expect("an index")]["offset"].as_u64();
        flip(&segment(&installation), offset.expect("an offset") + 20);
    }
    let (code, out, _) = log(&installation, &installation.data, &["verify"]);
    assert_eq!(code, 1);
    assert!(
        out.contains("3 records are lost") && out.contains("timberline log repair"),
        "{out}"
    );

    let new = installation.root().join("new");
    let (code, out, err) = log(
        &installation,
        &installation.data,
        &["repair", new.to_str().expect("a path")],
    );
    assert_eq!((code, err.as_str()), (1, ""), "{out}");
    println!("{out}");
    let offset = |seq: usize| before[seq - 1]["offset"].to_string();
    for text in [
        format!("at byte {}: records 50 to 51 lost", offset(50)),
        format!("at byte {}: record 120 lost", offset(120)),
        "3 lost to damage".to_owned(),
    ] {
        assert!(out.contains(&text), "{text} in:\n{out}");
    }
    let (code, out, err) = log(&installation, &new, &["verify"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");

    let after = dump(&installation, &new);
    assert_eq!(after.len(), before.len());
    for (was, is) in before.iter().zip(&after) {
        let seq = was["seq"].as_u64().expect("a number");
        assert_eq!(is["seq"], seq);
        if victims.contains(&seq) {
            assert_eq!((&is["kind"], &is["cause"]), (&json!("lost"), &json!("damaged")));
        } else {
            assert_eq!(
                (&is["kind"], &is["time"], &is["data"]),
                (&was["kind"], &was["time"], &was["data"])
            );
        }
    }
    assert_eq!(
        fs::read(new.join("device_id")).expect("an id"),
        fs::read(installation.data.join("device_id")).expect("an id")
    );
    let (_, stat, _) = log(&installation, &new, &["stat", "--json"]);
    let (_, old, _) = log(&installation, &installation.data, &["stat", "--json"]);
    let device = |stat: &str| serde_json::from_str::<Value>(stat).expect("JSON")["device"].clone();
    assert_eq!(device(&stat), device(&old));
}

#[test]
fn nothing_is_repaired_in_place_or_over_anything() {
    let installation = filled();
    let before = fs::read(segment(&installation)).expect("a segment");
    let taken = installation.data.to_str().expect("a path").to_owned();
    let (code, _, err) = log(&installation, &installation.data, &["repair", &taken]);
    assert_eq!(code, 1);
    assert!(
        err.contains("not empty") && err.contains("new directory"),
        "{err}"
    );
    assert_eq!(fs::read(segment(&installation)).expect("a segment"), before);
}

#[test]
fn a_whole_log_loses_nothing() {
    let installation = filled();
    let new = installation.root().join("new");
    let (code, out, _) = log(
        &installation,
        &installation.data,
        &["repair", new.to_str().expect("a path")],
    );
    assert_eq!(code, 0, "{out}");
    assert!(
        out.contains("0 lost to damage") && out.contains("0 written anew"),
        "{out}"
    );
    assert_eq!(
        dump(&installation, &new).len(),
        dump(&installation, &installation.data).len()
    );
}

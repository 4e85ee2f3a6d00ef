//! `timberline doctor`: each check, well and not well.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::harness::http;
use crate::harness::page::Page;
use crate::harness::server::Installation;
use serde_json::{Value, json};

/// Exit code, and the outcome and text of every check.
fn doctor(installation: &Installation, more: &[&str]) -> (i32, Vec<(String, String, String)>) {
    let mut command = installation.program();
    command.args(["doctor", "--json"]).args(more);
    command.arg("--dbpath").arg(&installation.data);
    let (status, out, err) = installation.run(command);
    assert_eq!(err, "");
    let report: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"));
    let text = |check: &Value, name: &str| check[name].as_str().expect("a text").to_owned();
    let checks = report["checks"].as_array().expect("checks").iter();
    let checks = checks.map(|check| (text(check, "check"), text(check, "outcome"), text(check, "text")));
    let checks: Vec<_> = checks.collect();
    for check in &checks {
        assert!(!check.2.contains('\n'), "one line: {check:?}");
    }
    (status.code().expect("an exit code"), checks)
}

/// The check must have come out so and say this.
fn assert_check(checks: &[(String, String, String)], name: &str, outcome: &str, words: &[&str]) {
    let found = checks.iter().find(|(check, ..)| check == name);
    let (_, is, text) = found.unwrap_or_else(|| panic!("{name} in {checks:?}"));
    assert_eq!(is, outcome, "{name}: {text}");
    for word in words {
        assert!(text.contains(word), "{word} in {name}: {text}");
    }
}

fn filled() -> Installation {
    let installation = Installation::new();
    let server = installation.start();
    let body = json!({"client": "tests", "type": "test", "hostname": "test"}).to_string();
    http::post(server.port, "/api/0/buckets/a", body.as_bytes()).expect("a bucket");
    for second in 0..30 {
        let beat = json!({"timestamp": format!("2024-03-01T10:00:{second:02}Z"), "duration": 0, "data": {"n": second}});
        let path = "/api/0/buckets/a/heartbeat?pulsetime=1";
        http::post(server.port, path, beat.to_string().as_bytes()).expect("an answer");
    }
    server.stop();
    installation
}

fn segment(installation: &Installation) -> std::path::PathBuf {
    installation.data.join("log/00000000000000000001.seg")
}

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).expect("a file");
    change(&mut bytes);
    fs::write(path, bytes).expect("a file");
}

#[test]
fn a_healthy_installation_is_told_so_also_while_the_server_runs() {
    let installation = filled();
    let (code, checks) = doctor(&installation, &[]);
    assert_eq!(code, 0, "{checks:?}");
    for name in [
        "configuration",
        "disk space",
        "permissions",
        "lock",
        "formats",
        "segments",
        "log",
        "clock",
    ] {
        assert_check(&checks, name, "ok", &[]);
    }
    assert_check(&checks, "lock", "ok", &["free"]);
    assert_check(&checks, "backups", "warn", &["timberline backup DIR"]);

    let server = installation.start();
    let (code, checks) = doctor(&installation, &[]);
    assert_eq!(code, 0, "{checks:?}");
    assert_check(
        &checks,
        "lock",
        "ok",
        &["held by process", &server.process_id().to_string()],
    );
    server.kill();
    let (_, checks) = doctor(&installation, &[]);
    assert_check(&checks, "lock", "ok", &["free", "last holder"]);
}

#[test]
fn a_wrong_configuration_is_named_and_the_rest_is_looked_at() {
    let installation = filled();
    let config = installation.root().join("wrong.toml");
    fs::write(&config, "prot = 5600\n").expect("a file");
    let (code, checks) = doctor(&installation, &["--config", config.to_str().expect("a path")]);
    assert_eq!(code, 1);
    assert_check(
        &checks,
        "configuration",
        "fail",
        &["wrong.toml:1", "prot", "docs/configuration.md"],
    );
    assert_check(&checks, "log", "ok", &[]);
}

#[test]
fn others_that_may_look_are_a_warning() {
    let installation = filled();
    fs::set_permissions(&installation.data, fs::Permissions::from_mode(0o755)).expect("a mode");
    let (code, checks) = doctor(&installation, &[]);
    assert_eq!(code, 0);
    assert_check(&checks, "permissions", "warn", &["755", "chmod 700"]);
}

#[test]
fn a_file_that_others_may_read_is_named_with_what_mends_it() {
    let installation = filled();
    let segment = segment(&installation);
    fs::set_permissions(&segment, fs::Permissions::from_mode(0o644)).expect("a mode");
    let (code, checks) = doctor(&installation, &[]);
    assert_eq!(code, 0);
    let mends = format!("chmod -R go= {}", installation.data.display());
    let words = ["log/00000000000000000001.seg", "644", &mends];
    assert_check(&checks, "permissions", "warn", &words);

    let mended = std::process::Command::new("chmod")
        .args(["-R", "go="])
        .arg(&installation.data)
        .status();
    assert!(mended.expect("chmod").success());
    let (_, checks) = doctor(&installation, &[]);
    assert_check(&checks, "permissions", "ok", &[]);
}

#[test]
fn damage_is_found_with_what_to_do() {
    let installation = filled();
    fs::remove_dir_all(installation.data.join("views")).expect("removed");
    change(&segment(&installation), |bytes| bytes[4096 + 200] ^= 1);
    let (code, checks) = doctor(&installation, &[]);
    assert_eq!(code, 1);
    assert_check(
        &checks,
        "log",
        "fail",
        &["damaged at byte", "timberline log repair"],
    );

    change(&segment(&installation), |bytes| bytes[20] ^= 1);
    let (code, checks) = doctor(&installation, &[]);
    assert_eq!(code, 1);
    assert_check(
        &checks,
        "segments",
        "fail",
        &["header", "00000000000000000001.seg"],
    );
}

#[test]
fn a_newer_format_asks_for_an_update() {
    let installation = filled();
    change(&segment(&installation), |bytes| {
        bytes[8] = 9;
        seal(bytes);
    });
    let (code, checks) = doctor(&installation, &[]);
    assert_eq!(code, 1);
    assert_check(&checks, "formats", "fail", &["version 9", "update Timberline"]);
}

#[test]
fn a_clock_that_was_ahead_is_noticed() {
    let installation = filled();
    change(&segment(&installation), |bytes| {
        // 2100-01-01.
        bytes[40..48].copy_from_slice(&4_102_444_800_000_000_000i64.to_le_bytes());
        seal(bytes);
    });
    let (_, checks) = doctor(&installation, &[]);
    assert_check(&checks, "clock", "warn", &["2100", "00000000000000000001.seg"]);
}

#[test]
fn backups_are_counted_and_those_out_of_reach_named() {
    let installation = filled();
    let dir = installation.root().join("backup");
    let mut command = installation.program();
    command
        .arg("backup")
        .arg(&dir)
        .arg("--dbpath")
        .arg(&installation.data);
    assert!(installation.run(command).0.success());
    let (_, checks) = doctor(&installation, &[]);
    assert_check(&checks, "backups", "ok", &["1 known, 1 reachable"]);
    fs::rename(&dir, installation.root().join("elsewhere")).expect("renamed");
    let (code, checks) = doctor(&installation, &[]);
    assert_eq!(code, 0);
    assert_check(&checks, "backups", "warn", &["cannot be reached"]);
}

#[test]
fn without_data_there_is_little_to_say() {
    let installation = Installation::new();
    let (code, checks) = doctor(&installation, &[]);
    assert_eq!((code, checks.len()), (0, 2), "{checks:?}");
    assert!(!installation.data.exists(), "nothing was made");
}

/// The CRC of a header block that was changed, by the specification in `docs/format/log.md`.
fn seal(segment: &mut [u8]) {
    segment[60..64].fill(0);
    let mut crc = u32::MAX;
    for byte in &segment[..2048] {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                crc >> 1 ^ 0xEDB8_8320
            } else {
                crc >> 1
            };
        }
    }
    segment[60..64].copy_from_slice(&(!crc).to_le_bytes());
}

const PAGE: Page = Page {
    text: include_str!("../../../../docs/status.md"),
    varying: &["data_dir", "version", "text"],
};

#[test]
fn a_server_answers_what_its_page_shows() {
    PAGE.check(1);
}

/// The server finds what the command finds, as far as it looks, and is not disturbed by it.
#[test]
fn a_running_server_finds_the_same_as_the_command() {
    let installation = filled();
    let server = installation.start();
    fs::set_permissions(&installation.data, fs::Permissions::from_mode(0o755)).expect("a mode");
    fs::write(
        installation
            .data
            .join("views/00000000000000000001-0.view.damaged"),
        "x",
    )
    .expect("a file");
    let asked = std::thread::scope(|scope| {
        let ask = || {
            let answer = http::get(server.port, "/api/1/doctor").expect("an answer");
            assert_eq!(answer.status, 200);
            answer.json().expect("JSON")
        };
        let several: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        several
            .into_iter()
            .map(|asked| asked.join().expect("an answer"))
            .collect::<Vec<_>>()
    });
    let (_, told) = doctor(&installation, &[]);
    for report in asked {
        assert_eq!(report["ok"], true, "{report}");
        for check in report["checks"].as_array().expect("checks") {
            let text = |name: &str| check[name].as_str().expect("a text").to_owned();
            // Times go on.
            if text("check") != "clock" && text("check") != "disk space" {
                let same = (text("check"), text("outcome"), text("text"));
                assert!(told.contains(&same), "{same:?} in {told:?}");
            }
        }
        let found = |name: &str, outcome: &str| {
            let mut checks = report["checks"].as_array().expect("checks").iter();
            checks.any(|check| check["check"] == name && check["outcome"] == outcome)
        };
        assert!(found("permissions", "warn") && found("views", "warn"), "{report}");
        assert!(!found("lock", "ok") && !found("file system", "ok"), "{report}");
    }
    server.stop();
}

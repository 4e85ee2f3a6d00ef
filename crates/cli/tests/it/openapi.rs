//! The API's description against the real server: the document is valid, and every operation answers as it says.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use timberline_test_support::{python_with, run};

use crate::harness::http;
use crate::harness::server::Installation;
use crate::up::up;

const PACKAGES: [&str; 2] = ["openapi-spec-validator==0.9.0", "openapi-schema-validator==0.9.0"];

/// Sends requests for every operation, right and wrong ones, and compares statuses, content types and bodies with the
/// description (`openapi/check.py`).
#[test]
fn every_operation_answers_as_it_is_described() {
    let mut installation = Installation::new();
    installation.configure("[mcp]\nhttp = true\n");
    let server = installation.start_as(up(&installation));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/openapi/check.py");
    let mut command = Command::new(python_with(&PACKAGES, "openapi", env!("CARGO_TARGET_TMPDIR")));
    command
        .arg(script)
        .arg(format!("http://127.0.0.1:{}", server.port));
    // Where the server looks for data of ActivityWatch.
    let database = "home/.local/share/activitywatch/aw-server-rust/sqlite.db";
    command.arg(installation.root().join(database));
    let report: Value = serde_json::from_slice(&run(&mut command, "see its output")).expect("JSON");
    let operations = report["operations"].as_u64().expect("a number");
    let requests = report["requests"].as_u64().expect("a number");
    assert!(operations >= 41 && requests > operations, "{report}");
    server.stop();
}

#[test]
fn behind_a_base_path_the_description_names_it() {
    let mut installation = Installation::new();
    installation.configure("base_path = \"/aw/\"\n[auth]\napi_key = \"secret-of-this-test\"\n");
    let server = installation.start();
    let mut seen = BTreeSet::new();
    for target in ["/api/openapi.json", "/aw/api/openapi.json"] {
        let answer = http::get(server.port, target).expect("an answer");
        assert_eq!(answer.status, 200, "{target}");
        let document = answer.json().expect("JSON");
        assert_eq!(document["servers"][0]["url"], "/aw");
        seen.insert(document.to_string());
    }
    assert_eq!(seen.len(), 1, "both ways lead to the same description");
    server.stop();
}

/// The page is part of the program: it works offline, under a policy that lets it load nothing but its own files.
#[test]
fn the_page_loads_only_its_own_files() {
    let mut installation = Installation::new();
    installation.configure("base_path = \"/aw/\"\n[auth]\napi_key = \"secret-of-this-test\"\n");
    let server = installation.start();
    for target in ["/api", "/api/", "/aw/api/"] {
        let page = http::get(server.port, target).expect("an answer");
        assert_eq!(page.status, 200, "{target}");
        let policy = page.header("content-security-policy").expect("a policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"));
        assert!(!policy.contains("unsafe"), "{policy}");
        let text = page.text();
        let addresses = text
            .split('"')
            .filter(|part| part.starts_with('/') && !part.starts_with("/>"));
        let mut files = 0;
        for address in addresses {
            let file = http::get(server.port, address).expect("an answer");
            assert_eq!(file.status, 200, "{target} names {address}");
            assert!(address.starts_with("/aw/api/"), "{address}");
            files += 1;
        }
        assert_eq!(files, 3, "a style, a script, and the description");
        assert!(!text.contains("://"), "nothing from elsewhere");
    }
    server.stop();
}

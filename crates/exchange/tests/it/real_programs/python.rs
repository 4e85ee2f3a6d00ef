//! A virtual environment with the real programs.

use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;
use timberline_test_support::{python_with, run};

/// What is compared with. aw-server's storage needs this peewee: with version 4 it cannot read its own buckets.
const PACKAGES: [&str; 4] = [
    "aw-core==0.5.18",
    "peewee==3.19.0",
    "duckdb==2.0.1",
    "icalendar==7.3.2",
];

/// Runs a script of this folder on a directory, and gives what it prints.
pub(crate) fn run_script(name: &str, directory: &Path) -> Json {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/real_programs")
        .join(name);
    let mut command = Command::new(python_with(&PACKAGES, "exchange", env!("CARGO_TARGET_TMPDIR")));
    // aw-core makes directories at home.
    for variable in ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"] {
        command.env(variable, directory.join("home"));
    }
    let output = run(command.arg(script).arg(directory), "see its output");
    // Python writes half surrogates, which are no JSON elsewhere.
    let (output, _) = timberline_model::json::mend(&output);
    serde_json::from_slice(&output).expect("JSON from the script")
}

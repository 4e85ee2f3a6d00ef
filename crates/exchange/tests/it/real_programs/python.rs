//! A virtual environment with the real programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value as Json;

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
    let mut command = Command::new(python());
    // aw-core makes directories at home.
    for variable in ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"] {
        command.env(variable, directory.join("home"));
    }
    let output = run(command.arg(script).arg(directory), "see its output");
    // Python writes half surrogates, which are no JSON elsewhere.
    let (output, _) = timberline_model::json::mend(&output);
    serde_json::from_slice(&output).expect("JSON from the script")
}

/// The interpreter of the environment. It is made once and kept under `target`.
fn python() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .expect("the target directory");
    let environment = target.join("exchange-venv");
    // Tests run side by side, also in processes of their own: one makes it, the others wait.
    let lock = fs::File::create(target.join("exchange-venv.lock")).expect("a file to lock");
    lock.lock().expect("a lock");
    let python = environment.join("bin/python");
    // Written last, so that an environment whose making was interrupted is made again.
    let made = environment.join("made");
    let packages = PACKAGES.join(" ");
    if fs::read_to_string(&made).is_ok_and(|there| there == packages) && python.exists() {
        return python;
    }
    let _ = fs::remove_dir_all(&environment); // it may not be there
    let base = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    run(
        Command::new(base).args(["-m", "venv"]).arg(&environment),
        "`make test` installs what python3 lacks for it",
    );
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run(
        Command::new(&python).args(pip).args(PACKAGES),
        "the packages come from PyPI, which must be reachable",
    );
    fs::write(made, packages).expect("a note that the environment is made");
    python
}

/// Runs a command that this test cannot do without.
fn run(command: &mut Command, hint: &str) -> Vec<u8> {
    let shown = format!("{command:?}");
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{shown}: {error}; {hint}"));
    assert!(
        output.status.success(),
        "{shown} failed; {hint}\n{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    output.stdout
}

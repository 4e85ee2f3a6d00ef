//! Virtual environments with the Python programs that tests compare with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The interpreter of a virtual environment that has these packages. The environment is made once and kept under
/// `target` as `{name}-venv`; `temporary` is the caller's `CARGO_TARGET_TMPDIR`.
///
/// # Panics
/// When it cannot be made.
#[must_use]
pub fn python_with(packages: &[&str], name: &str, temporary: &str) -> PathBuf {
    let target = Path::new(temporary).parent().expect("the target directory");
    let environment = target.join(format!("{name}-venv"));
    // Tests run side by side, also in processes of their own: one makes it, the others wait.
    let lock = fs::File::create(target.join(format!("{name}-venv.lock"))).expect("a file to lock");
    lock.lock().expect("a lock");
    let python = environment.join("bin/python");
    // Written last, so that an environment whose making was interrupted is made again.
    let made = environment.join("made");
    let wanted = packages.join(" ");
    if fs::read_to_string(&made).is_ok_and(|there| there == wanted) && python.exists() {
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
        Command::new(&python).args(pip).args(packages),
        "the packages come from PyPI, which must be reachable",
    );
    fs::write(made, wanted).expect("a note that the environment is made");
    python
}

/// Runs a command that a test cannot do without, and gives what it prints. `hint` says what to do if it fails.
///
/// # Panics
/// When the command cannot be run, or fails.
pub fn run(command: &mut Command, hint: &str) -> Vec<u8> {
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

//! Finds out from which commit this is built, for `timberline --version`.
//!
//! The commit is `TIMBERLINE_COMMIT`, or what git says. The date is `SOURCE_DATE_EPOCH`, or the commit's. So the same commit
//! always gives the same text. Without git and without the variables there is neither, and the build goes on.

use std::path::Path;
use std::process::Command;

/// So many digits of a commit are shown.
const DIGITS: usize = 12;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=TIMBERLINE_COMMIT");
    println!("cargo:rerun-if-env-changed=SOURCE_DATE_EPOCH");
    let in_clone = is_own_clone();
    if in_clone {
        watch_head();
    }
    let from_git = |args: &[&str]| if in_clone { git(args) } else { None };
    let commit = variable("TIMBERLINE_COMMIT").or_else(|| from_git(&["rev-parse", "HEAD"]));
    let seconds = variable("SOURCE_DATE_EPOCH").or_else(|| from_git(&["log", "-1", "--format=%ct"]));
    let date = seconds.and_then(|seconds| date(seconds.parse().ok()?));
    let commit = commit.filter(|commit| commit.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let version = variable("CARGO_PKG_VERSION").unwrap_or_default();
    let mut long = version;
    if let Some(commit) = commit
        .as_deref()
        .and_then(|commit| commit.get(..DIGITS.min(commit.len())))
    {
        println!("cargo:rustc-env=TIMBERLINE_BUILD_COMMIT={commit}");
        long = format!("{long} ({commit}");
        long.push_str(&date.as_ref().map_or(")".to_owned(), |date| format!(" {date})")));
    } else if let Some(date) = &date {
        long = format!("{long} ({date})");
    }
    if let Some(date) = &date {
        println!("cargo:rustc-env=TIMBERLINE_BUILD_DATE={date}");
    }
    println!("cargo:rustc-env=TIMBERLINE_BUILD_VERSION={long}");
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether the sources lie in a clone of their own, and not unpacked inside of somebody else's.
fn is_own_clone() -> bool {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let top = git(&["rev-parse", "--show-toplevel"]);
    match (
        workspace.canonicalize(),
        top.map(|top| Path::new(&top).canonicalize()),
    ) {
        (Ok(workspace), Some(Ok(top))) => workspace == top,
        _ => false,
    }
}

/// Has cargo run this again when another commit is checked out. A file that is not there would have it run always.
fn watch_head() {
    let mut files = vec!["HEAD".to_owned(), "packed-refs".to_owned()];
    files.extend(git(&["symbolic-ref", "-q", "HEAD"]));
    for file in files {
        let path = git(&["rev-parse", "--path-format=absolute", "--git-path", &file]);
        if let Some(path) = path.filter(|path| Path::new(path).is_file()) {
            println!("cargo:rerun-if-changed={path}");
        }
    }
}

fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.trim();
    (output.status.success() && !text.is_empty()).then(|| text.to_owned())
}

/// The day of a time in seconds since 1970, in UTC (Howard Hinnant's `civil_from_days`).
fn date(seconds: i64) -> Option<String> {
    let days = seconds.div_euclid(86_400).checked_add(719_468)?;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    Some(format!("{year:04}-{month:02}-{day:02}"))
}

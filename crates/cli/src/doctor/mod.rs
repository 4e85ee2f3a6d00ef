//! `timberline doctor`: is everything as it should be, and what to do where it is not? A file per room.
//!
//! | file | what it looks at |
//! |---|---|
//! | `data_dir` | the data directory: disk, what its file system can do, permissions, lock |
//! | `start` | whether a server would start: the identity, the configuration, the store |
//! | `history` | the log, its formats, its times, the checkpoint |
//! | `views` | the checkpoint and the view segments; those that were damaged and set aside |
//! | `backups` | how old they are, whether they can be reached |
//! | `erasing` | whether anything is erased because of its age; confirmations by hand |

mod backups;
mod data_dir;
mod erasing;
mod history;
mod start;
mod views;

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use crate::config::Config;
use crate::data_dir::{DataDirArgs, OpenDataDir};
use crate::output::Output;
use crate::table::printable;
use crate::verdict::{Verdict, describe};
use timberline_server::settings::Settings;

/// How to print it.
#[derive(Debug, Args)]
#[command(after_help = "\
Works while the server runs and changes nothing (it makes and removes a small file in the data directory, to see what \
its file system can do). It reads the views, and of the log what a start reads; `timberline log verify` reads all of the log.

Exit code: 0 if nothing failed (there may be warnings), 1 if something did.

Examples:
  timberline doctor
  timberline doctor --json | jq '.checks[] | select(.outcome != \"ok\")'")]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    place: DataDirArgs,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Say that the clock is right after it has jumped, so that erasing goes on
    #[arg(long, conflicts_with_all = ["json", "confirm_retention"])]
    trust_clock: bool,
    /// Let a retention rule erase what is held back in a bucket because it is more than half of it
    #[arg(long, value_name = "BUCKET", conflicts_with = "json")]
    confirm_retention: Option<String>,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Ok,
    /// It works, but somebody should look at it.
    Warn,
    /// It does not work.
    Fail,
}

/// A check that was made. The text says what was found and, if that is not well, what to do.
#[derive(Clone, Debug, Serialize)]
struct Check {
    check: &'static str,
    outcome: Outcome,
    text: String,
}

impl Check {
    fn ok(check: &'static str, text: impl Into<String>) -> Check {
        Check {
            check,
            outcome: Outcome::Ok,
            text: text.into(),
        }
    }

    fn warn(check: &'static str, text: impl Into<String>) -> Check {
        Check {
            outcome: Outcome::Warn,
            ..Check::ok(check, text)
        }
    }

    fn fail(check: &'static str, text: impl Into<String>) -> Check {
        Check {
            outcome: Outcome::Fail,
            ..Check::ok(check, text)
        }
    }
}

#[derive(Debug, Serialize)]
struct Report {
    data_dir: String,
    version: &'static str,
    ok: bool,
    checks: Vec<Check>,
}

/// Looks at everything.
pub(crate) fn run(args: DoctorArgs) -> ExitCode {
    if args.trust_clock || args.confirm_retention.is_some() {
        return confirm(args).unwrap_or_else(|error| {
            eprintln!("timberline: {}", describe(&error));
            ExitCode::FAILURE
        });
    }
    Verdict::exit(carry_out(args), 1)
}

/// Confirms what a person alone can know.
fn confirm(args: DoctorArgs) -> anyhow::Result<ExitCode> {
    let settings = args.place.config()?.server;
    match args.confirm_retention {
        Some(bucket) => erasing::confirm_retention(&settings, &bucket),
        None => erasing::trust_clock(&settings),
    }
}

fn carry_out(args: DoctorArgs) -> anyhow::Result<Verdict> {
    let (config, check) = configuration(args.place)?;
    let mut checks = vec![check];
    let settings = &config.server;
    let data_dir = settings.data_dir.as_path();
    if data_dir.is_dir() {
        checks.extend(data_dir::checks(settings));
        // The passphrase is asked for once.
        let data = OpenDataDir::open(&config);
        checks.extend(start::checks(settings, &data));
        checks.extend(history::checks(settings, &data));
        checks.extend(views::checks(settings, &data));
        checks.extend(privacy(settings));
        checks.extend(backups::checks(settings));
        checks.extend(erasing::checks(settings));
    } else {
        let text = format!(
            "{} is not there: a server makes it at its first start; or name another one with --dbpath",
            data_dir.display()
        );
        checks.push(Check::warn("data directory", text));
    }
    let ok = checks.iter().all(|check| check.outcome != Outcome::Fail);
    let report = Report {
        data_dir: data_dir.display().to_string(),
        version: env!("CARGO_PKG_VERSION"),
        ok,
        checks,
    };
    print(&report, args.json)?;
    Ok(Verdict::faulty_if(!ok))
}

/// Whether the key of the privacy filters' hashes can be used.
fn privacy(settings: &Settings) -> Option<Check> {
    timberline_server::inspect::damaged_privacy_key(&settings.data_dir).map(|why| Check::warn("privacy", why))
}

/// The settings; those without a configuration file if it cannot be used, so that all else is looked at.
fn configuration(place: DataDirArgs) -> anyhow::Result<(Config, Check)> {
    let bare = place.clone().config_without_file();
    match place.config() {
        Ok(config) => Ok((
            config,
            Check::ok("configuration", "every key is known and makes sense"),
        )),
        Err(error) => Ok((
            bare?,
            Check::fail(
                "configuration",
                format!("{error}; all keys: docs/configuration.md"),
            ),
        )),
    }
}

fn print(report: &Report, json: bool) -> anyhow::Result<()> {
    let mut out = Output::new();
    if json {
        out.line(serde_json::to_string_pretty(report)?)?;
    } else {
        for check in &report.checks {
            let outcome = match check.outcome {
                Outcome::Ok => "ok  ",
                Outcome::Warn => "warn",
                Outcome::Fail => "FAIL",
            };
            out.line(format_args!(
                "{outcome}  {:14}  {}",
                check.check,
                printable(&check.text)
            ))?;
        }
    }
    out.flush()?;
    Ok(())
}

//! `timberline doctor`: is everything as it should be, and what to do where it is not?
//!
//! | file | what it does |
//! |---|---|
//! | `timberline_server::doctor` | the checks that are right also for the running server, which makes them too |
//! | `here` | those that only this command makes: file system, lock, the newest records, all views |
//! | `by_hand` | confirmations by hand |

mod by_hand;
mod here;

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use crate::config::Config;
use crate::data_dir::{DataDirArgs, OpenDataDir};
use crate::output::Output;
use crate::table::printable;
use crate::verdict::{Verdict, advise, describe};
use timberline_server::doctor::{Check, Outcome, Subject};

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
        Some(bucket) => by_hand::confirm_retention(&settings, &bucket),
        None => by_hand::trust_clock(&settings),
    }
}

fn carry_out(args: DoctorArgs) -> anyhow::Result<Verdict> {
    let (config, check) = configuration(args.place)?;
    let mut checks = vec![check];
    let settings = &config.server;
    let data_dir = settings.data_dir.as_path();
    if data_dir.is_dir() {
        // The passphrase is asked for once.
        let data = OpenDataDir::open(&config);
        let subject = Subject {
            settings,
            cipher: data.as_ref().map(OpenDataDir::cipher).map_err(describe),
            explain: &advise,
        };
        checks.extend(subject.examine());
        checks.extend(here::checks(settings, &data));
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

//! `timberline import`: imports the history of other programs.
//!
//! | file | what it does |
//! |---|---|
//! | `target` | where it goes: a store of our own, a running server, or nowhere (a dry run) |
//! | `local` | into a store that this process opens |
//! | `show` | what was read, stored and left out |
//! | `remote` | to a server, as one export file that is written while it is sent |
//! | `detect` | where ActivityWatch keeps its data |
//! | `first` | the same at the first start of a server |
//! | `bar` | how far it has come |

mod bar;
mod detect;
pub(crate) mod first;
mod local;
mod remote;
mod show;
pub(crate) mod target;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};
use timberline_exchange::import::{CsvMapping, Options, Source};

use crate::data_dir::DataDirArgs;
use crate::known_server::TrustArgs;
use crate::output::Output;
use crate::server_client::ServerClient;
use crate::verdict::Verdict;
use target::Target;
use timberline_server::merge::{SettingsRule, Tally};

/// What is to be imported.
#[derive(Debug, Args)]
#[command(after_help = "\
Reads databases of aw-server-rust and aw-server, export files (also compressed with gzip or zstd), settings.json, and CSV. \
The source is not changed. If a server runs on the data directory, the events are sent to it; if not, the command opens the \
data directory itself.

You can import a file again: an event that is already stored is not stored a second time. If an import was interrupted, run the \
same command again.

Exit code: 0 everything was imported, 1 something in a source was left out, 2 the import was not carried out, or not completely.

Examples:
  timberline import --detect
  timberline import ~/.local/share/activitywatch/aw-server-rust/sqlite.db
  timberline import --dry-run aw-buckets-export.json.gz
  timberline import --map timestamp=Start,end=Stop,app=Program --bucket hours hours.csv

Documentation: docs/import.md")]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    place: DataDirArgs,
    /// Databases, exports, CSV files
    #[arg(value_name = "PATH", required_unless_present = "detect")]
    paths: Vec<PathBuf>,
    /// Search the places where ActivityWatch keeps its data, and list what is there
    #[arg(long, conflicts_with_all = ["paths", "dry_run", "map", "bucket", "server"])]
    detect: bool,
    /// Read and compare everything, but store nothing
    #[arg(long)]
    dry_run: bool,
    /// What the columns of a CSV file mean: timestamp=COLUMN, end=COLUMN or duration=COLUMN, bucket=COLUMN, and
    /// KEY=COLUMN for each key of the data, with :number, :boolean or :json after COLUMN if the value is not a string
    #[arg(long, value_name = "KEY=COLUMN,...")]
    map: Option<CsvMapping>,
    /// The bucket of a file that does not name one (CSV, lists of events)
    #[arg(long, value_name = "ID")]
    bucket: Option<String>,
    /// What happens to a setting that already has another value in Timberline
    #[arg(long, value_name = "WHAT", default_value = "keep")]
    settings: SettingsArg,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Send the events to this server [default: the one that runs on the data directory, if any]
    #[arg(long, value_name = "URL", value_parser = ServerClient::parse, conflicts_with = "dry_run")]
    server: Option<ServerClient>,
    #[command(flatten)]
    trust: TrustArgs,
}

/// What happens to a setting that has another value here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SettingsArg {
    /// It stays as it is here.
    Keep,
    /// It gets the value of the source.
    Replace,
}

impl From<SettingsArg> for SettingsRule {
    fn from(arg: SettingsArg) -> Self {
        match arg {
            SettingsArg::Keep => Self::Keep,
            SettingsArg::Replace => Self::Replace,
        }
    }
}

/// Imports.
pub(crate) fn run(args: ImportArgs) -> ExitCode {
    Verdict::exit(carry_out(args), 2)
}

fn carry_out(args: ImportArgs) -> anyhow::Result<Verdict> {
    if args.detect {
        return detect::print(args.json);
    }
    let options = Options {
        bucket: args.bucket,
        csv: args.map,
    };
    // What is no source is refused before anything is stored.
    for path in &args.paths {
        Source::open(path, &options)?;
    }
    let know = |server| args.trust.know(server, args.place.config_file());
    let server = args.server.map(know).transpose()?;
    let config = args.place.config()?;
    let target = Target::find(config, server, args.dry_run)?;
    let mut tallies = Vec::new();
    let imported = import_all(&target, &args.paths, &options, args.settings.into(), &mut tallies);
    let closed = target.close();
    print(&tallies, args.dry_run, args.json)?;
    imported?;
    closed?;
    Ok(Verdict::faulty_if(!tallies.iter().all(Tally::is_complete)))
}

fn import_all(
    target: &Target,
    paths: &[PathBuf],
    options: &Options,
    rule: SettingsRule,
    tallies: &mut Vec<Tally>,
) -> anyhow::Result<()> {
    for path in paths {
        let what = || what_was_imported(path, target);
        tallies.push(import(target, path, options, rule).with_context(what)?);
    }
    Ok(())
}

/// What is stored when an import fails.
fn what_was_imported(path: &Path, target: &Target) -> String {
    let path = path.display();
    match target {
        Target::Own(_) => format!(
            "{path} was imported in part, or not at all. Run the same command again to add the rest: events that are stored \
             are not stored again"
        ),
        Target::Server(_) | Target::Dry(_) => format!("{path} was not imported"),
    }
}

fn import(target: &Target, path: &Path, options: &Options, rule: SettingsRule) -> anyhow::Result<Tally> {
    let mut source = Source::open(path, options)?;
    let bar = bar::Bar::new(path);
    let tally = match target {
        Target::Own(store) => local::into_store(&mut source, store, rule, &bar)?,
        Target::Dry(dry) => local::dry(&mut source, dry.snapshot(), dry.data_dir(), rule, &bar)?,
        Target::Server(peer) => remote::send(&mut source, peer, rule, &bar)?,
    };
    ensure!(
        tally.unexplained().is_none(),
        "{}: the durations do not add up: {}",
        path.display(),
        tally.unexplained().unwrap_or_default()
    );
    Ok(tally)
}

fn print(tallies: &[Tally], dry: bool, json: bool) -> anyhow::Result<()> {
    let mut out = Output::new();
    if json {
        let sources: Vec<_> = tallies.iter().map(Tally::to_json).collect();
        out.line(serde_json::json!({ "dry_run": dry, "sources": sources }))?;
    } else {
        for tally in tallies {
            show::print(tally, &mut out)?;
        }
        if dry {
            out.line("This was a dry run: nothing was stored.")?;
        }
    }
    out.flush()?;
    Ok(())
}

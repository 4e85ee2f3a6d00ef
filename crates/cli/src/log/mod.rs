//! `timberline log`: looking into the log, checking it, and using it again. One file per subcommand.
//!
//! | file | what it does |
//! |---|---|
//! | `stat` | how much of what there is |
//! | `verify` | is everything whole, and do the views show what the log says? |
//! | `dump`, `tail` | the records themselves, as JSON lines |
//! | `explain` | what happened to an event |
//! | `replay` | the state as it was once; or the recorded traffic, sent to another server |
//! | `rebuild` | builds all views again |
//! | `repair` | a new log from what is left of a damaged one |
//! | `names`, `filter`, `describe` | from records to lines |
//! | `progress` | what is shown meanwhile |
//!
//! All but `rebuild` and `repair` (which writes elsewhere) take no lock and change nothing, so they work beside a running server. None of them holds more
//! of a log in memory than a record and what the fold needs.

mod describe;
mod dump;
mod explain;
mod filter;
mod names;
mod progress;
mod rebuild;
mod repair;
mod replay;
mod stat;
mod tail;
mod verify;

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::data_dir::{DataDirArgs, OpenDataDir};
use crate::verdict::Verdict;

/// `timberline log` and its subcommands.
#[derive(Debug, Args)]
#[command(after_help = "Each command explains itself: timberline log dump --help. \
    Documentation with examples: docs/log-commands.md")]
pub(crate) struct LogArgs {
    #[command(flatten)]
    place: DataDirArgs,
    #[command(subcommand)]
    command: LogCommand,
}

#[derive(Debug, Subcommand)]
enum LogCommand {
    /// Print figures about the log: segments, records, bytes, buckets
    Stat(stat::StatArgs),
    /// Check everything: checksums, the fold of the whole log, and that the views agree with it
    #[command(after_help = verify::HELP)]
    Verify,
    /// Print records as JSON lines
    Dump(dump::DumpArgs),
    /// Print the history of an event
    Explain(explain::ExplainArgs),
    /// Print the newest records as JSON lines, and each new one as it is written
    Tail(tail::TailArgs),
    /// Print the state at a record or an instant; or send the recorded traffic to a server
    Replay(Box<replay::ReplayArgs>),
    /// Delete all views and build them again from the log; the server must not run
    Rebuild(rebuild::RebuildArgs),
    /// Write all readable records of a damaged log to a new directory, as an undamaged log
    Repair(repair::RepairArgs),
}

/// Runs `timberline log …`. Exit code: 0 success, 1 damage or an error. `verify` ends with 2 when it could not be carried
/// out, so that its 1 always means damage.
pub(crate) fn run(args: LogArgs) -> ExitCode {
    let failed = match args.command {
        LogCommand::Verify => 2,
        _ => 1,
    };
    Verdict::exit(carry_out(args), failed)
}

fn carry_out(args: LogArgs) -> anyhow::Result<Verdict> {
    let config_file = args.place.config_file().map(Path::to_owned);
    let config = args.place.config()?;
    let data = OpenDataDir::open(&config)?;
    match args.command {
        LogCommand::Stat(args) => stat::run(&data, &args),
        LogCommand::Verify => verify::run(&data),
        LogCommand::Dump(args) => dump::run(&data, &args),
        LogCommand::Explain(args) => explain::run(&data, &args),
        LogCommand::Tail(args) => tail::run(&data, &args),
        LogCommand::Replay(args) => replay::run(&data, *args, config_file.as_deref()),
        LogCommand::Rebuild(args) => rebuild::run(&config.server, &data, &args),
        LogCommand::Repair(args) => repair::run(&config.server, &data, &args),
    }
}

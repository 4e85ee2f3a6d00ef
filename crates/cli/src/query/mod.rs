//! `timberline query`: a query from the shell, on a data directory or by way of a server.
//!
//! | file | what it does |
//! |---|---|
//! | `program` | the text of the query, and pointing at what is wrong in it |
//! | `ask` | the answer: from the data, or from a server |
//! | `explain` | what was done for it, and how long that took |
//! | `result` | what an answer is made of |
//! | `sections`, `csv` | results as people and as spreadsheets read them |

mod ask;
mod csv;
mod explain;
mod program;
mod result;
mod sections;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::Args;
use timberline_model::Timestamp;
use timberline_query::{Engine, Period, Query};

use crate::data_dir::{DataDirArgs, OpenDataDir};
use crate::history::History;
use crate::known_server::TrustArgs;
use crate::moment::{LOCAL_FORMS, local_moment, local_text};
use crate::output::Output;
use crate::server_client::ServerClient;
use crate::verdict::Verdict;
use program::Program;
use result::only_result;

/// What to ask, of whom, and how to print the answer.
#[derive(Debug, Args)]
#[command(after_help = format!("\
Without --server the data directory itself is read, without a lock; a server may be at work there, and what it has \
taken by now is seen. {LOCAL_FORMS}. Without --table, --json and --csv it is a table on a terminal and JSON elsewhere.

Exit code: 0; 1 the query has no answer (what is wrong is shown with its place), or damage was met.

Examples:
  timberline query today.aw
  timberline query hours.aw --start 2024-03-01 --end 2024-04-01 --csv > march.csv
  echo 'RETURN = query_bucket_names();' | timberline query -
  timberline query slow.aw --start 365d --explain
  timberline query today.aw --server http://127.0.0.1:5600 --json | jq .duration

Documentation with examples: docs/query-commands.md"))]
pub(crate) struct QueryArgs {
    /// File with the query, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Begin with this instant
    #[arg(long, value_name = "TIME", value_parser = local_moment, default_value = "today")]
    start: Timestamp,

    /// End with this instant
    #[arg(long, value_name = "TIME", value_parser = local_moment, default_value = "now")]
    end: Timestamp,

    /// What NAME stands for in the query
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    name: String,

    /// Ask this server, such as http://127.0.0.1:5600, instead of reading the data
    #[arg(long, value_name = "URL", value_parser = ServerClient::parse,
          conflicts_with_all = ["dbpath", "testing", "passphrase_file"])]
    server: Option<ServerClient>,

    #[command(flatten)]
    trust: TrustArgs,

    /// Print what was done and how long it took, instead of the result
    #[arg(long, conflicts_with = "FormatArgs")]
    explain: bool,

    #[command(flatten)]
    format: FormatArgs,

    #[command(flatten)]
    place: DataDirArgs,
}

/// How to print the result.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct FormatArgs {
    /// Print each list of events as a table
    #[arg(long)]
    table: bool,

    /// Print the result as the server would answer it
    #[arg(long)]
    json: bool,

    /// Print a list of events as CSV
    #[arg(long)]
    csv: bool,
}

#[derive(Clone, Copy, Debug)]
enum Format {
    Table,
    Json,
    Csv,
}

impl FormatArgs {
    fn chosen(&self) -> Format {
        match self {
            Self { csv: true, .. } => Format::Csv,
            Self { json: true, .. } => Format::Json,
            Self { table: true, .. } => Format::Table,
            _ if std::io::stdout().is_terminal() => Format::Table,
            _ => Format::Json,
        }
    }
}

/// Asks, and prints the answer.
pub(crate) fn run(args: QueryArgs) -> ExitCode {
    Verdict::exit(carry_out(args), 1)
}

fn carry_out(args: QueryArgs) -> anyhow::Result<Verdict> {
    let program = Program::read(&args.file)?;
    ensure!(
        args.start <= args.end,
        "the period ends before it begins: --start is {}, --end is {}",
        local_text(args.start),
        local_text(args.end)
    );
    let query = Query {
        program: program.text().to_owned(),
        periods: vec![Period {
            start: args.start,
            end: args.end,
        }],
        name: args.name,
        past: false,
    };
    if let Some(server) = args.server {
        let server = args.trust.know(server, args.place.config_file())?;
        ensure!(
            !args.explain,
            "--explain does not work through a server: leave out --server, so that the query runs on the data directory itself"
        );
        print(&ask::server(&server, &program, &query)?, args.format.chosen())?;
        return Ok(Verdict::Clean);
    }
    let config = args.place.config()?;
    let history = History::open(&OpenDataDir::open(&config)?)?;
    let faulty = history.complain();
    let engine =
        Engine::new(config.server.limits.queries()).context("cannot start the threads of queries")?;
    if args.explain {
        explain::run(&history, &engine, &program, &query)?;
    } else {
        let answer = ask::data(&history, &engine, &program, &query)?;
        print(&answer, args.format.chosen())?;
    }
    Ok(Verdict::faulty_if(faulty))
}

/// Prints the result in an answer for one period.
fn print(answer: &[u8], format: Format) -> anyhow::Result<()> {
    let result = only_result(answer)?;
    let mut out = Output::new();
    match format {
        Format::Table => sections::print(result, &mut out)?,
        Format::Json => out.line(result.get())?,
        Format::Csv => csv::print(result, &mut out)?,
    }
    out.flush()?;
    Ok(())
}

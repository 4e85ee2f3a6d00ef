//! `timberline export`: history, or the result of a query, in the formats of other programs.
//!
//! | file | what it does |
//! |---|---|
//! | `local` | from the data directory, which this process reads |
//! | `remote` | from a server |
//! | `destination` | a file or directory that appears when it is complete; standard output |
//! | `bar` | how far it has come |

mod bar;
pub(crate) mod destination;
mod local;
mod remote;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::Args;
use timberline_model::Timestamp;
use timberline_server::export::{Exporter, Format};

use crate::data_dir::DataDirArgs;
use crate::known_server::TrustArgs;
use crate::moment::{LOCAL_FORMS, local_moment, local_text};
use crate::server_client::{self, ServerClient};
use crate::verdict::Verdict;
use destination::Destination;
use remote::Answered;

/// What is to be exported, and how.
#[derive(Debug, Args)]
#[command(after_help = format!("\
If a server runs on the data directory, the export comes from it; if not, the command reads the data itself, without a \
lock. sqlite and --hive always read the data. The data are taken as they are at one moment. Events that overlap the \
period are exported whole.

{LOCAL_FORMS}.

Exit code: 0 done, 1 done without what is damaged, 2 it could not be carried out.

Examples:
  timberline export -o history.json
  timberline export --format csv --bucket 'aw-watcher-window_*' --start 2026-03-01 --end 2026-04-01 > march.csv
  timberline export --format sqlite -o sqlite.db
  timberline export --format parquet --hive -o history/
  timberline export --format ical --query work.aw --start 7d -o work.ics

Documentation: docs/export.md"))]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    place: DataDirArgs,
    /// json, ndjson, csv, sqlite, ical or parquet
    #[arg(long, value_name = "FORMAT", default_value = "json")]
    format: Format,
    /// Only this bucket; * stands for any text (may be given several times)
    #[arg(long, value_name = "ID", conflicts_with = "query")]
    bucket: Vec<String>,
    /// Only events that end at this instant or later; the beginning of the period of a query [default: all; today]
    #[arg(long, value_name = "TIME", value_parser = local_moment)]
    start: Option<Timestamp>,
    /// Only events that begin at this instant or earlier; the end of the period of a query [default: all; now]
    #[arg(long, value_name = "TIME", value_parser = local_moment)]
    end: Option<Timestamp>,
    /// csv, parquet: the keys of the data that become columns [default: all]
    #[arg(long, value_name = "KEY,...", value_delimiter = ',')]
    fields: Vec<String>,
    /// Instead of buckets the events that a query returns: a file, - for standard input, or the text of the query
    #[arg(long, value_name = "FILE|TEXT")]
    query: Option<String>,
    /// What NAME stands for in the query
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true,
        requires = "query"
    )]
    name: String,
    /// The data as they were then: the number of a record, or an instant (only from a server)
    #[arg(long, value_name = "SEQ|TIME")]
    as_of: Option<String>,
    /// parquet: a folder for each bucket and month (bucket=.../month=...)
    #[arg(long, requires = "output", conflicts_with_all = ["server", "as_of"])]
    hive: bool,
    /// The file, or with --hive the directory [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file if it is there already
    #[arg(long, requires = "output", conflicts_with = "hive")]
    force: bool,
    /// Export from this server [default: the one that runs on the data directory, if any]
    #[arg(long, value_name = "URL", value_parser = ServerClient::parse)]
    server: Option<ServerClient>,
    #[command(flatten)]
    trust: TrustArgs,
}

/// What is to be exported, without where from and where to.
#[derive(Debug)]
struct Request {
    format: Format,
    fields: Vec<String>,
    buckets: Vec<String>,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    query: Option<Query>,
    as_of: Option<String>,
    hive: bool,
}

/// A query with a period.
#[derive(Debug)]
struct Query {
    program: String,
    name: String,
    start: Timestamp,
    end: Timestamp,
}

/// Exports.
pub(crate) fn run(args: ExportArgs) -> ExitCode {
    Verdict::exit(carry_out(args), 2)
}

fn carry_out(args: ExportArgs) -> anyhow::Result<Verdict> {
    Exporter::check(args.format, &args.fields)?;
    ensure!(
        !args.hive || args.format == Format::Parquet,
        "--hive is for parquet"
    );
    ensure!(
        args.output.is_some() || !args.format.is_binary() || !std::io::stdout().is_terminal(),
        "{} is not for a terminal: name a file with --output",
        args.format
    );
    let query = query_of(&args)?;
    let destination = Destination::open(args.output, args.force)?;
    let request = Request {
        format: args.format,
        fields: args.fields,
        buckets: args.bucket,
        start: args.start,
        end: args.end,
        query,
        as_of: args.as_of,
        hive: args.hive,
    };
    if let Some(server) = args.server {
        let server = args.trust.know(server, args.place.config_file())?;
        remote::export(&request, &server, &destination)?.or_refused(&server)?;
        destination.complete()?;
        return Ok(Verdict::Clean);
    }
    let config = args.place.config()?;
    // A database needs a temporary file there, folders are no single answer: both are simpler to make here.
    let over_http = request.format != Format::Sqlite && !request.hive || request.as_of.is_some();
    if over_http && let Some(server) = server_client::running(&config.server) {
        match remote::export(&request, &server, &destination)? {
            Answered::Exported => {
                destination.complete()?;
                return Ok(Verdict::Clean);
            }
            refused if request.as_of.is_some() => refused.or_refused(&server)?,
            // Without credentials, or from an older server: whoever may read the data does not need it.
            Answered::Refused(_) => {}
        }
    }
    ensure!(
        request.as_of.is_none(),
        "only a server can show the data as they were: start it, or name one with --server"
    );
    let verdict = local::export(&request, &config, &destination)?;
    destination.complete()?;
    Ok(verdict)
}

fn query_of(args: &ExportArgs) -> anyhow::Result<Option<Query>> {
    let Some(query) = &args.query else {
        return Ok(None);
    };
    let period = |text: &str| local_moment(text).map_err(|error| anyhow::anyhow!("{text}: {error}"));
    let start = args.start.map_or_else(|| period("today"), Ok)?;
    let end = args.end.map_or_else(|| period("now"), Ok)?;
    ensure!(
        start <= end,
        "the period ends before it begins: --start is {}, --end is {}",
        local_text(start),
        local_text(end)
    );
    Ok(Some(Query {
        program: program(query)?,
        name: args.name.clone(),
        start,
        end,
    }))
}

/// The text of a query. What assigns something and names no file is the text itself.
fn program(query: &str) -> anyhow::Result<String> {
    if query == "-" {
        return std::io::read_to_string(std::io::stdin()).context("cannot read standard input");
    }
    let path = Path::new(query);
    if query.contains('=') && !path.exists() {
        return Ok(query.to_owned());
    }
    std::fs::read_to_string(path).with_context(|| format!("cannot read the query {query}"))
}

//! `timberline purge` and `timberline redact`: first what would go, then, when that is confirmed, losing it for good.
//! A running server does it, so that nobody sees what is gone.

use std::io::{BufRead, IsTerminal, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use clap::Args;
use serde_json::{Map, Value, json};

use crate::known_server::TrustArgs;
use crate::output::Output;
use crate::server_client::{ServerClient, refusal};
use crate::table::printable;
use crate::verdict::Verdict;

/// Where a server is if nothing else is said.
const DEFAULT: &str = "http://127.0.0.1:5600";

/// What is to go.
#[derive(Debug, Args)]
#[command(after_help = "\
Events that match all conditions go, also those that matched before they were changed or deleted: from log, views and \
backups. Nothing brings them back.

Examples:
  timberline purge --pattern 'my secret project'
  timberline purge --bucket aw-watcher-window_laptop --start 2026-03-01T00:00:00Z --end 2026-03-02T00:00:00Z
  timberline purge --bucket aw-watcher-old --whole-bucket

Documentation: docs/history.md")]
pub(crate) struct PurgeArgs {
    /// Of this bucket (may be given several times)
    #[arg(long, value_name = "ID")]
    bucket: Vec<String>,
    /// The event with this id (may be given several times)
    #[arg(long, value_name = "ID")]
    event: Vec<u64>,
    /// Events that end at this instant or later
    #[arg(long, value_name = "TIME")]
    start: Option<String>,
    /// Events that begin at this instant or earlier
    #[arg(long, value_name = "TIME")]
    end: Option<String>,
    /// Events in whose data this regular expression is found
    #[arg(long, value_name = "REGEX")]
    pattern: Option<String>,
    /// Look for the pattern in this field only (names joined by dots)
    #[arg(long, value_name = "PATH", requires = "pattern")]
    field: Option<String>,
    /// The whole bucket, with all that was ever in it
    #[arg(long, requires = "bucket")]
    whole_bucket: bool,
    #[command(flatten)]
    how: How,
}

/// What is to be replaced.
#[derive(Debug, Args)]
#[command(after_help = "\
Where the pattern is found in the field, it is replaced, now and in all of history; what was there is erased. Events in the
trash and earlier versions of changed events are erased as a whole if they match.

Example:
  timberline redact --field title --pattern 'account [0-9]+' --replacement 'account ***'

Documentation: docs/history.md")]
pub(crate) struct RedactArgs {
    /// Of this bucket (may be given several times)
    #[arg(long, value_name = "ID")]
    bucket: Vec<String>,
    /// Events that end at this instant or later
    #[arg(long, value_name = "TIME")]
    start: Option<String>,
    /// Events that begin at this instant or earlier
    #[arg(long, value_name = "TIME")]
    end: Option<String>,
    /// The field (names joined by dots)
    #[arg(long, value_name = "PATH")]
    field: String,
    /// What is to be replaced
    #[arg(long, value_name = "REGEX")]
    pattern: String,
    /// By what; $1 stands for the first group
    #[arg(long, value_name = "TEXT")]
    replacement: String,
    #[command(flatten)]
    how: How,
}

#[derive(Debug, Args)]
struct How {
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// The server
    #[arg(long, value_name = "URL", value_parser = ServerClient::parse, default_value = DEFAULT)]
    server: ServerClient,
    /// Configuration file with the API key [default: as for the server]
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
}

/// Purges.
pub(crate) fn purge(args: PurgeArgs) -> ExitCode {
    let mut request = narrowed(&args.bucket, args.start, args.end);
    if !args.event.is_empty() {
        request.insert("events".to_owned(), json!(args.event));
    }
    if let Some(pattern) = args.pattern {
        let mut data = json!({ "pattern": pattern });
        if let Some(field) = args.field {
            data["field"] = json!(field);
        }
        request.insert("data".to_owned(), data);
    }
    if args.whole_bucket {
        request.insert("whole_bucket".to_owned(), json!(true));
    }
    Verdict::exit(carry_out(&args.how, "/api/1/purge", &Value::Object(request)), 1)
}

/// Redacts.
pub(crate) fn redact(args: RedactArgs) -> ExitCode {
    let mut request = narrowed(&args.bucket, args.start, args.end);
    for (name, value) in [
        ("field", args.field),
        ("pattern", args.pattern),
        ("replacement", args.replacement),
    ] {
        request.insert(name.to_owned(), json!(value));
    }
    Verdict::exit(carry_out(&args.how, "/api/1/redact", &Value::Object(request)), 1)
}

fn narrowed(buckets: &[String], start: Option<String>, end: Option<String>) -> Map<String, Value> {
    let mut request = Map::new();
    if !buckets.is_empty() {
        request.insert("bucket".to_owned(), json!(buckets));
    }
    for (name, time) in [("start", start), ("end", end)] {
        if let Some(time) = time {
            request.insert(name.to_owned(), json!(time));
        }
    }
    request
}

fn carry_out(how: &How, path: &str, request: &Value) -> anyhow::Result<Verdict> {
    let server = how.trust.know(how.server.clone(), how.config.as_deref())?;
    let preview = ask(&server, path, request)?;
    let mut out = Output::new();
    print_preview(&preview, &mut out)?;
    out.flush()?;
    let count = |name: &str| preview[name].as_u64().unwrap_or(0);
    if count("events") + count("deleted") + count("former") == 0
        && !request["whole_bucket"].as_bool().unwrap_or(false)
    {
        println!("Nothing matches.");
        return Ok(Verdict::faulty_if(false));
    }
    if !how.yes && !confirmed()? {
        bail!("nothing was changed");
    }
    let receipt = ask(&server, path, &json!({ "token": preview["token"] }))?;
    let mut out = Output::new();
    out.line(printable(&receipt.to_string()))?;
    out.flush()?;
    let missed = receipt["backups"]
        .as_array()
        .is_some_and(|all| all.iter().any(|b| b["done"] == false));
    Ok(Verdict::faulty_if(missed))
}

fn print_preview(preview: &Value, out: &mut Output) -> anyhow::Result<()> {
    for sample in preview["samples"].as_array().into_iter().flatten() {
        out.line(printable(&sample.to_string()))?;
    }
    for bucket in preview["buckets"].as_array().into_iter().flatten() {
        out.line(format_args!(
            "{}: {}",
            printable(bucket["bucket"].as_str().unwrap_or_default()),
            bucket["count"]
        ))?;
    }
    out.line(format_args!(
        "{} events, {} deleted ones, {} that matched before they were changed",
        preview["events"], preview["deleted"], preview["former"]
    ))?;
    Ok(())
}

fn confirmed() -> anyhow::Result<bool> {
    ensure!(
        std::io::stdin().is_terminal(),
        "there is no terminal to ask on: add --yes if this is what you want"
    );
    print!("This cannot be undone. Type yes to go on: ");
    std::io::stdout().flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim() == "yes")
}

fn ask(server: &ServerClient, path: &str, body: &Value) -> anyhow::Result<Value> {
    let lost = || format!("no answer from {server}: is it running? (--server names another one)");
    let mut answer = server
        .post(path, body.to_string().as_bytes(), None)
        .with_context(lost)?;
    let status = answer.status();
    let mut text = Vec::new();
    answer
        .body_mut()
        .with_config()
        .limit(u64::MAX)
        .reader()
        .read_to_end(&mut text)
        .with_context(lost)?;
    ensure!(
        status.is_success(),
        "{server} answered {}",
        refusal(status, &text)
    );
    serde_json::from_slice(&text).with_context(|| format!("{server} did not answer with JSON"))
}

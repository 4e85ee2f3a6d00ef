//! `timberline bucket`: lists buckets, renames, archives and merges them, by way of a server.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use ureq::Body;
use ureq::http::Response;

use crate::known_server::TrustArgs;
use crate::output::Output;
use crate::server_client::{ServerClient, encoded, refusal};
use crate::table::{Table, printable};
use crate::verdict::Verdict;

/// What to do with buckets.
#[derive(Debug, Args)]
#[command(after_help = "\
A bucket that is renamed or merged goes on being found under its old id. Each change can be undone: POST /api/1/undo.

Examples:
  timberline bucket list --all
  timberline bucket rename aw-watcher-window_laptop aw-watcher-window_desk
  timberline bucket archive aw-watcher-afk_old-phone
  timberline bucket merge aw-watcher-window_old aw-watcher-window_new --preview

Documentation: docs/buckets.md")]
pub(crate) struct BucketArgs {
    #[command(subcommand)]
    what: What,
    /// The server
    #[arg(long, global = true, value_name = "URL", value_parser = ServerClient::parse, default_value = "http://127.0.0.1:5600")]
    server: ServerClient,
    /// Configuration file with the API key [default: as for the server]
    #[arg(long, short, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List buckets with their aliases.
    List {
        /// Archived ones, too
        #[arg(long)]
        all: bool,
    },
    /// Give a bucket another id; the one it had becomes an alias.
    Rename {
        /// The bucket
        #[arg(value_name = "ID")]
        bucket: String,
        /// Its new id
        #[arg(value_name = "NEW_ID")]
        id: String,
    },
    /// Hide a bucket without deleting it.
    Archive {
        /// The bucket
        #[arg(value_name = "ID")]
        bucket: String,
    },
    /// Show an archived bucket again.
    Unarchive {
        /// The bucket
        #[arg(value_name = "ID")]
        bucket: String,
    },
    /// Move the events of a bucket to another one, and make its id an alias of that.
    Merge {
        /// The bucket whose events move
        #[arg(value_name = "ID")]
        bucket: String,
        /// The bucket that gets them
        #[arg(value_name = "INTO")]
        into: String,
        /// Only say how many events would move
        #[arg(long)]
        preview: bool,
    },
}

/// Does it.
pub(crate) fn run(args: BucketArgs) -> ExitCode {
    Verdict::exit(carry_out(args).map(|()| Verdict::faulty_if(false)), 1)
}

fn carry_out(args: BucketArgs) -> anyhow::Result<()> {
    let server = args.trust.know(args.server, args.config.as_deref())?;
    let path = |bucket: &str| format!("/api/1/buckets/{}", encoded(bucket));
    let patch = |bucket: &str, body: Value| {
        let sent = server.patch(&path(bucket), body.to_string().as_bytes());
        answer(&server, sent)
    };
    let mut out = Output::new();
    match args.what {
        What::List { all } => {
            let archived = if all { "all" } else { "false" };
            let list = server.get(&format!("/api/1/buckets?archived={archived}"), None);
            print_list(&answer(&server, list)?, &mut out)?;
        }
        What::Rename { bucket, id } => print_changed(&patch(&bucket, json!({ "id": id }))?, &mut out)?,
        What::Archive { bucket } => print_changed(&patch(&bucket, json!({ "archived": true }))?, &mut out)?,
        What::Unarchive { bucket } => {
            print_changed(&patch(&bucket, json!({ "archived": false }))?, &mut out)?;
        }
        What::Merge {
            bucket,
            into,
            preview,
        } => {
            let body = json!({ "into": into, "preview": preview }).to_string();
            let sent = server.post(&format!("{}/merge", path(&bucket)), body.as_bytes(), None);
            print_merged(&answer(&server, sent)?, &mut out)?;
        }
    }
    out.flush()?;
    Ok(())
}

fn print_list(list: &Value, out: &mut Output) -> anyhow::Result<()> {
    let mut table = Table::new(&[
        ("bucket", false),
        ("type", false),
        ("events", true),
        ("last", false),
        ("archived", false),
        ("aliases", false),
    ]);
    for bucket in list["buckets"].as_array().into_iter().flatten() {
        let text = |name: &str| bucket[name].as_str().unwrap_or_default().to_owned();
        let archived = if bucket["archived"] == true { "yes" } else { "" };
        let aliases = bucket["aliases"].as_array().into_iter().flatten();
        let aliases: Vec<&str> = aliases.filter_map(Value::as_str).collect();
        table.row([
            text("id"),
            text("type"),
            bucket["count"].to_string(),
            text("last"),
            archived.to_owned(),
            aliases.join(", "),
        ]);
    }
    table.print(out)?;
    Ok(())
}

fn print_changed(changed: &Value, out: &mut Output) -> anyhow::Result<()> {
    match changed["from"].as_u64() {
        Some(seq) => {
            print_list(&json!({ "buckets": [changed["bucket"]] }), out)?;
            out.line(format_args!("To undo it: POST /api/1/undo {{\"seq\": {seq}}}"))?;
        }
        None => out.line("It is so already.")?,
    }
    Ok(())
}

fn print_merged(merged: &Value, out: &mut Output) -> anyhow::Result<()> {
    let would = if merged["preview"] == true {
        "would move"
    } else {
        "moved"
    };
    let id = |name: &str| printable(merged[name].as_str().unwrap_or_default());
    out.line(format_args!(
        "{} events {would} from {} to {}",
        merged["events"],
        id("bucket"),
        id("into")
    ))?;
    for records in merged["undo"].as_array().into_iter().flatten() {
        out.line(format_args!("To undo it: POST /api/1/undo {records}"))?;
    }
    Ok(())
}

/// What the server answered, which is JSON.
fn answer(server: &ServerClient, sent: Result<Response<Body>, ureq::Error>) -> anyhow::Result<Value> {
    let lost = || format!("no answer from {server}: is it running? (--server names another one)");
    let mut answer = sent.with_context(lost)?;
    let status = answer.status();
    let mut text = Vec::new();
    let body = answer.body_mut().with_config().limit(u64::MAX);
    body.reader().read_to_end(&mut text).with_context(lost)?;
    ensure!(
        status.is_success(),
        "{server} answered {}",
        refusal(status, &text)
    );
    serde_json::from_slice(&text).with_context(|| format!("{server} did not answer with JSON"))
}

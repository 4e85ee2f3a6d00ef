//! `timberline status`: the status of the server; without one, of the data directory.
//!
//! | file | what it does |
//! |---|---|
//! | `ask` | asks the server |
//! | `data` | the status from the data directory |
//! | `show` | the tables |

mod ask;
mod data;
mod show;

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use self::ask::Asked;
use crate::config::Config;
use crate::data_dir::DataDirArgs;
use crate::known_server::TrustArgs;
use crate::output::Output;
use crate::server_client::{self, ServerClient};
use crate::verdict::describe;

/// Nothing needs attention.
const WELL: u8 = 0;
/// The server runs, and something needs attention.
const ATTENTION: u8 = 1;
/// It could not be found out.
const FAILED: u8 = 2;
/// No server runs, as for the commands of init systems.
const NOT_RUNNING: u8 = 3;

/// Which server, and how to print it.
#[derive(Debug, Args)]
#[command(after_help = "\
Asks the server of this configuration. If no server answers, the command says so and reports what it can read from the data \
directory.

A watcher is marked as stopped if its bucket's type is currentwindow or afkstatus (such watchers report all the time), its last
event ended more than 10 minutes and less than 30 days ago, and its machine is on: it is the server's own machine, or another
bucket of the same host has an event that ended in the last 10 minutes.

Exit code: 0 the server runs and nothing needs attention, 1 something needs attention, 2 the state could not be determined, \
3 no server runs.

Examples:
  timberline status
  timberline status --json | jq '.buckets[] | select(.state == \"stopped\")'

Documentation: docs/status.md")]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    place: DataDirArgs,
    #[command(flatten)]
    trust: TrustArgs,
    /// The server [default: the address of the configuration]
    #[arg(long, value_name = "URL", value_parser = ServerClient::parse, conflicts_with = "port")]
    server: Option<ServerClient>,
    /// The server's port on this machine [default: the port of the configuration]
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Asks, and shows the answer.
pub(crate) fn run(args: StatusArgs) -> ExitCode {
    match carry_out(args) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("timberline: {}", describe(&error));
            ExitCode::from(FAILED)
        }
    }
}

fn carry_out(args: StatusArgs) -> anyhow::Result<u8> {
    let named = args.server.is_some();
    let file = args.place.config_file().map(Path::to_owned);
    let config = args.place.config()?;
    let server = match args.server {
        Some(server) => args.trust.know(server, file.as_deref())?,
        None => args
            .trust
            .know(server_client::own_at(&config.server, args.port)?, None)?,
    };
    let own_data = (!named).then_some(config.server.data_dir.as_path());
    let mut out = Output::new();
    let code = match ask::ask(&server, own_data)? {
        Asked::Runs(status, text) => {
            if args.json {
                out.line(with(serde_json::from_slice(&text)?, true, &server, None))?;
            } else {
                show::server(&mut out, &server, &status)?;
            }
            if status.attention.is_empty() {
                WELL
            } else {
                ATTENTION
            }
        }
        Asked::Nobody(why) if named => anyhow::bail!("{why}"),
        Asked::Nobody(why) => {
            show_data(&mut out, &config, &server, &why, args.json)?;
            NOT_RUNNING
        }
    };
    out.flush()?;
    Ok(code)
}

fn show_data(
    out: &mut Output,
    config: &Config,
    server: &ServerClient,
    why: &str,
    json: bool,
) -> anyhow::Result<()> {
    let found = data::look(config);
    if json {
        out.line(with(serde_json::to_value(&found)?, false, server, Some(why)))?;
    } else {
        show::data(out, why, &found)?;
    }
    Ok(())
}

/// The object that `--json` prints: the report, and whether it is a server's.
fn with(mut report: Value, running: bool, server: &ServerClient, why: Option<&str>) -> Value {
    if let Value::Object(fields) = &mut report {
        fields.insert("running".to_owned(), json!(running));
        fields.insert("server".to_owned(), json!(server.to_string()));
        if let Some(why) = why {
            fields.insert("not_running".to_owned(), json!(why));
        }
    }
    report
}

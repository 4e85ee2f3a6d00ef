//! `timberline token`: tokens, which give access to a part of the API.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Subcommand};
use timberline_model::Timestamp;
use timberline_server::tokens::{LOOK_AFTER, NewToken, Scope, TokenForm, Tokens, last_uses};

use crate::data_dir::DataDirArgs;
use crate::output::Output;
use crate::table::Table;
use crate::verdict::Verdict;

/// `timberline token` and its subcommands.
#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    #[command(flatten)]
    place: DataDirArgs,
    #[command(subcommand)]
    command: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Create a token and print it; it is not shown again
    #[command(after_help = "\
append  create buckets, send heartbeats and new events, list the buckets
read    read everything that is recorded
write   everything that append and read may, and change and delete
admin   everything, including erasing for good

A token with --bucket may use only the buckets with these ids. Requests that concern several buckets or none are refused: queries, \
the export of all buckets, imports, settings.

Examples:
  timberline token create vim --scope append --bucket 'aw-watcher-vim_*'
  timberline token create dashboard --scope read --expires 90d
  timberline token create editors --scope append --wakatime

Documentation: docs/access.md")]
    Create(CreateArgs),
    /// List the tokens, with the last use of each
    List,
    /// Revoke a token: when the command has returned, a running server refuses it
    Revoke(RevokeArgs),
}

#[derive(Debug, Args)]
struct CreateArgs {
    /// Name of the token
    name: String,
    /// What it may do: append, read, write or admin
    #[arg(long, value_name = "SCOPE")]
    scope: Scope,
    /// Only buckets with this id; * matches any text (can be given several times) [default: all]
    #[arg(long, value_name = "ID")]
    bucket: Vec<String>,
    /// Time after which the token expires, such as 90d [default: never]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    expires: Option<Duration>,
    /// Make a token that WakaTime's plugins accept as an API key: a UUID
    #[arg(long)]
    wakatime: bool,
}

#[derive(Debug, Args)]
struct RevokeArgs {
    /// Name of the token
    name: String,
}

/// Carries it out.
pub(crate) fn run(args: TokenArgs) -> ExitCode {
    Verdict::exit(carry_out(args), 1)
}

fn carry_out(args: TokenArgs) -> anyhow::Result<Verdict> {
    let data_dir = args.place.config()?.server.data_dir;
    match args.command {
        TokenCommand::Create(create) => {
            let first = Tokens::read(&data_dir)?.is_none();
            let token = Tokens::create(&data_dir, new_token(create)?)?;
            // From then on every server knows it.
            timberline_clock::sleep(LOOK_AFTER);
            println!("{token}");
            eprintln!("The token is not shown again. Clients send it as `Authorization: Bearer TOKEN`.");
            if first {
                eprintln!(
                    "This is the first token: after its next start, the server requires a token or the API key from every client."
                );
            }
        }
        TokenCommand::List => list(&data_dir)?,
        TokenCommand::Revoke(revoke) => {
            Tokens::revoke(&data_dir, &revoke.name)?;
            // From then on every server has seen it.
            timberline_clock::sleep(LOOK_AFTER);
            println!("{} was revoked", revoke.name);
        }
    }
    Ok(Verdict::Clean)
}

fn new_token(args: CreateArgs) -> anyhow::Result<NewToken> {
    let now = Timestamp::from(timberline_clock::wall());
    let after = |span: Duration| {
        let nanos = i64::try_from(span.as_nanos()).ok()?;
        now.nanos().checked_add(nanos).map(Timestamp::from_nanos)
    };
    let expires = match args.expires {
        Some(span) => Some(after(span).context("--expires is too far in the future")?),
        None => None,
    };
    Ok(NewToken {
        name: args.name,
        scope: args.scope,
        buckets: args.bucket,
        now,
        expires,
        form: if args.wakatime {
            TokenForm::Uuid
        } else {
            TokenForm::Timberline
        },
    })
}

fn list(data_dir: &std::path::Path) -> anyhow::Result<()> {
    let tokens = Tokens::read(data_dir)?.unwrap_or_default();
    let uses = last_uses(data_dir);
    let now = Timestamp::from(timberline_clock::wall());
    let headings = ["NAME", "SCOPE", "BUCKETS", "CREATED", "EXPIRES", "LAST USE"];
    let mut table = Table::new(&headings.map(|heading| (heading, false)));
    for token in tokens.iter() {
        let buckets = match token.buckets.as_slice() {
            [] => "all".to_owned(),
            some => some.join(" "),
        };
        let expires = match token.expires {
            Some(time) if token.has_expired(now) => format!("{time} (expired)"),
            Some(time) => time.to_string(),
            None => "never".to_owned(),
        };
        // A use before that was of another token of the same name.
        let created = Timestamp::parse(&token.created).ok();
        let used = uses
            .get(&token.name)
            .filter(|used| Timestamp::parse(used).ok() >= created);
        let used = used.cloned().unwrap_or_else(|| "never".to_owned());
        let scope = token.scope.to_string();
        table.row([
            token.name.clone(),
            scope,
            buckets,
            token.created.clone(),
            expires,
            used,
        ]);
    }
    let mut out = Output::new();
    table.print(&mut out)?;
    out.flush()?;
    Ok(())
}

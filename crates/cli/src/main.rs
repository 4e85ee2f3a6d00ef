//! The `timberline` command: `timberline [serve]` and its flags. A file or folder per subcommand.
//!
//! | file | what it does |
//! |---|---|
//! | `serve` | the server |
//! | `up` | the server, and the watchers of this machine |
//! | `autostart` | starts it with the desktop |
//! | `away` | records what the user did while away from the machine |
//! | `watchers` | lists the watchers, switches and pauses them |
//! | `query` | queries from the shell |
//! | `import` | the history of other programs |
//! | `shadow` | a trial beside a running ActivityWatch server |
//! | `fake` | fake data, to try Timberline with |
//! | `export` | history in the formats of other programs |
//! | `bucket` | lists, renames, archives and merges buckets, by way of a server |
//! | `purge` | purge and redact, by way of a server |
//! | `bench` | how fast queries are on the user's own data |
//! | `mcp` | tools for assistants |
//! | `backup`, `restore` | a copy of the log, and back |
//! | `doctor` | is everything as it should be? |
//! | `status` | how the server is doing |
//! | `watch` | what the watchers would record |
//! | `log` | looking into the log, and using it again |
//! | `install` | a launcher that replaces aw-server |
//! | `pages` | shell completions, man pages |
//! | `key` | the passphrase of encrypted data |
//! | `cert` | a self-signed certificate for a server at home |
//! | `token` | tokens: making, listing, revoking |
//! | `passphrase` | where it comes from |
//! | `data_dir`, `history` | where the data are; opening them for reading |
//! | `config` | the configuration file, the flags, and the settings that result from both |
//! | `moment`, `server_client` | what the arguments mean: instants, servers |
//! | `server_key` | the API key or token for a server |
//! | `known_server`, `tls_client` | which certificate a server must have; TLS |
//! | `build` | version, commit and date |
//! | `output`, `table` | what is printed |
//! | `verdict` | how a command ends |
//!
//! The flags of `serve` are those that launchers of the reference servers pass, so Timberline can be
//! put in their place without changing a script; an unknown flag is an error with a hint.

#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod autostart;
mod away;
mod backup;
mod bench;
mod bucket;
mod build;
mod cert;
mod config;
mod data_dir;
mod doctor;
mod export;
mod fake;
mod hint;
mod history;
mod import;
mod install;
mod key;
mod known_server;
mod log;
mod mcp;
mod moment;
mod output;
mod pages;
mod passphrase;
mod purge;
mod query;
mod restore;
mod serve;
mod server_client;
mod server_key;
mod shadow;
mod status;
mod table;
mod tls_client;
mod token;
mod up;
mod verdict;
mod watch;
mod watchers;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use serve::ServeArgs;

/// Keeps your activity history and serves it to ActivityWatch clients.
///
/// Without a subcommand it serves: `timberline --port 5601` is `timberline serve --port 5601`.
#[derive(Debug, Parser)]
#[command(
    name = "timberline",
    version = build::TEXT,
    args_conflicts_with_subcommands = true,
    after_help = "The configuration file and all its keys: docs/configuration.md"
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the REST API and the web UI (what happens without a subcommand).
    Serve(Box<ServeArgs>),
    /// Run the server, and record what you do on this machine.
    Up(Box<up::UpArgs>),
    /// List the watchers of a server, switch them on and off, pause them.
    Watchers(Box<watchers::WatchersArgs>),
    /// Switch on or off whether Timberline starts with the desktop.
    Autostart(Box<autostart::AutostartArgs>),
    /// Record what you did while you were away.
    Away(Box<away::AwayArgs>),
    /// Inspect the log: check it, print it, follow it, replay it; rebuild the views.
    Log(Box<log::LogArgs>),
    /// Make, update or check a backup of the log.
    Backup(Box<backup::BackupArgs>),
    /// Restore a backup to an empty data directory.
    Restore(Box<restore::RestoreArgs>),
    /// Show the state of the server: who may use it, what is stored, which watchers report, what is wrong.
    Status(Box<status::StatusArgs>),
    /// Find present and coming problems: disk, permissions, clock, lock, configuration, log, backups.
    Doctor(Box<doctor::DoctorArgs>),
    /// Import history: databases and exports of ActivityWatch, CSV.
    Import(Box<import::ImportArgs>),
    /// Try Timberline beside a running ActivityWatch server: copy what it stores, compare the totals.
    Shadow(Box<shadow::ShadowArgs>),
    /// Export history: JSON, NDJSON, CSV, SQLite, iCalendar, Parquet.
    Export(Box<export::ExportArgs>),
    /// Invent weeks of activity to try Timberline with, in buckets of their own; or remove them.
    Fake(Box<fake::FakeArgs>),
    /// Run a query on the data, or ask a server.
    Query(Box<query::QueryArgs>),
    /// List, rename, archive and merge buckets.
    Bucket(Box<bucket::BucketArgs>),
    /// Erase events permanently, chosen by time, bucket or content.
    Purge(Box<purge::PurgeArgs>),
    /// Replace the text of a field, in the present and in all history.
    Redact(Box<purge::RedactArgs>),
    /// Time queries on your data.
    Bench(Box<bench::BenchArgs>),
    /// Answer an assistant on standard input and output (Model Context Protocol).
    Mcp(Box<mcp::McpArgs>),
    /// Install a launcher, so that aw-qt and others start Timberline instead of aw-server; or remove it.
    Install(Box<install::InstallArgs>),
    /// Print a completion script for a shell.
    Completions(pages::CompletionsArgs),
    /// Write the man pages into a directory.
    Man(pages::ManArgs),
    /// Change the passphrase of encrypted data.
    Key(Box<key::KeyArgs>),
    /// Create a certificate for https, and print its fingerprint.
    Cert(Box<cert::CertArgs>),
    /// Create, list and revoke tokens, which give access to a part of the API.
    Token(Box<token::TokenArgs>),
    /// Show live what would be recorded of your windows, without storing anything.
    Watch(Box<watch::WatchArgs>),
}

/// Runs the command. An error is reported as one line on standard error.
fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Also `--help` and `--version`, which clap prints to stdout and ends with 0.
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let result = match cli.command {
        None => serve::run(cli.serve),
        Some(Command::Serve(args)) => serve::run(*args),
        Some(Command::Up(args)) => up::run(*args),
        Some(Command::Watchers(args)) => return watchers::run(*args),
        Some(Command::Autostart(args)) => return autostart::run(*args),
        Some(Command::Away(args)) => return away::run(*args),
        Some(Command::Log(args)) => return log::run(*args),
        Some(Command::Backup(args)) => return backup::run(*args),
        Some(Command::Restore(args)) => return restore::run(*args),
        Some(Command::Status(args)) => return status::run(*args),
        Some(Command::Doctor(args)) => return doctor::run(*args),
        Some(Command::Import(args)) => return import::run(*args),
        Some(Command::Shadow(args)) => return shadow::run(*args),
        Some(Command::Export(args)) => return export::run(*args),
        Some(Command::Fake(args)) => return fake::run(*args),
        Some(Command::Query(args)) => return query::run(*args),
        Some(Command::Bucket(args)) => return bucket::run(*args),
        Some(Command::Purge(args)) => return purge::purge(*args),
        Some(Command::Redact(args)) => return purge::redact(*args),
        Some(Command::Bench(args)) => return bench::run(*args),
        Some(Command::Mcp(args)) => mcp::run(*args),
        Some(Command::Install(args)) => return install::run(*args),
        Some(Command::Completions(args)) => return pages::completions(&args, Cli::command()),
        Some(Command::Man(args)) => return pages::man(&args, Cli::command()),
        Some(Command::Key(args)) => return key::run(*args),
        Some(Command::Cert(args)) => return cert::run(*args),
        Some(Command::Token(args)) => return token::run(*args),
        Some(Command::Watch(args)) => watch::run(*args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("timberline: {}", verdict::describe(&error));
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once(&"timberline").chain(args))
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serving_is_the_default() {
        let cli = parse(&["--testing", "--dbpath", "/tmp/x"]).unwrap();
        assert!(cli.command.is_none());
        assert!(cli.serve.testing);
    }

    #[test]
    fn serve_takes_the_same_flags() {
        let cli = parse(&["serve", "--port", "5601"]).unwrap();
        let Some(Command::Serve(args)) = cli.command else {
            panic!("{cli:?}");
        };
        assert_eq!(args.port, Some(5601));
    }

    #[test]
    fn every_flag_that_launchers_pass_is_known() {
        parse(&[
            "--host",
            "127.0.0.1",
            "--port",
            "5600",
            "--testing",
            "--dbpath",
            "/d",
            "--webpath",
            "/w",
            "--device-id",
            "x",
            "--config",
            "/c",
            "--custom-static",
            "a=/a,b=/b",
            "--cors-origins",
            "http://a.example,http://b.example",
            "--storage",
            "peewee",
            "--log-json",
            "--verbose",
            "--no-legacy-import",
        ])
        .unwrap();
        parse(&["-c", "/c"]).unwrap();
    }

    #[test]
    fn an_unknown_flag_is_an_error() {
        assert!(parse(&["--prot", "1"]).is_err());
    }
}

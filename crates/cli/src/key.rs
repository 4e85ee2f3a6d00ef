//! `timberline key`: the passphrase of an encrypted data directory.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::data_dir::DataDirArgs;
use crate::passphrase;
use crate::verdict::Verdict;

/// `timberline key` and its subcommands.
#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    #[command(flatten)]
    place: DataDirArgs,
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Change the passphrase
    #[command(after_help = "\
The old passphrase is read from --passphrase-file or TIMBERLINE_PASSPHRASE, otherwise you are asked for it. The new one is \
read from --new-passphrase-file or TIMBERLINE_NEW_PASSPHRASE, otherwise you are asked for it twice. No data are rewritten, \
and a server may run at the same time. Copies of the old key file still open with the old passphrase.")]
    Change(ChangeArgs),
}

#[derive(Debug, Args)]
struct ChangeArgs {
    /// File with the new passphrase
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
}

/// Carries it out.
pub(crate) fn run(args: KeyArgs) -> ExitCode {
    Verdict::exit(carry_out(args), 1)
}

fn carry_out(args: KeyArgs) -> anyhow::Result<Verdict> {
    let config = args.place.config()?;
    let KeyCommand::Change(change) = args.command;
    passphrase::change(
        &config.server.data_dir,
        &config.encryption,
        change.new_passphrase_file.as_deref(),
    )?;
    println!("the passphrase was changed");
    Ok(Verdict::Clean)
}

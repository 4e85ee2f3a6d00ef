//! `timberline completions` and `timberline man`: what shells and `man` want to know, from the definition of the command line.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Command};
use clap_complete::Shell;

use crate::output::{Output, OutputError};
use crate::verdict::Verdict;

/// Which shell.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  timberline completions bash > ~/.local/share/bash-completion/completions/timberline
  timberline completions fish > ~/.config/fish/completions/timberline.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Where to.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Directory of the pages, such as ~/.local/share/man/man1
    dir: PathBuf,
}

/// Prints the completions.
pub(crate) fn completions(args: &CompletionsArgs, mut command: Command) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "timberline", &mut script);
    let mut out = Output::new();
    let printed = out.bytes(&script).and_then(|()| out.flush());
    let printed: Result<Verdict, OutputError> = printed.map(|()| Verdict::Clean);
    Verdict::exit(printed.map_err(anyhow::Error::from), 1)
}

/// Writes a page for each subcommand.
pub(crate) fn man(args: &ManArgs, command: Command) -> ExitCode {
    let dir = args.dir.display();
    let written = std::fs::create_dir_all(&args.dir)
        .with_context(|| format!("cannot make {dir}"))
        .and_then(|()| {
            clap_mangen::generate_to(command, &args.dir).with_context(|| format!("cannot write to {dir}"))
        });
    Verdict::exit(written.map(|()| Verdict::Clean), 1)
}

//! `timberline up`: the server, and the watchers that record on this machine.
//!
//! | file | what it does |
//! |---|---|
//! | `companions` | starts the watchers together with a server, and stops them before it |
//! | `desk` | opens the browser, reads the local clock and quits, for the tray and notifications |
//! | `desktop` | whether there is a desktop to record |
//! | `own_server` | how the watchers send to the server in their own process |
//! | `plan` | all that starting the watchers needs |
//! | `report` | the watchers, as the server's API shows them |

mod companions;
mod desk;
mod desktop;
mod own_server;
mod plan;
mod report;

use clap::Args;

use crate::serve::{self, ServeArgs};
use companions::Companions;

/// The flags of `serve`, and which watchers to run.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Runs the server like `timberline serve`, and records the active window, whether you are at the machine, media, the lid and the \
network. Watchers of ActivityWatch (aw-watcher-…) also run if they are switched on. Without a desktop, only the server runs.

Examples:
  timberline up
  timberline watchers
  timberline watchers pause 1h

Documentation: docs/watchers.md")]
pub(crate) struct UpArgs {
    #[command(flatten)]
    serve: ServeArgs,
    /// Start no watchers
    #[arg(long)]
    no_watchers: bool,
}

/// Serves and records until SIGTERM or SIGINT.
///
/// # Errors
/// As [`serve::run`]; and when the configuration of the watchers is wrong.
pub(crate) fn run(args: UpArgs) -> anyhow::Result<()> {
    let testing = args.serve.testing;
    if args.no_watchers {
        return serve::run(args.serve);
    }
    serve::run_with(args.serve, |start, settings, cipher| {
        Companions::start(start, settings, cipher, testing)
    })
}

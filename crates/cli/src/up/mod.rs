//! `timberline up`: the server, and what records on this machine.
//!
//! | file | what it does |
//! |---|---|
//! | `companions` | starts the watchers beside a server, and ends them before it |
//! | `desk` | the browser, the person's clock and the end, for the tray and notifications |
//! | `desktop` | whether there is a desktop to watch |
//! | `own_server` | how the watchers send to the server of their own process |
//! | `report` | the watchers as the server's API shows them |

mod companions;
mod desk;
mod desktop;
mod own_server;
mod report;

use clap::Args;

use crate::serve::{self, ServeArgs};
use companions::Companions;

/// The flags of `serve`, and which watchers to run.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Serves as `timberline serve` does, and records: the window in front, whether somebody is there, media, lid and network. Programs \
of ActivityWatch (aw-watcher-…) run too if they are switched on. Where there is no desktop, it only serves.

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
/// As [`serve::run`]; and when the watchers cannot be started.
pub(crate) fn run(args: UpArgs) -> anyhow::Result<()> {
    let testing = args.serve.testing;
    if args.no_watchers {
        return serve::run(args.serve);
    }
    serve::run_with(args.serve, |start, settings, cipher| {
        Companions::start(start, settings, cipher, testing)
    })
}

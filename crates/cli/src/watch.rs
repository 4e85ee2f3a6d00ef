//! `timberline watch window --dry-run`: shows live what would be recorded about windows.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, Subcommand};
use timberline_watchers::clock::{Clock, SystemClock};
use timberline_watchers::desktop::{Session, Sighting};
use timberline_watchers::modules::{Backend, BackendState, Preview, preview_windows};
use timberline_watchers::window::{Cause, Explanation};

use crate::config::{BaseDirs, ConfigFile};
use crate::moment::local_text;

/// What to watch.
#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show the active window, and what the rules make of it. Nothing is stored.
    Window(WindowArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Each line shows a window or title that has become active, and what would be recorded of it. To try other rules, edit them and \
start the command again. Stop it with Ctrl-C.

Examples:
  timberline watch window --dry-run
  timberline watch window --dry-run --config rules.toml

Documentation: docs/watchers.md")]
struct WindowArgs {
    /// Show what would be recorded, but record nothing. To record, use `timberline up`
    #[arg(long, required = true)]
    dry_run: bool,
    /// Read the rules from this configuration file instead of the usual one
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs the command until it is interrupted.
///
/// # Errors
/// When the configuration cannot be read, or a rule is invalid.
pub(crate) fn run(args: WatchArgs) -> anyhow::Result<()> {
    let What::Window(args) = args.what;
    let usual = BaseDirs::from_env()
        .config_file(false)
        .filter(|path| path.exists());
    let file = match args.config.or(usual) {
        Some(path) => ConfigFile::read(&path)?,
        None => ConfigFile::default(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the event loop")?;
    let session = Arc::new(Session::of_this_process());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let options = file.watchers.settings()?.options;
    let mut known = Vec::new();
    let preview = preview_windows(&options, &session, &clock, |preview| {
        for line in shown(&preview, &mut known) {
            println!("{line}");
        }
    });
    match runtime.block_on(preview)? {}
}

/// The lines to print. `known` are the backends of the time before: only what has changed is worth a line.
fn shown(preview: &Preview, known: &mut Vec<Backend>) -> Vec<String> {
    match preview {
        Preview::Backends(backends) => {
            let is_news = |one: &&Backend| one.state != BackendState::Untried && !known.contains(one);
            let lines = backends.iter().filter(is_news);
            let lines = lines.map(|one| format!("# {}", backend(one))).collect();
            known.clone_from(backends);
            lines
        }
        Preview::Front { at, window: None } => vec![format!("{}  no window", local_text(*at))],
        Preview::Front {
            at,
            window: Some((sighting, explanation)),
        } => vec![format!("{}  {}", local_text(*at), window(sighting, explanation))],
    }
}

fn backend(backend: &Backend) -> String {
    let name = backend.name;
    match &backend.state {
        BackendState::Chosen => format!("{name}: used"),
        BackendState::Spare => format!("{name}: works, but a better backend is used"),
        BackendState::Untried => format!("{name}: has not reported a window yet"),
        BackendState::Unavailable(reason) => format!("{name}: not used: {reason}"),
    }
}

/// The window, what is recorded of it, and why.
fn window(sighting: &Sighting, explanation: &Explanation) -> String {
    let front = |app: &str, title: &str| format!("{app:?} {title:?}");
    let seen = front(&sighting.front.app, &sighting.front.title);
    let causes: Vec<_> = explanation.causes.iter().map(cause).collect();
    let because = causes.join(", ");
    match &explanation.recorded {
        Some(_) if causes.is_empty() => seen,
        Some(recorded) => format!("{seen} -> {} ({because})", front(&recorded.app, &recorded.title)),
        None => format!("{seen} -> not recorded ({because})"),
    }
}

fn cause(cause: &Cause) -> String {
    match cause {
        Cause::PrivateWindow => "private window".to_owned(),
        Cause::Rule(number) => format!("rule {number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use timberline_watchers::modules::Options;
    use timberline_watchers::window::Front;

    #[test]
    fn a_line_says_what_is_recorded_and_why() {
        let options = Options::from_toml(
            "[[window.rules]]\napp = 'keepass'\ndrop = true\n[[window.rules]]\ntitle = '^(\\w+) - mail'\nset_title = '$1'",
        );
        let rules = options.expect("good").window.compile().expect("good");
        let line = |app: &str, title: &str| {
            let front = Front {
                app: app.to_owned(),
                title: title.to_owned(),
            };
            let explanation = rules.explain(&front);
            window(
                &Sighting {
                    front,
                    ..Sighting::default()
                },
                &explanation,
            )
        };
        assert_eq!(line("foot", "vim"), r#""foot" "vim""#);
        assert_eq!(
            line("keepassxc", "x"),
            r#""keepassxc" "x" -> not recorded (rule 1)"#
        );
        assert_eq!(
            line("tb", "Inbox - mail"),
            r#""tb" "Inbox - mail" -> "tb" "Inbox" (rule 2)"#
        );
        assert_eq!(
            line("firefox", "Secret — Mozilla Firefox Private Browsing"),
            r#""firefox" "Secret — Mozilla Firefox Private Browsing" -> "firefox" "(private window)" (private window)"#
        );
    }
}

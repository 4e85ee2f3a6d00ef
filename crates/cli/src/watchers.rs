//! `timberline watchers`: lists the watchers of a server, switches them on and off, and pauses them.

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use timberline_server::watchers::{Watcher, WatcherActivity, WatcherBackend, WatcherList, WatcherQueue};

use crate::data_dir::DataDirArgs;
use crate::known_server::TrustArgs;
use crate::output::{Output, OutputError};
use crate::server_client::{self, ServerClient, encoded, refusal};
use crate::table::{Table, printable};
use crate::verdict::Verdict;

/// How long the server may take. A watcher has five seconds to stop, but this command does not wait for that.
const PATIENCE: Duration = Duration::from_secs(30);
/// A list of a thousand watchers is smaller.
const MAX_BYTES: u64 = 16 << 20;

/// Which server, and what to do.
#[derive(Debug, Args)]
#[command(after_help = "\
`timberline up` runs the watchers: modules of Timberline, and installed watchers of ActivityWatch. \
Choices made here survive a restart. A pause is recorded as an event, which explains the gap in the data.

LENGTH is a time such as 15m, 1h or 8h, or `tomorrow`: the beginning of the next day. Without it, the pause lasts until \
`timberline watchers resume`.

Examples:
  timberline watchers
  timberline watchers --verbose
  timberline watchers pause 1h
  timberline watchers pause tomorrow window
  timberline watchers enable aw-watcher-spotify

Documentation: docs/watchers.md")]
pub(crate) struct WatchersArgs {
    #[command(flatten)]
    place: DataDirArgs,
    #[command(flatten)]
    trust: TrustArgs,
    /// The server [default: the address of the configuration]
    #[arg(long, global = true, value_name = "URL", value_parser = ServerClient::parse, conflicts_with = "port")]
    server: Option<ServerClient>,
    /// The server's port on this machine [default: the port of the configuration]
    #[arg(long, global = true, value_name = "PORT")]
    port: Option<u16>,
    /// Print one JSON object
    #[arg(long, global = true)]
    json: bool,
    /// Also list the backends that are not used, and why
    #[arg(long, global = true, conflicts_with = "json")]
    verbose: bool,
    #[command(subcommand)]
    command: Option<WatchersCommand>,
}

#[derive(Debug, Subcommand)]
enum WatchersCommand {
    /// List the watchers (the default)
    List,
    /// Pause all watchers, or one of them
    Pause {
        /// How long, or `tomorrow` [default: until resumed]
        #[arg(value_name = "LENGTH", value_parser = Length::parse)]
        length: Option<Length>,
        /// The watcher [default: all]
        name: Option<String>,
    },
    /// Resume all watchers, or one of them
    Resume {
        /// The watcher [default: all]
        name: Option<String>,
    },
    /// Switch a watcher on
    Enable {
        /// The watcher
        name: String,
    },
    /// Switch a watcher off
    Disable {
        /// The watcher
        name: String,
    },
}

/// How long a pause lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    For(Duration),
    Tomorrow,
}

impl Length {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "tomorrow" {
            return Ok(Self::Tomorrow);
        }
        match humantime::parse_duration(text) {
            Ok(time) if time >= Duration::from_secs(1) => Ok(Self::For(time)),
            Ok(_) => Err("a pause lasts a second at least".to_owned()),
            Err(error) => Err(format!("{error}; a length is 15m, 1h, 8h or tomorrow")),
        }
    }

    fn body(self) -> Value {
        match self {
            Self::For(time) => json!({ "seconds": time.as_secs() }),
            Self::Tomorrow => match iana_time_zone::get_timezone() {
                Ok(zone) => json!({ "until": "tomorrow", "zone": zone }),
                Err(_) => json!({ "until": "tomorrow" }),
            },
        }
    }
}

/// Runs the command, and lists the watchers.
pub(crate) fn run(args: WatchersArgs) -> ExitCode {
    Verdict::exit(carry_out(args).map(|()| Verdict::Clean), 1)
}

fn carry_out(args: WatchersArgs) -> anyhow::Result<()> {
    let file = args.place.config_file().map(Path::to_owned);
    let config = args.place.config()?;
    let server = match args.server {
        Some(server) => args.trust.know(server, file.as_deref())?,
        None => args
            .trust
            .know(server_client::own_at(&config.server, args.port)?, None)?,
    };
    let (path, body) = request(args.command.unwrap_or(WatchersCommand::List));
    let text = ask(&server, &path, body)?;
    let mut out = Output::new();
    if args.json {
        out.line(serde_json::from_slice::<Value>(&text).context("the answer is not JSON")?)?;
    } else {
        let list: WatcherList = serde_json::from_slice(&text)
            .with_context(|| format!("the answer of {server} does not fit this version of Timberline"))?;
        show(&mut out, &list, args.verbose)?;
    }
    out.flush()?;
    Ok(())
}

/// The path of a command, and its body unless the command only reads.
fn request(command: WatchersCommand) -> (String, Option<String>) {
    let path = |name: Option<String>, command: &str| {
        let name = name.map(|name| format!("/{}", encoded(&name)));
        format!("/api/1/watchers{}/{command}", name.unwrap_or_default())
    };
    let nothing = || Some("{}".to_owned());
    match command {
        WatchersCommand::List => ("/api/1/watchers".to_owned(), None),
        WatchersCommand::Pause { length, name } => {
            let body = length.map_or_else(|| json!({}), Length::body);
            (path(name, "pause"), Some(body.to_string()))
        }
        WatchersCommand::Resume { name } => (path(name, "resume"), nothing()),
        WatchersCommand::Enable { name } => (path(Some(name), "enable"), nothing()),
        WatchersCommand::Disable { name } => (path(Some(name), "disable"), nothing()),
    }
}

fn ask(server: &ServerClient, path: &str, body: Option<String>) -> anyhow::Result<Vec<u8>> {
    let sent = match body {
        None => server.get(path, Some(PATIENCE)),
        Some(body) => server.post(path, body.as_bytes(), Some(PATIENCE)),
    };
    let lost = || format!("no answer from {server}: is it running? (--server names another one)");
    let mut answer = sent.with_context(lost)?;
    let status = answer.status();
    let mut text = Vec::new();
    let body = answer.body_mut().with_config().limit(MAX_BYTES);
    body.reader().read_to_end(&mut text).with_context(lost)?;
    ensure!(
        status.is_success(),
        "{server} answered {}",
        refusal(status, &text)
    );
    Ok(text)
}

/// The watchers as a table, with notes about each below it; verbose: also about the backends that are not used.
pub(crate) fn show(out: &mut Output, list: &WatcherList, verbose: bool) -> Result<(), OutputError> {
    if let Some(why) = &list.none_because {
        return out.line(format_args!("{}.", printable(why)));
    }
    let mut table = Table::new(&[
        ("watcher", false),
        ("state", false),
        ("backend or program", false),
        ("last recorded", false),
        ("restarts", true),
    ]);
    for watcher in &list.watchers {
        let chosen = watcher.backends.iter().find(|backend| backend.state == "chosen");
        let by = chosen
            .map(|backend| backend.name.clone())
            .or(watcher.program.clone());
        table.row([
            watcher.name.clone(),
            state(watcher),
            by.unwrap_or_default(),
            watcher.last_recorded.clone().unwrap_or_default(),
            watcher.restarts.to_string(),
        ]);
    }
    table.print(out)?;
    for watcher in &list.watchers {
        for note in notes(watcher, verbose) {
            out.line(printable(&format!("{}: {note}", watcher.name)))?;
        }
    }
    if let Some(note) = list.queue.as_ref().and_then(queue_note) {
        out.line(printable(&format!("queue: {note}")))?;
    }
    Ok(())
}

/// Why what is recorded is not stored.
fn queue_note(queue: &WatcherQueue) -> Option<String> {
    let alarm = queue.alarm.as_ref().map(|alarm| format!("ALARM: {alarm}"));
    let waits = |trouble: &String| format!("{} heartbeats wait: {trouble}", queue.waiting);
    alarm.or_else(|| queue.trouble.as_ref().map(waits))
}

fn state(watcher: &Watcher) -> String {
    if !watcher.enabled {
        return "off".to_owned();
    }
    if let Some(pause) = &watcher.paused {
        return match &pause.until {
            Some(until) => format!("paused until {until}"),
            None => "paused".to_owned(),
        };
    }
    match watcher.state {
        WatcherActivity::Off => "off",
        WatcherActivity::Starting => "starting",
        WatcherActivity::Recording => "recording",
        WatcherActivity::Running => "running",
        WatcherActivity::Waiting => "waiting",
        WatcherActivity::StandingBack => "standing back",
        WatcherActivity::Restarting => "restarting",
        WatcherActivity::Stopping => "stopping",
    }
    .to_owned()
}

/// Why it does not record, why it is on or off, and how it last exited. Verbose: also what its backends do.
fn notes(watcher: &Watcher, verbose: bool) -> Vec<String> {
    if !watcher.enabled {
        return watcher.reason.iter().cloned().collect();
    }
    if watcher.paused.is_some() {
        return Vec::new();
    }
    let mut notes: Vec<String> = watcher
        .alarm
        .iter()
        .map(|alarm| format!("ALARM: {alarm}"))
        .collect();
    let explains = matches!(
        watcher.state,
        WatcherActivity::Waiting | WatcherActivity::StandingBack | WatcherActivity::Running
    );
    notes.extend(watcher.reason.iter().filter(|_| explains).cloned());
    if verbose {
        notes.extend(watcher.backends.iter().map(backend_note));
    }
    notes.extend(
        watcher
            .last_exit
            .iter()
            .map(|exit| format!("last exited at {}: {}", exit.at, exit.reason)),
    );
    notes
}

fn backend_note(backend: &WatcherBackend) -> String {
    let what = match (backend.state.as_str(), &backend.reason) {
        ("chosen", _) => "used",
        ("spare", _) => "works, and is not needed",
        ("untried", _) => "has not reported anything yet",
        (_, Some(reason)) => reason,
        (other, None) => other,
    };
    format!("backend {}: {what}", backend.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backend(name: &str, state: &str, reason: Option<&str>) -> WatcherBackend {
        WatcherBackend {
            name: name.to_owned(),
            state: state.to_owned(),
            reason: reason.map(str::to_owned),
        }
    }

    fn window(state: WatcherActivity, reason: Option<&str>, backends: Vec<WatcherBackend>) -> Watcher {
        Watcher {
            name: "window".to_owned(),
            program: None,
            enabled: true,
            paused: None,
            state,
            reason: reason.map(str::to_owned),
            backends,
            bucket: None,
            last_recorded: None,
            restarts: 0,
            last_exit: None,
            alarm: None,
        }
    }

    #[test]
    fn backends_that_are_not_used_are_named_only_if_asked_for() {
        let backends = vec![
            backend("kwin-script", "unavailable", Some("KWin does not run")),
            backend("x11", "chosen", None),
        ];
        let recording = window(WatcherActivity::Recording, None, backends);
        assert_eq!(notes(&recording, false), Vec::<String>::new());
        assert_eq!(
            notes(&recording, true),
            ["backend kwin-script: KWin does not run", "backend x11: used"]
        );
    }

    #[test]
    fn a_queue_in_trouble_says_why() {
        let mut queue = WatcherQueue {
            waiting: 3,
            ..WatcherQueue::default()
        };
        assert_eq!(queue_note(&queue), None, "the heartbeats of the last seconds");
        queue.trouble = Some("the server answers with status 401".to_owned());
        assert_eq!(
            queue_note(&queue).as_deref(),
            Some("3 heartbeats wait: the server answers with status 401")
        );
        queue.alarm = Some("nothing is stored".to_owned());
        assert_eq!(queue_note(&queue).as_deref(), Some("ALARM: nothing is stored"));
    }

    #[test]
    fn a_watcher_that_waits_says_why() {
        let backends = vec![backend("x11", "unavailable", Some("DISPLAY is not set"))];
        let waiting = window(WatcherActivity::Waiting, Some("no backend works"), backends);
        assert_eq!(notes(&waiting, false), ["no backend works"]);
        assert_eq!(
            notes(&waiting, true),
            ["no backend works", "backend x11: DISPLAY is not set"]
        );
    }

    #[test]
    fn a_length_is_a_time_or_tomorrow() {
        assert_eq!(Length::parse("15m"), Ok(Length::For(Duration::from_secs(900))));
        assert_eq!(Length::parse("tomorrow"), Ok(Length::Tomorrow));
        assert!(Length::parse("0s").is_err());
        assert!(Length::parse("window").unwrap_err().contains("15m, 1h"));
    }

    #[test]
    fn a_name_is_one_segment_of_the_path() {
        let name = Some("a/b".to_owned());
        let (path, _) = request(WatchersCommand::Resume { name });
        assert_eq!(path, "/api/1/watchers/a%2Fb/resume");
        let (path, _) = request(WatchersCommand::Resume { name: None });
        assert_eq!(path, "/api/1/watchers/resume");
    }
}

//! `timberline away "…"`: records what you did while you were away from the machine.
//!
//! The event is like those of aw-watcher-ask-away: type `afktask`, in the bucket `aw-watcher-ask-away_HOST`.

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use serde_json::{Value, json};
use timberline_model::{Duration as Length, Timestamp};

use crate::data_dir::DataDirArgs;
use crate::known_server::TrustArgs;
use crate::moment::local_text;
use crate::server_client::{self, ServerClient, encoded, refusal};
use crate::verdict::Verdict;

/// How long the server may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Fifty events are smaller.
const MAX_BYTES: u64 = 16 << 20;
/// A shorter absence is ignored.
const SHORTEST: Length = Length::from_secs(60);

/// What you did, and where to record it.
#[derive(Debug, Args)]
#[command(after_help = "\
The event covers your last absence of at least a minute: the last such `afk` event in the bucket aw-watcher-afk of this machine.

Examples:
  timberline away 'lunch with Ada'

Documentation: docs/watchers.md")]
pub(crate) struct AwayArgs {
    /// What you did
    #[arg(value_name = "TEXT")]
    text: String,
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
}

/// Records what was done.
pub(crate) fn run(args: AwayArgs) -> ExitCode {
    Verdict::exit(carry_out(args).map(|()| Verdict::Clean), 1)
}

fn carry_out(args: AwayArgs) -> anyhow::Result<()> {
    ensure!(
        !args.text.trim().is_empty(),
        "say what you did: timberline away 'lunch'"
    );
    let file = args.place.config_file().map(Path::to_owned);
    let config = args.place.config()?;
    let server = match args.server {
        Some(server) => args.trust.know(server, file.as_deref())?,
        None => args
            .trust
            .know(server_client::own_at(&config.server, args.port)?, None)?,
    };
    let info = ask(&server, "/api/0/info", None)?;
    let hostname = info["hostname"]
        .as_str()
        .context("the server did not send its host name")?;
    let afk = encoded(&format!("aw-watcher-afk_{hostname}"));
    let events = ask(&server, &format!("/api/0/buckets/{afk}/events?limit=50"), None)
        .context("cannot read the AFK events of this machine")?;
    let (start, length) = last_absence(&events)
        .context("no absence of at least a minute is among the last AFK events of this machine")?;
    let bucket = encoded(&format!("aw-watcher-ask-away_{hostname}"));
    let body = json!({ "client": "aw-watcher-ask-away", "type": "afktask", "hostname": hostname });
    // A bucket that is there already is no error to this server, and 304 to others.
    create(&server, &bucket, &body)?;
    let event = json!([{
        "timestamp": start.to_string(),
        "duration": length.as_secs_f64(),
        "data": { "message": args.text.trim() },
    }]);
    ask(&server, &format!("/api/0/buckets/{bucket}/events"), Some(&event))?;
    println!(
        "{} to {}: {}",
        local_text(start),
        local_text(start.saturating_add(length)),
        args.text.trim()
    );
    Ok(())
}

/// The last absence that is long enough. The newest events come first.
fn last_absence(events: &Value) -> Option<(Timestamp, Length)> {
    let absences = events
        .as_array()?
        .iter()
        .filter(|event| event["data"]["status"] == "afk");
    let mut absences = absences.filter_map(|event| {
        let start = Timestamp::parse(event["timestamp"].as_str()?).ok()?;
        let length = Length::from_secs_f64(event["duration"].as_f64()?).ok()?;
        Some((start, length))
    });
    absences.find(|(_, length)| *length >= SHORTEST)
}

fn create(server: &ServerClient, bucket: &str, body: &Value) -> anyhow::Result<()> {
    let path = format!("/api/0/buckets/{bucket}");
    let sent = server.post(&path, body.to_string().as_bytes(), Some(PATIENCE));
    let (status, text) = answer(server, sent)?;
    ensure!(
        status.is_success() || status.as_u16() == 304,
        "{server} answered {}",
        refusal(status, &text)
    );
    Ok(())
}

fn ask(server: &ServerClient, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
    let sent = match body {
        None => server.get(path, Some(PATIENCE)),
        Some(body) => server.post(path, body.to_string().as_bytes(), Some(PATIENCE)),
    };
    let (status, text) = answer(server, sent)?;
    ensure!(
        status.is_success(),
        "{server} answered {}",
        refusal(status, &text)
    );
    serde_json::from_slice(&text).with_context(|| format!("{server} did not answer with JSON"))
}

fn answer(
    server: &ServerClient,
    sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> anyhow::Result<(ureq::http::StatusCode, Vec<u8>)> {
    let lost = || format!("no answer from {server}: is it running? (--server names another one)");
    let mut answer = sent.with_context(lost)?;
    let status = answer.status();
    let mut text = Vec::new();
    let body = answer.body_mut().with_config().limit(MAX_BYTES);
    body.reader().read_to_end(&mut text).with_context(lost)?;
    Ok((status, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_absence_is_the_newest_one_that_is_long_enough() {
        let event = |time: &str, duration: f64, status: &str| json!({ "timestamp": time, "duration": duration, "data": { "status": status } });
        let events = json!([
            event("2026-03-01T12:00:00Z", 900.0, "not-afk"),
            event("2026-03-01T11:59:50Z", 10.0, "afk"),
            event("2026-03-01T11:00:00Z", 1800.0, "afk"),
            event("2026-03-01T09:00:00Z", 3600.0, "afk"),
        ]);
        let (start, length) = last_absence(&events).unwrap();
        assert_eq!(start, Timestamp::parse("2026-03-01T11:00:00Z").unwrap());
        assert_eq!(length, Length::from_secs(1800));
        assert_eq!(last_absence(&json!([])), None);
    }
}

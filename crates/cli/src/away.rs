//! `timberline away "…"`: records what you did while you were away from the machine.
//!
//! The event is like those of aw-watcher-ask-away: type `afktask`, in the bucket `aw-watcher-ask-away_HOST`.

use std::io::{IsTerminal, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use timberline_model::json::write_event_without_id;
use timberline_model::{Data, Duration as Length, Event, EventId, Timestamp};
use timberline_watchers::Bucket;
use timberline_watchers::away::{Absence, absences, answer, answers_bucket};

use crate::data_dir::DataDirArgs;
use crate::known_server::TrustArgs;
use crate::moment::local_text;
use crate::server_client::{self, ServerClient, encoded, refusal};
use crate::verdict::Verdict;

/// How long the server may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The last absence is in so many events.
const EVENTS: u64 = 200;
/// They are smaller, and so is a list of buckets.
const MAX_BYTES: u64 = 16 << 20;
/// A shorter absence is ignored.
const SHORTEST: Length = Length::from_secs(60);
/// One that ended longer ago is perhaps not the one that is meant.
const RECENT: Length = Length::from_secs(2 * 3600);

/// What you did, and where to record it.
#[derive(Debug, Args)]
#[command(after_help = "\
The event covers your last absence of at least a minute, with sleep in it: the time between two events `not-afk` in the bucket
aw-watcher-afk of this machine. If that absence ended more than two hours ago, you are asked whether you mean it.

Examples:
  timberline away 'lunch with Ada'

Documentation: docs/watchers.md")]
pub(crate) struct AwayArgs {
    /// What you did
    #[arg(value_name = "TEXT")]
    text: String,
    /// Do not ask if the absence ended more than two hours ago
    #[arg(long)]
    yes: bool,
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
    let info: Value = ask(&server, "/api/0/info")?;
    let hostname = info["hostname"]
        .as_str()
        .context("the server did not send its host name")?;
    let afk = encoded(&format!("aw-watcher-afk_{hostname}"));
    let events: Vec<Value> = ask(&server, &format!("/api/0/buckets/{afk}/events?limit={EVENTS}"))
        .context("cannot read the AFK events of this machine")?;
    let absence = last_absence(&events)
        .context("no absence of at least a minute is among the last AFK events of this machine")?;
    let when = format!("{} to {}", local_text(absence.start), local_text(absence.end));
    let now = Timestamp::from(timberline_clock::wall());
    if now.since(absence.end) > RECENT && !args.yes && !is_meant(&when)? {
        println!("nothing was recorded");
        return Ok(());
    }
    let bucket = answers_bucket(&ask(&server, "/api/0/buckets/")?, hostname);
    create(&server, &bucket)?;
    let (start, duration, data) = answer(&absence, &args.text);
    let mut event = b"[".to_vec();
    write_event_without_id(&mut event, start, duration, data.as_str());
    event.push(b']');
    let path = format!("/api/0/buckets/{}/events", encoded(&bucket.id));
    accepted(&server, server.post(&path, &event, Some(PATIENCE)))?;
    println!("{when}: {}", args.text.trim());
    Ok(())
}

/// Asks whether an absence that is not recent is the one that the person means.
fn is_meant(when: &str) -> anyhow::Result<bool> {
    ensure!(
        std::io::stdin().is_terminal(),
        "your last absence was from {when}, and there is no terminal to ask on: add --yes if you mean this absence"
    );
    print!("Your last absence was from {when}. Type yes to record this text for it: ");
    std::io::stdout().flush()?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim() == "yes")
}

/// The last absence that is long enough. It may not be over yet as far as the server knows.
fn last_absence(events: &[Value]) -> Option<Absence> {
    let event = |event: &Value| {
        Some(Event {
            id: EventId::default(),
            start: Timestamp::parse(event["timestamp"].as_str()?).ok()?,
            duration: Length::from_secs_f64(event["duration"].as_f64()?).ok()?,
            data: Data::parse(&event["data"].to_string()).ok()?,
        })
    };
    let events: Vec<Event> = events.iter().filter_map(event).collect();
    let mut newest = absences(&events).into_iter().rev();
    newest.find(|absence| absence.length() >= SHORTEST)
}

/// Creates a bucket. One that is there already is no error to this server, and 304 to others.
fn create(server: &ServerClient, bucket: &Bucket) -> anyhow::Result<()> {
    let path = format!("/api/0/buckets/{}", encoded(&bucket.id));
    let body = json!({ "client": bucket.client, "type": bucket.type_, "hostname": bucket.hostname });
    let sent = server.post(&path, body.to_string().as_bytes(), Some(PATIENCE));
    accepted(server, sent).map(drop)
}

fn ask<T: DeserializeOwned>(server: &ServerClient, path: &str) -> anyhow::Result<T> {
    let text = accepted(server, server.get(path, Some(PATIENCE)))?;
    serde_json::from_slice(&text).with_context(|| format!("the answer of {server} to {path} cannot be read"))
}

/// The answer to a request that the server has carried out.
fn accepted(
    server: &ServerClient,
    sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> anyhow::Result<Vec<u8>> {
    let lost = || format!("no answer from {server}: is it running? (--server names another one)");
    let mut answer = sent.with_context(lost)?;
    let status = answer.status();
    let mut text = Vec::new();
    let body = answer.body_mut().with_config().limit(MAX_BYTES);
    body.reader().read_to_end(&mut text).with_context(lost)?;
    ensure!(
        status.is_success() || status.as_u16() == 304,
        "{server} answered {}",
        refusal(status, &text)
    );
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_absence_is_the_newest_one_that_is_long_enough() {
        let event = |time: &str, duration: f64, status: &str| json!({ "timestamp": time, "duration": duration, "data": { "status": status } });
        let events = [
            event("2026-03-01T12:00:00Z", 900.0, "not-afk"),
            event("2026-03-01T11:59:50Z", 10.0, "afk"),
            event("2026-03-01T11:30:00Z", 1790.0, "not-afk"),
            // It slept in between.
            event("2026-03-01T11:29:00Z", 60.0, "afk"),
            event("2026-03-01T11:00:00Z", 70.0, "afk"),
            event("2026-03-01T10:00:00Z", 3600.0, "not-afk"),
            event("2026-03-01T09:00:00Z", 3600.0, "afk"),
        ];
        let absence = last_absence(&events).unwrap();
        assert_eq!(absence.start, Timestamp::parse("2026-03-01T11:00:00Z").unwrap());
        assert_eq!(absence.length(), Length::from_secs(1800));
        assert_eq!(last_absence(&[]), None);
    }
}

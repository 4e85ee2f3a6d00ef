//! Importing through a server: the source becomes an export file while it is sent. The server stores nothing before it
//! has all of it.

use std::io::{self, Read};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;
use timberline_exchange::import::{Batch, Setting, Source, SourceBucket};
use timberline_model::{Timestamp, json};
use timberline_server::merge::{
    BucketTally, Merged, SettingMerged, SettingTally, SettingsRule, Sum, Tally, is_usable_id,
};

use super::bar::Bar;
use crate::server_client::{ServerClient, encoded, refusal};

/// How long a server may take for a setting.
const PATIENCE: Duration = Duration::from_secs(120);

/// Sends a source.
///
/// # Errors
/// When the source cannot be read any more (nothing is stored then), or the server refuses.
pub(super) fn send(
    source: &mut Source,
    peer: &ServerClient,
    rule: SettingsRule,
    bar: &Bar,
) -> anyhow::Result<Tally> {
    let mut failed = None;
    let answer = post(source, peer, bar, &mut failed);
    // The server only sees that the file breaks off.
    if let Some(error) = failed {
        return Err(error.into());
    }
    let answer = answer?;
    let settings = send_settings(source.settings(), peer, rule)?;
    let report = source.report();
    let rows = source.buckets().iter().enumerate().map(|(at, bucket)| {
        let read = report.buckets.get(at).cloned().unwrap_or_default();
        let counts = &answer["by_bucket"][&bucket.id];
        let merged = merged(
            counts,
            Sum {
                events: read.events,
                total: read.total,
            },
        );
        BucketTally::new(&bucket.id, false, read, merged.0).durations_known(merged.1)
    });
    let rows = rows.collect();
    Ok(Tally::new(source, rows, settings))
}

/// What the server says about a bucket's events. It says no durations: they are known if all events are alike. Gives back
/// whether they are.
fn merged(counts: &Value, read: Sum) -> (Merged, bool) {
    let count = |name: &str| counts[name].as_u64().unwrap_or(0);
    let (stored, known, dropped) = (count("added"), count("known"), count("dropped"));
    let complete = dropped == 0 && stored + known == read.events;
    let sum = |events: u64, total: i128| Sum { events, total };
    let total = if complete { read.total } else { 0 };
    let merged = Merged {
        stored: sum(stored, if stored > 0 { total } else { 0 }),
        known: sum(known, if stored > 0 { 0 } else { total }),
        dropped: sum(dropped, 0),
    };
    (merged, complete)
}

fn post(
    source: &mut Source,
    peer: &ServerClient,
    bar: &Bar,
    failed: &mut Option<timberline_exchange::Error>,
) -> anyhow::Result<Value> {
    let lost = || format!("no answer from {peer}");
    let mut file = ExportFile::new(source, bar, failed);
    let mut answer = peer
        .send("/import?by_bucket=true", &mut file)
        .with_context(lost)?;
    let status = answer.status();
    let mut text = Vec::new();
    let body = answer.body_mut().with_config().limit(u64::MAX);
    body.reader().read_to_end(&mut text).with_context(lost)?;
    ensure!(status.is_success(), "{peer} answered {}", refusal(status, &text));
    let answer: Value =
        serde_json::from_slice(&text).with_context(|| format!("{peer} did not answer with JSON"))?;
    ensure!(
        answer["by_bucket"].is_object(),
        "{peer} is no Timberline server of this version: it does not say what became of each bucket"
    );
    Ok(answer)
}

fn send_settings(
    settings: &[Setting],
    peer: &ServerClient,
    rule: SettingsRule,
) -> anyhow::Result<SettingTally> {
    let mut tally = SettingTally::default();
    if settings.is_empty() {
        return Ok(tally);
    }
    let lost = || format!("no answer from {peer}");
    let mut answer = peer.get("/settings", Some(PATIENCE)).with_context(lost)?;
    let body = answer.body_mut().with_config().limit(u64::MAX);
    let here: Value = serde_json::from_reader(body.reader()).with_context(lost)?;
    for setting in settings {
        let value: Value = serde_json::from_str(&setting.value)?;
        let outcome = match here.get(&setting.key) {
            Some(here) if *here == value => SettingMerged::Same,
            Some(_) if rule == SettingsRule::Keep => SettingMerged::Kept,
            _ => {
                let path = format!("/settings/{}", encoded(&setting.key));
                let answer = peer
                    .post(&path, setting.value.as_bytes(), Some(PATIENCE))
                    .with_context(lost)?;
                if answer.status().is_success() {
                    SettingMerged::Set
                } else {
                    SettingMerged::TooLarge
                }
            }
        };
        tally.count(&setting.key, outcome);
    }
    Ok(tally)
}

/// A source as an export file, made while it is read: `{"buckets":[bucket,…]}`. A bucket comes once for each batch of its
/// events; the server takes that for one bucket.
struct ExportFile<'a> {
    source: &'a mut Source,
    bar: &'a Bar,
    failed: &'a mut Option<timberline_exchange::Error>,
    state: State,
    buffer: Vec<u8>,
    passed: usize,
    events: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing is written.
    Begin,
    /// The buckets are written, each without events, so that empty ones are made too.
    Events,
    /// All is written.
    End,
}

impl<'a> ExportFile<'a> {
    fn new(
        source: &'a mut Source,
        bar: &'a Bar,
        failed: &'a mut Option<timberline_exchange::Error>,
    ) -> ExportFile<'a> {
        ExportFile {
            source,
            bar,
            failed,
            state: State::Begin,
            buffer: Vec::new(),
            passed: 0,
            events: 0,
        }
    }

    /// Writes the next part.
    fn more(&mut self) -> timberline_exchange::Result<()> {
        self.buffer.clear();
        self.passed = 0;
        match self.state {
            State::End => {}
            State::Begin => {
                self.buffer.extend_from_slice(br#"{"buckets":["#);
                let buckets = self.source.buckets().iter();
                for (index, bucket) in buckets.filter(|bucket| is_usable_id(&bucket.id)).enumerate() {
                    if index > 0 {
                        self.buffer.push(b',');
                    }
                    write_bucket(&mut self.buffer, bucket);
                    self.buffer.extend_from_slice(br#","events":[]}"#);
                }
                self.state = State::Events;
            }
            State::Events => match self.source.next_batch()? {
                Some(batch) => {
                    self.events += batch.events.len() as u64;
                    self.bar.at(self.source.progress(), self.events);
                    let bucket = self.source.buckets().get(batch.bucket);
                    if let Some(bucket) = bucket.filter(|bucket| is_usable_id(&bucket.id)) {
                        self.buffer.push(b',');
                        write_bucket(&mut self.buffer, bucket);
                        write_events(&mut self.buffer, &batch);
                    }
                }
                None => {
                    self.buffer.extend_from_slice(b"]}");
                    self.state = State::End;
                }
            },
        }
        Ok(())
    }
}

impl Read for ExportFile<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.passed == self.buffer.len() && self.state != State::End {
            if let Err(error) = self.more() {
                *self.failed = Some(error);
                return Err(io::Error::other("the source cannot be read any more"));
            }
        }
        let mut rest = self.buffer.get(self.passed..).unwrap_or_default();
        let count = rest.read(to)?;
        self.passed += count;
        Ok(count)
    }
}

/// The beginning of a bucket: its fields, without the closing brace.
fn write_bucket(out: &mut Vec<u8>, bucket: &SourceBucket) {
    for (name, text) in [
        (r#"{"id":"#, &bucket.id),
        (r#","type":"#, &bucket.type_),
        (r#","client":"#, &bucket.client),
        (r#","hostname":"#, &bucket.hostname),
    ] {
        out.extend_from_slice(name.as_bytes());
        json::write_string(out, text);
    }
    let mut instant = |name: &str, at: Option<Timestamp>| {
        if let Some(at) = at {
            out.extend_from_slice(name.as_bytes());
            json::write_string(out, &at.to_string());
        }
    };
    instant(r#","created":"#, bucket.created);
    instant(r#","last_updated":"#, bucket.last_updated);
    out.extend_from_slice(br#","data":"#);
    out.extend_from_slice(bucket.data.as_str().as_bytes());
}

fn write_events(out: &mut Vec<u8>, batch: &Batch) {
    out.extend_from_slice(br#","events":["#);
    for (index, event) in batch.events.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        json::write_event_before_data(out, None, event.start, event.duration);
        out.extend_from_slice(event.data.as_bytes());
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
}

//! The requests that both servers answer: the ActivityWatch API, as far as a copy needs it.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use timberline_model::json::{parse_events, write_event_before_data};
use timberline_model::{EventId, Timestamp};
use timberline_query::Period;
use ureq::Body;
use ureq::http::{Response, StatusCode};

use super::changes::{Change, Event};
use crate::server_client::{ServerClient, encoded, refusal};

/// How long an answer may take: the Python server needs seconds for a window of a busy bucket.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server: the one that is shadowed, or the one that stores the copy.
pub(super) struct Peer {
    client: ServerClient,
}

impl Peer {
    pub(super) fn new(client: ServerClient) -> Peer {
        Peer { client }
    }

    /// The id of the installation.
    pub(super) fn device_id(&self) -> anyhow::Result<String> {
        let info = self.get_json("/info")?;
        let id = info["device_id"].as_str();
        Ok(id
            .with_context(|| format!("{self} is no ActivityWatch server: it does not say its device_id"))?
            .to_owned())
    }

    /// The buckets, as the server describes them, by id.
    pub(super) fn buckets(&self) -> anyhow::Result<BTreeMap<String, Value>> {
        let buckets = self.get("/buckets/")?;
        serde_json::from_slice(&buckets).with_context(|| format!("{self} did not send a list of buckets"))
    }

    /// The number of events of a bucket.
    pub(super) fn count(&self, bucket: &str) -> anyhow::Result<u64> {
        let count = self.get_json(&format!("/buckets/{}/events/count", encoded(bucket)))?;
        let count = count.as_u64();
        count.with_context(|| format!("{self} did not say how many events '{bucket}' has"))
    }

    /// The newest events of a bucket, newest first.
    pub(super) fn newest(&self, bucket: &str, limit: usize) -> anyhow::Result<Vec<Event>> {
        self.events(bucket, &format!("limit={limit}"))
    }

    /// The events of a bucket that begin in a window, whole. `None` is before or after everything.
    pub(super) fn starting_in(
        &self,
        bucket: &str,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) -> anyhow::Result<Vec<Event>> {
        let mut events = Vec::new();
        for event in self.events(bucket, &window(from, to))? {
            // Servers cut an event at the ends of the window: what touches one of them may be longer, or begin earlier.
            let end = event.start.saturating_add(event.duration);
            let cut = from.is_some_and(|from| event.start <= from) || to.is_some_and(|to| end >= to);
            let whole = if cut {
                self.event(bucket, event.id)?
            } else {
                Some(event)
            };
            events.extend(whole.filter(|event| {
                from.is_none_or(|from| event.start >= from) && to.is_none_or(|to| event.start < to)
            }));
        }
        Ok(events)
    }

    /// The total duration of the events of a bucket in a period; what is outside of it does not count.
    pub(super) fn seconds_in(&self, bucket: &str, period: &Period) -> anyhow::Result<f64> {
        let events = self.events(bucket, &window(Some(period.start), Some(period.end)))?;
        let inside = |event: &Event| {
            let end = event.start.saturating_add(event.duration).min(period.end);
            end.since(event.start.max(period.start)).nanos().max(0)
        };
        let nanos: i64 = events.iter().map(inside).sum();
        Ok(nanos as f64 / 1e9)
    }

    fn events(&self, bucket: &str, query: &str) -> anyhow::Result<Vec<Event>> {
        let text = self.get(&format!("/buckets/{}/events?{query}", encoded(bucket)))?;
        self.read_events(bucket, &text)
    }

    /// One event; `None` if it is gone.
    fn event(&self, bucket: &str, id: EventId) -> anyhow::Result<Option<Event>> {
        let path = format!("/buckets/{}/events/{}", encoded(bucket), id.0);
        let (status, text) = self.answer(self.client.get(&path, Some(PATIENCE)))?;
        if status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        self.succeeded(status, &text)?;
        if text.trim_ascii() == b"null" {
            return Ok(None);
        }
        Ok(self.read_events(bucket, &text)?.pop())
    }

    fn read_events(&self, bucket: &str, text: &[u8]) -> anyhow::Result<Vec<Event>> {
        let events = parse_events(text).map_err(|error| {
            anyhow::anyhow!("{self} sent events of '{bucket}' that cannot be read: {error}")
        })?;
        let events = events.into_iter().map(|event| {
            Ok(Event {
                id: event
                    .id
                    .with_context(|| format!("{self} sent an event of '{bucket}' without an id"))?,
                start: event.start,
                duration: event.duration,
                data: event.data.into_owned(),
            })
        });
        events.collect()
    }

    /// Makes a bucket like the one that the other server describes.
    pub(super) fn make_bucket(&self, bucket: &str, like: &Value) -> anyhow::Result<()> {
        let mut like = like.clone();
        if let Value::Object(fields) = &mut like {
            fields.insert("id".to_owned(), json!(bucket));
            fields.insert("events".to_owned(), json!([]));
        }
        self.post("/import", &json!({ "buckets": { bucket: like } }).to_string())?;
        Ok(())
    }

    /// Deletes a bucket with its events.
    pub(super) fn delete_bucket(&self, bucket: &str) -> anyhow::Result<()> {
        let path = format!("/buckets/{}?force=1", encoded(bucket));
        let (status, text) = self.answer(self.client.delete(&path, Some(PATIENCE)))?;
        self.succeeded(status, &text)
    }

    /// Carries out changes of a bucket's events.
    pub(super) fn change(&self, bucket: &str, changes: &[Change]) -> anyhow::Result<()> {
        let mut written = Vec::new();
        for change in changes {
            let (id, event) = match change {
                Change::Insert(event) => (None, event),
                Change::Replace(id, event) => (Some(*id), event),
                Change::Delete(_) => continue,
            };
            written.push(if written.is_empty() { b'[' } else { b',' });
            write_event_before_data(&mut written, id, event.start, event.duration);
            written.extend_from_slice(event.data.as_bytes());
            written.push(b'}');
        }
        let path = format!("/buckets/{}/events", encoded(bucket));
        if !written.is_empty() {
            written.push(b']');
            let (status, text) = self.answer(self.client.post(&path, &written, Some(PATIENCE)))?;
            self.succeeded(status, &text)?;
        }
        for change in changes {
            if let Change::Delete(id) = change {
                let path = format!("{path}/{}", id.0);
                let (status, text) = self.answer(self.client.delete(&path, Some(PATIENCE)))?;
                if status != StatusCode::NOT_FOUND {
                    self.succeeded(status, &text)?;
                }
            }
        }
        Ok(())
    }

    /// The result of a query for one period.
    pub(super) fn query(&self, program: &str, period: &str) -> anyhow::Result<Value> {
        let body = json!({ "query": [program], "timeperiods": [period] });
        let answer = self.post("/query/", &body.to_string())?;
        let mut results: Vec<Value> =
            serde_json::from_slice(&answer).with_context(|| format!("{self} did not answer with results"))?;
        results
            .pop()
            .with_context(|| format!("{self} did not answer with a result"))
    }

    /// The settings, such as the categories. A server that has none, as old ones have, has an empty object.
    pub(super) fn settings(&self) -> anyhow::Result<serde_json::Map<String, Value>> {
        let (status, text) = self.answer(self.client.get("/settings", Some(PATIENCE)))?;
        if !status.is_success() {
            return Ok(serde_json::Map::new());
        }
        Ok(serde_json::from_slice(&text).unwrap_or_default())
    }

    /// Sets a setting.
    pub(super) fn set(&self, key: &str, value: &Value) -> anyhow::Result<()> {
        self.post(&format!("/settings/{}", encoded(key)), &value.to_string())?;
        Ok(())
    }

    fn get_json(&self, path: &str) -> anyhow::Result<Value> {
        let text = self.get(path)?;
        serde_json::from_slice(&text).with_context(|| format!("{self} did not answer with JSON"))
    }

    fn get(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        let (status, text) = self.answer(self.client.get(path, Some(PATIENCE)))?;
        self.succeeded(status, &text)?;
        Ok(text)
    }

    fn post(&self, path: &str, body: &str) -> anyhow::Result<Vec<u8>> {
        let (status, text) = self.answer(self.client.post(path, body.as_bytes(), Some(PATIENCE)))?;
        self.succeeded(status, &text)?;
        Ok(text)
    }

    fn answer(&self, answer: Result<Response<Body>, ureq::Error>) -> anyhow::Result<(StatusCode, Vec<u8>)> {
        let lost = || format!("no answer from {self}");
        let mut answer = answer.with_context(lost)?;
        let mut text = Vec::new();
        let body = answer.body_mut().with_config().limit(u64::MAX);
        body.reader().read_to_end(&mut text).with_context(lost)?;
        Ok((answer.status(), text))
    }

    fn succeeded(&self, status: StatusCode, text: &[u8]) -> anyhow::Result<()> {
        ensure!(status.is_success(), "{self} answered {}", refusal(status, text));
        Ok(())
    }
}

/// The parameters of a request for events of a window.
fn window(from: Option<Timestamp>, to: Option<Timestamp>) -> String {
    let parameters = [("start", from), ("end", to)].into_iter();
    let parameters =
        parameters.filter_map(|(name, at)| Some(format!("{name}={}", encoded(&at?.to_string()))));
    parameters.collect::<Vec<_>>().join("&")
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.client, f)
    }
}

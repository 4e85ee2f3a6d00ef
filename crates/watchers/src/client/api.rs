//! The calls of the API (`/api/0`), as both reference servers answer them.

use std::collections::BTreeMap;
use std::time::Duration as StdDuration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value, json};
use timberline_model::json as model_json;
use timberline_model::{Data, Duration, Event, EventId, Timestamp};

use super::call::Call;
use super::handle::Client;
use super::transport::{self, Answer, Method, Request};
use crate::queue::Bucket;

/// How long an answer may take. Large queries and exports take a while.
const PATIENCE: StdDuration = StdDuration::from_secs(300);

/// What is escaped in an address: everything except the characters that RFC 3986 calls unreserved.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A part of an address.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The server did not answer.
    #[error("{reason}")]
    NoAnswer {
        /// What has happened.
        reason: String,
    },
    /// The server has refused the call.
    #[error("the server has refused the request (status {status}): {message}")]
    Refused {
        /// The status of its answer.
        status: u16,
        /// What it says.
        message: String,
    },
    /// The answer has an unexpected form. This may be another kind of server.
    #[error("the server's answer cannot be read: {reason}")]
    Unreadable {
        /// What is wrong with it.
        reason: String,
    },
    /// No thread could be started for the call.
    #[error("the call could not be made: {0}")]
    NotMade(#[source] std::io::Error),
}

/// What a server says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct ServerInfo {
    /// The name of its machine.
    pub hostname: String,
    /// Its version.
    pub version: String,
    /// Whether it is in testing mode.
    #[serde(default)]
    pub testing: bool,
    /// The id of the installation.
    #[serde(default)]
    pub device_id: String,
}

/// What a server says about a bucket.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct BucketInfo {
    /// Its name.
    pub id: String,
    /// What kind of events it holds.
    pub r#type: String,
    /// The program that fills it.
    pub client: String,
    /// The host it is filled on.
    pub hostname: String,
    /// When it was created, as the server writes it.
    #[serde(default)]
    pub created: Option<String>,
    /// Other data that its creator stores with it.
    #[serde(default)]
    pub data: Value,
}

type Outcome<T> = Result<T, CallError>;

/// All calls return at once; the answer comes with `await` or [`wait()`](Call::wait).
///
/// ```no_run
/// use timberline_watchers::{Client, ClientOptions, Server};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::open(ClientOptions::new(Server::configured(false)?, "/var/lib/my-watcher"))?;
/// println!("{}", client.info().wait()?.version);
/// for (id, bucket) in client.buckets().wait()? {
///     println!("{id}: {} events of {}", client.event_count(&id).wait()?, bucket.r#type);
/// }
/// # Ok(())
/// # }
/// ```
impl Client {
    /// What the server says about itself.
    pub fn info(&self) -> Call<Outcome<ServerInfo>> {
        self.call(Method::Get, "/api/0/info".to_owned(), None, read_json)
    }

    /// All buckets, by id.
    pub fn buckets(&self) -> Call<Outcome<BTreeMap<String, BucketInfo>>> {
        self.call(Method::Get, "/api/0/buckets/".to_owned(), None, read_json)
    }

    /// A bucket.
    pub fn bucket_info(&self, id: &str) -> Call<Outcome<BucketInfo>> {
        self.call(
            Method::Get,
            format!("/api/0/buckets/{}", encoded(id)),
            None,
            read_json,
        )
    }

    /// Creates a bucket. Returns whether it is new. (Heartbeats create their buckets automatically.)
    pub fn create_bucket(&self, bucket: &Bucket) -> Call<Outcome<bool>> {
        let body = json!({ "client": bucket.client, "type": bucket.type_, "hostname": bucket.hostname });
        let path = format!("/api/0/buckets/{}", encoded(&bucket.id));
        self.call(Method::Post, path, Some(body.to_string()), |answer| {
            Ok(answer.status != 304)
        })
    }

    /// Deletes a bucket with all its events.
    pub fn delete_bucket(&self, id: &str) -> Call<Outcome<()>> {
        // Outside of testing mode, aw-server deletes only with this flag.
        let path = format!("/api/0/buckets/{}?force=1", encoded(id));
        self.call(Method::Delete, path, None, |_| Ok(()))
    }

    /// Events of a bucket that overlap a period, the newest first, cut at the ends of the period. `None`: without that end,
    /// or without a limit.
    pub fn events(
        &self,
        id: &str,
        start: Option<Timestamp>,
        end: Option<Timestamp>,
        limit: Option<u64>,
    ) -> Call<Outcome<Vec<Event>>> {
        let mut path = format!("/api/0/buckets/{}/events?limit=", encoded(id));
        path.push_str(&limit.map_or("-1".to_owned(), |limit| limit.to_string()));
        for (name, time) in [("start", start), ("end", end)] {
            if let Some(time) = time {
                path.push_str(&format!("&{name}={}", encoded(&time.to_string())));
            }
        }
        self.call(Method::Get, path, None, |answer| read_events(&answer.body))
    }

    /// The number of events of a bucket.
    pub fn event_count(&self, id: &str) -> Call<Outcome<u64>> {
        self.call(
            Method::Get,
            format!("/api/0/buckets/{}/events/count", encoded(id)),
            None,
            read_json,
        )
    }

    /// Stores events with start, duration and data. Use this for complete events, and heartbeats for events that continue.
    pub fn insert_events(&self, id: &str, events: &[(Timestamp, Duration, Data)]) -> Call<Outcome<()>> {
        let mut body = b"[".to_vec();
        for (index, (start, duration, data)) in events.iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            model_json::write_event_without_id(&mut body, *start, *duration, data.as_str());
        }
        body.push(b']');
        let path = format!("/api/0/buckets/{}/events", encoded(id));
        let body = String::from_utf8_lossy(&body).into_owned();
        self.call(Method::Post, path, Some(body), |_| Ok(()))
    }

    /// An event by its id; `None`: there is none.
    pub fn event(&self, id: &str, event: EventId) -> Call<Outcome<Option<Event>>> {
        let path = format!("/api/0/buckets/{}/events/{event}", encoded(id));
        let read = |answer: Answer| match answer.body.trim_ascii() {
            b"null" => Ok(None),
            body => Ok(read_events(body)?.pop()),
        };
        self.ask(Method::Get, path, None, move |answer| match answer.status {
            404 => Ok(None),
            _ => read(succeeded(answer)?),
        })
    }

    /// Deletes an event.
    pub fn delete_event(&self, id: &str, event: EventId) -> Call<Outcome<()>> {
        let path = format!("/api/0/buckets/{}/events/{event}", encoded(id));
        self.call(Method::Delete, path, None, |_| Ok(()))
    }

    /// Runs a query for each period. The results are as the program returns them, one for each period.
    pub fn query(&self, program: &str, periods: &[(Timestamp, Timestamp)]) -> Call<Outcome<Vec<Value>>> {
        let periods: Vec<String> = periods
            .iter()
            .map(|(start, end)| format!("{start}/{end}"))
            .collect();
        let lines: Vec<&str> = program.lines().collect();
        let body = json!({ "query": lines, "timeperiods": periods });
        self.call(
            Method::Post,
            "/api/0/query/".to_owned(),
            Some(body.to_string()),
            read_json,
        )
    }

    /// All settings.
    pub fn settings(&self) -> Call<Outcome<BTreeMap<String, Value>>> {
        self.call(Method::Get, "/api/0/settings".to_owned(), None, read_json)
    }

    /// A setting; null if it is not set.
    pub fn setting(&self, key: &str) -> Call<Outcome<Value>> {
        self.call(
            Method::Get,
            format!("/api/0/settings/{}", encoded(key)),
            None,
            read_json,
        )
    }

    /// Sets a setting.
    pub fn set_setting(&self, key: &str, value: &Value) -> Call<Outcome<()>> {
        let path = format!("/api/0/settings/{}", encoded(key));
        self.call(Method::Post, path, Some(value.to_string()), |_| Ok(()))
    }

    /// Deletes a setting. (aw-server cannot.)
    pub fn delete_setting(&self, key: &str) -> Call<Outcome<()>> {
        let path = format!("/api/0/settings/{}", encoded(key));
        self.call(Method::Delete, path, None, |_| Ok(()))
    }

    /// Everything, or one bucket with its events, as JSON that [`import`](Self::import) takes.
    pub fn export(&self, bucket: Option<&str>) -> Call<Outcome<Vec<u8>>> {
        let path = match bucket {
            Some(id) => format!("/api/0/buckets/{}/export", encoded(id)),
            None => "/api/0/export".to_owned(),
        };
        self.call(Method::Get, path, None, |answer| Ok(answer.body))
    }

    /// Imports what [`export`](Self::export) has given.
    pub fn import(&self, exported: &str) -> Call<Outcome<()>> {
        self.call(
            Method::Post,
            "/api/0/import".to_owned(),
            Some(exported.to_owned()),
            |_| Ok(()),
        )
    }

    /// A request of your own, such as to `/api/1`: the path from `/api/` on, with its query.
    pub fn request(&self, method: Method, path: &str, body: Option<&str>) -> Call<Outcome<Answer>> {
        self.ask(method, path.to_owned(), body.map(str::to_owned), Ok)
    }

    fn call<T: Send + 'static>(
        &self,
        method: Method,
        path: String,
        body: Option<String>,
        read: impl FnOnce(Answer) -> Outcome<T> + Send + 'static,
    ) -> Call<Outcome<T>> {
        self.ask(method, path, body, |answer| read(succeeded(answer)?))
    }

    fn ask<T: Send + 'static>(
        &self,
        method: Method,
        path: String,
        body: Option<String>,
        read: impl FnOnce(Answer) -> Outcome<T> + Send + 'static,
    ) -> Call<Outcome<T>> {
        let transport = self.transport().clone();
        let request = Request {
            method,
            path,
            body: body.map(String::into_bytes),
            patience: PATIENCE,
        };
        let call = move || {
            let answer = transport::send(&*transport, &request)
                .map_err(|error| CallError::NoAnswer { reason: error.reason })?;
            read(answer)
        };
        Call::make(call, |error| Err(CallError::NotMade(error)))
    }
}

fn succeeded(answer: Answer) -> Outcome<Answer> {
    if matches!(answer.status, 200..=299 | 304) {
        return Ok(answer);
    }
    let said: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let message = said.and_then(|said| Some(said.get("message")?.as_str()?.to_owned()));
    Err(CallError::Refused {
        status: answer.status,
        message: message.unwrap_or_else(|| "it does not say why".to_owned()),
    })
}

fn read_json<T: serde::de::DeserializeOwned>(answer: Answer) -> Outcome<T> {
    serde_json::from_slice(&answer.body).map_err(|error| CallError::Unreadable {
        reason: error.to_string(),
    })
}

fn read_events(body: &[u8]) -> Outcome<Vec<Event>> {
    let events = model_json::parse_events(body).map_err(|error| CallError::Unreadable {
        reason: error.to_string(),
    })?;
    let event = |event: timberline_model::NewEvent<'_>| Event {
        id: event.id.unwrap_or_default(),
        start: event.start,
        duration: event.duration,
        data: Data::from_canonical(event.data.as_ref()),
    };
    Ok(events.into_iter().map(event).collect())
}

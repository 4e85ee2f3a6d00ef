//! `GET /api/1/stream`: records and the newest state of buckets as server-sent events, as they are published.
//!
//! An event's `id` is a sequence number: whoever has the event has everything up to that record. A client that comes back
//! sends it as `Last-Event-ID` and goes on from there.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, header, request};
use serde_json::json;
use timberline_log::Seq;
use timberline_views::Snapshot;
use tokio::sync::mpsc;

use crate::access::{Granted, LOOK_AFTER};
use crate::api::v1::records::kind;
use crate::api::v1::schema;
use crate::app::App;
use crate::causes::with_causes;
use crate::http::answer::live_body;
use crate::http::connection::Connection;
use crate::http::{ApiError, Query};
use crate::service::live::{Batch, Filter, HeadFeed, Listener, Message, Place, RecordFeed};

/// How long a client waits before it connects again, in milliseconds.
const RETRY: u32 = 2_000;
/// A stream without events sends a comment this often: proxies close connections that are quiet for a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a stream waits for a record that is published and not yet found.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// The default time between two states of a bucket, and the bounds.
const EVERY: (u64, u64, u64) = (1_000, 100, 10_000);

const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// nginx keeps answers back to send them in large pieces, unless it is told not to.
const NO_BUFFERING: (&str, HeaderValue) = ("x-accel-buffering", HeaderValue::from_static("no"));

/// Where the events come from.
enum Feed {
    Records(RecordFeed),
    Heads(HeadFeed),
}

/// What is asked for.
struct Wanted {
    feed: Feed,
    every: Duration,
    /// What is sent before anything else.
    opening: Vec<u8>,
}

/// Follow records or buckets
///
/// Server-sent events, as they are published: with `mode=records` every record of the log, with `mode=heads` the newest
/// state of each bucket that has changed. The answer does not end by itself. The `id` of an event is the number of a
/// record; sent as `Last-Event-ID`, it continues the stream after it. `docs/live.md` has the events and their data.
#[utoipa::path(
    get,
    path = "/api/1/stream",
    operation_id = "open_stream",
    tag = "Live",
    params(
        ("mode" = Option<schema::StreamMode>, Query, description = "What is followed; `heads` unless given"),
        ("bucket" = Option<Vec<String>>, Query, description = "Only these buckets; `*` stands for any text"),
        ("type" = Option<Vec<String>>, Query, description = "Only buckets of these types"),
        ("kind" = Option<Vec<schema::RecordKindName>>, Query, description = "Only these kinds of records; with `mode=records`"),
        ("changes" = Option<bool>, Query, description = "Whether records come with the events that they change; with `mode=records`"),
        ("every" = Option<u64>, Query, description = "The least time between two states of a bucket in milliseconds, from 100 to \
            10,000; 1,000 unless given; with `mode=heads`"),
        ("after" = Option<u64>, Query, description = "Begin after this record"),
        ("Last-Event-ID" = Option<u64>, Header, description = "The same; takes precedence"),
    ),
    responses((status = 200, description = "Events, as they are published", body = String, content_type = "text/event-stream")),
)]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    granted: Option<Extension<Granted>>,
    request: Request,
) -> Result<Response<Body>, ApiError> {
    let (head, _) = request.into_parts();
    let place = Place::take(&app.live).map_err(|error| ApiError::Unavailable(error.to_string()))?;
    let allowed = granted.map(|Extension(granted)| granted.buckets().to_vec());
    let wanted = Wanted::of(&head, allowed.unwrap_or_default(), &app.store.snapshot())?;
    if let Some(connection) = Connection::current() {
        connection.set_live();
    }
    let (sender, body) = live_body();
    let stream = Stream {
        listener: Listener::begin(&app),
        _place: place,
        app,
        head,
        feed: Some(wanted.feed),
        every: wanted.every,
        pause: None,
        checked: timberline_clock::monotonic(),
    };
    tokio::spawn(stream.run(sender, wanted.opening));
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, EVENT_STREAM);
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    headers.insert(NO_BUFFERING.0, NO_BUFFERING.1);
    Ok(response)
}

impl Wanted {
    fn of(head: &request::Parts, allowed: Vec<String>, snapshot: &Snapshot) -> Result<Wanted, ApiError> {
        let query = Query::of(&head.uri);
        let kinds = query.get_all("kind")?;
        let filter = Filter {
            buckets: query.get_all("bucket")?,
            types: query.get_all("type")?,
            kinds: kinds.iter().map(|text| kind(text)).collect::<Result<_, _>>()?,
            allowed,
        };
        let every = number(query, "every")?.map_or(EVERY.0, |every| every.clamp(EVERY.1, EVERY.2));
        let after = after(query, &head.headers)?;
        let mode = query.get("mode")?;
        match mode.as_deref().unwrap_or("heads") {
            "records" => {
                let with_changes = flag(query, "changes")?;
                Ok(Wanted::records(after, filter, with_changes, snapshot))
            }
            "heads" if !kinds.is_empty() => Err(ApiError::Malformed(
                "kind: only mode=records has kinds of records".to_owned(),
            )),
            "heads" => Ok(Wanted::heads(
                after,
                filter,
                Duration::from_millis(every),
                snapshot,
            )),
            other => Err(ApiError::Malformed(format!(
                "mode: '{other}' is neither heads nor records"
            ))),
        }
    }

    fn records(after: Option<Seq>, filter: Filter, with_changes: bool, snapshot: &Snapshot) -> Wanted {
        let newest = snapshot.seq();
        let begin = after.unwrap_or(newest).min(newest);
        let feed = match after {
            Some(seq) if seq < newest => RecordFeed::after(seq, filter, with_changes),
            _ => RecordFeed::from_now(snapshot, filter, with_changes),
        };
        let mut opening = opening("records", begin);
        if let Some(seen) = after.filter(|seen| *seen > newest) {
            write_event(&mut opening, "gap", newest, &ahead(newest, seen));
        }
        Wanted {
            feed: Feed::Records(feed),
            every: Duration::ZERO,
            opening,
        }
    }

    fn heads(after: Option<Seq>, filter: Filter, every: Duration, snapshot: &Snapshot) -> Wanted {
        // Who knows a newer state than there is knows that of another log.
        let seen = after.filter(|seen| *seen <= snapshot.seq());
        let begin = seen.unwrap_or(Seq::NONE);
        Wanted {
            feed: Feed::Heads(HeadFeed::after(begin, filter)),
            every,
            opening: opening("heads", begin),
        }
    }
}

/// The record after which a client wants to go on: what its last event had as id, or else a parameter.
fn after(query: Query<'_>, headers: &HeaderMap) -> Result<Option<Seq>, ApiError> {
    let Some(value) = headers.get("last-event-id") else {
        return Ok(number(query, "after")?.map(Seq));
    };
    let seq = value.to_str().ok().and_then(|text| text.parse().ok());
    seq.map(Seq).map(Some).ok_or_else(|| {
        ApiError::Malformed("Last-Event-ID: expected the id of an event of this stream".to_owned())
    })
}

fn number(query: Query<'_>, name: &str) -> Result<Option<u64>, ApiError> {
    let Some(text) = query.get(name)? else {
        return Ok(None);
    };
    let number = text.parse();
    number
        .map(Some)
        .map_err(|_| ApiError::Malformed(format!("{name}: '{text}' is not a whole number, such as 1000")))
}

fn flag(query: Query<'_>, name: &str) -> Result<bool, ApiError> {
    match query.get(name)?.as_deref() {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(ApiError::Malformed(format!(
            "{name}: '{other}' is neither true nor false"
        ))),
    }
}

/// The records after `newest` that a client has seen are not in this log: it has lost its end, or is another one.
fn ahead(newest: Seq, seen: Seq) -> String {
    let first = newest.next().get();
    json!({ "from": first, "to": seen.get(), "first": first, "reason": "ahead" }).to_string()
}

/// The first event. With its id, also a client that gets no other goes on from here.
fn opening(mode: &str, seq: Seq) -> Vec<u8> {
    let mut out = format!("retry: {RETRY}\n\n").into_bytes();
    let data = json!({ "mode": mode, "seq": seq.get() });
    write_event(&mut out, "start", seq, &data.to_string());
    out
}

fn write_event(out: &mut Vec<u8>, event: &str, seq: Seq, data: &str) {
    // JSON text has no line breaks.
    out.extend_from_slice(format!("event: {event}\nid: {}\ndata: {data}\n\n", seq.get()).as_bytes());
}

fn text(messages: &[Message]) -> Bytes {
    let mut out = Vec::new();
    for message in messages {
        write_event(&mut out, message.event, message.seq, &message.data);
    }
    Bytes::from(out)
}

/// A comment for proxies, and for the client how far it has come: an event without data only sets the id.
fn keep_alive(seq: Seq) -> Bytes {
    Bytes::from(format!(":\n\nid: {}\n\n", seq.get()))
}

/// One client.
struct Stream {
    app: Arc<App>,
    /// The request, whose credentials are checked again now and then.
    head: request::Parts,
    listener: Listener,
    _place: Place,
    /// Taken while a thread reads from it.
    feed: Option<Feed>,
    every: Duration,
    /// How long to wait before the next read.
    pause: Option<Duration>,
    /// When the credentials were last checked.
    checked: Instant,
}

type Sender = mpsc::Sender<Result<Bytes, std::io::Error>>;

impl Stream {
    /// Sends events until the client is gone, its credentials are no longer accepted, or the server stops. Nothing is read
    /// before the client takes more.
    async fn run(mut self, sender: Sender, opening: Vec<u8>) {
        if sender.send(Ok(Bytes::from(opening))).await.is_err() {
            return;
        }
        loop {
            let place = tokio::select! {
                place = sender.reserve() => place,
                () = self.listener.stopped() => return,
            };
            let Ok(place) = place else { return };
            if !self.is_admitted() {
                return;
            }
            let next = tokio::select! {
                next = self.next() => next,
                () = sender.closed() => return,
            };
            match next {
                Some(text) => place.send(Ok(text)),
                None => return,
            }
        }
    }

    /// What is sent next. `None` at the end of the stream.
    async fn next(&mut self) -> Option<Bytes> {
        let mut quiet = pin!(tokio::time::sleep(KEEP_ALIVE));
        let pause = self.pause.take().unwrap_or_default();
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.listener.stopped() => return None,
        }
        while !self.listener.is_stopping() {
            let batch = self.read().await?;
            if !batch.messages.is_empty() {
                self.pause = batch.is_last.then_some(self.every);
                return Some(text(&batch.messages));
            }
            if !batch.is_last {
                continue;
            }
            let is_missing = batch.seq < self.app.store.snapshot().seq();
            tokio::select! {
                () = &mut quiet => return Some(keep_alive(batch.seq)),
                () = tokio::time::sleep(LOOK_AGAIN), if is_missing => {}
                is_there = self.listener.published_after(batch.seq), if !is_missing => if !is_there {
                    return None;
                },
            }
        }
        None
    }

    /// Reads on a blocking thread. `None` if nothing can be read: the client may come again.
    async fn read(&mut self) -> Option<Batch> {
        let app = Arc::clone(&self.app);
        let mut feed = self.feed.take()?;
        let reading = move || {
            let batch = match &mut feed {
                Feed::Records(feed) => feed.read(&app.store, Seq(u64::MAX), timberline_clock::monotonic()),
                Feed::Heads(feed) => Ok(feed.read(&app.store)),
            };
            (feed, batch)
        };
        let (feed, batch) = self.app.live.read(reading).await?;
        self.feed = Some(feed);
        batch
            .inspect_err(|error| tracing::warn!(error = with_causes(error), "a live stream ends"))
            .ok()
    }

    /// Whether the credentials are still accepted. They are checked again before each event, but not more often than a
    /// token's end is noticed elsewhere.
    fn is_admitted(&mut self) -> bool {
        let now = timberline_clock::monotonic();
        let Some(keys) = &self.app.keys else {
            return true;
        };
        if now.saturating_duration_since(self.checked) < LOOK_AFTER {
            return true;
        }
        self.checked = now;
        keys.still_accepts(&self.head)
    }
}

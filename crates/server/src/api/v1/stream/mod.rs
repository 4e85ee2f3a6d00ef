//! `GET /api/1/stream`: records, the newest state of buckets, or the usage of today as server-sent events, as they are
//! published.
//!
//! | file | what it does |
//! |---|---|
//! | `session` | one client: when something is read and sent |
//! | `usage` | the usage of today |
//! | `events` | events as text |
//!
//! An event's `id` is a sequence number: whoever has the event has everything up to that record. A client that comes back
//! sends it as `Last-Event-ID` and goes on from there.

mod events;
mod session;
mod usage;

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use http::{HeaderMap, HeaderValue, Response, header, request};
use timberline_log::Seq;
use timberline_views::Snapshot;

use self::events::{ahead, opening, write_event};
use self::session::{Feed, Session};
use self::usage::UsageFeed;
use crate::access::Granted;
use crate::api::v1::activity_definition::boolean;
use crate::api::v1::records::kind;
use crate::api::v1::schema;
use crate::app::App;
use crate::http::answer::live_body;
use crate::http::connection::Connection;
use crate::http::{ApiError, Query};
use crate::service::live::{Filter, HeadFeed, Place, RecordFeed};

/// The default time between two states of a bucket, and the bounds.
const EVERY: (u64, u64, u64) = (1_000, 100, 10_000);
/// The least time between two sums of the usage.
const USAGE_EVERY: u64 = 1_000;

const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// nginx keeps answers back to send them in large pieces, unless it is told not to.
const NO_BUFFERING: (&str, HeaderValue) = ("x-accel-buffering", HeaderValue::from_static("no"));

/// What is asked for.
struct Wanted {
    feed: Feed,
    every: Duration,
    /// What is sent before anything else.
    opening: Vec<u8>,
}

/// Receive changes as they happen
///
/// Server-sent events: with `mode=records` every record of the log, with `mode=heads` the newest
/// state of each bucket that has changed, with `mode=usage` the sums of today (`GET /api/1/usage` without `start` and `end`). The answer does not end by itself. The `id` of an event is the number of a
/// record; sent as `Last-Event-ID`, it continues the stream after it. `docs/live.md` has the events and their data.
#[utoipa::path(
    get,
    path = "/api/1/stream",
    operation_id = "open_stream",
    tag = "Live",
    params(
        ("mode" = Option<schema::StreamMode>, Query, description = "What to deliver; by default `heads`"),
        ("bucket" = Option<Vec<String>>, Query, description = "Only these buckets; `*` stands for any text"),
        ("type" = Option<Vec<String>>, Query, description = "Only buckets of these types"),
        ("kind" = Option<Vec<schema::RecordKindName>>, Query, description = "Only these kinds of records; with `mode=records`"),
        ("changes" = Option<bool>, Query, description = "Whether records come with the events that they change; with `mode=records`"),
        ("every" = Option<u64>, Query, description = "The least time between two states of a bucket in milliseconds, from 100 to \
            10,000; 1,000 unless given; with `mode=heads`"),
        ("after" = Option<u64>, Query, description = "Begin after this record"),
        ("Last-Event-ID" = Option<u64>, Header, description = "The same; takes precedence"),
    ),
    responses((status = 200, description = "Events, as they are published; the schema is that of one", body = schema::StreamEvent, content_type = "text/event-stream")),
)]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    granted: Option<Extension<Granted>>,
    request: Request,
) -> Result<Response<Body>, ApiError> {
    let (head, _) = request.into_parts();
    let place = Place::take(&app.live).map_err(|error| ApiError::Unavailable(error.to_string()))?;
    let wanted = Wanted::of(&app, &head, granted.as_deref()).await?;
    if let Some(connection) = Connection::current() {
        connection.set_live();
    }
    let (sender, body) = live_body();
    let session = Session::new(app, head, place, wanted.feed, wanted.every);
    tokio::spawn(session.run(sender, wanted.opening));
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, EVENT_STREAM);
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    headers.insert(NO_BUFFERING.0, NO_BUFFERING.1);
    Ok(response)
}

impl Wanted {
    async fn of(
        app: &Arc<App>,
        head: &request::Parts,
        granted: Option<&Granted>,
    ) -> Result<Wanted, ApiError> {
        let query = Query::of(&head.uri);
        let every = number(query, "every")?.map_or(EVERY.0, |every| every.clamp(EVERY.1, EVERY.2));
        let after = after(query, &head.headers)?;
        let mode = query.get("mode")?;
        let mode = mode.as_deref().unwrap_or("heads");
        if mode == "usage" {
            let every = Duration::from_millis(every.max(USAGE_EVERY));
            return Wanted::usage(app, head, granted, every).await;
        }
        let filter = filter(query, granted)?;
        let snapshot = app.store.snapshot();
        match mode {
            "records" => {
                let with_changes = boolean(query, "changes")?.unwrap_or(false);
                Ok(Wanted::records(after, filter, with_changes, &snapshot))
            }
            "heads" if !filter.kinds.is_empty() => Err(ApiError::Malformed(
                "kind: only mode=records has kinds of records".to_owned(),
            )),
            "heads" => Ok(Wanted::heads(
                after,
                filter,
                Duration::from_millis(every),
                &snapshot,
            )),
            other => Err(ApiError::Malformed(format!(
                "mode: '{other}' is none of heads, records, usage"
            ))),
        }
    }

    /// What was done today is about all buckets.
    async fn usage(
        app: &Arc<App>,
        head: &request::Parts,
        granted: Option<&Granted>,
        every: Duration,
    ) -> Result<Wanted, ApiError> {
        if let Some(granted) = granted {
            return Err(granted.refusal().into());
        }
        let feed = UsageFeed::begin(app, head.uri.clone()).await?;
        Ok(Wanted {
            opening: opening("usage", feed.seq()),
            feed: Feed::Usage(Box::new(feed)),
            every,
        })
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

/// Which buckets and records are asked for and may be seen.
fn filter(query: Query<'_>, granted: Option<&Granted>) -> Result<Filter, ApiError> {
    let kinds = query.get_all("kind")?;
    Ok(Filter {
        buckets: query.get_all("bucket")?,
        types: query.get_all("type")?,
        kinds: kinds.iter().map(|text| kind(text)).collect::<Result<_, _>>()?,
        allowed: granted
            .map(|granted| granted.buckets().to_vec())
            .unwrap_or_default(),
    })
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

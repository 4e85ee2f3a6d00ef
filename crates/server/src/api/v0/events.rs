//! `/api/0/buckets/{bucket}/events`: the list, a new one, the count, one by id.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Response, StatusCode, Uri, header};
use timberline_model::{Duration, EventId, Timestamp, json as model_json};
use timberline_views::{BucketView, EventRef, SegmentError, Snapshot, TimeRange};

use crate::access::Granted;
use crate::api::as_of::snapshot;
use crate::api::openapi::Error;
use crate::api::openapi::parameters::{AsOfParameter, LenientNumber, TimeRangeParameters};
use crate::api::param::Param;
use crate::api::v0::schema;
use crate::app::App;
use crate::http::{
    ApiError, ChunkSender, Query, StreamEnded, collect_json, in_place, json, json_answer, parse_mended,
    stream,
};

/// A list up to this size is made at once; the rest of a longer one comes from a blocking task, so
/// that it neither holds up other requests nor is held in memory.
const INLINE_BYTES: usize = 64 << 10;

/// `start`, `end` and `limit` of a list.
#[derive(Clone, Copy, Debug)]
struct Selection {
    range: TimeRange,
    limit: usize,
}

impl Selection {
    /// # Errors
    /// 400 for a time that cannot be read. A limit that cannot be read is ignored, as the reference
    /// servers have it.
    fn of(uri: &Uri) -> Result<Self, ApiError> {
        let query = Query::of(uri);
        let limit = query
            .get("limit")?
            .and_then(|text| text.parse::<i64>().ok())
            .and_then(|limit| usize::try_from(limit).ok());
        Ok(Self {
            range: time_range(query)?,
            limit: limit.unwrap_or(usize::MAX),
        })
    }

    fn is_empty(&self) -> bool {
        self.limit == 0 || ends_before_it_starts(self.range)
    }

    /// Writes the selected events of `view` from the `skip`th on, separated by commas, until `flush`
    /// says no. Gives back how many it wrote, and whether that was all.
    fn write<E: From<SegmentError>>(
        &self,
        view: &BucketView,
        skip: usize,
        out: &mut Vec<u8>,
        mut flush: impl FnMut(&mut Vec<u8>) -> Result<bool, E>,
    ) -> Result<(usize, bool), E> {
        let mut written = 0;
        for event in view.events(self.range)?.take(self.limit).skip(skip) {
            let event = event?;
            if skip + written > 0 {
                out.push(b',');
            }
            let (start, duration) = self.range.clip(event.start(), event.duration());
            write_stored(out, &event, start, duration);
            written += 1;
            if !flush(out)? {
                return Ok((written, false));
            }
        }
        Ok((written, true))
    }
}

fn ends_before_it_starts(range: TimeRange) -> bool {
    matches!((range.start, range.end), (Some(start), Some(end)) if start > end)
}

/// The range in a query. `starttime` and `endtime` are what the web UI's client calls them for counts.
pub(crate) fn time_range(query: Query<'_>) -> Result<TimeRange, ApiError> {
    let time = |names: [&str; 2]| -> Result<Option<Timestamp>, ApiError> {
        for name in names {
            if let Some(text) = query.get(name)? {
                return match Timestamp::parse_clamped(&text) {
                    Ok(time) => Ok(Some(time)),
                    Err(error) => Err(ApiError::Malformed(format!(
                        "Failed to parse {name}, datetime needs to be in rfc3339 format: {error}"
                    ))),
                };
            }
        }
        Ok(None)
    };
    Ok(TimeRange {
        start: time(["start", "starttime"])?,
        end: time(["end", "endtime"])?,
    })
}

/// List the events of a bucket
///
/// The newest first. Events that begin before `start` or end after `end` are cut to the range.
#[utoipa::path(
    get,
    path = "/api/0/buckets/{bucket}/events",
    operation_id = "list_events",
    tag = "Events",
    params(
        ("bucket" = String, Path, description = "The id of the bucket"),
        TimeRangeParameters,
        ("limit" = Option<LenientNumber>, Query, description = "The most events. Anything but a number of at least 0 means all"),
        AsOfParameter,
    ),
    responses(
        (status = 200, description = "The events", body = Vec<schema::Event>),
        (status = 404, description = "There is no such bucket", body = Error),
    ),
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Param(bucket): Param<String>,
    uri: Uri,
) -> Result<Response<Body>, ApiError> {
    let selection = Selection::of(&uri)?;
    let as_of = snapshot(&app, &uri).await?;
    let snapshot = Arc::clone(&as_of.snapshot);
    let Some(view) = snapshot.bucket(&bucket) else {
        return Err(ApiError::NoSuchBucket(bucket));
    };
    let mut out = vec![b'['];
    let (written, complete) = if selection.is_empty() {
        (0, true)
    } else {
        selection.write(view, 0, &mut out, |out| {
            Ok::<_, ApiError>(out.len() < INLINE_BYTES)
        })?
    };
    if complete {
        out.push(b']');
        return Ok(as_of.mark(json_answer(out)));
    }
    let body = stream(move |to| stream_rest(&snapshot, &bucket, &selection, written, out, to));
    let mut response = Response::new(body);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, json::CONTENT_TYPE);
    Ok(as_of.mark(response))
}

fn stream_rest(
    snapshot: &Snapshot,
    bucket: &str,
    selection: &Selection,
    written: usize,
    mut out: Vec<u8>,
    to: &ChunkSender,
) -> Result<(), StreamEnded> {
    // A snapshot never changes, so the bucket is still there.
    if let Some(view) = snapshot.bucket(bucket) {
        let rest = selection.write(view, written, &mut out, |out| {
            to.send_full(out)?;
            Ok(true)
        });
        match rest {
            Ok(_) => {}
            Err(StreamError::Ended(ended)) => return Err(ended),
            Err(StreamError::Damaged(error)) => {
                to.break_off(&error);
                return Ok(());
            }
        }
    }
    out.push(b']');
    to.send(out)
}

/// Why a list was not written to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamError {
    #[error(transparent)]
    Ended(#[from] StreamEnded),
    #[error(transparent)]
    Damaged(#[from] SegmentError),
}

/// Writes a stored event as lasting from `start` for `duration`.
pub(crate) fn write_stored(out: &mut Vec<u8>, event: &EventRef<'_>, start: Timestamp, duration: Duration) {
    // The data comes last in an event and goes straight from the view into the answer.
    model_json::write_event_before_data(out, Some(event.id()), start, duration);
    event.write_data(out);
    out.push(b'}');
}

/// Insert events
///
/// Stores one event or many. An event with an id replaces the event that has this id.
/// The answer contains the events with their ids, in the order of the request, except for those that a privacy filter drops.
#[utoipa::path(
    post,
    path = "/api/0/buckets/{bucket}/events",
    operation_id = "insert_events",
    tag = "Events",
    params(("bucket" = String, Path, description = "The id of the bucket")),
    request_body = schema::NewEvents,
    responses(
        (status = 200, description = "The stored events", body = Vec<schema::Event>),
        (status = 404, description = "There is no such bucket", body = Error),
    ),
)]
pub(crate) async fn insert(
    State(app): State<Arc<App>>,
    granted: Option<Extension<Granted>>,
    Param(bucket): Param<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    let body = collect_json(&headers, body, &app.bodies).await?;
    let snapshot = app.store.snapshot();
    let filters = app.privacy.filters(&snapshot);
    let mut mended = Vec::new();
    let events = in_place(body.len(), || {
        parse_mended(&body, &mut mended, model_json::parse_events)
            .map(|events| filters.screen(&snapshot, &bucket, events))
    })?;
    drop(snapshot);
    // An event with an id takes the place of the one that has it.
    if events.iter().any(|event| event.id.is_some())
        && let Some(Extension(granted)) = granted.filter(|granted| !granted.may_replace())
    {
        return Err(granted.refusal().into());
    }
    let (ids, receipt) = app
        .hold
        .write(body.len(), || {
            in_place(body.len(), || app.store.insert_events(&bucket, &events))
        })
        .await?;
    // The answer is made while the disk is at work.
    let mut out = Vec::with_capacity(body.len() + 32 * events.len() + 2);
    out.push(b'[');
    for (index, (id, event)) in ids.into_iter().zip(&events).enumerate() {
        if index > 0 {
            out.push(b',');
        }
        model_json::write_event(&mut out, id, event.start, event.duration, &event.data);
    }
    out.push(b']');
    app.settle(receipt).await?;
    Ok(json_answer(out))
}

/// Count the events of a bucket
#[utoipa::path(
    get,
    path = "/api/0/buckets/{bucket}/events/count",
    operation_id = "count_events",
    tag = "Events",
    params(("bucket" = String, Path, description = "The id of the bucket"), TimeRangeParameters, AsOfParameter),
    responses(
        (status = 200, description = "The number of events", body = u64, content_type = "application/json"),
        (status = 404, description = "There is no such bucket", body = Error),
    ),
)]
pub(crate) async fn count(
    State(app): State<Arc<App>>,
    Param(bucket): Param<String>,
    uri: Uri,
) -> Result<Response<Body>, ApiError> {
    let range = time_range(Query::of(&uri))?;
    let as_of = snapshot(&app, &uri).await?;
    let view = as_of
        .snapshot
        .bucket(&bucket)
        .ok_or(ApiError::NoSuchBucket(bucket))?;
    let count = if ends_before_it_starts(range) {
        0
    } else {
        view.count(range)?
    };
    let mut out = Vec::new();
    json::write_number(&mut out, count);
    Ok(as_of.mark(json_answer(out)))
}

/// Get an event
#[utoipa::path(
    get,
    path = "/api/0/buckets/{bucket}/events/{event}",
    operation_id = "get_event",
    tag = "Events",
    params(("bucket" = String, Path, description = "The id of the bucket"), ("event" = u64, Path, description = "The id of the event"), AsOfParameter),
    responses(
        (status = 200, description = "The event", body = schema::Event),
        (status = 404, description = "There is no such bucket or event", body = Error),
    ),
)]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Param((bucket, event)): Param<(String, String)>,
    uri: Uri,
) -> Result<Response<Body>, ApiError> {
    let as_of = snapshot(&app, &uri).await?;
    let Some(view) = as_of.snapshot.bucket(&bucket) else {
        return Err(ApiError::NoSuchBucket(bucket));
    };
    let found = match event_id(&event) {
        Some(id) => view.event(id)?,
        None => None,
    };
    let Some(found) = found else {
        return Err(ApiError::NoSuchEvent { bucket, event });
    };
    let mut out = Vec::new();
    let data = found.data.as_str();
    model_json::write_event(&mut out, found.id, found.start, found.duration, data);
    Ok(as_of.mark(json_answer(out)))
}

/// Delete an event
///
/// The answer is 200 also if there is no such event.
#[utoipa::path(
    delete,
    path = "/api/0/buckets/{bucket}/events/{event}",
    operation_id = "delete_event",
    tag = "Events",
    params(("bucket" = String, Path, description = "The id of the bucket"), ("event" = u64, Path, description = "The id of the event")),
    responses(
        (status = 200, description = "There is no such event any more"),
        (status = 404, description = "There is no such bucket, or the id of the event is no number", body = Error),
    ),
)]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    Param((bucket, event)): Param<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let Some(id) = event_id(&event) else {
        return Err(ApiError::NoSuchEvent { bucket, event });
    };
    let (_, receipt) = app
        .hold
        .write(bucket.len(), || app.store.delete_event(&bucket, id))
        .await?;
    app.settle(receipt).await?;
    Ok(StatusCode::OK)
}

fn event_id(text: &str) -> Option<EventId> {
    text.parse().ok().map(EventId)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(query: &str) -> Result<Selection, ApiError> {
        Selection::of(&format!("/?{query}").parse().unwrap())
    }

    #[test]
    fn a_limit_that_cannot_be_read_is_none() {
        for (query, limit) in [
            ("limit=2", 2),
            ("limit=0", 0),
            ("limit=-5", usize::MAX),
            ("limit=abc", usize::MAX),
            ("limit=1.5", usize::MAX),
            ("", usize::MAX),
        ] {
            assert_eq!(selection(query).unwrap().limit, limit, "{query}");
        }
    }

    #[test]
    fn a_time_that_cannot_be_read_is_400_and_names_its_parameter() {
        for query in ["start=2024-03-01", "start=2024-03-01T10:00:45+00:00", "end=x"] {
            let error = selection(query).unwrap_err();
            assert_eq!(error.status(), 400, "{query}");
            let name = query.split('=').next().unwrap();
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn times_far_away_mean_everything() {
        let selection = selection("start=0001-01-01T00:00:00Z&end=9999-12-31T23:59:59Z").unwrap();
        assert_eq!(selection.range.start, Some(Timestamp::MIN));
        assert_eq!(selection.range.end, Some(Timestamp::MAX));
    }

    #[test]
    fn a_range_that_ends_before_it_starts_is_empty() {
        let query = "start=2024-03-01T10:00:00Z&end=2024-03-01T09:00:00Z";
        assert!(selection(query).unwrap().is_empty());
    }
}

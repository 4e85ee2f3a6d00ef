//! `POST /api/0/buckets/{bucket}/heartbeat?pulsetime=…`: nearly every request there is.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use http::{Request, Response, Uri, request};
use timberline_model::{Heartbeat, Pulsetime, json};
use timberline_views::{Snapshot, TimeRange};

use crate::access::Granted;
use crate::api::openapi::Error;
use crate::api::v0::events::write_stored;
use crate::api::v0::schema;
use crate::app::App;
use crate::http::guard::extension::FromExtension;
use crate::http::{ApiError, Echo, Query, collect_json, decode_segment, json_answer, parse_mended};
use crate::service::privacy::Verdict;

/// Room for the id, time and duration around the data in the answer.
const AROUND_DATA: usize = 128;

/// Send a heartbeat
///
/// The heartbeat extends the bucket's last event if the data are the same and it begins at most `pulsetime` seconds after
/// the end of that event. Otherwise it becomes a new event. Watchers use this operation all the time, so it bypasses the
/// router.
#[utoipa::path(
    post,
    path = "/api/0/buckets/{bucket}/heartbeat",
    operation_id = "heartbeat",
    tag = "Events",
    params(
        ("bucket" = String, Path, description = "The id of the bucket"),
        ("pulsetime" = f64, Query, description = "The longest gap between the last event and this one, in seconds"),
    ),
    request_body = schema::Heartbeat,
    responses(
        (status = 200, description = "The event that it extended, or the new one", body = schema::RecordedEvent),
        (status = 404, description = "There is no such bucket", body = Error),
    ),
)]
pub(crate) async fn post(
    State(app): State<Arc<App>>,
    request: Request<Body>,
) -> Result<Response<Body>, ApiError> {
    // The way of nearly all heartbeats is shorter, see `serve/entrance.rs`. The router knows the path so that other methods
    // are refused as for any other path.
    let (head, body) = request.into_parts();
    let bucket = heartbeat_bucket(head.uri.path()).ok_or(ApiError::NoSuchRoute)?;
    beat(&app, &head, bucket, body).await
}

/// Whether the sender may only record: then it gets back what it sent, and learns nothing about what is stored.
pub(crate) fn only_records(head: &request::Parts) -> bool {
    let appends = |granted: &Granted| !granted.may_read();
    head.extensions.get::<Granted>().is_some_and(appends) || head.extensions.get::<FromExtension>().is_some()
}

/// The bucket, still percent-encoded, if this is the path `/api/0/buckets/{bucket}/heartbeat`.
pub(crate) fn heartbeat_bucket(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("/api/0/buckets/")?;
    let bucket = rest
        .strip_suffix('/')
        .unwrap_or(rest)
        .strip_suffix("/heartbeat")?;
    (!bucket.is_empty() && !bucket.contains('/')).then_some(bucket)
}

/// Takes a heartbeat for `bucket` (still percent-encoded) and answers with the event it became.
///
/// # Errors
/// As every write.
pub(crate) async fn beat<B, A>(
    app: &App,
    head: &request::Parts,
    bucket: &str,
    body: B,
) -> Result<Response<A>, ApiError>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: std::fmt::Display,
    A: From<Bytes>,
{
    let body = collect_json(&head.headers, body, &app.bodies).await?;
    let bucket = decode_segment(bucket)?;
    let pulsetime = pulsetime(&head.uri)?;
    let echo = only_records(head);
    let mut mended = Vec::new();
    let mut heartbeat = parse_mended(&body, &mut mended, json::parse_heartbeat)?;
    let mut unchanged = None;
    let snapshot = app.store.snapshot();
    let filters = app.privacy.filters(&snapshot);
    match filters.judge_sent(&snapshot, &bucket, &heartbeat.data) {
        Verdict::Keep => {}
        Verdict::Drop => return dropped(&snapshot, &bucket, &heartbeat, echo),
        Verdict::Change(data) => {
            let sent = std::mem::replace(&mut heartbeat.data, data.into());
            unchanged = echo.then_some(sent);
        }
    }
    // A write that has to wait must not keep a snapshot of everything in memory.
    drop(snapshot);
    let event = app
        .hold
        .write(body.len(), || app.store.heartbeat(&bucket, &heartbeat, pulsetime))
        .await?;
    app.settle(event.receipt).await?;
    if echo {
        heartbeat.data = unchanged.unwrap_or(heartbeat.data);
        return Ok(echoed(&heartbeat));
    }
    let mut out = Vec::with_capacity(heartbeat.data.len() + AROUND_DATA);
    json::write_event(&mut out, event.id, event.start, event.duration, &heartbeat.data);
    Ok(json_answer(out))
}

/// The heartbeat itself as the answer.
fn echoed<A: From<Bytes>>(heartbeat: &Heartbeat<'_>) -> Response<A> {
    let mut out = Vec::with_capacity(heartbeat.data.len() + AROUND_DATA);
    json::write_event_without_id(&mut out, heartbeat.start, heartbeat.duration, &heartbeat.data);
    json_answer(out)
}

/// Answers a heartbeat that a privacy filter drops as aw-server-rust does: 200, with the bucket's last event, which
/// stays the one that the next heartbeat may extend; if there is none, or with `echo`, with the heartbeat itself.
#[cold]
fn dropped<A: From<Bytes>>(
    snapshot: &Snapshot,
    bucket: &str,
    heartbeat: &Heartbeat<'_>,
    echo: bool,
) -> Result<Response<A>, ApiError> {
    let view = snapshot
        .bucket(bucket)
        .ok_or_else(|| ApiError::NoSuchBucket(bucket.to_owned()))?;
    let mut events = view.events(TimeRange::ALL)?;
    let Some(last) = events.next().filter(|_| !echo) else {
        return Ok(echoed(heartbeat));
    };
    let last = last?;
    let mut out = Vec::with_capacity(heartbeat.data.len() + AROUND_DATA);
    write_stored(&mut out, &last, last.start(), last.duration());
    Ok(json_answer(out))
}

fn pulsetime(uri: &Uri) -> Result<Pulsetime, ApiError> {
    let text = Query::of(uri)
        .get("pulsetime")?
        .ok_or_else(|| ApiError::Unfit("The parameter pulsetime is missing".to_owned()))?;
    text.parse()
        .ok()
        .and_then(|seconds| Pulsetime::from_secs_f64(seconds).ok())
        .ok_or_else(|| {
            ApiError::Unfit(format!(
                "The parameter pulsetime must be a number of seconds, not '{}'",
                Echo(&text)
            ))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(uri: &str) -> Result<Pulsetime, ApiError> {
        pulsetime(&uri.parse().unwrap())
    }

    #[test]
    fn pulsetime_is_any_number_of_seconds() {
        for (text, seconds) in [
            ("10", 10.0),
            ("0", 0.0),
            ("-1", -1.0),
            ("0.5", 0.5),
            ("1e1", 10.0),
        ] {
            assert_eq!(
                of(&format!("/?pulsetime={text}")).unwrap(),
                Pulsetime::from_secs_f64(seconds).unwrap()
            );
        }
    }

    #[test]
    fn anything_else_is_422() {
        for uri in [
            "/",
            "/?pulsetime",
            "/?pulsetime=",
            "/?pulsetime=abc",
            "/?pulsetime=NaN",
        ] {
            assert_eq!(of(uri).unwrap_err().status(), 422, "{uri}");
        }
    }

    #[test]
    fn the_path_is_recognised_with_and_without_a_slash() {
        let expected = Some("aw%20x");
        assert_eq!(heartbeat_bucket("/api/0/buckets/aw%20x/heartbeat"), expected);
        assert_eq!(heartbeat_bucket("/api/0/buckets/aw%20x/heartbeat/"), expected);
        for path in [
            "/api/0/buckets//heartbeat",
            "/api/0/buckets/x/y/heartbeat",
            "/api/0/buckets/heartbeat",
        ] {
            assert_eq!(heartbeat_bucket(path), None, "{path}");
        }
    }
}

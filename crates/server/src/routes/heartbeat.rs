//! `POST /api/0/buckets/{bucket}/heartbeat?pulsetime=…`: nearly every request there is.

use http::{Response, Uri, request};
use timberline_model::{Heartbeat, Pulsetime, json};
use timberline_views::{Snapshot, TimeRange};

use crate::app::App;
use crate::http::{
    Answer, ApiError, Arriving, Echo, Query, collect_json, decode_segment, json_answer, parse_mended,
};
use crate::privacy::Verdict;
use crate::routes::events::write_stored;

/// Room for the id, time and duration around the data in the answer.
const AROUND_DATA: usize = 128;

/// Takes a heartbeat for `bucket` (still percent-encoded) and answers with the event it became.
///
/// # Errors
/// As every write.
pub(crate) async fn beat(
    app: &App,
    head: &request::Parts,
    bucket: &str,
    body: Arriving,
) -> Result<Response<Answer>, ApiError> {
    let body = collect_json(&head.headers, body, &app.bodies).await?;
    let bucket = decode_segment(bucket)?;
    let pulsetime = pulsetime(&head.uri)?;
    let mut mended = Vec::new();
    let mut heartbeat = parse_mended(&body, &mut mended, json::parse_heartbeat)?;
    let snapshot = app.store.snapshot();
    match app.privacy.filters(&snapshot).judge(&bucket, &heartbeat.data) {
        Verdict::Keep => {}
        Verdict::Drop => return dropped(&snapshot, &bucket, &heartbeat),
        Verdict::Change(data) => heartbeat.data = data.into(),
    }
    // A write that has to wait must not keep a picture of everything in memory.
    drop(snapshot);
    let event = app
        .hold
        .write(body.len(), || app.store.heartbeat(&bucket, &heartbeat, pulsetime))
        .await?;
    app.settle(event.receipt).await?;
    let mut out = Vec::with_capacity(heartbeat.data.len() + AROUND_DATA);
    json::write_event(&mut out, event.id, event.start, event.duration, &heartbeat.data);
    Ok(json_answer(out))
}

/// Answers a heartbeat that a privacy filter drops as aw-server-rust does: 200, with the bucket's last event, which
/// stays the one that the next heartbeat may extend; if there is none, with the heartbeat itself.
#[cold]
fn dropped(
    snapshot: &Snapshot,
    bucket: &str,
    heartbeat: &Heartbeat<'_>,
) -> Result<Response<Answer>, ApiError> {
    let view = snapshot
        .bucket(bucket)
        .ok_or_else(|| ApiError::NoSuchBucket(bucket.to_owned()))?;
    let mut out = Vec::with_capacity(heartbeat.data.len() + AROUND_DATA);
    match view.events(TimeRange::ALL)?.next() {
        Some(last) => {
            let last = last?;
            write_stored(&mut out, &last, last.start(), last.duration());
        }
        None => json::write_event_without_id(&mut out, heartbeat.start, heartbeat.duration, &heartbeat.data),
    }
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
}

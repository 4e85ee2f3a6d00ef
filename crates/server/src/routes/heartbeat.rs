//! `POST /api/0/buckets/{bucket}/heartbeat?pulsetime=…`: nearly every request there is.

use http::{Response, Uri, request};
use timberline_model::{Pulsetime, json};

use crate::app::App;
use crate::http::{Answer, ApiError, Arriving, Query, collect_json, decode_segment, json_answer};

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
    let heartbeat = json::parse_heartbeat(&body)?;
    let event = app
        .hold
        .write(body.len(), || app.store.heartbeat(&bucket, &heartbeat, pulsetime))
        .await?;
    app.settle(event.receipt).await?;
    let mut out = Vec::with_capacity(heartbeat.data.len() + AROUND_DATA);
    json::write_event(&mut out, event.id, event.start, event.duration, &heartbeat.data);
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
                "The parameter pulsetime must be a number of seconds, not '{text}'"
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

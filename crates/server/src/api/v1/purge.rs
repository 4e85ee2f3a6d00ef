//! `POST /api/1/purge` and `POST /api/1/redact`. Without a token, both only answer what would be erased, and give the
//! token that is needed to erase it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use timberline_model::{EventId, Timestamp};
use timberline_views::TimeRange;
use timberline_views::erasure::PurgeReceipt;
use utoipa::ToSchema;

use crate::api::json_body::read_json;
use crate::api::openapi::Error;
use crate::api::v1::schema;
use crate::app::App;
use crate::http::{ApiError, json_answer, run_blocking};
use crate::service::erasure::Copy;
use crate::service::purge::pending::VALID;
use crate::service::purge::{
    Action, DataCondition, Preview, Progress, PurgeRequest, Receipt, Sample, bucket_keys, carry_out, preview,
    search,
};

/// The state of a receipt: everything is erased; or it is hidden and will be erased; or only some events of a redaction
/// could be ordered.
pub(super) const COMPLETED: &str = "completed";
const ORDERED: &str = "ordered";
const PARTLY: &str = "partly";

/// What to purge or redact: either the token of a preview and nothing else, or a selection.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    /// The token of the preview.
    token: Option<String>,
    /// The bucket, or several.
    bucket: Option<Ids>,
    /// The ids of events.
    events: Option<Vec<u64>>,
    /// Only events that touch the time from here on.
    start: Option<String>,
    /// Only events that touch the time up to here.
    end: Option<String>,
    /// Only events with such data.
    data: Option<Condition>,
    /// The buckets themselves, with everything in them.
    #[serde(default)]
    whole_bucket: bool,
    /// Only for a redaction: the field, as a path of names joined by dots.
    field: Option<String>,
    /// Only for a redaction: a regular expression.
    pattern: Option<String>,
    /// Only for a redaction: the text instead of what matches.
    replacement: Option<String>,
}

/// The id of a bucket, or several.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = BucketIds)]
#[serde(untagged)]
pub(crate) enum Ids {
    One(String),
    Many(Vec<String>),
}

/// Data in which a pattern is found: in all of it, or in one field.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[schema(as = DataCondition)]
#[serde(deny_unknown_fields)]
pub(crate) struct Condition {
    pattern: String,
    field: Option<String>,
}

impl Ids {
    pub(crate) fn as_slice(&self) -> &[String] {
        match self {
            Ids::One(id) => std::slice::from_ref(id),
            Ids::Many(ids) => ids,
        }
    }
}

impl Request {
    /// Refuses a request that would mean everything, or does not say everything that it must.
    fn check(&self, redact: bool) -> Result<(), ApiError> {
        let refuse = |why: &str| Err(ApiError::Unfit(why.to_owned()));
        if redact {
            return match (&self.field, &self.pattern, &self.replacement) {
                (Some(_), Some(_), Some(_))
                    if self.data.is_none() && self.events.is_none() && !self.whole_bucket =>
                {
                    Ok(())
                }
                _ => refuse(
                    "A redaction is {\"field\": path, \"pattern\": regex, \"replacement\": text}, and \"bucket\", \
                     \"start\", \"end\" if not everything is meant",
                ),
            };
        }
        if self.field.is_some() || self.pattern.is_some() || self.replacement.is_some() {
            return refuse("A purge has its pattern in \"data\": {\"pattern\": regex, \"field\": path}");
        }
        let narrowed =
            self.events.is_some() || self.start.is_some() || self.end.is_some() || self.data.is_some();
        match (self.whole_bucket, &self.bucket) {
            (true, None) => refuse("\"whole_bucket\" needs \"bucket\": the ids of the buckets to purge"),
            (true, Some(_)) if narrowed => {
                refuse("\"whole_bucket\" is all of a bucket: leave out events, start, end and data")
            }
            (false, _) if !narrowed => refuse(
                "This would purge everything: say which \"events\", from \"start\" to \"end\", which \"data\", or which \
                 \"bucket\" with \"whole_bucket\": true",
            ),
            _ => Ok(()),
        }
    }

    /// Refuses a token together with anything else: it stands for the request that it was given for.
    fn check_alone(&self) -> Result<(), ApiError> {
        let purge =
            self.bucket.is_some() || self.events.is_some() || self.data.is_some() || self.whole_bucket;
        let range = self.start.is_some() || self.end.is_some();
        let redaction = self.field.is_some() || self.pattern.is_some() || self.replacement.is_some();
        match purge || range || redaction {
            true => Err(ApiError::Unfit(
                "A token stands for what was asked when it was given: send it alone".to_owned(),
            )),
            false => Ok(()),
        }
    }

    /// What is asked for, after [`check`](Self::check).
    fn into_purge(self) -> Result<PurgeRequest, ApiError> {
        let range = TimeRange {
            start: time("start", self.start.as_deref())?,
            end: time("end", self.end.as_deref())?,
        };
        let data = match (&self.data, &self.pattern) {
            (Some(data), _) => Some(DataCondition::new(&data.pattern, data.field.as_deref())?),
            (None, Some(pattern)) => Some(DataCondition::new(pattern, self.field.as_deref())?),
            (None, None) => None,
        };
        Ok(PurgeRequest {
            buckets: self.bucket.map(|ids| ids.as_slice().to_vec()),
            events: self.events.map(|ids| ids.into_iter().map(EventId).collect()),
            range,
            data,
            action: match self.replacement {
                Some(replacement) => Action::Redact { replacement },
                None if self.whole_bucket => Action::PurgeBuckets,
                None => Action::PurgeEvents,
            },
        })
    }
}

fn time(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, ApiError> {
    let parsed = text.map(Timestamp::parse_clamped).transpose();
    parsed.map_err(|error| ApiError::Unfit(format!("{name}: {error}")))
}

/// Purge events
///
/// Permanently erases events or whole buckets from the log, the views and all backups. The first request says what to erase. Its
/// answer shows what would be erased, and contains a token. The second request has only the token, and erases the data.
#[utoipa::path(
    post,
    path = "/api/1/purge",
    operation_id = "purge",
    tag = "Erasing",
    request_body = schema::PurgeRequest,
    responses(
        (status = 200, description = "The preview, or the receipt", body = schema::ErasureAnswer),
        (status = 202, description = "It is hidden, and is erased as soon as possible, or only a part was ordered", body = schema::ErasureReceipt),
        (status = 404, description = "There is no such bucket", body = Error),
        (status = 409, description = "The token is unknown or has expired", body = Error),
    ),
)]
pub(crate) async fn purge(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    handle(app, headers, body, false).await
}

/// Redact events
///
/// Permanently replaces text that matches a pattern in one field of the data, in the log, the views and all backups. Like a purge, it
/// takes two requests.
#[utoipa::path(
    post,
    path = "/api/1/redact",
    operation_id = "redact",
    tag = "Erasing",
    request_body = schema::RedactionRequest,
    responses(
        (status = 200, description = "The preview, or the receipt", body = schema::ErasureAnswer),
        (status = 202, description = "It is hidden, and is erased as soon as possible, or only a part was ordered", body = schema::ErasureReceipt),
        (status = 404, description = "There is no such bucket", body = Error),
        (status = 409, description = "The token is unknown or has expired", body = Error),
    ),
)]
pub(crate) async fn redact(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    handle(app, headers, body, true).await
}

async fn handle(
    app: Arc<App>,
    headers: HeaderMap,
    body: Body,
    redact: bool,
) -> Result<Response<Body>, ApiError> {
    let request: Request = read_json(&app, &headers, body, "The body").await?;
    if let Some(token) = &request.token {
        request.check_alone()?;
        let request = app.purges.take(
            token,
            |request| request.is_redaction() == redact,
            timberline_clock::monotonic(),
        )?;
        return confirm(app, request).await;
    }
    request.check(redact)?;
    // Mistakes are reported before anything is searched.
    let snapshot = app.store.snapshot();
    if let Some(ids) = &request.bucket {
        bucket_keys(&snapshot, ids.as_slice())?;
    }
    let request = Arc::new(request.into_purge()?);
    let (searched, wanted) = (Arc::clone(&app), Arc::clone(&request));
    let target = run_blocking(move |cancel| search(&searched, &wanted, cancel)).await?;
    let request =
        Arc::into_inner(request).ok_or_else(|| ApiError::Internal("The preview broke off".to_owned()))?;
    let expires = Timestamp::from_nanos(app.store.now().nanos().saturating_add(VALID.as_nanos() as i64));
    let mut answer = preview_json(&preview(&snapshot, &target));
    answer["token"] = json!(app.purges.keep(request, timberline_clock::monotonic())?);
    answer["expires"] = json!(expires.to_string());
    Ok(json_answer(answer.to_string().into_bytes()))
}

/// Erases to the end, also if the client disconnects.
async fn confirm(app: Arc<App>, request: Arc<PurgeRequest>) -> Result<Response<Body>, ApiError> {
    let is_redaction = request.is_redaction();
    let clock = Arc::clone(&app);
    let erased = tokio::task::spawn_blocking(move || carry_out(&app, &request)).await;
    let receipt = erased.map_err(|_| ApiError::Internal("The purge broke off".to_owned()))??;
    let now = clock.store.now();
    let answer = receipt_json(receipt, is_redaction, now);
    let mut response = json_answer(answer.to_string().into_bytes());
    if answer["state"] != COMPLETED {
        *response.status_mut() = StatusCode::ACCEPTED;
    }
    Ok(response)
}

fn preview_json(preview: &Preview) -> Value {
    json!({
        "events": preview.events,
        "deleted": preview.deleted,
        "former": preview.prior_versions,
        "buckets": buckets_json(preview),
        "samples": preview.samples.iter().map(sample_json).collect::<Vec<_>>(),
    })
}

fn buckets_json(preview: &Preview) -> Value {
    let buckets = preview.buckets.iter();
    buckets
        .map(|(bucket, count)| json!({ "bucket": bucket, "count": count }))
        .collect()
}

fn sample_json(sample: &Sample) -> Value {
    json!({
        "bucket": sample.bucket,
        "id": sample.id.0,
        "timestamp": sample.start.to_string(),
        "duration": sample.duration.nanos() as f64 / 1e9,
        "data": serde_json::from_str::<Value>(&sample.data).unwrap_or(Value::Null),
    })
}

pub(super) fn receipt_json(receipt: Receipt, is_redaction: bool, now: Timestamp) -> Value {
    let mut answer = match &receipt.progress {
        Progress::Completed { receipt, copies } => completed_json(*receipt, copies, now),
        Progress::Ordered { reason } => json!({
            "state": ORDERED,
            "message": format!("Nobody can see it any more. It is not erased yet, and will be without being asked for again: {reason}"),
            "completed": null,
        }),
    };
    if let Some(missing) = receipt.missing {
        answer["state"] = json!(PARTLY);
        answer["redacted"] = json!(missing.redacted);
        answer["message"] = json!(format!(
            "{} events are redacted. The others are as they were: {}. Redact again for these, with a new preview",
            missing.redacted,
            ApiError::from(missing.reason)
        ));
    }
    answer["what"] = json!(if is_redaction { "redacted" } else { "purged" });
    answer["events"] = json!(receipt.counts.events);
    answer["deleted"] = json!(receipt.counts.deleted);
    answer["former"] = json!(receipt.counts.prior_versions);
    answer["buckets"] = buckets_json(&receipt.counts);
    answer
}

fn completed_json(receipt: Option<PurgeReceipt>, copies: &[Copy], now: Timestamp) -> Value {
    let backups: Vec<Value> = copies
        .iter()
        .map(|copy| match copy {
            Copy::Clean { path, segments } => {
                json!({ "path": path, "done": true, "segments": segments })
            }
            Copy::Waiting(waiting) => {
                json!({ "path": waiting.path, "done": false, "waiting": true, "message": waiting.why })
            }
        })
        .collect();
    let log = receipt.map(|receipt| receipt.log).unwrap_or_default();
    json!({
        "state": COMPLETED,
        "log_segments": log.segments,
        "records": log.records,
        "view_segments": receipt.map_or(0, |receipt| receipt.view_segments),
        "backups": backups,
        "completed": receipt.map_or(now, |receipt| receipt.completed).to_string(),
    })
}

//! `POST /api/1/privacy/preview`: what privacy filters would have done to the events of the past.
//!
//! It runs where queries run, gives way to heartbeats as they do, and stops when its client goes away.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Response};
use serde::Deserialize;
use serde_json::value::RawValue;
use timberline_cancel::Cancel;
use timberline_model::Timestamp;
use timberline_views::{Snapshot, TimeRange};
use utoipa::ToSchema;

use crate::api::json_body::read_json;
use crate::api::openapi::Error;
use crate::app::App;
use crate::http::{ApiError, cancel_on_disconnect, json_answer};
use crate::service::privacy::SETTING;
use crate::service::privacy::preview::{Bounds, PreviewError, Report, Scope, preview as try_filters};

/// Samples, when nothing else is asked for.
const DEFAULT_SAMPLES: usize = 20;
/// And at most.
const MAX_SAMPLES: usize = 1_000;

/// What to try; nothing of it is required.
#[derive(Deserialize, ToSchema)]
#[schema(as = PrivacyPreviewRequest)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    /// Rules to try instead of the stored ones. Anything but a list of rules does nothing, and the answer says why.
    #[schema(value_type = Option<serde_json::Value>)]
    filters: Option<Box<RawValue>>,
    #[schema(format = DateTime)]
    start: Option<String>,
    #[schema(format = DateTime)]
    end: Option<String>,
    /// Only this bucket.
    bucket: Option<String>,
    /// At most so many samples; 20 unless given, and at most 1,000.
    limit: Option<usize>,
}

/// What a request is.
const FORM: &str = "A preview is {\"filters\": [rules], \"start\": time, \"end\": time, \"bucket\": id, \"limit\": samples}, \
     each of which may be missing";

impl Request {
    fn scope(&self, snapshot: &Snapshot) -> Result<Scope, ApiError> {
        if let Some(id) = &self.bucket
            && snapshot.bucket(id).is_none()
        {
            return Err(ApiError::NoSuchBucket(id.clone()));
        }
        let range = TimeRange {
            start: time("start", self.start.as_deref())?,
            end: time("end", self.end.as_deref())?,
        };
        if matches!((range.start, range.end), (Some(start), Some(end)) if start > end) {
            return Err(ApiError::Unfit("start: is after end".to_owned()));
        }
        Ok(Scope {
            range,
            bucket: self.bucket.clone(),
            samples: self.limit.unwrap_or(DEFAULT_SAMPLES).min(MAX_SAMPLES),
        })
    }
}

fn time(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, ApiError> {
    text.map(Timestamp::parse_clamped)
        .transpose()
        .map_err(|error| ApiError::Unfit(format!("{name}: {error}")))
}

/// Try privacy filters
///
/// Shows what the stored rules, or those in the request, would have done to past events. Nothing is changed.
#[utoipa::path(
    post,
    path = "/api/1/privacy/preview",
    operation_id = "preview_privacy",
    tag = "Settings",
    request_body = Request,
    responses(
        (status = 200, description = "What the rules would have done", body = Report),
        (status = 404, description = "There is no such bucket", body = Error),
    ),
)]
pub(crate) async fn preview(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    let request: Request = read_json(&app, &headers, body, FORM).await?;
    let snapshot = app.store.snapshot();
    let scope = request.scope(&snapshot)?;
    let engine = Arc::clone(&app.engine);
    let report = cancel_on_disconnect(|cancel, send| {
        engine.spawn(move || {
            let rules = request.filters.as_deref().map(RawValue::get);
            // The client may have disconnected.
            let _ = send.send(run(&app, &snapshot, rules, &scope, &cancel));
        });
    });
    match report.await {
        Some(Ok(report)) => answer(&report),
        Some(Err(PreviewError::Segment(error))) => Err(error.into()),
        Some(Err(PreviewError::Cancelled(_))) | None => {
            Err(ApiError::Internal("The preview broke off".to_owned()))
        }
    }
}

fn run(
    app: &App,
    snapshot: &Snapshot,
    rules: Option<&str>,
    scope: &Scope,
    cancel: &Cancel,
) -> Result<Report, PreviewError> {
    let bounds = Bounds {
        cancel,
        begun: timberline_clock::monotonic(),
        time: app.settings.limits.queries().time,
    };
    let stored = snapshot.settings().get(SETTING).map_or("[]", String::as_str);
    let filters = app.privacy.draft(rules.unwrap_or(stored));
    try_filters(&filters, snapshot, scope, &bounds)
}

fn answer(report: &Report) -> Result<Response<Body>, ApiError> {
    serde_json::to_vec(report)
        .map(json_answer)
        .map_err(|error| ApiError::Internal(error.to_string()))
}

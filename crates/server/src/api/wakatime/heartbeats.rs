//! `POST /api/wakatime/v1/users/current/heartbeats` and `heartbeats.bulk`: what WakaTime's editor plugins record.
//!
//! Shapes and statuses are those of `wakatime-cli`'s own tests: it stores heartbeats again for later unless each has an
//! answer with the status 201, or 400 if it can never be stored.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Response, StatusCode};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use timberline_views::Receipt;
use utoipa::ToSchema;

use crate::api::v0::schema::Object;
use crate::app::App;
use crate::http::{ApiError, collect_json, json_answer, run_blocking};
use crate::service::wakatime::{self, Heartbeat, Sender, StoreError};

/// A heartbeat of a WakaTime plugin. Fields that are not listed are ignored.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes JSON and is never constructed")]
struct Sent {
    /// The file, or the name of an app or a domain.
    #[schema(min_length = 1)]
    entity: String,
    /// Seconds since 1970.
    #[schema(minimum = -9223372036i64, maximum = 9223372036u64)]
    time: f64,
    /// What `entity` is, such as `file`.
    #[schema(rename = "type")]
    type_: Option<String>,
    /// What was done, such as `coding`.
    category: Option<String>,
    project: Option<String>,
    language: Option<String>,
    branch: Option<String>,
    /// Names the editor. Without it, the header `User-Agent` does.
    user_agent: Option<String>,
}

/// The heartbeat that was stored, as it was sent.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes JSON and is never constructed")]
struct Stored {
    data: Object,
}

/// The result for each heartbeat, in the order of the request.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes JSON and is never constructed")]
struct Answers {
    /// `[{"data": …}, 201]` or `[{"error": …}, 400]` for each.
    responses: Vec<Vec<Value>>,
}

/// Record heartbeats of a WakaTime plugin
///
/// Each heartbeat is like the body of `POST /api/wakatime/v1/users/current/heartbeats`. The answer has one element for each, in order: what was
/// stored and 201, or why it cannot be stored and 400. If one cannot be stored, the others are still stored.
#[utoipa::path(
    post,
    path = "/api/wakatime/v1/users/current/heartbeats.bulk",
    operation_id = "wakatime_heartbeats",
    tag = "WakaTime",
    request_body = Vec<Value>,
    responses((status = 202, description = "The result for each heartbeat", body = Answers)),
)]
pub(crate) async fn many(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    let body = collect_json(&headers, body, &app.bodies).await?;
    let sent: Vec<Box<RawValue>> = serde_json::from_slice(&body).map_err(|error| {
        ApiError::Unfit(format!(
            "The body must be a list of heartbeats of WakaTime: {error}"
        ))
    })?;
    let responses = store(&app, headers, sent).await?;
    Ok(answer(StatusCode::ACCEPTED, &json!({ "responses": responses })))
}

/// Record one heartbeat of a WakaTime plugin
#[utoipa::path(
    post,
    path = "/api/wakatime/v1/users/current/heartbeats",
    operation_id = "wakatime_heartbeat",
    tag = "WakaTime",
    request_body = Sent,
    responses((status = 201, description = "It is stored", body = Stored)),
)]
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    let body = collect_json(&headers, body, &app.bodies).await?;
    let sent: Box<RawValue> = serde_json::from_slice(&body)
        .map_err(|error| ApiError::Unfit(format!("The body must be a heartbeat of WakaTime: {error}")))?;
    if let Err(error) = Heartbeat::parse(sent.get()) {
        return Err(ApiError::Unfit(error.to_string()));
    }
    let stored = store(&app, headers, vec![sent]).await?.into_iter().next();
    let body = stored.and_then(|answer| answer.get(0).cloned());
    Ok(answer(StatusCode::CREATED, &body.unwrap_or_default()))
}

/// Stores heartbeats and waits until they may be acknowledged. Gives `[body, status]` for each.
async fn store(app: &Arc<App>, headers: HeaderMap, sent: Vec<Box<RawValue>>) -> Result<Vec<Value>, ApiError> {
    let shared = Arc::clone(app);
    let (responses, receipt) = run_blocking(move |_| {
        let sender = sender(&shared, &headers);
        let mut last: Option<Receipt> = None;
        let mut responses = Vec::with_capacity(sent.len());
        for text in &sent {
            responses.push(match Heartbeat::parse(text.get()) {
                Ok(heartbeat) => {
                    last = wakatime::store(&shared, &sender, &heartbeat)?.or(last);
                    json!([{ "data": text }, StatusCode::CREATED.as_u16()])
                }
                Err(error) => json!([{ "error": error.to_string() }, StatusCode::BAD_REQUEST.as_u16()]),
            });
        }
        Ok::<_, ApiError>((responses, last))
    })
    .await?;
    if let Some(receipt) = receipt {
        app.settle(receipt).await?;
    }
    Ok(responses)
}

/// Who sends, as far as the headers tell.
fn sender(app: &App, headers: &HeaderMap) -> Sender {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let hostname = text("x-machine-name").filter(|name| !name.is_empty());
    Sender {
        hostname: hostname.unwrap_or(&app.identity.hostname).to_owned(),
        user_agent: text("user-agent").unwrap_or_default().to_owned(),
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Write(error) => error.into(),
            StoreError::Read(error) => error.into(),
        }
    }
}

fn answer(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = json_answer(body.to_string().into_bytes());
    *response.status_mut() = status;
    response
}

//! `/api/0/settings`: values that clients keep here. Any JSON, also `false`, `0`, `""` and `[]`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Uri, header};
use serde_json::value::RawValue;

use crate::api::as_of::snapshot;
use crate::api::openapi::parameters::AsOfParameter;
use crate::api::param::Param;
use crate::app::App;
use crate::http::{ApiError, collect_json, json, json_answer};
use crate::service::privacy;
use crate::service::setting::{KEY_BYTES, VALUE_BYTES};

/// Problems that an answer names.
const MAX_WARNINGS: usize = 20;
/// Names the first problem of a stored value, for clients that do not look at the body.
const WARNING: HeaderName = HeaderName::from_static("x-timberline-warning");

/// List settings
#[utoipa::path(
    get,
    path = "/api/0/settings",
    operation_id = "list_settings",
    tag = "Settings",
    params(AsOfParameter),
    responses((status = 200, description = "The values by name", body = Object)),
)]
pub(crate) async fn list(State(app): State<Arc<App>>, uri: Uri) -> Result<Response<Body>, ApiError> {
    let as_of = snapshot(&app, &uri).await?;
    let mut out = vec![b'{'];
    for (index, (key, value)) in as_of.snapshot.settings().iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        json::write_string(&mut out, key);
        out.push(b':');
        out.extend_from_slice(value.as_bytes());
    }
    out.push(b'}');
    Ok(as_of.mark(json_answer(out)))
}

/// Get a setting
///
/// The value of a setting that is not set is null.
#[utoipa::path(
    get,
    path = "/api/0/settings/{key}",
    operation_id = "get_setting",
    tag = "Settings",
    params(("key" = String, Path, description = "The name of the setting, shorter than 128 bytes"), AsOfParameter),
    responses((status = 200, description = "The value", body = serde_json::Value, content_type = "application/json")),
)]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Param(key): Param<String>,
    uri: Uri,
) -> Result<Response<Body>, ApiError> {
    check(&key)?;
    let as_of = snapshot(&app, &uri).await?;
    // A key that is not set reads as null, as the reference servers have it.
    let value = as_of.snapshot.settings().get(&key).map_or("null", String::as_str);
    Ok(as_of.mark(json_answer(value.as_bytes().to_vec())))
}

/// Set a setting
///
/// The value can be any JSON. If it does not have its full effect, the answer says why.
#[utoipa::path(
    post,
    path = "/api/0/settings/{key}",
    operation_id = "set_setting",
    tag = "Settings",
    params(("key" = String, Path, description = "The name of the setting, shorter than 128 bytes")),
    request_body(content = serde_json::Value, content_type = "application/json", description = "The value"),
    responses((
        status = 201,
        description = "The setting was set. The answer has no body. If the value does not have its full effect, the body contains the warnings as JSON (`SettingWarnings`)",
        headers(("X-Timberline-Warning" = String, description = "The first warning")),
    )),
)]
pub(crate) async fn set(
    State(app): State<Arc<App>>,
    Param(key): Param<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    check(&key)?;
    let body = collect_json(&headers, body, &app.bodies).await?;
    let value = tokio::task::block_in_place(|| readable(&body))?;
    let receipt = app
        .hold
        .write(body.len(), || app.store.set_setting(&key, value.get()))
        .await?;
    let problems = use_filters(&app, &key);
    app.settle(receipt).await?;
    let mut response = Response::new(Body::empty());
    if !problems.is_empty() {
        warn(&mut response, &problems);
    }
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// A value that can be given back to every client: like the data of events it is text, no deeper than 127 levels, with
/// numbers that a double can hold.
fn readable(body: &[u8]) -> Result<&RawValue, ApiError> {
    if body.len() > VALUE_BYTES {
        return Err(ApiError::TooLarge(format!(
            "The value is {} bytes long; a setting may have {VALUE_BYTES}",
            body.len()
        )));
    }
    let not_json = |error| ApiError::Malformed(format!("The value is not JSON that can be kept: {error}"));
    let _: serde_json::Value = serde_json::from_slice(body).map_err(not_json)?;
    serde_json::from_slice(body).map_err(not_json)
}

/// Says that what was stored has no effect, or not all of it.
fn warn(response: &mut Response<Body>, problems: &[privacy::Problem]) {
    let shown = problems.get(..MAX_WARNINGS).unwrap_or(problems);
    if let Some(first) = shown.first() {
        let text = match first.index {
            Some(index) => format!("rule {index}: {}", first.reason),
            None => first.reason.clone(),
        };
        let text: String = text
            .chars()
            .map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' })
            .collect();
        if let Ok(value) = HeaderValue::try_from(text) {
            response.headers_mut().insert(WARNING, value);
        }
    }
    let body = serde_json::json!({"warnings": shown, "count": problems.len()});
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, json::CONTENT_TYPE);
    *response.body_mut() = Body::from(body.to_string());
}

/// Delete a setting
///
/// The answer is 200 also if it was not set.
#[utoipa::path(
    delete,
    path = "/api/0/settings/{key}",
    operation_id = "delete_setting",
    tag = "Settings",
    params(("key" = String, Path, description = "The name of the setting, shorter than 128 bytes")),
    responses((status = 200, description = "The setting is no longer set")),
)]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    Param(key): Param<String>,
) -> Result<StatusCode, ApiError> {
    check(&key)?;
    let (_, receipt) = app
        .hold
        .write(key.len(), || app.store.delete_setting(&key))
        .await?;
    use_filters(&app, &key);
    app.settle(receipt).await?;
    Ok(StatusCode::OK)
}

/// Compiles privacy filters when they change, so that no heartbeat has to. Gives back what is wrong with them.
fn use_filters(app: &App, key: &str) -> Vec<privacy::Problem> {
    if key != privacy::SETTING {
        return Vec::new();
    }
    tokio::task::block_in_place(|| app.privacy.filters(&app.store.snapshot()))
        .problems()
        .to_vec()
}

fn check(key: &str) -> Result<(), ApiError> {
    if key.len() < KEY_BYTES {
        return Ok(());
    }
    Err(ApiError::Malformed(format!(
        "The key is {} bytes long; it must be shorter than {KEY_BYTES}",
        key.len()
    )))
}

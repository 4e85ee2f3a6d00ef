//! `/api/0/settings`: values that clients keep here. Any JSON, also `false`, `0`, `""` and `[]`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Response, StatusCode, Uri};
use serde_json::value::RawValue;

use super::param::Param;
use super::past::picture;
use crate::app::App;
use crate::http::{ApiError, collect_json, json, json_answer};
use crate::privacy;

/// Keys must be shorter; the reference's limit.
const KEY_BYTES: usize = 128;

pub(super) async fn list(State(app): State<Arc<App>>, uri: Uri) -> Result<Response<Body>, ApiError> {
    let picture = picture(&app, &uri).await?;
    let mut out = vec![b'{'];
    for (index, (key, value)) in picture.snapshot.settings().iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        json::write_string(&mut out, key);
        out.push(b':');
        out.extend_from_slice(value.as_bytes());
    }
    out.push(b'}');
    Ok(picture.mark(json_answer(out)))
}

pub(super) async fn get(
    State(app): State<Arc<App>>,
    Param(key): Param<String>,
    uri: Uri,
) -> Result<Response<Body>, ApiError> {
    check(&key)?;
    let picture = picture(&app, &uri).await?;
    // A key that is not set reads as null, as the reference servers have it.
    let value = picture
        .snapshot
        .settings()
        .get(&key)
        .map_or("null", String::as_str);
    Ok(picture.mark(json_answer(value.as_bytes().to_vec())))
}

pub(super) async fn set(
    State(app): State<Arc<App>>,
    Param(key): Param<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, ApiError> {
    check(&key)?;
    let body = collect_json(&headers, body, &app.bodies).await?;
    let value: &RawValue = serde_json::from_slice(&body)
        .map_err(|error| ApiError::Malformed(format!("The value is not JSON: {error}")))?;
    let receipt = app
        .hold
        .write(body.len(), || app.store.set_setting(&key, value.get()))
        .await?;
    use_filters(&app, &key);
    app.settle(receipt).await?;
    Ok(StatusCode::CREATED)
}

pub(super) async fn delete(
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

/// Compiles privacy filters when they change, so that no heartbeat has to, and what is wrong with one is in the log at
/// once.
fn use_filters(app: &App, key: &str) {
    if key == privacy::SETTING {
        tokio::task::block_in_place(|| app.privacy.filters(&app.store.snapshot()));
    }
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

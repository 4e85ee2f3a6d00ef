//! Bodies of requests and answers that are JSON.

use axum::body::Body;
use http::HeaderMap;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;

use crate::app::App;
use crate::http::{ApiError, collect_json};

/// Waits for the body of a request, and reads it. `form` says what it should be, such as `An import is {"path": "…"}`.
///
/// # Errors
/// As [`parse_json`]; when it does not arrive, is too large, or is not said to be JSON.
pub(crate) async fn read_json<T: DeserializeOwned>(
    app: &App,
    headers: &HeaderMap,
    body: Body,
    form: &str,
) -> Result<T, ApiError> {
    let body = collect_json(headers, body, &app.bodies).await?;
    parse_json(&body, form)
}

/// Reads a body.
///
/// # Errors
/// 400 for what is not JSON, 422 for JSON of another form.
pub(crate) fn parse_json<'a, T: Deserialize<'a>>(body: &'a [u8], form: &str) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        Category::Data => ApiError::Unfit(format!("{form}: {error}")),
        _ => ApiError::Malformed(format!("The body is not JSON: {error}")),
    })
}

/// The text of an answer.
///
/// # Errors
/// When it cannot be written, which would be a bug.
pub(crate) fn json_text<T: Serialize>(answer: Result<T, serde_json::Error>) -> Result<Vec<u8>, ApiError> {
    let text = answer.and_then(|answer| serde_json::to_vec(&answer));
    text.map_err(|error| ApiError::Internal(format!("The answer cannot be written: {error}")))
}

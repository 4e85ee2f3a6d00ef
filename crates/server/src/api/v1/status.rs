//! `GET /api/1/status`: what a person wants to know about the server.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::Response;

use crate::app::App;
use crate::http::{ApiError, json_answer};
use crate::service::status::collect;
use crate::status::Status;

/// Get the server's status
///
/// What `timberline status` shows.
#[utoipa::path(
    get,
    path = "/api/1/status",
    operation_id = "get_status",
    tag = "Server",
    responses((status = 200, description = "The status", body = Status)),
)]
pub(crate) async fn get(State(app): State<Arc<App>>) -> Result<Response<Body>, ApiError> {
    let broke_off =
        |error: &dyn std::fmt::Display| ApiError::Internal(format!("Making the report broke off: {error}"));
    let status = tokio::task::spawn_blocking(move || collect(&app))
        .await
        .map_err(|error| broke_off(&error))?;
    let json = serde_json::to_vec(&status).map_err(|error| broke_off(&error))?;
    Ok(json_answer(json))
}

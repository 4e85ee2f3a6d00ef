//! `/health` and `/ready`, for service managers and load balancers: is it alive, and can it write?

use std::sync::Arc;

use axum::extract::State;
use http::{HeaderName, HeaderValue, StatusCode, header};

use crate::app::App;
use crate::service::status::why_not_ready;

type Text = (StatusCode, [(HeaderName, HeaderValue); 2], String);

/// Whether the server is alive
///
/// For service managers and load balancers. It needs no credentials.
#[utoipa::path(
    get,
    path = "/health",
    operation_id = "health",
    tag = "Server",
    responses((status = 200, description = "It is alive", body = String, content_type = "text/plain; charset=utf-8")),
)]
pub(crate) async fn health() -> Text {
    text(StatusCode::OK, "alive".to_owned())
}

/// Whether the server can write
///
/// It needs no credentials.
#[utoipa::path(
    get,
    path = "/ready",
    operation_id = "ready",
    tag = "Server",
    responses(
        (status = 200, description = "Writes go through", body = String, content_type = "text/plain; charset=utf-8"),
        (status = 503, description = "They do not; the text says why", body = String, content_type = "text/plain; charset=utf-8"),
    ),
)]
pub(crate) async fn ready(State(app): State<Arc<App>>) -> Text {
    match why_not_ready(&app) {
        None => text(StatusCode::OK, "ready".to_owned()),
        // Everyone may ask this, and the reason may name files.
        Some(_) if app.keys.is_some() => text(
            StatusCode::SERVICE_UNAVAILABLE,
            "not ready: /api/1/status says why".to_owned(),
        ),
        Some(why) => text(StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}")),
    }
}

fn text(status: StatusCode, mut line: String) -> Text {
    line.push('\n');
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, line)
}

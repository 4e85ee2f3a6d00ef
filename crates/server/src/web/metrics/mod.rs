//! `GET /metrics`: counters and gauges in the text format of Prometheus.
//!
//! | file | what it does |
//! |---|---|
//! | `families` | the metrics, a function for each family |
//! | `text` | Prometheus' text format |

mod families;
mod text;

use std::sync::Arc;

use axum::extract::State;
use http::{HeaderValue, header};

use self::text::Text;
use crate::app::App;
use crate::http::ApiError;

/// Prometheus' text format.
const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Get metrics
///
/// Counters and gauges in the text format of Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "get_metrics",
    tag = "Server",
    responses((status = 200, description = "The metrics", body = String, content_type = "text/plain; version=0.0.4; charset=utf-8")),
)]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
) -> Result<([(header::HeaderName, HeaderValue); 1], String), ApiError> {
    // It reads directories.
    let text = tokio::task::spawn_blocking(move || text(&app))
        .await
        .map_err(|error| ApiError::Internal(format!("Making the metrics broke off: {error}")))?;
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text))
}

fn text(app: &App) -> String {
    let snapshot = app.store.snapshot();
    let mut out = Text::default();
    families::process(&mut out, app);
    families::log(&mut out, app, &snapshot);
    families::buckets(&mut out, &snapshot);
    families::views(&mut out, app);
    families::scrub(&mut out, app);
    families::backups(&mut out, app);
    families::erasure(&mut out, app);
    families::queries(&mut out, app);
    families::live(&mut out, app);
    let mut out = out.finish();
    app.refusals.write_metrics(&mut out);
    out
}

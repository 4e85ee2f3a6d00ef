//! `/api/0/log`: the server's newest log lines, newest first.

use std::sync::Arc;

use axum::extract::State;
use http::Response;

use crate::api::v0::schema;
use crate::app::App;
use crate::http::json_answer;

/// Get the server's log
///
/// The newest lines, the newest first.
#[utoipa::path(
    get,
    path = "/api/0/log",
    operation_id = "get_server_log",
    tag = "Server",
    responses((status = 200, description = "The lines", body = Vec<schema::LogLine>)),
)]
pub(crate) async fn get(State(app): State<Arc<App>>) -> Response<axum::body::Body> {
    let mut out = Vec::new();
    app.log.write_json(&mut out);
    json_answer(out)
}

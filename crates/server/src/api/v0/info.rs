//! `/api/0/info`: who is answering.

use std::sync::Arc;

use axum::extract::State;
use http::Response;

use crate::api::v0::schema;
use crate::app::App;
use crate::http::{json, json_answer};

/// Get information about the server
///
/// It needs no credentials.
#[utoipa::path(
    get,
    path = "/api/0/info",
    operation_id = "get_info",
    tag = "Server",
    responses((status = 200, description = "The server", body = schema::Info)),
)]
pub(crate) async fn get(State(app): State<Arc<App>>) -> Response<axum::body::Body> {
    let mut out = br#"{"hostname":"#.to_vec();
    json::write_string(&mut out, &app.identity.hostname);
    out.extend_from_slice(br#","version":"#);
    json::write_string(&mut out, crate::VERSION);
    out.extend_from_slice(if app.settings.testing {
        br#","testing":true,"device_id":"#
    } else {
        br#","testing":false,"device_id":"#
    });
    json::write_string(&mut out, &app.identity.device_id);
    out.push(b'}');
    json_answer(out)
}

//! `/api/0/info`: who is answering.

use std::sync::Arc;

use axum::extract::State;
use http::Response;

use crate::app::App;
use crate::http::{json, json_answer};

/// What clients take for the server's version. The web UI reads what comes before the first blank as
/// a semantic version and compares it with ActivityWatch's releases, so that is the version whose API
/// this is; it offers a link to an API browser, which we do not have, unless it finds "rust" in it.
pub(super) const VERSION: &str = concat!("v0.14.0 (timberline ", env!("CARGO_PKG_VERSION"), ", rust)");

pub(super) async fn get(State(app): State<Arc<App>>) -> Response<axum::body::Body> {
    let mut out = br#"{"hostname":"#.to_vec();
    json::write_string(&mut out, &app.identity.hostname);
    out.extend_from_slice(br#","version":"#);
    json::write_string(&mut out, VERSION);
    out.extend_from_slice(if app.settings.testing {
        br#","testing":true,"device_id":"#
    } else {
        br#","testing":false,"device_id":"#
    });
    json::write_string(&mut out, &app.identity.device_id);
    out.push(b'}');
    json_answer(out)
}

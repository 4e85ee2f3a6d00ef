//! `/api/0/log`: the server's newest log lines, newest first.

use std::sync::Arc;

use axum::extract::State;
use http::Response;

use crate::app::App;
use crate::http::json_answer;

pub(crate) async fn get(State(app): State<Arc<App>>) -> Response<axum::body::Body> {
    let mut out = Vec::new();
    app.log.write_json(&mut out);
    json_answer(out)
}

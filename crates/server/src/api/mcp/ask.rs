//! One request to the routes of this server, and its answer.

use axum::Router;
use axum::body::{Body, Bytes};
use http::{Request, StatusCode, header};
use serde_json::Value;
use tower_service::Service;

use super::arguments::Call;
use crate::http::json;

/// The longest answer that is read. What an assistant gets of it is much less.
const MAX_ANSWER: usize = 16 << 20;

/// The answer, and how many bytes it had.
///
/// # Errors
/// What the server says is wrong.
pub(super) async fn ask(mut routes: Router, call: Call) -> Result<(Value, usize), String> {
    let request = Request::builder()
        .method(call.method)
        .uri(call.target)
        .header(header::CONTENT_TYPE, json::CONTENT_TYPE)
        .body(Body::from(call.body))
        .map_err(|error| format!("the arguments cannot be sent: {error}"))?;
    let answer = match Service::<Request<Body>>::call(&mut routes, request).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    };
    let status = answer.status();
    let text = axum::body::to_bytes(answer.into_body(), MAX_ANSWER).await;
    let text = text.map_err(|_| {
        format!("the answer is longer than {MAX_ANSWER} bytes, or broke off: ask for a shorter period, or let the query select less")
    })?;
    if !status.is_success() {
        return Err(refusal(status, &text));
    }
    let answer = serde_json::from_slice(&text).map_err(|error| format!("the answer is not JSON: {error}"))?;
    Ok((answer, text.len()))
}

fn refusal(status: StatusCode, text: &Bytes) -> String {
    let error: Option<Value> = serde_json::from_slice(text).ok();
    let message = error.as_ref().and_then(|error| error.get("message")?.as_str());
    match message {
        Some(message) => format!("{}: {message}", status.as_u16()),
        None => status.to_string(),
    }
}

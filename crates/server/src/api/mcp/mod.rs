//! The Model Context Protocol: tools with which an assistant asks about a person's time. They only read.
//!
//! | file | what it does |
//! |---|---|
//! | `protocol` | messages, versions, how results are written |
//! | `assistant` | what the server says about itself; lists and calls tools |
//! | `tools` | the tools: what each is for, and what it takes |
//! | `arguments` | a call as a request to a route of the API |
//! | `ask` | sends that request to the routes of this server, and reads the answer |
//! | `screen` | applies the privacy filters to the answer |
//! | `bound` | keeps what fits |
//!
//! `timberline mcp` passes messages from its standard input to `/api/1/mcp`, which is always there; `/mcp` is the same for
//! clients that speak streamable HTTP, if the configuration says so.

mod arguments;
mod ask;
mod assistant;
mod bound;
mod protocol;
mod screen;
mod tools;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::post;
use http::{HeaderMap, Request, Response, StatusCode, request};
use serde::Serialize;
use serde_json::error::Category;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use self::assistant::Assistant;
use self::protocol::{Message, VERSIONS, answer, unsupported};
use crate::api::openapi::Error;
use crate::app::App;
use crate::http::{ApiError, collect_json, json_answer};

/// The longest message. Only a program in the query language is long.
const MAX_MESSAGE: usize = 2 << 20;
/// The header with the version that was agreed on.
const VERSION: &str = "mcp-protocol-version";

/// The paths.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(app: &Arc<App>) -> Router<S> {
    Router::new()
        .route("/api/1/mcp", post(message))
        .route("/mcp", post(streamable))
        .with_state(Arc::new(Mcp::new(app)))
}

/// What both paths need.
pub(crate) struct Mcp {
    app: Arc<App>,
    assistant: Assistant,
}

impl Mcp {
    fn new(app: &Arc<App>) -> Self {
        Self {
            app: Arc::clone(app),
            assistant: Assistant::new(app),
        }
    }

    async fn answer(&self, head: &request::Parts, body: Body) -> Result<Response<Body>, ApiError> {
        let body = collect_json(&head.headers, body, &self.app.bodies).await?;
        let Message::Request { id, method, params } = parse(&body)? else {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::ACCEPTED;
            return Ok(response);
        };
        if let Some(version) = unknown_version(&head.headers) {
            let mut response = json(&unsupported(&id, &version));
            *response.status_mut() = StatusCode::BAD_REQUEST;
            return Ok(response);
        }
        let result = self.assistant.respond(&method, params).await;
        Ok(json(&answer(&id, result)))
    }
}

fn json(value: &Value) -> Response<Body> {
    json_answer(value.to_string().into_bytes())
}

fn parse(body: &[u8]) -> Result<Message, ApiError> {
    if body.len() > MAX_MESSAGE {
        let length = body.len();
        return Err(ApiError::TooLarge(format!(
            "The message is {length} bytes long; it must be at most {MAX_MESSAGE}"
        )));
    }
    Message::parse(body).map_err(|error| match error.classify() {
        Category::Data => ApiError::Unfit(format!(
            "The body is not a message of the Model Context Protocol (JSON-RPC 2.0): {error}"
        )),
        _ => ApiError::Malformed(format!("The body is not JSON: {error}")),
    })
}

/// The version of the header, if there is one and it is not known.
fn unknown_version(headers: &HeaderMap) -> Option<String> {
    let version = String::from_utf8_lossy(headers.get(VERSION)?.as_bytes()).into_owned();
    (!VERSIONS.contains(&version.as_str())).then_some(version)
}

/// A message of JSON-RPC 2.0. Members that are not listed are ignored.
#[derive(ToSchema)]
#[schema(as = McpMessage)]
#[allow(dead_code, reason = "it describes JSON and is never constructed")]
struct MessageJson {
    jsonrpc: JsonRpc,
    /// A message without an id, or without a method, needs no answer.
    id: Option<MessageId>,
    method: Option<String>,
    params: Option<Map<String, Value>>,
}

/// The version of JSON-RPC.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "it describes JSON and is never constructed")]
enum JsonRpc {
    #[serde(rename = "2.0")]
    Two,
}

/// By what a client knows the answer to its message.
#[derive(Serialize, ToSchema)]
#[schema(as = McpMessageId)]
#[serde(untagged)]
#[allow(dead_code, reason = "it describes JSON and is never constructed")]
enum MessageId {
    Text(String),
    Number(f64),
}

/// Answer a message of an assistant
///
/// One message of the Model Context Protocol, as `timberline mcp` sends it (`docs/mcp.md`).
#[utoipa::path(
    post,
    path = "/api/1/mcp",
    operation_id = "send_mcp_message",
    tag = "Assistants",
    request_body = MessageJson,
    responses(
        (status = 200, description = "The answer", body = serde_json::Map<String, serde_json::Value>),
        (status = 202, description = "The message needs no answer"),
        (status = 400, description = "The message is not JSON (an error as everywhere), or the version is not known (an error of JSON-RPC)", body = serde_json::Map<String, serde_json::Value>),
    ),
)]
pub(crate) async fn message(
    State(mcp): State<Arc<Mcp>>,
    request: Request<Body>,
) -> Result<Response<Body>, ApiError> {
    let (head, body) = request.into_parts();
    mcp.answer(&head, body).await
}

/// Answer a message of an assistant (streamable HTTP)
///
/// The same for clients that use the transport *streamable HTTP*. It is off unless `mcp.http` is true in the configuration.
#[utoipa::path(
    post,
    path = "/mcp",
    operation_id = "mcp",
    tag = "Assistants",
    request_body = MessageJson,
    responses(
        (status = 200, description = "The answer", body = serde_json::Map<String, serde_json::Value>),
        (status = 202, description = "The message needs no answer"),
        (status = 400, description = "The message is not JSON (an error as everywhere), or the version is not known (an error of JSON-RPC)", body = serde_json::Map<String, serde_json::Value>),
        (status = 404, description = "It is off", body = Error),
    ),
)]
pub(crate) async fn streamable(
    State(mcp): State<Arc<Mcp>>,
    request: Request<Body>,
) -> Result<Response<Body>, ApiError> {
    let (head, body) = request.into_parts();
    if mcp.app.settings.mcp.http {
        return mcp.answer(&head, body).await;
    }
    crate::http::pass_over(&head.headers, body).await;
    Err(ApiError::NoMcp)
}

//! `POST /api/0/query`: a program, the periods it is about, one result for each.
//!
//! What is remembered is answered at once. Everything else runs on the engine's own threads, which give way to those
//! that take heartbeats, and stops when its client goes away.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Response, Uri, header};
use serde::Deserialize;
use timberline_query::{Answer, Period, Query as EngineQuery};
use timberline_views::Snapshot;
use utoipa::ToSchema;

use crate::api::as_of::{as_of, snapshot};
use crate::api::json_body::parse_json;
use crate::api::on_engine::on_engine;
use crate::api::openapi::Error;
use crate::api::openapi::parameters::{AsOfParameter, Moment};
use crate::app::App;
use crate::http::query_warnings::mark;
use crate::http::{ApiError, Query, StreamEnded, collect_json, json, json_answer, stream};

/// An answer up to this size is made in one piece; a larger one is sent as it is made.
const WHOLE_BYTES: usize = 1 << 20;

/// A query. Fields that are not known are ignored.
#[derive(Deserialize, ToSchema)]
#[schema(as = QueryRequest)]
pub(crate) struct Request {
    query: Lines,
    /// The periods, each as its start, a slash and its end: `2026-03-01T00:00:00Z/2026-03-02T00:00:00Z`.
    #[schema(example = json!(["2026-03-01T00:00:00Z/2026-03-02T00:00:00Z"]))]
    timeperiods: Vec<String>,
    /// A past state that the query reads.
    #[schema(value_type = Option<Moment>)]
    as_of: Option<AsOf>,
}

/// The number of a record, or an instant.
#[derive(Deserialize)]
#[serde(untagged)]
enum AsOf {
    Record(u64),
    Text(String),
}

impl AsOf {
    fn into_text(self) -> String {
        match self {
            AsOf::Record(seq) => seq.to_string(),
            AsOf::Text(text) => text,
        }
    }
}

/// A program: a list of lines, or one text.
#[derive(Deserialize, ToSchema)]
#[schema(as = Program)]
#[serde(untagged)]
enum Lines {
    Many(Vec<String>),
    One(String),
}

impl Request {
    fn parse(body: &[u8]) -> Result<Request, ApiError> {
        Request::parse_as(body)
    }

    /// The same for a request that has more to say.
    ///
    /// # Errors
    /// When the body is not JSON, or no query.
    pub(crate) fn parse_as<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ApiError> {
        parse_json(
            body,
            "A query is {\"query\": [lines], \"timeperiods\": [\"start/end\"]}",
        )
    }

    /// The moment of the past that it is asked of.
    pub(crate) fn take_as_of(&mut self) -> Option<String> {
        self.as_of.take().map(AsOf::into_text)
    }

    pub(crate) fn into_query(self, name: String) -> Result<EngineQuery, ApiError> {
        let periods: Result<Vec<Period>, _> = self.timeperiods.iter().map(|p| Period::parse(p)).collect();
        Ok(EngineQuery {
            program: match self.query {
                Lines::Many(lines) => lines.join("\n"),
                Lines::One(text) => text,
            },
            periods: periods.map_err(|error| ApiError::Unfit(format!("timeperiods: {error}")))?,
            name,
            past: false,
        })
    }
}

/// Whether a body is accepted as a query, for the targets in `fuzz/`.
pub fn accepts(body: &[u8]) -> bool {
    let query = Request::parse(body).and_then(|request| request.into_query(String::new()));
    query.is_ok()
}

/// Run a query
///
/// Runs a program in ActivityWatch's query language for each period.
#[utoipa::path(
    post,
    path = "/api/0/query",
    operation_id = "run_query",
    tag = "Queries",
    params(("name" = Option<String>, Query, description = "A name for the log"), AsOfParameter),
    request_body = Request,
    responses(
        (
            status = 200,
            description = "A result for each period: what the program returns",
            body = Vec<serde_json::Value>,
            content_type = "application/json",
            headers(("X-Timberline-Warnings" = String, description = "Which rules were not applied, as a JSON list of strings")),
        ),
        (status = 400, description = "The body is not JSON, or the program has a mistake", body = Error),
        (status = 413, description = "The body, the program or the number of periods is larger than the limit", body = Error),
        (status = 422, description = "The body is no query, or the query takes more time or memory than the limit", body = Error),
    ),
)]
pub(crate) async fn query(
    State(app): State<Arc<App>>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    let name = Query::of(&uri).get("name")?.unwrap_or_default().into_owned();
    let (mut query, moment) = {
        let body = collect_json(&headers, body, &app.bodies).await?;
        let mut request = Request::parse(&body)?;
        let moment = request.take_as_of();
        (request.into_query(name)?, moment)
    };
    let state = match moment {
        Some(moment) => as_of(&app, &moment).await?,
        None => snapshot(&app, &uri).await?,
    };
    query.past = state.past;
    if let Some(answer) = app.engine.cached(&state.snapshot, &query) {
        return Ok(respond(&app, answer));
    }
    let answer = run(&app, &state.snapshot, query).await?;
    Ok(state.mark(respond(&app, answer)))
}

/// Runs a query on the engine's threads, until the client disconnects.
///
/// # Errors
/// When it has no answer.
pub(crate) async fn run(app: &App, snapshot: &Arc<Snapshot>, query: EngineQuery) -> Result<Answer, ApiError> {
    let snapshot = Arc::clone(snapshot);
    on_engine(app, move |engine, cancel| engine.run(&snapshot, &query, cancel)).await
}

fn respond(app: &App, answer: Answer) -> Response<Body> {
    app.warned.log(answer.warnings());
    let warnings = answer.warnings().to_vec();
    mark(body(answer), &warnings)
}

fn body(answer: Answer) -> Response<Body> {
    if answer.size() <= WHOLE_BYTES {
        return json_answer(answer.to_json());
    }
    let body = stream(move |to| {
        let rest = answer.write(|out| to.send_full(out))?;
        to.send(rest)?;
        Ok::<_, StreamEnded>(())
    });
    let mut response = Response::new(body);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, json::CONTENT_TYPE);
    response
}

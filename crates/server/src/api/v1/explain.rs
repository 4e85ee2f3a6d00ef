//! `POST /api/1/query/explain`: what a query costs, call by call.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Response, Uri};
use serde::Serialize;
use timberline_cancel::Cancel;
use timberline_query::{Engine, Explanation, Query as EngineQuery, QueryError, Step, Warning};
use timberline_views::Snapshot;
use utoipa::ToSchema;

use crate::api::as_of::{as_of, snapshot};
use crate::api::json_body::json_text;
use crate::api::on_engine::on_engine;
use crate::api::openapi::Error;
use crate::api::openapi::parameters::AsOfParameter;
use crate::api::v0::query::Request;
use crate::app::App;
use crate::http::query_warnings::mark;
use crate::http::{ApiError, Query, collect_json, json_answer};

/// Every call of a program is in the answer, for each period.
const MOST_PERIODS: usize = 16;

/// What a query costs.
#[derive(Serialize, ToSchema)]
#[schema(as = QueryCosts)]
pub(crate) struct Costs {
    /// One for each period, in their order.
    periods: Vec<PeriodCosts>,
}

/// What a query costs for one period.
#[derive(Serialize, ToSchema)]
struct PeriodCosts {
    /// The period.
    period: String,
    /// Seconds to parse the program; a program that was parsed before is remembered.
    parse_seconds: f64,
    /// Seconds that the program ran.
    run_seconds: f64,
    /// Seconds to write the result.
    write_seconds: f64,
    /// Bytes of the result.
    result_bytes: usize,
    /// The calls of functions, in the order in which they ended.
    steps: Vec<QueryStep>,
}

/// A call of a function.
#[derive(Serialize, ToSchema)]
struct QueryStep {
    /// The line of the program, counted from 1.
    line: u32,
    /// The function.
    function: String,
    /// Elements of the lists that it got.
    rows_in: usize,
    /// Elements of the list that it returned; null if it returned something else.
    #[schema(required)]
    rows_out: Option<usize>,
    /// How long it took.
    seconds: f64,
}

impl PeriodCosts {
    fn of(period: String, explanation: Explanation) -> PeriodCosts {
        PeriodCosts {
            period,
            parse_seconds: explanation.parsing.as_secs_f64(),
            run_seconds: explanation.running.as_secs_f64(),
            write_seconds: explanation.writing.as_secs_f64(),
            result_bytes: explanation.bytes,
            steps: explanation.steps.into_iter().map(QueryStep::from).collect(),
        }
    }
}

impl From<Step> for QueryStep {
    fn from(step: Step) -> QueryStep {
        QueryStep {
            line: step.line,
            function: step.function,
            rows_in: step.rows_in,
            rows_out: step.rows_out,
            seconds: step.time.as_secs_f64(),
        }
    }
}

/// Explain a query
///
/// Runs the query like `POST /api/0/query`, but without the cache of results. The answer says how long each call of a function took, instead of
/// the result. For 16 periods at most.
#[utoipa::path(
    post,
    path = "/api/1/query/explain",
    operation_id = "explain_query",
    tag = "Queries",
    params(("name" = Option<String>, Query, description = "What `NAME` stands for in the program"), AsOfParameter),
    request_body = Request,
    responses(
        (
            status = 200,
            description = "What it costs",
            body = Costs,
            headers(("X-Timberline-Warnings" = String, description = "Which rules were not applied, as a JSON list of strings")),
        ),
        (status = 400, description = "The body is not JSON, or the program has a mistake", body = Error),
        (status = 413, description = "The body, the program or the number of periods is larger than the limit", body = Error),
        (status = 422, description = "The body is no query, or the query takes more time or memory than the limit", body = Error),
    ),
)]
pub(crate) async fn post(
    State(app): State<Arc<App>>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    let name = Query::of(&uri).get("name")?.unwrap_or_default().into_owned();
    let (query, moment) = {
        let body = collect_json(&headers, body, &app.bodies).await?;
        let mut request: Request = Request::parse_as(&body)?;
        let moment = request.take_as_of();
        (request.into_query(name)?, moment)
    };
    let periods = query.periods.len();
    if periods > MOST_PERIODS {
        return Err(ApiError::TooLarge(format!(
            "A query is explained for {MOST_PERIODS} periods at most, and these are {periods}"
        )));
    }
    let state = match moment {
        Some(moment) => as_of(&app, &moment).await?,
        None => snapshot(&app, &uri).await?,
    };
    let (costs, warnings) = explain(&app, Arc::clone(&state.snapshot), query).await?;
    app.warned.log(&warnings);
    Ok(state.mark(mark(json_answer(json_text(Ok(costs))?), &warnings)))
}

/// Runs a query on the engine's threads, until the client disconnects. Its results are dropped there.
async fn explain(
    app: &App,
    snapshot: Arc<Snapshot>,
    query: EngineQuery,
) -> Result<(Costs, Vec<Warning>), ApiError> {
    on_engine(app, move |engine: &Engine, cancel: &Cancel| {
        let (answer, explanations) = engine.explain(&snapshot, &query, cancel)?;
        let named = query.periods.iter().map(ToString::to_string).zip(explanations);
        let periods = named
            .map(|(period, explanation)| PeriodCosts::of(period, explanation))
            .collect();
        Ok::<_, QueryError>((Costs { periods }, answer.warnings().to_vec()))
    })
    .await
}

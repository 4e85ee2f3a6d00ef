//! `GET /api/1/search`: what was on the screen, by what it says.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use http::{Response, Uri};
use timberline_cancel::Cancel;
use timberline_query::{Engine, QueryError, Search, SearchQuery};

use crate::access::Granted;
use crate::api::as_of::snapshot;
use crate::api::on_engine::on_engine;
use crate::api::openapi::Error;
use crate::api::openapi::parameters::AsOfParameter;
use crate::api::v0::events::time_range;
use crate::api::v1::schema;
use crate::app::App;
use crate::http::{ApiError, Query, json_answer};
use crate::service::chosen_buckets::chosen_buckets;

/// Hits of an answer, if the request does not say how many, and the most.
const HITS: (usize, usize) = (20, 1_000);
/// Events of a hit, in the same way.
const SPANS: (usize, usize) = (5, 100);

/// Search
///
/// Finds words, phrases, regular expressions and values of fields in all data. Hits with the most time come first.
#[utoipa::path(
    get,
    path = "/api/1/search",
    operation_id = "search",
    tag = "Time",
    params(
        ("q" = String, Query, description = "What to look for, such as `firefox \"release notes\" title:/v\\d+/ -youtube`"),
        ("start" = Option<String>, Query, description = "Search only from this time on; RFC 3339", format = DateTime, nullable = false),
        ("end" = Option<String>, Query, description = "Search only up to this time", format = DateTime, nullable = false),
        ("bucket" = Option<Vec<String>>, Query, description = "Only these buckets; `*` stands for any text", nullable = false),
        ("limit" = Option<usize>, Query, description = "The most hits in one answer; by default 20", minimum = 1, maximum = 1000, nullable = false),
        ("spans" = Option<usize>, Query, description = "The number of newest events for each hit; by default 5", minimum = 0, maximum = 100, nullable = false),
        ("cursor" = Option<String>, Query, description = "The `cursor` of an earlier answer, to get the hits that follow", nullable = false),
        AsOfParameter,
    ),
    responses(
        (status = 200, description = "What was found", body = schema::Hits),
        (status = 404, description = "There is no such bucket", body = Error),
    ),
)]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    granted: Option<Extension<Granted>>,
    uri: Uri,
) -> Result<Response<Body>, ApiError> {
    let parameters = Query::of(&uri);
    let text = parameters.get("q")?.unwrap_or_default();
    let search = Search::parse(&text).map_err(|error| ApiError::Malformed(format!("q: {error}")))?;
    let mut query = query_of(parameters)?;
    let patterns = parameters.get_all("bucket")?;
    let state = snapshot(&app, &uri).await?;
    let may_see = |id: &str| granted.as_ref().is_none_or(|granted| granted.covers(id));
    query.buckets = chosen_buckets(&state.snapshot, &patterns, may_see)?;
    let searched = Arc::clone(&state.snapshot);
    let hits = on_engine(&app, move |engine: &Engine, cancel: &Cancel| {
        let hits = engine.search(&searched, &search, &query, cancel)?;
        Ok::<_, QueryError>(hits.to_json())
    });
    Ok(state.mark(json_answer(hits.await?)))
}

/// What the parameters say, without the buckets.
fn query_of(parameters: Query<'_>) -> Result<SearchQuery, ApiError> {
    let range = time_range(parameters)?;
    if let (Some(start), Some(end)) = (range.start, range.end)
        && start > end
    {
        let message = format!("The time ends after it starts: start is {start}, end is {end}");
        return Err(ApiError::Malformed(message));
    }
    let cursor = parameters.get("cursor")?.map(|text| text.parse());
    let cursor = cursor.transpose();
    Ok(SearchQuery {
        buckets: Vec::new(),
        range,
        limit: number(parameters, "limit", 1, HITS)?,
        spans: number(parameters, "spans", 0, SPANS)?,
        after: cursor.map_err(|error| ApiError::Malformed(format!("cursor: {error}")))?,
    })
}

fn number(
    parameters: Query<'_>,
    name: &str,
    least: usize,
    (default, most): (usize, usize),
) -> Result<usize, ApiError> {
    let Some(text) = parameters.get(name)? else {
        return Ok(default);
    };
    let number = text.parse().ok();
    number
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| ApiError::Malformed(format!("{name} is a whole number from {least} to {most}")))
}

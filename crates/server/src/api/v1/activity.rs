//! `GET /api/1/activity`: what a person did, as spans of time.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{Response, Uri};
use serde::Serialize;
use serde_json::value::RawValue;
use timberline_cancel::Cancel;
use timberline_model::{Duration, Timestamp};
use timberline_query::Engine;
use timberline_query::activity::{Activity, ActivityRequest, ActivitySpan, Place, Source};
use utoipa::ToSchema;

use super::activity_definition::{ActivityParameters, Asked, boolean, count, malformed, names};
use crate::api::as_of::snapshot;
use crate::api::json_body::json_text;
use crate::api::on_engine::answer_on_engine;
use crate::api::openapi::Error;
use crate::api::openapi::parameters::AsOfParameter;
use crate::app::App;
use crate::http::{ApiError, Query};

/// Spans of a page: unless given, and at most.
const SPANS: (usize, usize) = (1_000, 10_000);

/// A page of activity.
#[derive(Serialize, ToSchema)]
pub(crate) struct ActivityPage {
    /// In the order of their starts.
    spans: Vec<SpanJson>,
    /// The parameter `after` of the next page, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next: Option<String>,
    /// The program that gives the same spans with `POST /api/0/query`, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    query: Option<String>,
}

/// A stretch of time in which a person did one thing.
#[derive(Serialize, ToSchema)]
struct SpanJson {
    #[schema(format = DateTime)]
    start: String,
    #[schema(format = DateTime)]
    end: String,
    /// Seconds.
    #[schema(value_type = f64)]
    duration: Box<RawValue>,
    device: String,
    bucket: String,
    /// The event that it is a part of; none if several became one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    id: Option<u64>,
    /// The data of the event, with its category as `$category`.
    #[schema(value_type = serde_json::Map<String, serde_json::Value>)]
    data: Box<RawValue>,
}

/// List what you did
///
/// Spans of time, each with the data of one event: windows that were in front while you were present, and the stopwatch
/// (`docs/activity.md`). The standard web UI's query gives the same result for the same period.
#[utoipa::path(
    get,
    path = "/api/1/activity",
    operation_id = "list_activity",
    tag = "Activity",
    params(
        ActivityParameters,
        ("source" = Option<String>, Query, description = "`activity` (the default) for windows and the stopwatch, `browser` for pages in front, `editor` for files"),
        ("fields" = Option<String>, Query, description = "The members of data to return, separated by commas; by default all"),
        ("limit" = Option<u64>, Query, description = "The most spans on a page, from 1 to 10,000; by default 1,000"),
        ("after" = Option<String>, Query, description = "The `next` of an earlier answer, to get the following page"),
        ("query" = Option<bool>, Query, description = "Whether the answer contains the query program that gives the same spans"),
        AsOfParameter,
    ),
    responses(
        (status = 200, description = "A page of spans", body = ActivityPage),
        (status = 400, description = "A parameter is not valid", body = Error),
        (status = 404, description = "The record that `rules` names did not create a version of the categories", body = Error),
    ),
)]
pub(crate) async fn list(State(app): State<Arc<App>>, uri: Uri) -> Result<Response<Body>, ApiError> {
    let state = snapshot(&app, &uri).await?;
    let query = Query::of(&uri);
    let mut asked = Asked::read(&state.snapshot, query)?;
    let period = asked.period;
    asked.choose_rules(&app, &state.snapshot, query, period).await?;
    let source = source(query)?;
    let limit = count(query, "limit", SPANS.0, SPANS.1)?;
    let after = query
        .get("after")?
        .map_or(Ok(Place::FIRST), |text| place(&text))?;
    let fields = names(query.get("fields")?);
    let program = boolean(query, "query")?.unwrap_or(false);
    let program = program.then(|| asked.definition.program(source));
    let (of, past) = (Arc::clone(&state.snapshot), state.past);
    let work = move |engine: &Engine, cancel: &Cancel| {
        let request = ActivityRequest {
            definition: &asked.definition,
            source,
            period: asked.period,
            calendar: &asked.calendar,
            after,
            limit,
            past,
        };
        let activity = engine.activity(&of, &request, cancel)?;
        let warnings = activity.warnings.clone();
        Ok::<_, ApiError>((page(activity, fields.as_deref(), program)?, warnings))
    };
    Ok(state.mark(answer_on_engine(&app, work).await?))
}

fn source(query: Query<'_>) -> Result<Source, ApiError> {
    match query.get("source")?.as_deref() {
        None | Some("activity") => Ok(Source::Activity),
        Some("browser") => Ok(Source::Browser),
        Some("editor") => Ok(Source::Editor),
        Some(other) => Err(malformed(format!(
            "source: '{other}' is none of activity, browser, editor"
        ))),
    }
}

/// Reads what `next` wrote.
fn place(text: &str) -> Result<Place, ApiError> {
    let parts = text.split_once('.').and_then(|(start, skip)| {
        Some(Place {
            start: Timestamp::from_nanos(start.parse().ok()?),
            skip: skip.parse().ok()?,
        })
    });
    parts.ok_or_else(|| malformed("after: this is not the `next` of a page"))
}

fn page(activity: Activity, fields: Option<&[String]>, query: Option<String>) -> Result<Vec<u8>, ApiError> {
    let next = activity
        .next
        .map(|place| format!("{}.{}", place.start.nanos(), place.skip));
    let spans: Result<Vec<SpanJson>, serde_json::Error> = activity
        .spans
        .iter()
        .map(|span| span_json(span, fields))
        .collect();
    json_text(spans.map(|spans| ActivityPage { spans, next, query }))
}

fn span_json(span: &ActivitySpan, fields: Option<&[String]>) -> Result<SpanJson, serde_json::Error> {
    let data = match fields {
        None => span.data.to_string(),
        Some(fields) => {
            let mut data: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&span.data)?;
            data.retain(|key, _| fields.contains(key));
            serde_json::to_string(&data)?
        }
    };
    Ok(SpanJson {
        start: span.start.to_string(),
        end: span.start.saturating_add(span.duration).to_string(),
        duration: seconds(i128::from(span.duration.nanos()))?,
        device: span.origin.device.clone(),
        bucket: span.origin.bucket.clone(),
        id: span.id,
        data: RawValue::from_string(data)?,
    })
}

/// Nanoseconds as exact seconds: a float would not be.
pub(crate) fn seconds(nanos: i128) -> Result<Box<RawValue>, serde_json::Error> {
    let nanos = i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX });
    RawValue::from_string(Duration::from_nanos(nanos).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_again() {
        let place_ = place("-17.3").unwrap();
        assert_eq!((place_.start.nanos(), place_.skip), (-17, 3));
        assert!(place("17").is_err() && place("x.1").is_err());
    }

    #[test]
    fn seconds_are_exact() {
        assert_eq!(
            seconds(999_999_999_999_999_999).unwrap().get(),
            "999999999.999999999"
        );
    }
}

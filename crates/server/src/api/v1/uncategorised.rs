//! `GET /api/1/categories/uncategorised`: what has no category yet, and rules for it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{Response, Uri};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use timberline_query::categories::{Feature, Suggestion, Uncategorised};
use timberline_query::{Cancel, Engine};
use utoipa::ToSchema;

use super::activity::seconds;
use super::activity_definition::{ActivityParameters, Asked, count, malformed};
use super::category_choice::chosen;
use crate::api::as_of::snapshot;
use crate::api::json_body::json_text;
use crate::api::on_engine::answer_on_engine;
use crate::api::openapi::Error;
use crate::api::openapi::parameters::AsOfParameter;
use crate::app::App;
use crate::http::{ApiError, Query};
use crate::service::categories::Stored;

/// Texts of each list: unless given, and at most.
const TEXTS: (usize, usize) = (20, 1_000);

/// What has no category. Lists have what has the most time first.
#[derive(Serialize, ToSchema)]
pub(crate) struct UncategorisedJson {
    /// Seconds of all activity of the period.
    #[schema(value_type = f64)]
    total: Box<RawValue>,
    /// Seconds that have no category.
    #[schema(value_type = f64)]
    duration: Box<RawValue>,
    apps: Vec<TextJson>,
    titles: Vec<TextJson>,
    /// Words of titles.
    words: Vec<TextJson>,
    /// Domains, of watchers that record a `url` with a window.
    domains: Vec<TextJson>,
    /// Rules that match nothing that has a category, and together most of what has none.
    suggestions: Vec<SuggestionJson>,
}

/// A text, and how long events without a category had it.
#[derive(Serialize, ToSchema)]
struct TextJson {
    text: String,
    /// Seconds.
    #[schema(value_type = f64)]
    duration: Box<RawValue>,
}

/// A rule that `POST /api/1/categories/accept` adds to a category.
#[derive(Serialize, ToSchema)]
struct SuggestionJson {
    about: AboutJson,
    text: String,
    #[schema(value_type = serde_json::Map<String, Value>)]
    rule: Value,
    /// Seconds without a category that it matches, and no suggestion before it.
    #[schema(value_type = f64)]
    duration: Box<RawValue>,
}

/// The type of a rule.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum AboutJson {
    App,
    Domain,
    Word,
    Title,
}

/// Find what has no category
#[utoipa::path(
    get,
    path = "/api/1/categories/uncategorised",
    operation_id = "list_uncategorised",
    tag = "Categories",
    params(
        ActivityParameters,
        ("limit" = Option<u64>, Query, description = "The most texts in each list, from 1 to 1,000; by default 20"),
        AsOfParameter,
    ),
    responses(
        (status = 200, description = "The time without a category", body = UncategorisedJson),
        (status = 400, description = "A parameter is not valid", body = Error),
        (status = 404, description = "The record that `rules` names did not create a version of the categories", body = Error),
    ),
)]
pub(crate) async fn get(State(app): State<Arc<App>>, uri: Uri) -> Result<Response<Body>, ApiError> {
    let state = snapshot(&app, &uri).await?;
    let query = Query::of(&uri);
    let asked = Asked::read(&state.snapshot, query)?;
    let limit = count(query, "limit", TEXTS.0, TEXTS.1)?;
    let rules = match (
        query.get("categories")?,
        chosen(&app, &state.snapshot, query, asked.period).await?,
    ) {
        (_, Some(rules)) => rules,
        (Some(rules), None) => {
            serde_json::from_str(&rules).map_err(|error| malformed(format!("categories: {error}")))?
        }
        (None, None) => Stored::of(&state.snapshot).categories.map_err(malformed)?.rules(),
    };
    let snapshot = Arc::clone(&state.snapshot);
    let work = move |engine: &Engine, cancel: &Cancel| {
        let of = (&asked.definition, asked.period);
        let found = engine.uncategorised(&snapshot, of, &rules, limit, cancel)?;
        Ok::<_, ApiError>((json_text(json(&found))?, found.warnings))
    };
    Ok(state.mark(answer_on_engine(&app, work).await?))
}

fn json(found: &Uncategorised) -> Result<UncategorisedJson, serde_json::Error> {
    let texts = |list: &[(String, i128)]| {
        let text = |(text, nanos): &(String, i128)| {
            Ok(TextJson {
                text: text.clone(),
                duration: seconds(*nanos)?,
            })
        };
        list.iter()
            .map(text)
            .collect::<Result<Vec<_>, serde_json::Error>>()
    };
    let suggestion = |suggestion: &Suggestion| {
        Ok(SuggestionJson {
            about: match suggestion.about {
                Feature::App => AboutJson::App,
                Feature::Domain => AboutJson::Domain,
                Feature::Word => AboutJson::Word,
                Feature::Title => AboutJson::Title,
            },
            text: suggestion.text.clone(),
            rule: suggestion.rule.clone(),
            duration: seconds(suggestion.nanos)?,
        })
    };
    let suggestions = found.suggestions.iter().map(suggestion);
    Ok(UncategorisedJson {
        total: seconds(found.total)?,
        duration: seconds(found.nanos)?,
        apps: texts(&found.apps)?,
        titles: texts(&found.titles)?,
        words: texts(&found.words)?,
        domains: texts(&found.domains)?,
        suggestions: suggestions.collect::<Result<_, serde_json::Error>>()?,
    })
}

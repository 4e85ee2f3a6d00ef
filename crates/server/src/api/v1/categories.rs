//! `/api/1/categories`: a person's categories, their versions, and changes of them.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, HeaderValue, Response, Uri, header};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use timberline_log::Seq;
use timberline_query::Engine;
use timberline_query::categories::{Categories, Category, CategoryProblem};
use timberline_views::HistoryError;
use utoipa::ToSchema;

use crate::api::as_of::snapshot;
use crate::api::json_body::{json_text, read_json};
use crate::api::openapi::Error;
use crate::api::openapi::parameters::AsOfParameter;
use crate::app::App;
use crate::http::{ApiError, Query, json_answer, run_blocking};
use crate::service::categories::{Change, ChangeError, Difference, Stored, Version, change, version_of};

/// Versions of an answer: unless given, and at most.
const VERSIONS: (usize, usize) = (100, 1_000);

/// A person's categories.
#[derive(Serialize, ToSchema)]
pub(crate) struct CategoriesJson {
    /// Names this version; it is also the `ETag`. Equal categories have equal versions.
    version: String,
    /// Whether somebody has stored them. If not, they are those of the standard web UI.
    stored: bool,
    /// In their order.
    #[schema(value_type = Vec<CategoryJson>)]
    categories: Box<RawValue>,
    /// What is wrong with them. Queries that use a category with a problem fail.
    problems: Vec<ProblemJson>,
}

/// A category. Members that the server does not know are kept.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes JSON and is never constructed")]
pub(super) struct CategoryJson {
    name: CategoryName,
    /// When an event is of this category (`docs/categories.md`).
    rule: Option<Map<String, Value>>,
    /// What the web UI keeps, such as `color` and `score`.
    #[schema(value_type = Value, required = false)]
    data: Option<Value>,
    /// A number of its own; a new category gets one.
    #[schema(value_type = Value, required = false)]
    id: Option<Value>,
}

/// Its path, from the top; the first versions of the web UI stored a string.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "it describes JSON and is never constructed")]
enum CategoryName {
    Path(#[schema(inline)] CategoryPath),
    One(String),
}

/// The names of a category, from the top.
#[derive(Serialize, ToSchema)]
#[schema(min_items = 1)]
#[allow(dead_code, reason = "it describes JSON and is never constructed")]
struct CategoryPath(Vec<String>);

/// Something that is wrong with a category.
#[derive(Serialize, ToSchema)]
struct ProblemJson {
    /// The place of the category, from 0; none if the list itself is not one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    index: Option<usize>,
    category: Vec<String>,
    message: String,
    /// The place of the character in the regular expression, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    position: Option<usize>,
}

impl From<CategoryProblem> for ProblemJson {
    fn from(problem: CategoryProblem) -> Self {
        Self {
            index: Some(problem.index),
            category: problem.name,
            message: problem.message,
            position: problem.position,
        }
    }
}

/// Get the categories
///
/// The setting `classes`, including rules that the standard web UI cannot show.
#[utoipa::path(
    get,
    path = "/api/1/categories",
    operation_id = "get_categories",
    tag = "Categories",
    params(
        ("version" = Option<u64>, Query, description = "The number of a record, from the list of versions: the categories as this record left them"),
        AsOfParameter,
    ),
    responses(
        (status = 200, description = "The categories", body = CategoriesJson, headers(("ETag" = String, description = "The version, in quotes"))),
        (status = 404, description = "This record did not create a version, or is no longer kept", body = Error),
    ),
)]
pub(crate) async fn get(State(app): State<Arc<App>>, uri: Uri) -> Result<Response<Body>, ApiError> {
    if let Some(version) = Query::of(&uri).get("version")? {
        let version = version_named(&app, &version).await?;
        return answer(&app.engine, &version.stored);
    }
    let state = snapshot(&app, &uri).await?;
    let answer = answer(&app.engine, &Stored::of(&state.snapshot))?;
    Ok(state.mark(answer))
}

/// The version that a text names.
pub(crate) async fn version_named(app: &Arc<App>, text: &str) -> Result<Version, ApiError> {
    let seq = text.parse().map(Seq).map_err(|_| {
        ApiError::Malformed(format!(
            "'{text}' is not the number of a record; GET /api/1/categories/versions lists them"
        ))
    })?;
    let of = Arc::clone(app);
    let version = run_blocking(move |_| version_of(&of.store, seq)).await?;
    version.ok_or_else(|| ApiError::NoSuchVersion(seq.get()))
}

fn answer(engine: &Engine, stored: &Stored) -> Result<Response<Body>, ApiError> {
    let text = tokio::task::block_in_place(|| json_text(json(engine, stored)))?;
    let mut response = json_answer(text);
    if let Ok(tag) = HeaderValue::try_from(quoted(&stored.tag())) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

fn json(engine: &Engine, stored: &Stored) -> Result<CategoriesJson, serde_json::Error> {
    let (list, problems) = match &stored.categories {
        Ok(categories) => {
            let list: Vec<_> = categories.list().iter().map(Category::to_api).collect();
            let problems = engine.check_categories(categories).into_iter().map(Into::into);
            (serde_json::value::to_raw_value(&list)?, problems.collect())
        }
        Err(error) => {
            let problem = ProblemJson {
                index: None,
                category: Vec::new(),
                message: error.to_string(),
                position: None,
            };
            (serde_json::value::to_raw_value(&[0u8; 0])?, vec![problem])
        }
    };
    Ok(CategoriesJson {
        version: stored.tag(),
        stored: stored.text.is_some(),
        categories: list,
        problems,
    })
}

/// Categories to be stored. What else `GET` answers may be sent back, too, and does nothing.
#[derive(Deserialize, ToSchema)]
#[schema(as = CategoriesRequest)]
pub(crate) struct NewCategories {
    /// All categories, in their order.
    #[schema(value_type = Vec<CategoryJson>)]
    categories: Box<RawValue>,
}

/// Store categories
///
/// Stores all categories. The standard web UI shows a category with a rule that it does not know as one without a rule, and preserves the rule.
#[utoipa::path(
    put,
    path = "/api/1/categories",
    operation_id = "set_categories",
    tag = "Categories",
    params(("If-Match" = Option<String>, Header, description = "The `ETag` of the version that you have changed. If the categories have changed since, nothing is stored")),
    request_body = NewCategories,
    responses(
        (status = 200, description = "The categories as they are now", body = CategoriesJson, headers(("ETag" = String, description = "The version, in quotes"))),
        (status = 409, description = "Other clients keep changing the categories", body = Error),
        (status = 412, description = "The categories have changed since", body = Error),
    ),
)]
pub(crate) async fn put(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    let form = "The body must be {\"categories\": [categories]}";
    let new: NewCategories = read_json(&app, &headers, body, form).await?;
    let read = || Categories::read(Some(new.categories.get()));
    let categories = tokio::task::block_in_place(read).map_err(ChangeError::Form)?;
    store(&app, &headers, &Change::Replace(categories)).await
}

/// A rule for a category.
#[derive(Deserialize, ToSchema)]
#[schema(as = AcceptRequest)]
#[serde(deny_unknown_fields)]
pub(crate) struct Accepted {
    /// The path of the category. If there is none, it is created.
    #[schema(min_items = 1)]
    category: Vec<String>,
    /// When an event is of this category, too.
    rule: Map<String, Value>,
}

/// Add a rule to a category
///
/// For example one that `GET /api/1/categories/uncategorised` suggests.
#[utoipa::path(
    post,
    path = "/api/1/categories/accept",
    operation_id = "accept_category_rule",
    tag = "Categories",
    params(("If-Match" = Option<String>, Header, description = "The `ETag` of the version that you have seen. If the categories have changed since, nothing is stored")),
    request_body = Accepted,
    responses(
        (status = 200, description = "The categories as they are now", body = CategoriesJson, headers(("ETag" = String, description = "The version, in quotes"))),
        (status = 409, description = "The setting `classes` is not a list of categories", body = Error),
        (status = 412, description = "The categories have changed since", body = Error),
    ),
)]
pub(crate) async fn accept(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    let form = "The body must be {\"category\": [\"Work\"], \"rule\": {rule}}";
    let accepted: Accepted = read_json(&app, &headers, body, form).await?;
    let (name, rule) = (accepted.category, Value::Object(accepted.rule));
    if name.is_empty() {
        return Err(ApiError::Unfit(
            "category: expected a list of names, such as [\"Work\", \"Email\"]".to_owned(),
        ));
    }
    store(&app, &headers, &Change::Accept { name, rule }).await
}

async fn store(app: &Arc<App>, headers: &HeaderMap, what: &Change) -> Result<Response<Body>, ApiError> {
    let wanted = headers.get(header::IF_MATCH).cloned();
    let accepts = wanted.map(|wanted| move |tag: &str| is_one_of(&wanted, tag));
    let expected = accepts
        .as_ref()
        .map(|accepts| accepts as &(dyn Fn(&str) -> bool + Sync));
    let (stored, receipt) = change(app, what, expected).await?;
    if let Some(receipt) = receipt {
        app.settle(receipt).await?;
    }
    answer(&app.engine, &stored)
}

fn quoted(tag: &str) -> String {
    format!("\"{tag}\"")
}

/// Whether `If-Match` names a tag: in a list, in quotes; `*` is any.
fn is_one_of(wanted: &HeaderValue, tag: &str) -> bool {
    let tag = quoted(tag);
    let names = |text: &str| {
        text.split(',')
            .map(str::trim)
            .any(|name| name == "*" || name == tag)
    };
    wanted.to_str().is_ok_and(names)
}

impl From<ChangeError> for ApiError {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Form(_) | ChangeError::Problems(_) => Self::Unfit(error.to_string()),
            ChangeError::Unreadable(_) | ChangeError::Busy => Self::Conflict {
                message: error.to_string(),
                conflicts: Vec::new(),
            },
            ChangeError::TooLarge(_) => Self::TooLarge(error.to_string()),
            ChangeError::Outdated { .. } => Self::Outdated(error.to_string()),
            ChangeError::Hold(error) => error.into(),
        }
    }
}

/// Versions of the categories, the newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct VersionsJson {
    versions: Vec<VersionJson>,
    /// The parameter `to` of the next page, if there are earlier versions.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next: Option<u64>,
}

/// A version, and what it changed of the one before. For the oldest that is kept: of none.
#[derive(Serialize, ToSchema)]
struct VersionJson {
    /// The record that began it.
    seq: u64,
    #[schema(format = DateTime)]
    time: String,
    /// What `GET /api/1/categories` calls `version`.
    version: String,
    /// Whether there were stored categories from then on.
    stored: bool,
    /// Names of categories that were added.
    added: Vec<Vec<String>>,
    removed: Vec<Vec<String>>,
    /// Names of categories that are otherwise than before.
    changed: Vec<Vec<String>>,
}

/// List the versions of the categories
///
/// Every change of the categories is a version. Versions that are older than the history that the server keeps may be missing.
#[utoipa::path(
    get,
    path = "/api/1/categories/versions",
    operation_id = "list_category_versions",
    tag = "Categories",
    params(
        ("to" = Option<u64>, Query, description = "Only versions up to this record"),
        ("limit" = Option<u64>, Query, description = "The most entries, at most 1,000; by default 100"),
    ),
    responses((status = 200, description = "The versions", body = VersionsJson)),
)]
pub(crate) async fn versions(State(app): State<Arc<App>>, uri: Uri) -> Result<Response<Body>, ApiError> {
    let query = Query::of(&uri);
    let number = |name: &str| -> Result<Option<u64>, ApiError> {
        let parse = |text: &str| text.parse().ok();
        let unreadable =
            |text: &str| ApiError::Malformed(format!("{name}: '{text}' is not a whole number, such as 100"));
        let text = query.get(name)?;
        text.map(|text| parse(&text).ok_or_else(|| unreadable(&text)))
            .transpose()
    };
    let to = number("to")?.map_or(Seq(u64::MAX), Seq);
    let limit = number("limit")?.map_or(VERSIONS.0, |n| usize::try_from(n).unwrap_or(VERSIONS.1));
    let limit = limit.clamp(1, VERSIONS.1);
    let json = run_blocking(move |cancel| -> Result<_, HistoryError> {
        // One more, to see what the last one changed.
        let (versions, more) = app.versions.list(&app.store, to, limit + 1, cancel)?;
        Ok(versions_json(&versions, limit, more))
    });
    Ok(json_answer(json_text(Ok(json.await?))?))
}

fn versions_json(versions: &[Version], limit: usize, more: bool) -> VersionsJson {
    let shown = versions.iter().take(limit).enumerate();
    let version = |(i, version): (usize, &Version)| {
        let difference = match versions.get(i + 1) {
            Some(earlier) => Difference::between(&earlier.stored, &version.stored),
            None => Difference::default(),
        };
        VersionJson {
            seq: version.seq.get(),
            time: version.time.to_string(),
            version: version.stored.tag(),
            stored: version.stored.text.is_some(),
            added: difference.added,
            removed: difference.removed,
            changed: difference.changed,
        }
    };
    let earlier = versions.get(limit).or(versions.last().filter(|_| more));
    VersionsJson {
        versions: shown.map(version).collect(),
        next: earlier.map(|version| version.seq.get()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_names_versions_in_quotes() {
        let names = |wanted: &'static str| is_one_of(&HeaderValue::from_static(wanted), "abc");
        assert!(names("\"abc\"") && names("\"x\", \"abc\"") && names("*"));
        assert!(!names("abc") && !names("W/\"abc\"") && !names("\"ABC\"") && !names(""));
    }
}

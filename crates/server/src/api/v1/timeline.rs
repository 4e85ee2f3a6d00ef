//! `GET /api/1/timeline`: what is drawn of any length of time.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use http::{Response, Uri};
use serde::Serialize;
use timberline_cancel::Cancel;
use timberline_query::{CategoriesQuery, Engine, QueryError, TimelineQuery};
use timberline_views::Snapshot;
use utoipa::ToSchema;

use crate::access::Granted;
use crate::api::as_of::snapshot;
use crate::api::on_engine::{answer_on_engine, on_engine};
use crate::api::openapi::Error;
use crate::api::openapi::parameters::AsOfParameter;
use crate::api::v0::events::time_range;
use crate::api::v1::activity_definition::{Asked, boolean, malformed, names};
use crate::api::v1::schema;
use crate::app::App;
use crate::http::{ApiError, Query, json_answer};
use crate::service::chosen_buckets::chosen_buckets;

/// Spans of a lane, if the request does not say how many: a wide screen.
const DEFAULT_WIDTH: usize = 2_000;

/// What each lane of a timeline is for.
#[derive(Serialize, ToSchema)]
#[schema(as = TimelineLanes)]
#[serde(rename_all = "lowercase")]
#[allow(dead_code, reason = "it describes a parameter and is never constructed")]
pub(crate) enum Lanes {
    /// A bucket.
    Bucket,
    /// A category of what the person did.
    Category,
}

/// Get a timeline
///
/// At most `width` spans for each bucket, however long the period is. If there are few events, each is a span. Otherwise
/// the spans have equal length, and each says how much of it is covered, and which data have the most time in it.
#[utoipa::path(
    get,
    path = "/api/1/timeline",
    operation_id = "get_timeline",
    tag = "Time",
    params(
        ("start" = Option<String>, Query, description = "The start of the period, in RFC 3339; by default the first event. `lanes=category` needs it", format = DateTime, nullable = false),
        ("end" = Option<String>, Query, description = "The end of the period; by default the last event", format = DateTime, nullable = false),
        ("width" = Option<usize>, Query, description = "The most spans in a lane; by default 2,000", minimum = 2, maximum = 20000, nullable = false),
        ("bucket" = Option<Vec<String>>, Query, description = "Only these buckets; `*` stands for any text", nullable = false),
        ("lanes" = Option<Lanes>, Query, description = "`bucket` (the default) for a lane for each bucket, `category` for a lane for each category of your activity"),
        ("devices" = Option<String>, Query, description = "Only these host names, separated by commas", nullable = false),
        ("filter_afk" = Option<bool>, Query, description = "With `lanes=category`: as for `/api/1/activity`", nullable = false),
        ("audible" = Option<bool>, Query, description = "The same", nullable = false),
        ("stopwatch" = Option<bool>, Query, description = "The same", nullable = false),
        ("always_active" = Option<String>, Query, description = "The same", nullable = false),
        ("categories" = Option<String>, Query, description = "The same", nullable = false),
        ("category" = Option<Vec<String>>, Query, description = "The same", nullable = false),
        AsOfParameter,
    ),
    responses(
        (status = 200, description = "The timeline", body = schema::Timeline),
        (status = 404, description = "There is no such bucket", body = Error),
    ),
)]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    granted: Option<Extension<Granted>>,
    uri: Uri,
) -> Result<Response<Body>, ApiError> {
    let parameters = Query::of(&uri);
    match (parameters.get("lanes")?.as_deref(), &granted) {
        (None | Some("bucket"), _) => {}
        // A token for some buckets is not for what is computed from several.
        (Some("category"), Some(granted)) => return Err(granted.refusal().into()),
        (Some("category"), None) => return categories(&app, &uri).await,
        (Some(other), _) => {
            return Err(malformed(format!(
                "lanes: '{other}' is neither bucket nor category"
            )));
        }
    }
    let wanted = Wanted::of(parameters)?;
    let state = snapshot(&app, &uri).await?;
    let may_see = |id: &str| granted.as_ref().is_none_or(|granted| granted.covers(id));
    let query = wanted.query(&state.snapshot, may_see, state.past)?;
    let shown = Arc::clone(&state.snapshot);
    let timeline = on_engine(&app, move |engine: &Engine, cancel: &Cancel| {
        let timeline = engine.timeline(&shown, &query, cancel)?;
        Ok::<_, QueryError>(timeline.to_json())
    });
    Ok(state.mark(json_answer(timeline.await?)))
}

/// A lane for each category.
async fn categories(app: &Arc<App>, uri: &Uri) -> Result<Response<Body>, ApiError> {
    let state = snapshot(app, uri).await?;
    let parameters = Query::of(uri);
    let asked = Asked::read(&state.snapshot, parameters)?;
    let (width, past, shown) = (width(parameters)?, state.past, Arc::clone(&state.snapshot));
    let work = move |engine: &Engine, cancel: &Cancel| {
        let query = CategoriesQuery {
            definition: &asked.definition,
            calendar: &asked.calendar,
            period: asked.period,
            width,
            past,
        };
        let (timeline, warnings) = engine.timeline_of_categories(&shown, &query, cancel)?;
        Ok::<_, QueryError>((timeline.to_json(), warnings))
    };
    Ok(state.mark(answer_on_engine(app, work).await?))
}

/// What a client asks for.
struct Wanted {
    query: TimelineQuery,
    patterns: Vec<String>,
    devices: Vec<String>,
}

impl Wanted {
    fn of(query: Query<'_>) -> Result<Wanted, ApiError> {
        // They are about categories and mean nothing here. What cannot be read is refused all the same.
        for name in ["filter_afk", "audible", "stopwatch"] {
            boolean(query, name)?;
        }
        let range = time_range(query)?;
        if let (Some(start), Some(end)) = (range.start, range.end)
            && start >= end
        {
            let message = format!("A timeline ends after it starts: start is {start}, end is {end}");
            return Err(ApiError::Malformed(message));
        }
        Ok(Wanted {
            query: TimelineQuery {
                buckets: Vec::new(),
                start: range.start,
                end: range.end,
                width: width(query)?,
                past: false,
            },
            patterns: query.get_all("bucket")?,
            devices: names(query.get("devices")?).unwrap_or_default(),
        })
    }

    fn query(
        self,
        snapshot: &Snapshot,
        may_see: impl Fn(&str) -> bool,
        past: bool,
    ) -> Result<TimelineQuery, ApiError> {
        let mut buckets = chosen_buckets(snapshot, &self.patterns, may_see)?;
        if !self.devices.is_empty() {
            let is_of = |id: &String| {
                let bucket = snapshot.bucket(id);
                bucket.is_some_and(|view| self.devices.contains(&view.bucket().hostname))
            };
            buckets.retain(is_of);
        }
        Ok(TimelineQuery {
            buckets,
            past,
            ..self.query
        })
    }
}

fn width(query: Query<'_>) -> Result<usize, ApiError> {
    let Some(text) = query.get("width")? else {
        return Ok(DEFAULT_WIDTH);
    };
    let (least, greatest) = (TimelineQuery::LEAST_WIDTH, TimelineQuery::GREATEST_WIDTH);
    let width = text.parse().ok();
    width
        .filter(|width| (least..=greatest).contains(width))
        .ok_or_else(|| ApiError::Malformed(format!("width is a whole number from {least} to {greatest}")))
}

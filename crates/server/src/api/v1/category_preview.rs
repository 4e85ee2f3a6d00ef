//! `POST /api/1/categories/preview`: what changed categories would move.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Response};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use timberline_query::activity::Definition;
use timberline_query::categories::{Categories, CategoryMove, CategoryMoves};
use timberline_query::{Cancel, Engine, Period};
use timberline_views::Snapshot;
use utoipa::ToSchema;

use super::activity::seconds;
use super::categories::CategoryJson;
use crate::api::json_body::{json_text, read_json};
use crate::api::on_engine::answer_on_engine;
use crate::app::App;
use crate::http::ApiError;
use crate::service::categories::{Stored, check};
use crate::service::person;

/// Samples of each move: unless given, and at most.
const SAMPLES: (usize, usize) = (5, 100);

/// Categories to try, and the period to try them on.
#[derive(Deserialize, ToSchema)]
#[schema(as = CategoryPreviewRequest)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    /// All categories, as `PUT /api/1/categories` takes them.
    #[schema(value_type = Vec<CategoryJson>)]
    categories: Box<RawValue>,
    /// Where the period begins.
    #[schema(format = DateTime)]
    start: String,
    /// Where it ends.
    #[schema(format = DateTime)]
    end: String,
    /// Hostnames; all that have a bucket of windows unless given.
    devices: Option<Vec<String>>,
    /// Samples of each move, at most 100; 5 unless given.
    samples: Option<usize>,
}

/// The time that would be in another category.
#[derive(Serialize, ToSchema)]
pub(crate) struct MovesJson {
    /// Seconds of all activity of the period.
    #[schema(value_type = f64)]
    duration: Box<RawValue>,
    /// Seconds that would be in another category.
    #[schema(value_type = f64)]
    moved: Box<RawValue>,
    /// The pairs of categories with the most time, longest first.
    moves: Vec<MoveJson>,
}

/// The time that would move from one category to another.
#[derive(Serialize, ToSchema)]
struct MoveJson {
    #[schema(value_type = Vec<String>)]
    from: Box<RawValue>,
    #[schema(value_type = Vec<String>)]
    to: Box<RawValue>,
    /// Seconds.
    #[schema(value_type = f64)]
    duration: Box<RawValue>,
    /// The data with the most time.
    samples: Vec<SampleJson>,
}

/// An example of data that would be in another category.
#[derive(Serialize, ToSchema)]
struct SampleJson {
    #[schema(value_type = serde_json::Map<String, serde_json::Value>)]
    data: Box<RawValue>,
    /// Seconds.
    #[schema(value_type = f64)]
    duration: Box<RawValue>,
}

/// Try categories
///
/// Says how much time of a period would move from one category to another. Nothing is changed.
#[utoipa::path(
    post,
    path = "/api/1/categories/preview",
    operation_id = "preview_categories",
    tag = "Categories",
    request_body = Request,
    responses((status = 200, description = "The time that would be in another category", body = MovesJson)),
)]
pub(crate) async fn post(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    let form = "The body must be {\"categories\": [categories], \"start\": time, \"end\": time}";
    let request: Request = read_json(&app, &headers, body, form).await?;
    let snapshot = app.store.snapshot();
    let of = request.period()?;
    let definition = request.definition(&snapshot)?;
    let now = Stored::of(&snapshot).categories.map_err(unfit)?.rules();
    let then = Categories::read(Some(request.categories.get())).map_err(unfit)?;
    tokio::task::block_in_place(|| check(&app.engine, &then))?;
    let samples = request.samples.unwrap_or(SAMPLES.0).min(SAMPLES.1);
    let work = move |engine: &Engine, cancel: &Cancel| {
        let (then, of) = (then.rules(), (&definition, of));
        let moves = engine.preview_categories(&snapshot, of, (&now, &then), samples, cancel)?;
        Ok::<_, ApiError>((json_text(json(&moves))?, moves.warnings))
    };
    answer_on_engine(&app, work).await
}

fn unfit(error: impl std::fmt::Display) -> ApiError {
    ApiError::Unfit(error.to_string())
}

impl Request {
    fn period(&self) -> Result<Period, ApiError> {
        let period = Period::parse(&format!("{}/{}", self.start, self.end)).map_err(unfit)?;
        match period.start <= period.end {
            true => Ok(period),
            false => Err(ApiError::Unfit(
                "end: the period ends before it begins".to_owned(),
            )),
        }
    }

    fn definition(&self, snapshot: &Snapshot) -> Result<Definition, ApiError> {
        let mut definition = Definition::of_devices(snapshot, self.devices.as_deref()).map_err(unfit)?;
        definition.always_active_pattern = person::always_active_pattern(snapshot.settings());
        definition.check().map_err(unfit)?;
        Ok(definition)
    }
}

fn json(moves: &CategoryMoves) -> Result<MovesJson, serde_json::Error> {
    let raw = |text: &String| RawValue::from_string(text.clone());
    let sample = |(data, nanos): &(String, i128)| {
        Ok(SampleJson {
            data: raw(data)?,
            duration: seconds(*nanos)?,
        })
    };
    let one = |one: &CategoryMove| {
        Ok(MoveJson {
            from: raw(&one.from)?,
            to: raw(&one.to)?,
            duration: seconds(one.nanos)?,
            samples: one
                .samples
                .iter()
                .map(sample)
                .collect::<Result<_, serde_json::Error>>()?,
        })
    };
    Ok(MovesJson {
        duration: seconds(moves.total)?,
        moved: seconds(moves.moves.iter().map(|one| one.nanos).sum())?,
        moves: moves
            .moves
            .iter()
            .map(one)
            .collect::<Result<_, serde_json::Error>>()?,
    })
}

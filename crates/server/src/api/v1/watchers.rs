//! `/api/1/watchers`: the watchers that run in this process.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Response};
use serde::Deserialize;
use timberline_model::{Duration, Timestamp};
use utoipa::ToSchema;

use crate::api::json_body::{json_text, parse_json};
use crate::api::openapi::Error;
use crate::api::param::Param;
use crate::app::App;
use crate::http::{ApiError, collect, collect_json, json_answer};
use crate::service::person::{CalendarChoice, calendar};
use crate::service::watchers::{self, Command, CommandError, WatcherList};

/// How long to pause. Without a field: until somebody resumes.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = WatcherPauseRequest)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PauseRequest {
    /// For so many seconds.
    #[schema(minimum = 1, maximum = 31_622_400)]
    seconds: Option<u32>,
    /// Until then: a time, or `tomorrow` for the beginning of the next day.
    until: Option<String>,
    /// The time zone of `tomorrow`; otherwise that of the settings.
    zone: Option<String>,
}

/// The longest pause that has an end: a leap year.
const LONGEST: u32 = 366 * 86_400;

const FORM: &str =
    "A pause is {}, {\"seconds\": 900}, {\"until\": \"tomorrow\"} or {\"until\": \"2026-03-01T10:00:00Z\"}";

impl PauseRequest {
    /// When the pause ends.
    fn end(&self, app: &App) -> Result<Option<Timestamp>, ApiError> {
        let now = app.store.now();
        let unfit = |error: &dyn std::fmt::Display| ApiError::Unfit(format!("{FORM}: {error}"));
        let end = match (self.seconds, self.until.as_deref()) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => return Err(unfit(&"there is either seconds or until")),
            (Some(seconds), None) if (1..=LONGEST).contains(&seconds) => {
                now.saturating_add(Duration::from_secs(i64::from(seconds)))
            }
            (Some(_), None) => return Err(unfit(&"seconds are from 1 to 31622400")),
            (None, Some("tomorrow")) => {
                let choice = CalendarChoice {
                    zone: self.zone.as_deref(),
                    ..CalendarChoice::default()
                };
                let calendar =
                    calendar(app.store.snapshot().settings(), &choice).map_err(|error| unfit(&error))?;
                calendar.day(now).end
            }
            (None, Some(time)) => Timestamp::parse(time).map_err(|error| unfit(&error))?,
        };
        if end <= now {
            return Err(unfit(&"that time is over"));
        }
        Ok(Some(end))
    }
}

/// List the watchers
///
/// The watchers that run in this process: modules of Timberline, and watchers of ActivityWatch. A server that was not started by
/// `timberline up` has none, and says so.
#[utoipa::path(
    get,
    path = "/api/1/watchers",
    operation_id = "list_watchers",
    tag = "Watchers",
    responses((status = 200, description = "The watchers", body = WatcherList)),
)]
pub(crate) async fn list(State(app): State<Arc<App>>) -> Result<Response<Body>, ApiError> {
    answer(&app)
}

/// Switch a watcher on
///
/// It runs unless it is paused, also after a restart. A program that was installed since the start is found by its name.
#[utoipa::path(
    post,
    path = "/api/1/watchers/{name}/enable",
    operation_id = "enable_watcher",
    tag = "Watchers",
    params(("name" = String, Path, description = "The watcher")),
    responses(
        (status = 200, description = "The watchers", body = WatcherList),
        (status = 404, description = "There is no such watcher", body = Error),
    ),
)]
pub(crate) async fn enable(
    State(app): State<Arc<App>>,
    Param(name): Param<String>,
) -> Result<Response<Body>, ApiError> {
    carry_out(app, Some(name), Command::Enable).await
}

/// Switch a watcher off
#[utoipa::path(
    post,
    path = "/api/1/watchers/{name}/disable",
    operation_id = "disable_watcher",
    tag = "Watchers",
    params(("name" = String, Path, description = "The watcher")),
    responses(
        (status = 200, description = "The watchers", body = WatcherList),
        (status = 404, description = "There is no such watcher", body = Error),
    ),
)]
pub(crate) async fn disable(
    State(app): State<Arc<App>>,
    Param(name): Param<String>,
) -> Result<Response<Body>, ApiError> {
    carry_out(app, Some(name), Command::Disable).await
}

/// Pause a watcher
///
/// The pause is also an event in the bucket `timberline-watchers_HOST`. It continues after a restart. Without a body it lasts until
/// the watcher is resumed.
#[utoipa::path(
    post,
    path = "/api/1/watchers/{name}/pause",
    operation_id = "pause_watcher",
    tag = "Watchers",
    params(("name" = String, Path, description = "The watcher")),
    request_body = Option<PauseRequest>,
    responses(
        (status = 200, description = "The watchers", body = WatcherList),
        (status = 404, description = "There is no such watcher", body = Error),
        (status = 422, description = "There is no such pause", body = Error),
    ),
)]
pub(crate) async fn pause(
    State(app): State<Arc<App>>,
    Param(name): Param<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    let until = requested(&app, &headers, body).await?;
    carry_out(app, Some(name), Command::Pause(until)).await
}

/// Resume a watcher
///
/// If all watchers are paused, the others stay paused.
#[utoipa::path(
    post,
    path = "/api/1/watchers/{name}/resume",
    operation_id = "resume_watcher",
    tag = "Watchers",
    params(("name" = String, Path, description = "The watcher")),
    responses(
        (status = 200, description = "The watchers", body = WatcherList),
        (status = 404, description = "There is no such watcher", body = Error),
    ),
)]
pub(crate) async fn resume(
    State(app): State<Arc<App>>,
    Param(name): Param<String>,
) -> Result<Response<Body>, ApiError> {
    carry_out(app, Some(name), Command::Resume).await
}

/// Switch all watchers to what the configuration says
#[utoipa::path(
    post,
    path = "/api/1/watchers/enable",
    operation_id = "enable_watchers",
    tag = "Watchers",
    responses((status = 200, description = "The watchers", body = WatcherList)),
)]
pub(crate) async fn enable_all(State(app): State<Arc<App>>) -> Result<Response<Body>, ApiError> {
    carry_out(app, None, Command::Enable).await
}

/// Switch all watchers off
#[utoipa::path(
    post,
    path = "/api/1/watchers/disable",
    operation_id = "disable_watchers",
    tag = "Watchers",
    responses((status = 200, description = "The watchers", body = WatcherList)),
)]
pub(crate) async fn disable_all(State(app): State<Arc<App>>) -> Result<Response<Body>, ApiError> {
    carry_out(app, None, Command::Disable).await
}

/// Pause all watchers
///
/// Also pauses watchers that are added later. A watcher whose own pause ends later stays paused until then.
#[utoipa::path(
    post,
    path = "/api/1/watchers/pause",
    operation_id = "pause_watchers",
    tag = "Watchers",
    request_body = Option<PauseRequest>,
    responses(
        (status = 200, description = "The watchers", body = WatcherList),
        (status = 422, description = "There is no such pause", body = Error),
    ),
)]
pub(crate) async fn pause_all(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    let until = requested(&app, &headers, body).await?;
    carry_out(app, None, Command::Pause(until)).await
}

/// Resume all watchers
#[utoipa::path(
    post,
    path = "/api/1/watchers/resume",
    operation_id = "resume_watchers",
    tag = "Watchers",
    responses((status = 200, description = "The watchers", body = WatcherList)),
)]
pub(crate) async fn resume_all(State(app): State<Arc<App>>) -> Result<Response<Body>, ApiError> {
    carry_out(app, None, Command::Resume).await
}

/// When the pause that a request asks for ends.
async fn requested(app: &App, headers: &HeaderMap, body: Body) -> Result<Option<Timestamp>, ApiError> {
    let body = if headers.contains_key(CONTENT_TYPE) {
        collect_json(headers, body, &app.bodies).await?
    } else {
        collect(body, &app.bodies).await?
    };
    let request = if body.is_empty() {
        PauseRequest::default()
    } else {
        parse_json(&body, FORM)?
    };
    request.end(app)
}

async fn carry_out(
    app: Arc<App>,
    name: Option<String>,
    command: Command,
) -> Result<Response<Body>, ApiError> {
    if let Some(watchers) = app.watchers.clone() {
        let doing = tokio::task::spawn_blocking(move || watchers.command(name.as_deref(), command));
        let done = doing
            .await
            .map_err(|error| ApiError::Internal(format!("The command broke off: {error}")))?;
        match done {
            Ok(()) => {}
            Err(CommandError::Unknown(name)) => return Err(ApiError::NoSuchWatcher(name)),
            Err(error @ CommandError::NotStarted(_)) => return Err(ApiError::Unavailable(error.to_string())),
            Err(error @ CommandError::NotKept(_)) => return Err(ApiError::Internal(error.to_string())),
        }
    } else if let Some(name) = name {
        return Err(ApiError::NoSuchWatcher(name));
    }
    answer(&app)
}

fn answer(app: &App) -> Result<Response<Body>, ApiError> {
    let list = watchers::list(app.watchers.as_deref());
    Ok(json_answer(json_text(Ok(list))?))
}

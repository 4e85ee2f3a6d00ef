//! `/api/1/import`: sources on this machine, found and imported by the server. An upload is `POST /api/0/import`.

use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::api::json_body::read_json;
use crate::api::openapi::Error;
use crate::api::param::Param;
use crate::api::v1::schema;
use crate::app::App;
use crate::http::{ApiError, json_answer, run_blocking};
use crate::merge::{SettingsRule, detected, detected_at, detected_json};
use crate::service::import_run::{Run, RunRequest, start};

/// A source to import.
#[derive(Deserialize, ToSchema)]
#[schema(as = ImportRequest)]
pub(crate) struct Request {
    /// The path that was found.
    #[schema(value_type = String)]
    path: PathBuf,
    #[serde(default)]
    settings: Rule,
    /// Compare everything, and store nothing.
    #[serde(default)]
    dry_run: bool,
}

/// What happens to a setting that has another value here.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[schema(as = SettingsRule)]
#[serde(rename_all = "lowercase")]
enum Rule {
    #[default]
    Keep,
    Replace,
}

/// Look for data to import
///
/// Looks for data of ActivityWatch on the server's machine.
#[utoipa::path(
    post,
    path = "/api/1/import/detect",
    operation_id = "detect_imports",
    tag = "Export and import",
    responses((status = 200, description = "What was found", body = schema::FoundSources)),
)]
pub(crate) async fn detect() -> Result<Response<Body>, ApiError> {
    let found = run_blocking(|_| Ok::<_, ApiError>(detected())).await?;
    Ok(answer(&detected_json(&found)))
}

/// Start an import
///
/// Starts to import data that `POST /api/1/import/detect` has found. Only one import runs at a time.
#[utoipa::path(
    post,
    path = "/api/1/import/run",
    operation_id = "run_import",
    tag = "Export and import",
    request_body = Request,
    responses(
        (status = 202, description = "The import has begun", body = schema::ImportRun),
        (status = 409, description = "An import is running already", body = Error),
        (status = 422, description = "This is no import, or no source that is found", body = Error),
    ),
)]
pub(crate) async fn run(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    let request: Request = read_json(&app, &headers, body, "An import is {\"path\": \"…\"}").await?;
    // Before it is looked for: the run that reads a database has it open, and then it is not found.
    if let Some(running) = app.import_runs.running() {
        return Err(already_running(&running));
    }
    // The server reads no file but those that it finds itself: a path is no way to have it read others.
    let path = request.path;
    let found = run_blocking(move |_| Ok::<_, ApiError>(detected_at(&path))).await?;
    let found = found.ok_or_else(|| {
        ApiError::Unfit(
            "The server imports only what POST /api/1/import/detect finds; for other files there are the command `timberline \
             import` and POST /api/0/import"
                .to_owned(),
        )
    })?;
    let started = start(
        &app,
        RunRequest::Source {
            path: found.path,
            rule: match request.settings {
                Rule::Keep => SettingsRule::Keep,
                Rule::Replace => SettingsRule::Replace,
            },
            dry_run: request.dry_run,
        },
    );
    let run = started.map_err(|running| already_running(&running))?;
    let mut response = answer(&run.to_json());
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

pub(super) fn already_running(run: &Run) -> ApiError {
    ApiError::Conflict {
        message: "An import is running already".to_owned(),
        conflicts: vec![run.id().to_string()],
    }
}

/// Get the progress of an import
#[utoipa::path(
    get,
    path = "/api/1/import/run/{id}",
    operation_id = "get_import",
    tag = "Export and import",
    params(("id" = String, Path, description = "The id of the import")),
    responses(
        (status = 200, description = "The import", body = schema::ImportRun),
        (status = 404, description = "There is no such import", body = Error),
    ),
)]
pub(crate) async fn state(
    State(app): State<Arc<App>>,
    Param(id): Param<String>,
) -> Result<Response<Body>, ApiError> {
    Ok(answer(&find(&app, &id)?.to_json()))
}

/// Cancel an import
///
/// Events that it has already stored stay.
#[utoipa::path(
    delete,
    path = "/api/1/import/run/{id}",
    operation_id = "cancel_import",
    tag = "Export and import",
    params(("id" = String, Path, description = "The id of the import")),
    responses(
        (status = 200, description = "It ends at the next batch", body = schema::CancelledImport),
        (status = 404, description = "There is no such import", body = Error),
    ),
)]
pub(crate) async fn cancel(
    State(app): State<Arc<App>>,
    Param(id): Param<String>,
) -> Result<Response<Body>, ApiError> {
    let run = find(&app, &id)?;
    run.cancel();
    Ok(answer(&json!({ "id": id, "cancelled": true })))
}

fn find(app: &App, id: &str) -> Result<Arc<Run>, ApiError> {
    app.import_runs.find(id).ok_or(ApiError::NoSuchRoute)
}

fn answer(value: &Value) -> Response<Body> {
    json_answer(value.to_string().into_bytes())
}

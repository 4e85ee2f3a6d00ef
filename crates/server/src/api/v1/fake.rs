//! `/api/1/fake`: fake data, to try the server with.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Response, StatusCode};
use serde::Deserialize;
use serde_json::error::Category;
use timberline_fake::{Plan, Profile, Wanted};
use utoipa::ToSchema;

use crate::api::openapi::Error;
use crate::api::v1::import::already_running;
use crate::api::v1::purge::{COMPLETED, receipt_json};
use crate::api::v1::schema;
use crate::app::App;
use crate::http::{ApiError, collect_json, json_answer};
use crate::merge::{FakeError, check_free, fake_buckets};
use crate::service::import_run::{RunRequest, start};
use crate::service::purge::purge_buckets;

/// Fake data to make.
#[derive(Deserialize, ToSchema)]
#[schema(as = FakeRequest)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    /// How many days, up to ten years.
    #[serde(default = "ninety")]
    #[schema(minimum = 1, maximum = 3660)]
    days: u32,
    /// Another seed gives other days.
    #[serde(default = "one")]
    seed: u64,
    #[serde(default)]
    profile: ProfileName,
    /// How many devices: 1 or 2.
    #[serde(default = "two")]
    #[schema(minimum = 1, maximum = 2)]
    devices: u32,
    /// The first day. Without it, the last day is today and ends now.
    #[schema(format = Date)]
    start: Option<String>,
    /// The time zone of the invented person, such as Europe/Berlin.
    #[serde(default = "utc")]
    zone: String,
}

/// Who the invented person is.
#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[schema(as = FakeProfile)]
#[serde(rename_all = "lowercase")]
enum ProfileName {
    #[default]
    Developer,
    Student,
    Manager,
}

fn one() -> u64 {
    1
}

fn two() -> u32 {
    2
}

fn ninety() -> u32 {
    90
}

fn utc() -> String {
    "UTC".to_owned()
}

impl Request {
    fn plan(&self, app: &App) -> Result<Plan, ApiError> {
        let wanted = Wanted {
            days: self.days,
            seed: self.seed,
            devices: self.devices,
            profile: match self.profile {
                ProfileName::Developer => Profile::Developer,
                ProfileName::Student => Profile::Student,
                ProfileName::Manager => Profile::Manager,
            },
            start: self.start.as_deref(),
            zone: &self.zone,
            now: app.store.now(),
        };
        Plan::new(&wanted).map_err(|error| ApiError::Unfit(error.to_string()))
    }
}

/// Make fake data
///
/// Generates days in the life of a person who does not exist, and stores them in separate buckets, in the background. Those buckets have
/// `"fake": true` in their data. `GET /api/1/import/run/{id}` says how far it is.
#[utoipa::path(
    post,
    path = "/api/1/fake",
    operation_id = "begin_fake",
    tag = "Export and import",
    request_body = Request,
    responses(
        (status = 202, description = "It has begun", body = schema::ImportRun),
        (status = 409, description = "There are fake data already, or an import is running", body = Error),
        (status = 422, description = "There is no such plan", body = Error),
    ),
)]
pub(crate) async fn begin(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    let request: Request = {
        let body = collect_json(&headers, body, &app.bodies).await?;
        serde_json::from_slice(&body).map_err(|error| match error.classify() {
            Category::Data => {
                ApiError::Unfit(format!("Fake data are {{\"days\": 90, \"seed\": 1}}: {error}"))
            }
            _ => ApiError::Malformed(format!("The body is not JSON: {error}")),
        })?
    };
    let plan = request.plan(&app)?;
    check_free(&app.store.snapshot(), &plan)?;
    let run = start(&app, RunRequest::Fake(plan)).map_err(|running| already_running(&running))?;
    let mut response = json_answer(run.to_json().to_string().into_bytes());
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

/// Remove fake data
///
/// Permanently erases all fake buckets, also those in the trash, and nothing else.
#[utoipa::path(
    delete,
    path = "/api/1/fake",
    operation_id = "remove_fake",
    tag = "Export and import",
    responses(
        (status = 200, description = "They are erased; the receipt", body = schema::ErasureReceipt),
        (status = 202, description = "They are hidden, and are erased as soon as possible", body = schema::ErasureReceipt),
        (status = 409, description = "An import is running", body = Error),
    ),
)]
pub(crate) async fn remove(State(app): State<Arc<App>>) -> Result<Response<Body>, ApiError> {
    // It may be the one that makes them.
    if let Some(running) = app.import_runs.running() {
        return Err(already_running(&running));
    }
    let working = Arc::clone(&app);
    let erased = tokio::task::spawn_blocking(move || {
        let keys = fake_buckets(&working.store.snapshot());
        purge_buckets(&working, keys)
    });
    let receipt = erased
        .await
        .map_err(|_| ApiError::Internal("The removal broke off".to_owned()))??;
    let answer = receipt_json(receipt, false, app.store.now());
    let mut response = json_answer(answer.to_string().into_bytes());
    if answer["state"] != COMPLETED {
        *response.status_mut() = StatusCode::ACCEPTED;
    }
    Ok(response)
}

impl From<FakeError> for ApiError {
    fn from(error: FakeError) -> Self {
        let bucket = match &error {
            FakeError::AlreadyThere(bucket) | FakeError::Taken(bucket) => bucket.clone(),
        };
        Self::Conflict {
            message: error.to_string(),
            conflicts: vec![bucket],
        }
    }
}

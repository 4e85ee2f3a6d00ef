//! `/api/1/webhooks`: requests that the server sends to other programs.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Response, StatusCode};
use serde::{Deserialize, Serialize};
use timberline_log::Seq;
use utoipa::{IntoParams, ToSchema};

use crate::api::json_body::{json_text, read_json};
use crate::api::openapi::Error;
use crate::api::param::Param;
use crate::app::App;
use crate::causes::with_causes;
use crate::http::{ApiError, json_answer, run_blocking};
use crate::service::webhooks::{Attempt, Change, Definition, Hook, Trigger, Webhooks};

/// Which webhook.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[allow(dead_code, reason = "it describes a parameter and is never constructed")]
pub(crate) struct Which {
    /// The id of the webhook.
    id: String,
}

/// A webhook.
#[derive(Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(crate) struct View {
    id: String,
    url: String,
    name: String,
    trigger: Trigger,
    max_tries: u32,
    /// When it was made, RFC 3339.
    created: String,
    /// Why it sends nothing; null while it does.
    #[schema(required)]
    paused: Option<String>,
    /// The record up to which everything is delivered. Only of webhooks for records.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    position: Option<u64>,
    /// The id of the delivery that is being tried.
    #[schema(required)]
    pending: Option<String>,
    /// How many attempts at it have failed since the server started.
    failed: u32,
    /// The last attempt since the server started.
    #[schema(required)]
    last: Option<AttemptView>,
    /// What deliveries are signed with. Only the answer to the request that made it has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    secret: Option<String>,
}

/// An attempt to deliver something.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookAttempt)]
pub(crate) struct AttemptView {
    /// The id of the delivery.
    delivery: String,
    /// RFC 3339.
    time: String,
    /// The status of the answer; null if there was none.
    #[schema(required)]
    status: Option<u16>,
    /// Why it has failed; null if it has not.
    #[schema(required)]
    error: Option<String>,
}

/// All webhooks.
#[derive(Serialize, ToSchema)]
#[schema(as = Webhooks)]
pub(crate) struct List {
    webhooks: Vec<View>,
}

/// The newest attempts since the server started, the newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookDeliveries)]
pub(crate) struct Deliveries {
    deliveries: Vec<AttemptView>,
}

/// A change of a webhook. What is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookChange)]
pub(crate) struct Patch {
    #[schema(max_length = 2048, pattern = "^[Hh][Tt][Tt][Pp][Ss]?://")]
    url: Option<String>,
    #[schema(max_length = 200)]
    name: Option<String>,
    trigger: Option<Trigger>,
    #[schema(minimum = 1, maximum = 1000)]
    max_tries: Option<u32>,
    /// Whether it sends nothing. `false` also continues one that has given up.
    paused: Option<bool>,
    /// `true` gives it another secret, which the answer has.
    #[serde(default)]
    new_secret: bool,
}

/// Where to begin again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookReplay)]
pub(crate) struct Replay {
    /// The first record to deliver.
    #[schema(minimum = 1)]
    from: u64,
}

/// What came of a test.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookTest)]
pub(crate) struct Tested {
    /// Whether the receiver answered with a status from 200 to 299.
    delivered: bool,
    /// The status of the answer; null if there was none.
    #[schema(required)]
    status: Option<u16>,
    /// Why it has failed; null if it has not.
    #[schema(required)]
    error: Option<String>,
}

/// List webhooks
#[utoipa::path(
    get,
    path = "/api/1/webhooks",
    operation_id = "list_webhooks",
    tag = "Live",
    responses((status = 200, description = "All webhooks", body = List)),
)]
pub(crate) async fn list(State(app): State<Arc<App>>) -> Result<Response<Body>, ApiError> {
    let hooks = app.webhooks.list();
    let webhooks = hooks.iter().map(|hook| View::of(hook)).collect();
    answer(StatusCode::OK, &List { webhooks })
}

/// Create a webhook
///
/// It reports only what happens from now on. The answer contains the secret that deliveries are signed with; it is never shown
/// again. `docs/webhooks.md` describes the deliveries.
#[utoipa::path(
    post,
    path = "/api/1/webhooks",
    operation_id = "create_webhook",
    tag = "Live",
    request_body = Definition,
    responses((status = 201, description = "The webhook, with its secret", body = View)),
)]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    let definition: Definition = read_json(&app, &headers, body, "The body").await?;
    let hook = run_blocking(move |_| app.webhooks.create(&app, definition)).await?;
    answer(StatusCode::CREATED, &View::of(&hook).with_secret(&hook))
}

/// Get a webhook
#[utoipa::path(
    get,
    path = "/api/1/webhooks/{id}",
    operation_id = "get_webhook",
    tag = "Live",
    params(Which),
    responses(
        (status = 200, description = "The webhook", body = View),
        (status = 404, description = "There is no such webhook", body = Error),
    ),
)]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Param(id): Param<String>,
) -> Result<Response<Body>, ApiError> {
    let hook = find(&app, id)?;
    answer(StatusCode::OK, &View::of(&hook))
}

/// Change a webhook
#[utoipa::path(
    patch,
    path = "/api/1/webhooks/{id}",
    operation_id = "update_webhook",
    tag = "Live",
    params(Which),
    request_body = Patch,
    responses(
        (status = 200, description = "The webhook as it is now", body = View),
        (status = 404, description = "There is no such webhook", body = Error),
    ),
)]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    Param(id): Param<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    let patch: Patch = read_json(&app, &headers, body, "The body").await?;
    let old = find(&app, id.clone())?;
    let new_secret = patch.new_secret;
    let change = patch.change(&old.webhook().definition);
    let hook = run_blocking(move |_| app.webhooks.update(&app, &id, change)).await?;
    let view = View::of(&hook);
    match new_secret {
        true => answer(StatusCode::OK, &view.with_secret(&hook)),
        false => answer(StatusCode::OK, &view),
    }
}

/// Delete a webhook
#[utoipa::path(
    delete,
    path = "/api/1/webhooks/{id}",
    operation_id = "delete_webhook",
    tag = "Live",
    params(Which),
    responses(
        (status = 204, description = "It is deleted"),
        (status = 404, description = "There is no such webhook", body = Error),
    ),
)]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    Param(id): Param<String>,
) -> Result<StatusCode, ApiError> {
    run_blocking(move |_| app.webhooks.delete(&app, &id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List the deliveries of a webhook
///
/// The last hundred attempts since the server started, the newest first.
#[utoipa::path(
    get,
    path = "/api/1/webhooks/{id}/deliveries",
    operation_id = "list_webhook_deliveries",
    tag = "Live",
    params(Which),
    responses(
        (status = 200, description = "The attempts", body = Deliveries),
        (status = 404, description = "There is no such webhook", body = Error),
    ),
)]
pub(crate) async fn deliveries(
    State(app): State<Arc<App>>,
    Param(id): Param<String>,
) -> Result<Response<Body>, ApiError> {
    let attempts = find(&app, id)?.attempts();
    let deliveries = attempts.into_iter().map(AttemptView::from).collect();
    answer(StatusCode::OK, &Deliveries { deliveries })
}

/// Deliver again from a record on
///
/// Also continues a webhook that is paused. The deliveries have new ids.
#[utoipa::path(
    post,
    path = "/api/1/webhooks/{id}/replay",
    operation_id = "replay_webhook",
    tag = "Live",
    params(Which),
    request_body = Replay,
    responses(
        (status = 200, description = "The webhook as it is now", body = View),
        (status = 404, description = "There is no such webhook", body = Error),
    ),
)]
pub(crate) async fn replay(
    State(app): State<Arc<App>>,
    Param(id): Param<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    let Replay { from } = read_json(&app, &headers, body, "The body").await?;
    let hook = run_blocking(move |_| app.webhooks.replay(&app, &id, Seq(from))).await?;
    answer(StatusCode::OK, &View::of(&hook))
}

/// Send a test delivery
///
/// Sends a delivery without content, once, and waits for the answer of the receiver.
#[utoipa::path(
    post,
    path = "/api/1/webhooks/{id}/test",
    operation_id = "test_webhook",
    tag = "Live",
    params(Which),
    responses(
        (status = 200, description = "The result", body = Tested),
        (status = 404, description = "There is no such webhook", body = Error),
    ),
)]
pub(crate) async fn test(
    State(app): State<Arc<App>>,
    Param(id): Param<String>,
) -> Result<Response<Body>, ApiError> {
    let hook = find(&app, id)?;
    let tested = match Webhooks::test(&app, &hook).await {
        Ok(status) => Tested {
            delivered: true,
            status: Some(status.as_u16()),
            error: None,
        },
        Err(error) => Tested {
            delivered: false,
            status: error.status().map(|status| status.as_u16()),
            error: Some(with_causes(&error)),
        },
    };
    answer(StatusCode::OK, &tested)
}

impl View {
    fn of(hook: &Hook) -> View {
        let webhook = hook.webhook();
        let definition = webhook.definition.clone();
        let seen = hook.seen();
        let has_position = matches!(definition.trigger, Trigger::Records { .. });
        View {
            id: webhook.id.clone(),
            url: definition.url,
            name: definition.name,
            trigger: definition.trigger,
            max_tries: definition.max_tries,
            created: webhook.created.clone(),
            paused: seen.paused,
            position: has_position.then_some(seen.position.get()),
            pending: seen.pending,
            failed: seen.failed,
            last: seen.last.map(AttemptView::from),
            secret: None,
        }
    }

    fn with_secret(self, hook: &Hook) -> View {
        View {
            secret: Some(hook.webhook().secret.reveal().to_owned()),
            ..self
        }
    }
}

impl From<Attempt> for AttemptView {
    fn from(attempt: Attempt) -> AttemptView {
        AttemptView {
            delivery: attempt.delivery,
            time: attempt.time.to_string(),
            status: attempt.status,
            error: attempt.error,
        }
    }
}

impl Patch {
    fn change(self, old: &Definition) -> Change {
        let definition = Definition {
            url: self.url.unwrap_or_else(|| old.url.clone()),
            name: self.name.unwrap_or_else(|| old.name.clone()),
            trigger: self.trigger.unwrap_or_else(|| old.trigger.clone()),
            max_tries: self.max_tries.unwrap_or(old.max_tries),
        };
        Change {
            definition: Some(definition),
            paused: self.paused,
            new_secret: self.new_secret,
        }
    }
}

fn find(app: &App, id: String) -> Result<Arc<Hook>, ApiError> {
    app.webhooks.find(&id).ok_or(ApiError::NoSuchWebhook(id))
}

fn answer(status: StatusCode, content: &impl Serialize) -> Result<Response<Body>, ApiError> {
    let mut response = json_answer(json_text(Ok(content))?);
    *response.status_mut() = status;
    Ok(response)
}

//! `/api/1/webui`: which web UI is at `/`, and the switch.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::openapi::Error;
use crate::app::App;
use crate::http::{ApiError, collect_json, json_answer};
use crate::settings::WebUi;
use crate::web::ui::{self, choice};

/// Which web UI is at `/`, and which there are.
#[derive(Serialize, ToSchema)]
#[schema(as = WebUiChoice)]
pub(crate) struct Choice {
    /// The one at `/`. Timberline's own is always at `/timberline/`.
    serves: WebUi,
    /// Whether the server has the directory of the standard one (`webpath`).
    standard: bool,
    /// Whether this program was built with its own.
    timberline: bool,
    /// Whether the configuration decides, so that it cannot be switched.
    fixed: bool,
}

/// The web UI to serve at `/`.
#[derive(Deserialize, ToSchema)]
#[schema(as = WebUiSwitch)]
#[serde(deny_unknown_fields)]
pub(crate) struct Switch {
    serve: WebUi,
}

fn state(app: &App) -> Choice {
    Choice {
        serves: choice::served(app),
        standard: app.settings.pages.web_ui.is_some(),
        timberline: ui::is_built(),
        fixed: app.settings.pages.serve.is_some(),
    }
}

fn answer(app: &App) -> Result<Response<Body>, ApiError> {
    let text = serde_json::to_vec(&state(app));
    let text = text.map_err(|error| ApiError::Internal(format!("The answer cannot be written: {error}")))?;
    Ok(json_answer(text))
}

/// Get which web UI is served
#[utoipa::path(
    get,
    path = "/api/1/webui",
    operation_id = "get_webui",
    tag = "Settings",
    responses((status = 200, description = "The web UI at `/`, and the available ones", body = Choice)),
)]
pub(crate) async fn get(State(app): State<Arc<App>>) -> Result<Response<Body>, ApiError> {
    answer(&app)
}

/// Switch the web UI
///
/// From now on `/` is that web UI, also after a restart.
#[utoipa::path(
    post,
    path = "/api/1/webui",
    operation_id = "switch_webui",
    tag = "Settings",
    request_body = Switch,
    responses(
        (status = 200, description = "It is switched", body = Choice),
        (status = 409, description = "The configuration decides", body = Error),
        (status = 422, description = "There is no such web UI here", body = Error),
    ),
)]
pub(crate) async fn switch(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    let Switch { serve } = {
        let body = collect_json(&headers, body, &app.bodies).await?;
        serde_json::from_slice(&body).map_err(|error| {
            ApiError::Unfit(format!(
                "A switch is {{\"serve\": \"timberline\"}} or \"standard\": {error}"
            ))
        })?
    };
    let pages = &app.settings.pages;
    if pages.serve.is_some_and(|fixed| fixed != serve) {
        return Err(ApiError::Conflict {
            message:
                "The configuration decides which web UI is served: remove webui (or --webui) to switch here"
                    .to_owned(),
            conflicts: vec!["webui".to_owned()],
        });
    }
    if serve == WebUi::Standard && pages.web_ui.is_none() {
        return Err(ApiError::Unfit(
            "The server does not have the standard web UI: start it with --webpath DIR (docs/webui.md)"
                .to_owned(),
        ));
    }
    let value = choice::stored(serve);
    let write = || app.store.set_setting(choice::SETTING, value);
    let receipt = app.hold.write(value.len(), write).await?;
    app.settle(receipt).await?;
    answer(&app)
}

//! What WakaTime's editor plugins ask: they send [heartbeats], and show the time of today in their
//! [status bar](status_bar).

pub(crate) mod heartbeats;
pub(crate) mod status_bar;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

/// The paths.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/wakatime/v1/users/current/heartbeats", post(heartbeats::one))
        .route(
            "/api/wakatime/v1/users/current/heartbeats.bulk",
            post(heartbeats::many),
        )
        .route(
            "/api/wakatime/v1/users/current/statusbar/today",
            get(status_bar::today),
        )
}

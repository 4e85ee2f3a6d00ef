//! What each path answers. A file per resource; the heartbeat has a way of its own around the router
//! (see `serve/entrance.rs`).
//!
//! | path below `/api/0` | methods | file |
//! |---|---|---|
//! | `info` | GET | [`v0::info`] |
//! | `buckets`, `buckets/{bucket}` | GET; GET POST PUT DELETE | [`v0::buckets`] |
//! | `buckets/{bucket}/events`, `…/count`, `…/{event}` | GET POST; GET; GET DELETE | [`v0::events`] |
//! | `buckets/{bucket}/heartbeat` | POST | [`v0::heartbeat`] |
//! | `export`, `buckets/{bucket}/export` | GET | [`v0::export`] |
//! | `import` | POST | [`v0::import`] |
//! | `settings`, `settings/{key}` | GET; GET POST DELETE | [`v0::settings`] |
//! | `log` | GET | [`v0::log`] |
//! | `query` | POST | [`v0::query`] |
//!
//! | path below `/api/1` (what no reference server has) | methods | file |
//! |---|---|---|
//! | `buckets?id=…` | DELETE | [`v0::buckets`] |
//! | `categories`, `categories/accept`, `categories/versions` | GET PUT; POST; GET | [`v1::categories`] |
//! | `categories/preview`, `categories/uncategorised` | POST; GET | [`v1::category_preview`], [`v1::uncategorised`] |
//! | `privacy/preview` | POST | [`v1::privacy`] |
//! | `events` | GET | [`v1::events`] |
//! | `buckets/{bucket}/events/{event}`, `…/split`, `buckets/{bucket}/events/merge`, `events/edit`, `events/delete` | PATCH, POST | [`v1::edit`] |
//! | `heartbeats` | POST | [`v1::heartbeats`] |
//! | `log` | GET | [`v1::records`] |
//! | `buckets/{bucket}/events/{event}/history` | GET | [`v1::history`] |
//! | `trash`, `trash/{id}/restore`, `undo` | GET; POST; POST | [`v1::history`] |
//! | `purge`, `redact` | POST | [`v1::purge`] |
//! | `activity`, `usage` | GET | [`v1::activity`], [`v1::usage`] |
//! | `status` | GET | [`v1::status`] |
//! | `export` | GET POST | [`v1::export`] |
//! | `stream` | GET | [`v1::stream`] |
//! | `timeline`, `search` | GET | [`v1::timeline`], [`v1::search`] |
//! | `webhooks`, `webhooks/{id}`; `…/deliveries`, `…/replay`, `…/test` | GET POST, GET PATCH DELETE; GET, POST, POST | [`v1::webhooks`] |
//! | `webui` | GET POST | [`v1::webui`] |
//! | `fake` | POST DELETE | [`v1::fake`] |
//! | `import/detect`; `import/run`, `import/run/{id}` | POST; POST, GET DELETE | [`v1::import`] |
//!
//! | path below `/api/wakatime/v1` (for editor plugins of WakaTime) | methods | file |
//! |---|---|---|
//! | `users/current/heartbeats`, `users/current/heartbeats.bulk` | POST | [`wakatime::heartbeats`] |
//! | `users/current/statusbar/today` | GET | [`wakatime::status_bar`] |
//!
//! `/mcp` and `/api/1/mcp` are for assistants ([`mcp`]).
//!
//! GET and queries also answer from a past state of buckets, events and settings ([`as_of`]).
//!
//! `/api/openapi.json` is [`openapi`], a description of all of them, and `/api/` is the [`explorer`], a page that shows it. `/metrics` is [`metrics`], `/health` and `/ready` are [`health`]. `/status` is the [`status_page`](crate::web::status_page). Everything else is a file of a web UI ([`ui`](crate::web::ui), [`files`]) or of a page `/pages/NAME/…`.

pub(crate) mod as_of;
mod errors;
mod json_body;
pub(crate) mod mcp;
mod on_engine;
pub(crate) mod openapi;
pub(crate) mod param;
pub(crate) mod v0;
pub(crate) mod v1;
pub(crate) mod wakatime;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::{any, get};
use http::{HeaderMap, Method};

use crate::app::App;
use crate::http::{ApiError, compression, pass_over};
use crate::web::{explorer, files, health, metrics};

/// The paths, all but the heartbeat's.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let files: Router = Router::new()
        .fallback(files::get)
        .layer(compression())
        .with_state(Arc::clone(app));
    Router::new()
        .merge(v0::routes())
        .merge(v1::routes())
        .merge(wakatime::routes())
        .merge(mcp::routes(app))
        .route("/api/openapi.json", get(openapi::get).layer(compression()))
        .route("/metrics", get(metrics::get))
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/api", get(explorer::page).layer(compression()))
        .route("/api/explorer.css", get(explorer::style).layer(compression()))
        .route("/api/explorer.js", get(explorer::script).layer(compression()))
        .route("/api/{*rest}", any(no_such_route))
        .method_not_allowed_fallback(wrong_method)
        .fallback_service(files)
        .with_state(Arc::clone(app))
}

async fn no_such_route(headers: HeaderMap, body: Body) -> ApiError {
    pass_over(&headers, body).await;
    ApiError::NoSuchRoute
}

async fn wrong_method(method: Method, headers: HeaderMap, body: Body) -> ApiError {
    pass_over(&headers, body).await;
    ApiError::WrongMethod(method)
}

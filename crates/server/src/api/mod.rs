//! What each path answers. A file per resource; the heartbeat has a way of its own around the router
//! (see `serve/entrance.rs`).
//!
//! | path below `/api/0` | methods | file |
//! |---|---|---|
//! | `info` | GET | [`v0::info`] |
//! | `buckets`, `buckets/{bucket}` | GET; GET POST PUT DELETE | [`v0::buckets`] |
//! | `buckets/{bucket}/events`, `…/count`, `…/{event}` | GET POST; GET; GET DELETE | [`events`] |
//! | `buckets/{bucket}/heartbeat` | POST | [`heartbeat`] |
//! | `export`, `buckets/{bucket}/export` | GET | [`export`] |
//! | `import` | POST | [`import`] |
//! | `settings`, `settings/{key}` | GET; GET POST DELETE | [`settings`] |
//! | `log` | GET | [`log`] |
//! | `query` | POST | [`query`] |
//!
//! | path below `/api/1` (what no reference server has) | methods | file |
//! |---|---|---|
//! | `buckets?id=…` | DELETE | [`v0::buckets`] |
//! | `privacy/preview` | POST | [`privacy`] |
//! | `log` | GET | [`records`] |
//! | `buckets/{bucket}/events/{event}/history` | GET | [`history`] |
//! | `trash`, `trash/{id}/restore`, `undo` | GET; POST; POST | [`history`] |
//! | `purge`, `redact` | POST | [`purge`] |
//! | `status` | GET | [`status`] |
//! | `export` | GET POST | [`v1::export`] |
//! | `stream` | GET | [`v1::stream`] |
//! | `timeline` | GET | [`timeline`] |
//! | `import/detect`; `import/run`, `import/run/{id}` | POST; POST, GET DELETE | [`v1::import`] |
//!
//! GET and queries also answer from a past state of buckets, events and settings ([`as_of`]).
//!
//! `/api/openapi.json` is [`openapi`], a description of all of them, and `/api/` is the [`explorer`], a page that shows it. `/metrics` is [`metrics`], `/health` and `/ready` are [`health`]. Everything else is a file: `/pages/NAME/…` and `/` ([`files`]), or the [`status_page`](crate::web::status_page).

pub(crate) mod as_of;
mod errors;
pub(crate) mod openapi;
pub(crate) mod param;
pub(crate) mod v0;
pub(crate) mod v1;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use http::{HeaderMap, Method};

use crate::app::App;
use crate::http::{ApiError, compression, pass_over};
use crate::web::{explorer, files, health, metrics};

use self::v0::{buckets, events, export, heartbeat, import, info, log, query, settings};
use self::v1::{history, privacy, purge, records, status, timeline};

/// The paths, all but the heartbeat's.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let files: Router = Router::new()
        .fallback(files::get)
        .layer(compression())
        .with_state(Arc::clone(app));
    Router::new()
        .route("/api/0/info", get(info::get))
        .route("/api/0/buckets", get(buckets::list).layer(compression()))
        .route(
            "/api/0/buckets/{bucket}",
            get(buckets::get)
                .post(buckets::create)
                .put(buckets::update)
                .delete(buckets::delete),
        )
        .route(
            "/api/0/buckets/{bucket}/events",
            get(events::list).layer(compression()).post(events::insert),
        )
        .route("/api/0/buckets/{bucket}/heartbeat", post(heartbeat::post))
        .route("/api/0/buckets/{bucket}/events/count", get(events::count))
        .route(
            "/api/0/buckets/{bucket}/events/{event}",
            get(events::get).delete(events::delete),
        )
        .route("/api/0/export", get(export::all).layer(compression()))
        .route(
            "/api/0/buckets/{bucket}/export",
            get(export::one).layer(compression()),
        )
        .route("/api/0/import", post(import::import))
        .route("/api/0/settings", get(settings::list).layer(compression()))
        .route(
            "/api/0/settings/{key}",
            get(settings::get).post(settings::set).delete(settings::delete),
        )
        .route("/api/0/log", get(log::get).layer(compression()))
        .route("/api/0/query", post(query::query).layer(compression()))
        .route(
            "/api/1/privacy/preview",
            post(privacy::preview).layer(compression()),
        )
        .route(
            "/api/1/buckets/{bucket}/events/{event}/history",
            get(history::story).layer(compression()),
        )
        .route("/api/1/buckets", axum::routing::delete(buckets::delete_named))
        .route("/api/1/log", get(records::list).layer(compression()))
        .route("/api/1/trash", get(history::trash))
        .route("/api/1/trash/{id}/restore", post(history::restore))
        .route("/api/1/undo", post(history::take_back))
        .route("/api/1/purge", post(purge::purge))
        .route("/api/1/redact", post(purge::redact))
        .route(
            "/api/1/export",
            get(v1::export::get).post(v1::export::query).layer(compression()),
        )
        // Not compressed: a compressor holds back what is to arrive now.
        .route("/api/1/stream", get(v1::stream::get))
        .route("/api/1/timeline", get(timeline::get).layer(compression()))
        .route("/api/1/import/detect", post(v1::import::detect))
        .route("/api/1/import/run", post(v1::import::run))
        .route(
            "/api/1/import/run/{id}",
            get(v1::import::state).delete(v1::import::cancel),
        )
        .route("/api/1/status", get(status::get).layer(compression()))
        .route("/api/openapi.json", get(openapi::get).layer(compression()))
        .route("/metrics", get(metrics::get))
        .route("/health", get(health::health))
        .route("/ready", get(health::ready))
        .route("/api", get(explorer::page).layer(compression()))
        .route("/api/explorer.css", get(explorer::style).layer(compression()))
        .route("/api/explorer.js", get(explorer::script).layer(compression()))
        .route("/api/{*rest}", axum::routing::any(no_such_route))
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

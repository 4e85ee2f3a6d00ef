//! The API of the ActivityWatch servers.

pub(crate) mod buckets;
pub(crate) mod events;
pub(crate) mod export;
pub(crate) mod heartbeat;
pub(crate) mod import;
pub(crate) mod info;
pub(crate) mod log;
pub(crate) mod query;
pub(crate) mod schema;
pub(crate) mod settings;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;
use crate::http::compression;

/// The paths below `/api/0`. `serve/entrance.rs` takes the heartbeat itself; it is also here so that another method gets
/// 405 and not 404.
pub(crate) fn routes() -> Router<Arc<App>> {
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
}

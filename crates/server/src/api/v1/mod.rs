//! What no reference server has.

pub(crate) mod activity;
mod activity_definition;
pub(crate) mod buckets;
pub(crate) mod categories;
mod category_choice;
pub(crate) mod category_preview;
pub(crate) mod doctor;
pub(crate) mod edit;
pub(crate) mod event_change;
pub(crate) mod event_cursor;
pub(crate) mod event_fields;
pub(crate) mod events;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod fake;
pub(crate) mod heartbeats;
pub(crate) mod history;
pub(crate) mod import;
pub(crate) mod privacy;
pub(crate) mod purge;
pub(crate) mod records;
pub(crate) mod schema;
pub(crate) mod search;
pub(crate) mod status;
pub(crate) mod stream;
pub(crate) mod timeline;
pub(crate) mod uncategorised;
pub(crate) mod usage;
pub(crate) mod watchers;
pub(crate) mod webhooks;
pub(crate) mod webui;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, patch, post};

use crate::api::v0::buckets::delete_named;
use crate::app::App;
use crate::http::compression;

/// The paths below `/api/1`.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route(
            "/api/1/categories",
            get(categories::get).put(categories::put).layer(compression()),
        )
        .route("/api/1/categories/accept", post(categories::accept))
        .route(
            "/api/1/categories/preview",
            post(category_preview::post).layer(compression()),
        )
        .route(
            "/api/1/categories/uncategorised",
            get(uncategorised::get).layer(compression()),
        )
        .route(
            "/api/1/categories/versions",
            get(categories::versions).layer(compression()),
        )
        .route(
            "/api/1/privacy/preview",
            post(privacy::preview).layer(compression()),
        )
        .route(
            "/api/1/buckets/{bucket}/events/{event}/history",
            get(history::story).layer(compression()),
        )
        .route(
            "/api/1/buckets",
            get(buckets::list).delete(delete_named).layer(compression()),
        )
        .route("/api/1/buckets/{bucket}", patch(buckets::patch))
        .route("/api/1/buckets/{bucket}/merge", post(buckets::merge))
        .route("/api/1/events", get(events::list).layer(compression()))
        .route("/api/1/buckets/{bucket}/events/{event}", patch(edit::patch))
        .route("/api/1/buckets/{bucket}/events/{event}/split", post(edit::split))
        .route("/api/1/buckets/{bucket}/events/merge", post(edit::merge))
        .route("/api/1/events/edit", post(edit::edit_all))
        .route("/api/1/events/delete", post(edit::delete_all))
        .route("/api/1/heartbeats", post(heartbeats::post))
        .route("/api/1/log", get(records::list).layer(compression()))
        .route("/api/1/trash", get(history::trash))
        .route("/api/1/trash/{id}/restore", post(history::restore))
        .route("/api/1/undo", post(history::take_back))
        .route("/api/1/purge", post(purge::purge))
        .route("/api/1/redact", post(purge::redact))
        .route(
            "/api/1/export",
            get(export::get).post(export::query).layer(compression()),
        )
        .route("/api/1/query/explain", post(explain::post).layer(compression()))
        // Not compressed: a compressor holds back what is to arrive now.
        .route("/api/1/stream", get(stream::get))
        .route("/api/1/timeline", get(timeline::get).layer(compression()))
        .route("/api/1/search", get(search::get).layer(compression()))
        .route("/api/1/watchers", get(watchers::list).layer(compression()))
        .route("/api/1/watchers/enable", post(watchers::enable_all))
        .route("/api/1/watchers/disable", post(watchers::disable_all))
        .route("/api/1/watchers/pause", post(watchers::pause_all))
        .route("/api/1/watchers/resume", post(watchers::resume_all))
        .route("/api/1/watchers/{name}/enable", post(watchers::enable))
        .route("/api/1/watchers/{name}/disable", post(watchers::disable))
        .route("/api/1/watchers/{name}/pause", post(watchers::pause))
        .route("/api/1/watchers/{name}/resume", post(watchers::resume))
        .route("/api/1/webhooks", get(webhooks::list).post(webhooks::create))
        .route(
            "/api/1/webhooks/{id}",
            get(webhooks::get)
                .patch(webhooks::update)
                .delete(webhooks::delete),
        )
        .route("/api/1/webhooks/{id}/deliveries", get(webhooks::deliveries))
        .route("/api/1/webhooks/{id}/replay", post(webhooks::replay))
        .route("/api/1/webhooks/{id}/test", post(webhooks::test))
        .route("/api/1/import/detect", post(import::detect))
        .route("/api/1/import/run", post(import::run))
        .route(
            "/api/1/import/run/{id}",
            get(import::state).delete(import::cancel),
        )
        .route("/api/1/webui", get(webui::get).post(webui::switch))
        .route("/api/1/fake", post(fake::begin).delete(fake::remove))
        .route("/api/1/activity", get(activity::list).layer(compression()))
        .route("/api/1/usage", get(usage::get).layer(compression()))
        .route("/api/1/status", get(status::get).layer(compression()))
        .route("/api/1/doctor", get(doctor::get).layer(compression()))
}

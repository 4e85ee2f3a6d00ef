//! `GET /api/openapi.json`: what the server answers, as an OpenAPI 3.1 document, made from the code.
//!
//! | file | what it does |
//! |---|---|
//! | `common` | what holds for many operations: errors, credentials |
//! | `parameters` | parameters that several operations have |
//! | `error` | the JSON of errors |
//!
//! Each handler describes itself (`#[utoipa::path]`) and is in the list of paths below. A test compares the document with
//! the table of routes (`access/rules/tests.rs`), another one the answers of a real server with the document
//! (`crates/cli/tests/it/openapi.rs`).

mod common;
mod error;
pub(crate) mod parameters;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{Response, header};
use utoipa::OpenApi;
use utoipa::openapi::Server;

use crate::api::{mcp, v0, v1, wakatime};
use crate::app::App;
use crate::http::{ApiError, json_answer};
use crate::settings::BasePath;
use crate::web::{health, metrics};

pub(crate) use self::error::Error;

/// The document. A handler that is not in the list of paths is not in it.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Timberline",
        description = "The API of a Timberline server. Paths below `/api/0` are those of the ActivityWatch servers, and answer as \
            those do. Paths below `/api/1` exist only here.\n\nEvery path below `/api` means the same with a slash at its end, and empty \
            segments of a path mean nothing. `HEAD` is `GET` without the body of the answer. Fields and parameters that an \
            operation does not know are ignored unless its schema forbids them."
    ),
    tags(
        (name = "Buckets", description = "What clients record into. A bucket belongs to one client on one host."),
        (name = "Events", description = "What was recorded: a time, a duration, data."),
        (name = "Queries", description = "Programs in ActivityWatch's query language."),
        (name = "Time", description = "What you did, and for how long; timelines and search."),
        (name = "Categories", description = "The categories, and the rules that say which events belong to them."),
        (name = "Settings", description = "Values that clients store on the server."),
        (name = "Export and import", description = "Exports to files, and imports from files of other programs."),
        (name = "History", description = "Past changes, and how to undo them."),
        (name = "Erasing", description = "Erasing data permanently, also from backups."),
        (name = "Assistants", description = "Requests of programs that answer questions about your time (Model Context Protocol)."),
        (name = "Live", description = "Changes, as they happen."),
        (name = "Watchers", description = "The watchers of this machine, which `timberline up` runs."),
        (name = "WakaTime", description = "The requests of WakaTime's editor plugins, so that they can record into this server."),
        (name = "Server", description = "The state of the server.")
    ),
    components(schemas(Error, parameters::Moment, parameters::LenientNumber, v0::schema::SettingWarnings, v1::buckets::Archived, v1::event_cursor::Order, v1::schema::BatchId, v1::schema::StreamMode, v1::timeline::Lanes, v1::usage::UsageBy, v1::usage::UsageInterval)),
    paths(
        get,
        v0::buckets::list,
        v0::buckets::get,
        v0::buckets::create,
        v0::buckets::update,
        v0::buckets::delete,
        v0::heartbeat::post,
        v0::events::list,
        v0::events::insert,
        v0::events::count,
        v0::events::get,
        v0::events::delete,
        v0::export::one,
        v0::export::all,
        v0::import::import,
        v0::info::get,
        v0::log::get,
        v0::query::query,
        v0::settings::list,
        v0::settings::get,
        v0::settings::set,
        v0::settings::delete,
        v0::buckets::delete_named,
        v1::buckets::list,
        v1::buckets::patch,
        v1::buckets::merge,
        v1::categories::get,
        v1::categories::put,
        v1::categories::accept,
        v1::categories::versions,
        v1::category_preview::post,
        v1::uncategorised::get,
        v1::activity::list,
        v1::usage::get,
        v1::explain::post,
        v1::export::get,
        v1::export::query,
        v1::doctor::get,
        v1::edit::patch,
        v1::edit::split,
        v1::edit::merge,
        v1::edit::edit_all,
        v1::edit::delete_all,
        v1::events::list,
        v1::heartbeats::post,
        v1::history::story,
        v1::history::trash,
        v1::history::restore,
        v1::history::take_back,
        v1::import::detect,
        v1::import::run,
        v1::import::state,
        v1::import::cancel,
        v1::webui::get,
        v1::webui::switch,
        v1::fake::begin,
        v1::fake::remove,
        v1::privacy::preview,
        v1::purge::purge,
        v1::purge::redact,
        v1::records::list,
        v1::search::get,
        v1::status::get,
        v1::stream::get,
        v1::timeline::get,
        v1::watchers::list,
        v1::watchers::enable,
        v1::watchers::disable,
        v1::watchers::pause,
        v1::watchers::resume,
        v1::watchers::enable_all,
        v1::watchers::disable_all,
        v1::watchers::pause_all,
        v1::watchers::resume_all,
        v1::webhooks::list,
        v1::webhooks::create,
        v1::webhooks::get,
        v1::webhooks::update,
        v1::webhooks::delete,
        v1::webhooks::deliveries,
        v1::webhooks::replay,
        v1::webhooks::test,
        wakatime::heartbeats::many,
        wakatime::heartbeats::one,
        wakatime::status_bar::today,
        mcp::message,
        mcp::streamable,
        health::health,
        health::ready,
        metrics::get,
    )
)]
struct Annotated;

/// This description
///
/// The document that you are reading. It needs no credentials.
#[utoipa::path(
    get,
    path = "/api/openapi.json",
    operation_id = "get_openapi",
    tag = "Server",
    responses((status = 200, description = "An OpenAPI 3.1 document", body = serde_json::Map<String, serde_json::Value>)),
)]
pub(crate) async fn get(State(app): State<Arc<App>>) -> Result<Response<Body>, ApiError> {
    let document = document(&app.settings.network.base_path);
    let text = document
        .to_json()
        .map_err(|error| ApiError::Internal(format!("The description cannot be written: {error}")))?;
    let mut response = json_answer(text.into_bytes());
    let no_cache = http::HeaderValue::from_static("no-cache");
    response.headers_mut().insert(header::CACHE_CONTROL, no_cache);
    Ok(response)
}

/// The document of a server that is reached below `base`.
pub(crate) fn document(base: &BasePath) -> utoipa::openapi::OpenApi {
    let mut document = Annotated::openapi();
    common::complete(&mut document);
    let root = match base.as_str() {
        "" => "/",
        base => base,
    };
    document.servers = Some(vec![Server::new(root)]);
    document
}

//! What happened, and taking it back: an event's history, the trash, undo.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Response, Uri};
use serde::Deserialize;
use serde_json::error::Category;
use serde_json::{Value, json};
use timberline_cancel::Cancel;
use timberline_log::Seq;
use timberline_model::{EventId, Timestamp};
use timberline_views::history::{Deleted, DeletedWhat, EventHistory, Undoing, Undone};
use utoipa::ToSchema;

use crate::api::openapi::Error;
use crate::api::openapi::parameters::LenientNumber;
use crate::api::param::Param;
use crate::api::v1::event_change::change;
use crate::api::v1::schema;
use crate::app::App;
use crate::http::{ApiError, Query, collect_json, json_answer, run_blocking};

/// The default number of changes of an event in an answer, and the maximum.
const CHANGES: (usize, usize) = (1_000, 10_000);
/// The most ids that an answer names for one deletion.
const MAX_IDS: usize = 100;

/// Get the history of an event
///
/// Its changes, the oldest first.
#[utoipa::path(
    get,
    path = "/api/1/buckets/{bucket}/events/{event}/history",
    operation_id = "get_event_history",
    tag = "History",
    params(
        ("bucket" = String, Path, description = "The id of the bucket"),
        ("event" = u64, Path, description = "The id of the event"),
        ("limit" = Option<LenientNumber>, Query, description = "At most so many changes, the newest; 1,000 unless given, and at most 10,000"),
    ),
    responses(
        (status = 200, description = "The changes", body = schema::EventHistory),
        (status = 404, description = "There is and was no such bucket or event", body = Error),
    ),
)]
pub(crate) async fn story(
    State(app): State<Arc<App>>,
    Param((bucket, event)): Param<(String, String)>,
    uri: Uri,
) -> Result<Response<Body>, ApiError> {
    let limit = Query::of(&uri).get("limit")?.and_then(|text| text.parse().ok());
    let limit = limit.unwrap_or(CHANGES.0).min(CHANGES.1);
    let unknown = || ApiError::NoSuchEvent {
        bucket: bucket.clone(),
        event: event.clone(),
    };
    let id = event.parse().map(EventId).map_err(|_| unknown())?;
    let (store, name) = (Arc::clone(&app), bucket.clone());
    let story = run_blocking(move |cancel| store.store.event_history(&name, id, limit, cancel)).await?;
    let Some(story) = story else {
        return Err(ApiError::NoSuchBucket(bucket));
    };
    if story.changes.is_empty() {
        return Err(unknown());
    }
    Ok(answer(&story_json(&bucket, id, &story)))
}

fn story_json(bucket: &str, id: EventId, story: &EventHistory) -> Value {
    json!({
        "bucket": bucket,
        "event": id.0,
        "changes": story.changes.iter().map(change).collect::<Vec<_>>(),
        "earlier": story.earlier,
    })
}

/// List the trash
///
/// Deleted buckets and events that can be restored.
#[utoipa::path(
    get,
    path = "/api/1/trash",
    operation_id = "list_trash",
    tag = "History",
    responses((status = 200, description = "What is in the trash", body = schema::Trash)),
)]
pub(crate) async fn trash(State(app): State<Arc<App>>) -> Result<Response<Body>, ApiError> {
    let items = run_blocking(move |cancel| app.store.trash(cancel)).await?;
    let items: Vec<Value> = items.iter().map(item).collect();
    Ok(answer(&json!({ "items": items })))
}

fn item(deleted: &Deleted) -> Value {
    let (what, count, ids) = match &deleted.what {
        DeletedWhat::Bucket(events) => ("bucket", *events, Vec::new()),
        DeletedWhat::Events(ids) => {
            let some = ids.iter().take(MAX_IDS).map(|id| id.0).collect();
            ("events", ids.len() as u64, some)
        }
    };
    json!({
        "id": deleted.seq.get(),
        "what": what,
        "bucket": deleted.bucket,
        "count": count,
        "events": ids,
        "deleted_at": deleted.time.to_string(),
        "erased_at": deleted.erased_at.to_string(),
    })
}

/// Restore from the trash
#[utoipa::path(
    post,
    path = "/api/1/trash/{id}/restore",
    operation_id = "restore_from_trash",
    tag = "History",
    params(("id" = u64, Path, description = "The id of the item of the trash")),
    responses(
        (status = 200, description = "What was restored", body = schema::UndoOutcome),
        (status = 404, description = "There is no such item in the trash", body = Error),
        (status = 409, description = "Not all of it can be restored; nothing was changed", body = Error),
    ),
)]
pub(crate) async fn restore(
    State(app): State<Arc<App>>,
    Param(id): Param<String>,
) -> Result<Response<Body>, ApiError> {
    let missing = || ApiError::NotInTrash(id.clone());
    let seq: Seq = id.parse().map(Seq).map_err(|_| missing())?;
    let store = Arc::clone(&app);
    if !run_blocking(move |cancel| store.store.is_in_trash(seq, cancel)).await? {
        return Err(missing());
    }
    undo(&app, seq, seq, Undoing::All).await
}

/// What to undo: one record, or those from one to another.
#[derive(Deserialize, ToSchema)]
#[schema(as = UndoRequest)]
#[serde(untagged)]
pub(crate) enum Request {
    One(One),
    Range(Range),
}

/// What to undo: one record.
#[derive(Deserialize, ToSchema)]
#[schema(as = UndoOne)]
#[serde(deny_unknown_fields)]
pub(crate) struct One {
    #[schema(minimum = 1)]
    seq: u64,
    /// Change nothing, and only say what would be undone.
    #[serde(default)]
    preview: bool,
    /// Undo what can be undone, even if it is not all.
    #[serde(default)]
    partial: bool,
}

/// What to undo: the records of a range.
#[derive(Deserialize, ToSchema)]
#[schema(as = UndoRange)]
#[serde(deny_unknown_fields)]
pub(crate) struct Range {
    /// The first record.
    #[schema(minimum = 1)]
    from: u64,
    /// The last one.
    #[schema(minimum = 1)]
    to: u64,
    /// Change nothing, and only say what would be undone.
    #[serde(default)]
    preview: bool,
    /// Undo what can be undone, even if it is not all.
    #[serde(default)]
    partial: bool,
}

/// Undo
///
/// Undoes what one record did, or the records of a range: `{"seq": 17}` or `{"from": 17, "to": 20}`. `GET /api/1/log` lists
/// the records.
#[utoipa::path(
    post,
    path = "/api/1/undo",
    operation_id = "undo",
    tag = "History",
    request_body = Request,
    responses(
        (status = 200, description = "What was undone, or with `preview`, what would be", body = schema::UndoOutcome),
        (status = 409, description = "Not all of it can be undone; nothing was changed", body = Error),
        (status = 410, description = "These records are no longer kept", body = Error),
    ),
)]
pub(crate) async fn take_back(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    let body = collect_json(&headers, body, &app.bodies).await?;
    let shape = |why: &str| {
        ApiError::Unfit(format!(
            "An undo is {{\"seq\": number}} or {{\"from\": number, \"to\": number}}, with \"preview\": true to only be \
             told, and \"partial\": true to leave conflicts alone: {why}"
        ))
    };
    let request = serde_json::from_slice(&body).map_err(|error| match error.classify() {
        Category::Data => shape("the body has other fields or other values"),
        _ => ApiError::Malformed(format!("The body is not JSON: {error}")),
    })?;
    let (from, to, preview, partial) = match request {
        Request::One(One {
            seq,
            preview,
            partial,
        }) => (seq, seq, preview, partial),
        Request::Range(Range {
            from,
            to,
            preview,
            partial,
        }) => (from, to, preview, partial),
    };
    if from == 0 || from > to {
        return Err(shape(
            "records are numbered from 1 on, and the first comes before the last",
        ));
    }
    let undoing = match (preview, partial) {
        (true, _) => Undoing::Preview,
        (false, false) => Undoing::All,
        (false, true) => Undoing::Possible,
    };
    undo(&app, Seq(from), Seq(to), undoing).await
}

async fn undo(app: &Arc<App>, from: Seq, to: Seq, undoing: Undoing) -> Result<Response<Body>, ApiError> {
    let changed = Arc::clone(app);
    let undo = move |cancel: &Cancel| {
        let undo = || changed.store.undo(from, to, undoing, cancel);
        changed.hold.change_blocking(undo)
    };
    let (undone, receipt) = run_blocking(undo).await?;
    if undoing == Undoing::All && !undone.conflicts.is_empty() {
        return Err(ApiError::Conflict {
            message: "Nothing was changed, because not all of it can be taken back".to_owned(),
            conflicts: undone.conflicts,
        });
    }
    if let Some(receipt) = receipt {
        app.settle(receipt).await?;
    }
    Ok(answer(&outcome(
        &undone,
        receipt.map(|receipt| receipt.seq),
        app.store.now(),
    )))
}

fn outcome(undone: &Undone, seq: Option<Seq>, now: Timestamp) -> Value {
    json!({
        "events_restored": undone.events_restored,
        "events_removed": undone.events_removed,
        "buckets": undone.buckets,
        "settings": undone.settings,
        "heartbeats_kept": undone.heartbeats_kept,
        "conflicts": undone.conflicts,
        "seq": seq.map(Seq::get),
        "time": now.to_string(),
    })
}

fn answer(value: &Value) -> Response<Body> {
    json_answer(value.to_string().into_bytes())
}

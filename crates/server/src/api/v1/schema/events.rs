//! JSON of events: many heartbeats at once, pages, edits.
#![allow(dead_code, reason = "it describes JSON and is never constructed")]

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Many heartbeats.
#[derive(ToSchema)]
pub(crate) struct Heartbeats {
    /// The client's name for the request, such as a UUID. The same request is carried out once.
    #[schema(value_type = Option<BatchId>)]
    batch: Option<String>,
    /// Which answers to give; all unless said otherwise.
    answers: Option<AnswersWanted>,
    /// Each has `bucket` (its id), `pulsetime` (seconds), `timestamp`, `data`, and may have `duration` (seconds). One that is
    /// something else is refused, and the others are stored.
    #[schema(max_items = 10_000, example = json!([{"bucket": "b", "pulsetime": 60, "timestamp": "2024-03-01T10:00:00Z", "data": {}}]))]
    heartbeats: Vec<Value>,
}

/// A client's name for a request: 1 to 128 bytes without control characters, such as a UUID.
#[derive(Serialize, ToSchema)]
#[schema(
    min_length = 1,
    max_length = 128,
    pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$"
)]
pub(crate) struct BatchId(String);

/// Which answers to give: all, those of refused heartbeats, or none.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AnswersWanted {
    All,
    Errors,
    None,
}

/// What became of many heartbeats.
#[derive(ToSchema)]
pub(crate) struct HeartbeatsTaken {
    batch: Option<String>,
    /// The request was carried out before: nothing is stored twice.
    repeated: bool,
    /// How many heartbeats are stored. Missing if that is not known any more.
    #[schema(nullable = false)]
    stored: Option<u64>,
    /// How many are not.
    #[schema(nullable = false)]
    refused: Option<u64>,
    /// The newest record. Missing for tokens that may only append.
    #[schema(nullable = false)]
    seq: Option<u64>,
    /// What became of each, in order, or of those that were refused. Null if it is not known any more.
    answers: Option<Vec<HeartbeatAnswer>>,
}

/// What became of a heartbeat: the event that it is part of, or an error.
#[derive(ToSchema)]
pub(crate) struct HeartbeatAnswer {
    /// The id of the event.
    #[schema(nullable = false)]
    id: Option<u64>,
    /// When the event begins.
    #[schema(nullable = false, format = DateTime)]
    timestamp: Option<String>,
    /// How many seconds it lasts with this heartbeat.
    #[schema(nullable = false)]
    duration: Option<f64>,
    /// The place of the heartbeat in the list, if only errors are given.
    #[schema(nullable = false)]
    index: Option<u64>,
    #[schema(nullable = false)]
    error: Option<HeartbeatError>,
}

/// Why a heartbeat was not stored.
#[derive(ToSchema)]
pub(crate) struct HeartbeatError {
    #[schema(rename = "type")]
    kind: String,
    message: String,
}

/// A page of events.
#[derive(ToSchema)]
pub(crate) struct EventPage {
    /// With the fields that were asked for; all, unless `fields` names some.
    events: Vec<PagedEvent>,
    /// The cursor of the page after this one; null at the end.
    #[schema(required)]
    next: Option<String>,
    /// The cursor of the page before this one.
    #[schema(required)]
    prev: Option<String>,
}

/// An event on a page, and fields of its data (`data.NAME`) that were asked for.
#[derive(ToSchema)]
pub(crate) struct PagedEvent {
    #[schema(nullable = false)]
    id: Option<u64>,
    #[schema(nullable = false)]
    bucket: Option<String>,
    #[schema(nullable = false, format = DateTime)]
    timestamp: Option<String>,
    #[schema(nullable = false)]
    duration: Option<f64>,
    #[schema(nullable = false)]
    data: Option<Map<String, Value>>,
}

/// An event that was changed.
#[derive(ToSchema)]
pub(crate) struct EditedEvent {
    id: u64,
    #[schema(format = DateTime)]
    timestamp: String,
    duration: f64,
    data: Map<String, Value>,
}

/// What became of events.
#[derive(ToSchema)]
pub(crate) struct EventsEdited {
    /// The events as they are now.
    events: Vec<EditedEvent>,
    /// How many were deleted.
    removed: u64,
    /// The first record of the change, for an undo; null if nothing changed.
    #[schema(required)]
    from: Option<u64>,
    /// The last record.
    #[schema(required)]
    to: Option<u64>,
}

/// The changes to each event.
#[derive(ToSchema)]
pub(crate) struct EventChanges {
    /// By how many seconds it is moved; may be negative.
    #[schema(minimum = -9223372036i64, maximum = 9223372036u64)]
    shift: Option<f64>,
    #[schema(minimum = -9223372036i64, maximum = 9223372036u64)]
    duration: Option<f64>,
    /// A JSON merge patch (RFC 7386).
    data: Option<Map<String, Value>>,
}

/// What would become of events, or what became of them.
#[derive(ToSchema)]
pub(crate) struct BulkEdited {
    /// How many events match.
    matching: u64,
    buckets: Vec<EventsOfBucket>,
    /// Of a preview: some of them.
    #[schema(nullable = false)]
    samples: Option<Vec<EditSample>>,
    /// Of a preview: what carries it out, once.
    #[schema(nullable = false)]
    token: Option<String>,
    /// How long the token is valid.
    #[schema(nullable = false, format = DateTime)]
    expires: Option<String>,
    /// How many were changed.
    #[schema(nullable = false)]
    edited: Option<u64>,
    /// How many were deleted.
    #[schema(nullable = false)]
    removed: Option<u64>,
    /// The first record of the change, for an undo.
    from: Option<u64>,
    /// The last record.
    to: Option<u64>,
}

/// How many events of a bucket match.
#[derive(ToSchema)]
pub(crate) struct EventsOfBucket {
    bucket: String,
    count: u64,
}

/// An event of a preview.
#[derive(ToSchema)]
pub(crate) struct EditSample {
    bucket: String,
    before: EditedEvent,
    /// Null if it would be deleted.
    #[schema(required)]
    after: Option<EditedEvent>,
}

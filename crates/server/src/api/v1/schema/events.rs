//! JSON of events: many heartbeats at once.
#![allow(dead_code, reason = "it describes JSON and is never constructed")]

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// Many heartbeats.
#[derive(ToSchema)]
pub(crate) struct Heartbeats {
    /// The client's name for the request, such as a UUID. The same request is carried out once.
    #[schema(min_length = 1, max_length = 128)]
    batch: Option<String>,
    /// Which answers to give; all unless said otherwise.
    answers: Option<AnswersWanted>,
    /// Each has `bucket` (its id), `pulsetime` (seconds), `timestamp`, `data`, and may have `duration` (seconds). One that is
    /// something else is refused, and the others are stored.
    #[schema(max_items = 10_000, example = json!([{"bucket": "b", "pulsetime": 60, "timestamp": "2024-03-01T10:00:00Z", "data": {}}]))]
    heartbeats: Vec<Value>,
}

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

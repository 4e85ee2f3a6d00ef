//! JSON of purges and redactions.
#![allow(dead_code, reason = "it describes JSON and is never constructed")]

use serde::Serialize;
use utoipa::ToSchema;

use crate::api::v0::schema::Object;
use crate::api::v1::purge::{Condition, Ids};

/// A purge: what, or the token of its preview.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum PurgeRequest {
    Confirmed(Confirmation),
    Buckets(BucketPurge),
    Events(EventPurge),
}

/// A redaction: what, or the token of its preview.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum RedactionRequest {
    Confirmed(Confirmation),
    Fields(Redaction),
}

/// The token of a preview, and nothing else.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Confirmation {
    token: String,
}

/// Buckets with everything in them.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BucketPurge {
    bucket: Ids,
    /// Must be true.
    #[schema(example = true)]
    whole_bucket: bool,
}

/// Events: those that fit everything that is given, which must be at least one of `events`, `start`, `end` and `data`.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventPurge {
    bucket: Option<Ids>,
    /// The ids of events.
    events: Option<Vec<u64>>,
    /// Only events that touch the time from here on.
    #[schema(format = DateTime)]
    start: Option<String>,
    /// Only events that touch the time up to here.
    #[schema(format = DateTime)]
    end: Option<String>,
    data: Option<Condition>,
}

/// What matches a pattern in one field of the data.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Redaction {
    /// The field, as a path of names joined by dots.
    field: String,
    /// A regular expression.
    #[schema(format = "regex")]
    pattern: String,
    /// The text instead of what matches.
    replacement: String,
    bucket: Option<Ids>,
    /// Only events that touch the time from here on.
    #[schema(format = DateTime)]
    start: Option<String>,
    /// Only events that touch the time up to here.
    #[schema(format = DateTime)]
    end: Option<String>,
}

/// A preview of a purge or redaction, or the receipt of one that was confirmed.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum ErasureAnswer {
    Preview(ErasurePreview),
    Receipt(ErasureReceipt),
}

/// What would be erased.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErasurePreview {
    /// Events that are there.
    events: u64,
    /// Events in the trash.
    deleted: u64,
    /// Prior versions of events.
    former: u64,
    buckets: Vec<ErasureCount>,
    /// Some of the events.
    samples: Vec<ErasureSample>,
    /// Send `{"token": …}` to the same path to erase it.
    token: String,
    /// Until when the token can be used.
    #[schema(format = DateTime)]
    expires: String,
}

/// How much of a bucket.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErasureCount {
    bucket: String,
    count: u64,
}

/// An event that would be erased.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErasureSample {
    bucket: String,
    id: u64,
    #[schema(format = DateTime)]
    timestamp: String,
    duration: f64,
    data: Object,
}

/// What was erased.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErasureReceipt {
    state: ErasureState,
    what: ErasedHow,
    events: u64,
    deleted: u64,
    former: u64,
    buckets: Vec<ErasureCount>,
    /// When everything was erased; null if it is not yet.
    #[schema(required, format = DateTime)]
    completed: Option<String>,
    /// What is still missing.
    #[schema(nullable = false)]
    message: Option<String>,
    /// How many events of a redaction are done, if not all are.
    #[schema(nullable = false)]
    redacted: Option<u64>,
    /// Log segments that were rewritten.
    #[schema(nullable = false)]
    log_segments: Option<u64>,
    /// Records of the log that were changed.
    #[schema(nullable = false)]
    records: Option<u64>,
    /// View segments that were rewritten.
    #[schema(nullable = false)]
    view_segments: Option<u64>,
    /// Backups, and whether it is erased from them.
    #[schema(nullable = false)]
    backups: Option<Vec<ErasedBackup>>,
}

/// Whether everything is erased, or hidden and still to be erased, or only a part was ordered.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ErasureState {
    Completed,
    Ordered,
    Partly,
}

/// Whether events were removed, or something in them.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ErasedHow {
    Purged,
    Redacted,
}

/// A backup that the server knows.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErasedBackup {
    path: String,
    /// Whether it is erased from this backup.
    done: bool,
    #[schema(nullable = false)]
    segments: Option<u64>,
    #[schema(nullable = false)]
    waiting: Option<bool>,
    #[schema(nullable = false)]
    message: Option<String>,
}

//! JSON of the history: events, the trash, undo, records.
#![allow(dead_code, reason = "it describes JSON and is never constructed")]

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// What happened to an event.
#[derive(ToSchema)]
pub(crate) struct EventHistory {
    bucket: String,
    event: u64,
    /// The newest changes, the oldest first.
    changes: Vec<EventChange>,
    /// How many earlier changes there are.
    earlier: u64,
}

/// One change of an event.
#[derive(ToSchema)]
pub(crate) struct EventChange {
    /// The record that did it.
    seq: u64,
    #[schema(format = DateTime)]
    time: String,
    what: ChangeName,
    /// When the event begins afterwards.
    #[schema(nullable = false, format = DateTime)]
    timestamp: Option<String>,
    /// Its seconds afterwards.
    #[schema(nullable = false)]
    duration: Option<f64>,
    /// Its data, if they changed.
    #[schema(nullable = false)]
    data: Option<Value>,
    /// How many heartbeats did it, if they were sent together.
    #[schema(nullable = false)]
    heartbeats: Option<u64>,
    /// The heartbeat that did it.
    #[schema(nullable = false)]
    heartbeat: Option<HeartbeatFacts>,
}

/// What a change did.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ChangeName {
    Created,
    Extended,
    Inserted,
    Replaced,
    Salvaged,
    Deleted,
    Restored,
    Removed,
    Outcome,
    BucketDeleted,
    BucketRestored,
    Purged,
    Redacted,
}

/// A heartbeat that changed an event.
#[derive(ToSchema)]
pub(crate) struct HeartbeatFacts {
    #[schema(format = DateTime)]
    timestamp: String,
    duration: f64,
    pulsetime: f64,
}

/// Deleted buckets and events.
#[derive(ToSchema)]
pub(crate) struct Trash {
    items: Vec<TrashItem>,
}

/// One deletion.
#[derive(ToSchema)]
pub(crate) struct TrashItem {
    /// The record that deleted it, and the name under which it can be restored.
    id: u64,
    what: TrashedWhat,
    bucket: String,
    /// How many events.
    count: u64,
    /// The ids of the first events; none for a bucket.
    events: Vec<u64>,
    #[schema(format = DateTime)]
    deleted_at: String,
    /// When it is erased for good.
    #[schema(format = DateTime)]
    erased_at: String,
}

/// What was deleted.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TrashedWhat {
    Bucket,
    Events,
}

/// What was undone, or would be.
#[derive(ToSchema)]
pub(crate) struct UndoOutcome {
    events_restored: u64,
    events_removed: u64,
    /// How many buckets.
    buckets: u64,
    /// How many settings.
    settings: u64,
    /// Heartbeats, which stay.
    heartbeats_kept: u64,
    /// What cannot be undone, one line each.
    conflicts: Vec<String>,
    /// The record that undid it; null if nothing was changed.
    #[schema(required)]
    seq: Option<u64>,
    #[schema(format = DateTime)]
    time: String,
}

/// Records of the log, the newest first.
#[derive(ToSchema)]
pub(crate) struct Records {
    records: Vec<RecordLine>,
    /// The value of `to` that continues the list; null at its end.
    #[schema(required)]
    next: Option<u64>,
    /// The oldest record from which on past states are kept.
    history_from: u64,
}

/// A record of the log.
#[derive(ToSchema)]
pub(crate) struct RecordLine {
    seq: u64,
    #[schema(format = DateTime)]
    time: String,
    /// Null if this version of the server does not know it.
    #[schema(required)]
    kind: Option<RecordKindName>,
    /// The bucket; null if it is purged.
    bucket: Option<String>,
    /// The event that a heartbeat made or extended.
    #[schema(nullable = false)]
    event: Option<u64>,
    /// How many heartbeats it stands for, if they were sent together.
    #[schema(nullable = false)]
    heartbeats: Option<u64>,
    /// How many events it wrote.
    #[schema(nullable = false)]
    events: Option<u64>,
    /// How many events it removed.
    #[schema(nullable = false)]
    removed: Option<u64>,
    /// The name of a setting.
    #[schema(nullable = false)]
    key: Option<String>,
    /// What it purged: `bucket`, or the number of events.
    #[schema(nullable = false)]
    purged: Option<Value>,
    /// Why it cannot be read.
    #[schema(nullable = false)]
    error: Option<String>,
}

/// The type of a record.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RecordKindName {
    BucketCreated,
    BucketUpdated,
    BucketDeleted,
    Heartbeat,
    Heartbeats,
    BatchTaken,
    BucketListed,
    EventsInserted,
    EventsPut,
    EventsDeleted,
    SettingSet,
    SettingDeleted,
    EventsChanged,
    BucketRestored,
    Lost,
    Erased,
    PurgeBegun,
    PurgeEnded,
}

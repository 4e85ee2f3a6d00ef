//! JSON of v1 that is made without a type of its own, described for the OpenAPI document.
#![allow(dead_code, reason = "it describes JSON and is never constructed")]

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::api::v0::schema::Object;

/// A format of exports.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FormatName {
    Json,
    Ndjson,
    Csv,
    Sqlite,
    Ical,
    Parquet,
}

/// What happened to an event.
#[derive(ToSchema)]
pub(crate) struct EventHistory {
    bucket: String,
    event: u64,
    /// The newest changes, the oldest first.
    changes: Vec<EventChange>,
    /// Whether there are earlier changes.
    earlier: bool,
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

/// Sources that can be imported.
#[derive(ToSchema)]
pub(crate) struct FoundSources {
    found: Vec<FoundSource>,
}

/// A source on the server's machine.
#[derive(ToSchema)]
pub(crate) struct FoundSource {
    path: String,
    /// What it is; null if it cannot be read.
    #[schema(required)]
    kind: Option<String>,
    /// Why it cannot be read.
    #[schema(required)]
    problem: Option<String>,
    size: u64,
    buckets: u64,
    /// Whether it is that of a test instance.
    testing: bool,
    #[schema(required, format = DateTime)]
    modified: Option<String>,
}

/// An import that the server carries out.
#[derive(ToSchema)]
pub(crate) struct ImportRun {
    id: String,
    path: String,
    dry_run: bool,
    phase: ImportPhase,
    events_read: u64,
    events_per_second: f64,
    #[schema(required)]
    percent: Option<u64>,
    seconds: f64,
    /// What came of it, when it is done.
    #[schema(required)]
    result: Option<ImportResult>,
    /// Why it failed.
    #[schema(required)]
    error: Option<String>,
}

/// How far an import is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ImportPhase {
    Waiting,
    Reading,
    Done,
    Cancelled,
    Failed,
}

/// What an import stored.
#[derive(ToSchema)]
pub(crate) struct ImportResult {
    path: String,
    kind: String,
    complete: bool,
    buckets: Vec<ImportedSourceBucket>,
    left_out: Vec<String>,
    remarks: Vec<String>,
    settings: ImportedSettings,
}

/// What an import stored of one bucket.
#[derive(ToSchema)]
pub(crate) struct ImportedSourceBucket {
    bucket: String,
    created: bool,
    read: u64,
    stored: u64,
    known: u64,
    left_out: u64,
    dropped: u64,
    reasons: Vec<String>,
    /// Nanoseconds, as text, because the sum may be larger than what a JSON number holds exactly.
    duration_ns_source: String,
    #[schema(required)]
    duration_ns_here: Option<String>,
}

/// What an import did with settings: their names.
#[derive(ToSchema)]
pub(crate) struct ImportedSettings {
    set: Vec<String>,
    same: Vec<String>,
    kept: Vec<String>,
    refused: Vec<String>,
}

/// An import that is to end.
#[derive(ToSchema)]
pub(crate) struct CancelledImport {
    id: String,
    cancelled: bool,
}

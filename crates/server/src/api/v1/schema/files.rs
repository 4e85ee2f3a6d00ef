//! JSON of exports and imports.
#![allow(dead_code, reason = "it describes JSON and is never constructed")]

use serde::Serialize;
use utoipa::ToSchema;

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

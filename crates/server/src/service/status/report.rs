//! The report as data. It is the JSON of `GET /api/1/status`, and `timberline status` reads it back.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::Scope;
use crate::service::watchers::WatcherList;

/// Everything that `GET /api/1/status` says.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// Timberline's version.
    pub version: String,
    /// The commit that it was built from, if it is known.
    pub commit: Option<String>,
    /// The date of that commit, if it is known.
    pub date: Option<String>,
    /// The host name that buckets get.
    pub hostname: String,
    /// The device id.
    pub device_id: String,
    /// Whether this is a test instance.
    pub testing: bool,
    /// The process.
    pub process_id: u32,
    /// When the server started.
    pub started: String,
    /// How long ago that was.
    pub uptime_seconds: u64,
    /// Whether it can write.
    pub ready: bool,
    /// Why it cannot.
    pub not_ready: Option<String>,
    /// Who may use it.
    pub access: AccessStatus,
    /// What is stored.
    pub store: StoreStatus,
    /// Every bucket, by id.
    pub buckets: Vec<BucketStatus>,
    /// The backups.
    pub backups: BackupStatus,
    /// Damage that is known.
    pub damage: DamageStatus,
    /// Memory of the process.
    pub memory: MemoryStatus,
    /// The watchers that this server runs.
    #[serde(default)]
    pub watchers: WatcherList,
    /// What somebody should look at, one line each.
    pub attention: Vec<String>,
}

/// Who may use the server.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AccessStatus {
    /// The addresses that it listens on.
    pub addresses: Vec<String>,
    /// Whether only programs on this machine can connect.
    pub loopback_only: bool,
    /// Whether requests need an API key or a token: `none` or `required`.
    pub authentication: String,
    /// Further names that requests may address the server by.
    pub allowed_hosts: Vec<String>,
    /// Web pages that may use the API: origins and regular expressions.
    pub cors: Vec<String>,
    /// The tokens.
    #[serde(default)]
    pub tokens: Vec<TokenStatus>,
}

/// A token, without what it is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenStatus {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub scope: Scope,
    /// The buckets that it is for; all if there are none.
    pub buckets: Vec<String>,
    /// When it ends.
    pub expires: Option<String>,
    /// Whether it has ended.
    pub expired: bool,
    /// When it was last used.
    pub last_used: Option<String>,
}

/// What is stored.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct StoreStatus {
    /// The data directory.
    #[schema(value_type = String)]
    pub data_dir: PathBuf,
    /// Whether the data are encrypted.
    pub encrypted: bool,
    /// Bytes that the data directory takes on the disk.
    pub bytes: u64,
    /// Of these, the log's.
    pub log_bytes: u64,
    /// Of these, the views'.
    pub view_bytes: u64,
    /// By how much `bytes` has changed since the start.
    pub bytes_since_start: Option<i64>,
    /// Bytes that are free on its disk, if the system says.
    pub free_bytes: Option<u64>,
    /// Events in all buckets.
    pub events: u64,
    /// Events of the last 24 hours.
    pub events_last_day: Option<u64>,
    /// Events of the last 7 days.
    pub events_last_week: Option<u64>,
    /// The newest record.
    pub seq: u64,
    /// The newest record that survives a power cut, if a server runs.
    pub durable_seq: Option<u64>,
}

/// A bucket.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BucketStatus {
    /// Its id.
    pub id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub type_: String,
    /// Its host.
    pub hostname: String,
    /// How many events it has.
    pub events: u64,
    /// When its last event ended.
    pub last_event: Option<String>,
    /// How long ago that was. Negative if it is in the future.
    pub lag_seconds: Option<i64>,
    /// What its watcher does.
    pub state: WatcherState,
}

/// What a bucket's watcher does, judged by its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum WatcherState {
    /// There are no events yet.
    Empty,
    /// The last event is recent.
    Reporting,
    /// Nothing recent, and nothing is wrong: this watcher does not report all the time, or its machine is off.
    Quiet,
    /// It should report all the time, its machine is on, and nothing comes.
    Stopped,
}

/// The backups.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BackupStatus {
    /// Where the server makes backups by itself, if it does.
    #[schema(value_type = Option<String>)]
    pub automatic_dir: Option<PathBuf>,
    /// How often it does.
    pub automatic_every_seconds: Option<u64>,
    /// When the newest automatic backup was made.
    pub last_automatic: Option<String>,
    /// How often one has failed since the start.
    pub failures: u64,
    /// Every backup that is known, wherever it was made.
    pub known: Vec<KnownBackup>,
    /// Backups that may still hold what was erased.
    #[schema(value_type = Vec<String>)]
    pub waiting_for_erasure: Vec<PathBuf>,
}

/// A backup that the data directory knows of.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct KnownBackup {
    /// Where it is.
    #[schema(value_type = String)]
    pub path: PathBuf,
    /// When it was made or brought up to date.
    pub time: String,
}

/// Damage that is known.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct DamageStatus {
    /// Damaged places of the log, as of the start.
    pub log: Vec<String>,
    /// Sealed log segments that were removed while the server runs.
    pub segments_missing: u64,
    /// View segments that were found damaged since the start.
    pub view_segments_found: u64,
    /// Those that were rebuilt from the log.
    pub view_segments_healed: u64,
    /// Events that neither a damaged view segment nor the log had.
    pub events_lost: u64,
    /// Damaged places that the last scrub found.
    pub scrub_places: u64,
    /// When everything was read last.
    pub scrub_finished: Option<String>,
}

impl DamageStatus {
    /// Whether anything is damaged now.
    #[must_use]
    pub fn is_any(&self) -> bool {
        !self.log.is_empty()
            || self.segments_missing > 0
            || self.view_segments_found > self.view_segments_healed
            || self.events_lost > 0
            || self.scrub_places > 0
    }
}

/// Memory of the process.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct MemoryStatus {
    /// Its own; 0 where the system does not say.
    pub anonymous_bytes: u64,
    /// Pages of mapped files, which the system takes back when it needs them.
    pub file_bytes: u64,
    /// Of its own, results that queries have cached.
    pub query_cache_bytes: u64,
    /// Of its own, distinct data that queries have met.
    pub query_catalog_bytes: u64,
}

//! What the server is to do: every value decided, grouped by concern. Where the values come from is not its business.

mod auth;
mod limits;
mod mcp;
mod network;
mod webhooks;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use timberline_backup::AutomaticBackup;
use utoipa::ToSchema;

pub use auth::{ApiKey, Auth};
pub use limits::Limits;
pub use mcp::{Mcp, McpTool};
pub use network::{AddressRange, BasePath, Network, TlsFiles};
pub use webhooks::{AllowedTarget, WebhookSettings};

/// What the server is to do. Everything that has a default is decided.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which Timberline this is.
    pub build: Build,
    /// Whether this is a test instance: more origins are trusted, and `/api/0/info` says so.
    pub testing: bool,
    /// The directory of the data.
    pub data_dir: PathBuf,
    /// The device id to report instead of the one in the data directory.
    pub device_id: Option<String>,
    /// Where clients connect.
    pub network: Network,
    /// Which web pages may use the server.
    pub access: Access,
    /// Which credentials a request needs.
    pub auth: Auth,
    /// Which web pages the server has itself.
    pub pages: Pages,
    /// What the server logs about itself.
    pub logging: Logging,
    /// How the data are stored.
    pub storage: StorageSettings,
    /// How long history is kept.
    pub history: HistorySettings,
    /// How long the events of some buckets are kept.
    pub retention: Vec<RetentionRule>,
    /// How often everything is read in order to find damage.
    pub scrub_every: Duration,
    /// The backups that the server makes by itself, if any.
    pub backup: Option<AutomaticBackup>,
    /// Where webhooks may send to.
    pub webhooks: WebhookSettings,
    /// What assistants may use.
    pub mcp: Mcp,
    /// What clients may use.
    pub limits: Limits,
}

/// Which Timberline this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Build {
    /// The version.
    pub version: &'static str,
    /// The commit that it was built from, if it is known.
    pub commit: Option<&'static str>,
    /// The date of that commit, if it is known.
    pub date: Option<&'static str>,
}

/// Which web pages may use the server, besides its own.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// Names that a request's `Host` header may have, besides the usual ones.
    pub allowed_hosts: Vec<String>,
    /// Origins whose pages may use the API.
    pub cors: Vec<String>,
    /// The same as regular expressions.
    pub cors_regex: Vec<String>,
}

/// Directories with web pages.
#[derive(Clone, Debug, Default)]
pub struct Pages {
    /// The directory of the standard web UI.
    pub web_ui: Option<PathBuf>,
    /// Which web UI `/` is, if that is not left to the switch.
    pub serve: Option<WebUi>,
    /// The directories of `/pages/NAME/`, by name.
    pub custom: BTreeMap<String, PathBuf>,
}

/// A web UI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum WebUi {
    /// Timberline's own.
    Timberline,
    /// That of ActivityWatch.
    Standard,
}

impl std::str::FromStr for WebUi {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "timberline" => Ok(Self::Timberline),
            "standard" => Ok(Self::Standard),
            _ => Err("there are timberline and standard".to_owned()),
        }
    }
}

/// What the server logs about itself.
#[derive(Clone, Debug)]
pub struct Logging {
    /// The least level, or a list of targets with levels.
    pub level: String,
    /// The directory of the daily log files.
    pub dir: Option<PathBuf>,
}

/// How the data are stored.
#[derive(Clone, Debug)]
pub struct StorageSettings {
    /// The size of a log segment.
    pub segment_bytes: u64,
    /// `Some(interval)`: heartbeats are acknowledged before they are synced, and are synced within this time.
    /// `None`: they are acknowledged when they are synced.
    pub heartbeat_interval: Option<Duration>,
}

/// How long history is kept.
#[derive(Clone, Debug)]
pub struct HistorySettings {
    /// How far back `as_of` and undo reach.
    pub keep: Duration,
    /// How long deleted things can be restored.
    pub erase_after: Duration,
    /// How often the store looks for what is older.
    pub maintain_every: Duration,
}

/// How long the events of some buckets are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetentionRule {
    /// The ids of the buckets; `*` stands for any text.
    pub bucket: String,
    /// Events that ended longer ago are purged.
    pub keep: Duration,
}

/// When lists, exports and files are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Whenever the client accepts it.
    #[default]
    Always,
    /// Only for clients on other machines: over the loopback, bytes are cheaper than work.
    Remote,
    /// Never.
    Never,
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{key} = {value}: {reason}")]
pub struct SettingError {
    /// The setting, as users know it.
    pub key: String,
    /// Its value.
    pub value: String,
    /// Why it cannot be used, and which value can.
    pub reason: String,
}

/// The settings of a server without any configuration.
#[cfg(test)]
pub(crate) fn test_settings() -> Settings {
    const DAY: Duration = Duration::from_secs(86_400);
    Settings {
        build: Build {
            version: "0.0.0",
            commit: None,
            date: None,
        },
        testing: false,
        data_dir: "/home/ann/.local/share/timberline".into(),
        device_id: None,
        network: Network {
            host: "127.0.0.1".to_owned(),
            port: 5600,
            compression: Compression::default(),
            trusted_proxies: Vec::new(),
            base_path: BasePath::default(),
            tls: None,
        },
        access: Access::default(),
        auth: Auth::default(),
        pages: Pages::default(),
        logging: Logging {
            level: "info".to_owned(),
            dir: None,
        },
        storage: StorageSettings {
            segment_bytes: 64 << 20,
            heartbeat_interval: Some(Duration::from_secs(1)),
        },
        history: HistorySettings {
            keep: 30 * DAY,
            erase_after: 7 * DAY,
            maintain_every: Duration::from_secs(3600),
        },
        retention: Vec::new(),
        scrub_every: 7 * DAY,
        backup: None,
        webhooks: WebhookSettings::default(),
        mcp: Mcp::default(),
        limits: Limits::default(),
    }
}

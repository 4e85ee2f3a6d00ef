//! The configuration file: TOML, every key optional, an unknown key an error with its line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use timberline_server::settings::{Compression, Limits, Mcp, RetentionRule, WebUi};

use super::watchers::WatcherSection;
use super::{ConfigError, Span};

/// The file as written. [`super::Config`] is what comes of it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ConfigFile {
    /// Address to listen on.
    pub(crate) host: Option<String>,
    /// Port to listen on.
    pub(crate) port: Option<u16>,
    /// Directory of the data.
    pub(crate) data_dir: Option<PathBuf>,
    /// Directory of the standard web UI.
    pub(crate) webpath: Option<PathBuf>,
    /// Which web UI `/` serves.
    pub(crate) webui: Option<WebUi>,
    /// Directories that `/pages/NAME/` serves.
    pub(crate) custom_static: BTreeMap<String, PathBuf>,
    /// What `/api/0/info` says instead of the id kept in the data directory.
    pub(crate) device_id: Option<String>,
    /// Further names that a request's `Host` header may give.
    pub(crate) allowed_hosts: Vec<String>,
    /// Further origins whose pages may use the API, exactly as browsers send them.
    pub(crate) cors: Vec<String>,
    /// The same as regular expressions, which must match the whole origin.
    pub(crate) cors_regex: Vec<String>,
    /// Addresses of proxies that may say who the client is.
    pub(crate) trusted_proxies: Vec<String>,
    /// The path below which a proxy shows the server.
    pub(crate) base_path: String,
    /// When to compress answers for clients that accept it.
    pub(crate) compression: Compression,
    /// How long the full history is kept; older segments are squashed.
    pub(crate) history: Option<Span>,
    /// How long deleted things can be restored.
    pub(crate) erase_after: Option<Span>,
    /// How often it is looked whether something is older than that.
    pub(crate) maintain_every: Option<Span>,
    /// How often everything is read to find damage.
    pub(crate) scrub_every: Option<Span>,
    /// How long the events of which buckets are kept.
    pub(crate) retention: Vec<Retention>,
    /// Which credentials requests need.
    pub(crate) auth: Auth,
    /// The certificate, if the server speaks TLS.
    pub(crate) tls: Tls,
    /// The server's own log.
    pub(crate) logging: Logging,
    /// The event log.
    pub(crate) log: Log,
    /// When a write counts as done.
    pub(crate) durability: Durability,
    /// Backups that the server makes by itself.
    pub(crate) backup: Backup,
    /// Where webhooks may send to.
    pub(crate) webhooks: Webhooks,
    /// Which watchers run beside the server, and how.
    pub(crate) watchers: WatcherSection,
    /// What assistants may use.
    pub(crate) mcp: Mcp,
    /// Bounds on what clients may use.
    pub(crate) limits: Limits,
}

/// The `[webhooks]` section.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Webhooks {
    /// Hosts and ranges of addresses, besides this machine.
    pub(crate) allow: Vec<String>,
}

/// The `[auth]` section.
#[derive(Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Auth {
    /// The key that opens everything.
    pub(crate) api_key: Option<String>,
    /// Whether the server may listen beyond the loopback without credentials.
    pub(crate) insecure_no_auth: bool,
}

/// Without the key.
impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Auth")
            .field("api_key", &self.api_key.is_some())
            .field("insecure_no_auth", &self.insecure_no_auth)
            .finish()
    }
}

/// The `[tls]` section.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Tls {
    /// The certificate, as PEM.
    pub(crate) cert: Option<PathBuf>,
    /// Its key, as PEM.
    pub(crate) key: Option<PathBuf>,
}

/// The `[logging]` section.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Logging {
    /// The level to log, or a filter such as `info,timberline_server=debug`.
    pub(crate) level: Option<String>,
    /// Directory of the daily log files; `""` for none.
    pub(crate) dir: Option<PathBuf>,
}

/// The `[log]` section.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    /// Size of one segment file in bytes.
    pub(crate) segment_bytes: Option<u64>,
}

/// The `[backup]` section.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Backup {
    /// Directory of the sets.
    pub(crate) dir: Option<PathBuf>,
    /// How often a set is made; none are without it.
    pub(crate) every: Option<Span>,
    /// How many sets are kept.
    pub(crate) keep: Option<usize>,
}

/// One of the `[[retention]]` sections.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retention {
    /// Ids of buckets; `*` stands for anything.
    pub(crate) bucket: String,
    /// Events that ended longer ago are purged.
    pub(crate) keep: Span,
}

/// The `[durability]` section.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Durability {
    /// When a heartbeat is acknowledged.
    pub(crate) heartbeat: HeartbeatRule,
    /// Seconds after which at the latest a heartbeat is on the disk.
    pub(crate) heartbeat_interval: Option<f64>,
}

/// `durability.heartbeat`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum HeartbeatRule {
    /// When it is in the log; the disk has it within `heartbeat_interval`.
    #[default]
    Interval,
    /// When the disk has it.
    Always,
}

impl Retention {
    pub(crate) fn rule(self) -> RetentionRule {
        RetentionRule {
            bucket: self.bucket,
            keep: self.keep.0,
        }
    }
}

impl ConfigFile {
    /// Reads `path`.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`], or [`ConfigError::Wrong`] with the line of the mistake.
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
            path: path.to_owned(),
            error,
        })?;
        Self::parse(&text, path)
    }

    /// Parses `text`; `path` is named in errors.
    ///
    /// # Errors
    /// [`ConfigError::Wrong`] with the line of the mistake.
    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start.min(text.len()));
            let line = 1 + text.bytes().take(start).filter(|b| *b == b'\n').count();
            ConfigError::Wrong {
                path: path.to_owned(),
                line,
                message: error.message().replace('\n', "; "),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ConfigFile, ConfigError> {
        ConfigFile::parse(text, Path::new("config.toml"))
    }

    #[test]
    fn an_empty_file_is_all_defaults() {
        assert_eq!(parse("").unwrap(), ConfigFile::default());
    }

    #[test]
    fn an_unknown_key_is_an_error_with_its_line() {
        let error = parse("host = \"127.0.0.1\"\n\nprot = 5600\n").unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("config.toml:3: "), "{text}");
        assert!(text.contains("prot"), "{text}");
        assert!(!text.contains('\n'), "{text}");
    }

    #[test]
    fn an_unknown_key_in_a_section_is_an_error_with_its_line() {
        let error = parse("[limits]\nbody_bytes = 1\nfoo = 2\n").unwrap_err();
        assert!(error.to_string().starts_with("config.toml:3: "), "{error}");
    }

    #[test]
    fn a_wrong_type_is_an_error_with_its_line() {
        let error = parse("[durability]\nheartbeat = \"sometimes\"\n").unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("config.toml:2: "), "{text}");
        assert!(text.contains("interval"), "{text}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = ConfigFile::read(Path::new("/nowhere/c.toml")).unwrap_err();
        assert!(error.to_string().contains("/nowhere/c.toml"), "{error}");
    }

    /// The page is for users; a key that is not on it does not exist for them.
    #[test]
    fn every_key_is_on_the_documentation_page() {
        let page = include_str!("../../../../docs/configuration.md");
        for key in [
            "host",
            "port",
            "data_dir",
            "webpath",
            "webui",
            "custom_static",
            "device_id",
            "allowed_hosts",
            "cors",
            "cors_regex",
            "trusted_proxies",
            "base_path",
            "compression",
            "auth.api_key",
            "auth.insecure_no_auth",
            "tls.cert",
            "tls.key",
            "logging.level",
            "logging.dir",
            "log.segment_bytes",
            "durability.heartbeat",
            "durability.heartbeat_interval",
            "history",
            "erase_after",
            "maintain_every",
            "scrub_every",
            "retention.bucket",
            "retention.keep",
            "backup.dir",
            "backup.every",
            "backup.keep",
            "webhooks.allow",
            "watchers.modules",
            "watchers.programs",
            "watchers.tray",
            "watchers.alerts",
            "watchers.away",
            "watchers.window",
            "watchers.afk",
            "watchers.media",
            "watchers.input",
            "mcp.http",
            "mcp.tools",
            "limits.body_bytes",
            "limits.body_pool_bytes",
            "limits.connections",
            "limits.streams",
            "limits.header_seconds",
            "limits.body_seconds",
            "limits.idle_seconds",
            "limits.waiting_requests",
            "limits.waiting_bytes",
            "limits.waiting_seconds",
            "limits.drain_seconds",
        ] {
            assert!(page.contains(&format!("`{key}`")), "{key} is missing");
        }
    }

    #[test]
    fn the_example_on_the_documentation_page_is_valid_and_shows_the_defaults() {
        let page = include_str!("../../../../docs/configuration.md");
        let example = page
            .split("```toml\n")
            .nth(1)
            .and_then(|rest| rest.split("```").next())
            .unwrap();
        let file = parse(example).unwrap();
        assert_eq!(file.limits, Limits::default());
        assert_eq!(file.compression, Compression::default());
        assert_eq!(file.mcp, Mcp::default());
        assert_eq!(file.durability.heartbeat, HeartbeatRule::default());
    }
}

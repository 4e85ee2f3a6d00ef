//! Everything decided: the file, overridden by the command line, with defaults for the rest.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use timberline_backup::AutomaticBackup;

use timberline_server::settings::{
    Access, AddressRange, AllowedTarget, ApiKey, Auth, BasePath, HistorySettings, Logging, Network, Pages,
    RetentionRule, SettingError, Settings, StorageSettings, TlsFiles, WebUi, WebhookSettings,
};

use crate::build::BUILD;

use super::file::{self, Backup, HeartbeatRule, Retention, Tls};
use super::watchers::WatcherSettings;
use super::{BaseDirs, ConfigError, ConfigFile, Span, names};

/// The port the reference servers listen on, which every client expects.
const PORT: u16 = 5600;
/// Their port in testing mode.
const TESTING_PORT: u16 = 5666;
/// Segment size when the configuration says nothing.
const SEGMENT_BYTES: u64 = 64 << 20;
/// A segment must hold a request body of the usual size, and more is not worth a file.
const SEGMENT_RANGE: std::ops::RangeInclusive<u64> = (1 << 20)..=(1 << 30);

/// How long all of history is kept when the configuration says nothing.
const HISTORY: Duration = Duration::from_secs(30 * 86_400);
/// How long deleted things are.
const ERASE_AFTER: Duration = Duration::from_secs(7 * 86_400);
/// How often it is looked whether something is older.
const MAINTAIN_EVERY: Duration = Duration::from_secs(3600);
/// How often everything is read to find damage, by default.
const SCRUB_EVERY: Duration = Duration::from_secs(7 * 86_400);
/// A rule for all buckets must keep events for at least so long.
const MIN_KEEP: Duration = Duration::from_secs(1);
/// Sets of automatic backups that are kept when the configuration says nothing.
const DEFAULT_SETS: usize = 7;
/// More often than that, a server would do little else.
const MIN_INTERVAL: Duration = Duration::from_secs(60);

/// What the command line says; it wins over the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides {
    /// `--config`.
    pub(crate) config: Option<PathBuf>,
    /// `--testing`.
    pub(crate) testing: bool,
    /// `--host`.
    pub(crate) host: Option<String>,
    /// `--port`.
    pub(crate) port: Option<u16>,
    /// `--dbpath`.
    pub(crate) data_dir: Option<PathBuf>,
    /// `--webpath`.
    pub(crate) webpath: Option<PathBuf>,
    /// `--webui`.
    pub(crate) webui: Option<WebUi>,
    /// `--device-id`.
    pub(crate) device_id: Option<String>,
    /// `--custom-static`, added to those of the file.
    pub(crate) custom_static: BTreeMap<String, PathBuf>,
    /// `--cors-origins`, added to those of the file.
    pub(crate) cors_origins: Vec<String>,
    /// `--verbose`.
    pub(crate) verbose: bool,
    /// `--tls-cert` and `--tls-key`.
    pub(crate) tls: Option<(PathBuf, PathBuf)>,
    /// `--insecure-no-auth`.
    pub(crate) insecure_no_auth: bool,
    /// `--encrypt`.
    pub(crate) encrypt: bool,
    /// `--passphrase-file`.
    pub(crate) passphrase_file: Option<PathBuf>,
}

/// Every value decided: what the server is to do, and how encrypted data are opened.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// What the server is to do.
    pub(crate) server: Settings,
    /// How encrypted data are opened.
    pub(crate) encryption: Encryption,
    /// Which watchers `timberline up` runs, and how.
    pub(crate) watchers: WatcherSettings,
}

/// How encrypted data are opened.
#[derive(Clone, Debug, Default)]
pub(crate) struct Encryption {
    /// Whether a new data directory is to be encrypted.
    pub(crate) encrypt: bool,
    /// The file with the passphrase.
    pub(crate) passphrase_file: Option<PathBuf>,
}

impl Config {
    /// Reads the file that `overrides` (or the usual place) names and decides everything.
    ///
    /// # Errors
    /// [`ConfigError`]: an unreadable file, a wrong key or value, or no place to keep data.
    pub(crate) fn load(overrides: Overrides, dirs: &BaseDirs) -> Result<Self, ConfigError> {
        let usual = dirs
            .config_file(overrides.testing)
            .filter(|path| overrides.config.is_none() && path.exists());
        let path = overrides.config.clone().or(usual);
        let file = match &path {
            Some(path) => ConfigFile::read(path)?,
            None => ConfigFile::default(),
        };
        let base = path
            .as_deref()
            .and_then(Path::parent)
            .unwrap_or(Path::new(""))
            .to_owned();
        Self::decide(file, overrides, dirs, &base)
    }

    /// The same with the file already read; its relative paths are taken from `base`.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub(crate) fn decide(
        file: ConfigFile,
        overrides: Overrides,
        dirs: &BaseDirs,
        base: &Path,
    ) -> Result<Self, ConfigError> {
        let testing = overrides.testing;
        refuse_empty_paths(&file)?;
        let storage = storage(&file)?;
        let history = history(&file)?;
        let from_file = |path: PathBuf| dirs.resolve(&path, base);
        let data_dir = match overrides.data_dir.or(file.data_dir.map(from_file)) {
            Some(dir) => dir,
            None => dirs.data_dir(testing)?,
        };
        let custom = file.custom_static.into_iter();
        let mut custom: BTreeMap<_, _> = custom.map(|(name, dir)| (name, from_file(dir))).collect();
        custom.extend(overrides.custom_static);
        let default_port = if testing { TESTING_PORT } else { PORT };
        let server = Settings {
            build: BUILD,
            testing,
            data_dir,
            device_id: overrides.device_id.or(file.device_id),
            network: Network {
                host: overrides
                    .host
                    .or(file.host)
                    .unwrap_or_else(|| "127.0.0.1".to_owned()),
                port: overrides.port.or(file.port).unwrap_or(default_port),
                compression: file.compression,
                trusted_proxies: trusted_proxies(&file.trusted_proxies)?,
                base_path: BasePath::parse(&file.base_path)?,
                tls: tls_files(overrides.tls, file.tls, from_file)?,
            },
            access: Access {
                allowed_hosts: file.allowed_hosts,
                cors: with_given(file.cors, overrides.cors_origins),
                cors_regex: file.cors_regex,
            },
            auth: Auth {
                api_key: file.auth.api_key.as_deref().map(ApiKey::parse).transpose()?,
                insecure_no_auth: file.auth.insecure_no_auth || overrides.insecure_no_auth,
            },
            pages: pages(
                overrides.webpath.or(file.webpath.map(from_file)),
                overrides.webui.or(file.webui),
                custom,
            )?,
            logging: logging(file.logging, overrides.verbose, from_file, || {
                dirs.log_dir(testing)
            }),
            storage,
            history,
            retention: file.retention.into_iter().map(Retention::rule).collect(),
            scrub_every: at_least_a_second("scrub_every", file.scrub_every, SCRUB_EVERY)?,
            backup: automatic_backup(file.backup, from_file)?,
            webhooks: WebhookSettings {
                allow: allowed_targets(&file.webhooks.allow)?,
            },
            mcp: file.mcp,
            limits: file.limits,
        };
        check(&server)?;
        Ok(Self {
            server,
            encryption: Encryption {
                encrypt: overrides.encrypt,
                passphrase_file: overrides.passphrase_file,
            },
            watchers: file.watchers.settings()?,
        })
    }
}

/// Where webhooks may send to.
fn allowed_targets(list: &[String]) -> Result<Vec<AllowedTarget>, ConfigError> {
    let parse = |text: &String| {
        text.parse()
            .map_err(|reason| value("webhooks.allow", quoted(text), reason))
    };
    list.iter().map(parse).collect()
}

/// The certificate of the command line, or that of the file.
fn tls_files(
    given: Option<(PathBuf, PathBuf)>,
    section: Tls,
    resolve: impl Fn(PathBuf) -> PathBuf,
) -> Result<Option<TlsFiles>, ConfigError> {
    if let Some((cert, key)) = given {
        return Ok(Some(TlsFiles { cert, key }));
    }
    let missing = |there: &str, path: &Path, needed: &str| {
        let reason = format!("needs {needed} too: a certificate and its key belong together");
        Err(value(there, quoted(&path.display().to_string()), reason))
    };
    match (section.cert, section.key) {
        (None, None) => Ok(None),
        (Some(cert), Some(key)) => Ok(Some(TlsFiles {
            cert: resolve(cert),
            key: resolve(key),
        })),
        (Some(cert), None) => missing("tls.cert", &cert, "tls.key"),
        (None, Some(key)) => missing("tls.key", &key, "tls.cert"),
    }
}

fn trusted_proxies(list: &[String]) -> Result<Vec<AddressRange>, ConfigError> {
    let parse = |text: &String| {
        let range = text.parse();
        range.map_err(|reason: String| value("trusted_proxies", quoted(text), reason))
    };
    list.iter().map(parse).collect()
}

/// The origins of the file and those of the command line. aw-server allows empty ones in its list.
fn with_given(mut origins: Vec<String>, given: Vec<String>) -> Vec<String> {
    origins.extend(given.into_iter().filter(|origin| !origin.is_empty()));
    origins
}

/// Refuses values that cannot be meant.
fn check(settings: &Settings) -> Result<(), ConfigError> {
    if !SEGMENT_RANGE.contains(&settings.storage.segment_bytes) {
        return Err(value(
            "log.segment_bytes",
            settings.storage.segment_bytes,
            format!(
                "must be from {} to {}",
                SEGMENT_RANGE.start(),
                SEGMENT_RANGE.end()
            ),
        ));
    }
    for origin in &settings.access.cors {
        names::check_origin(origin).map_err(|reason| value("cors", quoted(origin), reason))?;
    }
    for pattern in &settings.access.cors_regex {
        names::check_pattern(pattern).map_err(|reason| value("cors_regex", quoted(pattern), reason))?;
    }
    for host in &settings.access.allowed_hosts {
        names::check_host(host).map_err(|reason| value("allowed_hosts", quoted(host), reason))?;
    }
    if let Some(rule) = settings.retention.iter().find(|rule| erases_all(rule)) {
        return Err(value(
            "retention.keep",
            Span(rule.keep),
            "with a bucket of \"*\" this erases everything as soon as it is recorded: name the buckets that are meant, or keep events for longer",
        ));
    }
    if let Some((key, found, reason)) = settings.limits.unusable() {
        return Err(value(key, found, reason));
    }
    if let Some(name) = settings
        .pages
        .custom
        .keys()
        .find(|name| name.is_empty() || name.contains('/'))
    {
        return Err(value(
            "custom_static",
            name,
            "a page's name must not be empty or contain '/'",
        ));
    }
    Ok(())
}

/// Whether a rule for all buckets keeps nothing.
fn erases_all(rule: &RetentionRule) -> bool {
    let all = !rule.bucket.is_empty() && rule.bucket.bytes().all(|b| b == b'*');
    all && rule.keep < MIN_KEEP
}

fn pages(
    web_ui: Option<PathBuf>,
    serve: Option<WebUi>,
    custom: BTreeMap<String, PathBuf>,
) -> Result<Pages, ConfigError> {
    if serve == Some(WebUi::Standard) && web_ui.is_none() {
        return Err(value(
            "webui",
            "\"standard\"",
            "needs webpath, the directory of the standard web UI",
        ));
    }
    Ok(Pages {
        web_ui,
        serve,
        custom,
    })
}

/// An empty path is relative, too: it would be the directory of the configuration file itself.
fn refuse_empty_paths(file: &ConfigFile) -> Result<(), ConfigError> {
    let pages = file
        .custom_static
        .iter()
        .map(|(name, dir)| (name.as_str(), Some(dir)));
    let empty = [
        ("data_dir", file.data_dir.as_ref()),
        ("webpath", file.webpath.as_ref()),
    ]
    .into_iter()
    .chain(pages)
    .find(|(_, path)| path.is_some_and(|path| path.as_os_str().is_empty()));
    match empty {
        Some((key, _)) => Err(value(key, "\"\"", "must not be empty; leave the key out instead")),
        None => Ok(()),
    }
}

fn at_least_a_second(key: &str, span: Option<Span>, default: Duration) -> Result<Duration, ConfigError> {
    match span {
        None => Ok(default),
        Some(span) if span.0 < Duration::from_secs(1) => Err(value(key, span, "must be at least 1 second")),
        Some(span) => Ok(span.0),
    }
}

fn storage(file: &ConfigFile) -> Result<StorageSettings, ConfigError> {
    Ok(StorageSettings {
        segment_bytes: file.log.segment_bytes.unwrap_or(SEGMENT_BYTES),
        heartbeat_interval: heartbeat_interval(
            file.durability.heartbeat,
            file.durability.heartbeat_interval,
        )?,
    })
}

fn history(file: &ConfigFile) -> Result<HistorySettings, ConfigError> {
    Ok(HistorySettings {
        keep: file.history.map_or(HISTORY, |span| span.0),
        erase_after: file.erase_after.map_or(ERASE_AFTER, |span| span.0),
        maintain_every: at_least_a_second("maintain_every", file.maintain_every, MAINTAIN_EVERY)?,
    })
}

/// What is logged, and where: an empty directory in the file means none, no directory the usual one.
fn logging(
    file: file::Logging,
    verbose: bool,
    from_file: impl FnOnce(PathBuf) -> PathBuf,
    usual: impl FnOnce() -> Option<PathBuf>,
) -> Logging {
    Logging {
        level: match file.level {
            _ if verbose => "debug".to_owned(),
            Some(level) => level,
            None => "info".to_owned(),
        },
        dir: match file.dir {
            Some(dir) if dir.as_os_str().is_empty() => None,
            Some(dir) => Some(from_file(dir)),
            None => usual(),
        },
    }
}

fn automatic_backup(
    section: Backup,
    resolve: impl Fn(PathBuf) -> PathBuf,
) -> Result<Option<AutomaticBackup>, ConfigError> {
    let keep = section.keep.unwrap_or(DEFAULT_SETS);
    if keep == 0 {
        return Err(value("backup.keep", keep, "must be at least 1"));
    }
    let Some(every) = section.every else {
        return Ok(None);
    };
    if every.0 < MIN_INTERVAL {
        return Err(value("backup.every", every, "must be at least 1 minute"));
    }
    match section.dir.filter(|dir| !dir.as_os_str().is_empty()) {
        Some(dir) => Ok(Some(AutomaticBackup {
            dir: resolve(dir),
            every: every.0,
            keep,
        })),
        None => Err(value(
            "backup.every",
            every,
            "needs backup.dir, the directory to keep the backups in",
        )),
    }
}

fn heartbeat_interval(rule: HeartbeatRule, seconds: Option<f64>) -> Result<Option<Duration>, ConfigError> {
    let seconds = seconds.unwrap_or(1.0);
    let interval = Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|interval| (Duration::from_millis(1)..=Duration::from_secs(3600)).contains(interval))
        .ok_or_else(|| {
            value(
                "durability.heartbeat_interval",
                seconds,
                "must be from 0.001 to 3600 seconds",
            )
        })?;
    Ok(match rule {
        HeartbeatRule::Interval => Some(interval),
        HeartbeatRule::Always => None,
    })
}

/// An entry of a list, as it stands in the file.
fn quoted(entry: &str) -> String {
    format!("{entry:?}")
}

fn value(key: &str, found: impl ToString, reason: impl Into<String>) -> ConfigError {
    ConfigError::Value(SettingError {
        key: key.to_owned(),
        value: found.to_string(),
        reason: reason.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dirs() -> BaseDirs {
        BaseDirs::from(|name| (name == "HOME").then(|| "/home/ann".into()))
    }

    fn decide(text: &str, overrides: Overrides) -> Result<Settings, ConfigError> {
        let file = ConfigFile::parse(text, Path::new("c.toml"))?;
        Config::decide(file, overrides, &dirs(), Path::new("/etc/t")).map(|config| config.server)
    }

    #[test]
    fn defaults_are_the_ports_that_clients_expect() {
        let normal = decide("", Overrides::default()).unwrap();
        assert_eq!(
            (normal.network.host.as_str(), normal.network.port),
            ("127.0.0.1", 5600)
        );
        let overrides = Overrides {
            testing: true,
            ..Overrides::default()
        };
        let testing = decide("", overrides).unwrap();
        assert_eq!(testing.network.port, 5666);
        assert_ne!(testing.data_dir, normal.data_dir);
    }

    #[test]
    fn the_command_line_wins_over_the_file() {
        let overrides = Overrides {
            port: Some(7000),
            data_dir: Some("/tmp/x".into()),
            custom_static: [("b".to_owned(), PathBuf::from("/b2"))].into(),
            ..Overrides::default()
        };
        let text =
            "port = 6000\nhost = \"0.0.0.0\"\ndata_dir = \"d\"\n[custom_static]\na = \"a\"\nb = \"b\"\n";
        let settings = decide(text, overrides).unwrap();
        assert_eq!(
            (settings.network.host.as_str(), settings.network.port),
            ("0.0.0.0", 7000)
        );
        assert_eq!(settings.data_dir, Path::new("/tmp/x"));
        assert_eq!(settings.pages.custom["a"], Path::new("/etc/t/a"));
        assert_eq!(settings.pages.custom["b"], Path::new("/b2"));
    }

    #[test]
    fn synced_heartbeats_have_no_interval() {
        let settings = decide("[durability]\nheartbeat = \"always\"\n", Overrides::default()).unwrap();
        assert_eq!(settings.storage.heartbeat_interval, None);
    }

    #[test]
    fn backups_are_off_unless_it_is_said_how_often() {
        let quiet = decide("[backup]\ndir = \"b\"\nkeep = 3\n", Overrides::default()).unwrap();
        assert_eq!(quiet.backup, None);
        let daily = decide("[backup]\ndir = \"b\"\nevery = \"1 day\"\n", Overrides::default()).unwrap();
        let expected = AutomaticBackup {
            dir: "/etc/t/b".into(),
            every: Duration::from_secs(86_400),
            keep: DEFAULT_SETS,
        };
        assert_eq!(daily.backup, Some(expected));
    }

    #[test]
    fn values_that_make_no_sense_name_their_key() {
        for (text, key) in [
            (
                "[durability]\nheartbeat_interval = -1.0",
                "durability.heartbeat_interval",
            ),
            (
                "[durability]\nheartbeat_interval = nan",
                "durability.heartbeat_interval",
            ),
            ("[log]\nsegment_bytes = 10", "log.segment_bytes"),
            ("[limits]\nconnections = 0", "limits.connections"),
            ("[custom_static]\n\"a/b\" = \"x\"", "custom_static"),
            ("[custom_static]\npage = \"\"", "page"),
            ("webpath = \"\"", "webpath"),
            ("webui = \"standard\"", "webui"),
            ("[backup]\nevery = \"1 day\"", "backup.every"),
            ("[backup]\ndir = \"b\"\nevery = \"3 s\"", "backup.every"),
            ("[backup]\nkeep = 0", "backup.keep"),
            (
                "[[retention]]\nbucket = \"*\"\nkeep = \"0 seconds\"",
                "retention.keep",
            ),
            (
                "[[retention]]\nbucket = \"**\"\nkeep = \"5 ms\"",
                "retention.keep",
            ),
            ("data_dir = \"\"", "data_dir"),
            ("[auth]\napi_key = \"\"", "auth.api_key"),
            ("[auth]\napi_key = \"a b\"", "auth.api_key"),
            ("cors = [\"https://a.org/\"]", "cors"),
            ("cors_regex = [\"(\"]", "cors_regex"),
            ("allowed_hosts = [\"nas:5600\"]", "allowed_hosts"),
            ("trusted_proxies = [\"10.0.0.0/40\"]", "trusted_proxies"),
            ("base_path = \"/a b\"", "base_path"),
            ("[tls]\ncert = \"c\"", "tls.cert"),
            ("[tls]\nkey = \"k\"", "tls.key"),
            (
                "[limits]\ndrain_seconds = 9223372036854775807",
                "limits.drain_seconds",
            ),
            ("[limits]\nwaiting_seconds = 31536001", "limits.waiting_seconds"),
        ] {
            let error = decide(text, Overrides::default()).unwrap_err().to_string();
            assert!(error.starts_with(key), "{error}");
        }
    }
}

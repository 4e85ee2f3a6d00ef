//! The `[watchers]` section: which watchers `timberline up` runs, and how.

use serde::Deserialize;
use timberline_server::settings::SettingError;
use timberline_watchers::away::AwayOptions;
use timberline_watchers::modules::{AfkOptions, InputOptions, MediaOptions, Options, WindowOptions};

use super::ConfigError;

/// The section as written.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct WatcherSection {
    /// The modules that run.
    modules: Option<Vec<String>>,
    /// Programs of others that run as well.
    programs: Option<Vec<String>>,
    /// Whether there is an icon in the tray.
    tray: Option<bool>,
    /// Whether notifications say how much time has gone where.
    alerts: bool,
    /// Which absences are asked about.
    away: AwayOptions,
    /// What is recorded of windows.
    window: WindowOptions,
    /// When somebody counts as away.
    afk: AfkOptions,
    /// What is recorded of media.
    media: MediaOptions,
    /// How input is counted.
    input: InputOptions,
}

/// What comes of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct WatcherSettings {
    /// The modules that run unless somebody has chosen otherwise; `None`: those that are on by default.
    pub(crate) modules: Option<Vec<String>>,
    /// Programs of others that run unless somebody has chosen otherwise; `None`: those that aw-qt and aw-tauri start.
    pub(crate) programs: Option<Vec<String>>,
    /// Whether there is an icon in the tray.
    pub(crate) tray: bool,
    /// Whether notifications say how much time has gone where.
    pub(crate) alerts: bool,
    /// Which absences are asked about.
    pub(crate) away: AwayOptions,
    /// How the modules work.
    pub(crate) options: Options,
}

impl WatcherSection {
    /// Checks the section.
    ///
    /// # Errors
    /// When a rule for windows cannot work.
    pub(crate) fn settings(self) -> Result<WatcherSettings, ConfigError> {
        let options = Options {
            window: self.window,
            afk: self.afk,
            media: self.media,
            input: self.input,
        };
        options.check().map_err(|error| {
            ConfigError::Value(SettingError {
                key: "watchers.window.rules".to_owned(),
                value: "…".to_owned(),
                reason: error.to_string(),
            })
        })?;
        Ok(WatcherSettings {
            modules: self.modules,
            programs: self.programs,
            tray: self.tray.unwrap_or(true),
            alerts: self.alerts,
            away: self.away,
            options,
        })
    }
}

//! What a person can choose: the part of the configuration file that is about the modules.

use serde::Deserialize;
use timberline_model::Duration;

use crate::afk::TIMEOUT;
use crate::length;
use crate::window::{PrivateWindows, Rule, RuleError, Rules};

/// The options of all modules, as sections of a configuration file: `[window]`, `[afk]`, `[media]`, `[input]`. Every key is
/// optional, and an unknown one is an error.
///
/// ```
/// use timberline_watchers::modules::Options;
///
/// let options = Options::from_toml(r#"
/// [window]
/// private_windows = "drop"
///
/// [[window.rules]]
/// app = "keepass"
/// drop = true
///
/// [afk]
/// timeout = "5 minutes"
/// ignored_devices = ["game pad"]
/// "#)?;
/// assert_eq!(options.window.rules.len(), 1);
/// let error = Options::from_toml("[afk]\ntimeout = \"soon\"").unwrap_err();
/// assert!(error.to_string().contains("is not a length of time"));
/// # Ok::<(), timberline_watchers::modules::OptionsError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Windows.
    pub window: WindowOptions,
    /// Presence.
    pub afk: AfkOptions,
    /// What is played.
    pub media: MediaOptions,
    /// Counts of keys, clicks and movement.
    pub input: InputOptions,
}

/// What is recorded of windows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WindowOptions {
    /// What is done with private windows of browsers.
    pub private_windows: PrivateWindows,
    /// Which windows are not recorded, or not as they are.
    pub rules: Vec<Rule>,
}

impl WindowOptions {
    /// The rules, compiled.
    ///
    /// # Errors
    /// When one of them is not valid.
    pub fn compile(&self) -> Result<Rules, RuleError> {
        Rules::new(self.private_windows, &self.rules)
    }
}

/// When the user counts as away.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AfkOptions {
    /// After so long without input. At least ten seconds.
    #[serde(deserialize_with = "timeout")]
    pub timeout: Duration,
    /// Devices whose input does not count, such as a game pad whose stick is never at rest: parts of their names, whatever the
    /// case.
    pub ignored_devices: Vec<String>,
}

impl Default for AfkOptions {
    fn default() -> AfkOptions {
        AfkOptions {
            timeout: TIMEOUT,
            ignored_devices: Vec::new(),
        }
    }
}

/// Which players are recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MediaOptions {
    /// Players that are not: parts of their names, whatever the case.
    pub ignored_players: Vec<String>,
}

/// How input is counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InputOptions {
    /// Whether the devices in `/dev/input` may be read, which needs a person in the group `input`: every program of that person
    /// can then read all keys. It is the only way where the desktop is not X11.
    pub evdev: bool,
}

/// Why options cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// They are not valid TOML, or a key or value is not known.
    #[error("{0}")]
    Text(Box<toml::de::Error>),
    /// A rule is not valid.
    #[error(transparent)]
    Rule(#[from] RuleError),
}

impl Options {
    /// Reads and checks options.
    ///
    /// # Errors
    /// When a key is unknown, or when a value or a rule is not valid.
    pub fn from_toml(text: &str) -> Result<Options, OptionsError> {
        let options: Options = toml::from_str(text).map_err(|error| OptionsError::Text(Box::new(error)))?;
        options.check()?;
        Ok(options)
    }

    /// Checks options that were read as part of another file.
    ///
    /// # Errors
    /// When a rule is not valid.
    pub fn check(&self) -> Result<(), OptionsError> {
        self.window.compile()?;
        Ok(())
    }
}

/// The shortest time after which the user may count as away: sources report the end of input within five seconds.
const MIN_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_TIMEOUT: Duration = Duration::from_secs(24 * 3600);

fn timeout<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    length::between(
        MIN_TIMEOUT,
        MAX_TIMEOUT,
        "the timeout must be between ten seconds and a day",
        deserializer,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        Options::from_toml(text).expect_err("an error").to_string()
    }

    #[test]
    fn every_option_has_a_default() {
        let options = Options::from_toml("").expect("good");
        assert_eq!(options, Options::default());
        assert_eq!(options.afk.timeout, TIMEOUT);
    }

    #[test]
    fn invalid_options_are_refused_with_what_to_do() {
        for (text, expected) in [
            (
                "[window]\nrule = []",
                "unknown field `rule`, expected `private_windows` or `rules`",
            ),
            ("[afk]\ntimeout = \"3\"", "write it like \"3 minutes\""),
            ("[afk]\ntimeout = \"3 s\"", "between ten seconds and a day"),
            ("[[window.rules]]\napp = '('\ndrop = true", "'(' of window rule 1"),
            (
                "[window]\nprivate_windows = \"x\"",
                "expected one of `hide-title`, `drop`, `record`",
            ),
        ] {
            let error = error(text);
            assert!(error.contains(expected), "{error}");
        }
    }
}

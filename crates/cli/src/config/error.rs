//! What can be wrong with a configuration.

use std::path::PathBuf;

use timberline_server::settings::SettingError;

/// Why a configuration could not be used. Every text is one line and names the place to look at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file given with `--config` (or found in its usual place) cannot be read.
    #[error("cannot read the configuration file {path}: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The file is not TOML, has an unknown key, or a value of the wrong type.
    #[error("{path}:{line}: {message}")]
    Wrong {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong, on one line.
        message: String,
    },
    /// A value has the right type but cannot be used.
    #[error(transparent)]
    Value(#[from] SettingError),
    /// Neither the XDG variables nor `HOME` say where files belong.
    #[error("cannot tell where to keep {what}: neither {variable} nor HOME is set; set one or give a path")]
    NoHome {
        /// What was looked for.
        what: &'static str,
        /// The XDG variable that would answer it.
        variable: &'static str,
    },
}

//! What the server is told: the configuration file, the command line, and what follows from both.
//!
//! | file | what it does |
//! |---|---|
//! | [`file`](self) | the TOML file: every key, its default, and errors that name the line |
//! | `paths` | where files live: the XDG base directories |
//! | `limits` | the bounds on what clients may ask for |
//! | `names` | whether an entry of `cors` or `allowed_hosts` can ever match |
//! | `span` | lengths of time, such as `"1 day"` |
//! | `settings` | file + command line -> [`Settings`], all decided |
//!
//! The keys are documented for users in `docs/configuration.md`; a test keeps that page complete.

mod error;
mod file;
mod limits;
mod names;
mod paths;
mod settings;
mod span;

pub use error::ConfigError;
pub use file::{Compression, ConfigFile, Retention};
pub use limits::Limits;
pub use paths::BaseDirs;
pub use settings::{Overrides, Settings};
pub use span::Span;

/// The settings of a server without any configuration, for tests of other modules.
#[cfg(test)]
pub(crate) fn test_settings() -> Settings {
    let dirs = BaseDirs::from(|name| (name == "HOME").then(|| "/home/ann".into()));
    Settings::decide(
        ConfigFile::default(),
        Overrides::default(),
        &dirs,
        std::path::Path::new("/"),
    )
    .unwrap()
}

//! The configuration: the file, the flags, and the settings that both come to.
//!
//! | file | what it does |
//! |---|---|
//! | [`file`](self) | the TOML file: every key, its default, and errors that name the line |
//! | `paths` | where files live: the XDG base directories |
//! | `names` | whether an entry of `cors` or `allowed_hosts` can ever match |
//! | `span` | lengths of time, such as `"1 day"` |
//! | `watchers` | the section of the watchers |
//! | `resolve` | file + flags -> [`Config`], with every value decided |
//!
//! The keys are documented for users in `docs/configuration.md`; a test keeps that page complete.

mod error;
mod file;
mod names;
mod paths;
mod resolve;
mod span;
mod watchers;

pub(crate) use error::ConfigError;
pub(crate) use file::ConfigFile;
pub(crate) use paths::BaseDirs;
pub(crate) use resolve::{Config, Encryption, Overrides};
use span::Span;
pub(crate) use watchers::WatcherSettings;

//! How a module is.

use serde::Serialize;
use timberline_model::Timestamp;

/// How a module is. Made by the module; the supervisor adds what it knows itself (paused, restarting).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// What it does.
    pub state: State,
    /// The ways to learn what it records, in the order of preference.
    pub backends: Vec<Backend>,
    /// The bucket that it fills.
    pub bucket: Option<String>,
    /// When it last recorded something.
    #[serde(skip)]
    pub last_recorded: Option<Timestamp>,
}

/// What a module does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(tag = "state", content = "reason", rename_all = "kebab-case")]
pub enum State {
    /// It looks for a way to learn what it records.
    #[default]
    Starting,
    /// It records.
    Recording,
    /// Something is missing. It goes on by itself when that is there.
    Waiting(String),
    /// Another program records the same already.
    StandingBack(String),
}

/// One way to learn what a module records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Backend {
    /// Its name, such as `wlr-foreign-toplevel`.
    pub name: &'static str,
    /// How it is.
    #[serde(flatten)]
    pub state: BackendState,
}

/// How a backend is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", content = "reason", rename_all = "kebab-case")]
pub enum BackendState {
    /// Its reports are used.
    Chosen,
    /// It works, but a better one is used.
    Spare,
    /// It has not reported anything yet.
    Untried,
    /// It does not work, for this reason.
    Unavailable(String),
}

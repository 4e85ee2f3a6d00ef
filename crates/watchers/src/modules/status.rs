//! The status of a module.

use serde::Serialize;
use timberline_model::Timestamp;

/// The status of a module. The module publishes it; the supervisor adds what it knows itself (paused, restarting).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// What it does.
    pub state: State,
    /// Its backends, in the order of preference.
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
    /// It looks for a backend that works.
    #[default]
    Starting,
    /// It records.
    Recording,
    /// Something is missing. The module begins to record when that appears.
    Waiting(String),
    /// Another program already records the same thing.
    StandingBack(String),
}

/// One way to get the data that a module records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Backend {
    /// Its name, such as `wlr-foreign-toplevel`.
    pub name: &'static str,
    /// Its state.
    #[serde(flatten)]
    pub state: BackendState,
}

/// The state of a backend.
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

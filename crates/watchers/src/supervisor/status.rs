//! The status of the watchers, as the supervisor knows it.

use std::path::PathBuf;

use timberline_model::Timestamp;

use super::choices::Pause;
use crate::modules::{Backend, State};

/// What a watcher is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A module of this process.
    BuiltIn,
    /// A program of somebody else.
    Program(PathBuf),
}

/// The status of a watcher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatcherStatus {
    /// Its name.
    pub name: String,
    /// Its number, from 0, which it keeps while Timberline runs and others come.
    pub number: usize,
    /// What it is.
    pub kind: Kind,
    /// Whether it is switched on.
    pub enabled: bool,
    /// Why a program is on or off unless the person chooses otherwise.
    pub note: Option<String>,
    /// The pause that it is in.
    pub paused: Option<Pause>,
    /// What it does.
    pub condition: Condition,
    /// The backends of a module.
    pub backends: Vec<Backend>,
    /// The bucket that a module fills.
    pub bucket: Option<String>,
    /// When a module last recorded something.
    pub last_recorded: Option<Timestamp>,
    /// How often it was started again since Timberline runs.
    pub restarts: u64,
    /// How it last exited without being asked to.
    pub last_exit: Option<Exit>,
    /// What the person should know: it does not record although it should.
    pub alarm: Option<String>,
}

/// What a watcher does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Condition {
    /// Nothing: it is switched off or paused.
    #[default]
    Off,
    /// It was asked to stop, and has not stopped yet.
    Stopping,
    /// A module: what it says of itself.
    Module(State),
    /// A program that runs.
    Running {
        /// Its process.
        pid: u32,
    },
    /// It cannot be started, for this reason; it is tried again.
    Waiting(String),
    /// Another program already records the same thing.
    StandingBack(String),
    /// It has exited, and will be restarted.
    Restarting {
        /// When.
        at: Timestamp,
    },
}

/// How a watcher exited without being asked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// When.
    pub at: Timestamp,
    /// Why: an error, a panic, a code or signal, with the last line of its output.
    pub reason: String,
}

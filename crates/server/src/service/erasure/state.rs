//! Which copies are waiting, and how far erasing has come.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use timberline_backup::BackupError;
use timberline_cancel::Cancel;
use timberline_log::LogError;

use super::threads::BusyDirectories;

/// A copy of the data that still holds what is erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Why it was not reached, and what to do.
    pub(crate) why: String,
    /// Whether somebody else was writing to it: that passes soon.
    pub(crate) busy: bool,
}

/// What became of a copy.
#[derive(Clone, Debug)]
pub(crate) enum Copy {
    /// It is clean; so many segments of it were replaced just now.
    Clean { path: PathBuf, segments: usize },
    /// It is not.
    Waiting(Waiting),
}

/// How far erasing has come. `reach` does the work.
#[derive(Debug, Default)]
pub(crate) struct Erasure {
    /// Held while copies are gone through, so that two threads do not find each other's locks.
    pub(super) one_at_a_time: Mutex<()>,
    pub(super) waiting: Mutex<Vec<Waiting>>,
    /// The directories whose copies are being gone through.
    pub(super) busy: Arc<BusyDirectories>,
    /// How often the store had replaced segments of its log when the copies were last gone through.
    pub(super) reached: AtomicU64,
    /// How many completed purges the engine has forgotten.
    pub(super) forgotten: AtomicU64,
    /// When the server stops, what is not reached by then is left to the next start.
    pub(super) stop: Cancel,
}

impl Erasure {
    /// The copies that were not reached.
    pub(crate) fn waiting(&self) -> Vec<Waiting> {
        self.waiting.lock().clone()
    }

    /// Whether segments of the store's log were replaced since the copies were last gone through; `rewrites` is how many
    /// the store has replaced.
    pub(super) fn is_behind(&self, rewrites: u64) -> bool {
        self.reached.load(Ordering::Acquire) != rewrites
    }

    /// The server stops: copies are gone through for at most this time, whoever does it.
    pub(crate) fn stop_within(&self, time: Duration) {
        self.stop.cancel_within(time);
    }
}

impl Copy {
    pub(super) fn waiting(&self) -> Option<&Waiting> {
        match self {
            Copy::Clean { .. } => None,
            Copy::Waiting(waiting) => Some(waiting),
        }
    }
}

impl Waiting {
    /// A copy that was not reached because of an error.
    pub(super) fn because(path: PathBuf, error: &BackupError) -> Self {
        let why = match error {
            BackupError::DamagedSegment(_) => format!("{error}; verify the log to see what it has lost"),
            _ => error.to_string(),
        };
        Self {
            path,
            why,
            busy: matches!(error, BackupError::Log(LogError::Locked { .. })),
        }
    }

    /// A copy that was not reached yet; `why` says what it waits for.
    pub(super) fn not_yet(path: PathBuf, why: &str) -> Self {
        Self {
            why: format!("{} was not reached yet: {why}", path.display()),
            path,
            busy: true,
        }
    }
}

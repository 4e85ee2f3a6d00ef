//! Erasing for good, everywhere: what is erased from the store is erased from the memory of the query engine and from
//! every known copy of the data.
//!
//! The store erases from its own log, views and checkpoint (`Store::complete_purges`), whoever ordered it: a purge, a
//! redaction, retention, or its own expiry of what was deleted. From there on this is the only way. A copy that cannot
//! be reached is *waiting*: it is named in the receipt, on the status page, in `/metrics` and by `timberline doctor`,
//! and [`Task`] tries again until it is reached.
//!
//! (What an import keeps on the disk meanwhile is encrypted with a key that only the process has, and has no name.)

mod task;

pub(crate) use task::Task;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::app::App;
use crate::backup::{BackupErasure, erase_from_backups};

/// A copy of the data that still holds what is erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// Why it was not reached, and what to do.
    pub(crate) why: String,
}

/// What became of a copy.
#[derive(Clone, Debug)]
pub(crate) enum Copy {
    /// It is clean; so many segments of it were replaced just now.
    Clean { path: PathBuf, segments: usize },
    /// It is not.
    Waiting(Waiting),
}

/// Brings erasure to the copies.
#[derive(Debug, Default)]
pub(crate) struct Erasure {
    /// Held while copies are gone through, so that two who do it do not find each other's locks.
    one_at_a_time: Mutex<()>,
    waiting: Mutex<Vec<Waiting>>,
    /// How many completed purges of the store were brought to the copies.
    reached: AtomicU64,
}

impl Erasure {
    /// Erases from the engine's memory and from all known backups what is erased from the store. Blocks.
    pub(crate) fn reach_copies(&self, app: &App) -> Vec<Copy> {
        let _one_at_a_time = self.one_at_a_time.lock();
        // Read before: what is completed meanwhile is brought to them the next time.
        let completed = app.store.purges_completed();
        app.engine.forget();
        let data_dir = &app.settings.data_dir;
        let copies: Vec<Copy> = match erase_from_backups(data_dir, &app.store) {
            Ok(backups) => backups.into_iter().map(copy).collect(),
            Err(error) => vec![Copy::Waiting(Waiting {
                path: data_dir.clone(),
                why: error.to_string(),
            })],
        };
        *self.waiting.lock() = copies.iter().filter_map(Copy::waiting).cloned().collect();
        self.reached.store(completed, Ordering::Release);
        copies
    }

    /// The copies that were not reached.
    pub(crate) fn waiting(&self) -> Vec<Waiting> {
        self.waiting.lock().clone()
    }

    /// Whether something was erased from the store since the copies were last gone through.
    fn is_behind(&self, app: &App) -> bool {
        self.reached.load(Ordering::Acquire) != app.store.purges_completed()
    }
}

impl Copy {
    fn waiting(&self) -> Option<&Waiting> {
        match self {
            Copy::Clean { .. } => None,
            Copy::Waiting(waiting) => Some(waiting),
        }
    }
}

fn copy(backup: BackupErasure) -> Copy {
    match backup.outcome {
        Ok(segments) => Copy::Clean {
            path: backup.path,
            segments,
        },
        Err(error) => Copy::Waiting(Waiting {
            path: backup.path,
            why: error.to_string(),
        }),
    }
}

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

pub(crate) use task::{AT_STOP, Task};

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use timberline_log::LogError;

use crate::app::App;
use crate::backup::{BackupErasure, BackupError, Reach, erase_from_backups};

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

/// Brings erasure to the copies.
#[derive(Debug, Default)]
pub(crate) struct Erasure {
    /// Held while copies are gone through, so that two who do it do not find each other's locks.
    one_at_a_time: Mutex<()>,
    waiting: Mutex<Vec<Waiting>>,
    /// How often the store had replaced segments of its log when the copies were last gone through.
    reached: AtomicU64,
    /// How many completed purges the engine has forgotten.
    forgotten: AtomicU64,
    /// When the server stops, what is not reached by then is left to the next start.
    until: Mutex<Option<Instant>>,
}

impl Erasure {
    /// Erases from the engine's memory and from all known backups what is erased from the store. Blocks.
    pub(crate) fn reach_copies(&self, app: &App) -> Vec<Copy> {
        let _one_at_a_time = self.one_at_a_time.lock();
        // Read before: what is replaced meanwhile is brought to them the next time.
        let (rewrites, purges) = (app.store.log_rewrites(), app.store.purges_completed());
        if self.forgotten.swap(purges, Ordering::AcqRel) != purges {
            app.engine.forget();
        }
        let settings = &app.settings;
        let backups = erase_from_backups(&Reach {
            data_dir: &settings.data_dir,
            sets: settings.backup.as_ref().map(|automatic| automatic.dir.as_path()),
            store: &app.store,
            go_on: &|| self.goes_on(),
        });
        let copies: Vec<Copy> = match backups {
            Ok(backups) => backups.into_iter().map(copy).collect(),
            Err(error) => vec![Copy::Waiting(waiting(settings.data_dir.clone(), &error))],
        };
        *self.waiting.lock() = copies.iter().filter_map(Copy::waiting).cloned().collect();
        self.reached.store(rewrites, Ordering::Release);
        copies
    }

    /// The copies that were not reached.
    pub(crate) fn waiting(&self) -> Vec<Waiting> {
        self.waiting.lock().clone()
    }

    /// Whether segments of the store's log were replaced since the copies were last gone through.
    fn is_behind(&self, app: &App) -> bool {
        self.reached.load(Ordering::Acquire) != app.store.log_rewrites()
    }

    /// The server stops: copies are gone through for so long at most, by whomever.
    pub(crate) fn stop_within(&self, time: Duration) {
        *self.until.lock() = Some(Instant::now() + time);
    }

    fn goes_on(&self) -> bool {
        self.until.lock().is_none_or(|until| Instant::now() < until)
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
        Err(error) => Copy::Waiting(waiting(backup.path, &error)),
    }
}

fn waiting(path: PathBuf, error: &BackupError) -> Waiting {
    Waiting {
        path,
        why: error.to_string(),
        busy: matches!(error, BackupError::Log(LogError::Locked { .. })),
    }
}

//! Erasing for good, everywhere: what is erased from the store is erased from the memory of the query engine and from
//! every known copy of the data.
//!
//! The store erases from its own log, views and checkpoint (`Store::complete_purges`), whoever ordered it: a purge, a
//! redaction, retention, or its own expiry of what was deleted. From there on this is the only way. A copy that cannot
//! be reached is *waiting*: it is named in the receipt, on the status page, in `/metrics` and by `timberline doctor`,
//! and [`Task`] tries again until it is reached.
//!
//! Copies lie on disks of their own, and a disk may be slow or not answer at all. So each directory with copies has a
//! thread while its copies are gone through, and nobody waits for one that gets no further: its copies are waiting.
//!
//! (What an import keeps on the disk meanwhile is encrypted with a key that only the process has, and has no name.)

mod places;
mod task;

pub(crate) use task::{AT_STOP, Task};

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use timberline_cancel::Cancel;
use timberline_log::LogError;

use self::places::Places;
use crate::app::App;
use timberline_backup::{BackupError, registered};

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
    /// The directories whose copies are being gone through.
    places: Arc<Places>,
    /// How often the store had replaced segments of its log when the copies were last gone through.
    reached: AtomicU64,
    /// How many completed purges the engine has forgotten.
    forgotten: AtomicU64,
    /// When the server stops, what is not reached by then is left to the next start.
    stop: Cancel,
}

impl Erasure {
    /// Erases from the engine's memory and from all known backups what is erased from the store. Blocks for as long as it
    /// gets on.
    pub(crate) fn reach_copies(&self, app: &Arc<App>) -> Vec<Copy> {
        self.forget(app);
        let Some(_one_at_a_time) = self.one_at_a_time.try_lock_for(places::MOST) else {
            return self.not_reached(&app.settings.data_dir);
        };
        // Read before: what is replaced meanwhile is brought to them the next time.
        let rewrites = app.store.log_rewrites();
        let data_dir = &app.settings.data_dir;
        if let Some(automatic) = &app.settings.backup {
            self.places.list_sets(app, &automatic.dir);
        }
        let copies: Vec<Copy> = match registered(data_dir) {
            Ok(backups) => {
                let paths = backups.into_iter().map(|backup| backup.path).collect();
                self.places.go_through(app, paths)
            }
            Err(error) => vec![Copy::Waiting(waiting(data_dir.clone(), &error))],
        };
        *self.waiting.lock() = copies.iter().filter_map(Copy::waiting).cloned().collect();
        self.reached.store(rewrites, Ordering::Release);
        copies
    }

    /// Somebody else has been going through the copies for long, and does so once more when they are done.
    fn not_reached(&self, data_dir: &Path) -> Vec<Copy> {
        let waits = |path: PathBuf| {
            let why = format!(
                "{} was not reached yet: other backups are erased from first",
                path.display()
            );
            Copy::Waiting(Waiting {
                path,
                why,
                busy: true,
            })
        };
        match registered(data_dir) {
            Ok(backups) => backups.into_iter().map(|backup| waits(backup.path)).collect(),
            Err(error) => vec![Copy::Waiting(waiting(data_dir.to_owned(), &error))],
        }
    }

    /// Erases from the engine's memory what is erased from the store.
    pub(crate) fn forget(&self, app: &App) {
        let purges = app.store.purges_completed();
        if self.forgotten.swap(purges, Ordering::AcqRel) != purges {
            app.engine.forget();
        }
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
        self.stop.cancel_within(time);
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

fn waiting(path: PathBuf, error: &BackupError) -> Waiting {
    Waiting {
        path,
        why: error.to_string(),
        busy: matches!(error, BackupError::Log(LogError::Locked { .. })),
    }
}

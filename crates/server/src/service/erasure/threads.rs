//! A thread for each directory with copies, because one directory lies on one disk. A thread that makes no progress is left
//! alone; it ends when its disk responds. Until then no second thread starts for that directory, so there are never more
//! threads than directories.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use parking_lot::Mutex;
use timberline_cancel::Cancel;

/// How long a thread may make no progress before nobody waits for it any more. It checks its token before each segment, and
/// a disk that works reads and writes one in less.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often the progress of a thread is checked.
const CHECK_EVERY: Duration = Duration::from_millis(500);
/// How long anybody waits for the copies of one directory, though their disk works.
pub(super) const MAX_WAIT: Duration = Duration::from_secs(60);

/// The directories that have a thread.
#[derive(Debug, Default)]
pub(super) struct BusyDirectories(Mutex<BTreeSet<PathBuf>>);

/// A directory that is busy until this is dropped.
struct Busy {
    directories: Arc<BusyDirectories>,
    dir: PathBuf,
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.directories.0.lock().remove(&self.dir);
    }
}

impl BusyDirectories {
    /// Starts a thread for a directory. Returns `None` if it has one already.
    ///
    /// # Errors
    /// When the system has no thread.
    pub(super) fn begin<T: Send + 'static>(
        self: &Arc<Self>,
        stop: &Cancel,
        dir: &Path,
        work: impl FnOnce(&Cancel, &Sender<(PathBuf, T)>) + Send + 'static,
    ) -> io::Result<Option<Work<T>>> {
        if !self.0.lock().insert(dir.to_owned()) {
            return Ok(None);
        }
        let busy = Busy {
            directories: Arc::clone(self),
            dir: dir.to_owned(),
        };
        let (send, done) = channel();
        let cancel = stop.child();
        let token = cancel.clone();
        let thread = std::thread::Builder::new().name("erasure-copy".to_owned());
        thread.spawn(move || {
            work(&token, &send);
            // The directory is free before the end is noticed: the waiting thread may use it at once.
            drop(busy);
            drop(send);
        })?;
        Ok(Some(Work { done, cancel }))
    }
}

/// A thread at work on a directory. It sends what became of each path.
pub(super) struct Work<T> {
    done: Receiver<(PathBuf, T)>,
    /// The thread's token, which shows whether the thread makes progress.
    cancel: Cancel,
}

impl<T> Work<T> {
    /// Waits until the thread has ended, makes no progress, or takes too long. Returns what became of the paths that are
    /// done; `all` is how many there are.
    pub(super) fn wait(&self, all: usize) -> BTreeMap<PathBuf, T> {
        let begun = timberline_clock::monotonic();
        let mut done = BTreeMap::new();
        let (mut checks, mut moved) = (self.cancel.checks(), begun);
        loop {
            match self.done.recv_timeout(CHECK_EVERY) {
                Ok((path, outcome)) => {
                    done.insert(path, outcome);
                    moved = timberline_clock::monotonic();
                }
                Err(RecvTimeoutError::Disconnected) => return done,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = self.cancel.checks();
            if now != checks {
                (checks, moved) = (now, timberline_clock::monotonic());
            }
            // When all copies are done, the thread only has to end.
            let is_late = done.len() < all && begun.elapsed() >= MAX_WAIT;
            if is_late || moved.elapsed() >= PATIENCE {
                return done;
            }
        }
    }
}

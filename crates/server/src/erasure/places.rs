//! Going through copies, directory by directory. What lies in one directory lies on one disk, and its copies are gone
//! through one after the other, by a thread of that directory. A thread that gets no further is left alone: it ends when
//! its disk answers. Until then its copies are waiting, and no second thread is made for that directory, so there are never
//! more than there are directories.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use parking_lot::Mutex;
use timberline_cancel::Cancel;

use super::{Copy, Waiting, waiting};
use crate::app::App;
use timberline_backup::{Reach, list_sets};

/// How long a thread may get no further before nobody waits for it any more. It checks its token before each segment, and
/// a disk that works reads and writes one in less.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked whether a thread has got further.
const LOOK: Duration = Duration::from_millis(500);
/// How long somebody waits for the copies of one directory at most, though their disk works.
pub(super) const MOST: Duration = Duration::from_secs(60);

const SILENT: &str = "its disk does not answer, or is very slow: it is erased from as soon as it answers";
const NO_THREAD: &str = "the system has no thread for erasing from it: it is tried again";

/// The directories whose copies are being gone through.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<BTreeSet<PathBuf>>);

/// A directory that is taken until this is dropped.
struct Taken {
    places: Arc<Places>,
    place: PathBuf,
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.places.0.lock().remove(&self.place);
    }
}

impl Places {
    /// Puts automatic sets on the list of backups that are not on it.
    pub(super) fn list_sets(self: &Arc<Self>, app: &Arc<App>, sets: &Path) {
        let (served, dir) = (Arc::clone(app), sets.to_owned());
        // Not the place of the copies in it: what is on the list is reached however long this takes.
        let begun = self.begin(&app.erasure.stop, &sets.join("*"), move |_, done| {
            if let Err(error) = list_sets(&served.settings.data_dir, &dir) {
                tracing::warn!(%error, "cannot look for sets that are on no list");
            }
            let _ = done.send((dir, None));
        });
        if let Ok(Some(work)) = begun {
            work.wait(1);
        }
    }

    /// Goes through these copies. Those that are gone for good are not in the answer.
    pub(super) fn go_through(self: &Arc<Self>, app: &Arc<App>, paths: Vec<PathBuf>) -> Vec<Copy> {
        let mut places: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
        for path in paths {
            let place = path.parent().unwrap_or(&path).to_owned();
            places.entry(place).or_default().push(path);
        }
        let mut copies = Vec::new();
        for (place, paths) in places {
            copies.extend(self.go_through_place(app, &place, paths));
        }
        copies
    }

    fn go_through_place(self: &Arc<Self>, app: &Arc<App>, place: &Path, paths: Vec<PathBuf>) -> Vec<Copy> {
        let (served, there) = (Arc::clone(app), paths.clone());
        let begun = self.begin(&app.erasure.stop, place, move |cancel, done| {
            for path in there {
                let copy = erase_from(&served, &path, cancel);
                // Nobody may be waiting any more.
                let _ = done.send((path, copy));
            }
        });
        let (mut done, why) = match begun {
            Ok(Some(work)) => (work.wait(paths.len()), SILENT),
            Ok(None) => (BTreeMap::new(), SILENT),
            Err(_) => (BTreeMap::new(), NO_THREAD),
        };
        let waiting = |path: PathBuf| {
            let why = format!("{} was not reached yet: {why}", path.display());
            Copy::Waiting(Waiting {
                path,
                why,
                busy: true,
            })
        };
        paths
            .into_iter()
            .filter_map(|path| done.remove(&path).unwrap_or_else(|| Some(waiting(path))))
            .collect()
    }

    /// Does something in a thread of its own for a place. `None` if a thread is at work there already.
    fn begin(
        self: &Arc<Self>,
        stop: &Cancel,
        place: &Path,
        work: impl FnOnce(&Cancel, &Sender<Done>) + Send + 'static,
    ) -> io::Result<Option<Work>> {
        if !self.0.lock().insert(place.to_owned()) {
            return Ok(None);
        }
        let taken = Taken {
            places: Arc::clone(self),
            place: place.to_owned(),
        };
        let (say, done) = channel();
        let cancel = stop.child();
        let token = cancel.clone();
        let thread = std::thread::Builder::new().name("erasure-copy".to_owned());
        thread.spawn(move || {
            work(&token, &say);
            // The place is free before the end is noticed: whoever notices it may come back at once.
            drop(taken);
            drop(say);
        })?;
        Ok(Some(Work { done, cancel }))
    }
}

/// A copy that is done, one way or the other; `None` if it is gone for good.
type Done = (PathBuf, Option<Copy>);

/// A thread at work on a place.
struct Work {
    done: Receiver<Done>,
    /// Its token, by which one sees whether it gets further.
    cancel: Cancel,
}

impl Work {
    /// Waits until the thread has ended, gets no further, or takes too long. Returns what became of the copies that are
    /// done.
    fn wait(&self, all: usize) -> BTreeMap<PathBuf, Option<Copy>> {
        let begun = timberline_clock::monotonic();
        let mut done = BTreeMap::new();
        let (mut checks, mut moved) = (self.cancel.checks(), begun);
        loop {
            match self.done.recv_timeout(LOOK) {
                Ok((path, copy)) => {
                    done.insert(path, copy);
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
            let is_late = done.len() < all && begun.elapsed() >= MOST;
            if is_late || moved.elapsed() >= PATIENCE {
                return done;
            }
        }
    }
}

fn erase_from(app: &App, path: &Path, cancel: &Cancel) -> Option<Copy> {
    let reach = Reach {
        data_dir: &app.settings.data_dir,
        store: &app.store,
        cancel,
    };
    let path = path.to_owned();
    match reach.erase_from(&path) {
        Ok(segments) => segments.map(|segments| Copy::Clean { path, segments }),
        Err(error) => Some(Copy::Waiting(waiting(path, &error))),
    }
}

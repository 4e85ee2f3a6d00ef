//! Erases from the copies, directory by directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use timberline_backup::{Reach, list_sets, registered};
use timberline_cancel::Cancel;

use super::state::{Copy, Waiting};
use super::threads::MAX_WAIT;
use crate::app::App;

const NO_PROGRESS: &str =
    "its disk does not answer, or is very slow: it is erased from as soon as it answers";
const NO_THREAD: &str = "the system has no thread for erasing from it: it is tried again";
const OTHERS_FIRST: &str = "other backups are erased from first";

/// Erases from the engine's memory and from all known backups what is erased from the store. Blocks while it makes progress.
pub(crate) fn reach_copies(app: &Arc<App>) -> Vec<Copy> {
    forget(app);
    let (erasure, data_dir) = (&app.erasure, &app.settings.data_dir);
    let Some(_one_at_a_time) = erasure.one_at_a_time.try_lock_for(MAX_WAIT) else {
        // Another thread is at it, and does it once more when it is done.
        return match registered(data_dir) {
            Ok(backups) => backups
                .into_iter()
                .map(|backup| Copy::Waiting(Waiting::not_yet(backup.path, OTHERS_FIRST)))
                .collect(),
            Err(error) => vec![Copy::Waiting(Waiting::because(data_dir.clone(), &error))],
        };
    };
    // Read before: what is replaced from now on is erased from the copies the next time.
    let rewrites = app.store.log_rewrites();
    if let Some(automatic) = &app.settings.backup {
        list_automatic_sets(app, &automatic.dir);
    }
    let copies: Vec<Copy> = match registered(data_dir) {
        Ok(backups) => go_through(app, backups.into_iter().map(|backup| backup.path).collect()),
        Err(error) => vec![Copy::Waiting(Waiting::because(data_dir.clone(), &error))],
    };
    *erasure.waiting.lock() = copies.iter().filter_map(Copy::waiting).cloned().collect();
    erasure.reached.store(rewrites, Ordering::Release);
    copies
}

/// Erases from the engine's memory what is erased from the store.
pub(crate) fn forget(app: &App) {
    let purges = app.store.purges_completed();
    if app.erasure.forgotten.swap(purges, Ordering::AcqRel) != purges {
        app.engine.forget();
    }
}

/// Puts automatic sets on the list of backups that are not on it.
fn list_automatic_sets(app: &Arc<App>, sets: &Path) {
    let (served, dir) = (Arc::clone(app), sets.to_owned());
    // Not the directory of the copies in it: what is on the list is reached however long this takes.
    let begun = app
        .erasure
        .busy
        .begin(&app.erasure.stop, &sets.join("*"), move |_, done| {
            if let Err(error) = list_sets(&served.settings.data_dir, &dir) {
                tracing::warn!(%error, "cannot look for sets that are on no list");
            }
            // Nobody may be waiting any more.
            let _ = done.send((dir, ()));
        });
    if let Ok(Some(work)) = begun {
        work.wait(1);
    }
}

/// Goes through these copies. The answer leaves out those that no longer exist.
fn go_through(app: &Arc<App>, paths: Vec<PathBuf>) -> Vec<Copy> {
    let mut directories: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for path in paths {
        let dir = path.parent().unwrap_or(&path).to_owned();
        directories.entry(dir).or_default().push(path);
    }
    let mut copies = Vec::new();
    for (dir, paths) in directories {
        copies.extend(go_through_directory(app, &dir, paths));
    }
    copies
}

fn go_through_directory(app: &Arc<App>, dir: &Path, paths: Vec<PathBuf>) -> Vec<Copy> {
    let (served, in_dir) = (Arc::clone(app), paths.clone());
    let begun = app
        .erasure
        .busy
        .begin(&app.erasure.stop, dir, move |cancel, done| {
            for path in in_dir {
                let copy = erase_from(&served, &path, cancel);
                // Nobody may be waiting any more.
                let _ = done.send((path, copy));
            }
        });
    let (mut done, why) = match begun {
        Ok(Some(work)) => (work.wait(paths.len()), NO_PROGRESS),
        Ok(None) => (BTreeMap::new(), NO_PROGRESS),
        Err(_) => (BTreeMap::new(), NO_THREAD),
    };
    paths
        .into_iter()
        .filter_map(|path| {
            done.remove(&path)
                .unwrap_or_else(|| Some(Copy::Waiting(Waiting::not_yet(path, why))))
        })
        .collect()
}

/// Erases from one copy. Returns `None` if it no longer exists.
fn erase_from(app: &App, path: &Path, cancel: &Cancel) -> Option<Copy> {
    let reach = Reach {
        data_dir: &app.settings.data_dir,
        store: &app.store,
        cancel,
    };
    let path = path.to_owned();
    match reach.erase_from(&path) {
        Ok(segments) => segments.map(|segments| Copy::Clean { path, segments }),
        Err(error) => Some(Copy::Waiting(Waiting::because(path, &error))),
    }
}

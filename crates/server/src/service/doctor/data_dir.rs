//! The data directory: its disk, and who may look into it.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use timberline_disk::DataDir;
use timberline_disk::os::{self, modes::Mode};

use super::Check;
use crate::settings::Settings;
use crate::size::size;

/// So many segments should fit: the next one, the one after it, and views.
const SEGMENTS_FREE: u64 = 4;
/// How deep a data directory is.
const DEPTH: usize = 4;

pub(super) fn checks(settings: &Settings) -> Vec<Check> {
    let dir = settings.data_dir.as_path();
    vec![space(dir, settings.storage.segment_bytes), permissions(dir)]
}

fn space(dir: &Path, segment: u64) -> Check {
    const NAME: &str = "disk space";
    let free = match os::free_space(dir) {
        Ok(Some(free)) => free,
        Ok(None) => return Check::warn(NAME, "this system does not report how much space is free"),
        Err(error) => return Check::warn(NAME, format!("cannot determine how much space is free: {error}")),
    };
    let text = format!("{} free, a log segment takes {}", size(free), size(segment));
    if free < segment {
        Check::fail(
            NAME,
            format!("{text}: writing will stop when this one is full; free some space"),
        )
    } else if free < SEGMENTS_FREE.saturating_mul(segment) {
        Check::warn(NAME, format!("{text}: free some space soon"))
    } else {
        Check::ok(NAME, text)
    }
}

fn permissions(dir: &Path) -> Check {
    const NAME: &str = "permissions";
    if let Err((path, error)) = usable(dir) {
        let text = format!(
            "{} cannot be read and written ({error}): change its owner or mode",
            path.display()
        );
        return Check::fail(NAME, text);
    }
    let metadata = match fs::metadata(dir) {
        Ok(metadata) => metadata,
        Err(error) => return Check::fail(NAME, format!("cannot look at {}: {error}", dir.display())),
    };
    let shown = dir.display();
    let Some(mode) = Mode::of(&metadata) else {
        return Check::ok(NAME, "you can read and write it; files have no modes here");
    };
    if !mode.is_own() {
        let text = format!(
            "{shown} belongs to user {}, not to you: run this as that user",
            mode.owner()
        );
        return Check::warn(NAME, text);
    }
    if mode.is_open() {
        let text = format!("others may look into {shown} (mode {mode}): chmod 700 {shown}");
        return Check::warn(NAME, text);
    }
    let mut open = Vec::new();
    collect_open(dir, DEPTH, &mut open);
    open.sort_by(|(a, _), (b, _)| a.cmp(b));
    match open.as_slice() {
        [] => Check::ok(NAME, "only you can read it, and you can write"),
        [(path, mode), ..] => {
            let text = format!(
                "{} files in {shown} are open to others, such as {} (mode {mode}); only the mode of the directory protects \
                 them, and a copy may lose that: chmod -R go= {shown}",
                open.len(),
                path.display()
            );
            Check::warn(NAME, text)
        }
    }
}

/// The files and directories below a directory that others may use, with their modes.
fn collect_open(dir: &Path, depth: usize, open: &mut Vec<(PathBuf, Mode)>) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        // Not of what a link leads to.
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_symlink() {
            continue;
        }
        if let Some(mode) = Mode::of(&metadata).filter(|mode| mode.is_open()) {
            open.push((entry.path(), mode));
        }
        if metadata.is_dir() && depth > 0 {
            collect_open(&entry.path(), depth - 1, open);
        }
    }
}

/// The directory, and the files in it that a server writes to.
fn usable(dir: &Path) -> Result<(), (PathBuf, io::Error)> {
    let may = |path: &Path, is_dir: bool| match os::check_access(path, is_dir) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err((path.to_owned(), error)),
        _ => Ok(()),
    };
    for sub in ["", DataDir::LOG, DataDir::VIEWS] {
        let sub = dir.join(sub);
        may(&sub, true)?;
        for entry in fs::read_dir(&sub).into_iter().flatten().flatten() {
            may(&entry.path(), entry.path().is_dir())?;
        }
    }
    Ok(())
}

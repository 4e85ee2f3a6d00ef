//! The directories of a backup, and the small files that are copied to it.

use std::fs;
use std::path::Path;

use timberline_disk::{DataDir, create_private_dir};

use crate::BackupError;

/// Makes a directory that only its owner may look into.
pub(super) fn make_dir(dir: &Path) -> Result<(), BackupError> {
    create_private_dir(dir).map_err(BackupError::io("make the directory", dir))
}

/// Removes the files that a copy has left unfinished when it was interrupted. They may hold what was erased since.
pub(super) fn remove_unfinished(log: &Path) -> Result<(), BackupError> {
    let io = |error| BackupError::io("list", log)(error);
    for entry in fs::read_dir(log).map_err(io)? {
        let path = entry.map_err(io)?.path();
        if path.extension().is_some_and(|extension| extension == "tmp") {
            fs::remove_file(&path).map_err(BackupError::io("remove", &path))?;
        }
    }
    Ok(())
}

/// Copies a small file if there is one and the copy differs. Returns how many bytes it wrote.
pub(super) fn copy(from: &Path, to: &Path, name: &str) -> Result<u64, BackupError> {
    let (from, to) = (DataDir::at(from), DataDir::at(to));
    let Some(bytes) = from.read(name)? else {
        return Ok(0);
    };
    if to.read(name)?.as_ref() == Some(&bytes) {
        return Ok(0);
    }
    to.write_atomically(name, &bytes)?;
    Ok(bytes.len() as u64)
}

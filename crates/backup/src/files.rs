//! Small files that are there wholly or not at all, readable by their owner only.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::BackupError;

/// Makes a directory, and those above it, that only its owner may look into: it will hold somebody's history.
pub(super) fn make_dir(dir: &Path) -> Result<(), BackupError> {
    if dir.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(BackupError::io("make the directory", dir))?;
    // Where the name cannot be made durable, at worst the backup is gone after a power cut and made again.
    let _ = dir.parent().map(sync_dir);
    Ok(())
}

/// Writes a file, replacing one of that name; durable on return.
///
/// # Errors
/// When it cannot be written. Then the earlier file is still there.
pub fn put(dir: &Path, name: &str, bytes: &[u8]) -> Result<(), BackupError> {
    let (path, unnamed) = (dir.join(name), dir.join(format!("{name}.tmp")));
    let write = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&unnamed)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&unnamed, &path)?;
        sync_dir(dir)
    };
    write().map_err(|error| {
        let _ = fs::remove_file(&unnamed);
        BackupError::io("write", &path)(error)
    })
}

/// Removes what writing or copying segments has left when it was interrupted: it may hold what was erased since.
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

/// A file's bytes; `None` if there is no such file.
///
/// # Errors
/// When it cannot be read.
pub fn get(path: &Path) -> Result<Option<Vec<u8>>, BackupError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(BackupError::io("read", path)(error)),
    }
}

/// Copies a small file, if it is there and not the same already. Tells how many bytes that took.
pub(super) fn copy(from: &Path, to: &Path, name: &str) -> Result<u64, BackupError> {
    let Some(bytes) = get(&from.join(name))? else {
        return Ok(0);
    };
    if get(&to.join(name))?.as_ref() == Some(&bytes) {
        return Ok(0);
    }
    put(to, name, &bytes)?;
    Ok(bytes.len() as u64)
}

/// Makes the names in a directory durable.
pub(super) fn sync_dir(dir: &Path) -> io::Result<()> {
    let dir = if dir.as_os_str().is_empty() {
        Path::new(".")
    } else {
        dir
    };
    File::open(dir)?.sync_all()
}

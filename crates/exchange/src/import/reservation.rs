//! At most one reader of a database in this process.
//!
//! SQLite protects a reader from writers with POSIX locks, and a process loses all its locks on a file as soon as it
//! closes the file, whichever descriptor that was. So while a database is being read, nothing else here may open and
//! close it, not even to look what it is.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{Error, Result};

static RESERVED: Mutex<Option<HashSet<PathBuf>>> = Mutex::new(None);

/// The right to open a file, until it is dropped.
pub(super) struct Reservation(PathBuf);

impl Reservation {
    /// # Errors
    ///
    /// When the file is being read already, or is not there.
    pub(super) fn of(path: &Path) -> Result<Reservation> {
        let resolved = std::fs::canonicalize(path).map_err(Error::io("open", path))?;
        if !reserved().get_or_insert_default().insert(resolved.clone()) {
            return Err(Error::AlreadyReading {
                path: path.to_owned(),
            });
        }
        Ok(Reservation(resolved))
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(paths) = reserved().as_mut() {
            paths.remove(&self.0);
        }
    }
}

/// A set is whole whatever happened while it was locked.
fn reserved() -> MutexGuard<'static, Option<HashSet<PathBuf>>> {
    RESERVED.lock().unwrap_or_else(PoisonError::into_inner)
}

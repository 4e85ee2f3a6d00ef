//! What can go wrong, and to which file.

use std::io;
use std::path::{Path, PathBuf};

/// The operating system refused an operation on a file or directory.
#[derive(Debug, thiserror::Error)]
#[error("cannot {op} {}: {source}", path.display())]
pub struct IoError {
    /// What was attempted: "read", "sync".
    pub op: &'static str,
    /// On which file or directory.
    pub path: PathBuf,
    /// The operating system's answer.
    pub source: io::Error,
}

impl IoError {
    /// Adds the operation and the path to an operating system's error: for `map_err`.
    pub fn at(op: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_path_buf();
        move |source| Self { op, path, source }
    }
}

/// A directory could not be locked for writing.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process (or another handle in this one) is the writer.
    #[error("{} is in use by {holder}", path.display())]
    Locked {
        /// The directory that is locked.
        path: PathBuf,
        /// Who holds it, if the lock file says: `process 1234 (since 2024-03-01T10:00:00Z)`.
        holder: String,
    },
    /// The lock file cannot be used.
    #[error(transparent)]
    Io(#[from] IoError),
}

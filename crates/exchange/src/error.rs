//! What can go wrong with a whole file. What can go wrong with a part of it is in the [`Report`](crate::import::Report).

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a file cannot be read or written at all.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused something.
    #[error("cannot {op} {}", path.display())]
    Io {
        /// What was tried: "read", "create".
        op: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// No file that this crate reads.
    #[error("{}: {reason}", path.display())]
    Unrecognised {
        /// The file.
        path: PathBuf,
        /// What it looks like, and what was expected.
        reason: String,
    },
    /// An encrypted database.
    #[error(
        "{}: this looks like an encrypted database (SQLCipher). Export it with the server that has the key \
         (\"Export all buckets as JSON\" on its page of raw data), and import that file",
        path.display()
    )]
    Encrypted {
        /// The file.
        path: PathBuf,
    },
    /// Another program must finish first.
    #[error("{}: {reason}. Stop the other server, then try again", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
        /// What stands in the way.
        reason: String,
    },
    /// Something else in this process is reading the file.
    #[error("{} is being read already", path.display())]
    AlreadyReading {
        /// The file.
        path: PathBuf,
    },
    /// SQLite cannot go on.
    #[cfg(feature = "sqlite")]
    #[error("{}: SQLite cannot {op}", path.display())]
    Sqlite {
        /// What was tried.
        op: &'static str,
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// The mapping of CSV columns does not fit the file, or cannot be read.
    #[error("{0}")]
    Mapping(String),
    /// An export that is asked for cannot be written.
    #[error("{0}")]
    Unwritable(String),
    /// The Parquet library cannot go on.
    #[cfg(feature = "parquet")]
    #[error("cannot write Parquet")]
    Parquet(#[from] parquet::errors::ParquetError),
}

impl Error {
    /// For `map_err` on file operations.
    pub(crate) fn io(op: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
        move |source| Error::Io {
            op,
            path: path.to_owned(),
            source,
        }
    }

    /// For `map_err` on a writer that has no path.
    pub(crate) fn write(source: io::Error) -> Error {
        Error::io("write", Path::new("the export"))(source)
    }

    /// For `map_err` on database operations.
    #[cfg(feature = "sqlite")]
    pub(crate) fn sqlite(op: &'static str, path: &Path) -> impl FnOnce(rusqlite::Error) -> Error {
        move |source| Error::Sqlite {
            op,
            path: path.to_owned(),
            source,
        }
    }
}

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

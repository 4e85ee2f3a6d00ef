//! What can go wrong, where, and what to do about it.

use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use timberline_disk::{IoError, LockError};

use crate::Seq;

/// Opening, reading or closing a log failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// Another process (or another handle in this one) is the writer.
    #[error("{} is in use by {holder}", path.display())]
    Locked {
        /// The directory that is locked.
        path: PathBuf,
        /// Who holds it, if the lock file says: `process 1234 (since 2024-03-01T10:00:00Z)`.
        holder: String,
    },
    /// A segment was written by a newer Timberline.
    #[error(
        "{} has log format version {found}, this program knows versions up to {known}: update Timberline",
        path.display()
    )]
    NewerFormat {
        /// The segment file.
        path: PathBuf,
        /// The version it carries.
        found: u32,
        /// The newest version this program reads.
        known: u32,
    },
    /// Payloads are encrypted and there is no key.
    #[error("{} is encrypted: it cannot be used without the passphrase and the file KEY of its data directory", path.display())]
    Encrypted {
        /// The segment file.
        path: PathBuf,
    },
    /// There is a key and payloads are not encrypted.
    #[error("{} is not encrypted, but its data directory is: it does not belong there", path.display())]
    NotEncrypted {
        /// The segment file.
        path: PathBuf,
    },
    /// A copy has a segment as it was before the log was repaired: it may have records that the log has lost.
    #[error(
        "{} may have records that the log has lost: the log was repaired since it was copied. Copy it to another directory, and keep this copy as long as you may need them",
        path.display()
    )]
    Repaired {
        /// The segment file in the copy.
        path: PathBuf,
    },
    /// A copy has records that the log does not have, or others than the log has under the same numbers.
    #[error(
        "{} has records that the log has lost, or has others for: since it was copied, the log lost its end or was put back to an earlier state. Nothing was changed. Copy the log to another directory, and keep this copy as long as you may need what is in it",
        path.display()
    )]
    OtherHistory {
        /// The segment file in the copy.
        path: PathBuf,
    },
    /// A copy was cancelled. What was copied stays; the next one goes on.
    #[error("copying {} was broken off, because the server stops: the next backup goes on", path.display())]
    Stopped {
        /// What was being copied.
        path: PathBuf,
    },
    /// There is no number for another record. No log comes that far by itself.
    #[error(
        "the log in {} ends with record {last}, and there are no numbers beyond: a segment file that is not its own must have come into it; move that file away",
        path.display()
    )]
    NumbersUsedUp {
        /// The log's directory.
        path: PathBuf,
        /// Its last record.
        last: Seq,
    },
    /// The operating system refused an operation.
    #[error(transparent)]
    Io(#[from] IoError),
    /// The log could not be closed cleanly, because an earlier sync had failed.
    #[error(transparent)]
    SyncFailed(#[from] SyncFailed),
}

impl From<LockError> for LogError {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Locked { path, holder } => Self::Locked { path, holder },
            LockError::Io(error) => Self::Io(error),
        }
    }
}

impl LogError {
    /// An [`LogError::Io`] for `map_err`.
    pub(crate) fn io(op: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let at = IoError::at(op, path);
        move |source| Self::Io(at(source))
    }
}

/// A batch was not appended. Nothing of it is in the log.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The disk is full. Nothing changed; the same append can be tried again once there is space.
    #[error("no space for the next log segment in {}: free some space, writing then goes on by itself ({source})", path.display())]
    NoSpace {
        /// The log's directory.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// The next segment could not be made for a reason other than space. Nothing changed; a later append tries again.
    #[error(transparent)]
    Io(IoError),
    /// The files that are written are not at their paths any more, and could not be put back. Nothing changed; the same
    /// append can be tried again when they are there.
    #[error("{reason}")]
    Misplaced {
        /// What is missing, and what to do about it.
        reason: String,
    },
    /// The batch does not fit a segment.
    #[error("a batch of {bytes} bytes does not fit a log segment, which holds {limit}: split it")]
    TooLarge {
        /// The size of the batch with its frame headers.
        bytes: u64,
        /// The greatest size that fits.
        limit: u64,
    },
    /// An earlier sync failed: what is on the disk is uncertain, so nothing more is written.
    #[error(transparent)]
    Failed(#[from] SyncFailed),
}

/// The disk refused a sync. Linux forgets the pages that it could not write, so trying again would report success
/// without the data being there; hence the log stays failed until it is opened again, and recovery finds out what
/// the disk really holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the log could not be synced to disk ({reason}): nothing after record {durable} is known to be safe; check the disk, then restart Timberline"
)]
pub struct SyncFailed {
    /// What was being synced and what the operating system said.
    pub reason: String,
    /// The newest record that is known to be on the disk.
    pub durable: Seq,
}

/// Bytes of the log that were once whole and are no longer. The records around them are still served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is damaged at byte {offset} ({bytes} bytes, {}): {reason}; all other records are still served", path.display(), lost_words(lost.as_ref()))]
pub struct Damage {
    /// The segment file.
    pub path: PathBuf,
    /// Where in it the damaged bytes begin.
    pub offset: u64,
    /// How many bytes are affected.
    pub bytes: u64,
    /// The records lost; `None` if only bookkeeping was hit (a segment header) and no record is lost.
    pub lost: Option<RangeInclusive<Seq>>,
    /// What is wrong with them.
    pub reason: String,
}

fn lost_words(lost: Option<&RangeInclusive<Seq>>) -> String {
    match lost {
        None => "no record lost".to_owned(),
        Some(range) if range.start() == range.end() => format!("record {} lost", range.start()),
        Some(range) => format!("records {} to {} lost", range.start(), range.end()),
    }
}

//! What opening, writing and keeping a store can fail with.

use timberline_cancel::Cancelled;
use timberline_disk::{IoError, KeyError};
use timberline_log::{AppendError, Damage, LogError, Seq, SyncFailed};

use crate::record::CodecError;
use crate::segment::SegmentError;

/// A store could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The log could not be opened: locked, of a newer version, unreadable.
    #[error(transparent)]
    Log(#[from] LogError),
    /// There is nothing to look into.
    #[error("there is no log in {path} (a server makes it at its first start)")]
    NoLog {
        /// The directory.
        path: String,
    },
    /// There is a key file, and no key was given.
    #[error("{path} is encrypted: its passphrase is needed")]
    Encrypted {
        /// The data directory.
        path: String,
    },
    /// A key was given, and there is no key file.
    #[error("the key file {file} is gone: put back a copy of it; without it the data cannot be decrypted")]
    NoKey {
        /// The key file.
        file: String,
    },
    /// The key file could not be looked for.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The views were written by a newer version.
    #[error(
        "{file} has format version {version}, this Timberline knows versions up to {known}: update Timberline"
    )]
    Newer {
        /// The checkpoint.
        file: String,
        /// Its version.
        version: u32,
        /// The newest version this program reads.
        known: u32,
    },
    /// The log ends before the views do: somebody removed or cut log segments.
    #[error(
        "the log in {path} ends at record {log}, but the views hold everything up to record {views}: log segments are \
         missing. Put them back, or rebuild the views to go on with what the log has"
    )]
    LogBehindViews {
        /// The data directory.
        path: String,
        /// The log's newest record.
        log: Seq,
        /// The newest record in the views.
        views: Seq,
    },
    /// Views could not be read or written.
    #[error(transparent)]
    Io(#[from] IoError),
    /// A view segment had to be read while opening and is damaged.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// A view could not be made.
    #[error(transparent)]
    Compact(#[from] CompactError),
}

/// A write was not carried out; nothing of it is in the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// There is no bucket with this id.
    #[error("there is no bucket '{0}'")]
    NoSuchBucket(String),
    /// Another bucket has this id or alias.
    #[error("another bucket has the id or alias '{0}'")]
    NameTaken(String),
    /// The disk is full. The same write will go through once there is space: hold it and try again.
    #[error(transparent)]
    NoSpace(AppendError),
    /// The log cannot be written at the moment for another reason: its files are not at their paths, or the next segment
    /// cannot be made. The same write will go through once that has passed.
    #[error(transparent)]
    Unavailable(AppendError),
    /// Views are made more slowly than events come in: hold the write and try again.
    #[error(
        "events come in faster than they can be indexed ({waiting} are waiting in bucket '{bucket}'): try again in a moment"
    )]
    Busy {
        /// The bucket that is behind.
        bucket: String,
        /// Its events in memory.
        waiting: usize,
    },
    /// Records that do not fit into one log segment were written one by one, and not all of them could be: what is
    /// stored stays. Doing the same again would store it twice.
    #[error("only {stored} of {of} records were stored: {source}")]
    Partly {
        /// How many were.
        stored: usize,
        /// Of how many.
        of: usize,
        /// What kept the others from being stored.
        source: AppendError,
    },
    /// The disk refused a sync: nothing more is written until the store is opened again.
    #[error(transparent)]
    Failed(SyncFailed),
    /// One event or record is larger than the log can take.
    #[error("this is too large to be stored in one record: {0}")]
    TooLarge(#[source] AppendError),
    /// A view segment had to be read to decide this write and is damaged.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// A record could not be encoded.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

impl WriteError {
    /// Whether the same write may go through later.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            WriteError::NoSpace(_) | WriteError::Unavailable(_) | WriteError::Busy { .. }
        )
    }
}

impl From<AppendError> for WriteError {
    fn from(error: AppendError) -> WriteError {
        match error {
            AppendError::TooLarge { .. } => WriteError::TooLarge(error),
            AppendError::Failed(failed) => WriteError::Failed(failed),
            AppendError::NoSpace { .. } => WriteError::NoSpace(error),
            // Whatever else keeps the next segment from being made may pass, as a full disk may.
            _ => WriteError::Unavailable(error),
        }
    }
}

/// Flushing, merging or checkpointing failed. Nothing is lost: the log has everything, and it is tried again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompactError {
    /// A view file could not be written or removed.
    #[error(transparent)]
    Io(#[from] IoError),
    /// A source is damaged, or what was just written cannot be read.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// The checkpoint could not be encoded.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The log could not be synced, so a checkpoint would run ahead of it.
    #[error(transparent)]
    Sync(#[from] SyncFailed),
    /// The log could not be closed.
    #[error(transparent)]
    Close(#[from] LogError),
}

/// A question about the past, an undo or an erasure has failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// It goes further back than history is kept.
    #[error(
        "history is kept from record {from} ({time}) on; of what was before only the squashed state is kept (the setting `history` says how long)"
    )]
    TooOld {
        /// The oldest record that can be asked for.
        from: Seq,
        /// When it was written.
        time: timberline_model::Timestamp,
    },
    /// There is no such record yet.
    #[error("there is no record {asked} yet: the newest is {newest}")]
    TooNew {
        /// The record asked for.
        asked: Seq,
        /// The newest there is.
        newest: Seq,
    },
    /// The log could not be read or written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Bytes of the log are lost, and the answer with them.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// A record cannot be read.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// A view segment cannot be read.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// A view could not be written.
    #[error(transparent)]
    Compact(#[from] CompactError),
    /// A change could not be written to the log.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The log could not be synced.
    #[error(transparent)]
    Sync(#[from] SyncFailed),
    /// A segment that is still written to cannot be rewritten.
    #[error("log segment {0} is not sealed yet: try again in a moment")]
    Unsealed(String),
    /// Other writes change the same events so often that no decision holds until it is carried out.
    #[error("other writes keep changing the same events: try again in a moment")]
    Unsettled,
    /// The orders to erase that a copy has missed are squashed.
    #[error(
        "was not reached for so long that the log no longer says what is to be erased from it, and its segments cannot be replaced because the log was repaired: make a new backup elsewhere and remove this one"
    )]
    OrdersUnknown,
    /// Nobody waits for the answer any more.
    #[error("cancelled")]
    Cancelled,
}

impl From<Cancelled> for HistoryError {
    fn from(_: Cancelled) -> HistoryError {
        HistoryError::Cancelled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn only_a_full_disk_is_called_full_and_both_are_held() {
        let path = || "/data/log".into();
        let refused = AppendError::Io(IoError {
            op: "make the next log segment in",
            path: path(),
            source: io::Error::from(io::ErrorKind::PermissionDenied),
        });
        let refused = WriteError::from(refused);
        let text = refused.to_string();
        assert!(matches!(refused, WriteError::Unavailable(_)));
        assert!(refused.is_passing());
        assert!(
            text.contains("/data/log") && text.contains("permission denied"),
            "{text}"
        );
        assert!(!text.contains("space") && !text.contains("full"), "{text}");
        let full = WriteError::from(AppendError::NoSpace {
            path: path(),
            source: io::Error::from(io::ErrorKind::StorageFull),
        });
        assert!(matches!(full, WriteError::NoSpace(_)) && full.is_passing());
    }
}

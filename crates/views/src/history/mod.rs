//! What the log knows beyond the present: earlier states, the history of an event, and how to undo a change.
//!
//! | file | what it does |
//! |---|---|
//! | `as_of` | snapshots of the past, kept for the next question |
//! | `event_history` | how an event became what it is |
//! | `event_state` | what some events were at some time |
//! | `backward` | the same before a record, read backwards from there |
//! | `undo` | the records that undo others |
//! | `trash` | what was deleted and not restored |

pub(crate) mod as_of;
pub(crate) mod backward;
pub(crate) mod cancel_check;
pub(crate) mod event_history;
pub(crate) mod event_state;
pub(crate) mod trash;
pub(crate) mod undo;

use timberline_cancel::{Cancel, Cancelled};
use timberline_log::{Damage, LogError, LogReader, Seq, SyncFailed};

use crate::error::CompactError;
use crate::error::WriteError;
use crate::history::cancel_check::CancelCheck;
use crate::record::{CodecError, Record};
use crate::segment::SegmentError;

/// A question about the past, or a change of it, came to nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// It goes further back than history is kept.
    #[error(
        "history is kept from record {from} ({time}) on; what was before is known by its outcome only (see `history` in the configuration)"
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
    /// It is changed so often that no decision holds until it is carried out.
    #[error("what is to be changed is changed by others all the while: try again in a moment")]
    Unsettled,
    /// The orders to erase that a copy has missed are squashed.
    #[error(
        "was not reached for so long that the log no longer says what is to be erased from it, and its segments cannot be replaced because the log was repaired: make a new backup elsewhere and remove this one"
    )]
    OrdersUnknown,
    /// Whoever asked does not wait for the answer any more.
    #[error("cancelled")]
    Cancelled,
}

impl From<Cancelled> for HistoryError {
    fn from(_: Cancelled) -> HistoryError {
        HistoryError::Cancelled
    }
}

/// Reads the records `from..=to`, oldest first, until `visit` says that it has seen enough.
///
/// # Errors
/// [`HistoryError`]: damage in the range included; what `visit` fails with.
pub(crate) fn each_record(
    reader: &LogReader,
    from: Seq,
    to: Seq,
    visit: impl FnMut(&timberline_log::Record<'_>, Record<'_>) -> Result<bool, HistoryError>,
) -> Result<(), HistoryError> {
    each_record_until(reader, from, to, &Cancel::new(), visit)
}

/// [`each_record`] that can be cancelled.
///
/// # Errors
/// As [`each_record`]; [`HistoryError::Cancelled`].
pub(crate) fn each_record_until(
    reader: &LogReader,
    from: Seq,
    to: Seq,
    cancel: &Cancel,
    mut visit: impl FnMut(&timberline_log::Record<'_>, Record<'_>) -> Result<bool, HistoryError>,
) -> Result<(), HistoryError> {
    let mut records = reader.read_from(from)?;
    let mut check = CancelCheck::new(cancel);
    while let Some(record) = records.next() {
        let record = record?;
        check.after(record.payload.len())?;
        if record.seq > to {
            break;
        }
        let decoded = Record::decode(record.kind, record.payload)?;
        if !visit(&record, decoded)? {
            break;
        }
    }
    Ok(())
}

//! What the log knows beyond the present: earlier states, the history of an event, and how to undo a change.
//!
//! | file | what it does |
//! |---|---|
//! | `as_of` | snapshots of the past, kept for the next question |
//! | `event_history` | how an event became what it is |
//! | `event_state` | what some events were at some time |
//! | `fields` | the fields of a bucket at some time |
//! | `backward` | the same before a record, read backwards from there |
//! | `undo` | the records that undo others |
//! | `horizon` | how far back all of history is known |
//! | `trash` | what was deleted and not restored |

pub(crate) mod as_of;
pub(crate) mod backward;
pub(crate) mod cancel_check;
pub(crate) mod event_history;
pub(crate) mod event_state;
pub(crate) mod fields;
pub(crate) mod horizon;
pub(crate) mod trash;
pub(crate) mod undo;

pub use event_history::{Change, ChangeKind, EventHistory, HeartbeatFacts};
pub use trash::{Deleted, DeletedWhat};
pub use undo::{Undoing, Undone};

use timberline_cancel::Cancel;
use timberline_log::{LogReader, Seq};

use crate::error::HistoryError;
use crate::history::cancel_check::CancelCheck;
use crate::record::Record;

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

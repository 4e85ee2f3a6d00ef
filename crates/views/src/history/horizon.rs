//! How far back all of history is known.

use timberline_log::{LogReader, Seq};
use timberline_model::Timestamp;

use crate::error::HistoryError;

/// The newest record of which only the squashed state is known, and when it was written.
///
/// # Errors
/// When the log cannot be read.
pub(crate) fn horizon(reader: &LogReader) -> Result<(Seq, Timestamp), HistoryError> {
    let segments = reader.segments()?;
    let squashed = segments.iter().rev().find(|segment| segment.squashed);
    Ok(squashed.map_or((Seq::NONE, Timestamp::MIN), |segment| {
        let time = segment.sealed.map_or(Timestamp::MIN, Timestamp::from_nanos);
        (segment.last.unwrap_or_default(), time)
    }))
}

/// Checks that all of history is known since a record.
///
/// # Errors
/// [`HistoryError::TooOld`]; when the log cannot be read.
pub(crate) fn within_history(reader: &LogReader, seq: Seq) -> Result<(), HistoryError> {
    let (from, time) = horizon(reader)?;
    if seq < from {
        return Err(HistoryError::TooOld { from, time });
    }
    Ok(())
}

/// When a record was written by what it says itself; long ago if it is lost.
///
/// # Errors
/// When the log cannot be read.
pub(crate) fn time_of(reader: &LogReader, seq: Seq) -> Result<Timestamp, HistoryError> {
    let mut records = reader.read_from(seq)?;
    Ok(records
        .next()
        .and_then(Result::ok)
        .map_or(Timestamp::MIN, |record| Timestamp::from_nanos(record.time)))
}

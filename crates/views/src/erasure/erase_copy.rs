//! Erasing from a copy of the log whose segments must not be replaced by the log's own: the log was repaired since they
//! were copied, and they may have records that it has lost. The orders are read in the log; the copy's own records are
//! rewritten.

use crate::pace::Pace;
use timberline_log::{LogReader, SegmentInfo, Seq};

use crate::erasure::erase_log::{first_hit, rewrite_ended};
use crate::erasure::targets::Targets;
use crate::error::HistoryError;
use crate::record::Record;

/// What was erased from a copy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CopyErasure {
    /// Segments of the copy that were rewritten.
    pub rewritten: Vec<Seq>,
    /// The newest order that the copy's segments are clean of: where to go on the next time.
    pub through: Seq,
}

/// The completed orders after a record.
#[derive(Default)]
struct Orders {
    begun: Vec<Seq>,
    completed: Seq,
}

/// Erases from these segments of a copy whatever the log was ordered to erase after the record `done`. Nobody writes to
/// the copy meanwhile.
///
/// # Errors
/// When either cannot be read or the copy not be written; [`HistoryError::OrdersUnknown`] if the log was squashed since
/// the copy was last erased from.
pub(crate) fn erase_from_copy(
    log: &LogReader,
    copy: &LogReader,
    segments: &[Seq],
    done: Seq,
    pace: &mut dyn Pace,
) -> Result<CopyErasure, HistoryError> {
    let orders = orders_after(log, done)?;
    let mut outcome = CopyErasure {
        rewritten: Vec::new(),
        through: done.max(orders.completed),
    };
    if orders.begun.is_empty() {
        return Ok(outcome);
    }
    let targets = Targets::of(log, &orders.begun)?;
    for first in segments.iter().rev() {
        let Some(last) = last_of(copy, *first)? else {
            continue;
        };
        if first_hit(copy, *first, last, &targets, pace)? {
            rewrite_ended(copy, *first, last, &targets, pace)?;
            outcome.rewritten.push(*first);
        }
    }
    Ok(outcome)
}

/// The newest order that was completed when the copy was made, as far as the copy knows.
pub(crate) fn completed_in(copy: &LogReader) -> Result<Seq, HistoryError> {
    let mut completed = Seq::NONE;
    each_readable(copy, Seq::FIRST, |_, record| {
        if let Record::PurgeEnded(ended) = record {
            completed = completed.max(ended.through);
        }
    })?;
    Ok(completed)
}

fn orders_after(log: &LogReader, done: Seq) -> Result<Orders, HistoryError> {
    let mut orders = Orders::default();
    each_readable(log, done.next(), |seq, record| match record {
        Record::PurgeBegun(_) if seq > done => orders.begun.push(seq),
        Record::PurgeEnded(ended) => orders.completed = orders.completed.max(ended.through),
        _ => {}
    })?;
    // Orders that are not completed yet are the log's to carry out first.
    orders.begun.retain(|seq| *seq <= orders.completed);
    let squashed = |info: &SegmentInfo| info.squashed && info.last.is_some_and(|last| last > done);
    if orders.completed > done && log.segments()?.iter().any(squashed) {
        return Err(HistoryError::OrdersUnknown);
    }
    Ok(orders)
}

/// The last record that is in a segment.
fn last_of(log: &LogReader, first: Seq) -> Result<Option<Seq>, HistoryError> {
    let segments = log.segments()?;
    let next = segments
        .iter()
        .map(|info| info.first)
        .filter(|next| *next > first)
        .min();
    if let Some(last) = segments
        .iter()
        .find(|info| info.first == first)
        .and_then(|info| info.last)
    {
        return Ok(Some(last));
    }
    let mut newest = None;
    each_readable(log, first, |seq, _| {
        if next.is_none_or(|next| seq < next) {
            newest = newest.max(Some(seq));
        }
    })?;
    Ok(newest)
}

/// Damage is passed over: what cannot be read names nothing.
fn each_readable(
    log: &LogReader,
    from: Seq,
    mut see: impl FnMut(Seq, Record<'_>),
) -> Result<(), HistoryError> {
    let mut records = log.read_from(from)?;
    while let Some(record) = records.next() {
        let Ok(record) = record else { continue };
        if let Ok(decoded) = Record::decode(record.kind, record.payload) {
            see(record.seq, decoded);
        }
    }
    Ok(())
}

//! Applies privacy filters to a batch.

use std::borrow::Cow;

use timberline_model::NewEvent;
use timberline_views::{KnownInBucket, SegmentError, Snapshot};

use crate::service::privacy::{Filters, Verdict};

/// A batch, screened.
pub(super) struct Screened<'e, 'data> {
    /// To be stored, unless they are known.
    pub(super) events: Cow<'e, [NewEvent<'data>]>,
    /// Left out, because they are stored as they were before filtering.
    pub(super) known: usize,
    pub(super) dropped: usize,
}

/// Filters the events of a batch.
///
/// An event that was stored before there was a filter, and now comes in again, is known; it must not be stored a second
/// time in the form that it would have today.
///
/// # Errors
/// When a view segment is damaged.
pub(super) fn screen<'e, 'data>(
    filters: &Filters,
    known: &mut KnownInBucket<'_, '_>,
    (snapshot, bucket): (&Snapshot, &str),
    events: &'e [NewEvent<'data>],
) -> Result<Screened<'e, 'data>, SegmentError> {
    let mut screened = Screened {
        events: Cow::Borrowed(events),
        known: 0,
        dropped: 0,
    };
    if !filters.concern_sent(snapshot, bucket) {
        return Ok(screened);
    }
    let mut kept = Vec::with_capacity(events.len());
    for event in events {
        match filters.judge_sent(snapshot, bucket, &event.data) {
            Verdict::Keep => kept.push(event.clone()),
            Verdict::Drop => screened.dropped += 1,
            Verdict::Change(_) if known.take(event)? => screened.known += 1,
            Verdict::Change(data) => kept.push(NewEvent {
                data: Cow::Owned(data),
                ..event.clone()
            }),
        }
    }
    screened.events = Cow::Owned(kept);
    Ok(screened)
}

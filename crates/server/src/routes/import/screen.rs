//! What privacy filters let through of a batch.

use std::borrow::Cow;

use timberline_model::NewEvent;
use timberline_views::{BucketView, SegmentError, Snapshot, TimeRange};

use crate::privacy::{Filters, Verdict};

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
    before: &Snapshot,
    bucket: &str,
    events: &'e [NewEvent<'data>],
) -> Result<Screened<'e, 'data>, SegmentError> {
    let mut screened = Screened {
        events: Cow::Borrowed(events),
        known: 0,
        dropped: 0,
    };
    if !filters.concern(bucket) {
        return Ok(screened);
    }
    let view = before.bucket(bucket);
    let is_stored = |event| view.map_or(Ok(false), |view| is_there(view, event));
    let mut kept = Vec::with_capacity(events.len());
    for event in events {
        match filters.judge(bucket, &event.data) {
            Verdict::Keep => kept.push(event.clone()),
            Verdict::Drop => screened.dropped += 1,
            Verdict::Change(_) if is_stored(event)? => screened.known += 1,
            Verdict::Change(data) => kept.push(NewEvent {
                data: Cow::Owned(data),
                ..event.clone()
            }),
        }
    }
    screened.events = Cow::Owned(kept);
    Ok(screened)
}

fn is_there(view: &BucketView, event: &NewEvent<'_>) -> Result<bool, SegmentError> {
    let instant = TimeRange {
        start: Some(event.start),
        end: Some(event.start),
    };
    let mut data = Vec::new();
    for stored in view.events(instant)? {
        let stored = stored?;
        if stored.start() == event.start && stored.duration() == event.duration {
            data.clear();
            stored.write_data(&mut data);
            if data == event.data.as_bytes() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

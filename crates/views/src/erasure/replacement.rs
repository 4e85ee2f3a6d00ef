//! The record that takes the place of one with erased data.

use std::borrow::Cow;
use std::sync::Arc;

use timberline_model::{Duration, EventId, Timestamp};

use crate::record::{
    BucketKey, Erased, EventBlock, EventChanges, EventsChanged, IdsUsed, Last, Put, Record, RecordKind,
};

/// What an event of a record becomes.
pub(super) enum Erasure {
    Same,
    Erased,
    Redacted(Arc<str>),
}

/// A record of a bucket that is purged as a whole. The orders to erase it stay, and so does what an erasure left.
pub(super) fn without_bucket(record: &Record<'_>) -> Option<Record<'static>> {
    match record.kind() {
        RecordKind::PurgeBegun | RecordKind::PurgeEnded | RecordKind::Erased | RecordKind::Lost => None,
        RecordKind::BucketCreated
        | RecordKind::BucketUpdated
        | RecordKind::BucketListed
        | RecordKind::BucketDeleted
        | RecordKind::BucketRestored
        | RecordKind::Heartbeat
        | RecordKind::Heartbeats
        | RecordKind::BatchTaken
        | RecordKind::EventsInserted
        | RecordKind::EventsPut
        | RecordKind::EventsDeleted
        | RecordKind::EventsChanged
        | RecordKind::SettingSet
        | RecordKind::SettingDeleted => Some(erased(None, record.ids_used())),
    }
}

/// Changes to events without those that are erased; `None` if all stay as they are.
pub(super) fn without_events(
    changes: &EventChanges<'_>,
    used: IdsUsed,
    becomes: impl Fn(EventId) -> Erasure,
) -> Option<Record<'static>> {
    let is_erased = |id: EventId| matches!(becomes(id), Erasure::Erased);
    let last = match changes.last {
        Last::Event(id) if is_erased(id) => Last::Newest,
        last => last,
    };
    let extended: Vec<(EventId, Duration)> = changes
        .extended
        .iter()
        .filter(|(id, _)| !is_erased(*id))
        .collect();
    let put = changes.put.map(|put| (put, left(&put, &becomes)));
    let same = put.as_ref().is_none_or(|(_, left)| left.is_none());
    if last == changes.last && extended.len() == changes.extended.len() && same {
        return None;
    }
    let whole = |put: &Put<'_>| (put.ids().collect(), put.block());
    let (ids, events) = put.map_or_else(Default::default, |(put, left)| {
        left.unwrap_or_else(|| whole(&put))
    });
    let removed = changes.removed.to_vec();
    if removed.is_empty() && extended.is_empty() && ids.is_empty() && last == Last::Newest {
        return Some(erased(Some(changes.bucket), used));
    }
    Some(Record::EventsChanged(EventsChanged {
        bucket: changes.bucket,
        next_event: used.next_event,
        last,
        removed,
        extended,
        ids,
        events,
    }))
}

fn erased(bucket: Option<BucketKey>, used: IdsUsed) -> Record<'static> {
    Record::Erased(Erased {
        bucket,
        next_event: used.next_event,
        next_bucket: used.next_bucket,
    })
}

/// The events without those that are erased, with the data that they get; `None` if all stay as they are. Of the texts
/// only those in use are left.
fn left(put: &Put<'_>, becomes: impl Fn(EventId) -> Erasure) -> Option<(Vec<EventId>, EventBlock<'static>)> {
    let mut changed = false;
    let mut kept: Vec<(EventId, Timestamp, Duration, Cow<'_, str>)> = Vec::with_capacity(put.len());
    for (id, start, duration, text) in put.iter() {
        match becomes(id) {
            Erasure::Same => kept.push((id, start, duration, Cow::Borrowed(text))),
            Erasure::Erased => changed = true,
            Erasure::Redacted(new) if *new == *text => kept.push((id, start, duration, Cow::Borrowed(text))),
            Erasure::Redacted(new) => {
                changed = true;
                kept.push((id, start, duration, Cow::Owned(new.as_ref().to_owned())));
            }
        }
    }
    let block = EventBlock::from_events(
        kept.iter()
            .map(|(_, start, duration, text)| (*start, *duration, text.as_ref())),
    );
    changed.then(|| (kept.iter().map(|e| e.0).collect(), block.into_owned()))
}

//! Cuts changes of events into records that fit a log segment.

use std::collections::BTreeMap;

use timberline_model::EventId;

use crate::history::event_state::EventState;
use crate::record::MAX_RECORD_TEXT;
use crate::record::{BucketKey, EventBlock, EventsChanged, Last, Record};

/// Events that come back in one record, at most.
const RECORD_EVENTS: usize = 4096;
/// Events that go in one record: half a MiB at most, so that it fits every log segment.
const RECORD_IDS: usize = 1 << 16;

/// As many records as it takes for each to fit a log segment. The last of them decides what is compared with.
pub(super) fn push_events<'a>(
    bucket: BucketKey,
    removed: &[EventId],
    back: &BTreeMap<EventId, &'a EventState>,
    last: Last,
    records: &mut Vec<Record<'a>>,
) {
    let empty = EventsChanged {
        bucket,
        next_event: EventId::NONE,
        last: Last::Unchanged,
        removed: Vec::new(),
        extended: Vec::new(),
        ids: Vec::new(),
        events: EventBlock::default(),
    };
    let mut parts: Vec<EventsChanged<'a>> = removed
        .chunks(RECORD_IDS)
        .map(|ids| EventsChanged {
            removed: ids.to_vec(),
            ..empty.clone()
        })
        .collect();
    let events: Vec<(EventId, &'a EventState)> = back.iter().map(|(id, value)| (*id, *value)).collect();
    let mut rest = events.as_slice();
    while !rest.is_empty() {
        let (part, more) = rest.split_at(fitting(rest));
        parts.push(EventsChanged {
            ids: part.iter().map(|(id, _)| *id).collect(),
            events: EventBlock::from_events(part.iter().map(|(_, v)| (v.start, v.duration, v.text.as_ref()))),
            ..empty.clone()
        });
        rest = more;
    }
    if let Some(newest) = parts.last_mut() {
        newest.last = last;
    }
    records.extend(parts.into_iter().map(Record::EventsChanged));
}

/// How many of these events go in one record: at least one.
fn fitting(events: &[(EventId, &EventState)]) -> usize {
    let mut bytes = 0;
    let fit = events.iter().take(RECORD_EVENTS).take_while(|(_, value)| {
        bytes += value.text.len();
        bytes <= MAX_RECORD_TEXT
    });
    fit.count().max(1)
}

#[cfg(test)]
mod tests {
    use timberline_model::{Duration, Timestamp};

    use super::*;

    /// However much is undone, each record fits a log segment of a MiB, and together they are all of it.
    #[test]
    fn each_record_fits_a_segment() {
        let removed: Vec<EventId> = (1 << 40..(1 << 40) + 200_000).map(EventId).collect();
        let value = EventState {
            start: Timestamp::EPOCH,
            duration: Duration::ZERO,
            text: "x".repeat(100_000).into(),
        };
        let back: BTreeMap<EventId, &EventState> = (1..100).map(|id| (EventId(id), &value)).collect();
        let mut records = Vec::new();
        push_events(BucketKey(1), &removed, &back, Last::Newest, &mut records);
        let (mut went, mut came, mut lasts) = (Vec::<EventId>::new(), Vec::<EventId>::new(), Vec::new());
        for record in &records {
            let mut bytes = Vec::new();
            record.encode(&mut bytes).unwrap();
            assert!(bytes.len() < 1_000_000, "{}", bytes.len());
            let Record::EventsChanged(r) = record else {
                panic!("{record:?}")
            };
            went.extend(&r.removed);
            came.extend(&r.ids);
            lasts.push(r.last);
        }
        assert_eq!(went, removed);
        assert_eq!(came, back.into_keys().collect::<Vec<_>>());
        assert_eq!(lasts.pop(), Some(Last::Newest));
        assert!(lasts.iter().all(|last| *last == Last::Unchanged));
    }
}

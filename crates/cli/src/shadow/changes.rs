//! What makes the events here equal to the events there.

use std::collections::HashMap;

use timberline_model::{Duration, EventId, Timestamp};

/// An event as a server keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// The number that this server has given it: the other one has its own.
    pub(super) id: EventId,
    pub(super) start: Timestamp,
    pub(super) duration: Duration,
    /// Canonical JSON.
    pub(super) data: String,
}

impl Event {
    /// What must be equal on both sides.
    fn content(&self) -> (Timestamp, Duration, &str) {
        (self.start, self.duration, &self.data)
    }
}

/// A change of the events here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Insert(Event),
    /// The event with this id here becomes that event.
    Replace(EventId, Event),
    Delete(EventId),
}

/// The changes after which the events `here` have the contents of the events `there`. Events of equal content are told apart
/// by their number only, so there are as many here as there.
pub(super) fn changes(there: &[Event], here: &[Event]) -> Vec<Change> {
    let mut same: HashMap<_, Vec<usize>> = HashMap::new();
    for (at, event) in here.iter().enumerate() {
        same.entry(event.content()).or_default().push(at);
    }
    let mut unmatched = vec![true; here.len()];
    let mut missing = Vec::new();
    for event in there {
        match same.get_mut(&event.content()).and_then(Vec::pop) {
            Some(at) => mark(&mut unmatched, at),
            None => missing.push(event.clone()),
        }
    }
    // An event that has grown, or was edited, begins when it began.
    let mut by_start: HashMap<Timestamp, Vec<usize>> = HashMap::new();
    let left = |unmatched: &[bool], at: usize| unmatched.get(at).copied().unwrap_or(false);
    for (at, event) in here.iter().enumerate() {
        if left(&unmatched, at) {
            by_start.entry(event.start).or_default().push(at);
        }
    }
    let mut changes = Vec::new();
    for event in missing {
        let old = by_start.get_mut(&event.start).and_then(Vec::pop);
        match old.and_then(|at| Some((at, here.get(at)?))) {
            Some((at, old)) => {
                mark(&mut unmatched, at);
                changes.push(Change::Replace(old.id, event));
            }
            None => changes.push(Change::Insert(event)),
        }
    }
    let surplus = here.iter().zip(&unmatched).filter(|(_, left)| **left);
    changes.extend(surplus.map(|(event, _)| Change::Delete(event.id)));
    changes
}

fn mark(unmatched: &mut [bool], at: usize) {
    if let Some(left) = unmatched.get_mut(at) {
        *left = false;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event(id: u64, start: i64, seconds: i64, data: &str) -> Event {
        Event {
            id: EventId(id),
            start: Timestamp::from_nanos(start * 1_000_000_000),
            duration: Duration::from_nanos(seconds * 1_000_000_000),
            data: data.to_owned(),
        }
    }

    #[test]
    fn an_event_that_has_grown_is_replaced() {
        let grown = event(9, 10, 30, r#"{"a":1}"#);
        let here = [event(1, 10, 20, r#"{"a":1}"#)];
        assert_eq!(
            changes(std::slice::from_ref(&grown), &here),
            [Change::Replace(EventId(1), grown)]
        );
    }

    #[test]
    fn equal_events_are_as_many_as_there() {
        let there = vec![event(1, 1, 1, "{}"), event(2, 1, 1, "{}")];
        assert_eq!(changes(&there, &there), []);
        let once = changes(&there, there.get(..1).unwrap());
        assert!(matches!(once.as_slice(), [Change::Insert(event)] if event.content() == there[0].content()));
        let thrice = [event(5, 1, 1, "{}"), event(6, 1, 1, "{}"), event(7, 1, 1, "{}")];
        assert!(matches!(changes(&there, &thrice).as_slice(), [Change::Delete(_)]));
    }

    fn events() -> impl Strategy<Value = Vec<Event>> {
        let one = (0..4_i64, 0..3_i64, 0..2_usize);
        prop::collection::vec(one, 0..8).prop_map(|events| {
            let data = ["{}", r#"{"a":1}"#];
            let numbered = events.into_iter().zip(1..);
            numbered
                .map(|((start, seconds, which), id)| event(id, start, seconds, data[which]))
                .collect()
        })
    }

    /// The contents after the changes, sorted.
    fn carried_out(here: &[Event], changes: Vec<Change>) -> Vec<(Timestamp, Duration, String)> {
        let mut events = here.to_vec();
        for change in changes {
            match change {
                Change::Insert(event) => events.push(event),
                Change::Replace(id, event) => {
                    let at = events.iter().position(|old| old.id == id).unwrap();
                    events[at] = Event {
                        id: EventId(u64::MAX),
                        ..event
                    };
                }
                Change::Delete(id) => {
                    let at = events.iter().position(|old| old.id == id).unwrap();
                    events.remove(at);
                }
            }
        }
        contents(&events)
    }

    fn contents(events: &[Event]) -> Vec<(Timestamp, Duration, String)> {
        let mut contents: Vec<_> = events
            .iter()
            .map(|event| (event.start, event.duration, event.data.clone()))
            .collect();
        contents.sort();
        contents
    }

    proptest! {
        #[test]
        fn the_changes_make_both_equal(there in events(), here in events()) {
            // The ids here are others than those there: inserts must not be found by accident.
            let there: Vec<Event> = there.into_iter().map(|event| Event { id: EventId(event.id.0 + 100), ..event }).collect();
            let changed = carried_out(&here, changes(&there, &here));
            prop_assert_eq!(changed, contents(&there));
        }

        #[test]
        fn there_are_no_more_changes_than_needed(there in events(), here in events()) {
            let common = {
                let mut left = contents(&here);
                contents(&there).iter().filter(|content| {
                    left.iter().position(|other| other == *content).map(|at| left.remove(at)).is_some()
                }).count()
            };
            let count = changes(&there, &here).len();
            prop_assert!(count <= there.len() + here.len() - 2 * common);
        }
    }
}

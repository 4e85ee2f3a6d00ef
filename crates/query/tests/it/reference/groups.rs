//! Events summed by what they are about.

use super::{Event, same_text};

/// `merge_events_by_keys`: one event for all that agree in the keys: the first of them, without its id, as long as all
/// together. Events that lack a key are left out; without keys there is nothing to agree in.
pub(crate) fn merge_events_by_keys(events: &[Event], keys: &[String]) -> Vec<Event> {
    if keys.is_empty() {
        return Vec::new();
    }
    let mut groups: Vec<Event> = Vec::new();
    for event in events {
        if !keys.iter().all(|key| event.data.contains_key(key)) {
            continue;
        }
        let agrees = |group: &&mut Event| keys.iter().all(|key| agree(group, event, key));
        match groups.iter_mut().find(agrees) {
            Some(group) => group.duration += event.duration,
            None => groups.push(Event {
                id: None,
                ..event.clone()
            }),
        }
    }
    groups
}

/// `chunk_events_by_key`: neighbours in the list that agree in the key become the first of them, as long as all
/// together. Events that lack the key are passed over.
pub(crate) fn chunk_events_by_key(events: &[Event], key: &str) -> Vec<Event> {
    let mut chunks: Vec<Event> = Vec::new();
    for event in events {
        if !event.data.contains_key(key) {
            continue;
        }
        match chunks.last_mut() {
            Some(chunk) if agree(chunk, event, key) => chunk.duration += event.duration,
            _ => chunks.push(event.clone()),
        }
    }
    chunks
}

/// Whether two events have the same value for a key that both have.
fn agree(a: &Event, b: &Event, key: &str) -> bool {
    same_text(&a.data[key], &b.data[key])
}

//! Choosing, ordering and counting events.

use std::cmp::Reverse;

use fancy_regex::Regex;
use serde_json::Value as Json;

use super::{Event, equal};

/// `filter_keyvals`: the events that have the key with one of the values.
pub(crate) fn filter_keyvals(events: &[Event], key: &str, values: &[Json]) -> Vec<Event> {
    let mut kept = events.to_vec();
    kept.retain(|event| has_one_of(event, key, values));
    kept
}

/// `exclude_keyvals`: all others, also those that lack the key.
pub(crate) fn exclude_keyvals(events: &[Event], key: &str, values: &[Json]) -> Vec<Event> {
    let mut kept = events.to_vec();
    kept.retain(|event| !has_one_of(event, key, values));
    kept
}

fn has_one_of(event: &Event, key: &str, values: &[Json]) -> bool {
    let found = event.data.get(key);
    found.is_some_and(|found| values.iter().any(|value| equal(value, found)))
}

/// `filter_keyvals_regex`: the events whose value is a string in which the pattern is found.
pub(crate) fn filter_keyvals_regex(events: &[Event], key: &str, pattern: &str) -> Vec<Event> {
    let pattern = Regex::new(pattern).expect("a pattern");
    let mut kept = events.to_vec();
    kept.retain(|event| match event.data.get(key) {
        Some(Json::String(text)) => pattern.is_match(text).expect("few steps"),
        _ => false,
    });
    kept
}

/// `concat`: one list after the other.
pub(crate) fn concat(lists: &[Vec<Event>]) -> Vec<Event> {
    lists.concat()
}

/// `limit_events`: the first so many; fractions are cut off.
pub(crate) fn limit_events(events: &[Event], count: f64) -> Vec<Event> {
    let count = count.trunc().max(0.0);
    let places = events.iter().zip(0u32..);
    let first = places.take_while(|(_, place)| f64::from(*place) < count);
    first.map(|(event, _)| event.clone()).collect()
}

/// `sort_by_timestamp`: oldest first.
pub(crate) fn sort_by_timestamp(events: &[Event]) -> Vec<Event> {
    let mut sorted = events.to_vec();
    sorted.sort_by_key(|event| event.start);
    sorted
}

/// `sort_by_duration`: longest first.
pub(crate) fn sort_by_duration(events: &[Event]) -> Vec<Event> {
    let mut sorted = events.to_vec();
    sorted.sort_by_key(|event| Reverse(event.duration));
    sorted
}

/// `sum_durations`: seconds.
pub(crate) fn sum_durations(events: &[Event]) -> f64 {
    let mut sum = 0;
    for event in events {
        sum += event.duration;
    }
    sum as f64 / 1e9
}

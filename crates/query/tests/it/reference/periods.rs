//! Functions of time: intersections, unions, gaps.

use super::select::sort_by_timestamp;
use super::{Event, Object, SECOND};

/// `filter_period_intersect`: the parts of events that lie within periods, both walked from the earliest on. What is left
/// of an event after a period goes on to the next; without length it is left out.
pub(crate) fn filter_period_intersect(events: &[Event], periods: &[Event]) -> Vec<Event> {
    let (mut events, periods) = (sort_by_timestamp(events), sort_by_timestamp(periods));
    let (mut i, mut j) = (0, 0);
    let mut result = Vec::new();
    while i < events.len() && j < periods.len() {
        let (event, period) = (&events[i], &periods[j]);
        if event.duration == 0 || event.end() <= period.start {
            i += 1;
        } else if event.start >= period.end() {
            j += 1;
        } else {
            let (start, end) = (event.start.max(period.start), event.end().min(period.end()));
            result.push(between(event, start, end));
            events[i] = between(event, end, event.end());
        }
    }
    result
}

/// `period_union`: the stretches that any event of both covers, without data. Each has the start and the id of its first
/// event; two that touch are one.
pub(crate) fn period_union(first: &[Event], second: &[Event]) -> Vec<Event> {
    let mut result: Vec<Event> = Vec::new();
    for mut event in sort_by_timestamp(&[first, second].concat()) {
        event.data = Object::new();
        let Some(last) = result.last_mut() else {
            result.push(event);
            continue;
        };
        let gap = last.end() < event.start || event.end() < last.start;
        if gap {
            result.push(event);
        } else {
            last.duration = last.end().max(event.end()) - last.start.min(event.start);
        }
    }
    result
}

/// `union_no_overlap`: the first list, and of the second what does not overlap it. Neither is sorted: both are walked as
/// they are. A part of an event has no id.
pub(crate) fn union_no_overlap(first: &[Event], second: &[Event]) -> Vec<Event> {
    let mut second = second.to_vec();
    let (mut i, mut j) = (0, 0);
    let mut result = Vec::new();
    while i < first.len() && j < second.len() {
        let (e, f) = (first[i].clone(), second[j].clone());
        let intersect = e.start.max(f.start) < e.end().min(f.end());
        if intersect && e.start <= f.start {
            result.push(e.clone());
            i += 1;
            if f.start < e.end() && e.end() < f.end() {
                second[j] = part(&f, e.end(), f.end());
            } else {
                j += 1;
            }
        } else if intersect {
            if f.start < e.start && e.start < f.end() {
                result.push(part(&f, f.start, e.start));
                second[j] = part(&f, e.start, f.end());
            } else {
                result.push(f);
                j += 1;
            }
        } else if e.start <= f.start {
            result.push(e);
            i += 1;
        } else {
            result.push(f);
            j += 1;
        }
    }
    result.extend_from_slice(&first[i..]);
    result.extend_from_slice(&second[j..]);
    result
}

/// Gaps from this length on are left as they are.
const PULSETIME: i64 = 5 * SECOND;

/// `flood`: equal neighbours that overlap, or are less than the pulse time apart, become one; a smaller gap between
/// differing ones is shared half and half. Sorted by start.
pub(crate) fn flood(events: &[Event]) -> Vec<Event> {
    let mut result: Vec<Event> = Vec::new();
    for mut event in sort_by_timestamp(events) {
        let Some(last) = result.last_mut() else {
            result.push(event);
            continue;
        };
        let gap = event.start - last.end();
        let is_equal = super::data_text(&last.data) == super::data_text(&event.data);
        if is_equal && gap < PULSETIME {
            let end = last.end().max(event.end());
            last.start = last.start.min(event.start);
            last.duration = end - last.start;
            continue;
        }
        if (0..PULSETIME).contains(&gap) {
            last.duration += gap / 2;
            event.start -= gap / 2;
            event.duration += gap / 2;
        }
        result.push(event);
    }
    result
}

/// The event with other ends.
fn between(event: &Event, start: i64, end: i64) -> Event {
    let duration = end - start;
    Event {
        start,
        duration,
        ..event.clone()
    }
}

/// A part of the event, which is no event of the store any more.
fn part(event: &Event, start: i64, end: i64) -> Event {
    Event {
        id: None,
        ..between(event, start, end)
    }
}

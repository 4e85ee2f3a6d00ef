//! The newest events of each hit of a page.

use std::cmp::Reverse;

use timberline_model::{EventId, Timestamp};
use timberline_views::TimeRange;
use timberline_views::columns::{Occurrence, Slots};

use super::find::{Found, Place, Sum};
use super::hits::{Groups, Page};
use super::{HitSpan, SearchQuery};
use crate::error::QueryError;
use crate::limits::Guard;

/// What belongs to hits of the page in one source.
struct Part<'a> {
    place: &'a Place<'a>,
    /// The sums, and the hits that they belong to.
    members: Vec<(Sum, u32)>,
    /// When the first of their events begins, and the last one ends.
    first: i64,
    last: i64,
}

/// An event of a hit, and where it is.
struct Event<'a> {
    start: i64,
    end: i64,
    id: EventId,
    place: &'a Place<'a>,
}

/// The newest events within the range of each hit, newest first.
pub(super) fn newest(
    places: &[Place<'_>],
    found: &[Found],
    groups: &Groups<'_>,
    page: &Page,
    query: &SearchQuery,
    guard: &Guard,
) -> Result<Vec<Vec<HitSpan>>, QueryError> {
    let mut events: Vec<Vec<Event<'_>>> = Vec::new();
    events.resize_with(page.len(), Vec::new);
    let mut parts = parts(places, found, groups, page);
    // Newest first: what lies further back is only looked at for hits that have too few events.
    parts.sort_by_key(|part| Reverse(part.last));
    for part in parts.iter().filter(|_| query.spans > 0) {
        let (wanted, first, last) = part.wanted(&events, query.spans);
        if !wanted.is_empty() {
            let range = within(query.range, first, last);
            part.collect(range, &wanted, query.spans, &mut events, guard)?;
        }
    }
    let span = |event: Event<'_>| HitSpan {
        bucket: event.place.view.bucket().id.clone(),
        id: event.id,
        start: Timestamp::from_nanos(event.start),
        end: Timestamp::from_nanos(event.end),
    };
    let spans = events
        .into_iter()
        .map(|events| events.into_iter().map(span).collect());
    Ok(spans.collect())
}

fn parts<'a>(places: &'a [Place<'a>], found: &[Found], groups: &Groups<'_>, page: &Page) -> Vec<Part<'a>> {
    let mut parts = Vec::new();
    for ((place, found), members) in places.iter().zip(found).zip(groups.members(page)) {
        let members = members.into_iter();
        let sums = members.filter_map(|(sum, hit)| Some((*found.sums.get(sum)?, hit)));
        let members: Vec<(Sum, u32)> = sums.collect();
        let first = members.iter().map(|(sum, _)| sum.first).min();
        let last = members.iter().map(|(sum, _)| sum.last).max();
        if let (Some(first), Some(last)) = (first, last) {
            parts.push(Part {
                place,
                members,
                first,
                last,
            });
        }
    }
    parts
}

/// The part of a range in which there are events that are looked for.
fn within(range: TimeRange, first: i64, last: i64) -> TimeRange {
    let (first, last) = (Timestamp::from_nanos(first), Timestamp::from_nanos(last));
    TimeRange {
        start: Some(range.start.map_or(first, |start| start.max(first))),
        end: Some(range.end.map_or(last, |end| end.min(last))),
    }
}

impl<'a> Part<'a> {
    /// The members of which events are still needed, and the time in which those lie.
    fn wanted(&self, events: &[Vec<Event<'_>>], spans: usize) -> (Vec<(u32, u32)>, i64, i64) {
        let (mut first, mut last) = (self.last, self.first);
        let mut wanted = Vec::new();
        for (sum, hit) in &self.members {
            let known = events.get(*hit as usize);
            // The oldest of those that are known, if there are enough.
            let oldest = known
                .and_then(|events| events.get(spans - 1))
                .map(|event| event.start);
            if oldest.is_none_or(|oldest| sum.last > oldest) {
                wanted.push((sum.object, *hit));
                first = first.min(oldest.map_or(sum.first, |oldest| sum.first.max(oldest)));
                last = last.max(sum.last);
            }
        }
        (wanted, first, last)
    }

    /// Adds the newest events of this source.
    fn collect(
        &self,
        range: TimeRange,
        wanted: &[(u32, u32)],
        spans: usize,
        events: &mut [Vec<Event<'a>>],
        guard: &Guard,
    ) -> Result<(), QueryError> {
        let source = &self.place.source;
        let slots = Slots::new(source.dictionary().objects(), wanted.iter().copied());
        let mut newest: Vec<Vec<Occurrence>> = Vec::new();
        newest.resize_with(events.len(), Vec::new);
        source.occurrences(range, &slots, |found| {
            guard.check()?;
            for part in found.iter().filter(|part| part.has_a_place_in_time()) {
                if let Some(kept) = newest.get_mut(part.slot as usize) {
                    kept.push(*part);
                    if kept.len() >= 4 * spans {
                        keep_newest(kept, spans);
                    }
                }
            }
            Ok::<_, QueryError>(())
        })?;
        for (mut kept, all) in newest.into_iter().zip(events) {
            keep_newest(&mut kept, spans);
            for part in kept {
                all.push(Event {
                    start: part.start,
                    end: part.end,
                    id: source.id(part.place)?,
                    place: self.place,
                });
            }
            all.sort_by_key(|event| Reverse((event.start, event.end, event.id)));
            all.truncate(spans);
        }
        Ok(())
    }
}

fn keep_newest(kept: &mut Vec<Occurrence>, most: usize) {
    kept.sort_by_key(|part| Reverse((part.start, part.end, part.place)));
    kept.truncate(most);
}

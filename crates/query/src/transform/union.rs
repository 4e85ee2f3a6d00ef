//! Lists put together: end to end, as periods, or the second into the holes of the first.

use super::order::Chronological;
use crate::catalog::EMPTY_OBJECT;
use crate::error::QueryError;
use crate::events::{Builder, Event, Events, NO_ID};
use crate::scope::Scope;

/// One list after the other.
pub(crate) fn concat(scope: Scope<'_>, lists: &[Events]) -> Result<Events, QueryError> {
    let mut filled = lists.iter().filter(|list| !list.is_empty());
    match (filled.next(), filled.next()) {
        (None, _) => return Events::empty(scope.guard),
        (Some(only), None) => return Ok(only.clone()),
        _ => {}
    }
    let mut out = Builder::with_capacity(scope.guard, lists.iter().map(Events::len).sum())?;
    for list in lists {
        out.extend(list)?;
    }
    out.build()
}

/// The time that is covered by any event of both, without overlap and without data. Each stretch has the id of the
/// event that it begins with.
pub(crate) fn period_union(scope: Scope<'_>, first: &Events, second: &Events) -> Result<Events, QueryError> {
    let all = concat(scope, &[first.clone(), second.clone()])?;
    let sorted = Chronological::of(scope.guard, &all)?;
    let mut out = Builder::new(scope.guard)?;
    let Some(mut last) = sorted.get(0) else {
        return out.build();
    };
    let stretch = |event: Event| Event {
        data: EMPTY_OBJECT,
        ..event
    };
    for i in 1..sorted.len() {
        scope.guard.check_at(i)?;
        let Some(next) = sorted.get(i) else { break };
        let gap = next.end() < last.start || last.end() < next.start;
        if gap {
            out.push(stretch(last))?;
            last = next;
        } else {
            let end = last.end().max(next.end());
            last.duration = end.saturating_sub(last.start.min(next.start));
        }
    }
    out.push(stretch(last))?;
    out.build()
}

/// The first list whole, and of the second what does not overlap it. Neither is sorted: both are walked as they are.
/// A part of an event has no id. As in both reference servers, an event of the first that reaches over several of the
/// second overlaps all but the first of them.
pub(crate) fn union_no_overlap(
    scope: Scope<'_>,
    first: &Events,
    second: &Events,
) -> Result<Events, QueryError> {
    union_and_untouched(scope, first, second).map(|(union, _)| union)
}

/// The union, and how many events at the end of the second list were taken over without being compared with the first.
pub(crate) fn union_and_untouched(
    scope: Scope<'_>,
    first: &Events,
    second: &Events,
) -> Result<(Events, usize), QueryError> {
    if first.is_empty() {
        return Ok((second.clone(), second.len()));
    }
    if second.is_empty() {
        return Ok((first.clone(), 0));
    }
    let mut out = Builder::with_capacity(scope.guard, first.len() + second.len())?;
    let (mut i, mut j) = (0, 0);
    let (mut a, mut b) = (first.get(i), second.get(j));
    while let (Some(e), Some(f)) = (a, b) {
        scope.guard.check_at(out.len())?;
        let overlap = e.start.max(f.start) < e.end().min(f.end());
        if e.start <= f.start {
            out.push(e)?;
            i += 1;
            a = first.get(i);
            if overlap {
                b = split(&f, e.end()).map(|(_, rest)| rest);
                if b.is_none() {
                    j += 1;
                    b = second.get(j);
                }
            }
        } else {
            let parts = overlap.then(|| split(&f, e.start)).flatten();
            out.push(parts.map_or(f, |(part, _)| part))?;
            b = parts.map(|(_, rest)| rest);
            if b.is_none() {
                j += 1;
                b = second.get(j);
            }
        }
    }
    let untouched = second.len().saturating_sub(j + usize::from(b != second.get(j)));
    while let Some(event) = a {
        scope.guard.check_at(i)?;
        out.push(event)?;
        i += 1;
        a = first.get(i);
    }
    while let Some(event) = b {
        scope.guard.check_at(j)?;
        out.push(event)?;
        j += 1;
        b = second.get(j);
    }
    Ok((out.build()?, untouched))
}

/// The parts of an event before and after an instant that lies inside it.
fn split(event: &Event, at: i64) -> Option<(Event, Event)> {
    let inside = event.start < at && at < event.end();
    inside.then(|| {
        let before = Event {
            duration: at.saturating_sub(event.start),
            id: NO_ID,
            ..*event
        };
        let after = Event {
            start: at,
            duration: event.end().saturating_sub(at),
            id: NO_ID,
            ..*event
        };
        (before, after)
    })
}

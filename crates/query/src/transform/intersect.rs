//! `filter_period_intersect`: the parts of events that lie within other events.

use super::order::Chronological;
use crate::error::QueryError;
use crate::events::{Builder, Event, Events};
use crate::scope::Scope;

/// Both lists are walked from their earliest start on. An event is cut at the end of each period it reaches into, and
/// what is left of it goes on; so it may come out in several parts, each with its id. Without length, it is left out.
pub(crate) fn filter_period_intersect(
    scope: Scope<'_>,
    events: &Events,
    periods: &Events,
) -> Result<Events, QueryError> {
    let events = Chronological::of(scope.guard, events)?;
    let periods = Chronological::of(scope.guard, periods)?;
    let mut out = Builder::new(scope.guard)?;
    let (mut i, mut j, mut steps) = (0, 0, 0);
    let (mut event, mut period) = (events.get(i), periods.get(j));
    while let (Some(e), Some(p)) = (event, period) {
        scope.guard.check_at(steps)?;
        steps += 1;
        if e.duration == 0 || e.end() <= p.start {
            i += 1;
            event = events.get(i);
        } else if e.start >= p.end() {
            j += 1;
            period = periods.get(j);
        } else {
            let start = e.start.max(p.start);
            let end = e.end().min(p.end());
            out.push(Event {
                start,
                duration: end.saturating_sub(start),
                ..e
            })?;
            event = Some(Event {
                start: end,
                duration: e.end().saturating_sub(end),
                ..e
            });
        }
    }
    out.build()
}

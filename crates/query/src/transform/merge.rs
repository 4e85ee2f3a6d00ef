//! `merge_events_by_keys`: one event for all that agree on some keys.

use super::by_key::Groups;
use crate::error::QueryError;
use crate::events::{Builder, Event, Events, NO_ID};
use crate::scope::Scope;
use crate::totals::Places;

/// Each group is its first event, without id, with the durations of all; groups come in the order of their first
/// events. Events that lack a key are left out; without keys there are no groups.
pub(crate) fn merge_events_by_keys(
    scope: Scope<'_>,
    events: &Events,
    keys: &[&str],
) -> Result<Events, QueryError> {
    let mut out = Builder::new(scope.guard)?;
    if keys.is_empty() {
        return out.build();
    }
    let keys = keys.iter().map(|key| scope.catalog.string(key)).collect();
    let groups = Groups::of(scope.catalog, keys);
    let totals = events.totals(scope.guard)?;
    // Groups first, so that it is known how many there are at most.
    for (i, total) in totals.iter().enumerate() {
        scope.guard.check_at(i)?;
        groups.group(scope.catalog, total.object);
    }
    let mut places = Places::new(scope.guard, groups.len(), totals.len())?;
    for total in totals.iter() {
        let Some(group) = groups.group(scope.catalog, total.object) else {
            continue;
        };
        let place = places.of(group, out.len());
        match out.durations_mut().get_mut(place) {
            Some(sum) => *sum = sum.saturating_add(total.duration),
            None => out.push(Event {
                start: total.start,
                duration: total.duration,
                id: NO_ID,
                data: total.object,
            })?,
        }
    }
    out.build()
}

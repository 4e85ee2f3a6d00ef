//! `merge_events_by_keys`: one event for all that agree on some keys.

use rustc_hash::FxHashMap;

use super::Scope;
use crate::error::QueryError;
use crate::events::{Builder, Event, Events, NO_ID};

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
    let groups = scope.catalog.memos.groups(keys);
    let mut places = Places::for_groups(groups.len(), events.len());
    for (i, event) in events.iter().enumerate() {
        scope.guard.check_at(i)?;
        let Some(group) = groups.of(scope.catalog, event.data) else {
            continue;
        };
        let place = places.of(group, out.len());
        match out.durations_mut().get_mut(place) {
            Some(sum) => *sum = sum.saturating_add(event.duration),
            None => out.push(Event { id: NO_ID, ..event })?,
        }
    }
    out.build()
}

/// Where each group is in the list that is made.
enum Places {
    /// By the group's number; 0: nowhere yet.
    Dense(Vec<u32>),
    /// When most groups will not occur.
    Sparse(FxHashMap<u32, u32>),
}

impl Places {
    fn for_groups(groups: usize, events: usize) -> Places {
        if groups <= 8 * events {
            Places::Dense(Vec::with_capacity(groups))
        } else {
            Places::Sparse(FxHashMap::default())
        }
    }

    /// The place of a group, `next` if it has none yet.
    #[inline]
    fn of(&mut self, group: u32, next: usize) -> usize {
        match self {
            Places::Dense(places) => {
                let at = group as usize;
                if at >= places.len() {
                    places.resize(at + 1, 0);
                }
                match places.get_mut(at) {
                    Some(place) if *place > 0 => *place as usize - 1,
                    Some(place) => {
                        *place = next as u32 + 1;
                        next
                    }
                    None => next,
                }
            }
            Places::Sparse(places) => *places.entry(group).or_insert(next as u32) as usize,
        }
    }
}

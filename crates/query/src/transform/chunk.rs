//! `chunk_events_by_key`: runs of events that agree on a key.

use super::by_key::KeyColumn;
use crate::error::QueryError;
use crate::events::{Builder, Events};
use crate::scope::Scope;

/// Neighbours in the list with equal values become the first of them, with the durations of all. Events that lack the
/// key are passed over.
pub(crate) fn chunk_events_by_key(
    scope: Scope<'_>,
    events: &Events,
    key: &str,
) -> Result<Events, QueryError> {
    let column = KeyColumn::of(scope.catalog, scope.catalog.string(key));
    let mut out = Builder::new(scope.guard)?;
    let mut last = None;
    for (i, event) in events.iter().enumerate() {
        scope.guard.check_at(i)?;
        let Some(value) = column.value(scope.catalog, event.data) else {
            continue;
        };
        if last == Some(value)
            && let Some(sum) = out.durations_mut().last_mut()
        {
            *sum = sum.saturating_add(event.duration);
            continue;
        }
        last = Some(value);
        out.push(event)?;
    }
    out.build()
}

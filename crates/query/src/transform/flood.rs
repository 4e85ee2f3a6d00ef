//! `flood`: fills the gaps that a watcher leaves between two looks.

use super::order::Chronological;
use crate::error::QueryError;
use crate::events::{Builder, Events};
use crate::scope::Scope;

/// Gaps from this length on are left as they are.
pub(crate) const PULSETIME: i64 = 5_000_000_000;

/// Equal neighbours that overlap, or less than [`PULSETIME`] apart, become one; a gap of less between differing ones is
/// shared half and half. Differing ones that overlap stay as they are. What comes out is sorted by start.
pub(crate) fn flood(scope: Scope<'_>, events: &Events) -> Result<Events, QueryError> {
    let sorted = Chronological::of(scope.guard, events)?;
    let Some(mut current) = sorted.get(0) else {
        return Ok(events.clone());
    };
    let mut out = Builder::with_capacity(scope.guard, sorted.len())?;
    for i in 1..sorted.len() {
        scope.guard.check_at(i)?;
        let Some(mut next) = sorted.get(i) else { break };
        let gap = next.start.saturating_sub(current.end());
        if gap < PULSETIME && next.data == current.data {
            let end = current.end().max(next.end());
            current.start = current.start.min(next.start);
            current.duration = end.saturating_sub(current.start);
            continue;
        }
        if (0..PULSETIME).contains(&gap) {
            let half = gap / 2;
            current.duration = current.duration.saturating_add(half);
            next.start = next.start.saturating_sub(half);
            next.duration = next.duration.saturating_add(half);
        }
        out.push(current)?;
        current = next;
    }
    out.push(current)?;
    out.build()
}

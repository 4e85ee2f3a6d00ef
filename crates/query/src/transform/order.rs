//! Sorting. Lists mostly come in an order already, forwards or backwards, so that is looked for first.

use crate::error::QueryError;
use crate::events::{Builder, Column, Event, Events};
use crate::limits::Guard;
use crate::scope::Scope;
use crate::spare::Spare;

/// A list seen from its earliest start to its latest; equal starts in the order of the list.
pub(crate) struct Chronological<'a> {
    events: &'a Events,
    /// Positions in the list, if they are not in order.
    order: Option<Column<u32>>,
}

impl<'a> Chronological<'a> {
    pub(crate) fn of(guard: &Guard, events: &'a Events) -> Result<Chronological<'a>, QueryError> {
        let starts = events.starts();
        let order = match () {
            () if starts.is_sorted() => None,
            () if starts.is_sorted_by(|a, b| a >= b) => Some(backwards(guard.spare(), starts)),
            () => {
                let mut order = positions(guard.spare(), starts.len());
                order.sort_by_key(|i| starts.get(*i as usize));
                Some(order)
            }
        };
        guard.check()?;
        let order = order.map(|o| Column::new(guard, o)).transpose()?;
        Ok(Chronological { events, order })
    }

    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    #[inline]
    pub(crate) fn get(&self, i: usize) -> Option<Event> {
        match &self.order {
            None => self.events.get(i),
            Some(order) => self.events.get(*order.get(i)? as usize),
        }
    }
}

fn positions(spare: &Spare, n: usize) -> Vec<u32> {
    let mut positions = spare.take(n);
    positions.extend(0..u32::try_from(n).unwrap_or(u32::MAX));
    positions
}

/// The positions of starts that descend, so that they ascend: from the last group of equal starts to the first.
fn backwards(spare: &Spare, starts: &[i64]) -> Vec<u32> {
    let mut order = spare.take(starts.len());
    let mut end = starts.len();
    for group in starts.chunk_by(|a, b| a == b).rev() {
        let begin = end - group.len();
        order.extend(begin as u32..end as u32);
        end = begin;
    }
    order
}

/// Oldest first; stable.
pub(crate) fn sort_by_timestamp(scope: Scope<'_>, events: &Events) -> Result<Events, QueryError> {
    let sorted = Chronological::of(scope.guard, events)?;
    if sorted.order.is_none() {
        return Ok(events.clone());
    }
    let mut out = Builder::with_capacity(scope.guard, events.len())?;
    for i in 0..sorted.len() {
        scope.guard.check_at(i)?;
        if let Some(event) = sorted.get(i) {
            out.push(event)?;
        }
    }
    out.build()
}

/// Longest first; stable.
pub(crate) fn sort_by_duration(scope: Scope<'_>, events: &Events) -> Result<Events, QueryError> {
    let durations = events.durations();
    if durations.is_sorted_by(|a, b| a >= b) {
        return Ok(events.clone());
    }
    let mut order = positions(scope.guard.spare(), events.len());
    order.sort_by_key(|i| std::cmp::Reverse(durations.get(*i as usize)));
    let order = Column::new(scope.guard, order)?;
    let mut out = Builder::with_capacity(scope.guard, events.len())?;
    for (i, position) in order.iter().enumerate() {
        scope.guard.check_at(i)?;
        if let Some(event) = events.get(*position as usize) {
            out.push(event)?;
        }
    }
    out.build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn backwards_is_a_stable_sort_of_what_descends(mut starts in prop::collection::vec(0i64..20, 0..60)) {
            starts.sort_by(|a, b| b.cmp(a));
            let spare = Spare::new(1 << 20);
            let mut sorted = positions(&spare, starts.len());
            sorted.sort_by_key(|i| starts[*i as usize]);
            prop_assert_eq!(backwards(&spare, &starts), sorted);
        }
    }
}

//! How long each distinct object lasted in a list of events: what merging by any keys starts from.
//!
//! A year has a million events and some ten thousand objects. Programs merge one list by several keys, one after the
//! other; the events are added up once, and each merge only goes over the objects.

use rustc_hash::FxHashMap;

use crate::catalog::ObjectId;
use crate::error::QueryError;
use crate::events::Events;
use crate::limits::{Charge, Guard};

/// An object, and how long it lasted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Total {
    pub(crate) object: ObjectId,
    /// When its first event of the list began.
    pub(crate) start: i64,
    /// Sum of all durations, in nanoseconds.
    pub(crate) duration: i64,
}

/// The totals of a list, in the order of the first events.
#[derive(Debug)]
pub(crate) struct Totals {
    totals: Vec<Total>,
    _charge: Charge,
}

impl Totals {
    pub(crate) fn of(events: &Events, guard: &Guard) -> Result<Totals, QueryError> {
        let mut totals: Vec<Total> = Vec::new();
        let greatest = events.data().iter().max().copied().unwrap_or(0);
        let mut places = Places::new(guard, greatest as usize + 1, events.len())?;
        for (i, event) in events.iter().enumerate() {
            guard.check_at(i)?;
            let place = places.of(event.data, totals.len());
            match totals.get_mut(place) {
                Some(total) => total.duration = total.duration.saturating_add(event.duration),
                None => totals.push(Total {
                    object: event.data,
                    start: event.start,
                    duration: event.duration,
                }),
            }
        }
        let charge = guard.charge(totals.capacity() * size_of::<Total>())?;
        Ok(Totals {
            totals,
            _charge: charge,
        })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Total> {
        self.totals.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.totals.len()
    }
}

/// Where each of some numbered things is in a list that is being made.
pub(crate) enum Places {
    /// By number; 0: nowhere yet.
    Dense(Vec<u32>, #[allow(dead_code, reason = "held")] Charge),
    /// When most numbers will not occur.
    Sparse(FxHashMap<u32, u32>),
}

impl Places {
    /// For numbers below `numbers`, of which at most `occurring` will occur.
    pub(crate) fn new(guard: &Guard, numbers: usize, occurring: usize) -> Result<Places, QueryError> {
        if numbers / 16 > occurring {
            return Ok(Places::Sparse(FxHashMap::default()));
        }
        let charge = guard.charge(numbers * size_of::<u32>())?;
        Ok(Places::Dense(vec![0; numbers], charge))
    }

    /// The place of a number; `next` if it has none yet, which then is its place.
    #[inline(always)]
    pub(crate) fn of(&mut self, number: u32, next: usize) -> usize {
        match self {
            Places::Dense(places, _) => match places.get_mut(number as usize) {
                Some(0) | None => {
                    if let Some(place) = places.get_mut(number as usize) {
                        *place = next as u32 + 1;
                    }
                    next
                }
                Some(place) => *place as usize - 1,
            },
            Places::Sparse(places) => *places.entry(number).or_insert(next as u32) as usize,
        }
    }
}

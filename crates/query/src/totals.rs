//! How long each distinct object lasted in a list of events. Merging by any keys starts from this.
//!
//! A year has a million events and some ten thousand objects. Programs merge one list by several keys, one after the
//! other. The events are added up once, and each merge only goes through the objects.

use rustc_hash::FxHashMap;

use crate::catalog::ObjectId;
use crate::error::QueryError;
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
    /// Adds up the events of a list, given as columns.
    pub(crate) fn of(
        guard: &Guard,
        data: &[ObjectId],
        starts: &[i64],
        durations: &[i64],
    ) -> Result<Totals, QueryError> {
        let mut totals: Vec<Total> = Vec::new();
        let greatest = data.iter().max().copied().unwrap_or(0);
        let mut places = Places::new(guard, greatest as usize + 1, data.len())?;
        let events = data.iter().zip(starts.iter().zip(durations));
        for (i, (object, (start, duration))) in events.enumerate() {
            guard.check_at(i)?;
            let place = places.of(*object, totals.len());
            match totals.get_mut(place) {
                Some(total) => total.duration = total.duration.saturating_add(*duration),
                None => totals.push(Total {
                    object: *object,
                    start: *start,
                    duration: *duration,
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

/// The place of each number in a list that is being built.
pub(crate) enum Places {
    /// By number: the place + 1, or 0 for none yet.
    Dense(Vec<u32>, #[allow(dead_code, reason = "held")] Charge),
    /// For when most numbers do not occur.
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

    /// The place of a number. If it has none yet, it gets `next`.
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

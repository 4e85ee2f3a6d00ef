//! What is the same in several sources is one hit. The hits in their order, a page at a time.

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;

use rustc_hash::FxHashMap;
use timberline_model::{Duration, Timestamp};

use super::find::{Found, Identity, Place, Sum};
use super::{Hit, HitSpan, Hits, SearchQuery};
use crate::error::QueryError;
use crate::limits::{Charge, Guard};

/// Where a page ended: the place of its last hit in the order. It stays valid when the data change; hits that change
/// their place meanwhile may be left out or come twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    time: Reverse<i64>,
    last: Reverse<i64>,
    identity: Identity,
}

/// A text that is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not the cursor of an earlier answer")]
pub struct NoCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Identity(first, second) = self.identity;
        write!(f, "{}_{}_{first}_{second}", self.time.0, self.last.0)
    }
}

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Cursor, NoCursor> {
        let mut parts = text.split('_');
        let mut next = || parts.next().ok_or(NoCursor);
        let cursor = Cursor {
            time: Reverse(next()?.parse().map_err(|_| NoCursor)?),
            last: Reverse(next()?.parse().map_err(|_| NoCursor)?),
            identity: Identity(
                next()?.parse().map_err(|_| NoCursor)?,
                next()?.parse().map_err(|_| NoCursor)?,
            ),
        };
        parts.next().is_none().then_some(cursor).ok_or(NoCursor)
    }
}

/// A hit before it is written: the sums of all that is the same.
#[derive(Clone, Copy, Debug)]
struct Group {
    /// The object is that of the source with the newest event.
    sum: Sum,
    source: usize,
}

impl Group {
    fn cursor(&self) -> Cursor {
        Cursor {
            time: Reverse(self.sum.time),
            last: Reverse(self.sum.last),
            identity: self.sum.identity,
        }
    }

    fn join(&mut self, source: usize, sum: &Sum) {
        if sum.last > self.sum.last {
            (self.source, self.sum.object, self.sum.last) = (source, sum.object, sum.last);
        }
        self.sum.time = self.sum.time.saturating_add(sum.time);
        self.sum.events += sum.events;
        self.sum.first = self.sum.first.min(sum.first);
    }
}

/// All hits.
pub(super) struct Groups<'a> {
    places: &'a [Place<'a>],
    groups: Vec<Group>,
    /// Of each source, the group of each of its sums.
    members: Vec<Vec<u32>>,
    _charge: Charge,
}

/// Some of the hits.
pub(super) struct Page {
    /// The numbers of their groups, in the order of the hits.
    numbers: Vec<u32>,
    next: Option<Cursor>,
}

impl<'a> Groups<'a> {
    pub(super) fn of(
        places: &'a [Place<'a>],
        found: &[Found],
        guard: &Guard,
    ) -> Result<Groups<'a>, QueryError> {
        let all = found.iter().map(|found| found.sums.len()).sum::<usize>();
        let charge = guard.charge(all * (size_of::<Group>() + size_of::<(Identity, u32)>() * 2))?;
        let mut groups: Vec<Group> = Vec::new();
        let mut index: FxHashMap<Identity, u32> = FxHashMap::default();
        index.reserve(all);
        let mut members = Vec::with_capacity(found.len());
        for (source, found) in found.iter().enumerate() {
            let mut numbers = Vec::with_capacity(found.sums.len());
            for (step, sum) in found.sums.iter().enumerate() {
                guard.check_at(step)?;
                let next = groups.len() as u32;
                let number = *index.entry(sum.identity).or_insert(next);
                match groups.get_mut(number as usize) {
                    Some(group) => group.join(source, sum),
                    None => groups.push(Group { sum: *sum, source }),
                }
                numbers.push(number);
            }
            members.push(numbers);
        }
        Ok(Groups {
            places,
            groups,
            members,
            _charge: charge,
        })
    }

    /// The hits that a query asks for.
    pub(super) fn page(&self, query: &SearchQuery) -> Page {
        let numbered = self.groups.iter().map(Group::cursor).zip(0u32..);
        let mut left: Vec<(Cursor, u32)> = numbered
            .filter(|(cursor, _)| query.after.is_none_or(|after| *cursor > after))
            .collect();
        let more = left.len() > query.limit;
        if more {
            left.select_nth_unstable(query.limit);
            left.truncate(query.limit);
        }
        left.sort_unstable();
        Page {
            next: left.last().filter(|_| more).map(|(cursor, _)| *cursor),
            numbers: left.into_iter().map(|(_, number)| number).collect(),
        }
    }

    /// Of each source, which of its sums belong to which hit of a page.
    pub(super) fn members(&self, page: &Page) -> Vec<Vec<(usize, u32)>> {
        let hits: FxHashMap<u32, u32> = page.numbers.iter().copied().zip(0..).collect();
        let of_source = |numbers: &Vec<u32>| {
            let sums = numbers.iter().enumerate();
            let members = sums.filter_map(|(sum, number)| Some((sum, *hits.get(number)?)));
            members.collect()
        };
        self.members.iter().map(of_source).collect()
    }

    /// A page as it is answered; `spans` are those of its hits.
    pub(super) fn answer(&self, page: &Page, spans: Vec<Vec<HitSpan>>) -> Hits {
        let time = (self.groups.iter()).fold(0i64, |all, group| all.saturating_add(group.sum.time));
        let groups = page
            .numbers
            .iter()
            .filter_map(|number| self.groups.get(*number as usize));
        let hits = groups.zip(spans).map(|(group, spans)| self.hit(group, spans));
        Hits {
            hits: hits.collect(),
            total: self.groups.len(),
            time: Duration::from_nanos(time),
            next: page.next,
        }
    }

    fn hit(&self, group: &Group, spans: Vec<HitSpan>) -> Hit {
        let place = self.places.get(group.source);
        let mut data = Vec::new();
        if let Some(place) = place {
            place.source.dictionary().write_text(group.sum.object, &mut data);
        }
        Hit {
            type_: place.map_or_else(String::new, |place| place.view.bucket().type_.clone()),
            data: String::from_utf8_lossy(&data).into_owned(),
            time: Duration::from_nanos(group.sum.time),
            events: group.sum.events,
            first: Timestamp::from_nanos(group.sum.first),
            last: Timestamp::from_nanos(group.sum.last),
            spans,
        }
    }
}

impl Page {
    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_cursor_is_read_as_it_was_written(time in any::<i64>(), last in any::<i64>(), first in any::<u64>(), second in any::<u64>()) {
            let cursor = Cursor { time: Reverse(time), last: Reverse(last), identity: Identity(first, second) };
            prop_assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }

        #[test]
        fn any_text_is_a_cursor_or_none(text in "[0-9_-]{0,20}") {
            let _ = text.parse::<Cursor>();
        }
    }
}

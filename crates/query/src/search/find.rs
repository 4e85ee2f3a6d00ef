//! The objects that are found in each source, and their time.

use rayon::prelude::*;
use rustc_hash::FxHasher;
use std::hash::{DefaultHasher, Hasher};
use timberline_model::data::Members;
use timberline_views::columns::{DataDictionary, DataSource, ObjectTotals, Occurrence, Slots};
use timberline_views::{BucketView, TimeRange};

use super::Search;
use crate::error::QueryError;
use crate::limits::{Charge, Guard};

/// A source, and the bucket that it belongs to.
pub(super) struct Place<'a> {
    pub(super) view: &'a BucketView,
    pub(super) source: DataSource<'a>,
}

impl<'a> Place<'a> {
    /// The sources of some buckets.
    pub(super) fn all(views: &[&'a BucketView], range: TimeRange) -> Result<Vec<Place<'a>>, QueryError> {
        let mut places = Vec::new();
        for view in views {
            let sources = view.data_sources(range)?.into_iter();
            places.extend(sources.map(|source| Place { view, source }));
        }
        Ok(places)
    }

    /// What tells an object from others that are another hit: the type of the bucket, and those of its members that are
    /// texts. A counter beside a title does not make another hit.
    fn identity(&self, object: u32, scratch: &mut Vec<u8>) -> Identity {
        scratch.clear();
        scratch.extend_from_slice(self.view.bucket().type_.as_bytes());
        let mut add = |key: &[u8], value: &[u8]| {
            if value.first() == Some(&b'"') {
                scratch.extend_from_slice(key);
                scratch.extend_from_slice(value);
            }
        };
        match self.source.dictionary() {
            DataDictionary::Segment(data) => data
                .members(object)
                .for_each(|(key, value)| add(data.value_bytes(key), data.value_bytes(value))),
            DataDictionary::Head(data) => {
                Members::of(data.text(object)).for_each(|(key, value)| add(key.as_bytes(), value.as_bytes()));
            }
        }
        Identity::of(scratch)
    }
}

/// A hash of 128 bits, so wide that two things which have the same one are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Identity(pub(super) u64, pub(super) u64);

impl Identity {
    fn of(bytes: &[u8]) -> Identity {
        // Two that have nothing in common; both are the same in every process, so that a cursor can name them.
        let (mut first, mut second) = (FxHasher::default(), DefaultHasher::new());
        first.write(bytes);
        second.write(bytes);
        Identity(first.finish(), second.finish())
    }
}

/// What an object adds up to in a source.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sum {
    pub(super) object: u32,
    pub(super) identity: Identity,
    pub(super) time: i64,
    pub(super) events: u64,
    /// When its first event began and its last one ended.
    pub(super) first: i64,
    pub(super) last: i64,
}

impl Sum {
    /// Takes what is known of all events of the object.
    fn set(&mut self, totals: Option<ObjectTotals>) {
        if let Some(totals) = totals {
            self.time = totals.time;
            self.events = totals.events;
            self.first = totals.first;
            self.last = totals.last;
        }
    }

    fn add(&mut self, part: &Occurrence, from: i64, to: i64) {
        let time = part.end.min(to).saturating_sub(part.start.max(from)).max(0);
        self.time = self.time.saturating_add(time);
        self.events += 1;
        self.first = self.first.min(part.start);
        self.last = self.last.max(part.end);
    }
}

/// The objects that were found in a source and have events.
pub(super) struct Found {
    pub(super) sums: Vec<Sum>,
    _charge: Charge,
}

impl Found {
    /// In each source, in the order of the sources.
    pub(super) fn all(
        places: &[Place<'_>],
        search: &Search,
        range: TimeRange,
        guard: &Guard,
    ) -> Result<Vec<Found>, QueryError> {
        let found = places.par_iter().with_max_len(1);
        found
            .map(|place| Found::of(place, search, range, guard))
            .collect()
    }

    fn of(place: &Place<'_>, search: &Search, range: TimeRange, guard: &Guard) -> Result<Found, QueryError> {
        let dictionary = place.source.dictionary();
        let mut charge = guard.charge(dictionary.objects() * size_of::<u32>() * 2)?;
        let objects = search.matcher.objects(&dictionary, guard)?;
        charge.grow(objects.len() * size_of::<Sum>())?;
        let mut sums: Vec<Sum> = objects.iter().map(|object| Sum::new(*object)).collect();
        match place.source.totals(range)? {
            _ if sums.is_empty() => {}
            Some(totals) => sums.iter_mut().for_each(|sum| sum.set(totals.get(sum.object))),
            None => add_events(place, &objects, range, &mut sums, guard)?,
        }
        sums.retain(|sum| sum.events > 0);
        let mut scratch = Vec::new();
        for sum in &mut sums {
            sum.identity = place.identity(sum.object, &mut scratch);
        }
        Ok(Found {
            sums,
            _charge: charge,
        })
    }
}

impl Sum {
    fn new(object: u32) -> Sum {
        Sum {
            object,
            identity: Identity::default(),
            time: 0,
            events: 0,
            first: i64::MAX,
            last: i64::MIN,
        }
    }
}

/// Adds up the events of the objects that were found, one by one.
fn add_events(
    place: &Place<'_>,
    objects: &[u32],
    range: TimeRange,
    sums: &mut [Sum],
    guard: &Guard,
) -> Result<(), QueryError> {
    let slots = Slots::of_numbers(place.source.dictionary().objects(), objects);
    let from = range.start.map_or(i64::MIN, |start| start.nanos());
    let to = range.end.map_or(i64::MAX, |end| end.nanos());
    place.source.occurrences(range, &slots, |found| {
        guard.check()?;
        for part in found.iter().filter(|part| part.has_a_place_in_time()) {
            if let Some(sum) = sums.get_mut(part.slot as usize) {
                sum.add(part, from, to);
            }
        }
        Ok(())
    })
}

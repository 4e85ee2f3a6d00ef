//! A page of the events of several buckets, from a position on toward older or toward newer ones.
//!
//! Segments are read newest first. A page of newer events therefore looks for a time that has enough events before it,
//! reads from there back to the position, and keeps the last ones that it meets.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use timberline_model::{Duration, EventId, Timestamp};

use super::bucket::BucketView;
use super::read::{EventRef, Events};
use crate::record::BucketKey;
use crate::row::TimeRange;
use crate::segment::SegmentError;

/// Bytes of data on a page, but for its last event.
const MAX_BYTES: usize = 8 << 20;
/// Events that a page of newer events may read beyond those that it needs, at first.
const SLACK: u64 = 1_000;

/// The place of an event among the events of all buckets. Later events have greater places; of equal starts, those that end
/// later, then those with greater ids, have smaller ones, as in a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// When the event starts.
    pub start: Timestamp,
    /// How long it lasts.
    pub duration: Reverse<Duration>,
    /// Its id.
    pub id: Reverse<EventId>,
    /// Its bucket.
    pub bucket: Reverse<BucketKey>,
}

impl Place {
    /// Whether it is the place of the same event, which may have been extended since.
    fn is_of_same(&self, other: &Place) -> bool {
        (self.start, self.id, self.bucket) == (other.start, other.id, other.bucket)
    }
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageStart {
    /// With the newest event, toward older ones.
    Newest,
    /// With the oldest event, toward newer ones.
    Oldest,
    /// With the first event that is older than this one.
    Before(Place),
    /// With the first event that is newer.
    After(Place),
}

/// An event on a page.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// Number of its bucket among those that were asked for.
    pub bucket: usize,
    /// Its place.
    pub place: Place,
    /// Canonical JSON object.
    pub data: String,
}

/// Some events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// Newest first.
    pub events: Vec<Listed>,
    /// Whether there are more in the direction of the page.
    pub more: bool,
}

impl Page {
    /// Reads a page of at most `limit` events that touch a range; of fewer, if their data are large.
    ///
    /// # Errors
    /// When a view segment is damaged.
    pub fn read(
        buckets: &[&BucketView],
        range: TimeRange,
        from: PageStart,
        limit: usize,
    ) -> Result<Page, SegmentError> {
        match from {
            PageStart::Newest => older(buckets, range, None, limit),
            PageStart::Before(place) => older(buckets, range, Some(place), limit),
            PageStart::Oldest => newer(buckets, range, None, limit),
            PageStart::After(place) => newer(buckets, range, Some(place), limit),
        }
    }
}

fn older(
    buckets: &[&BucketView],
    range: TimeRange,
    before: Option<Place>,
    limit: usize,
) -> Result<Page, SegmentError> {
    let mut merged = Merged::new(buckets, until(range, before.map(|place| place.start)))?;
    let mut page = Page::default();
    let mut bytes = 0;
    while let Some(event) = merged.next()? {
        if before.is_some_and(|before| event.place >= before || event.place.is_of_same(&before)) {
            continue;
        }
        if page.events.len() == limit || bytes > MAX_BYTES {
            page.more = true;
            break;
        }
        bytes += event.data.len();
        page.events.push(event);
    }
    Ok(page)
}

fn newer(
    buckets: &[&BucketView],
    range: TimeRange,
    after: Option<Place>,
    limit: usize,
) -> Result<Page, SegmentError> {
    let least = buckets.iter().filter_map(|view| view.start()).min();
    let (Some(least), Some(greatest)) = (least, buckets.iter().filter_map(|view| view.end()).max()) else {
        return Ok(Page::default());
    };
    let from = after.map_or(least, |place| place.start);
    // No event starts after the greatest end, unless its duration is negative.
    let latest = range.end.unwrap_or(Timestamp::MAX);
    let mut enough = 2 * limit as u64 + SLACK;
    loop {
        let counted = |to| count(buckets, from, to);
        let to = match counted(latest)? <= enough {
            true => latest,
            false => last_with(from, latest.min(greatest), |to| Ok(counted(to)? <= enough))?,
        };
        let page = newer_until(buckets, until(range, Some(to)), after, limit)?;
        if to >= latest || page.more {
            return Ok(page);
        }
        // Of those that were counted, many start before the position, or there may be more after the page.
        enough = enough.saturating_mul(4);
    }
}

/// The oldest events after a place. `more` also if only later ones than `range.end` were left out.
fn newer_until(
    buckets: &[&BucketView],
    range: TimeRange,
    after: Option<Place>,
    limit: usize,
) -> Result<Page, SegmentError> {
    let mut merged = Merged::new(buckets, range)?;
    let (mut kept, mut bytes, mut more) = (VecDeque::new(), 0, false);
    while let Some(event) = merged.next()? {
        if let Some(after) = after {
            if event.place.start < after.start {
                break;
            }
            if event.place <= after || event.place.is_of_same(&after) {
                continue;
            }
        }
        bytes += event.data.len();
        kept.push_back(event);
        // What came first is the newest, and is not on this page if there is too much.
        while kept.len() > limit || bytes > MAX_BYTES && kept.len() > 1 {
            bytes -= kept.pop_front().map_or(0, |event: Listed| event.data.len());
            more = true;
        }
    }
    Ok(Page {
        events: kept.into(),
        more,
    })
}

/// The range that ends at `end` at the latest.
fn until(range: TimeRange, end: Option<Timestamp>) -> TimeRange {
    TimeRange {
        start: range.start,
        end: match (range.end, end) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        },
    }
}

/// Events that touch a time.
fn count(buckets: &[&BucketView], from: Timestamp, to: Timestamp) -> Result<u64, SegmentError> {
    let range = TimeRange {
        start: Some(from),
        end: Some(to),
    };
    buckets.iter().map(|view| view.count(range)).sum()
}

/// The last instant for which `holds`, if that is so for all before it; `from` at least.
fn last_with(
    from: Timestamp,
    to: Timestamp,
    holds: impl Fn(Timestamp) -> Result<bool, SegmentError>,
) -> Result<Timestamp, SegmentError> {
    let (mut low, mut high) = (from.nanos(), to.nanos().max(from.nanos()));
    while low < high {
        let middle = low + (high.abs_diff(low) / 2 + 1) as i64;
        match holds(Timestamp::from_nanos(middle))? {
            true => low = middle,
            false => high = middle - 1,
        }
    }
    Ok(Timestamp::from_nanos(low))
}

/// The events of several buckets, newest first.
struct Merged<'a> {
    sources: Vec<Source<'a>>,
    next: BinaryHeap<(Place, usize)>,
}

struct Source<'a> {
    key: BucketKey,
    events: Events<'a>,
    head: Option<EventRef<'a>>,
}

impl<'a> Merged<'a> {
    fn new(buckets: &[&'a BucketView], range: TimeRange) -> Result<Merged<'a>, SegmentError> {
        let mut merged = Merged {
            sources: Vec::with_capacity(buckets.len()),
            next: BinaryHeap::with_capacity(buckets.len()),
        };
        for view in buckets {
            merged.sources.push(Source {
                key: view.key(),
                events: view.events(range)?,
                head: None,
            });
            merged.advance(merged.sources.len() - 1)?;
        }
        Ok(merged)
    }

    fn next(&mut self) -> Result<Option<Listed>, SegmentError> {
        let Some((place, bucket)) = self.next.pop() else {
            return Ok(None);
        };
        let mut data = Vec::new();
        let head = self.sources.get(bucket).and_then(|source| source.head);
        head.iter().for_each(|event| event.write_data(&mut data));
        self.advance(bucket)?;
        Ok(Some(Listed {
            bucket,
            place,
            data: String::from_utf8_lossy(&data).into_owned(),
        }))
    }

    /// Also checks that what was read of the last event is what lies there.
    fn advance(&mut self, bucket: usize) -> Result<(), SegmentError> {
        let Some(source) = self.sources.get_mut(bucket) else {
            return Ok(());
        };
        source.head = source.events.next().transpose()?;
        if let Some(event) = source.head {
            let place = Place {
                start: event.start(),
                duration: Reverse(event.duration()),
                id: Reverse(event.id()),
                bucket: Reverse(source.key),
            };
            self.next.push((place, bucket));
        }
        Ok(())
    }
}

//! The view of one bucket in a snapshot. Everything behind an `Arc`: a clone is a dozen reference counts.

use std::sync::Arc;

use rustc_hash::FxHashSet;
use timberline_log::Seq;
use timberline_model::{Bucket, Data, Duration, Event, EventId, Timestamp};

use crate::head::{HeadDictionary, Run};
use crate::record::BucketKey;
use crate::row::{Row, TimeRange};
use crate::segment::SegmentError;
use crate::view::changes::Changes;
use crate::view::listing::Listing;
use crate::view::masked_segment::MaskedSegment;

/// One bucket, immutable.
///
/// Its events lie in three places: view segments on disk, sorted runs in memory (those being flushed and those that
/// take in new rows), and the one open event, which heartbeats extend and which is kept apart so that extending it
/// touches nothing else.
#[derive(Clone, Debug)]
pub struct BucketView {
    pub(crate) key: BucketKey,
    pub(crate) bucket: Arc<Listing>,
    pub(crate) segments: Arc<Vec<MaskedSegment>>,
    pub(crate) frozen: Arc<Vec<Arc<Run>>>,
    pub(crate) runs: Arc<Vec<Arc<Run>>>,
    pub(crate) open: Option<OpenEvent>,
    pub(crate) last: Option<LastEvent>,
    /// Least start and greatest end of its events.
    pub(crate) extent: Option<(Timestamp, Timestamp)>,
    pub(crate) len: u64,
    /// Newest seq that touched this bucket.
    pub(crate) touched: Seq,
    /// Which part of its time was changed when, since the store was opened.
    pub(crate) changes: Changes,
}

/// The event that heartbeats extend.
#[derive(Clone, Debug)]
pub(crate) struct OpenEvent {
    pub(crate) row: Row,
    pub(crate) dictionary: Arc<HeadDictionary>,
}

impl OpenEvent {
    pub(crate) fn text(&self) -> &str {
        self.dictionary.text(self.row.data)
    }
}

/// The event the next heartbeat is compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LastEvent {
    pub(crate) id: EventId,
    pub(crate) start: Timestamp,
    pub(crate) duration: Duration,
}

impl From<&Row> for LastEvent {
    fn from(row: &Row) -> LastEvent {
        LastEvent {
            id: row.id,
            start: row.start,
            duration: row.duration,
        }
    }
}

/// Where an event of a bucket lies.
#[derive(Clone, Copy, Debug)]
pub(crate) enum EventLocation {
    Open,
    /// Run number and position, among the runs that take in rows.
    Run(usize, usize),
    /// The same among the runs that are being flushed.
    Frozen(usize, usize),
    /// Segment number and position.
    Segment(usize, u32),
}

impl BucketView {
    /// Id, type, client and so on.
    pub fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    /// Other ids under which it is found: what it was called before, and buckets that were merged into it. Sorted.
    pub fn aliases(&self) -> impl Iterator<Item = &str> {
        self.bucket.aliases.iter().map(AsRef::as_ref)
    }

    /// Whether it is to be left out where buckets are listed or chosen without being named.
    pub fn is_archived(&self) -> bool {
        self.bucket.archived
    }

    /// Its name in the log's records.
    pub fn key(&self) -> BucketKey {
        self.key
    }

    /// Least start of its events.
    pub fn start(&self) -> Option<Timestamp> {
        self.extent.map(|(start, _)| start)
    }

    /// Greatest end of its events.
    pub fn end(&self) -> Option<Timestamp> {
        self.extent.map(|(_, end)| end)
    }

    /// Number of events.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether it has no events.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The newest record that touched this bucket.
    pub fn touched(&self) -> Seq {
        self.touched
    }

    /// The newest record that may have changed what lies at or before `until`: a result that was made from a snapshot
    /// at or after it, of events up to there, still holds. At worst it names a newer record than the true one.
    pub fn touched_until(&self, until: Timestamp) -> Seq {
        self.changes.until(until)
    }

    /// Bytes of its view segments.
    pub fn segment_bytes(&self) -> u64 {
        self.segments.iter().map(|s| s.segment.size()).sum()
    }

    /// Number of its view segments.
    pub fn segment_count(&self) -> usize {
        self.segments.len()
    }

    /// The event with this id.
    ///
    /// # Errors
    /// When a view segment is damaged.
    pub fn event(&self, id: EventId) -> Result<Option<Event>, SegmentError> {
        let Some(place) = self.find(id)? else {
            return Ok(None);
        };
        let Some((row, text)) = self.read(place)? else {
            return Ok(None);
        };
        Ok(Some(Event {
            id,
            start: row.start,
            duration: row.duration,
            data: Data::from_canonical(text),
        }))
    }

    /// Number of events that touch the range.
    ///
    /// # Errors
    /// When a view segment is damaged.
    pub fn count(&self, range: TimeRange) -> Result<u64, SegmentError> {
        let bounds = range.bounds();
        if bounds.is_all() {
            return Ok(self.len);
        }
        let mut n = 0;
        for sealed in self.segments.iter() {
            n += sealed.count(&bounds)?;
        }
        for run in self.memory_runs() {
            n += run.rows().iter().filter(|r| bounds.touches(r)).count() as u64;
        }
        n += self.open.iter().filter(|o| bounds.touches(&o.row)).count() as u64;
        Ok(n)
    }

    /// Whether more events than that touch the range. It reads no more than it takes to know.
    ///
    /// # Errors
    /// When a view segment is damaged.
    pub fn has_more_than(&self, range: TimeRange, most: u64) -> Result<bool, SegmentError> {
        let bounds = range.bounds();
        let mut n = 0;
        let whole = |sealed: &&MaskedSegment| {
            let header = sealed.segment.header();
            !header.negative && header.least_start >= bounds.from && header.greatest_start <= bounds.to
        };
        n += self
            .segments
            .iter()
            .filter(whole)
            .map(MaskedSegment::rows)
            .sum::<u64>();
        for run in self.memory_runs() {
            n += run.rows().iter().filter(|r| bounds.touches(r)).count() as u64;
        }
        n += self.open.iter().filter(|o| bounds.touches(&o.row)).count() as u64;
        for sealed in self.segments.iter().filter(|sealed| !whole(sealed)) {
            if n > most {
                return Ok(true);
            }
            n += sealed.count(&bounds)?;
        }
        Ok(n > most)
    }

    /// Whether an event may start after an instant and end before it, which reads of either side would miss. It may say
    /// so for nothing, but only where there are events of negative duration.
    pub fn may_reach_back_over(&self, at: Timestamp) -> bool {
        let in_segment = |s: &MaskedSegment| {
            let header = s.segment.header();
            header.negative && header.greatest_start > at
        };
        let in_run = |run: &Arc<Run>| run.has_negative() && run.rows().last().is_some_and(|r| r.start > at);
        let in_open = |open: &OpenEvent| open.row.duration.is_negative() && open.row.start > at;
        self.segments.iter().any(in_segment)
            || self.memory_runs().any(in_run)
            || self.open.as_ref().is_some_and(in_open)
    }

    pub(crate) fn memory_runs(&self) -> impl Iterator<Item = &Arc<Run>> {
        self.frozen.iter().chain(self.runs.iter())
    }

    /// Rows in the runs that take in new ones.
    pub(crate) fn head_rows(&self) -> usize {
        self.runs.iter().map(|r| r.len()).sum()
    }

    /// The event with the latest start: the first of a listing. Segments that cannot be read are passed over: what
    /// the next heartbeat is compared with must not keep events from being stored.
    pub(crate) fn newest(&self) -> Option<Row> {
        let mut newest: Option<Row> = self.open.as_ref().map(|o| o.row);
        let mut offer = |row: Option<&Row>| {
            if let Some(row) = row
                && newest.is_none_or(|n| n.cmp(row).is_lt())
            {
                newest = Some(*row);
            }
            newest
        };
        for run in self.memory_runs() {
            offer(run.rows().last());
        }
        for sealed in self.segments.iter() {
            let best = offer(None);
            if best.is_none_or(|n| n.start <= sealed.segment.header().greatest_start) {
                offer(sealed.newest().ok().flatten().as_ref());
            }
        }
        offer(None)
    }

    /// Least start and greatest end, looked for. Where a segment cannot be read it is taken to be as wide as it ever
    /// was.
    pub(crate) fn measured(&self) -> Option<(Timestamp, Timestamp)> {
        let mut extent: Option<(Timestamp, Timestamp)> = None;
        let mut offer = |start: Timestamp, end: Timestamp| {
            let (s, e) = extent.unwrap_or((start, end));
            extent = Some((s.min(start), e.max(end)));
        };
        if let Some(open) = &self.open {
            offer(open.row.start, open.row.end());
        }
        for run in self.memory_runs() {
            for row in run.rows() {
                offer(row.start, row.end());
            }
        }
        for sealed in self.segments.iter().filter(|s| s.rows() > 0) {
            let header = sealed.segment.header();
            let (start, end) = sealed
                .extent()
                .ok()
                .flatten()
                .unwrap_or((header.least_start, header.greatest_end));
            offer(start, end);
        }
        extent
    }

    /// Where an event lies, if it lies in memory.
    pub(crate) fn find_in_memory(&self, id: EventId) -> Option<EventLocation> {
        if self.open.as_ref().is_some_and(|o| o.row.id == id) {
            return Some(EventLocation::Open);
        }
        let in_runs = |runs: &[Arc<Run>]| {
            runs.iter()
                .enumerate()
                .rev()
                .find_map(|(i, run)| run.find(id).map(|position| (i, position)))
        };
        let place = in_runs(&self.runs).map(|(run, position)| EventLocation::Run(run, position));
        place.or_else(|| in_runs(&self.frozen).map(|(run, position)| EventLocation::Frozen(run, position)))
    }

    pub(crate) fn find(&self, id: EventId) -> Result<Option<EventLocation>, SegmentError> {
        if let Some(place) = self.find_in_memory(id) {
            return Ok(Some(place));
        }
        for (i, sealed) in self.segments.iter().enumerate().rev() {
            if let Some(position) = sealed.segment.find(id)?
                && sealed.shows(position)
            {
                return Ok(Some(EventLocation::Segment(i, position)));
            }
        }
        Ok(None)
    }

    /// Gives the rows and data of those of these events that are there, in one pass.
    pub(crate) fn read_these(
        &self,
        ids: &FxHashSet<EventId>,
        mut give: impl FnMut(&Row, &str),
    ) -> Result<(), SegmentError> {
        if let Some(open) = self.open.as_ref().filter(|open| ids.contains(&open.row.id)) {
            give(&open.row, open.text());
        }
        for run in self.memory_runs() {
            for row in run.rows().iter().filter(|row| ids.contains(&row.id)) {
                give(row, run.text(row));
            }
        }
        let mut sorted: Vec<EventId> = ids.iter().copied().collect();
        sorted.sort_unstable();
        let mut text = Vec::new();
        for sealed in self.segments.iter() {
            for (_, row) in sealed.positions_of(&sorted)? {
                sealed.read_text(&row, &mut text)?;
                give(&row, &String::from_utf8_lossy(&text));
            }
        }
        Ok(())
    }

    /// The row at a place.
    pub(crate) fn row_at(&self, place: EventLocation) -> Result<Option<Row>, SegmentError> {
        let of_run =
            |runs: &[Arc<Run>], run: usize, position: usize| runs.get(run)?.rows().get(position).copied();
        Ok(match place {
            EventLocation::Open => self.open.as_ref().map(|o| o.row),
            EventLocation::Run(run, position) => of_run(&self.runs, run, position),
            EventLocation::Frozen(run, position) => of_run(&self.frozen, run, position),
            EventLocation::Segment(segment, position) => match self.segments.get(segment) {
                Some(sealed) => sealed.segment.row(position)?,
                None => None,
            },
        })
    }

    /// The row at a place, and its data.
    pub(crate) fn read(&self, place: EventLocation) -> Result<Option<(Row, String)>, SegmentError> {
        let of_run = |runs: &[Arc<Run>], run: usize, position: usize| {
            let run = runs.get(run)?;
            let row = run.rows().get(position)?;
            Some((*row, run.text(row).to_owned()))
        };
        Ok(match place {
            EventLocation::Open => self.open.as_ref().map(|o| (o.row, o.text().to_owned())),
            EventLocation::Run(run, position) => of_run(&self.runs, run, position),
            EventLocation::Frozen(run, position) => of_run(&self.frozen, run, position),
            EventLocation::Segment(segment, position) => {
                let Some(sealed) = self.segments.get(segment) else {
                    return Ok(None);
                };
                let Some(row) = sealed.segment.row(position)? else {
                    return Ok(None);
                };
                let mut text = Vec::new();
                sealed.read_text(&row, &mut text)?;
                Some((row, String::from_utf8_lossy(&text).into_owned()))
            }
        })
    }
}

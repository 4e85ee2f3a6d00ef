//! What a snapshot knows of a bucket. Everything behind an `Arc`: a clone is a dozen reference counts.

use std::sync::{Arc, OnceLock};

use rustc_hash::FxHashSet;
use timberline_log::Seq;
use timberline_model::{Bucket, Data, Duration, Event, EventId, Timestamp};

use crate::head::{HeadDictionary, Run};
use crate::record::BucketKey;
use crate::row::{Bounds, Row, TimeRange};
use crate::segment::{Block, SegmentError, ViewSegment};
use crate::view::changes::Changes;
use crate::view::located::Gone;
use crate::view::read::Events;

/// An immutable picture of one bucket.
///
/// Its events lie in three places: view segments on disk, sorted runs in memory (those being sealed and those that
/// take in new rows), and the one open event, which heartbeats extend and which is kept apart so that extending it
/// touches nothing else.
#[derive(Clone, Debug)]
pub struct BucketView {
    pub(crate) key: BucketKey,
    pub(crate) bucket: Arc<Bucket>,
    pub(crate) segments: Arc<Vec<Sealed>>,
    pub(crate) frozen: Arc<Vec<Arc<Run>>>,
    pub(crate) runs: Arc<Vec<Arc<Run>>>,
    pub(crate) open: Option<OpenEvent>,
    pub(crate) last: Option<LastEvent>,
    /// Least start and greatest end of its events.
    pub(crate) extent: Option<(i64, i64)>,
    pub(crate) len: u64,
    /// Newest seq that touched this bucket.
    pub(crate) touched: u64,
    /// Which part of its time was changed when, since the store was opened.
    pub(crate) changes: Changes,
}

/// A view segment, and which of its rows are no longer true.
#[derive(Clone, Debug)]
pub(crate) struct Sealed {
    pub(crate) segment: Arc<ViewSegment>,
    /// Positions of deleted and replaced events, sorted. Changed only by [`Sealed::hide`].
    pub(crate) hidden: Arc<Vec<u32>>,
    facts: Arc<Facts>,
}

/// What was looked up of the rows that are not hidden: shared between the snapshots that show the same, so that what a
/// writer looks up before it takes the lock is known under it.
#[derive(Debug, Default)]
struct Facts {
    newest: OnceLock<Option<Row>>,
    extent: OnceLock<Option<(i64, i64)>>,
}

impl Sealed {
    pub(crate) fn new(segment: Arc<ViewSegment>, hidden: Vec<u32>) -> Sealed {
        Sealed {
            segment,
            hidden: Arc::new(hidden),
            facts: Arc::default(),
        }
    }

    pub(crate) fn rows(&self) -> u64 {
        self.segment.rows().saturating_sub(self.hidden.len() as u64)
    }

    /// The data of one of its rows, in place of what is in `text`.
    pub(crate) fn read_text(&self, row: &Row, text: &mut Vec<u8>) -> Result<(), SegmentError> {
        loop {
            let (number, dictionary) = self.segment.numbered_dictionary()?;
            text.clear();
            dictionary.write_text(row.data, text);
            match self.segment.dictionary_holds(number) {
                // Its file was cut short meanwhile: the next one is another, in memory.
                Err(_) if !self.segment.is_damaged() => {}
                held => return held,
            }
        }
    }

    /// Positions and rows of the events with these ids, which are sorted, of those that are not hidden.
    pub(crate) fn positions_of(&self, ids: &[u64]) -> Result<Vec<(u32, Row)>, SegmentError> {
        let mut found = self.segment.locate(ids)?;
        found.retain(|(position, _)| self.shows(*position));
        Ok(found)
    }

    /// Whether the event at a position is not hidden.
    pub(crate) fn shows(&self, position: u32) -> bool {
        self.hidden.binary_search(&position).is_err()
    }

    /// Hides events that are shown. What is known of the others stays known.
    pub(crate) fn hide(&mut self, mut events: Vec<(u32, Row)>) -> Gone {
        let mut gone = Gone::default();
        if events.is_empty() {
            return gone;
        }
        events.iter().for_each(|(_, row)| gone.add(row));
        events.sort_unstable_by_key(|(position, _)| *position);
        let (newest, extent) = (self.facts.newest.get(), self.facts.extent.get());
        let facts = Facts::default();
        if let Some(newest) = newest
            && newest.is_none_or(|newest| events.iter().all(|(_, row)| row.id != newest.id))
        {
            let _ = facts.newest.set(*newest);
        }
        if let Some(Some((start, end))) = extent
            && gone.least_start > *start
            && gone.greatest_end < *end
        {
            let _ = facts.extent.set(Some((*start, *end)));
        }
        self.facts = Arc::new(facts);
        let mut hidden = Vec::with_capacity(self.hidden.len() + events.len());
        let (mut before, mut more) = (self.hidden.iter().peekable(), events.iter().peekable());
        while let (Some(a), Some((b, _))) = (before.peek(), more.peek()) {
            if *a < b {
                hidden.extend(before.next());
            } else {
                hidden.extend(more.next().map(|(position, _)| position));
            }
        }
        hidden.extend(before);
        hidden.extend(more.map(|(position, _)| position));
        self.hidden = Arc::new(hidden);
        gone
    }

    /// The event with the latest start that is not hidden. Looked up once.
    pub(crate) fn newest(&self) -> Result<Option<Row>, SegmentError> {
        if let Some(newest) = self.facts.newest.get().filter(|_| self.is_whole()) {
            return Ok(*newest);
        }
        let newest = newest_sealed(self)?;
        Ok(self.learn(&self.facts.newest, newest))
    }

    /// Least start and greatest end of what is not hidden. Looked up once.
    pub(crate) fn extent(&self) -> Result<Option<(i64, i64)>, SegmentError> {
        if let Some(extent) = self.facts.extent.get().filter(|_| self.is_whole()) {
            return Ok(*extent);
        }
        let extent = measure_sealed(self)?;
        Ok(self.learn(&self.facts.extent, extent))
    }

    /// Whether no event of it was lost: what was looked up before a loss does not hold after it.
    fn is_whole(&self) -> bool {
        self.segment.missing().is_empty()
    }

    fn learn<T: Copy>(&self, fact: &OnceLock<T>, found: T) -> T {
        if self.is_whole() {
            let _ = fact.set(found);
        }
        found
    }

    /// Positions that are hidden among `rows` from `first` on.
    pub(crate) fn hidden_in(&self, first: u32, rows: u32) -> &[u32] {
        let from = self.hidden.partition_point(|p| *p < first);
        let to = self.hidden.partition_point(|p| *p < first.saturating_add(rows));
        self.hidden.get(from..to).unwrap_or_default()
    }
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
    pub(crate) id: u64,
    pub(crate) start: i64,
    pub(crate) duration: i64,
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
pub(crate) enum Place {
    Open,
    /// Run number and position, among the runs that take in rows.
    Run(usize, usize),
    /// The same among the runs that are being sealed.
    Frozen(usize, usize),
    /// Segment number and position.
    Segment(usize, u32),
}

impl BucketView {
    /// Id, type, client and so on.
    pub fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    /// Its name in the log's records.
    pub fn key(&self) -> BucketKey {
        self.key
    }

    /// Least start of its events.
    pub fn start(&self) -> Option<Timestamp> {
        self.extent.map(|(start, _)| Timestamp::from_nanos(start))
    }

    /// Greatest end of its events.
    pub fn end(&self) -> Option<Timestamp> {
        self.extent.map(|(_, end)| Timestamp::from_nanos(end))
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
        Seq(self.touched)
    }

    /// The newest record that may have changed what lies at or before `until`: a result that was made from a picture
    /// at or after it, of events up to there, still holds. At worst it names a newer record than the true one.
    pub fn touched_until(&self, until: Timestamp) -> Seq {
        Seq(self.changes.until(until.nanos()))
    }

    /// Bytes of its view segments.
    pub fn sealed_bytes(&self) -> u64 {
        self.segments.iter().map(|s| s.segment.size()).sum()
    }

    /// Number of its view segments.
    pub fn segment_count(&self) -> usize {
        self.segments.len()
    }

    /// The events that touch the range, newest first; none is clipped.
    ///
    /// # Errors
    /// When a view segment is damaged; so may be each step of the iterator.
    pub fn events(&self, range: TimeRange) -> Result<Events<'_>, SegmentError> {
        Events::new(self, range.bounds())
    }

    /// The event with this id.
    ///
    /// # Errors
    /// When a view segment is damaged.
    pub fn event(&self, id: EventId) -> Result<Option<Event>, SegmentError> {
        let Some(place) = self.find(id.0)? else {
            return Ok(None);
        };
        let Some((row, text)) = self.read(place)? else {
            return Ok(None);
        };
        Ok(Some(Event {
            id,
            start: Timestamp::from_nanos(row.start),
            duration: Duration::from_nanos(row.duration),
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
            n += count_sealed(sealed, &bounds)?;
        }
        for run in self.memory_runs() {
            n += run.rows().iter().filter(|r| bounds.touches(r)).count() as u64;
        }
        n += self.open.iter().filter(|o| bounds.touches(&o.row)).count() as u64;
        Ok(n)
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
    pub(crate) fn measured(&self) -> Option<(i64, i64)> {
        let mut extent: Option<(i64, i64)> = None;
        let mut offer = |start: i64, end: i64| {
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
    pub(crate) fn find_in_memory(&self, id: u64) -> Option<Place> {
        if self.open.as_ref().is_some_and(|o| o.row.id == id) {
            return Some(Place::Open);
        }
        let in_runs = |runs: &[Arc<Run>]| {
            runs.iter()
                .enumerate()
                .rev()
                .find_map(|(i, run)| run.find(id).map(|position| (i, position)))
        };
        let place = in_runs(&self.runs).map(|(run, position)| Place::Run(run, position));
        place.or_else(|| in_runs(&self.frozen).map(|(run, position)| Place::Frozen(run, position)))
    }

    pub(crate) fn find(&self, id: u64) -> Result<Option<Place>, SegmentError> {
        if let Some(place) = self.find_in_memory(id) {
            return Ok(Some(place));
        }
        for (i, sealed) in self.segments.iter().enumerate().rev() {
            if let Some(position) = sealed.segment.find(id)?
                && sealed.shows(position)
            {
                return Ok(Some(Place::Segment(i, position)));
            }
        }
        Ok(None)
    }

    /// Gives the rows and data of those of these events that are there, in one pass.
    pub(crate) fn read_these(
        &self,
        ids: &FxHashSet<u64>,
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
        let mut sorted: Vec<u64> = ids.iter().copied().collect();
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
    pub(crate) fn row_at(&self, place: Place) -> Result<Option<Row>, SegmentError> {
        let of_run =
            |runs: &[Arc<Run>], run: usize, position: usize| runs.get(run)?.rows().get(position).copied();
        Ok(match place {
            Place::Open => self.open.as_ref().map(|o| o.row),
            Place::Run(run, position) => of_run(&self.runs, run, position),
            Place::Frozen(run, position) => of_run(&self.frozen, run, position),
            Place::Segment(segment, position) => match self.segments.get(segment) {
                Some(sealed) => sealed.segment.row(position)?,
                None => None,
            },
        })
    }

    /// The row at a place, and its data.
    pub(crate) fn read(&self, place: Place) -> Result<Option<(Row, String)>, SegmentError> {
        let of_run = |runs: &[Arc<Run>], run: usize, position: usize| {
            let run = runs.get(run)?;
            let row = run.rows().get(position)?;
            Some((*row, run.text(row).to_owned()))
        };
        Ok(match place {
            Place::Open => self.open.as_ref().map(|o| (o.row, o.text().to_owned())),
            Place::Run(run, position) => of_run(&self.runs, run, position),
            Place::Frozen(run, position) => of_run(&self.frozen, run, position),
            Place::Segment(segment, position) => {
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

fn newest_sealed(sealed: &Sealed) -> Result<Option<Row>, SegmentError> {
    let hidden = &sealed.hidden;
    let mut position = sealed.segment.rows() as u32;
    while position > 0 {
        position -= 1;
        if hidden.binary_search(&position).is_err() {
            return sealed.segment.row(position);
        }
    }
    Ok(None)
}

/// Least start and greatest end of the rows that are not hidden. Blocks without hidden rows are not read.
fn measure_sealed(sealed: &Sealed) -> Result<Option<(i64, i64)>, SegmentError> {
    let mut extent: Option<(i64, i64)> = None;
    let mut block = Block::default();
    for b in 0..sealed.segment.blocks() {
        let entry = sealed.segment.entry(b)?;
        let first = (b * crate::segment::BLOCK_ROWS) as u32;
        let hidden = sealed.hidden_in(first, entry.rows);
        if hidden.len() == entry.rows as usize {
            continue;
        }
        let mut offer = |start: i64, end: i64| {
            let (s, e) = extent.unwrap_or((start, end));
            extent = Some((s.min(start), e.max(end)));
        };
        if hidden.is_empty() {
            offer(entry.least_start, entry.greatest_end);
            continue;
        }
        sealed.segment.read_shown(b, &sealed.hidden, &mut block)?;
        let shown = (0..block.len()).filter(|i| hidden.binary_search(&(first + *i as u32)).is_err());
        for row in shown.filter_map(|i| block.row(i)) {
            offer(row.start, row.end());
        }
    }
    Ok(extent)
}

/// Whole blocks inside the range are counted by the index, the others row by row.
fn count_sealed(sealed: &Sealed, bounds: &Bounds) -> Result<u64, SegmentError> {
    let header = sealed.segment.header();
    if header.greatest_end < bounds.from || header.least_start > bounds.to {
        return Ok(0);
    }
    let mut n = 0;
    let mut block = Block::default();
    for b in 0..sealed.segment.block_end(bounds)? {
        let entry = sealed.segment.entry(b)?;
        if entry.greatest_end < bounds.from {
            continue;
        }
        let first = (b * crate::segment::BLOCK_ROWS) as u32;
        let hidden = sealed.hidden_in(first, entry.rows);
        let ends_inside = match sealed.segment.blocks() > b + 1 {
            true => sealed.segment.entry(b + 1)?.least_start <= bounds.to,
            false => header.greatest_start <= bounds.to,
        };
        if !header.negative && entry.least_start >= bounds.from && ends_inside {
            sealed.segment.expect_known(b, &sealed.hidden)?;
            n += u64::from(entry.rows).saturating_sub(hidden.len() as u64);
            continue;
        }
        sealed.segment.read_shown(b, &sealed.hidden, &mut block)?;
        n += (0..block.len())
            .filter(|i| block.row(*i).is_some_and(|r| bounds.touches(&r)))
            .filter(|i| hidden.binary_search(&(first + *i as u32)).is_err())
            .count() as u64;
    }
    Ok(n)
}

//! A view segment with the positions of its hidden events.

use std::sync::{Arc, OnceLock};

use timberline_model::{EventId, Timestamp};

use crate::row::{Bounds, Row};
use crate::segment::{BLOCK_ROWS, Block, SegmentError, ViewSegment};

/// A view segment, and which of its rows are hidden.
#[derive(Clone, Debug)]
pub(crate) struct MaskedSegment {
    pub(crate) segment: Arc<ViewSegment>,
    /// Positions of deleted and replaced events, sorted. Changed only by [`MaskedSegment::hide`].
    pub(crate) hidden: Arc<Vec<u32>>,
    facts: Arc<Facts>,
}

/// What was looked up of the rows that are not hidden: shared between the snapshots that show the same, so that what a
/// writer looks up before it takes the lock is known under it.
#[derive(Debug, Default)]
struct Facts {
    newest: OnceLock<Option<Row>>,
    extent: OnceLock<Option<(Timestamp, Timestamp)>>,
}

impl MaskedSegment {
    pub(crate) fn new(segment: Arc<ViewSegment>, hidden: Vec<u32>) -> MaskedSegment {
        MaskedSegment {
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
            if row.data >= dictionary.objects() && self.segment.dictionary_holds(number).is_ok() {
                return Err(self.segment.without_data(row));
            }
            dictionary.write_text(row.data, text);
            match self.segment.dictionary_holds(number) {
                // Its file was cut short meanwhile: the next one is another, in memory.
                Err(_) if !self.segment.is_damaged() => {}
                held => return held,
            }
        }
    }

    /// Positions and rows of the events with these ids, which are sorted, of those that are not hidden.
    pub(crate) fn positions_of(&self, ids: &[EventId]) -> Result<Vec<(u32, Row)>, SegmentError> {
        let mut found = self.segment.locate(ids)?;
        found.retain(|(position, _)| self.shows(*position));
        Ok(found)
    }

    /// Whether the event at a position is not hidden.
    pub(crate) fn shows(&self, position: u32) -> bool {
        self.hidden.binary_search(&position).is_err()
    }

    /// Hides events that are shown. What is known of the others stays known.
    pub(crate) fn hide(&mut self, mut events: Vec<(u32, Row)>) -> RemovedEvents {
        let mut gone = RemovedEvents::default();
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
        let newest = self.find_newest()?;
        Ok(self.learn(&self.facts.newest, newest))
    }

    /// Least start and greatest end of what is not hidden. Looked up once.
    pub(crate) fn extent(&self) -> Result<Option<(Timestamp, Timestamp)>, SegmentError> {
        if let Some(extent) = self.facts.extent.get().filter(|_| self.is_whole()) {
            return Ok(*extent);
        }
        let extent = self.measure()?;
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

    fn find_newest(&self) -> Result<Option<Row>, SegmentError> {
        let hidden = &self.hidden;
        let mut position = self.segment.rows() as u32;
        while position > 0 {
            position -= 1;
            if hidden.binary_search(&position).is_err() {
                return self.segment.row(position);
            }
        }
        Ok(None)
    }

    /// Least start and greatest end of the rows that are not hidden. Blocks without hidden rows are not read.
    fn measure(&self) -> Result<Option<(Timestamp, Timestamp)>, SegmentError> {
        let mut extent: Option<(Timestamp, Timestamp)> = None;
        let mut block = Block::default();
        for b in 0..self.segment.blocks() {
            let entry = self.segment.entry(b)?;
            let first = (b * BLOCK_ROWS) as u32;
            let hidden = self.hidden_in(first, entry.rows);
            if hidden.len() == entry.rows as usize {
                continue;
            }
            let mut offer = |start: Timestamp, end: Timestamp| {
                let (s, e) = extent.unwrap_or((start, end));
                extent = Some((s.min(start), e.max(end)));
            };
            if hidden.is_empty() {
                offer(entry.least_start, entry.greatest_end);
                continue;
            }
            self.segment.read_shown(b, &self.hidden, &mut block)?;
            let shown = (0..block.len()).filter(|i| hidden.binary_search(&(first + *i as u32)).is_err());
            for row in shown.filter_map(|i| block.row(i)) {
                offer(row.start, row.end());
            }
        }
        Ok(extent)
    }

    /// Whole blocks inside the range are counted by the index, the others row by row.
    pub(crate) fn count(&self, bounds: &Bounds) -> Result<u64, SegmentError> {
        let header = self.segment.header();
        if header.greatest_end < bounds.from || header.least_start > bounds.to {
            return Ok(0);
        }
        let mut n = 0;
        let mut block = Block::default();
        for b in 0..self.segment.block_end(bounds)? {
            let entry = self.segment.entry(b)?;
            if entry.greatest_end < bounds.from {
                continue;
            }
            let first = (b * BLOCK_ROWS) as u32;
            let hidden = self.hidden_in(first, entry.rows);
            let ends_inside = match self.segment.blocks() > b + 1 {
                true => self.segment.entry(b + 1)?.least_start <= bounds.to,
                false => header.greatest_start <= bounds.to,
            };
            if !header.negative && entry.least_start >= bounds.from && ends_inside {
                self.segment.expect_known(b, &self.hidden)?;
                n += u64::from(entry.rows).saturating_sub(hidden.len() as u64);
                continue;
            }
            self.segment.read_shown(b, &self.hidden, &mut block)?;
            n += (0..block.len())
                .filter(|i| block.row(*i).is_some_and(|r| bounds.touches(&r)))
                .filter(|i| hidden.binary_search(&(first + *i as u32)).is_err())
                .count() as u64;
        }
        Ok(n)
    }
}

/// Events that were removed, taken together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RemovedEvents {
    pub(crate) events: u64,
    pub(crate) least_start: Timestamp,
    pub(crate) greatest_end: Timestamp,
    /// The earliest instant that they touched.
    pub(crate) from: Timestamp,
}

impl Default for RemovedEvents {
    fn default() -> RemovedEvents {
        RemovedEvents {
            events: 0,
            least_start: Timestamp::MAX,
            greatest_end: Timestamp::MIN,
            from: Timestamp::MAX,
        }
    }
}

impl RemovedEvents {
    pub(crate) fn add(&mut self, row: &Row) {
        self.join(&RemovedEvents {
            events: 1,
            least_start: row.start,
            greatest_end: row.end(),
            from: row.start.min(row.end()),
        });
    }

    pub(crate) fn join(&mut self, other: &RemovedEvents) {
        self.events += other.events;
        self.least_start = self.least_start.min(other.least_start);
        self.greatest_end = self.greatest_end.max(other.greatest_end);
        self.from = self.from.min(other.from);
    }

    /// Whether one of the events reached an end of this extent.
    pub(crate) fn reaches(&self, extent: Option<(Timestamp, Timestamp)>) -> bool {
        extent.is_some_and(|(start, end)| self.least_start <= start || self.greatest_end >= end)
    }
}

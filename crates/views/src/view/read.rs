//! Events of a range, newest first: a merge of sorted sources that mostly do not overlap.

use std::sync::Arc;

use timberline_model::{Duration, EventId, Timestamp};

use super::bucket::{BucketView, OpenEvent};
use super::masked_segment::MaskedSegment;
use crate::head::Run;
use crate::row::{Bounds, Row, TimeRange};
use crate::segment::{BLOCK_ROWS, Block, SegmentError, ViewSegment};

/// A read of this many blocks of a segment (a week of a window watcher) is of the kind that is not soon repeated:
/// the segment's memory is given back after it.
const RELEASE_FROM: usize = 24;

/// One event of a listing; borrows its data from where it lies.
#[derive(Clone, Copy, Debug)]
pub struct EventRef<'a> {
    row: Row,
    text: Text<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Text<'a> {
    Whole(&'a str),
    Parts(crate::segment::SegmentDictionary<'a>),
}

impl<'a> EventRef<'a> {
    /// Its id.
    pub fn id(&self) -> EventId {
        self.row.id
    }

    /// When it began.
    pub fn start(&self) -> Timestamp {
        self.row.start
    }

    /// How long it lasted.
    pub fn duration(&self) -> Duration {
        self.row.duration
    }

    /// Appends its data, a canonical JSON object.
    pub fn write_data(&self, out: &mut Vec<u8>) {
        match self.text {
            Text::Whole(text) => out.extend_from_slice(text.as_bytes()),
            Text::Parts(dictionary) => dictionary.write_text(self.row.data, out),
        }
    }

    pub(crate) fn row(&self) -> &Row {
        &self.row
    }
}

/// Iterator over the events of a range, newest first (see [`BucketView::events`]).
#[derive(Debug)]
pub struct Events<'a> {
    bounds: Bounds,
    cursors: Vec<Cursor<'a>>,
    /// Segments that nothing was read of yet, those with later events last: the newest event of ten years is found
    /// without opening ten years.
    unopened: Vec<&'a MaskedSegment>,
    /// The cursor that is read from, and how far: until it falls behind the next best.
    current: usize,
    rival: Option<Row>,
    /// A segment that was read to its end. Its memory is given back one step later, when whoever was given its last
    /// event has read that event's data.
    finished: Option<&'a ViewSegment>,
    /// Where the data of the event lie that was given last: it was read since, and should still be what it was.
    given: Option<(&'a ViewSegment, u64)>,
}

#[derive(Debug)]
struct Cursor<'a> {
    head: Option<Row>,
    source: Source<'a>,
}

#[derive(Debug)]
enum Source<'a> {
    Open(&'a OpenEvent),
    Run { run: &'a Arc<Run>, below: usize },
    Segment(Box<SegmentCursor<'a>>),
}

#[derive(Debug)]
struct SegmentCursor<'a> {
    sealed: &'a MaskedSegment,
    dictionary: crate::segment::SegmentDictionary<'a>,
    /// What the dictionary is known by.
    number: u64,
    /// The decoded block has this number; `block_number` blocks lie before it.
    block: Block,
    block_number: usize,
    /// Rows of the block that are still to come.
    left: usize,
    /// Hidden positions that are still to come.
    hidden_left: usize,
    blocks_read: usize,
}

impl BucketView {
    /// The events that touch the range, newest first; none is clipped.
    ///
    /// # Errors
    /// When a view segment is damaged; so may be each step of the iterator.
    pub fn events(&self, range: TimeRange) -> Result<Events<'_>, SegmentError> {
        Events::new(self, range.bounds())
    }
}

impl<'a> Events<'a> {
    pub(crate) fn new(view: &'a BucketView, bounds: Bounds) -> Result<Events<'a>, SegmentError> {
        let touched = |s: &&MaskedSegment| {
            let header = s.segment.header();
            header.greatest_end >= bounds.from && header.least_start <= bounds.to
        };
        let mut unopened: Vec<&MaskedSegment> = view.segments.iter().filter(touched).collect();
        unopened.sort_by_key(|s| s.segment.header().greatest_start);
        let mut events = Events {
            bounds,
            cursors: Vec::new(),
            unopened,
            current: 0,
            rival: None,
            finished: None,
            given: None,
        };
        for run in view.memory_runs() {
            events.push(Source::Run {
                run,
                below: run.upper(bounds.to),
            })?;
        }
        if let Some(open) = view.open.as_ref().filter(|o| bounds.touches(&o.row)) {
            events.cursors.push(Cursor {
                head: Some(open.row),
                source: Source::Open(open),
            });
        }
        events.choose()?;
        Ok(events)
    }

    fn push(&mut self, source: Source<'a>) -> Result<(), SegmentError> {
        let mut cursor = Cursor { head: None, source };
        cursor.advance(&self.bounds)?;
        if cursor.head.is_some() {
            self.cursors.push(cursor);
        }
        Ok(())
    }

    /// Finds the cursor with the newest row, and the newest row of all others. Opens the segments that might have a
    /// newer one.
    fn choose(&mut self) -> Result<(), SegmentError> {
        loop {
            self.rival = None;
            let mut best: Option<Row> = None;
            for (i, cursor) in self.cursors.iter().enumerate() {
                let Some(row) = cursor.head else { continue };
                if best.is_none_or(|b| b.cmp(&row).is_lt()) {
                    self.rival = best;
                    best = Some(row);
                    self.current = i;
                } else if self.rival.is_none_or(|r| r.cmp(&row).is_lt()) {
                    self.rival = Some(row);
                }
            }
            let due =
                |s: &mut &MaskedSegment| best.is_none_or(|b| b.start <= s.segment.header().greatest_start);
            let Some(sealed) = self.unopened.pop_if(due) else {
                return Ok(());
            };
            let cursor = SegmentCursor::new(sealed, &self.bounds)?;
            self.push(Source::Segment(Box::new(cursor)))?;
        }
    }

    /// Whether another cursor, or a segment that is not open yet, may have a newer row than this.
    fn is_behind(&self, row: &Row) -> bool {
        self.rival.is_some_and(|rival| row.cmp(&rival).is_lt())
            || self
                .unopened
                .last()
                .is_some_and(|s| row.start <= s.segment.header().greatest_start)
    }
}

impl<'a> Iterator for Events<'a> {
    type Item = Result<EventRef<'a>, SegmentError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some((segment, dictionary)) = self.given.take()
            && let Err(e) = segment.dictionary_holds(dictionary)
        {
            self.cursors.clear();
            return Some(Err(e));
        }
        if let Some(segment) = self.finished.take() {
            segment.release();
        }
        let cursor = self.cursors.get_mut(self.current)?;
        let row = cursor.head?;
        let event = EventRef {
            row,
            text: cursor.source.text(&row),
        };
        self.given = cursor.source.dictionary();
        if let Err(e) = cursor.advance(&self.bounds) {
            self.cursors.clear();
            return Some(Err(e));
        }
        let head = cursor.head;
        self.finished = cursor.source.finished(head);
        if head.is_none_or(|row| self.is_behind(&row))
            && let Err(e) = self.choose()
        {
            self.cursors.clear();
            return Some(Err(e));
        }
        Some(Ok(event))
    }
}

impl<'a> Source<'a> {
    /// The segment this reads, if that was a long read and is over.
    fn finished(&self, head: Option<Row>) -> Option<&'a ViewSegment> {
        match self {
            Source::Segment(cursor) if head.is_none() && cursor.blocks_read >= RELEASE_FROM => {
                Some(&cursor.sealed.segment)
            }
            _ => None,
        }
    }

    /// The segment whose dictionary is read from, and what that is known by.
    fn dictionary(&self) -> Option<(&'a ViewSegment, u64)> {
        match self {
            Source::Segment(cursor) => Some((&cursor.sealed.segment, cursor.number)),
            _ => None,
        }
    }

    fn text(&self, row: &Row) -> Text<'a> {
        match self {
            Source::Open(open) => Text::Whole(open.text()),
            Source::Run { run, .. } => Text::Whole(run.text(row)),
            Source::Segment(cursor) => Text::Parts(cursor.dictionary),
        }
    }
}

impl Cursor<'_> {
    fn advance(&mut self, bounds: &Bounds) -> Result<(), SegmentError> {
        self.head = match &mut self.source {
            Source::Open(_) => None,
            Source::Run { run, below } => match run.newest_touching(bounds, *below) {
                Some(at) => {
                    *below = at;
                    run.rows().get(at).copied()
                }
                None => {
                    *below = 0;
                    None
                }
            },
            Source::Segment(cursor) => cursor.next(bounds)?,
        };
        Ok(())
    }
}

impl<'a> SegmentCursor<'a> {
    fn new(sealed: &'a MaskedSegment, bounds: &Bounds) -> Result<SegmentCursor<'a>, SegmentError> {
        let (number, dictionary) = sealed.segment.numbered_dictionary()?;
        Ok(SegmentCursor {
            sealed,
            number,
            dictionary,
            block: Block::default(),
            block_number: sealed.segment.block_end(bounds)?,
            left: 0,
            hidden_left: sealed.hidden.len(),
            blocks_read: 0,
        })
    }

    fn next(&mut self, bounds: &Bounds) -> Result<Option<Row>, SegmentError> {
        loop {
            if self.left == 0 && !self.previous_block(bounds)? {
                return Ok(None);
            }
            while self.left > 0 {
                self.left -= 1;
                let position = (self.block_number * BLOCK_ROWS + self.left) as u32;
                if self.is_hidden(position) {
                    continue;
                }
                if let Some(row) = self.block.row(self.left).filter(|r| bounds.touches(r)) {
                    return Ok(Some(row));
                }
            }
        }
    }

    /// Decodes the next older block that may hold events of the range.
    fn previous_block(&mut self, bounds: &Bounds) -> Result<bool, SegmentError> {
        while self.block_number > 0 {
            self.block_number -= 1;
            if self.sealed.segment.entry(self.block_number)?.greatest_end >= bounds.from {
                let MaskedSegment { segment, hidden, .. } = self.sealed;
                segment.read_with_data(self.block_number, hidden, &self.dictionary, &mut self.block)?;
                if let Some(newer) = segment.newer_dictionary(self.number)? {
                    (self.number, self.dictionary) = newer;
                }
                self.left = self.block.len();
                self.blocks_read += 1;
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn is_hidden(&mut self, position: u32) -> bool {
        while let Some(last) = self
            .hidden_left
            .checked_sub(1)
            .and_then(|i| self.sealed.hidden.get(i))
        {
            if *last < position {
                return false;
            }
            self.hidden_left -= 1;
            if *last == position {
                return true;
            }
        }
        false
    }
}

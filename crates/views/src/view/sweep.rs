//! Events of a range, oldest first, in pieces of columns: what sums over time are computed from.
//!
//! A piece is a part of one source (a view segment, a run or the open event) whose rows begin no later than whatever is
//! left of the others. Sources hardly ever overlap, so nearly every piece is a whole block. Ids are not decoded: who needs
//! a few of them asks afterwards ([`Sweep::id`]).

use std::ops::Range;
use std::sync::Arc;

use timberline_model::EventId;

use super::bucket::{BucketView, OpenEvent};
use super::columns::{DataDictionary, HeadData, SegmentData};
use super::masked_segment::MaskedSegment;
use crate::head::Run;
use crate::row::{Bounds, TimeRange};
use crate::segment::{BLOCK_ROWS, Block, SegmentError};

/// Reads the events of a range that are not hidden, oldest first. See the [module](self).
#[derive(Debug)]
pub struct Sweep<'a> {
    bounds: Bounds,
    cursors: Vec<Cursor<'a>>,
    /// The block whose ids were last asked for: number of the source, number of the block.
    ids: Option<(usize, usize)>,
    ids_of: Block,
}

/// Rows of one source, next to one another. Some of them may lie outside the range.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'p, 'a> {
    /// Which source; the same for all pieces of it.
    pub source: usize,
    /// What the numbers of its data stand for.
    pub dictionary: DataDictionary<'a>,
    /// When each event began, since 1970 in nanoseconds; ascending.
    pub starts: &'p [i64],
    /// How long each lasted; may be negative.
    pub durations: &'p [i64],
    /// The number of each one's data.
    pub data: &'p [i64],
    /// The place of the first event in its source, for [`Sweep::id`]; those of the others follow.
    pub place: usize,
}

#[derive(Debug)]
struct Cursor<'a> {
    source: Source<'a>,
    /// What was read last, of which the rows from `next` on are still to be given.
    rows: Block,
    next: usize,
    /// The place of the first of `rows` in the source.
    first: usize,
    /// The hidden positions of the segment from `next` on.
    hidden: &'a [u32],
}

#[derive(Debug)]
enum Source<'a> {
    Segment {
        sealed: &'a MaskedSegment,
        data: SegmentData<'a>,
        /// Blocks that are still to be read.
        blocks: Range<usize>,
    },
    Run {
        run: &'a Arc<Run>,
        /// Rows that are still to be read.
        rows: Range<usize>,
    },
    Open {
        event: &'a OpenEvent,
        given: bool,
    },
}

impl BucketView {
    /// The events that touch the range, oldest first; see [`Sweep`].
    ///
    /// # Errors
    /// When a view segment is damaged; so may be each step.
    pub fn sweep(&self, range: TimeRange) -> Result<Sweep<'_>, SegmentError> {
        let bounds = range.bounds();
        let mut sources = Vec::new();
        for sealed in self.segments.iter() {
            let header = sealed.segment.header();
            if header.greatest_end >= bounds.from && header.least_start <= bounds.to {
                let (number, dictionary) = sealed.segment.numbered_dictionary()?;
                sources.push(Source::Segment {
                    sealed,
                    data: SegmentData::new(number, dictionary),
                    blocks: 0..sealed.segment.block_end(&bounds)?,
                });
            }
        }
        sources.extend(self.memory_runs().map(|run| Source::Run {
            run,
            rows: run.first_that_may_touch(&bounds)..run.upper(bounds.to),
        }));
        let open = self.open.iter().filter(|open| bounds.touches(&open.row));
        sources.extend(open.map(|event| Source::Open { event, given: false }));
        Ok(Sweep {
            bounds,
            cursors: sources.into_iter().map(Cursor::new).collect(),
            ids: None,
            ids_of: Block::default(),
        })
    }

    /// Gives back the memory of what was read of its view segments. They stay in the system's cache of files.
    pub fn release(&self) {
        for sealed in self.segments.iter() {
            sealed.segment.release();
        }
    }
}

impl<'a> Sweep<'a> {
    /// The next piece.
    ///
    /// # Errors
    /// When a view segment is damaged.
    pub fn next_piece(&mut self) -> Result<Option<Piece<'_, 'a>>, SegmentError> {
        for cursor in &mut self.cursors {
            cursor.fill(&self.bounds)?;
        }
        let Some((source, rival)) = self.earliest() else {
            return Ok(None);
        };
        Ok(self
            .cursors
            .get_mut(source)
            .map(|cursor| cursor.give(source, rival)))
    }

    /// The cursor whose next row begins first, and when the next row of all others begins.
    fn earliest(&self) -> Option<(usize, Option<i64>)> {
        let mut earliest: Option<(usize, i64)> = None;
        let mut rival: Option<i64> = None;
        for (number, cursor) in self.cursors.iter().enumerate() {
            let Some(start) = cursor.start() else { continue };
            let later = match earliest {
                Some((_, first)) if first <= start => Some(start),
                before => {
                    earliest = Some((number, start));
                    before.map(|(_, first)| first)
                }
            };
            rival = match (rival, later) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
        earliest.map(|(number, _)| (number, rival))
    }

    /// The id of the event at a place that a [`Piece`] has named. Ask in the order of the pieces.
    ///
    /// # Errors
    /// When a view segment is damaged.
    pub fn id(&mut self, source: usize, place: usize) -> Result<EventId, SegmentError> {
        let Some(cursor) = self.cursors.get(source) else {
            return Ok(EventId::NONE);
        };
        let sealed = match &cursor.source {
            Source::Open { event, .. } => return Ok(event.row.id),
            Source::Run { run, .. } => {
                return Ok(run.rows().get(place).map_or(EventId::NONE, |row| row.id));
            }
            Source::Segment { sealed, .. } => sealed,
        };
        let block = (source, place / BLOCK_ROWS);
        if self.ids != Some(block) {
            sealed.segment.read_block(block.1, &mut self.ids_of)?;
            self.ids = Some(block);
        }
        let row = self.ids_of.row(place % BLOCK_ROWS);
        Ok(row.map_or(EventId::NONE, |row| row.id))
    }

    /// To be called when all data were read that are needed.
    ///
    /// # Errors
    /// When the file of a view segment was cut short meanwhile: what was read of it is not to be believed.
    pub fn finish(self) -> Result<(), SegmentError> {
        for cursor in &self.cursors {
            if let Source::Segment { sealed, data, .. } = &cursor.source {
                sealed.segment.dictionary_holds(data.number())?;
            }
        }
        Ok(())
    }
}

impl<'a> Cursor<'a> {
    fn new(source: Source<'a>) -> Cursor<'a> {
        Cursor {
            source,
            rows: Block::default(),
            next: 0,
            first: 0,
            hidden: &[],
        }
    }

    /// When its next row begins.
    fn start(&self) -> Option<i64> {
        self.rows.columns()[0].get(self.next).copied()
    }

    /// Reads on, if everything that was read is given.
    fn fill(&mut self, bounds: &Bounds) -> Result<(), SegmentError> {
        self.skip_hidden();
        while self.next == self.rows.len() {
            self.next = 0;
            match &mut self.source {
                Source::Segment { sealed, data, blocks } => {
                    let Some(number) = next_block(sealed, blocks, bounds)? else {
                        self.rows = Block::default();
                        return Ok(());
                    };
                    sealed.segment.read_shown_times(
                        number,
                        &sealed.hidden,
                        &data.dictionary,
                        &mut self.rows,
                    )?;
                    if let Some((number, newer)) = sealed.segment.newer_dictionary(data.number())? {
                        *data = SegmentData::new(number, newer);
                    }
                    self.first = number * BLOCK_ROWS;
                    self.hidden = sealed.hidden_in(self.first as u32, self.rows.len() as u32);
                }
                Source::Run { run, rows } => {
                    let part = rows.start..rows.end.min(rows.start + BLOCK_ROWS);
                    self.first = part.start;
                    rows.start = part.end.max(part.start);
                    self.rows = Block::of_rows(run.rows().get(part).unwrap_or_default());
                }
                Source::Open { event, given } => {
                    let rows = if *given {
                        &[]
                    } else {
                        std::slice::from_ref(&event.row)
                    };
                    self.rows = Block::of_rows(rows);
                    *given = true;
                }
            }
            if self.rows.len() == 0 {
                return Ok(());
            }
            self.skip_hidden();
        }
        Ok(())
    }

    fn skip_hidden(&mut self) {
        while let Some((position, rest)) = self.hidden.split_first()
            && *position as usize == self.first + self.next
        {
            self.next += 1;
            self.hidden = rest;
        }
    }

    /// Gives the rows that begin no later than `rival`, up to the next one that is hidden. There is at least one.
    fn give(&mut self, source: usize, rival: Option<i64>) -> Piece<'_, 'a> {
        let begin = self.next;
        let shown = self
            .hidden
            .first()
            .map(|position| *position as usize - self.first);
        let shown = shown.unwrap_or(self.rows.len());
        let [starts, durations, _, data] = self.rows.columns();
        let starts = starts.get(begin..shown).unwrap_or_default();
        let before = |rival| starts.partition_point(|start| *start <= rival);
        let end = begin + rival.map_or(starts.len(), before);
        debug_assert!(begin < end, "the cursor that begins first has a row to give");
        self.next = end;
        Piece {
            source,
            dictionary: match &self.source {
                Source::Segment { data, .. } => DataDictionary::Segment(*data),
                Source::Run { run, .. } => DataDictionary::Head(HeadData::new(run.dictionary())),
                Source::Open { event, .. } => DataDictionary::Head(HeadData::new(&event.dictionary)),
            },
            starts: starts.get(..end - begin).unwrap_or_default(),
            durations: durations.get(begin..end).unwrap_or_default(),
            data: data.get(begin..end).unwrap_or_default(),
            place: self.first + begin,
        }
    }
}

/// The next block that may have events of the range.
fn next_block(
    sealed: &MaskedSegment,
    blocks: &mut Range<usize>,
    bounds: &Bounds,
) -> Result<Option<usize>, SegmentError> {
    for number in blocks {
        if sealed.segment.entry(number)?.greatest_end >= bounds.from {
            return Ok(Some(number));
        }
    }
    Ok(None)
}

//! Makes the bytes of a view segment from several sorted sources, block by block: what a merge holds in memory is the
//! file that comes out and its dictionary, not the rows.

use std::sync::Arc;

use timberline_log::Seq;
use timberline_model::{EventId, Timestamp};

use super::BLOCK_ROWS;
use super::block::Block;
use super::dictionary::{Dictionary, DictionaryBuilder};
use super::format::{ENTRY, Entry, HEADER, Header, SegmentError};
use super::pack::Packing;
use super::read::ViewSegment;
use super::totals::TotalsBuilder;
use crate::head::Run;
use crate::row::Row;

/// A number that was not given yet.
const NONE: u32 = u32::MAX;

/// Where rows come from when a segment is built.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// A run of a head, and the newest seq that touched it.
    Run(Arc<Run>, Seq),
    /// Another segment without the rows at these positions.
    Segment(Arc<ViewSegment>, Arc<Vec<u32>>),
}

/// The bytes of a segment with the rows of all sources; none when there are no rows.
///
/// # Errors
/// When a source is a segment that is damaged.
pub(crate) fn build(bucket: u32, sources: &[Source]) -> Result<Option<Vec<u8>>, SegmentError> {
    let mut readers = sources.iter().map(Reader::new).collect::<Result<Vec<_>, _>>()?;
    let mut dictionary = DictionaryBuilder::new();
    for reader in &mut readers {
        reader.advance(&mut dictionary)?;
    }
    let mut blocks = Blocks::new();
    while let Some(reader) = oldest(&mut readers) {
        if let Some(row) = reader.head {
            blocks.push(row, reader.seq);
        }
        reader.advance(&mut dictionary)?;
    }
    for source in sources {
        if let Source::Segment(segment, _) = source {
            segment.release();
        }
    }
    Ok(blocks.finish(bucket, &dictionary))
}

/// The reader whose row comes first. There are a dozen of them, so a look at each is as good as a heap.
fn oldest<'r, 'a>(readers: &'r mut [Reader<'a>]) -> Option<&'r mut Reader<'a>> {
    let order = |r: &Reader<'_>| r.head.as_ref().map(Row::order);
    readers
        .iter_mut()
        .filter(|r| r.head.is_some())
        .min_by_key(|r| order(r))
}

/// Walks along one source; rows come with the numbers of the new dictionary.
struct Reader<'a> {
    head: Option<Row>,
    /// Newest seq that the head may reflect.
    seq: Seq,
    rows: Rows<'a>,
    /// New numbers of the source's data.
    renumbered: Vec<u32>,
}

enum Rows<'a> {
    Run { run: &'a Run, next: usize },
    Segment(Box<SegmentRows<'a>>),
}

struct SegmentRows<'a> {
    segment: &'a ViewSegment,
    dictionary: Dictionary<'a>,
    number: u64,
    hidden: std::iter::Peekable<std::iter::Copied<std::slice::Iter<'a, u32>>>,
    all_hidden: &'a [u32],
    block: Block,
    next_block: usize,
    /// Position of the next row, in the segment and in the block.
    position: u32,
    in_block: usize,
    /// New numbers of the segment's values.
    values: Vec<u32>,
}

impl<'a> Reader<'a> {
    fn new(source: &'a Source) -> Result<Reader<'a>, SegmentError> {
        let (rows, data, seq) = match source {
            Source::Run(run, seq) => (Rows::Run { run, next: 0 }, run.dictionary().len(), *seq),
            Source::Segment(segment, hidden) => {
                let (number, dictionary) = segment.numbered_dictionary()?;
                let data = dictionary.objects() as usize;
                let rows = SegmentRows {
                    segment,
                    dictionary,
                    number,
                    hidden: hidden.iter().copied().peekable(),
                    all_hidden: hidden,
                    block: Block::default(),
                    next_block: 0,
                    position: 0,
                    in_block: 0,
                    values: Vec::new(),
                };
                (Rows::Segment(Box::new(rows)), data, Seq::NONE)
            }
        };
        Ok(Reader {
            head: None,
            seq,
            rows,
            renumbered: vec![NONE; data],
        })
    }

    fn advance(&mut self, builder: &mut DictionaryBuilder) -> Result<(), SegmentError> {
        let next = match &mut self.rows {
            Rows::Run { run, next } => {
                *next += 1;
                run.rows().get(*next - 1).copied()
            }
            Rows::Segment(rows) => {
                let row = rows.next()?;
                self.seq = rows.block.greatest_seq();
                row
            }
        };
        self.head = match next {
            Some(row) => Some(self.renumber(row, builder)?),
            None => None,
        };
        Ok(())
    }

    /// The row with the number that its data has in the new segment.
    fn renumber(&mut self, row: Row, builder: &mut DictionaryBuilder) -> Result<Row, SegmentError> {
        let known = self.renumbered.get(row.data as usize).copied();
        let data = match known.filter(|number| *number != NONE) {
            Some(number) => number,
            None => match &mut self.rows {
                Rows::Run { run, .. } => builder.add_text(run.text(&row)),
                Rows::Segment(rows) => {
                    match builder.add_foreign(&rows.dictionary, row.data, &mut rows.values) {
                        Some(number) => number,
                        None => return Err(rows.without_data(&row)),
                    }
                }
            },
        };
        if let Some(slot) = self.renumbered.get_mut(row.data as usize) {
            *slot = data;
        }
        Ok(Row { data, ..row })
    }
}

impl SegmentRows<'_> {
    /// Why the dictionary does not have the data of a row.
    fn without_data(&self, row: &Row) -> SegmentError {
        match self.segment.dictionary_holds(self.number) {
            Err(error) => error,
            Ok(()) => SegmentError::Damaged {
                file: self.segment.file().to_owned(),
                what: format!("its dictionary does not have the data of event {}", row.id),
            },
        }
    }

    fn next(&mut self) -> Result<Option<Row>, SegmentError> {
        loop {
            if self.in_block == self.block.len() {
                self.segment.dictionary_holds(self.number)?;
                if self.next_block == self.segment.blocks() {
                    return Ok(None);
                }
                self.segment
                    .read_shown(self.next_block, self.all_hidden, &mut self.block)?;
                if let Some((number, dictionary)) = self.segment.newer_dictionary(self.number)? {
                    (self.number, self.dictionary) = (number, dictionary);
                    self.values.clear();
                }
                self.next_block += 1;
                self.in_block = 0;
                continue;
            }
            let row = self.block.row(self.in_block);
            let hidden = self.hidden.next_if_eq(&self.position).is_some();
            self.in_block += 1;
            self.position += 1;
            if !hidden {
                return Ok(row);
            }
        }
    }
}

/// The blocks that are complete, and the one that is filling.
struct Blocks {
    out: Vec<u8>,
    entries: Vec<Entry>,
    pending: Vec<Row>,
    pending_seq: Seq,
    columns: [Vec<i64>; 4],
    totals: TotalsBuilder,
    negative: bool,
    rows: u32,
    greatest_start: Timestamp,
}

impl Blocks {
    fn new() -> Blocks {
        Blocks {
            out: vec![0; HEADER],
            entries: Vec::new(),
            pending: Vec::with_capacity(BLOCK_ROWS),
            pending_seq: Seq::NONE,
            columns: Default::default(),
            totals: TotalsBuilder::default(),
            negative: false,
            rows: 0,
            greatest_start: Timestamp::MIN,
        }
    }

    fn push(&mut self, row: Row, seq: Seq) {
        debug_assert!(self.pending.last().is_none_or(|last| last.cmp(&row).is_le()));
        self.place(row, seq);
    }

    /// The same for rows that may be fillers, which have no place in the order.
    fn place(&mut self, row: Row, seq: Seq) {
        self.negative |= row.duration.is_negative();
        self.totals.add(&row);
        self.rows += 1;
        self.greatest_start = row.start;
        self.pending_seq = self.pending_seq.max(seq);
        self.pending.push(row);
        if self.pending.len() == BLOCK_ROWS {
            self.end_block();
        }
    }

    fn end_block(&mut self) {
        if !self.pending.is_empty() {
            let entry = write_block(&self.pending, self.pending_seq, &mut self.columns, &mut self.out);
            self.entries.push(entry);
            self.pending.clear();
            self.pending_seq = Seq::NONE;
        }
    }

    fn finish(mut self, bucket: u32, dictionary: &DictionaryBuilder) -> Option<Vec<u8>> {
        self.end_block();
        let Blocks {
            mut out,
            entries,
            totals,
            ..
        } = self;
        let first = entries.first()?;
        let index_at = out.len() as u64;
        out.reserve(entries.len() * ENTRY + dictionary.size() + 8);
        for entry in &entries {
            entry.write(&mut out);
        }
        seal_section(&mut out, index_at);
        let totals_at = out.len() as u64;
        totals.write(dictionary.objects(), &mut out);
        seal_section(&mut out, totals_at);
        let dictionary_at = out.len() as u64;
        dictionary.write(&mut out);
        seal_section(&mut out, dictionary_at);
        let header = Header {
            bucket,
            rows: self.rows,
            blocks: entries.len() as u32,
            negative: self.negative,
            least_start: first.least_start,
            greatest_start: self.greatest_start,
            greatest_end: entries
                .iter()
                .map(|e| e.greatest_end)
                .max()
                .unwrap_or(Timestamp::EPOCH),
            least_id: entries.iter().map(|e| e.least_id).min().unwrap_or(EventId::NONE),
            greatest_id: entries
                .iter()
                .map(|e| e.greatest_id)
                .max()
                .unwrap_or(EventId::NONE),
            greatest_seq: entries.iter().map(|e| e.greatest_seq).max().unwrap_or_default(),
            index_at,
            totals_at,
            dictionary_at,
            length: out.len() as u64,
        };
        if let Some(place) = out.get_mut(..HEADER) {
            place.copy_from_slice(&header.to_bytes());
        }
        Some(out)
    }
}

/// The bytes of a segment with exactly these rows, each where it is; `seq` tells the newest seq of each block. None when
/// there are no rows.
pub(super) fn assemble(
    bucket: u32,
    rows: &[Row],
    seq: impl Fn(usize) -> Seq,
    dictionary: &DictionaryBuilder,
) -> Option<Vec<u8>> {
    let mut blocks = Blocks::new();
    for (position, row) in rows.iter().enumerate() {
        blocks.place(*row, seq(position / BLOCK_ROWS));
    }
    blocks.finish(bucket, dictionary)
}

/// Ends a section with the checksum of its bytes.
fn seal_section(out: &mut Vec<u8>, from: u64) {
    let crc = crc32fast::hash(out.get(from as usize..).unwrap_or_default());
    out.extend_from_slice(&crc.to_le_bytes());
}

fn write_block(rows: &[Row], seq: Seq, columns: &mut [Vec<i64>; 4], out: &mut Vec<u8>) -> Entry {
    columns.iter_mut().for_each(Vec::clear);
    let [starts, durations, ids, data] = columns;
    for row in rows {
        starts.push(row.start.nanos());
        durations.push(row.duration.nanos());
        ids.push(row.id.0 as i64);
        data.push(i64::from(row.data));
    }
    let offset = out.len();
    let packings = [&*starts, durations, ids, data].map(|values| {
        let packing = Packing::of(values);
        packing.write(values, out);
        packing
    });
    let body = out.get(offset..).unwrap_or_default();
    Entry {
        offset: offset as u64,
        length: body.len() as u32,
        crc: crc32fast::hash(body),
        rows: rows.len() as u32,
        least_start: rows.first().map_or(Timestamp::EPOCH, |row| row.start),
        greatest_end: rows.iter().map(Row::end).max().unwrap_or(Timestamp::EPOCH),
        least_id: rows.iter().map(|r| r.id).min().unwrap_or(EventId::NONE),
        greatest_id: rows.iter().map(|r| r.id).max().unwrap_or(EventId::NONE),
        greatest_seq: seq,
        columns: packings,
    }
}

//! A range of a bucket as columns: what the query engine computes on.
//!
//! Sources whose times do not overlap, which is nearly all of them, are copied block by block; only those that do are
//! merged row by row. Data are numbers of dictionaries, one for each source, which the reader brings over into numbers
//! of its own ([`Renumber`]), a block at a time.

use std::cmp::Ordering;
use std::sync::Arc;

use timberline_model::{Duration, EventId, Timestamp};

use super::bucket::{BucketView, OpenEvent};
use super::masked_segment::MaskedSegment;
use crate::head::{HeadDictionary, Run};
use crate::row::{Bounds, Row, TimeRange};
use crate::segment::{BLOCK_ROWS, Block, SegmentDictionary, SegmentError};

/// A segment of which this many blocks were read gives its memory back, see [`super::read`].
const RELEASE_FROM: usize = 24;

/// Events as columns of equal length: starts and durations in nanoseconds, ids, and whatever numbers
/// [`Renumber`] gave to their data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns {
    /// When each began, since 1970.
    pub starts: Vec<i64>,
    /// How long it lasted; may be negative.
    pub durations: Vec<i64>,
    /// Its id.
    pub ids: Vec<u64>,
    /// The number of its data.
    pub data: Vec<u32>,
}

/// Brings numbers of one dictionary over into another numbering.
pub trait Renumber {
    /// What may keep it from doing so.
    type Error: From<SegmentError>;

    /// Replaces each number of an object in `dictionary` by the caller's own. Called every thousand rows or so, with
    /// the numbers of all rows read since the last call; an error ends the read.
    ///
    /// # Errors
    /// Whatever the caller sees fit, such as having read enough.
    fn renumber(&mut self, dictionary: &DataDictionary<'_>, numbers: &mut [u32]) -> Result<(), Self::Error>;
}

/// The distinct data objects of one source of rows.
#[derive(Clone, Copy, Debug)]
pub enum DataDictionary<'a> {
    /// On disk: its values have numbers too.
    Segment(SegmentData<'a>),
    /// In memory: whole texts.
    Head(HeadData<'a>),
}

/// The data objects of a view segment; they never change.
#[derive(Clone, Copy, Debug)]
pub struct SegmentData<'a> {
    number: u64,
    pub(super) dictionary: SegmentDictionary<'a>,
}

/// The data objects of a head; new ones may be added, with numbers of their own.
#[derive(Clone, Copy, Debug)]
pub struct HeadData<'a>(&'a Arc<HeadDictionary>);

impl<'a> DataDictionary<'a> {
    /// What it is known by in this process.
    pub fn number(&self) -> u64 {
        match self {
            DataDictionary::Segment(data) => data.number(),
            DataDictionary::Head(data) => data.number(),
        }
    }

    /// Number of objects; a head may get more meanwhile.
    pub fn objects(&self) -> usize {
        match self {
            DataDictionary::Segment(data) => data.objects() as usize,
            DataDictionary::Head(HeadData(dictionary)) => dictionary.len(),
        }
    }

    /// Appends an object, as canonical JSON text.
    pub fn write_text(&self, object: u32, out: &mut Vec<u8>) {
        match self {
            DataDictionary::Segment(data) => data.dictionary.write_text(object, out),
            DataDictionary::Head(data) => out.extend_from_slice(data.text(object).as_bytes()),
        }
    }
}

impl<'a> SegmentData<'a> {
    pub(super) fn new(number: u64, dictionary: SegmentDictionary<'a>) -> SegmentData<'a> {
        SegmentData { number, dictionary }
    }

    /// What it is known by in this process.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Number of objects.
    pub fn objects(&self) -> u32 {
        self.dictionary.objects()
    }

    /// Number of distinct keys and values.
    pub fn values(&self) -> u32 {
        self.dictionary.values()
    }

    /// The texts of all keys and values, one after the other.
    pub fn all_values(&self) -> &'a [u8] {
        self.dictionary.all_values()
    }

    /// Where a key or value begins in [`SegmentData::all_values`]; for the number after the last one, where that ends.
    pub fn value_offset(&self, number: u32) -> Option<usize> {
        self.dictionary.value_offset(number)
    }

    /// A key or value as JSON text.
    pub fn value(&self, number: u32) -> &'a str {
        self.dictionary.value(number)
    }

    /// The same as bytes.
    pub fn value_bytes(&self, number: u32) -> &'a [u8] {
        self.dictionary.value_bytes(number)
    }

    /// The numbers of an object's values, in the order of its keys.
    pub fn values_of(&self, object: u32) -> impl Iterator<Item = u32> {
        self.dictionary.values_of(object)
    }

    /// The numbers of an object's keys and values, in canonical order.
    pub fn members(&self, object: u32) -> impl Iterator<Item = (u32, u32)> {
        self.dictionary.members(object)
    }
}

impl<'a> HeadData<'a> {
    pub(super) fn new(dictionary: &'a Arc<HeadDictionary>) -> HeadData<'a> {
        HeadData(dictionary)
    }

    /// What it is known by in this process.
    pub fn number(&self) -> u64 {
        self.0.number()
    }

    /// An object as canonical JSON text.
    pub fn text(&self, object: u32) -> &'a str {
        self.0.text(object)
    }
}

impl BucketView {
    /// The events that touch the range, newest first (see [`BucketView::events`]), each cut to it
    /// ([`TimeRange::clip`]), their data numbered by `numbering`. They are written into `out`, which is empty and may
    /// have room.
    ///
    /// # Errors
    /// When a view segment is damaged, or when `numbering` says so.
    pub fn columns<N: Renumber>(
        &self,
        range: TimeRange,
        numbering: &mut N,
        mut out: Columns,
    ) -> Result<Columns, N::Error> {
        let bounds = range.bounds();
        let mut sources = self.sources(&bounds);
        // Newest first; a group of sources that overlap one another is merged.
        sources.sort_by_key(|s| std::cmp::Reverse(s.extent().1));
        let mut rest = sources.as_slice();
        while let Some((first, after)) = rest.split_first() {
            let mut earliest = first.extent().0;
            let overlapping = |s: &&Source<'_>| {
                let (from, to) = s.extent();
                let overlaps = to >= earliest;
                earliest = earliest.min(if overlaps { from } else { earliest });
                overlaps
            };
            let more = after.iter().take_while(overlapping).count();
            let (group, others) = rest.split_at(more + 1);
            rest = others;
            read_group(group, &bounds, numbering, &mut out)?;
        }
        out.clip(&range);
        Ok(out)
    }

    fn sources(&self, bounds: &Bounds) -> Vec<Source<'_>> {
        let touched = |s: &&MaskedSegment| {
            let header = s.segment.header();
            header.greatest_end >= bounds.from && header.least_start <= bounds.to
        };
        let segments = self.segments.iter().filter(touched).map(Source::Segment);
        let runs = self.memory_runs().filter(|r| r.len() > 0).map(Source::Run);
        segments
            .chain(runs)
            .chain(self.open.iter().map(Source::Open))
            .collect()
    }
}

#[derive(Clone, Copy)]
enum Source<'a> {
    Segment(&'a MaskedSegment),
    Run(&'a Arc<Run>),
    Open(&'a OpenEvent),
}

impl Source<'_> {
    /// Least and greatest start of its rows, in the range or not.
    fn extent(&self) -> (Timestamp, Timestamp) {
        match self {
            Source::Segment(sealed) => {
                let header = sealed.segment.header();
                (header.least_start, header.greatest_start)
            }
            Source::Run(run) => {
                let rows = run.rows();
                let start = |r: Option<&Row>| r.map_or(Timestamp::EPOCH, |r| r.start);
                (start(rows.first()), start(rows.last()))
            }
            Source::Open(open) => (open.row.start, open.row.start),
        }
    }

    /// Appends its rows of the range, newest first.
    fn read<N: Renumber>(
        &self,
        bounds: &Bounds,
        numbering: &mut N,
        out: &mut Columns,
    ) -> Result<(), N::Error> {
        match self {
            Source::Segment(sealed) => read_segment(sealed, bounds, numbering, out),
            Source::Run(run) => {
                let upper = run.upper(bounds.to);
                let mut below = upper;
                let dictionary = DataDictionary::Head(HeadData(run.dictionary()));
                while let Some(at) = run.newest_touching(bounds, below) {
                    let begun = out.len();
                    // A piece at a time, so that the caller can stop it.
                    for _ in 0..BLOCK_ROWS {
                        let Some(at) = run.newest_touching(bounds, below) else {
                            break;
                        };
                        below = at;
                        out.extend_row(run.rows().get(at));
                    }
                    debug_assert!(below <= at);
                    numbering.renumber(&dictionary, out.data_from(begun))?;
                }
                Ok(())
            }
            Source::Open(open) => {
                let begun = out.len();
                out.extend_row(Some(&open.row).filter(|r| bounds.touches(r)));
                let dictionary = DataDictionary::Head(HeadData(&open.dictionary));
                numbering.renumber(&dictionary, out.data_from(begun))
            }
        }
    }
}

fn read_group<N: Renumber>(
    group: &[Source<'_>],
    bounds: &Bounds,
    numbering: &mut N,
    out: &mut Columns,
) -> Result<(), N::Error> {
    if let [only] = group {
        return only.read(bounds, numbering, out);
    }
    let mut merged = Columns::default();
    for source in group {
        let mut read = Columns::default();
        source.read(bounds, numbering, &mut read)?;
        merged = match (merged.len(), read.len()) {
            (0, _) => read,
            (_, 0) => merged,
            _ => Columns::merge(&merged, &read),
        };
    }
    out.append(merged);
    Ok(())
}

fn read_segment<N: Renumber>(
    sealed: &MaskedSegment,
    bounds: &Bounds,
    numbering: &mut N,
    out: &mut Columns,
) -> Result<(), N::Error> {
    let segment = &sealed.segment;
    let header = segment.header();
    let (mut known_by, dictionary) = segment.numbered_dictionary()?;
    let mut data = SegmentData {
        number: known_by,
        dictionary,
    };
    let mut block = Block::default();
    let mut read = 0;
    let end = segment.block_end(bounds)?;
    out.reserve(rows_in(sealed, bounds, end)?);
    // Whether every row of the last block begins in the range: of those before it, the next one's first row tells.
    let mut begins_inside = end == segment.blocks() && header.greatest_start <= bounds.to;
    for number in (0..end).rev() {
        let entry = segment.entry(number)?;
        let whole = begins_inside && !header.negative && entry.least_start >= bounds.from;
        begins_inside = true;
        if entry.greatest_end < bounds.from {
            continue;
        }
        segment.read_with_data(number, &sealed.hidden, &data.dictionary, &mut block)?;
        if let Some((number, newer)) = segment.newer_dictionary(known_by)? {
            known_by = number;
            data = SegmentData {
                number,
                dictionary: newer,
            };
        }
        read += 1;
        let first = (number * BLOCK_ROWS) as u32;
        let hidden = sealed.hidden_in(first, entry.rows);
        let begun = out.len();
        if whole && hidden.is_empty() {
            out.extend_block(&block);
        } else {
            let shown = |i: &usize| hidden.binary_search(&(first + *i as u32)).is_err();
            for i in (0..block.len()).rev().filter(shown) {
                out.extend_row(block.row(i).filter(|r| bounds.touches(r)).as_ref());
            }
        }
        numbering.renumber(&DataDictionary::Segment(data), out.data_from(begun))?;
        segment.dictionary_holds(known_by)?;
    }
    if read >= RELEASE_FROM {
        segment.release();
    }
    Ok(())
}

/// The most rows that a segment can give.
fn rows_in(sealed: &MaskedSegment, bounds: &Bounds, end: usize) -> Result<usize, SegmentError> {
    let mut rows = 0;
    for number in 0..end {
        let entry = sealed.segment.entry(number)?;
        if entry.greatest_end >= bounds.from {
            rows += entry.rows as usize;
        }
    }
    Ok(rows)
}

/// Columns from this many bytes on are large: a quarter of a million events.
const LARGE: usize = 1 << 20;
/// What malloc always takes from the system, and gives back when it is freed (glibc's greatest threshold).
const ALWAYS_MAPPED: usize = 32 << 20;

/// An empty column with room for `n`. A large one asks for more than it needs: pages that are never touched cost
/// nothing, and what is asked for in such a piece goes back to the system when the column goes, instead of staying
/// with whichever thread had it.
#[must_use]
pub fn column<T>(n: usize) -> Vec<T> {
    let size = size_of::<T>().max(1);
    if n.saturating_mul(size) < LARGE {
        Vec::with_capacity(n)
    } else {
        Vec::with_capacity(n.max(ALWAYS_MAPPED / size + 1))
    }
}

fn grow<T: Copy>(values: &mut Vec<T>, n: usize) {
    if n > values.capacity() {
        let mut larger = column(n);
        larger.extend_from_slice(values);
        *values = larger;
    }
}

impl Columns {
    /// Bytes of one event in all columns.
    pub const EVENT_BYTES: usize = size_of::<i64>() * 2 + size_of::<u64>() + size_of::<u32>();

    /// Number of events.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Makes room for so many more events.
    pub fn reserve(&mut self, more: usize) {
        let n = self.len() + more;
        grow(&mut self.starts, n);
        grow(&mut self.durations, n);
        grow(&mut self.ids, n);
        grow(&mut self.data, n);
    }

    fn data_from(&mut self, begun: usize) -> &mut [u32] {
        self.data.get_mut(begun..).unwrap_or_default()
    }

    fn row(&self, i: usize) -> Option<Row> {
        Some(Row {
            start: Timestamp::from_nanos(*self.starts.get(i)?),
            duration: Duration::from_nanos(*self.durations.get(i)?),
            id: EventId(*self.ids.get(i)?),
            data: *self.data.get(i)?,
        })
    }

    fn extend_row(&mut self, row: Option<&Row>) {
        if let Some(row) = row {
            self.starts.push(row.start.nanos());
            self.durations.push(row.duration.nanos());
            self.ids.push(row.id.0);
            self.data.push(row.data);
        }
    }

    /// All rows of a block, the last one first.
    fn extend_block(&mut self, block: &Block) {
        let [starts, durations, ids, data] = block.columns();
        self.starts.extend(starts.iter().rev());
        self.durations.extend(durations.iter().rev());
        self.ids.extend(ids.iter().rev().map(|id| *id as u64));
        self.data.extend(data.iter().rev().map(|d| *d as u32));
    }

    fn append(&mut self, mut other: Columns) {
        self.starts.append(&mut other.starts);
        self.durations.append(&mut other.durations);
        self.ids.append(&mut other.ids);
        self.data.append(&mut other.data);
    }

    /// Both, newest first.
    fn merge(a: &Columns, b: &Columns) -> Columns {
        let mut out = Columns::default();
        let (mut i, mut j) = (0, 0);
        loop {
            let (x, y) = (a.row(i), b.row(j));
            let take_first = match (&x, &y) {
                (None, None) => return out,
                (Some(x), Some(y)) => x.cmp(y) != Ordering::Less,
                (Some(_), None) => true,
                (None, Some(_)) => false,
            };
            if take_first {
                out.extend_row(x.as_ref());
                i += 1;
            } else {
                out.extend_row(y.as_ref());
                j += 1;
            }
        }
    }

    fn clip(&mut self, range: &TimeRange) {
        if *range == TimeRange::ALL {
            return;
        }
        let bounds = range.bounds();
        for (start_nanos, duration_nanos) in self.starts.iter_mut().zip(&mut self.durations) {
            let start = Timestamp::from_nanos(*start_nanos);
            let duration = Duration::from_nanos(*duration_nanos);
            // Nearly none reaches out, and what is not written stays clean in the cache.
            if start < bounds.from || start.saturating_add(duration) > bounds.to {
                let (start, duration) = bounds.clip(start, duration);
                (*start_nanos, *duration_nanos) = (start.nanos(), duration.nanos());
            }
        }
    }
}

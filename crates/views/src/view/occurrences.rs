//! A bucket by its data: which distinct objects its sources have, and where some of them occur. It costs the number of
//! each row's data, and the times of those rows only that are looked for.

use std::sync::Arc;

use timberline_model::EventId;

use super::bucket::{BucketView, OpenEvent};
use super::columns::{DataDictionary, HeadData, SegmentData};
use super::masked_segment::MaskedSegment;
use crate::head::{HeadDictionary, Run};
use crate::row::{Bounds, Row, TimeRange};
use crate::segment::{BLOCK_ROWS, Match, SegmentError, Slots, Totals};

/// Rows of a bucket that share a dictionary: those of a view segment, or of a head.
#[derive(Debug)]
pub struct DataSource<'a> {
    rows: Rows<'a>,
}

#[derive(Debug)]
enum Rows<'a> {
    Segment {
        sealed: &'a MaskedSegment,
        data: SegmentData<'a>,
    },
    Head {
        dictionary: &'a Arc<HeadDictionary>,
        runs: Vec<&'a Arc<Run>>,
        open: Option<&'a OpenEvent>,
    },
}

/// An event whose data was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// The slot of its data.
    pub slot: u32,
    /// When it began, since 1970 in nanoseconds.
    pub start: i64,
    /// When it ended; before it began, if its duration is negative.
    pub end: i64,
    /// Its place in the source, for [`DataSource::id`].
    pub place: u64,
}

impl Occurrence {
    /// Whether it does not end before it begins.
    pub fn has_a_place_in_time(&self) -> bool {
        self.end >= self.start
    }
}

impl BucketView {
    /// The sources that may have events of the range.
    ///
    /// # Errors
    /// When a view segment is damaged.
    pub fn data_sources(&self, range: TimeRange) -> Result<Vec<DataSource<'_>>, SegmentError> {
        let bounds = range.bounds();
        let mut sources = Vec::new();
        for sealed in self.segments.iter() {
            let header = sealed.segment.header();
            if header.greatest_end >= bounds.from && header.least_start <= bounds.to {
                let (number, dictionary) = sealed.segment.numbered_dictionary()?;
                let data = SegmentData::new(number, dictionary);
                sources.push(DataSource {
                    rows: Rows::Segment { sealed, data },
                });
            }
        }
        let mut heads: Vec<Head<'_>> = Vec::new();
        for run in self.memory_runs() {
            add_to_head(&mut heads, run.dictionary(), |head| head.runs.push(run));
        }
        if let Some(open) = &self.open {
            add_to_head(&mut heads, &open.dictionary, |head| head.open = Some(open));
        }
        sources.extend(heads.into_iter().map(|head| DataSource {
            rows: Rows::Head {
                dictionary: head.dictionary,
                runs: head.runs,
                open: head.open,
            },
        }));
        Ok(sources)
    }
}

struct Head<'a> {
    dictionary: &'a Arc<HeadDictionary>,
    runs: Vec<&'a Arc<Run>>,
    open: Option<&'a OpenEvent>,
}

/// Adds to the head with this dictionary, which may be new.
fn add_to_head<'a>(
    heads: &mut Vec<Head<'a>>,
    dictionary: &'a Arc<HeadDictionary>,
    add: impl FnOnce(&mut Head<'a>),
) {
    let mut known = heads.iter_mut();
    if let Some(head) = known.find(|head| head.dictionary.number() == dictionary.number()) {
        return add(head);
    }
    let mut head = Head {
        dictionary,
        runs: Vec::new(),
        open: None,
    };
    add(&mut head);
    heads.push(head);
}

impl<'a> DataSource<'a> {
    /// Its distinct objects.
    pub fn dictionary(&self) -> DataDictionary<'a> {
        match &self.rows {
            Rows::Segment { data, .. } => DataDictionary::Segment(*data),
            Rows::Head { dictionary, .. } => DataDictionary::Head(HeadData::new(dictionary)),
        }
    }

    /// What each object adds up to in a range, if that is known without reading the rows: if all events lie in the range
    /// and none is hidden, of a view segment that has totals.
    ///
    /// # Errors
    /// When a view segment is damaged.
    pub fn totals(&self, range: TimeRange) -> Result<Option<Totals<'a>>, SegmentError> {
        let Rows::Segment { sealed, .. } = &self.rows else {
            return Ok(None);
        };
        let (bounds, header) = (range.bounds(), sealed.segment.header());
        let inside = bounds.from <= header.least_start && header.greatest_end <= bounds.to;
        match inside && sealed.hidden.is_empty() {
            true => sealed.segment.totals(),
            false => Ok(None),
        }
    }

    /// Gives the events that touch the range and whose data have a slot, some at a time.
    ///
    /// # Errors
    /// When a view segment is damaged, or those of `give`, which end the search.
    pub fn occurrences<E: From<SegmentError>>(
        &self,
        range: TimeRange,
        slots: &Slots,
        mut give: impl FnMut(&[Occurrence]) -> Result<(), E>,
    ) -> Result<(), E> {
        let bounds = range.bounds();
        match &self.rows {
            Rows::Segment { sealed, .. } => in_segment(sealed, &bounds, slots, give),
            Rows::Head { runs, open, .. } => {
                for (number, run) in runs.iter().enumerate() {
                    let first = (number as u64 + 1) << 32;
                    give(&in_rows(run.rows(), first, &bounds, slots))?;
                }
                match open {
                    Some(open) => give(&in_rows(std::slice::from_ref(&open.row), 0, &bounds, slots)),
                    None => Ok(()),
                }
            }
        }
    }

    /// The id of the event at a place that an [`Occurrence`] has named.
    ///
    /// # Errors
    /// When a view segment is damaged.
    pub fn id(&self, place: u64) -> Result<EventId, SegmentError> {
        let row = match &self.rows {
            Rows::Segment { sealed, .. } => sealed.segment.row(place as u32)?,
            Rows::Head { runs, open, .. } => match (place >> 32).checked_sub(1) {
                Some(run) => {
                    let run = runs.get(run as usize);
                    run.and_then(|run| run.rows().get(place as u32 as usize)).copied()
                }
                None => open.map(|open| open.row),
            },
        };
        Ok(row.map_or(EventId::NONE, |row| row.id))
    }

    /// Whether what was read of it is to be believed. If not, its file was damaged meanwhile; ask for the sources again.
    ///
    /// # Errors
    /// When it cannot be read now.
    pub fn holds(&self) -> Result<bool, SegmentError> {
        match &self.rows {
            Rows::Head { .. } => Ok(true),
            Rows::Segment { sealed, data } => Ok(sealed.segment.numbered_dictionary()?.0 == data.number()
                && sealed.segment.newer_dictionary(data.number())?.is_none()),
        }
    }
}

fn in_segment<E: From<SegmentError>>(
    sealed: &MaskedSegment,
    bounds: &Bounds,
    slots: &Slots,
    mut give: impl FnMut(&[Occurrence]) -> Result<(), E>,
) -> Result<(), E> {
    let segment = &sealed.segment;
    let (mut scratch, mut matches, mut found) = (Vec::new(), Vec::<Match>::new(), Vec::new());
    for block in 0..segment.block_end(bounds)? {
        let entry = segment.entry(block)?;
        if entry.greatest_end < bounds.from {
            continue;
        }
        matches.clear();
        found.clear();
        segment.read_matching(block, &sealed.hidden, slots, &mut scratch, &mut matches)?;
        let first = (block * BLOCK_ROWS) as u32;
        let hidden = sealed.hidden_in(first, entry.rows);
        for matching in &matches {
            let position = first + matching.index;
            let end = matching.start.saturating_add(matching.duration);
            let touches = end >= bounds.from.nanos() && matching.start <= bounds.to.nanos();
            if touches && hidden.binary_search(&position).is_err() {
                found.push(Occurrence {
                    slot: matching.slot,
                    start: matching.start,
                    end,
                    place: u64::from(position),
                });
            }
        }
        give(&found)?;
    }
    Ok(())
}

fn in_rows(rows: &[Row], first: u64, bounds: &Bounds, slots: &Slots) -> Vec<Occurrence> {
    let found = rows.iter().enumerate().filter(|(_, row)| bounds.touches(row));
    let found = found.filter_map(|(at, row)| {
        Some(Occurrence {
            slot: slots.of(i64::from(row.data))?,
            start: row.start.nanos(),
            end: row.end().nanos(),
            place: first | at as u64,
        })
    });
    found.collect()
}

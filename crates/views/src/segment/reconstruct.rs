//! Puts a damaged segment together again: what is whole of it stays where it is, the rest comes from the log.
//!
//! Rows keep their positions and data keep their numbers, because readers may hold both. The log does not say at which
//! position an event lies, but rows are sorted and the hidden positions are known: the events of a block that cannot be
//! read fill its other positions in order.

use rustc_hash::{FxHashMap, FxHashSet};
use timberline_log::Seq;
use timberline_model::{Duration, EventId, Timestamp};

use super::BLOCK_ROWS;
use super::block::Block;
use super::build::assemble;
use super::dictionary::{Dictionary, DictionaryBuilder};
use super::format::SegmentError;
use super::part::Part;
use super::read::Healed;
use crate::row::Row;

/// A damaged segment, and what is still to be found of it.
pub(crate) struct Reconstruction<'a> {
    part: &'a Part,
    hidden: &'a [u32],
    /// By position; the numbers of the data are those of the segment.
    rows: Vec<Option<Row>>,
    /// The newest seq of each block; [`Seq::NONE`] where it is not known.
    seqs: Vec<Seq>,
    /// `None` when it is damaged.
    dictionary: Option<Dictionary<'a>>,
    /// The text of each number, when the dictionary is damaged.
    texts: Vec<Option<Box<str>>>,
    /// Whether the dictionary is whole and has to be replaced all the same, by one that has more.
    extended: bool,
    /// Numbers of the data of the events that are shown and whose row could be read.
    known: FxHashMap<EventId, u32>,
    gaps: Vec<Gap>,
    /// Those of other damaged segments of the bucket.
    foreign: Vec<Gap>,
    found: Vec<(Row, Box<str>)>,
}

/// Blocks that cannot be read, next to one another: the positions in them that are not hidden, and between which rows their
/// events lie.
struct Gap {
    after: Row,
    before: Row,
    /// What the header of its segment says of all events: the greatest end, and the least and the greatest id.
    greatest_end: Timestamp,
    ids: (EventId, EventId),
    positions: Vec<u32>,
    /// Which of the events found take its positions.
    taken: Vec<usize>,
    /// Whether it is one of another segment.
    foreign: bool,
}

impl Gap {
    fn fits(&self, row: &Row) -> bool {
        self.taken.len() < self.positions.len() && self.after.cmp(row).is_le() && self.before.cmp(row).is_ge()
    }

    /// Whether the header agrees, too.
    fn suits(&self, row: &Row) -> bool {
        self.fits(row) && row.end() <= self.greatest_end && (self.ids.0..=self.ids.1).contains(&row.id)
    }
}

impl<'a> Reconstruction<'a> {
    /// Reads what can be read. `hidden` are the positions that nobody is shown any more.
    pub(crate) fn of(part: &'a Part, hidden: &'a [u32]) -> Reconstruction<'a> {
        let rows = part.header().rows as usize;
        let blocks = rows.div_ceil(BLOCK_ROWS);
        let mut this = Reconstruction {
            part,
            hidden,
            rows: vec![None; rows],
            seqs: vec![Seq::NONE; blocks],
            dictionary: part.dictionary().ok(),
            texts: Vec::new(),
            extended: false,
            known: FxHashMap::default(),
            gaps: Vec::new(),
            foreign: Vec::new(),
            found: Vec::new(),
        };
        let mut block = Block::default();
        let mut unreadable = Vec::new();
        let objects = this.dictionary.map(|dictionary| dictionary.objects());
        for number in 0..blocks {
            // A block that refers to data which is not there is as good as unreadable.
            let read = part.read_block(number, &mut block);
            let read = read.and_then(|()| match objects {
                Some(objects) => part.expect_data(number, &block, objects),
                None => Ok(()),
            });
            match read {
                Ok(()) => this.take(number, &block),
                Err(_) => unreadable.push(number),
            }
        }
        this.gaps = gaps(part, hidden, &unreadable);
        if this.dictionary.is_none() {
            let numbers = this.rows.iter().flatten().map(|row| row.data as usize + 1);
            this.texts = vec![None; numbers.max().unwrap_or(0)];
        }
        this
    }

    fn take(&mut self, number: usize, block: &Block) {
        let first = number * BLOCK_ROWS;
        let most = self.dictionary.map_or(self.rows.len() as u32, |d| d.objects());
        if let Some(seq) = self.seqs.get_mut(number) {
            *seq = block.greatest_seq();
        }
        for (i, slot) in self.rows.iter_mut().skip(first).take(block.len()).enumerate() {
            // No dictionary has more objects than its segment has rows.
            let Some(row) = block.row(i).filter(|row| row.data < most) else {
                continue;
            };
            *slot = Some(row);
            if self.hidden.binary_search(&((first + i) as u32)).is_err() {
                self.known.insert(row.id, row.data);
            }
        }
    }

    /// Takes note of the blocks of another damaged segment of the bucket that cannot be read either.
    pub(crate) fn leave_room_for(&mut self, part: &Part, hidden: &[u32], unreadable: &[usize]) {
        let gaps = gaps(part, hidden, unreadable).into_iter();
        self.foreign.extend(gaps.map(|gap| Gap { foreign: true, ..gap }));
    }

    /// Whether nothing is to be looked for.
    pub(crate) fn is_complete(&self) -> bool {
        self.gaps.is_empty() && self.dictionary.is_some()
    }

    /// Whether events are looked for that lie in blocks which cannot be read.
    pub(crate) fn has_gaps(&self) -> bool {
        !self.gaps.is_empty()
    }

    /// Whether a row could be one of those.
    pub(crate) fn could_be_missing(&self, row: &Row) -> bool {
        !self.gaps.is_empty() && !self.known.contains_key(&row.id)
    }

    /// Takes an event of the bucket, as the log has it, that does not lie anywhere else.
    pub(crate) fn offer(&mut self, row: &Row, write_text: impl FnOnce(&mut Vec<u8>)) {
        let read = |write: &mut dyn FnMut(&mut Vec<u8>)| {
            let mut text = Vec::new();
            write(&mut text);
            String::from_utf8_lossy(&text).into_owned().into_boxed_str()
        };
        let mut write_text = Some(write_text);
        let mut write = |out: &mut Vec<u8>| {
            if let Some(write) = write_text.take() {
                write(out);
            }
        };
        if let Some(number) = self.known.get(&row.id) {
            if let Some(slot @ None) = self.texts.get_mut(*number as usize) {
                *slot = Some(read(&mut write));
            }
        } else if self.could_be_missing(row) {
            self.found.push((*row, read(&mut write)));
        }
    }

    /// Puts together what was found. `newest` is a seq that nothing in the segment is newer than.
    ///
    /// # Errors
    /// When there is nothing to put together.
    pub(crate) fn finish(mut self, newest: Seq) -> Result<Healed, SegmentError> {
        self.fill_gaps();
        let own_dictionary = self.dictionary.is_none() || self.extended;
        let missing = self.missing();
        let mut before = self
            .rows
            .iter()
            .flatten()
            .next()
            .map_or(Timestamp::EPOCH, |row| row.start);
        let rows: Vec<Row> = (self.rows.iter())
            .map(|row| {
                let filler = Row {
                    start: before,
                    duration: Duration::ZERO,
                    id: EventId::NONE,
                    data: 0,
                };
                let row = row.unwrap_or(filler);
                before = row.start;
                row
            })
            .collect();
        let mut dictionary = DictionaryBuilder::new();
        for text in &self.texts {
            // Data of which no row is known: only events that are lost refer to it, and nobody can read those.
            dictionary.push_text(text.as_deref().unwrap_or("{}"));
        }
        let seq = |block: usize| match self.seqs.get(block) {
            Some(seq) if *seq > Seq::NONE => *seq,
            _ => newest,
        };
        let header = self.part.header();
        let bytes = assemble(header.bucket, &rows, seq, &dictionary)
            .ok_or_else(|| self.part.damaged("it has no events"))?;
        Ok(Healed {
            part: Part::in_memory(self.part.file(), bytes)?,
            own_dictionary,
            missing,
        })
    }

    /// Puts the events that were found at the positions that are open. Which of two damaged segments has an event does not
    /// matter, if only one of them has it.
    fn fill_gaps(&mut self) {
        self.found.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let found = std::mem::take(&mut self.found);
        let mut gaps = std::mem::take(&mut self.gaps);
        gaps.append(&mut self.foreign);
        assign(&mut gaps, &found);
        gaps.retain(|gap| !gap.foreign);
        let own: Vec<usize> = gaps.iter().flat_map(|gap| gap.taken.iter().copied()).collect();
        let texts = own.iter().filter_map(|n| found.get(*n)).map(|(_, text)| &**text);
        let numbers = self.numbers(texts);
        for gap in &gaps {
            for (position, taken) in gap.positions.iter().zip(&gap.taken) {
                if let Some((row, text)) = found.get(*taken)
                    && let Some(data) = numbers.get(&**text)
                    && let Some(slot) = self.rows.get_mut(*position as usize)
                {
                    *slot = Some(Row { data: *data, ..*row });
                }
            }
        }
    }

    /// The numbers of these texts: those that the dictionary gave them, and new ones for those it does not have, or if it
    /// is damaged.
    fn numbers<'t>(&mut self, texts: impl Iterator<Item = &'t str> + Clone) -> FxHashMap<&'t str, u32> {
        let mut numbers = FxHashMap::default();
        if let Some(dictionary) = self.dictionary {
            numbers = numbers_in(&dictionary, texts.clone().collect());
            if texts.clone().all(|text| numbers.contains_key(text)) {
                return numbers;
            }
            self.extended = true;
            let mut text = Vec::new();
            for number in 0..dictionary.objects() {
                text.clear();
                dictionary.write_text(number, &mut text);
                self.texts.push(Some(String::from_utf8_lossy(&text).into()));
            }
        }
        for text in texts {
            numbers.entry(text).or_insert_with(|| {
                self.texts.push(Some(text.into()));
                self.texts.len() as u32 - 1
            });
        }
        numbers
    }

    /// Positions without an event, or with one whose data is not known.
    fn missing(&self) -> Vec<u32> {
        let unknown = |row: &Option<Row>| match row {
            None => true,
            Some(_) if self.dictionary.is_some() => false,
            Some(row) => !matches!(self.texts.get(row.data as usize), Some(Some(_))),
        };
        let positions = (0u32..).zip(&self.rows);
        let missing = positions.filter(|(_, row)| unknown(row));
        missing.map(|(position, _)| position).collect()
    }
}

/// The blocks of a segment that cannot be read, as gaps between those that can.
fn gaps(part: &Part, hidden: &[u32], unreadable: &[usize]) -> Vec<Gap> {
    let header = part.header();
    let rows = header.rows;
    // Of equal starts, these come before and after all others.
    let earliest = Row {
        start: header.least_start,
        duration: Duration::MAX,
        id: EventId(u64::MAX),
        data: 0,
    };
    let latest = Row {
        start: header.greatest_start,
        duration: Duration::MIN,
        id: EventId::NONE,
        data: 0,
    };
    let mut block = Block::default();
    // A neighbour that can be read bounds a gap; if it was readable a moment ago and is no longer, nothing does.
    let mut neighbour = |number: Option<usize>, last: bool| {
        part.read_block(number?, &mut block).ok()?;
        block.row(if last { block.len().checked_sub(1)? } else { 0 })
    };
    let runs = unreadable.chunk_by(|a, b| a + 1 == *b);
    let gap = |run: &[usize]| {
        let (first, last) = (*run.first()?, *run.last()?);
        let begin = (first * BLOCK_ROWS) as u32;
        let end = (((last + 1) * BLOCK_ROWS) as u32).min(rows);
        let shown = (begin..end).filter(|p| hidden.binary_search(p).is_err());
        Some(Gap {
            after: neighbour(first.checked_sub(1), true).unwrap_or(earliest),
            before: neighbour(last.checked_add(1), false).unwrap_or(latest),
            greatest_end: header.greatest_end,
            ids: (header.least_id, header.greatest_id),
            positions: shown.collect(),
            taken: Vec::new(),
            foreign: false,
        })
    };
    runs.filter_map(gap).collect()
}

/// Gives each event that was found, in order, to a gap: of those that it suits, the one that closes earliest, so that each
/// gap keeps room for what only it can take. The few that then have no place go wherever the order permits.
fn assign(gaps: &mut [Gap], found: &[(Row, Box<str>)]) {
    gaps.sort_by(|a, b| a.before.cmp(&b.before));
    let mut without = Vec::new();
    for (n, (row, _)) in found.iter().enumerate() {
        match gaps.iter_mut().find(|gap| gap.suits(row)) {
            Some(gap) => gap.taken.push(n),
            None => without.push((n, row)),
        }
    }
    for (n, row) in without {
        if let Some(gap) = gaps.iter_mut().find(|gap| gap.fits(row)) {
            gap.taken.push(n);
        }
    }
    for gap in gaps {
        gap.taken.sort_unstable();
    }
}

/// The numbers that a dictionary gave to these texts.
fn numbers_in<'t>(dictionary: &Dictionary<'_>, wanted: FxHashSet<&'t str>) -> FxHashMap<&'t str, u32> {
    let mut numbers = FxHashMap::default();
    let mut text = Vec::new();
    for number in 0..dictionary.objects() {
        text.clear();
        dictionary.write_text(number, &mut text);
        if let Some(known) = std::str::from_utf8(&text).ok().and_then(|t| wanted.get(t)) {
            numbers.insert(*known, number);
        }
    }
    numbers
}

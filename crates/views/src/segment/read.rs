//! Reads a view segment. What is damaged is healed from the log, once. Readers wait for that and need not know of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use timberline_disk::Storage;
use timberline_log::Seq;
use timberline_model::{EventId, Timestamp};

use super::BLOCK_ROWS;
use super::block::Block;
use super::dictionary::Dictionary;
use super::format::{Entry, Header, SegmentError};
use super::part::Part;
use super::slots::{Match, Slots};
use super::totals::{Totals, TotalsBuilder};
use crate::row::{Bounds, Row};

/// After healing has failed, reads fail at once for this long before it is tried again.
const RETRY: Duration = Duration::from_secs(60);

/// Puts damaged view segments together again.
pub(crate) trait Heal: std::fmt::Debug + Send + Sync {
    /// Takes note of a damaged segment, once for each.
    fn found(&self, segment: &ViewSegment, why: &SegmentError);

    /// What takes the place of a damaged segment in this process.
    ///
    /// # Errors
    /// When it cannot be put together now.
    fn heal(&self, segment: &ViewSegment, why: &SegmentError) -> Result<Healed, SegmentError>;
}

/// What stands in for a damaged segment until a new file takes its place: the same rows at the same positions, so that
/// whoever holds positions, or numbers of its data, need not know.
pub(crate) struct Healed {
    pub(super) part: Part,
    /// Whether the dictionary is the new part's; otherwise the old one is whole and stays in use.
    pub(super) own_dictionary: bool,
    /// Positions whose event is not known, sorted. Those that were hidden are of no interest; the others are lost.
    pub(super) missing: Vec<u32>,
}

/// An immutable, memory-mapped file of one bucket's events.
pub(crate) struct ViewSegment {
    original: Part,
    healer: Option<Arc<dyn Heal>>,
    healed: OnceLock<Healed>,
    /// Held while it is healed, so that one reader does it and the others wait; when that failed last.
    healing: Mutex<Option<Instant>>,
    damaged: AtomicBool,
}

impl std::fmt::Debug for ViewSegment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ViewSegment")
            .field("file", &self.file())
            .field("rows", &self.rows())
            .finish()
    }
}

impl ViewSegment {
    /// Maps a segment. Only its header is read: start-up does not grow with history.
    ///
    /// # Errors
    /// When the file is missing, is no view segment, is of a newer version, or its header is damaged.
    pub(crate) fn open(
        storage: &dyn Storage,
        file: &str,
        healer: Option<Arc<dyn Heal>>,
    ) -> Result<ViewSegment, SegmentError> {
        Ok(ViewSegment::of(Part::open(storage, file)?, healer))
    }

    /// Stands for a file of this many rows of which not even the header can be read: the first read heals it.
    pub(crate) fn unreadable(
        file: &str,
        bucket: u32,
        rows: u32,
        why: &SegmentError,
        healer: Arc<dyn Heal>,
    ) -> ViewSegment {
        let header = Header {
            bucket,
            rows,
            blocks: rows.div_ceil(BLOCK_ROWS as u32),
            negative: true,
            least_start: Timestamp::MIN,
            greatest_start: Timestamp::MAX,
            greatest_end: Timestamp::MAX,
            least_id: EventId::NONE,
            greatest_id: EventId(u64::MAX),
            greatest_seq: Seq(u64::MAX),
            index_at: 0,
            totals_at: 0,
            dictionary_at: 0,
            length: u64::MAX,
        };
        let what = match why {
            SegmentError::Damaged { what, .. } => what.clone(),
            other => other.to_string(),
        };
        let segment = ViewSegment::of(Part::unreadable(file, header, what), Some(healer));
        segment.note(why);
        segment
    }

    fn of(original: Part, healer: Option<Arc<dyn Heal>>) -> ViewSegment {
        ViewSegment {
            original,
            healer,
            healed: OnceLock::new(),
            healing: Mutex::new(None),
            damaged: AtomicBool::new(false),
        }
    }

    pub(crate) fn file(&self) -> &str {
        self.original.file()
    }

    /// The bytes of the file itself, whatever is wrong with them.
    pub(crate) fn original(&self) -> &Part {
        &self.original
    }

    /// What is read without healing anything.
    pub(crate) fn as_it_is(&self) -> &Part {
        self.healed.get().map_or(&self.original, |healed| &healed.part)
    }

    /// Whether a new file is to take its place.
    pub(crate) fn is_damaged(&self) -> bool {
        self.damaged.load(Ordering::Relaxed)
    }

    pub(crate) fn header(&self) -> &Header {
        self.as_it_is().header()
    }

    pub(crate) fn rows(&self) -> u64 {
        u64::from(self.original.header().rows)
    }

    pub(crate) fn blocks(&self) -> usize {
        self.original.header().blocks as usize
    }

    /// Gives the memory of the mapping back, after all of it has been read once: an export or a merge of ten years
    /// should not leave ten years resident.
    pub(crate) fn release(&self) {
        self.original.release();
    }

    /// Bytes of the file; 0 if not even its header can be read.
    pub(crate) fn size(&self) -> u64 {
        match self.header().length {
            u64::MAX => 0,
            length => length,
        }
    }

    /// Reads from what is there, and once more if that had to be healed.
    fn read<'a, T>(
        &'a self,
        mut read: impl FnMut(&'a Part) -> Result<T, SegmentError>,
    ) -> Result<T, SegmentError> {
        if let Some(healed) = self.healed.get() {
            return read(&healed.part);
        }
        match self.original.expect_whole().and_then(|()| read(&self.original)) {
            Err(why @ SegmentError::Damaged { .. }) => read(&self.heal(why)?.part),
            result => result,
        }
    }

    fn note(&self, why: &SegmentError) {
        if !self.damaged.swap(true, Ordering::Relaxed)
            && let Some(healer) = &self.healer
        {
            healer.found(self, why);
        }
    }

    fn heal(&self, why: SegmentError) -> Result<&Healed, SegmentError> {
        self.note(&why);
        let Some(healer) = &self.healer else {
            return Err(why);
        };
        let mut failed = self.healing.lock();
        if let Some(healed) = self.healed.get() {
            return Ok(healed);
        }
        if failed.is_some_and(|at| at.elapsed() < RETRY) {
            return Err(why);
        }
        match healer.heal(self, &why) {
            Ok(healed) => Ok(self.healed.get_or_init(|| healed)),
            Err(error) => {
                *failed = Some(timberline_clock::monotonic());
                Err(error)
            }
        }
    }

    /// The entry of a block in the index.
    pub(crate) fn entry(&self, block: usize) -> Result<Entry, SegmentError> {
        self.read(|part| part.entry(block))
    }

    /// The distinct data of this segment.
    pub(crate) fn dictionary(&self) -> Result<Dictionary<'_>, SegmentError> {
        Ok(self.numbered_dictionary()?.1)
    }

    /// The same with what it is known by in this process.
    pub(crate) fn numbered_dictionary(&self) -> Result<(u64, Dictionary<'_>), SegmentError> {
        let of = |part: &'_ Part| part.dictionary_number();
        if let Some(healed) = self.healed.get() {
            let part = healed.dictionary_of(&self.original);
            return Ok((of(part), part.dictionary()?));
        }
        match self
            .original
            .expect_whole()
            .and_then(|()| self.original.dictionary())
        {
            Err(why @ SegmentError::Damaged { .. }) => {
                let part = self.heal(why)?.dictionary_of(&self.original);
                Ok((of(part), part.dictionary()?))
            }
            dictionary => Ok((of(&self.original), dictionary?)),
        }
    }

    /// What each object adds up to, hidden rows included. None if the file is older than totals are, or damaged.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn totals(&self) -> Result<Option<Totals<'_>>, SegmentError> {
        if self.is_damaged() {
            return Ok(None);
        }
        let totals = self.read(Part::totals)?;
        // It may have turned out to be damaged.
        Ok(totals.filter(|_| !self.is_damaged()))
    }

    /// The dictionary to go on with after a block was read, if it is another than the one of this number: the segment was
    /// healed meanwhile. It has the same objects under the same numbers, and maybe more.
    pub(crate) fn newer_dictionary(
        &self,
        number: u64,
    ) -> Result<Option<(u64, Dictionary<'_>)>, SegmentError> {
        if !self.is_damaged() {
            return Ok(None);
        }
        let newer = self.numbered_dictionary()?;
        Ok(Some(newer).filter(|(now, _)| *now != number))
    }

    /// Whether a dictionary that was taken under this number is still what it was: its file may have been cut short
    /// under the mapping since, and then what was read of it last is not to be believed.
    pub(crate) fn dictionary_holds(&self, number: u64) -> Result<(), SegmentError> {
        if number != self.original.dictionary_number() {
            return Ok(());
        }
        self.original.expect_whole()
    }

    /// Decodes a block.
    #[cfg(test)]
    pub(crate) fn block(&self, number: usize) -> Result<Block, SegmentError> {
        let mut block = Block::default();
        self.read_block(number, &mut block)?;
        Ok(block)
    }

    /// Decodes a block into buffers that are there already. Rows that are missing have the id 0, which no event has.
    pub(crate) fn read_block(&self, number: usize, into: &mut Block) -> Result<(), SegmentError> {
        self.read(|part| part.read_block(number, into))
    }

    /// The same as [`ViewSegment::read_with_data`] without the ids, which are a third of the work.
    ///
    /// # Errors
    /// Also when one of them is missing.
    pub(crate) fn read_shown_times(
        &self,
        number: usize,
        hidden: &[u32],
        dictionary: &Dictionary<'_>,
        into: &mut Block,
    ) -> Result<(), SegmentError> {
        self.read(|part| {
            part.read_columns(number, [true, true, false, true], into)?;
            part.expect_data(number, into, dictionary.objects())
        })?;
        self.expect_known(number, hidden)
    }

    /// Appends the rows of a block whose data have a slot; for somebody who shows all rows but those at the hidden
    /// positions.
    ///
    /// # Errors
    /// Also when one of them is missing.
    pub(crate) fn read_matching(
        &self,
        number: usize,
        hidden: &[u32],
        slots: &Slots,
        found: &mut Vec<(u32, i64)>,
        out: &mut Vec<Match>,
    ) -> Result<(), SegmentError> {
        self.read(|part| part.read_matching(number, slots, found, out))?;
        self.expect_known(number, hidden)
    }

    /// The same for somebody who shows all rows but those at the hidden positions.
    ///
    /// # Errors
    /// Also when one of them is missing.
    pub(crate) fn read_shown(
        &self,
        number: usize,
        hidden: &[u32],
        into: &mut Block,
    ) -> Result<(), SegmentError> {
        self.read_block(number, into)?;
        self.expect_known(number, hidden)
    }

    /// The same for somebody who also reads the data: each row refers to an object of this dictionary, or of the newer one
    /// ([`ViewSegment::newer_dictionary`]).
    ///
    /// # Errors
    /// Also when one of them is missing.
    pub(crate) fn read_with_data(
        &self,
        number: usize,
        hidden: &[u32],
        dictionary: &Dictionary<'_>,
        into: &mut Block,
    ) -> Result<(), SegmentError> {
        self.read(|part| {
            part.read_block(number, into)?;
            part.expect_data(number, into, dictionary.objects())
        })?;
        self.expect_known(number, hidden)
    }

    /// Why a row that was found by its position has no data: its block is damaged, and is healed for those who read next.
    pub(crate) fn without_data(&self, row: &Row) -> SegmentError {
        let why = self.original.damaged(format!(
            "its dictionary does not have the data of event {}",
            row.id
        ));
        self.heal(why.clone()).err().unwrap_or(why)
    }

    /// Fails if an event of this block is missing that is not hidden.
    pub(crate) fn expect_known(&self, block: usize, hidden: &[u32]) -> Result<(), SegmentError> {
        let first = (block * BLOCK_ROWS) as u32;
        let missing = self.missing_in(first, first.saturating_add(BLOCK_ROWS as u32));
        let shown = missing.iter().filter(|p| hidden.binary_search(p).is_err());
        match shown.count() {
            0 => Ok(()),
            events => Err(SegmentError::Lost {
                file: self.file().into(),
                events,
            }),
        }
    }

    /// Positions of events that are missing, sorted.
    pub(crate) fn missing(&self) -> &[u32] {
        self.healed.get().map_or(&[], |healed| &healed.missing)
    }

    pub(crate) fn is_missing(&self, position: u32) -> bool {
        self.missing().binary_search(&position).is_ok()
    }

    fn missing_in(&self, from: u32, to: u32) -> &[u32] {
        let missing = self.missing();
        let begin = missing.partition_point(|p| *p < from);
        let end = missing.partition_point(|p| *p < to);
        missing.get(begin..end).unwrap_or_default()
    }

    /// The blocks that may hold events of the range, as `first..end`: those before `first` may too when an event of
    /// theirs is long, which each block's greatest end tells.
    pub(crate) fn block_end(&self, bounds: &Bounds) -> Result<usize, SegmentError> {
        let (mut low, mut high) = (0, self.blocks());
        while low < high {
            let middle = low.midpoint(high);
            if self.entry(middle)?.least_start <= bounds.to {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// Position of the event with this id.
    pub(crate) fn find(&self, id: EventId) -> Result<Option<u32>, SegmentError> {
        let header = self.header();
        if id < header.least_id || id > header.greatest_id {
            return Ok(None);
        }
        let mut block = Block::default();
        for b in (0..self.blocks()).rev() {
            let entry = self.entry(b)?;
            if id < entry.least_id || id > entry.greatest_id {
                continue;
            }
            self.read_block(b, &mut block)?;
            if let Some(i) = block.columns[2].iter().position(|v| *v as u64 == id.0) {
                return Ok(Some((b * BLOCK_ROWS + i) as u32));
            }
        }
        Ok(None)
    }

    /// Positions and rows of the events with these ids, which are sorted. Only blocks that may hold one are read. An event
    /// that is lost is not found, and does not keep its neighbours from being found.
    pub(crate) fn locate(&self, ids: &[EventId]) -> Result<Vec<(u32, Row)>, SegmentError> {
        let any_between = |least: EventId, greatest: EventId| {
            let from = ids.partition_point(|id| *id < least);
            ids.get(from).is_some_and(|id| *id <= greatest)
        };
        let mut found = Vec::new();
        let header = self.header();
        if !any_between(header.least_id, header.greatest_id) {
            return Ok(found);
        }
        let mut block = Block::default();
        for b in 0..self.blocks() {
            let entry = self.entry(b)?;
            if !any_between(entry.least_id, entry.greatest_id) {
                continue;
            }
            self.read_block(b, &mut block)?;
            let rows = (0..block.len()).filter_map(|i| Some(((b * BLOCK_ROWS + i) as u32, block.row(i)?)));
            let is_asked = |row: &Row| row.id != EventId::NONE && ids.binary_search(&row.id).is_ok();
            found.extend(rows.filter(|(_, row)| is_asked(row)));
        }
        Ok(found)
    }

    /// The row at a position.
    pub(crate) fn row(&self, position: u32) -> Result<Option<Row>, SegmentError> {
        let mut block = Block::default();
        self.read_block(position as usize / BLOCK_ROWS, &mut block)?;
        if self.is_missing(position) {
            return Err(SegmentError::Lost {
                file: self.file().into(),
                events: 1,
            });
        }
        Ok(block.row(position as usize % BLOCK_ROWS))
    }

    /// Has everything checked again when it is next read: disks forget.
    pub(crate) fn distrust(&self) {
        self.as_it_is().distrust();
    }

    /// The rows at these positions, which are sorted, without those that are missing.
    pub(crate) fn rows_at(&self, positions: &[u32]) -> Result<Vec<Row>, SegmentError> {
        let mut rows = Vec::with_capacity(positions.len());
        let mut block = Block::default();
        let number = |position: &u32| *position as usize / BLOCK_ROWS;
        for part in positions.chunk_by(|a, b| number(a) == number(b)) {
            let Some(first) = part.first() else { continue };
            self.read_block(number(first), &mut block)?;
            rows.extend(
                part.iter()
                    .filter_map(|position| block.row(*position as usize % BLOCK_ROWS))
                    .filter(|row| row.id != EventId::NONE),
            );
        }
        Ok(rows)
    }

    /// Reads everything once and compares every checksum.
    ///
    /// # Errors
    /// The first damage found.
    pub(crate) fn verify(&self) -> Result<(), SegmentError> {
        self.as_it_is().distrust();
        let objects = self.dictionary()?.objects();
        let (mut rows, mut block) = (0u64, Block::default());
        let mut previous: Option<Row> = None;
        let mut totals = TotalsBuilder::default();
        for b in 0..self.blocks() {
            self.read_block(b, &mut block)?;
            for i in 0..block.len() {
                let Some(row) = block.row(i) else { continue };
                rows += 1;
                if self.is_missing((b * BLOCK_ROWS + i) as u32) {
                    continue;
                }
                if row.data >= objects {
                    return Err(self
                        .original
                        .damaged(format!("event {} refers to data that is not there", row.id)));
                }
                if previous.is_some_and(|p| p.cmp(&row).is_gt()) {
                    return Err(self.original.damaged(format!("event {} is out of order", row.id)));
                }
                previous = Some(row);
                totals.add(&row);
            }
        }
        if let Some(stored) = self.totals()?
            && !(0..objects)
                .zip(totals.of(objects))
                .all(|(object, of)| stored.get(object) == Some(of))
        {
            return Err(self.original.damaged("its totals are not those of its events"));
        }
        if rows != self.rows() {
            return Err(self
                .original
                .damaged(format!("it has {rows} events instead of {}", self.rows())));
        }
        Ok(())
    }
}

impl Healed {
    /// How many events are missing that are not hidden.
    pub(crate) fn lost(&self, hidden: &[u32]) -> u64 {
        let shown = (self.missing.iter()).filter(|p| hidden.binary_search(p).is_err());
        shown.count() as u64
    }

    fn dictionary_of<'a>(&'a self, original: &'a Part) -> &'a Part {
        if self.own_dictionary { &self.part } else { original }
    }
}

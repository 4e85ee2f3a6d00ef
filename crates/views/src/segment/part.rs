//! The bytes of a view segment, each part of them checked when it is first read.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use timberline_disk::{IoError, ReadRegion, Storage};

use super::BLOCK_ROWS;
use super::block::Block;
use super::dictionary::Dictionary;
use super::format::{ENTRY, Entry, HEADER, Header, SegmentError};
use super::pack::Packing;
use super::slots::{Match, Slots};
use super::totals::Totals;
use crate::head::next_dictionary;

/// Start, duration, id and data.
const ALL_COLUMNS: [bool; 4] = [true; 4];

/// A view segment's bytes, wherever they are.
pub(crate) struct Part {
    file: String,
    header: Header,
    bytes: Bytes,
    /// What its dictionary is known by in this process.
    dictionary_number: u64,
    index_checked: AtomicBool,
    totals_checked: AtomicBool,
    dictionary_checked: AtomicBool,
    blocks_checked: Box<[AtomicBool]>,
    /// Whether everything that the dictionary refers to is in it. Bytes with the same checksum refer to the same, so this is
    /// looked at once and never forgotten, as is which blocks refer only to data that is there.
    dictionary_sound: AtomicBool,
    blocks_sound: Box<[AtomicBool]>,
    /// The last bytes of a mapped file, from when it was first read on.
    tail: OnceLock<[u8; 4]>,
}

fn tail(region: &dyn ReadRegion) -> [u8; 4] {
    let end = region.len();
    let bytes = region.read(end.saturating_sub(4)..end);
    bytes.last_chunk::<4>().copied().unwrap_or_default()
}

fn unchecked(blocks: u32) -> Box<[AtomicBool]> {
    (0..blocks).map(|_| AtomicBool::new(false)).collect()
}

/// A block as it lies in the file.
struct Packed<'a> {
    number: usize,
    entry: Entry,
    body: &'a [u8],
}

enum Bytes {
    /// The mapping of the file.
    Mapped(Arc<dyn ReadRegion>),
    /// What was put together in memory in place of a damaged file.
    Memory(Vec<u8>),
    /// Nothing: the file is missing or its header does not hold, for this reason.
    Unreadable(String),
}

impl Part {
    /// Maps a file. Only its header is read: start-up does not grow with history.
    pub(super) fn open(storage: &dyn Storage, file: &str) -> Result<Part, SegmentError> {
        let path = storage.path().join(file);
        let io = |source| {
            SegmentError::Io(Arc::new(IoError {
                op: "read",
                path: path.clone(),
                source,
            }))
        };
        // The header is copied: a first touch of the mapping would make the system read megabytes around it.
        let reader = storage.open_read(file).map_err(io)?;
        let mut bytes = [0; HEADER];
        let read = reader.read_at(0, &mut bytes).map_err(io)?;
        let header = Header::parse(
            file,
            bytes.get(..read).unwrap_or_default(),
            reader.len().map_err(io)?,
        )?;
        expect_to_fit(file, &header)?;
        let region = storage.open_read_region(file).map_err(io)?;
        Ok(Part::new(file, header, Bytes::Mapped(region)))
    }

    /// What was put together in memory.
    pub(super) fn in_memory(file: &str, bytes: Vec<u8>) -> Result<Part, SegmentError> {
        let header = Header::parse(file, &bytes, bytes.len() as u64)?;
        expect_to_fit(file, &header)?;
        Ok(Part::new(file, header, Bytes::Memory(bytes)))
    }

    /// Stands for a file of which not even the header can be read.
    pub(super) fn unreadable(file: &str, header: Header, why: String) -> Part {
        Part::new(file, header, Bytes::Unreadable(why))
    }

    fn new(file: &str, header: Header, bytes: Bytes) -> Part {
        Part {
            file: file.into(),
            dictionary_number: next_dictionary(),
            bytes,
            index_checked: AtomicBool::new(false),
            totals_checked: AtomicBool::new(false),
            dictionary_checked: AtomicBool::new(false),
            blocks_checked: unchecked(header.blocks),
            dictionary_sound: AtomicBool::new(false),
            blocks_sound: unchecked(header.blocks),
            header,
            tail: OnceLock::new(),
        }
    }

    pub(super) fn file(&self) -> &str {
        &self.file
    }

    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    pub(super) fn dictionary_number(&self) -> u64 {
        self.dictionary_number
    }

    pub(super) fn release(&self) {
        if let Bytes::Mapped(region) = &self.bytes {
            region.release();
        }
    }

    pub(super) fn damaged(&self, what: impl Into<String>) -> SegmentError {
        SegmentError::Damaged {
            file: self.file.clone(),
            what: what.into(),
        }
    }

    /// Whether what was checked once still holds: the file was not cut short under its mapping. Whatever cuts it
    /// changes its last bytes, or takes them away, which the region knows after they were asked for.
    fn is_whole(&self) -> bool {
        match &self.bytes {
            Bytes::Mapped(region) => {
                let tail = self.tail.get_or_init(|| tail(&**region));
                *tail == self::tail(&**region) && region.is_whole()
            }
            Bytes::Memory(_) => true,
            Bytes::Unreadable(_) => false,
        }
    }

    /// Fails if the file was cut short under its mapping.
    pub(super) fn expect_whole(&self) -> Result<(), SegmentError> {
        match &self.bytes {
            _ if self.is_whole() => Ok(()),
            Bytes::Unreadable(why) => Err(self.damaged(why.clone())),
            _ => Err(self.damaged("it was cut short, or the disk cannot read it")),
        }
    }

    fn bytes(&self, from: u64, to: u64) -> Result<&[u8], SegmentError> {
        let beyond = || self.damaged(format!("bytes {from}..{to} are beyond its end"));
        let (from, to) = (from as usize, to as usize);
        if from > to || to as u64 > self.header.length {
            return Err(beyond());
        }
        match &self.bytes {
            Bytes::Mapped(region) => Ok(region.read(from..to)),
            Bytes::Memory(bytes) => bytes.get(from..to).ok_or_else(beyond),
            Bytes::Unreadable(why) => Err(self.damaged(why.clone())),
        }
    }

    /// A section without the checksum at its end, which is compared the first time.
    fn section(&self, from: u64, to: u64, checked: &AtomicBool, name: &str) -> Result<&[u8], SegmentError> {
        let bytes = self.bytes(from, to)?;
        let (body, crc) = bytes
            .split_last_chunk::<4>()
            .ok_or_else(|| self.damaged(format!("its {name} is missing")))?;
        if !(checked.load(Ordering::Relaxed) && self.is_whole()) {
            if crc32fast::hash(body) != u32::from_le_bytes(*crc) {
                return Err(self.damaged(format!("its {name} at byte {from} is damaged")));
            }
            checked.store(true, Ordering::Relaxed);
        }
        Ok(body)
    }

    fn index(&self) -> Result<&[u8], SegmentError> {
        self.section(
            self.header.index_at,
            self.header.totals_at,
            &self.index_checked,
            "index",
        )
    }

    /// The entry of a block in the index.
    pub(super) fn entry(&self, block: usize) -> Result<Entry, SegmentError> {
        let at = block * ENTRY;
        let bytes = self.index()?.get(at..at + ENTRY);
        let entry = bytes
            .and_then(Entry::parse)
            .ok_or_else(|| self.damaged(format!("it has no block {block}")))?;
        // Cut short while it was read? What is left of the index is checked again.
        if !self.is_whole() {
            self.index()?;
        }
        Ok(entry)
    }

    /// The totals; a file of version 1 has none.
    pub(super) fn totals(&self) -> Result<Option<Totals<'_>>, SegmentError> {
        let Header {
            totals_at,
            dictionary_at,
            ..
        } = self.header;
        if totals_at == dictionary_at {
            return Ok(None);
        }
        let bytes = self.section(totals_at, dictionary_at, &self.totals_checked, "totals")?;
        let totals = Totals::parse(bytes).ok_or_else(|| self.damaged("its totals are malformed"))?;
        Ok(Some(totals))
    }

    pub(super) fn dictionary(&self) -> Result<Dictionary<'_>, SegmentError> {
        let bytes = self.section(
            self.header.dictionary_at,
            self.header.length,
            &self.dictionary_checked,
            "dictionary",
        )?;
        let dictionary =
            Dictionary::parse(bytes).ok_or_else(|| self.damaged("its dictionary is malformed"))?;
        if !self.dictionary_sound.load(Ordering::Relaxed) {
            if !dictionary.is_sound() {
                return Err(self.damaged("its dictionary refers to what is not in it"));
            }
            self.dictionary_sound.store(true, Ordering::Relaxed);
        }
        Ok(dictionary)
    }

    /// Fails if a row of a block that was just read refers to data beyond the dictionary, which has so many objects.
    pub(super) fn expect_data(&self, number: usize, block: &Block, objects: u32) -> Result<(), SegmentError> {
        let refers = || {
            block
                .data()
                .iter()
                .all(|data| (0..i64::from(objects)).contains(data))
        };
        // What was put together in memory refers to its own dictionary, or to that of the file, which has all it needs.
        if matches!(self.bytes, Bytes::Memory(_)) {
            return Ok(());
        }
        let sound = self.blocks_sound.get(number);
        if sound.is_some_and(|sound| sound.load(Ordering::Relaxed)) {
            debug_assert!(!self.is_whole() || refers(), "block {number} was sound");
            return Ok(());
        }
        if !refers() {
            return Err(self.refers_beyond(number));
        }
        if let Some(sound) = sound {
            sound.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Decodes a block into buffers that are there already.
    pub(crate) fn read_block(&self, number: usize, into: &mut Block) -> Result<(), SegmentError> {
        self.read_columns(number, ALL_COLUMNS, into)
    }

    /// The same for those of the columns that are wanted; the others are left empty.
    pub(super) fn read_columns(
        &self,
        number: usize,
        wanted: [bool; 4],
        into: &mut Block,
    ) -> Result<(), SegmentError> {
        let packed = self.packed(number)?;
        let n = packed.entry.rows as usize;
        for ((at, column), wanted) in (0..).zip(&mut into.columns).zip(wanted) {
            let (packing, bytes) = self.column(&packed, at)?;
            match wanted {
                true => packing.read(bytes, n, column),
                false => column.clear(),
            }
        }
        into.greatest_seq = packed.entry.greatest_seq;
        into.rows = n;
        self.expect_unchanged(&packed)
    }

    /// Appends the rows of a block whose data have a slot, each as its position in the block, its slot, start and
    /// duration. Of the other rows, only the numbers of their data are decoded.
    pub(super) fn read_matching(
        &self,
        number: usize,
        slots: &Slots,
        found: &mut Vec<(u32, i64)>,
        out: &mut Vec<Match>,
    ) -> Result<(), SegmentError> {
        let packed = self.packed(number)?;
        let (packing, bytes) = self.column(&packed, 3)?;
        let may_refer_beyond = packing.greatest() >= i64::from(slots.objects());
        if !slots.may_have(packing.base, packing.greatest()) && !may_refer_beyond {
            return Ok(());
        }
        let begun = out.len();
        let (starts, start_bytes) = self.column(&packed, 0)?;
        let (durations, duration_bytes) = self.column(&packed, 1)?;
        found.clear();
        let n = packed.entry.rows as usize;
        let refers = packing.find(bytes, n, slots.objects(), |number| slots.has(number), found);
        for (index, number) in found {
            let at = *index as usize;
            out.extend(slots.of(*number).map(|slot| Match {
                index: *index,
                slot,
                start: starts.get(start_bytes, at),
                duration: durations.get(duration_bytes, at),
            }));
        }
        let believed = self.expect_unchanged(&packed).and_then(|()| match &self.bytes {
            // What was put together in memory refers to what it has.
            Bytes::Mapped(_) if !refers => Err(self.refers_beyond(number)),
            _ => Ok(()),
        });
        if believed.is_err() {
            out.truncate(begun);
        }
        believed
    }

    fn refers_beyond(&self, number: usize) -> SegmentError {
        self.damaged(format!("block {number} refers to data that is not there"))
    }

    /// A block as it lies in the file, checked when it is first read.
    fn packed(&self, number: usize) -> Result<Packed<'_>, SegmentError> {
        let entry = self.entry(number)?;
        let body = self.bytes(entry.offset, entry.offset.saturating_add(u64::from(entry.length)))?;
        let checked = self.blocks_checked.get(number);
        let packed = Packed { number, entry, body };
        if !checked.is_some_and(|c| c.load(Ordering::Relaxed) && self.is_whole()) {
            if crc32fast::hash(body) != entry.crc || entry.rows as usize > BLOCK_ROWS {
                return Err(self.damaged_block(&packed));
            }
            if let Some(c) = checked {
                c.store(true, Ordering::Relaxed);
            }
        }
        Ok(packed)
    }

    fn damaged_block(&self, packed: &Packed<'_>) -> SegmentError {
        let Packed { number, entry, .. } = packed;
        self.damaged(format!("block {number} at byte {} is damaged", entry.offset))
    }

    /// One of the four columns of a block.
    fn column<'a>(&self, packed: &Packed<'a>, at: usize) -> Result<(Packing, &'a [u8]), SegmentError> {
        let n = packed.entry.rows as usize;
        let before = packed.entry.columns.iter().take(at);
        let from = before.map(|packing| packing.size(n)).sum::<usize>();
        let column = packed.entry.columns.get(at).and_then(|packing| {
            let bytes = packed.body.get(from..from + packing.size(n))?;
            Some((*packing, bytes))
        });
        column.ok_or_else(|| {
            let number = packed.number;
            self.damaged(format!("block {number} is shorter than its columns"))
        })
    }

    /// Fails if the file was cut short while a block of it was decoded.
    fn expect_unchanged(&self, packed: &Packed<'_>) -> Result<(), SegmentError> {
        if !self.is_whole() && crc32fast::hash(packed.body) != packed.entry.crc {
            return Err(self.damaged_block(packed));
        }
        Ok(())
    }

    /// Forgets what was checked.
    pub(super) fn distrust(&self) {
        for c in self.blocks_checked.iter().chain([
            &self.index_checked,
            &self.totals_checked,
            &self.dictionary_checked,
        ]) {
            c.store(false, Ordering::Relaxed);
        }
    }
}

/// Whether the sections fit together: asked before memory is taken for each block or row that the header speaks of.
fn expect_to_fit(file: &str, header: &Header) -> Result<(), SegmentError> {
    let index_end = header
        .index_at
        .checked_add(u64::from(header.blocks) * ENTRY as u64 + 4);
    let fits = index_end == Some(header.totals_at)
        && header.totals_at <= header.dictionary_at
        && header.dictionary_at <= header.length;
    if !fits || header.rows.div_ceil(BLOCK_ROWS as u32) != header.blocks {
        return Err(SegmentError::Damaged {
            file: file.into(),
            what: "its sections do not fit together".into(),
        });
    }
    Ok(())
}

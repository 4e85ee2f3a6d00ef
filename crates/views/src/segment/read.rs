//! Reads a view segment through its mapping, checking each part the first time it is touched.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use timberline_log::{Access, Region, Storage};

use super::BLOCK_ROWS;
use super::dictionary::Dictionary;
use super::format::{ENTRY, Entry, HEADER, Header, SegmentError};
use crate::head::next_dictionary;
use crate::row::{Bounds, Row};

/// An immutable, memory-mapped file of one bucket's events.
pub(crate) struct ViewSegment {
    file: String,
    /// What its dictionary is known by in this process.
    dictionary_number: u64,
    region: Arc<dyn Region>,
    header: Header,
    index_checked: AtomicBool,
    dictionary_checked: AtomicBool,
    blocks_checked: Box<[AtomicBool]>,
}

impl std::fmt::Debug for ViewSegment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ViewSegment")
            .field("file", &self.file)
            .field("rows", &self.header.rows)
            .finish()
    }
}

impl ViewSegment {
    /// Maps a segment. Only its header is read: start-up does not grow with history.
    ///
    /// # Errors
    /// When the file is missing, is no view segment, is of a newer version, or its header is damaged.
    pub(crate) fn open(storage: &dyn Storage, file: &str) -> Result<ViewSegment, SegmentError> {
        let io = |e: std::io::Error| SegmentError::Io {
            file: file.into(),
            error: e.to_string(),
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
        // Before memory is taken for each block or row that the header speaks of.
        let index_end = header
            .index_at
            .checked_add(u64::from(header.blocks) * ENTRY as u64 + 4);
        let fits = index_end == Some(header.dictionary_at) && header.dictionary_at <= header.length;
        if !fits || header.rows.div_ceil(BLOCK_ROWS as u32) != header.blocks {
            return Err(SegmentError::Damaged {
                file: file.into(),
                what: "its sections do not fit together".into(),
            });
        }
        let region = storage.open_region(file, Access::Read).map_err(io)?;
        Ok(ViewSegment {
            file: file.into(),
            dictionary_number: next_dictionary(),
            region,
            header,
            index_checked: AtomicBool::new(false),
            dictionary_checked: AtomicBool::new(false),
            blocks_checked: (0..header.blocks).map(|_| AtomicBool::new(false)).collect(),
        })
    }

    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    pub(crate) fn rows(&self) -> u64 {
        u64::from(self.header.rows)
    }

    pub(crate) fn blocks(&self) -> usize {
        self.header.blocks as usize
    }

    /// Gives the memory of the mapping back, after all of it has been read once: an export or a merge of ten years
    /// should not leave ten years resident.
    pub(crate) fn release(&self) {
        self.region.release();
    }

    /// Bytes of the file.
    pub(crate) fn size(&self) -> u64 {
        self.header.length
    }

    fn damaged(&self, what: impl Into<String>) -> SegmentError {
        SegmentError::Damaged {
            file: self.file.clone(),
            what: what.into(),
        }
    }

    fn bytes(&self, from: u64, to: u64) -> Result<&[u8], SegmentError> {
        if from > to || to > self.header.length {
            return Err(self.damaged(format!("bytes {from}..{to} are beyond its end")));
        }
        Ok(self.region.read(from as usize..to as usize))
    }

    /// A section without the checksum at its end, which is compared the first time.
    fn section(&self, from: u64, to: u64, checked: &AtomicBool, name: &str) -> Result<&[u8], SegmentError> {
        let bytes = self.bytes(from, to)?;
        let (body, crc) = bytes
            .split_last_chunk::<4>()
            .ok_or_else(|| self.damaged(format!("its {name} is missing")))?;
        if !checked.load(Ordering::Relaxed) {
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
            self.header.dictionary_at,
            &self.index_checked,
            "index",
        )
    }

    /// The entry of a block in the index.
    pub(crate) fn entry(&self, block: usize) -> Result<Entry, SegmentError> {
        let at = block * ENTRY;
        let bytes = self
            .index()?
            .get(at..at + ENTRY)
            .ok_or_else(|| self.damaged(format!("it has no block {block}")))?;
        Ok(Entry::parse(bytes))
    }

    /// The distinct data of this segment.
    pub(crate) fn dictionary(&self) -> Result<Dictionary<'_>, SegmentError> {
        let bytes = self.section(
            self.header.dictionary_at,
            self.header.length,
            &self.dictionary_checked,
            "dictionary",
        )?;
        Dictionary::parse(bytes).ok_or_else(|| self.damaged("its dictionary is malformed"))
    }

    pub(crate) fn dictionary_number(&self) -> u64 {
        self.dictionary_number
    }

    /// Decodes a block.
    pub(crate) fn block(&self, number: usize) -> Result<Block, SegmentError> {
        let mut block = Block::default();
        self.read_block(number, &mut block)?;
        Ok(block)
    }

    /// Decodes a block into buffers that are there already.
    pub(crate) fn read_block(&self, number: usize, into: &mut Block) -> Result<(), SegmentError> {
        let entry = self.entry(number)?;
        let mut body = self.bytes(entry.offset, entry.offset.saturating_add(u64::from(entry.length)))?;
        let checked = self.blocks_checked.get(number);
        if !checked.is_some_and(|c| c.load(Ordering::Relaxed)) {
            if crc32fast::hash(body) != entry.crc || entry.rows as usize > BLOCK_ROWS {
                return Err(self.damaged(format!("block {number} at byte {} is damaged", entry.offset)));
            }
            if let Some(c) = checked {
                c.store(true, Ordering::Relaxed);
            }
        }
        let n = entry.rows as usize;
        for (packing, column) in entry.columns.iter().zip(&mut into.columns) {
            let (bytes, rest) = body
                .split_at_checked(packing.size(n))
                .ok_or_else(|| self.damaged(format!("block {number} is shorter than its columns")))?;
            packing.read(bytes, n, column);
            body = rest;
        }
        into.greatest_seq = entry.greatest_seq;
        into.rows = n;
        Ok(())
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
    pub(crate) fn find(&self, id: u64) -> Result<Option<u32>, SegmentError> {
        if id < self.header.least_id || id > self.header.greatest_id {
            return Ok(None);
        }
        let mut block = Block::default();
        for b in (0..self.blocks()).rev() {
            let entry = self.entry(b)?;
            if id < entry.least_id || id > entry.greatest_id {
                continue;
            }
            self.read_block(b, &mut block)?;
            if let Some(i) = block.columns[2].iter().position(|v| *v as u64 == id) {
                return Ok(Some((b * BLOCK_ROWS + i) as u32));
            }
        }
        Ok(None)
    }

    /// The row at a position.
    pub(crate) fn row(&self, position: u32) -> Result<Option<Row>, SegmentError> {
        let block = self.block(position as usize / BLOCK_ROWS)?;
        Ok(block.row(position as usize % BLOCK_ROWS))
    }

    /// Reads everything once and compares every checksum.
    ///
    /// # Errors
    /// The first damage found.
    pub(crate) fn verify(&self) -> Result<(), SegmentError> {
        for c in self
            .blocks_checked
            .iter()
            .chain([&self.index_checked, &self.dictionary_checked])
        {
            c.store(false, Ordering::Relaxed);
        }
        let objects = self.dictionary()?.objects();
        let (mut rows, mut block) = (0u64, Block::default());
        let mut previous: Option<Row> = None;
        for b in 0..self.blocks() {
            self.read_block(b, &mut block)?;
            for i in 0..block.len() {
                let Some(row) = block.row(i) else { continue };
                if row.data >= objects {
                    return Err(self.damaged(format!("event {} refers to data that is not there", row.id)));
                }
                if previous.is_some_and(|p| p.cmp(&row).is_gt()) {
                    return Err(self.damaged(format!("event {} is out of order", row.id)));
                }
                previous = Some(row);
                rows += 1;
            }
        }
        if rows != self.rows() {
            return Err(self.damaged(format!("it has {rows} events instead of {}", self.rows())));
        }
        Ok(())
    }
}

/// A decoded block: start, duration, id and data of up to [`BLOCK_ROWS`] events.
#[derive(Debug, Default)]
pub(crate) struct Block {
    columns: [Vec<i64>; 4],
    rows: usize,
    greatest_seq: u64,
}

impl Block {
    pub(crate) fn len(&self) -> usize {
        self.rows
    }

    /// Starts, durations, ids and numbers of the data.
    pub(crate) fn columns(&self) -> &[Vec<i64>; 4] {
        &self.columns
    }

    pub(crate) fn greatest_seq(&self) -> u64 {
        self.greatest_seq
    }

    pub(crate) fn row(&self, i: usize) -> Option<Row> {
        let [starts, durations, ids, data] = &self.columns;
        Some(Row {
            start: *starts.get(i)?,
            duration: *durations.get(i)?,
            id: *ids.get(i)? as u64,
            data: *data.get(i)? as u32,
        })
    }
}

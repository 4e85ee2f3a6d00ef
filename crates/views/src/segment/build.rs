//! Makes the bytes of a view segment from sorted rows of several sources.

use std::sync::Arc;

use super::BLOCK_ROWS;
use super::dictionary::DictionaryBuilder;
use super::format::{ENTRY, Entry, HEADER, Header, SegmentError};
use super::pack::Packing;
use super::read::ViewSegment;
use crate::head::Run;
use crate::row::Row;

/// Where rows come from when a segment is built.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// A run of a head, and the newest seq that touched it.
    Run(Arc<Run>, u64),
    /// Another segment without the rows at these positions.
    Segment(Arc<ViewSegment>, Arc<Vec<u32>>),
}

/// A row on its way into a segment.
struct Incoming {
    row: Row,
    seq: u64,
}

/// Gathers sources and writes one segment of them.
pub(crate) struct SegmentBuilder {
    bucket: u32,
    dictionary: DictionaryBuilder,
    rows: Vec<Incoming>,
}

impl SegmentBuilder {
    pub(crate) fn new(bucket: u32) -> SegmentBuilder {
        SegmentBuilder {
            bucket,
            dictionary: DictionaryBuilder::new(),
            rows: Vec::new(),
        }
    }

    /// Adds all rows of a source.
    ///
    /// # Errors
    /// When the source is a segment that is damaged.
    pub(crate) fn add(&mut self, source: &Source) -> Result<(), SegmentError> {
        match source {
            Source::Run(run, seq) => self.add_run(run, *seq),
            Source::Segment(segment, hidden) => {
                self.add_segment(segment, hidden)?;
                segment.release();
            }
        }
        Ok(())
    }

    fn add_run(&mut self, run: &Run, seq: u64) {
        let mut known = vec![u32::MAX; run.dictionary().len()];
        for row in run.rows() {
            let data = match known.get(row.data as usize) {
                Some(n) if *n != u32::MAX => *n,
                _ => self.dictionary.add_text(run.text(row)),
            };
            if let Some(slot) = known.get_mut(row.data as usize) {
                *slot = data;
            }
            self.rows.push(Incoming {
                row: Row { data, ..*row },
                seq,
            });
        }
    }

    fn add_segment(&mut self, segment: &ViewSegment, hidden: &[u32]) -> Result<(), SegmentError> {
        let dictionary = segment.dictionary()?;
        let mut objects = vec![u32::MAX; dictionary.objects() as usize];
        let mut values = Vec::new();
        let mut hidden = hidden.iter().copied().peekable();
        let mut position = 0u32;
        for b in 0..segment.blocks() {
            let block = segment.block(b)?;
            for i in 0..block.len() {
                let at = position;
                position += 1;
                if hidden.next_if_eq(&at).is_some() {
                    continue;
                }
                let Some(row) = block.row(i) else { continue };
                let data = match objects.get(row.data as usize) {
                    Some(n) if *n != u32::MAX => *n,
                    _ => self.dictionary.add_foreign(&dictionary, row.data, &mut values),
                };
                if let Some(slot) = objects.get_mut(row.data as usize) {
                    *slot = data;
                }
                self.rows.push(Incoming {
                    row: Row { data, ..row },
                    seq: block.greatest_seq(),
                });
            }
        }
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The file's bytes.
    pub(crate) fn build(mut self) -> Vec<u8> {
        // Sources are sorted each, so this finds long runs and merges them.
        self.rows.sort_by(|a, b| a.row.cmp(&b.row));
        let blocks = self.rows.len().div_ceil(BLOCK_ROWS);
        let mut out = vec![0; HEADER];
        out.reserve(self.rows.len() * 12 + blocks * ENTRY + self.dictionary.size() + 64);
        let mut columns: [Vec<i64>; 4] = Default::default();
        let entries: Vec<Entry> = self
            .rows
            .chunks(BLOCK_ROWS)
            .map(|rows| write_block(rows, &mut columns, &mut out))
            .collect();
        let index_at = out.len() as u64;
        for entry in &entries {
            entry.write(&mut out);
        }
        seal_section(&mut out, index_at);
        let dictionary_at = out.len() as u64;
        self.dictionary.write(&mut out);
        seal_section(&mut out, dictionary_at);
        let header = Header {
            bucket: self.bucket,
            rows: self.rows.len() as u32,
            blocks: entries.len() as u32,
            negative: self.rows.iter().any(|r| r.row.duration < 0),
            least_start: self.rows.first().map_or(0, |r| r.row.start),
            greatest_start: self.rows.last().map_or(0, |r| r.row.start),
            greatest_end: entries.iter().map(|e| e.greatest_end).max().unwrap_or(0),
            least_id: entries.iter().map(|e| e.least_id).min().unwrap_or(0),
            greatest_id: entries.iter().map(|e| e.greatest_id).max().unwrap_or(0),
            greatest_seq: entries.iter().map(|e| e.greatest_seq).max().unwrap_or(0),
            index_at,
            dictionary_at,
            length: out.len() as u64,
        };
        if let Some(place) = out.get_mut(..HEADER) {
            place.copy_from_slice(&header.to_bytes());
        }
        out
    }
}

/// Ends a section with the checksum of its bytes.
fn seal_section(out: &mut Vec<u8>, from: u64) {
    let crc = crc32fast::hash(out.get(from as usize..).unwrap_or_default());
    out.extend_from_slice(&crc.to_le_bytes());
}

fn write_block(rows: &[Incoming], columns: &mut [Vec<i64>; 4], out: &mut Vec<u8>) -> Entry {
    let [starts, durations, ids, data] = columns;
    starts.clear();
    durations.clear();
    ids.clear();
    data.clear();
    for Incoming { row, .. } in rows {
        starts.push(row.start);
        durations.push(row.duration);
        ids.push(row.id as i64);
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
        least_start: starts.first().copied().unwrap_or(0),
        greatest_end: rows.iter().map(|r| r.row.end()).max().unwrap_or(0),
        least_id: rows.iter().map(|r| r.row.id).min().unwrap_or(0),
        greatest_id: rows.iter().map(|r| r.row.id).max().unwrap_or(0),
        greatest_seq: rows.iter().map(|r| r.seq).max().unwrap_or(0),
        columns: packings,
    }
}

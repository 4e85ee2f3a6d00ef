//! The fixed parts of a view segment's file: header and index entries.

use std::sync::Arc;

use timberline_disk::IoError;
use timberline_log::Seq;
use timberline_model::{EventId, Timestamp};

use super::pack::Packing;

pub(crate) const MAGIC: [u8; 8] = *b"TLVIEWSG";
/// The version that is written. Version 1 has no totals.
pub(crate) const VERSION: u32 = 2;
pub(crate) const HEADER: usize = 128;
pub(crate) const ENTRY: usize = 128;

/// Why a view segment cannot be used. Views are derived: a server puts a damaged one together again from the log when it
/// reads it, and `timberline log rebuild` does so for all of them.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SegmentError {
    /// It is not a view segment, or its header is damaged.
    #[error("view segment {file}: {what}; the views can be rebuilt from the log")]
    Damaged {
        /// Name of the file.
        file: String,
        /// What is wrong with it.
        what: String,
    },
    /// It was written by a newer version.
    #[error(
        "view segment {file} has format version {version}, this Timberline knows {VERSION}: upgrade, or rebuild the views from the log"
    )]
    Newer {
        /// Name of the file.
        file: String,
        /// Its version.
        version: u32,
    },
    /// Events of it are lost: it is damaged, and the log does not have them either.
    #[error(
        "view segment {file} is damaged, and {events} of its events are in the log neither: they are lost, or were deleted meanwhile"
    )]
    Lost {
        /// Name of the file.
        file: String,
        /// How many events.
        events: usize,
    },
    /// It cannot be read at all.
    #[error(transparent)]
    Io(Arc<IoError>),
    /// It is damaged, and cannot be put together again now.
    #[error("view segment {file} is damaged, and cannot be put together again now: {source}")]
    NotHealed {
        /// Name of the file.
        file: String,
        /// Why the log could not be folded.
        source: Arc<dyn std::error::Error + Send + Sync>,
    },
}

/// What the header says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Header {
    pub(crate) bucket: u32,
    pub(crate) rows: u32,
    pub(crate) blocks: u32,
    /// Whether some event ends before it starts: then starts do not bound ends.
    pub(crate) negative: bool,
    pub(crate) least_start: Timestamp,
    pub(crate) greatest_start: Timestamp,
    pub(crate) greatest_end: Timestamp,
    pub(crate) least_id: EventId,
    pub(crate) greatest_id: EventId,
    pub(crate) greatest_seq: Seq,
    /// Where the index begins; the blocks lie between the header and it.
    pub(crate) index_at: u64,
    /// Where the totals begin; where there are none, the dictionary does.
    pub(crate) totals_at: u64,
    /// Where the dictionary begins.
    pub(crate) dictionary_at: u64,
    /// Bytes of the file.
    pub(crate) length: u64,
}

impl Header {
    pub(crate) fn to_bytes(self) -> [u8; HEADER] {
        let mut out = Vec::with_capacity(HEADER);
        out.extend_from_slice(&MAGIC);
        for n in [
            VERSION,
            u32::from(self.negative),
            self.rows,
            self.blocks,
            self.bucket,
            0,
        ] {
            out.extend_from_slice(&n.to_le_bytes());
        }
        for time in [self.least_start, self.greatest_start, self.greatest_end] {
            out.extend_from_slice(&time.nanos().to_le_bytes());
        }
        for n in [
            self.least_id.0,
            self.greatest_id.0,
            self.greatest_seq.get(),
            self.index_at,
            self.dictionary_at,
            self.length,
            self.totals_at,
        ] {
            out.extend_from_slice(&n.to_le_bytes());
        }
        out.resize(HEADER - 4, 0);
        let crc = crc32fast::hash(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        let mut header = [0; HEADER];
        header.copy_from_slice(&out);
        header
    }

    /// Reads the header at the front of a file of this length.
    pub(crate) fn parse(file: &str, bytes: &[u8], length: u64) -> Result<Header, SegmentError> {
        let damaged = |what: &str| SegmentError::Damaged {
            file: file.into(),
            what: what.into(),
        };
        let header = bytes
            .get(..HEADER)
            .ok_or_else(|| damaged("it is shorter than a header"))?;
        if header.get(..8) != Some(MAGIC.as_slice()) {
            return Err(damaged("it does not begin like a view segment"));
        }
        let (body, crc) = header
            .split_last_chunk::<4>()
            .ok_or_else(|| damaged("it is shorter than a header"))?;
        let mut fields = Fields(body.get(MAGIC.len()..).unwrap_or(&[]));
        let version = fields
            .u32()
            .ok_or_else(|| damaged("it is shorter than a header"))?;
        if version > VERSION {
            return Err(SegmentError::Newer {
                file: file.into(),
                version,
            });
        }
        if crc32fast::hash(body) != u32::from_le_bytes(*crc) {
            return Err(damaged("its header is damaged"));
        }
        let parsed =
            Header::parse_fields(version, fields).ok_or_else(|| damaged("it is shorter than a header"))?;
        if parsed.length != length {
            return Err(damaged(&format!(
                "it has {length} bytes instead of {}",
                parsed.length
            )));
        }
        Ok(parsed)
    }
}

impl Header {
    /// What follows the version. `None` if there is less of it than the format says.
    fn parse_fields(version: u32, mut fields: Fields<'_>) -> Option<Header> {
        let negative = fields.u32()? & 1 == 1;
        let (rows, blocks, bucket, _) = (fields.u32()?, fields.u32()?, fields.u32()?, fields.u32()?);
        let mut header = Header {
            bucket,
            rows,
            blocks,
            negative,
            least_start: fields.timestamp()?,
            greatest_start: fields.timestamp()?,
            greatest_end: fields.timestamp()?,
            least_id: fields.id()?,
            greatest_id: fields.id()?,
            greatest_seq: fields.seq()?,
            index_at: fields.u64()?,
            totals_at: 0,
            dictionary_at: fields.u64()?,
            length: fields.u64()?,
        };
        header.totals_at = match version {
            1 => header.dictionary_at,
            _ => fields.u64()?,
        };
        Some(header)
    }
}

/// One block in the index: where it lies, how it is packed, and what it holds at most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) offset: u64,
    pub(crate) length: u32,
    pub(crate) crc: u32,
    pub(crate) rows: u32,
    pub(crate) least_start: Timestamp,
    pub(crate) greatest_end: Timestamp,
    pub(crate) least_id: EventId,
    pub(crate) greatest_id: EventId,
    pub(crate) greatest_seq: Seq,
    /// Of start, duration, id, data.
    pub(crate) columns: [Packing; 4],
}

impl Entry {
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.offset.to_le_bytes());
        for n in [self.length, self.crc, self.rows] {
            out.extend_from_slice(&n.to_le_bytes());
        }
        out.extend(self.columns.map(|c| c.bits as u8));
        for time in [self.least_start, self.greatest_end] {
            out.extend_from_slice(&time.nanos().to_le_bytes());
        }
        for n in [self.least_id.0, self.greatest_id.0, self.greatest_seq.get()] {
            out.extend_from_slice(&n.to_le_bytes());
        }
        for c in self.columns {
            out.extend_from_slice(&c.base.to_le_bytes());
            out.extend_from_slice(&c.unit.to_le_bytes());
        }
    }

    /// Reads an entry. `None` if there are fewer bytes than an entry has.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Entry> {
        let mut f = Fields(bytes);
        let (offset, length, crc, rows) = (f.u64()?, f.u32()?, f.u32()?, f.u32()?);
        let bits = f.u32()?.to_le_bytes();
        let (least_start, greatest_end) = (f.timestamp()?, f.timestamp()?);
        let (least_id, greatest_id, greatest_seq) = (f.id()?, f.id()?, f.seq()?);
        let mut columns = [Packing::default(); 4];
        for (column, bits) in columns.iter_mut().zip(bits) {
            *column = Packing {
                base: f.i64()?,
                unit: f.u64()?,
                bits: u32::from(bits.min(64)),
            };
        }
        Some(Entry {
            offset,
            length,
            crc,
            rows,
            least_start,
            greatest_end,
            least_id,
            greatest_id,
            greatest_seq,
            columns,
        })
    }
}

/// Little-endian fields, one after the other; `None` where the bytes have ended.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*field)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn i64(&mut self) -> Option<i64> {
        self.take().map(i64::from_le_bytes)
    }

    fn id(&mut self) -> Option<EventId> {
        self.u64().map(EventId)
    }

    fn seq(&mut self) -> Option<Seq> {
        self.u64().map(Seq)
    }

    fn timestamp(&mut self) -> Option<Timestamp> {
        self.i64().map(Timestamp::from_nanos)
    }
}

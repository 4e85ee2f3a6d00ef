//! Replaces a sealed segment by another one: with some records replaced, or with only the squashed state.
//!
//! The new file is complete and synced under another name before it takes the old one's name, so a crash leaves one or
//! the other. Readers of the old file go on reading it.

use std::sync::Arc;

use timberline_disk::Storage;

use crate::error::LogError;
use crate::format::frame::{FrameHead, frame_size};
use crate::format::frame_writer::FrameWriter;
use crate::format::segment::{Footer, SEGMENT_HEADER, SegmentHeader, segment_name, trimmed_len};
use crate::read::probe::Probe;
use crate::read::reader::LogReader;
use crate::read::records::Record;
use crate::{DeviceId, Seq};

/// A segment that is to take the place of a sealed one.
///
/// Records are added in their order; [`Rewrite::commit`] swaps the files. Dropped without, nothing has happened.
#[derive(Debug)]
pub struct Rewrite {
    storage: Arc<dyn Storage>,
    header: SegmentHeader,
    last: Seq,
    replaced_bytes: u64,
    frames: FrameWriter,
    bytes: Vec<u8>,
    /// The number after that of the last record.
    expected: Seq,
    records: u64,
    newest_time: i64,
}

/// The result of a [`Rewrite`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// Bytes of the file before.
    pub before: u64,
    /// Bytes of the file now.
    pub after: u64,
}

impl LogReader {
    /// Begins to rewrite the sealed segment that starts with `first`, keeping the number of every record. `None` if it
    /// is not sealed, or its header is damaged.
    ///
    /// # Errors
    /// If its file cannot be read.
    pub fn rewrite(&self, first: Seq) -> Result<Option<Rewrite>, LogError> {
        self.begin_rewrite(first, false, None)
    }

    /// Begins to squash the sealed segment that starts with `first`: the records that are added stand for all
    /// its records, and get its last number. `None` as for [`rewrite`](Self::rewrite).
    ///
    /// # Errors
    /// If its file cannot be read.
    pub fn squash(&self, first: Seq) -> Result<Option<Rewrite>, LogError> {
        self.begin_rewrite(first, true, None)
    }

    /// The same as [`rewrite`](Self::rewrite) for a segment that ends with the record `last`, in a log that nobody
    /// appends to. It is sealed afterwards.
    ///
    /// # Errors
    /// If its file cannot be read.
    pub fn rewrite_ended(&self, first: Seq, last: Seq) -> Result<Option<Rewrite>, LogError> {
        self.begin_rewrite(first, false, Some(last))
    }

    fn begin_rewrite(
        &self,
        first: Seq,
        squash: bool,
        ended: Option<Seq>,
    ) -> Result<Option<Rewrite>, LogError> {
        let probe = Probe::open(self.storage(), first)?;
        let (Some(header), Some(last)) = (probe.header, probe.sealed_last().or(ended)) else {
            return Ok(None);
        };
        probe.expect_encrypted(self.storage(), self.cipher().is_some())?;
        let path = self.storage().path().join(segment_name(first));
        let replaced_bytes = probe.window.file_len().map_err(LogError::io("read", path))?;
        Ok(Some(Rewrite {
            storage: Arc::clone(self.storage()),
            header: SegmentHeader {
                generation: header.generation.wrapping_add(1),
                squashed: if squash { Some(last) } else { header.squashed },
                ..header
            },
            last,
            replaced_bytes,
            frames: FrameWriter::new(self.cipher().cloned()),
            bytes: vec![0; SEGMENT_HEADER],
            expected: header.first,
            records: 0,
            newest_time: header.created,
        }))
    }
}

impl Rewrite {
    /// The last record of the segment.
    #[must_use]
    pub fn last(&self) -> Seq {
        self.last
    }

    /// The device whose log it is.
    #[must_use]
    pub fn device(&self) -> DeviceId {
        self.header.device
    }

    /// Keeps a record as it is.
    pub fn keep(&mut self, record: &Record<'_>) {
        self.replace(record, record.kind, record.payload);
    }

    /// Puts another content under the number and time of a record. Room is left for records that are
    /// missing before it, because a reader looks for this record only behind that room.
    pub fn replace(&mut self, record: &Record<'_>, kind: u8, payload: &[u8]) {
        if self.header.squashed.is_none() {
            let missing = record.seq.0.saturating_sub(self.expected.0);
            let room = usize::try_from(missing).unwrap_or(usize::MAX);
            let end = self
                .bytes
                .len()
                .saturating_add(room.saturating_mul(frame_size(0)));
            self.bytes.resize(end, 0);
            self.expected = record.seq.next();
        }
        let lag = record.seq.0.saturating_sub(record.durable.0);
        let head = FrameHead {
            seq: if self.header.squashed.is_some() {
                self.last
            } else {
                record.seq
            },
            time: record.time,
            durable_lag: u32::try_from(lag).unwrap_or(u32::MAX),
            kind,
            ends_batch: record.ends_batch,
            encrypted: self.frames.is_encrypting(),
        };
        self.add(head, payload);
    }

    /// Adds a record to a squashed segment; `time` is that of the newest record it stands for.
    pub fn add_squashed(&mut self, time: i64, kind: u8, payload: &[u8]) {
        let head = FrameHead {
            seq: self.last,
            time,
            // It had been durable before the segment was sealed.
            durable_lag: 0,
            kind,
            ends_batch: true,
            encrypted: self.frames.is_encrypting(),
        };
        self.add(head, payload);
    }

    fn add(&mut self, head: FrameHead, payload: &[u8]) {
        self.frames.frame(head, payload).append_to(&mut self.bytes);
        self.records += 1;
        self.newest_time = self.newest_time.max(head.time);
    }

    /// Puts the new segment in the place of the old one, for good.
    ///
    /// # Errors
    /// If it cannot be written; the old one is then still there.
    pub fn commit(mut self) -> Result<Rewritten, LogError> {
        let used = self.bytes.len() as u64;
        let footer = Footer {
            sealed: true,
            used,
            last: self.last,
            records: self.records,
            time: self.newest_time,
        };
        let head = [self.header.encode(), footer.encode()].concat();
        // The place of the header was kept free when the rewriting began.
        self.bytes.split_at_mut(SEGMENT_HEADER).0.copy_from_slice(&head);
        let after = trimmed_len(used);
        self.bytes.resize(usize::try_from(after).unwrap_or(usize::MAX), 0);
        let name = segment_name(self.header.first);
        let path = self.storage.path().join(&name);
        self.storage
            .write_file(&name, &self.bytes)
            .map_err(LogError::io("rewrite", path))?;
        Ok(Rewritten {
            before: self.replaced_bytes,
            after,
        })
    }
}

//! Writes a new log from what is left of a damaged one. Records keep their numbers and times.
//!
//! Nothing that is written here is durable before [`Salvage::finish`]. So a caller writes to a directory that gets its
//! final name afterwards.

use std::sync::Arc;

use timberline_cancel::Cancel;
use timberline_disk::{Storage, WriteRegion};

use crate::copy::segment::{How, copy_segment};
use crate::error::LogError;
use crate::format::frame::{FRAME_HEADER, FrameHead};
use crate::format::frame_writer::{FrameWriter, StoredFrame};
use crate::format::segment::{
    Footer, SEGMENT_HEADER, SegmentHeader, UNNAMED_SUFFIX, segment_name, trimmed_len,
};
use crate::options::{LogOptions, system_nanos};
use crate::read::reader::LogReader;
use crate::read::segment_info::SegmentInfo;
use crate::sync::active::publish_footer;
use crate::{DeviceId, Seq};

/// A record to write as it was.
#[derive(Clone, Copy, Debug)]
pub struct Salvaged<'a> {
    /// Its number.
    pub seq: Seq,
    /// When it was appended: nanoseconds since 1970.
    pub time: i64,
    /// Its kind; opaque to the log.
    pub kind: u8,
    /// Its bytes.
    pub payload: &'a [u8],
    /// Whether its batch ends with it.
    pub ends_batch: bool,
}

/// A new log that is being written.
#[derive(Debug)]
pub struct Salvage {
    target: Arc<dyn Storage>,
    device: DeviceId,
    segment_len: u64,
    frames: FrameWriter,
    /// When this was begun.
    began: i64,
    open: Option<OpenSegment>,
}

#[derive(Debug)]
struct OpenSegment {
    header: SegmentHeader,
    region: Arc<dyn WriteRegion>,
    offset: usize,
    last: Seq,
    records: u64,
}

impl Salvage {
    /// Writes what `source` has to an empty directory. Segments that have to be begun, because what they replace is not
    /// there, have this device and size.
    #[must_use]
    pub fn new(source: &LogReader, target: Arc<dyn Storage>, device: DeviceId, segment_bytes: u64) -> Self {
        let options = LogOptions {
            segment_bytes,
            ..LogOptions::default()
        };
        Self {
            target,
            device,
            segment_len: options.segment_len(),
            frames: FrameWriter::new(source.cipher().cloned()),
            began: system_nanos(),
            open: None,
        }
    }

    /// Copies a segment byte for byte. It must be undamaged.
    ///
    /// # Errors
    /// [`LogError`]; damage found in it after all is one.
    pub fn take_over(
        &mut self,
        source: &LogReader,
        info: &SegmentInfo,
        next: Option<Seq>,
    ) -> Result<(), LogError> {
        self.seal(true)?;
        let how = How {
            known_crc: &|_| Some(0),
            cancel: &Cancel::new(),
        };
        let (_, damage) = copy_segment(source, info.first, next, &self.target, &how)?;
        match damage.first() {
            None => Ok(()),
            Some(damage) => Err(LogError::io("copy", &damage.path)(std::io::Error::other(
                damage.to_string(),
            ))),
        }
    }

    /// Begins a segment that takes the place of one with lost records.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub fn replace(&mut self, info: &SegmentInfo) -> Result<(), LogError> {
        self.seal(true)?;
        // What is in it has found room once.
        self.segment_len = self.segment_len.max(trimmed_len(info.used.unwrap_or(0)));
        self.begin(SegmentHeader {
            device: info.device.unwrap_or(self.device),
            first: info.first,
            created: info.created.unwrap_or_else(system_nanos),
            // Not the bytes that the same generation has elsewhere, in a backup for example.
            generation: info.generation.saturating_add(1),
            squashed: info.last.filter(|_| info.squashed),
            encrypted: self.frames.is_encrypting(),
            salvaged: self.began,
        })
    }

    /// Writes a record. Its number is one more than that of the record before; in a squashed segment it is that one's.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub fn put(&mut self, record: &Salvaged<'_>) -> Result<(), LogError> {
        let head = FrameHead {
            seq: record.seq,
            time: record.time,
            // Nothing is known to be durable before the whole log is.
            durable_lag: u32::MAX,
            kind: record.kind,
            ends_batch: record.ends_batch,
            encrypted: self.frames.is_encrypting(),
        };
        let bytes = self.frames.size(record.payload.len());
        let full = self.open.as_ref().is_none_or(|open| !open.fits(bytes));
        if full {
            let squashed = self.open.as_ref().and_then(|open| open.header.squashed);
            self.seal(true)?;
            self.begin_for(record, squashed, bytes)?;
        }
        if let Some(open) = &mut self.open {
            open.put(record.seq, &self.frames.frame(head, record.payload));
        }
        Ok(())
    }

    /// Makes everything durable. The last segment can be appended to.
    ///
    /// # Errors
    /// [`LogError::Io`].
    pub fn finish(mut self) -> Result<(), LogError> {
        self.seal(false)?;
        self.target
            .sync_dir()
            .map_err(LogError::io("sync", self.target.path()))
    }

    fn begin_for(
        &mut self,
        record: &Salvaged<'_>,
        squashed: Option<Seq>,
        bytes: usize,
    ) -> Result<(), LogError> {
        let needed = (SEGMENT_HEADER + bytes + FRAME_HEADER) as u64;
        self.segment_len = self
            .segment_len
            .max(needed.next_multiple_of(SEGMENT_HEADER as u64));
        self.begin(SegmentHeader {
            device: self.device,
            first: record.seq,
            created: record.time,
            generation: 0,
            squashed,
            encrypted: self.frames.is_encrypting(),
            salvaged: self.began,
        })
    }

    fn begin(&mut self, header: SegmentHeader) -> Result<(), LogError> {
        let unnamed = format!("{}{UNNAMED_SUFFIX}", segment_name(header.first));
        let region = self
            .target
            .create_region(&unnamed, self.segment_len)
            .map_err(LogError::io("make", self.target.path().join(&unnamed)))?;
        region.write(0, &header.encode());
        self.open = Some(OpenSegment {
            last: header.first.prev(),
            header,
            region,
            offset: SEGMENT_HEADER,
            records: 0,
        });
        Ok(())
    }

    /// Ends the open segment, if there is one.
    fn seal(&mut self, sealed: bool) -> Result<(), LogError> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let name = segment_name(open.header.first);
        let unnamed = format!("{name}{UNNAMED_SUFFIX}");
        let path = self.target.path().join(&name);
        let footer = Footer {
            sealed,
            used: open.offset as u64,
            last: open.last,
            records: open.records,
            time: system_nanos(),
        };
        publish_footer(&*open.region, &footer.encode());
        open.region
            .sync(0..open.offset + FRAME_HEADER)
            .map_err(LogError::io("sync", &path))?;
        drop(open);
        self.target
            .set_len(&unnamed, trimmed_len(footer.used))
            .map_err(LogError::io("trim", &path))?;
        self.target
            .rename(&unnamed, &name)
            .map_err(LogError::io("name", &path))
    }
}

impl OpenSegment {
    fn fits(&self, bytes: usize) -> bool {
        self.offset + bytes + FRAME_HEADER <= self.region.len()
    }

    fn put(&mut self, seq: Seq, frame: &StoredFrame<'_>) {
        frame.write(&*self.region, self.offset);
        self.offset += frame.size();
        self.last = seq;
        self.records += 1;
    }
}

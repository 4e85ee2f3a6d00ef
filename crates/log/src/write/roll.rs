//! Room for the next batch: lengthens the active segment, or begins the next one.

use std::io;
use std::sync::Arc;

use timberline_disk::{IoError, WriteRegion};

use super::log::Log;
use crate::error::AppendError;
use crate::format::frame::FRAME_HEADER;
use crate::format::segment::{
    PREPARED_NAME, SEGMENT_HEADER, SegmentHeader, UNNAMED_SUFFIX, segment_name, trimmed_len,
};
use crate::sync::active::{ActiveSegment, SegmentTail};

impl Log {
    /// Makes sure that `size` more bytes and an end mark fit the active segment.
    pub(super) fn ensure_room(&mut self, size: u64) -> Result<(), AppendError> {
        let limit = self.options.segment_len() - (SEGMENT_HEADER + FRAME_HEADER) as u64;
        if size > limit {
            return Err(AppendError::TooLarge { bytes: size, limit });
        }
        if self.fits(size) {
            return Ok(());
        }
        self.make_room(size).map_err(|source| {
            // Perhaps a file is gone.
            self.shared.seal_soon();
            self.no_segment(source)
        })
    }

    pub(super) fn no_segment(&self, source: io::Error) -> AppendError {
        let path = self.storage.path().to_path_buf();
        if is_full(&source) {
            AppendError::NoSpace { path, source }
        } else {
            AppendError::Io(IoError {
                op: "make the next log segment in",
                path,
                source,
            })
        }
    }

    fn fits(&self, size: u64) -> bool {
        let needed = self.tail.offset + size + FRAME_HEADER as u64;
        !self.ends_in_gap
            && self
                .active
                .as_ref()
                .is_some_and(|segment| needed <= segment.region.len() as u64)
    }

    /// The slow path of an append: lengthens the active segment if it was trimmed, or begins the next one. If that
    /// fails nothing has changed.
    #[cold]
    fn make_room(&mut self, size: u64) -> io::Result<()> {
        self.prepare_active()?;
        if self.fits(size) { Ok(()) } else { self.roll() }
    }

    /// Makes an active segment if there is none, and gives one that was trimmed when the log was closed its full
    /// length again.
    pub(super) fn prepare_active(&mut self) -> io::Result<()> {
        match self.active.clone() {
            None => self.roll(),
            Some(_) if self.ends_in_gap => self.roll(),
            Some(segment) if (segment.region.len() as u64) < self.options.segment_len() => {
                self.lengthen(&segment)
            }
            Some(_) => Ok(()),
        }
    }

    fn lengthen(&mut self, segment: &ActiveSegment) -> io::Result<()> {
        let name = segment.name();
        self.storage.set_len(&name, self.options.segment_len())?;
        let region = match self.storage.open_write_region(&name) {
            Ok(region) => region,
            Err(error) => {
                let _ = self.storage.set_len(&name, trimmed_len(self.tail.offset));
                return Err(error);
            }
        };
        let longer = Arc::new(segment.remapped(region));
        self.shared.replace_active(Arc::clone(&longer));
        self.active = Some(longer);
        Ok(())
    }

    /// Takes the segment that was prepared, if there is one. Should somebody have removed it, another one is made.
    fn begin_prepared(&self, header: &SegmentHeader, name: &str) -> io::Result<Option<Arc<dyn WriteRegion>>> {
        let Some(region) = self.shared.take_prepared() else {
            return Ok(None);
        };
        region.write(0, &header.encode());
        match self.storage.rename(PREPARED_NAME, name) {
            Ok(()) => Ok(Some(region)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => {
                self.shared.put_back_prepared(region);
                Err(error)
            }
        }
    }

    fn begin_new(&self, header: &SegmentHeader, name: &str) -> io::Result<Arc<dyn WriteRegion>> {
        let unnamed = format!("{name}{UNNAMED_SUFFIX}");
        let region = self.storage.create_region(&unnamed, self.options.segment_len())?;
        region.write(0, &header.encode());
        if let Err(error) = self.storage.rename(&unnamed, name) {
            let _ = self.storage.remove(&unnamed);
            return Err(error);
        }
        Ok(region)
    }

    pub(super) fn roll(&mut self) -> io::Result<()> {
        let first = self.next_seq();
        let name = segment_name(first);
        let header = SegmentHeader {
            device: self.options.device,
            first,
            created: (self.options.clock)(),
            generation: 0,
            squashed: None,
            encrypted: self.options.cipher.is_some(),
            salvaged: 0,
        };
        // Made under another name and renamed when its header is written, so that no reader ever finds it without.
        let region = match self.begin_prepared(&header, &name)? {
            Some(region) => region,
            None => self.begin_new(&header, &name)?,
        };
        self.tail = SegmentTail {
            offset: SEGMENT_HEADER as u64,
            last: self.tail.last,
        };
        let segment = Arc::new(ActiveSegment::new(first, region, self.tail, 0));
        self.shared.begin_segment(Arc::clone(&segment));
        self.active = Some(segment);
        self.ends_in_gap = false;
        Ok(())
    }
}

pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

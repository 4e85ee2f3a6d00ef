//! A file that is read through a buffer, front to back.

use std::sync::Arc;

use timberline_disk::ReadAt;

use crate::read::source::Source;

/// The first read after opening or refreshing; a tail that polls reads no more than this.
const FIRST_FILL: usize = 4 << 10;
/// Reads grow up to this while a reader moves along.
const MAX_FILL: usize = 256 << 10;
/// What is tried when a larger read fails, so that one bad sector costs no more than its page.
const PAGE: usize = 4 << 10;

/// Reads a file front to back by copying (see [`ReadAt`] for why not by mapping).
#[derive(Debug)]
pub(crate) struct Window {
    file: Arc<dyn ReadAt>,
    buffer: Vec<u8>,
    start: u64,
    fill: usize,
    read_error: Option<String>,
}

impl Window {
    pub(crate) fn new(file: Arc<dyn ReadAt>) -> Self {
        Self {
            file,
            buffer: Vec::new(),
            start: 0,
            fill: FIRST_FILL,
            read_error: None,
        }
    }

    /// Says that all of the file is about to be read.
    pub(crate) fn will_read_all(&self) {
        self.file.will_read_all();
    }

    /// The length of the file.
    pub(crate) fn file_len(&self) -> std::io::Result<u64> {
        self.file.len()
    }

    /// Makes durable what the writer has put into the file.
    pub(crate) fn sync(&self) -> std::io::Result<()> {
        self.file.sync()
    }

    /// A part of the last read, for a caller that cannot borrow mutably.
    pub(crate) fn buffered(&self, offset: u64, len: usize) -> Option<&[u8]> {
        let from = usize::try_from(offset.checked_sub(self.start)?).ok()?;
        self.buffer.get(from..from.checked_add(len)?)
    }

    fn load(&mut self, offset: u64, want: usize) {
        self.read_error = None;
        self.start = offset;
        // A frame's length is not to be trusted with memory: no more than the file has.
        let available = usize::try_from(self.end().saturating_sub(offset)).unwrap_or(usize::MAX);
        let len = want.max(self.fill).min(available);
        self.fill = (self.fill * 2).min(MAX_FILL);
        self.buffer.clear();
        self.buffer.resize(len, 0);
        match self.file.read_at(offset, &mut self.buffer) {
            Ok(count) => self.buffer.truncate(count),
            Err(_) => self.load_page_by_page(),
        }
    }

    /// Some of it cannot be read: read the rest, and leave zeroes in between.
    fn load_page_by_page(&mut self) {
        let mut at = 0;
        while at < self.buffer.len() {
            let offset = self.start + at as u64;
            let to_page_end = PAGE - usize::try_from(offset % PAGE as u64).unwrap_or(0);
            let end = (at + to_page_end).min(self.buffer.len());
            let Some(page) = self.buffer.get_mut(at..end) else {
                break;
            };
            if let Err(error) = self.file.read_at(offset, page) {
                page.fill(0);
                self.read_error = Some(error.to_string());
            }
            at = end;
        }
    }
}

impl Source for Window {
    fn at(&mut self, offset: u64, want: usize) -> &[u8] {
        if self.buffered(offset, want).is_none() {
            self.load(offset, want);
        }
        let from = usize::try_from(offset - self.start)
            .unwrap_or(usize::MAX)
            .min(self.buffer.len());
        let to = from.saturating_add(want).min(self.buffer.len());
        self.buffer.get(from..to).unwrap_or_default()
    }

    fn refresh(&mut self) {
        self.buffer.clear();
        self.fill = FIRST_FILL;
    }

    fn end(&mut self) -> u64 {
        // Not being able to ask is like an empty file; reading it gives the error.
        self.file.len().unwrap_or(0)
    }

    fn read_error(&mut self) -> Option<String> {
        self.read_error.clone()
    }
}

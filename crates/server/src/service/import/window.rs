//! The bytes of a stream that were read and not consumed yet.

use std::io::{self, Read};

/// What is asked of the source at once.
const READ_BYTES: usize = 256 << 10;

#[derive(Debug)]
pub(super) struct Window<R> {
    source: R,
    buffer: Vec<u8>,
    /// What of the buffer was read and is not passed.
    start: usize,
    end: usize,
    /// Where `start` is in the stream.
    offset: u64,
    ended: bool,
}

impl<R: Read> Window<R> {
    /// The stream from where `source` stands; that is called `offset`.
    pub(super) fn new(source: R, offset: u64) -> Self {
        Self {
            source,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            offset,
            ended: false,
        }
    }

    /// The place of the next byte in the stream.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The bytes that are there without reading.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// The next byte; `None` at the end of the stream.
    #[inline]
    pub(super) fn peek(&mut self) -> io::Result<Option<u8>> {
        if let Some(byte) = self.bytes().first() {
            return Ok(Some(*byte));
        }
        self.more()?;
        Ok(self.bytes().first().copied())
    }

    /// Passes `count` bytes, which must be there.
    #[inline]
    pub(super) fn pass(&mut self, count: usize) {
        debug_assert!(count <= self.bytes().len());
        self.start += count;
        self.offset += count as u64;
    }

    /// Reads more, behind what is there. False at the end of the stream.
    #[cold]
    pub(super) fn more(&mut self) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        // Grows only when what was kept leaves little room: one value larger than the buffer.
        if self.buffer.len() - self.end < READ_BYTES / 2 {
            self.buffer.resize(self.buffer.len() * 2 + READ_BYTES, 0);
        }
        let count = loop {
            let space = self.buffer.get_mut(self.end..).unwrap_or_default();
            match self.source.read(space) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        self.end += count;
        self.ended = count == 0;
        Ok(!self.ended)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Gives one byte at a time, as the worst of sockets might.
    pub(crate) struct Trickle<'a>(pub(crate) &'a [u8]);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = buffer.len().min(1);
            self.0.read(&mut buffer[..count])
        }
    }

    #[test]
    fn bytes_are_passed_in_order_and_counted() {
        let mut window = Window::new(Trickle(b"abc"), 10);
        assert_eq!(window.peek().unwrap(), Some(b'a'));
        assert!(window.more().unwrap());
        assert_eq!(window.bytes(), b"ab");
        window.pass(1);
        assert_eq!(window.offset(), 11);
        assert!(window.more().unwrap());
        assert_eq!(window.bytes(), b"bc");
        window.pass(2);
        assert_eq!(window.peek().unwrap(), None);
        assert!(!window.more().unwrap());
    }
}

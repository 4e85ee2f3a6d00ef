//! A source that gives its bytes in pieces of the fuzzer's choice, as a socket does.

use std::io::{self, Read};

/// Gives `bytes` in pieces of these lengths, over and over; a length of 0 counts as 1.
#[derive(Debug)]
pub struct Pieces<'a> {
    bytes: &'a [u8],
    lengths: std::iter::Cycle<std::slice::Iter<'a, u8>>,
}

impl<'a> Pieces<'a> {
    pub fn new(bytes: &'a [u8], lengths: &'a [u8]) -> Self {
        Self {
            bytes,
            lengths: lengths.iter().cycle(),
        }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = self
            .lengths
            .next()
            .map_or(1, |&length| usize::from(length).max(1));
        let count = most.min(buffer.len());
        self.bytes.read(&mut buffer[..count])
    }
}

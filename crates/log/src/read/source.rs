//! Bytes that are read by offset: a file, or bytes in memory.

/// Bytes that are looked through at a time.
pub(crate) const SEARCH_CHUNK: usize = 64 << 10;

/// Bytes that are read by offset.
pub(crate) trait Source {
    /// The bytes from `offset` on: `want` of them, or fewer if the file ends before.
    fn at(&mut self, offset: u64, want: usize) -> &[u8];
    /// Forgets what was read, because another process may have written since.
    fn refresh(&mut self);
    /// Where the bytes end.
    fn end(&mut self) -> u64;
    /// Why some bytes could not be read lately; they are served as zeroes.
    fn read_error(&mut self) -> Option<String> {
        None
    }
}

/// Bytes in memory.
#[derive(Debug)]
pub(crate) struct Slice<'a>(pub(crate) &'a [u8]);

impl Source for Slice<'_> {
    fn at(&mut self, offset: u64, want: usize) -> &[u8] {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.0.len());
        let end = start.saturating_add(want).min(self.0.len());
        self.0.get(start..end).unwrap_or_default()
    }

    fn refresh(&mut self) {}

    fn end(&mut self) -> u64 {
        self.0.len() as u64
    }
}

/// The offset of the first byte from `offset` on that is not zero.
pub(crate) fn first_nonzero(source: &mut impl Source, mut offset: u64) -> Option<u64> {
    loop {
        let chunk = source.at(offset, SEARCH_CHUNK);
        if chunk.is_empty() {
            return None;
        }
        if let Some(at) = chunk.iter().position(|&byte| byte != 0) {
            return Some(offset + at as u64);
        }
        offset += chunk.len() as u64;
    }
}

/// The end of the last byte from `offset` on that is not zero; `offset` if there is none.
pub(crate) fn nonzero_end(source: &mut impl Source, offset: u64) -> u64 {
    let (mut at, mut end) = (offset, offset);
    loop {
        let chunk = source.at(at, SEARCH_CHUNK);
        if chunk.is_empty() {
            return end;
        }
        if let Some(last) = chunk.iter().rposition(|&byte| byte != 0) {
            end = at + last as u64 + 1;
        }
        at += chunk.len() as u64;
    }
}

//! Mapped memory: with [`crate::os`] and the users of its unsafe functions the only `unsafe` of this crate.

use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use memmap2::{MmapMut, MmapOptions, MmapRaw};

use crate::os::{self, Guard};

/// Memory is given back in pieces of whole pages of the largest usual size, and of at least a megabyte.
const PAGE: usize = 64 << 10;
const RELEASE_STEP: usize = 1 << 20;
/// Bytes of a word, the unit in which bytes that change are accessed.
const WORD: usize = 4;

/// A mapping of a file or of anonymous memory.
///
/// It is used in one of two ways, never both: bytes that change are copied with [`write`](Self::write) and
/// [`read_at`](Self::read_at), which is safe at any time; bytes that never change once they are there are read as slices.
#[derive(Debug)]
pub(crate) struct Mapping {
    /// Goes before what it guards.
    guard: Option<Guard>,
    raw: MmapRaw,
    writable: bool,
    /// Up to here the memory was given back.
    released: AtomicUsize,
}

impl Mapping {
    /// Maps the first `len` bytes of a file.
    pub(crate) fn of_file(file: &std::fs::File, len: usize, writable: bool) -> io::Result<Self> {
        let mut options = MmapOptions::new();
        options.len(len);
        let raw = if writable {
            options.map_raw(file)?
        } else {
            options.map_raw_read_only(file)?
        };
        Ok(Self {
            guard: Some(Guard::of(raw.as_ptr(), raw.len(), writable)),
            raw,
            writable,
            released: AtomicUsize::new(0),
        })
    }

    /// Maps `len` bytes of memory that belong to no file.
    pub(crate) fn anonymous(len: usize) -> io::Result<Self> {
        Ok(Self {
            guard: None,
            raw: MmapRaw::from(MmapMut::map_anon(len)?),
            writable: true,
            released: AtomicUsize::new(0),
        })
    }

    /// Whether every page that was touched was there: the file was not cut short, and the disk could read it.
    pub(crate) fn is_whole(&self) -> bool {
        self.guard.as_ref().is_none_or(Guard::is_whole)
    }

    pub(crate) fn len(&self) -> usize {
        self.raw.len()
    }

    /// The part of a range that is mapped, as a slice.
    ///
    /// # Safety
    /// While the slice lives, nobody writes to these bytes through this mapping or another one of its file. If a
    /// stranger cuts the file short, the guard puts empty pages there.
    pub(crate) unsafe fn slice(&self, range: Range<usize>) -> &[u8] {
        let end = range.end.min(self.len());
        let start = range.start.min(end);
        // SAFETY: start..end is inside the mapping, which lives as long as `self`. The caller sees to the rest.
        unsafe { std::slice::from_raw_parts(self.raw.as_ptr().add(start), end - start) }
    }

    /// Copies bytes in, and changes no byte around them.
    ///
    /// # Safety
    /// Meanwhile nobody else reads or writes these bytes, and nobody holds a slice of them.
    pub(crate) unsafe fn fill(&self, offset: usize, bytes: &[u8]) {
        self.check(offset, bytes.len());
        // SAFETY: `check` has made sure that the target is inside the mapping and may be written to. The caller sees to
        // the rest, so source and target do not overlap either.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.raw.as_mut_ptr().add(offset), bytes.len());
        }
    }

    /// Copies bytes in, word by word. Any thread may do that at any time: every access to a mapping that is written this
    /// way is an atomic access of a whole word, so there is no data race, whatever the threads do. The words at both
    /// ends are read and written back.
    pub(crate) fn write(&self, offset: usize, bytes: &[u8]) {
        self.check(offset, bytes.len());
        let skip = offset % WORD;
        let before = if skip == 0 {
            0
        } else {
            bytes.len().min(WORD - skip)
        };
        let (start, rest) = bytes.split_at(before);
        if !start.is_empty() {
            change_part(self.word(offset - skip), skip, start);
        }
        let (whole, end) = rest.as_chunks::<WORD>();
        let from = offset + before;
        for (word, bytes) in self.words(from, whole.len()).iter().zip(whole) {
            word.store(u32::from_ne_bytes(*bytes), Ordering::Relaxed);
        }
        if !end.is_empty() {
            change_part(self.word(from + whole.len() * WORD), 0, end);
        }
    }

    /// Copies bytes out, word by word, and returns how many: fewer than asked for only at the end. For mappings that are
    /// written with [`write`](Self::write).
    pub(crate) fn read_at(&self, offset: usize, into: &mut [u8]) -> usize {
        let count = into.len().min(self.len().saturating_sub(offset));
        let (mut at, mut rest) = (offset, into.get_mut(..count).unwrap_or_default());
        while !rest.is_empty() {
            let skip = at % WORD;
            let word = self.word(at - skip).load(Ordering::Relaxed).to_ne_bytes();
            if skip == 0 && rest.len() >= WORD {
                let (whole, others) = rest.split_at_mut(WORD);
                whole.copy_from_slice(&word);
                (at, rest) = (at + WORD, others);
                continue;
            }
            let (part, others) = rest.split_at_mut(rest.len().min(WORD - skip));
            for (to, from) in part.iter_mut().zip(word.iter().skip(skip)) {
                *to = *from;
            }
            at += part.len();
            rest = others;
        }
        count
    }

    pub(crate) fn fill_zero(&self, range: Range<usize>) {
        let zeroes = [0; 4096];
        for from in range.clone().step_by(zeroes.len()) {
            let len = zeroes.len().min(range.end - from);
            self.write(from, zeroes.get(..len).unwrap_or_default());
        }
    }

    pub(crate) fn publish_u32(&self, offset: usize, word: u32) {
        self.check(offset, WORD);
        assert!(offset.is_multiple_of(WORD), "a word at {offset}");
        self.word(offset).store(word.to_le(), Ordering::Release);
    }

    pub(crate) fn sync(&self, range: Range<usize>) -> io::Result<()> {
        let end = range.end.min(self.len());
        let start = range.start.min(end);
        self.raw.flush_range(start, end - start)
    }

    /// Gives the memory of a read-only mapping back; its pages come from the file again when they are read.
    pub(crate) fn release(&self) {
        if self.writable {
            return;
        }
        // SAFETY: only files are mapped for reading, and shared.
        unsafe { os::release_memory(&self.raw, 0..self.len()) };
    }

    /// After a sync: gives the memory of the pages well before `end` back, a good piece at a time. Nobody reads the
    /// log through its mapping, so a segment would otherwise stay resident for nothing. For mappings of files only.
    pub(crate) fn release_before(&self, end: usize) {
        let from = self.released.load(Ordering::Relaxed);
        let to = (end.min(self.len()) & !(PAGE - 1)).saturating_sub(PAGE);
        if to < from + RELEASE_STEP {
            return;
        }
        self.released.store(to, Ordering::Relaxed);
        // SAFETY: as the documentation says, this is a mapping of a file; those are shared.
        unsafe { os::release_memory(&self.raw, from..to) };
    }

    /// The word that begins at a multiple of 4 inside the mapping. The last one may reach beyond the mapped bytes.
    fn word(&self, offset: usize) -> &AtomicU32 {
        debug_assert!(offset.is_multiple_of(WORD) && offset < self.len());
        // SAFETY: aligned, because mappings begin at a page. Inside the mapping, because it consists of whole pages, also
        // where the file ends within one. Every access to a mapping that is written with `write` is such an atomic.
        unsafe { AtomicU32::from_ptr(self.raw.as_mut_ptr().add(offset).cast()) }
    }

    /// Whole words inside the mapping.
    fn words(&self, offset: usize, count: usize) -> &[AtomicU32] {
        if count == 0 {
            return &[];
        }
        assert!(offset.is_multiple_of(WORD) && count <= self.len().saturating_sub(offset) / WORD);
        // SAFETY: aligned and inside the mapping; as in `word`.
        unsafe { std::slice::from_raw_parts(self.raw.as_mut_ptr().add(offset).cast(), count) }
    }

    fn check(&self, offset: usize, len: usize) {
        let fits = offset.checked_add(len).is_some_and(|end| end <= self.len());
        assert!(
            fits && self.writable,
            "write of {len} bytes at {offset} of {} (writable: {})",
            self.len(),
            self.writable
        );
    }
}

/// Changes some bytes of a word, from its byte number `skip` on.
fn change_part(word: &AtomicU32, skip: usize, part: &[u8]) {
    let mut bytes = word.load(Ordering::Relaxed).to_ne_bytes();
    match (skip, part) {
        (0, [a]) => bytes[0] = *a,
        (0, [a, b]) => [bytes[0], bytes[1]] = [*a, *b],
        (0, [a, b, c]) => [bytes[0], bytes[1], bytes[2]] = [*a, *b, *c],
        _ => {
            for (to, from) in bytes.iter_mut().skip(skip).zip(part) {
                *to = *from;
            }
        }
    }
    word.store(u32::from_ne_bytes(bytes), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_at_any_offset_are_read_back_and_their_neighbours_stay() {
        let mapping = Mapping::anonymous(64).unwrap();
        for offset in 0..9 {
            for len in 0..12 {
                mapping.write(0, &[9; 32]);
                let bytes: Vec<u8> = (0..len).collect();
                mapping.write(offset, &bytes);
                let mut all = [0; 32];
                assert_eq!(mapping.read_at(0, &mut all), 32);
                let end = offset + usize::from(len);
                assert_eq!(&all[offset..end], bytes);
                assert!(all[..offset].iter().chain(&all[end..]).all(|&byte| byte == 9));
                let mut again = vec![0; bytes.len()];
                assert_eq!(mapping.read_at(offset, &mut again), bytes.len());
                assert_eq!(again, bytes);
            }
        }
    }

    #[test]
    fn reading_ends_with_the_mapping() {
        let mapping = Mapping::anonymous(10).unwrap();
        let mut bytes = [1; 8];
        assert_eq!(mapping.read_at(7, &mut bytes), 3);
        assert_eq!(bytes, [0, 0, 0, 1, 1, 1, 1, 1]);
        assert_eq!(mapping.read_at(11, &mut bytes), 0);
    }

    /// For Miri: `cargo +nightly miri test -p timberline-disk --lib mapping`.
    #[test]
    fn threads_may_write_and_read_the_same_bytes() {
        let mapping = Mapping::anonymous(256).unwrap();
        std::thread::scope(|scope| {
            for byte in 1..4 {
                let mapping = &mapping;
                scope.spawn(move || {
                    let mut seen = [0; 40];
                    for _ in 0..20 {
                        mapping.write(3, &[byte; 40]);
                        mapping.publish_u32(64, u32::from(byte));
                        mapping.read_at(3, &mut seen);
                        assert!(seen.iter().all(|seen| (0..4).contains(seen)));
                    }
                });
            }
        });
    }
}

//! Mapped memory: with its [`super::guard`] the only `unsafe` of this crate.

use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use memmap2::{MmapMut, MmapOptions, MmapRaw, UncheckedAdvice};

use super::guard::Guard;

/// Memory is given back in pieces of whole pages of the largest usual size, and of at least a megabyte.
const PAGE: usize = 64 << 10;
const RELEASE_STEP: usize = 1 << 20;

/// A mapping of a file or of anonymous memory, with the rules of [`super::Region`].
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

    /// The part of a range that is mapped.
    pub(crate) fn read(&self, range: Range<usize>) -> &[u8] {
        let end = range.end.min(self.len());
        let start = range.start.min(end);
        // SAFETY: start..end is inside the mapping, which lives as long as `self`. That nobody writes to these bytes
        // meanwhile is rule 2 of `Region`; the file is not cut shorter than what is read by rule 4, and if a stranger
        // does it, the guard puts empty pages there.
        unsafe { std::slice::from_raw_parts(self.raw.as_ptr().add(start), end - start) }
    }

    pub(crate) fn write(&self, offset: usize, bytes: &[u8]) {
        self.check(offset, bytes.len());
        // SAFETY: `check` has made sure that the target is inside the mapping and may be written to. Source and
        // target do not overlap in a way that matters to anyone: nobody holds a slice of the target (rule 2), and
        // there is one writer (rule 1; what is decrypted has one writer for each chunk).
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.raw.as_mut_ptr().add(offset), bytes.len())
        }
    }

    pub(crate) fn fill_zero(&self, range: Range<usize>) {
        let len = range.end.saturating_sub(range.start);
        self.check(range.start, len);
        // SAFETY: as in `write`.
        unsafe { std::ptr::write_bytes(self.raw.as_mut_ptr().add(range.start), 0, len) }
    }

    pub(crate) fn publish_u32(&self, offset: usize, word: u32) {
        self.check(offset, 4);
        self.word(offset).store(word.to_le(), Ordering::Release);
    }

    pub(crate) fn load_u32(&self, offset: usize) -> u32 {
        u32::from_le(self.word(offset).load(Ordering::Acquire))
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
        // SAFETY: dropping pages of a shared, read-only file mapping changes no byte that anyone can see, only where
        // it is read from. That a system refuses costs nothing but memory.
        let _ = unsafe { self.raw.unchecked_advise(UncheckedAdvice::DontNeed) };
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
        // SAFETY: in a shared file mapping this drops no byte: dirty pages stay in the page cache, and an access
        // takes them from there.
        let _ = unsafe {
            self.raw
                .unchecked_advise_range(UncheckedAdvice::DontNeed, from, to - from)
        };
    }

    fn word(&self, offset: usize) -> &AtomicU32 {
        assert!(
            offset.is_multiple_of(4) && offset + 4 <= self.len(),
            "word at {offset} of {} bytes",
            self.len()
        );
        // SAFETY: inside the mapping and aligned (mappings begin at a page). All accesses to a word that one thread
        // publishes and another loads at the same time are atomic.
        unsafe { AtomicU32::from_ptr(self.raw.as_mut_ptr().add(offset).cast()) }
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

//! A simulated file: the bytes that programs see, and the bytes that survive a power cut.

use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use super::lock_ignoring_poison;
use super::random::Random;
use crate::memory::Mapping;
use crate::storage::FileId;

const PAGE: usize = 4096;
const SECTOR: usize = 512;

/// A file's bytes, as programs see them and as they are durable. They are only read and changed while the disk's state is
/// locked. The exception is reading through a region, which follows the rules of [`ReadRegion`](crate::ReadRegion).
#[derive(Debug)]
pub(super) struct SimFile {
    pub(super) seen: Mapping,
    pub(super) inner: Mutex<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) len: usize,
    pub(super) durable: Vec<u8>,
    pub(super) dirty: BTreeSet<usize>,
}

impl SimFile {
    pub(super) fn new(len: usize, greatest: usize) -> io::Result<Arc<Self>> {
        let inner = Inner {
            len,
            durable: vec![0; len],
            dirty: BTreeSet::new(),
        };
        Ok(Arc::new(Self {
            seen: Mapping::anonymous(greatest)?,
            inner: Mutex::new(inner),
        }))
    }

    pub(super) fn of(bytes: &[u8], greatest: usize) -> io::Result<Arc<Self>> {
        let file = Self::new(bytes.len(), greatest)?;
        // SAFETY: nobody else has the file yet.
        unsafe { file.seen.fill(0, bytes) };
        lock_ignoring_poison(&file.inner).durable.copy_from_slice(bytes);
        Ok(file)
    }

    pub(super) fn len(&self) -> usize {
        lock_ignoring_poison(&self.inner).len
    }

    pub(super) fn mark_dirty(&self, range: Range<usize>) {
        lock_ignoring_poison(&self.inner)
            .dirty
            .extend(range.start / PAGE..range.end.div_ceil(PAGE));
    }

    /// Sets the length that programs see. If the file grows again, the bytes beyond are zero.
    pub(super) fn set_len(&self, len: usize) {
        let mut inner = lock_ignoring_poison(&self.inner);
        if len < inner.len {
            self.seen.fill_zero(len..inner.len);
            let last = len.div_ceil(PAGE);
            inner.dirty.retain(|&page| page < last);
            if !len.is_multiple_of(PAGE) {
                inner.dirty.insert(len / PAGE);
            }
        }
        inner.len = len;
    }

    /// Sets the durable length.
    pub(super) fn set_durable_len(&self, len: usize) {
        lock_ignoring_poison(&self.inner).durable.resize(len, 0);
    }

    /// The dirty pages of a range count as written. Their content becomes durable only if the write succeeded.
    pub(super) fn finish_write_back(&self, range: Range<usize>, reaches: bool) {
        let mut inner = lock_ignoring_poison(&self.inner);
        let pages: Vec<usize> = inner
            .dirty
            .range(range.start / PAGE..range.end.div_ceil(PAGE))
            .copied()
            .collect();
        for page in pages {
            inner.dirty.remove(&page);
            if reaches {
                self.copy(&mut inner, page * PAGE..(page + 1) * PAGE);
            }
        }
    }

    pub(super) fn copy(&self, inner: &mut Inner, range: Range<usize>) {
        let end = range.end.min(inner.len).min(inner.durable.len());
        let start = range.start.min(end);
        self.seen.read_at(start, &mut inner.durable[start..end]);
    }

    /// Makes a dirty page durable: all of it, none, or some sectors.
    pub(super) fn maybe_write_back(&self, page: usize, random: &mut Random) {
        let mut inner = lock_ignoring_poison(&self.inner);
        match random.below(4) {
            0 => {}
            1 | 2 => self.copy(&mut inner, page * PAGE..(page + 1) * PAGE),
            _ => {
                for sector in (page * PAGE..(page + 1) * PAGE).step_by(SECTOR) {
                    if random.below(2) == 0 {
                        self.copy(&mut inner, sector..sector + SECTOR);
                    }
                }
            }
        }
    }

    /// The operating system writes some dirty pages back, unasked.
    pub(super) fn idle(&self, random: &mut Random) {
        let pages: Vec<usize> = lock_ignoring_poison(&self.inner).dirty.iter().copied().collect();
        for page in pages {
            if random.below(8) == 0 {
                self.maybe_write_back(page, random);
            }
        }
    }

    /// What a power cut now would leave of the content.
    pub(super) fn after_power_cut(&self, random: &mut Random, len: usize) -> Vec<u8> {
        let mut durable = lock_ignoring_poison(&self.inner).durable.clone();
        durable.resize(len, 0);
        let (dirty, seen_len) = {
            let inner = lock_ignoring_poison(&self.inner);
            (inner.dirty.iter().copied().collect::<Vec<_>>(), inner.len)
        };
        for page in dirty {
            let fate = random.below(4);
            for sector in (page * PAGE..(page + 1) * PAGE).step_by(SECTOR) {
                let survives = fate == 1 || fate == 2 && random.below(2) == 0;
                let end = (sector + SECTOR).min(len).min(seen_len);
                if survives && sector < end {
                    self.seen.read_at(sector, &mut durable[sector..end]);
                }
            }
        }
        durable
    }
}

/// The address serves as the inode: it does not change while the file is open.
pub(super) fn id_of(file: &Arc<SimFile>) -> FileId {
    FileId {
        device: 0,
        inode: Arc::as_ptr(file).addr() as u64,
    }
}

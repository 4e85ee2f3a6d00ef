//! A simulated file in mapped memory.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use super::file::{SimFile, id_of};
use super::{Disk, lock_ignoring_poison};
use crate::memory::Mapping;
use crate::storage::{FileId, ReadRegion, WriteRegion};

#[derive(Debug)]
pub(super) struct SimRegion {
    pub(super) disk: Arc<Disk>,
    pub(super) dir: String,
    pub(super) file: Arc<SimFile>,
    pub(super) len: usize,
}

impl SimRegion {
    /// Writes as one operation. After a crash the program can still write to its memory, but nothing of that is durable.
    fn store(&self, range: Range<usize>, act: impl FnOnce(&Mapping)) {
        assert!(range.end <= self.len, "write of {range:?} to {} bytes", self.len);
        // On a real disk this is SIGBUS.
        assert!(
            range.end <= self.file.len(),
            "write of {range:?} beyond the end of the file ({})",
            self.file.len()
        );
        let mut state = lock_ignoring_poison(&self.disk.state);
        let alive = state.operate().is_ok();
        act(&self.file.seen);
        if alive {
            self.file.mark_dirty(range);
            if state.random.below(64) == 0 {
                self.file.idle(&mut state.random);
            }
        }
    }

    /// On a real disk, reading beyond the end is SIGBUS.
    fn expect_inside(&self, end: usize) {
        assert!(
            end.min(self.len) <= self.file.len(),
            "read up to {end} beyond the end of the file"
        );
    }
}

impl ReadRegion for SimRegion {
    fn len(&self) -> usize {
        self.len
    }

    fn read(&self, range: Range<usize>) -> &[u8] {
        self.expect_inside(range.end);
        // SAFETY: callers map only files that are not changed in place (`ReadRegion`).
        unsafe { self.file.seen.slice(range.start..range.end.min(self.len)) }
    }
}

impl WriteRegion for SimRegion {
    fn len(&self) -> usize {
        self.len
    }

    fn file_id(&self) -> Option<FileId> {
        Some(id_of(&self.file))
    }

    fn read_at(&self, offset: usize, into: &mut [u8]) -> usize {
        let count = into.len().min(self.len.saturating_sub(offset));
        self.expect_inside(offset + count);
        self.file
            .seen
            .read_at(offset, into.get_mut(..count).unwrap_or_default())
    }

    fn write(&self, offset: usize, bytes: &[u8]) {
        self.store(offset..offset + bytes.len(), |seen| seen.write(offset, bytes));
    }

    fn publish_u32(&self, offset: usize, word: u32) {
        self.store(offset..offset + 4, |seen| seen.publish_u32(offset, word));
    }

    fn sync(&self, range: Range<usize>) -> io::Result<()> {
        let mut state = lock_ignoring_poison(&self.disk.state);
        // The pages go one by one, in any order; the power can fail in between.
        state.operate()?;
        self.file.idle(&mut state.random);
        let outcome = state.sync();
        if state.crashed.is_some() || state.ignores_syncs {
            return outcome;
        }
        if let Some(directory) = state.directories.get_mut(&self.dir).filter(|_| outcome.is_ok()) {
            directory.commit_len(&self.file);
        }
        self.file.finish_write_back(range, outcome.is_ok());
        outcome
    }

    fn zero_from(&self, offset: usize) -> io::Result<()> {
        let mut state = lock_ignoring_poison(&self.disk.state);
        state.operate()?;
        let end = self.file.len();
        if offset < end {
            self.file.seen.fill_zero(offset..end);
            self.file.mark_dirty(offset..end);
        }
        Ok(())
    }
}

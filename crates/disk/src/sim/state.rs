//! The state of a simulated disk: its directories, the faults that a test has asked for, and what a power cut leaves.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use super::SimDisk;
use super::directory::Directory;
use super::file::SimFile;
use super::random::Random;

#[derive(Debug)]
pub(super) struct State {
    pub(super) random: Random,
    pub(super) directories: BTreeMap<String, Directory>,
    pub(super) capacity: u64,
    pub(super) max_file_len: usize,
    pub(super) sync_errors: bool,
    pub(super) ignores_syncs: bool,
    pub(super) fail_after_syncs: Option<u64>,
    pub(super) operations: u64,
    pub(super) crash_at: Option<u64>,
    /// What was durable when the planned crash happened. From then on every operation fails.
    pub(super) crashed: Option<SimDisk>,
}

impl State {
    /// Counts an operation. Fails with EIO after the planned crash.
    pub(super) fn operate(&mut self) -> io::Result<()> {
        if self.crashed.is_none() && self.crash_at.is_some_and(|at| self.operations >= at) {
            let seed = self.random.next();
            self.crashed = Some(self.power_cut(seed)?);
        }
        self.operations += 1;
        if self.crashed.is_some() {
            return Err(eio());
        }
        Ok(())
    }

    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.operate()?;
        let one_fails = match self.fail_after_syncs.as_mut() {
            Some(0) => {
                self.fail_after_syncs = None;
                true
            }
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        };
        if one_fails || self.sync_errors {
            Err(eio())
        } else {
            Ok(())
        }
    }

    pub(super) fn expect_there(&self, dir: &str) -> io::Result<()> {
        match self.directories.get(dir) {
            Some(directory) if directory.gone => Err(io::ErrorKind::NotFound.into()),
            _ => Ok(()),
        }
    }

    pub(super) fn power_cut(&mut self, seed: u64) -> io::Result<SimDisk> {
        let mut random = Random(seed);
        let after = SimDisk::with_files_up_to(random.next(), self.max_file_len);
        for (name, directory) in &self.directories {
            let survive = usize::try_from(random.below(directory.pending.len() as u64 + 1)).unwrap_or(0);
            let mut rebuilt = Directory::default();
            for (name, file, len) in directory.durable_after(survive) {
                let file = SimFile::of(&file.after_power_cut(&mut random, len), self.max_file_len)?;
                rebuilt.files.insert(name.clone(), Arc::clone(&file));
                rebuilt.durable.insert(name, file);
            }
            after.state().directories.insert(name.clone(), rebuilt);
        }
        {
            let mut after = after.state();
            after.capacity = self.capacity;
            after.ignores_syncs = self.ignores_syncs;
        }
        Ok(after)
    }

    pub(super) fn used(&self) -> u64 {
        self.directories
            .values()
            .flat_map(|dir| dir.files.values())
            .map(|file| file.len() as u64)
            .sum()
    }

    pub(super) fn size(&self, len: u64) -> io::Result<usize> {
        usize::try_from(len)
            .ok()
            .filter(|&len| len <= self.max_file_len)
            .ok_or_else(|| io::ErrorKind::FileTooLarge.into())
    }

    /// Checks that there is space for a file that has `now` bytes and is to have `then`.
    pub(super) fn reserve(&self, now: u64, then: u64) -> io::Result<()> {
        let fits = then <= now || self.used() + (then - now) <= self.capacity;
        if fits {
            Ok(())
        } else {
            Err(io::ErrorKind::StorageFull.into())
        }
    }
}

pub(super) fn eio() -> io::Error {
    io::Error::from_raw_os_error(5)
}

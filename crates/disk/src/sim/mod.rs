//! A disk in memory that loses power on demand (feature `sim`).
//!
//! It behaves as badly as real disks are allowed to. Every page has two contents: what programs see, and what is durable.
//! A sync copies the first to the second. The operating system may do the same at any time and in any order, and a power
//! cut may interrupt it within a page, between two sectors. Names (creation, renaming, removal) and lengths become durable
//! in the order in which they changed, but no earlier than a sync requires. Everything random comes from the seed.
//!
//! | file | what it does |
//! |---|---|
//! | `mod` | [`SimDisk`]: what a test does with the disk (power cuts, faults, capacity) |
//! | `state` | the state of the disk: directories, planned faults, what a power cut leaves |
//! | `directory` | names and lengths, as seen and as durable |
//! | `file` | the bytes of a file, as seen and as durable |
//! | `storage` | a directory as a [`Storage`] |
//! | `region` | a file in mapped memory |
//! | `random` | random numbers from the seed |

mod directory;
mod file;
mod random;
mod region;
mod state;
mod storage;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::sim::random::Random;
use crate::sim::state::State;
use crate::sim::storage::SimStorage;
use crate::storage::Storage;

/// How far a simulated file can grow unless set otherwise (address space only; memory is taken as it is written).
const MAX_FILE: usize = 65 << 20;

/// A simulated disk with directories on it. Clones are the same disk.
#[derive(Clone, Debug)]
pub struct SimDisk {
    disk: Arc<Disk>,
}

#[derive(Debug)]
struct Disk {
    state: Mutex<State>,
}

impl SimDisk {
    /// An empty disk.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::with_files_up_to(seed, MAX_FILE)
    }

    /// An empty disk whose files can have at most so many bytes. Under a sanitizer, address space is not free, so a test
    /// that makes many disks should limit them.
    #[must_use]
    pub fn with_files_up_to(seed: u64, bytes: usize) -> Self {
        let state = State {
            random: Random(seed),
            directories: BTreeMap::new(),
            capacity: u64::MAX,
            max_file_len: bytes,
            sync_errors: false,
            ignores_syncs: false,
            fail_after_syncs: None,
            operations: 0,
            crash_at: None,
            crashed: None,
        };
        Self {
            disk: Arc::new(Disk {
                state: Mutex::new(state),
            }),
        }
    }

    /// A directory of the disk, created if it does not exist.
    #[must_use]
    pub fn dir(&self, name: &str) -> Arc<dyn Storage> {
        self.state().directories.entry(name.to_owned()).or_default();
        let path = PathBuf::from(format!("/sim/{name}"));
        Arc::new(SimStorage {
            disk: Arc::clone(&self.disk),
            name: name.to_owned(),
            path,
        })
    }

    /// Cuts the power and returns what is durable, as a new disk. If a planned crash has happened already
    /// ([`crash_at`](Self::crash_at)), returns the disk as it was then.
    ///
    /// # Panics
    /// If there is no memory for the new disk.
    #[must_use]
    pub fn crash(&self, seed: u64) -> Self {
        let mut state = self.state();
        match &state.crashed {
            Some(crashed) => crashed.clone(),
            None => state
                .power_cut(seed)
                .unwrap_or_else(|error| panic!("no memory for a disk: {error}")),
        }
    }

    /// Plans a crash before the disk's `operation`-th operation (see [`operations`](Self::operations)). From then on
    /// everything fails with EIO.
    pub fn crash_at(&self, operation: u64) {
        self.state().crash_at = Some(operation);
    }

    /// Whether the planned crash has happened.
    #[must_use]
    pub fn has_crashed(&self) -> bool {
        self.state().crashed.is_some()
    }

    /// How many operations there have been: writes, syncs, and changes to names and lengths.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Sets the size of the disk in bytes. If more than that is in use, the disk is full.
    pub fn set_capacity(&self, bytes: u64) {
        self.state().capacity = bytes;
    }

    /// The bytes in use.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.state().used()
    }

    /// Sets whether syncs fail with EIO from now on. As on Linux, pages that could not be written are then marked clean,
    /// so a later sync that succeeds does not write them.
    pub fn fail_syncs(&self, fail: bool) {
        self.state().sync_errors = fail;
    }

    /// From now on, also after a power cut, syncing a file's content reports success and does nothing. A
    /// log on such a disk behaves like one that reports records durable before it syncs them.
    pub fn ignore_syncs(&self) {
        self.state().ignores_syncs = true;
    }

    /// Lets `count` more syncs succeed, then one fail with EIO, and those after it succeed again.
    pub fn fail_one_sync_after(&self, count: u64) {
        self.state().fail_after_syncs = Some(count);
    }

    /// Moves a directory away while programs may work in it. Files that are open stay open.
    pub fn move_away(&self, dir: &str) {
        self.state().directories.entry(dir.to_owned()).or_default().gone = true;
    }

    /// Moves a directory back to where it was.
    pub fn move_back(&self, dir: &str) {
        self.state().directories.entry(dir.to_owned()).or_default().gone = false;
    }

    /// Flips one bit of a file, both in the durable content and as seen by programs.
    ///
    /// # Panics
    /// If there is no such bit.
    pub fn flip_bit(&self, dir: &str, name: &str, bit: usize) {
        let state = self.state();
        let file = state
            .directories
            .get(dir)
            .and_then(|dir| dir.files.get(name))
            .cloned();
        let file = file.unwrap_or_else(|| panic!("no file {dir}/{name}"));
        let mut inner = lock_ignoring_poison(&file.inner);
        let byte = inner.durable[bit / 8] ^ 1 << (bit % 8);
        inner.durable[bit / 8] = byte;
        file.seen.write(bit / 8, &[byte]);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock_ignoring_poison(&self.disk.state)
    }
}

fn lock_ignoring_poison<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! A disk in memory that loses power on demand (feature `sim`).
//!
//! It is meaner than real disks, within what they are allowed to do. Every page has two contents: what programs see,
//! and what is on the platter. A sync copies the first to the second; so does the operating system whenever it likes,
//! in any order, and a power cut may catch it in the middle of a page, between two sectors. Names (creation, renaming,
//! removal) and lengths reach the platter in the order in which they happened, but no earlier than asked for.
//! Everything random comes from the seed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::lock::Held;
use crate::memory::Mapping;
use crate::storage::{FileId, ReadAt, ReadRegion, Storage, WriteRegion};
use crate::{LockError, WriterLock};

const PAGE: usize = 4096;
const SECTOR: usize = 512;
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

#[derive(Debug)]
struct State {
    random: Random,
    directories: BTreeMap<String, Directory>,
    capacity: u64,
    greatest_file: usize,
    sync_errors: bool,
    ignores_syncs: bool,
    fail_after_syncs: Option<u64>,
    operations: u64,
    crash_at: Option<u64>,
    /// What was on the platter when the planned crash came. From then on nothing works.
    crashed: Option<SimDisk>,
}

#[derive(Debug, Default)]
struct Directory {
    /// As programs see it.
    files: BTreeMap<String, Arc<SimFile>>,
    /// As it is on the platter.
    durable: BTreeMap<String, Arc<SimFile>>,
    /// What happened to names and lengths and is not on the platter yet, oldest first.
    pending: VecDeque<Change>,
    locked: bool,
    /// Somebody has moved the directory away.
    gone: bool,
}

#[derive(Clone, Debug)]
enum Change {
    Create(String, Arc<SimFile>),
    Rename(String, String),
    Remove(String),
    SetLen(Arc<SimFile>, usize),
}

/// A file's bytes, seen and on the platter. Its content is only looked at and changed with the disk's state locked,
/// except for reading through a region, which follows the rules of [`ReadRegion`].
#[derive(Debug)]
struct SimFile {
    seen: Mapping,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    len: usize,
    platter: Vec<u8>,
    dirty: BTreeSet<usize>,
}

impl SimFile {
    fn new(len: usize, greatest: usize) -> io::Result<Arc<Self>> {
        let inner = Inner {
            len,
            platter: vec![0; len],
            dirty: BTreeSet::new(),
        };
        Ok(Arc::new(Self {
            seen: Mapping::anonymous(greatest)?,
            inner: Mutex::new(inner),
        }))
    }

    fn of(bytes: &[u8], greatest: usize) -> io::Result<Arc<Self>> {
        let file = Self::new(bytes.len(), greatest)?;
        // SAFETY: nobody else has the file yet.
        unsafe { file.seen.fill(0, bytes) };
        held(&file.inner).platter.copy_from_slice(bytes);
        Ok(file)
    }

    fn len(&self) -> usize {
        held(&self.inner).len
    }

    fn soil(&self, range: Range<usize>) {
        held(&self.inner)
            .dirty
            .extend(range.start / PAGE..range.end.div_ceil(PAGE));
    }

    /// Sets the length that programs see. What was beyond is zero if it comes back.
    fn set_len(&self, len: usize) {
        let mut inner = held(&self.inner);
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

    /// Sets the length on the platter.
    fn set_platter_len(&self, len: usize) {
        held(&self.inner).platter.resize(len, 0);
    }

    /// The pages of a range reach the platter, or are forgotten without.
    fn settle(&self, range: Range<usize>, reaches: bool) {
        let mut inner = held(&self.inner);
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

    fn copy(&self, inner: &mut Inner, range: Range<usize>) {
        let end = range.end.min(inner.len).min(inner.platter.len());
        let start = range.start.min(end);
        self.seen.read_at(start, &mut inner.platter[start..end]);
    }

    /// A dirty page reaches the platter: all of it, none, or some sectors.
    fn maybe_write_back(&self, page: usize, random: &mut Random) {
        let mut inner = held(&self.inner);
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

    /// The operating system writes some dirty pages back, because it has time.
    fn idle(&self, random: &mut Random) {
        let pages: Vec<usize> = held(&self.inner).dirty.iter().copied().collect();
        for page in pages {
            if random.below(8) == 0 {
                self.maybe_write_back(page, random);
            }
        }
    }

    /// What a power cut now would leave.
    fn after_power_cut(&self, random: &mut Random, len: usize) -> Vec<u8> {
        let mut platter = held(&self.inner).platter.clone();
        platter.resize(len, 0);
        let (dirty, seen_len) = {
            let inner = held(&self.inner);
            (inner.dirty.iter().copied().collect::<Vec<_>>(), inner.len)
        };
        for page in dirty {
            let fate = random.below(4);
            for sector in (page * PAGE..(page + 1) * PAGE).step_by(SECTOR) {
                let survives = fate == 1 || fate == 2 && random.below(2) == 0;
                let end = (sector + SECTOR).min(len).min(seen_len);
                if survives && sector < end {
                    self.seen.read_at(sector, &mut platter[sector..end]);
                }
            }
        }
        platter
    }
}

impl Directory {
    /// The names and lengths on the platter if the first `count` pending changes got there.
    fn platter_after(&self, count: usize) -> Vec<(String, Arc<SimFile>, usize)> {
        let mut names = self.durable.clone();
        let mut lens: Vec<(Arc<SimFile>, usize)> = Vec::new();
        for change in self.pending.iter().take(count) {
            apply(&mut names, change);
            if let Change::SetLen(file, len) = change {
                lens.push((Arc::clone(file), *len));
            }
        }
        let len_of = |file: &Arc<SimFile>| {
            let changed = lens.iter().rev().find(|(other, _)| Arc::ptr_eq(other, file));
            changed.map_or_else(|| held(&file.inner).platter.len(), |(_, len)| *len)
        };
        names
            .into_iter()
            .map(|(name, file)| (name, Arc::clone(&file), len_of(&file)))
            .collect()
    }

    fn commit(&mut self) {
        for change in std::mem::take(&mut self.pending) {
            apply(&mut self.durable, &change);
            if let Change::SetLen(file, len) = change {
                file.set_platter_len(len);
            }
        }
    }

    /// Syncing a file makes its length durable, whatever the order.
    fn commit_len(&mut self, file: &Arc<SimFile>) {
        self.pending
            .retain(|change| !matches!(change, Change::SetLen(other, _) if Arc::ptr_eq(other, file)));
        file.set_platter_len(file.len());
    }

    fn find(&self, name: &str) -> io::Result<Arc<SimFile>> {
        self.files
            .get(name)
            .cloned()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn apply(names: &mut BTreeMap<String, Arc<SimFile>>, change: &Change) {
    match change {
        Change::Create(name, file) => {
            names.insert(name.clone(), Arc::clone(file));
        }
        Change::Rename(from, to) => {
            if let Some(file) = names.remove(from) {
                names.insert(to.clone(), file);
            }
        }
        Change::Remove(name) => {
            names.remove(name);
        }
        Change::SetLen(..) => {}
    }
}

impl SimDisk {
    /// An empty disk.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::with_files_up_to(seed, MAX_FILE)
    }

    /// An empty disk whose files can have so many bytes at most. Under a sanitizer address space is not free, and one
    /// who makes many small disks saves by asking for no more than is needed.
    #[must_use]
    pub fn with_files_up_to(seed: u64, bytes: usize) -> Self {
        let state = State {
            random: Random(seed),
            directories: BTreeMap::new(),
            capacity: u64::MAX,
            greatest_file: bytes,
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

    /// A directory of the disk, made if it is not there.
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

    /// Cuts the power: what is on the platter, as a new disk. If a planned crash has come already
    /// ([`crash_at`](Self::crash_at)), the disk as it was then.
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

    /// Whether the planned crash has come.
    #[must_use]
    pub fn has_crashed(&self) -> bool {
        self.state().crashed.is_some()
    }

    /// How many operations there have been: writes, syncs, and changes to names and lengths.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Sets the size of the disk in bytes; less than is used means: full.
    pub fn set_capacity(&self, bytes: u64) {
        self.state().capacity = bytes;
    }

    /// The bytes in use.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.state().used()
    }

    /// Whether syncs fail with EIO from now on. As on Linux, the pages that could not be written are then forgotten,
    /// and a later sync that succeeds does not bring them back.
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

    /// Moves a directory away, as somebody might while programs work in it. What is open stays open.
    pub fn move_away(&self, dir: &str) {
        self.state().directories.entry(dir.to_owned()).or_default().gone = true;
    }

    /// Moves a directory back to where it was.
    pub fn move_back(&self, dir: &str) {
        self.state().directories.entry(dir.to_owned()).or_default().gone = false;
    }

    /// Flips one bit of a file, on the platter and as seen by programs.
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
        let mut inner = held(&file.inner);
        let byte = inner.platter[bit / 8] ^ 1 << (bit % 8);
        inner.platter[bit / 8] = byte;
        file.seen.write(bit / 8, &[byte]);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        held(&self.disk.state)
    }
}

impl State {
    /// Counts an operation; EIO if the power is gone.
    fn operate(&mut self) -> io::Result<()> {
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

    fn sync(&mut self) -> io::Result<()> {
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

    fn expect_there(&self, dir: &str) -> io::Result<()> {
        match self.directories.get(dir) {
            Some(directory) if directory.gone => Err(io::ErrorKind::NotFound.into()),
            _ => Ok(()),
        }
    }

    fn power_cut(&mut self, seed: u64) -> io::Result<SimDisk> {
        let mut random = Random(seed);
        let after = SimDisk::with_files_up_to(random.next(), self.greatest_file);
        for (name, directory) in &self.directories {
            let survive = usize::try_from(random.below(directory.pending.len() as u64 + 1)).unwrap_or(0);
            let mut rebuilt = Directory::default();
            for (name, file, len) in directory.platter_after(survive) {
                let file = SimFile::of(&file.after_power_cut(&mut random, len), self.greatest_file)?;
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

    fn used(&self) -> u64 {
        self.directories
            .values()
            .flat_map(|dir| dir.files.values())
            .map(|file| file.len() as u64)
            .sum()
    }

    fn size(&self, len: u64) -> io::Result<usize> {
        usize::try_from(len)
            .ok()
            .filter(|&len| len <= self.greatest_file)
            .ok_or_else(|| io::ErrorKind::FileTooLarge.into())
    }

    /// Takes space for a file that has `now` bytes and is to have `then`.
    fn reserve(&self, now: u64, then: u64) -> io::Result<()> {
        let fits = then <= now || self.used() + (then - now) <= self.capacity;
        if fits {
            Ok(())
        } else {
            Err(io::ErrorKind::StorageFull.into())
        }
    }
}

/// A file that somebody has open keeps its address.
fn id_of(file: &Arc<SimFile>) -> FileId {
    FileId {
        device: 0,
        inode: Arc::as_ptr(file).addr() as u64,
    }
}

fn eio() -> io::Error {
    io::Error::from_raw_os_error(5)
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// SplitMix64: small, seedable, good enough to be mean.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

#[derive(Debug)]
struct SimStorage {
    disk: Arc<Disk>,
    name: String,
    path: PathBuf,
}

impl SimStorage {
    /// Does something to the directory, as one operation.
    fn change<T>(&self, act: impl FnOnce(&mut State, &str) -> io::Result<T>) -> io::Result<T> {
        let mut state = held(&self.disk.state);
        state.operate()?;
        state.expect_there(&self.name)?;
        act(&mut state, &self.name)
    }

    /// Looks at the directory.
    fn look<T>(&self, act: impl FnOnce(&Directory) -> io::Result<T>) -> io::Result<T> {
        let mut state = held(&self.disk.state);
        if state.crashed.is_some() {
            return Err(eio());
        }
        state.expect_there(&self.name)?;
        act(state.directories.entry(self.name.clone()).or_default())
    }

    fn region(&self, file: Arc<SimFile>) -> Arc<SimRegion> {
        let len = file.len();
        Arc::new(SimRegion {
            disk: Arc::clone(&self.disk),
            dir: self.name.clone(),
            file,
            len,
        })
    }
}

impl Storage for SimStorage {
    fn list(&self) -> io::Result<Vec<String>> {
        self.look(|dir| Ok(dir.files.keys().cloned().collect()))
    }

    fn create_region(&self, name: &str, len: u64) -> io::Result<Arc<dyn WriteRegion>> {
        let file = self.change(|state, dir| {
            state.reserve(0, len)?;
            let file = SimFile::new(state.size(len)?, state.greatest_file)?;
            let directory = state.directories.entry(dir.to_owned()).or_default();
            if directory.files.contains_key(name) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            directory.files.insert(name.to_owned(), Arc::clone(&file));
            directory
                .pending
                .push_back(Change::Create(name.to_owned(), Arc::clone(&file)));
            Ok(file)
        })?;
        Ok(self.region(file))
    }

    fn open_write_region(&self, name: &str) -> io::Result<Arc<dyn WriteRegion>> {
        let file = self.look(|dir| dir.find(name))?;
        Ok(self.region(file))
    }

    fn open_read_region(&self, name: &str) -> io::Result<Arc<dyn ReadRegion>> {
        let file = self.look(|dir| dir.find(name))?;
        Ok(self.region(file))
    }

    fn open_read(&self, name: &str) -> io::Result<Arc<dyn ReadAt>> {
        let file = self.look(|dir| dir.find(name))?;
        Ok(Arc::new(SimReader {
            disk: Arc::clone(&self.disk),
            file,
        }))
    }

    fn write_file(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.change(|state, dir| {
            state.reserve(0, bytes.len() as u64)?;
            if state.sync_errors {
                return Err(eio());
            }
            state.size(bytes.len() as u64)?;
            let file = SimFile::of(bytes, state.greatest_file)?;
            let directory = state.directories.entry(dir.to_owned()).or_default();
            directory.files.insert(name.to_owned(), Arc::clone(&file));
            directory.pending.push_back(Change::Create(name.to_owned(), file));
            directory.commit();
            Ok(())
        })
    }

    fn read_file(&self, name: &str) -> io::Result<Vec<u8>> {
        self.look(|dir| {
            let file = dir.find(name)?;
            let mut bytes = vec![0; file.len()];
            file.seen.read_at(0, &mut bytes);
            Ok(bytes)
        })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.change(|state, dir| {
            let directory = state.directories.entry(dir.to_owned()).or_default();
            let file = directory.find(from)?;
            directory.files.remove(from);
            directory.files.insert(to.to_owned(), file);
            directory
                .pending
                .push_back(Change::Rename(from.to_owned(), to.to_owned()));
            Ok(())
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.change(|state, dir| {
            let directory = state.directories.entry(dir.to_owned()).or_default();
            directory.find(name)?;
            directory.files.remove(name);
            directory.pending.push_back(Change::Remove(name.to_owned()));
            Ok(())
        })
    }

    fn set_len(&self, name: &str, len: u64) -> io::Result<()> {
        self.change(|state, dir| {
            let len_now = state.size(len)?;
            let file = state.directories.entry(dir.to_owned()).or_default().find(name)?;
            state.reserve(file.len() as u64, len)?;
            file.set_len(len_now);
            let directory = state.directories.entry(dir.to_owned()).or_default();
            directory.pending.push_back(Change::SetLen(file, len_now));
            Ok(())
        })
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut state = held(&self.disk.state);
        state.sync()?;
        state.expect_there(&self.name)?;
        state.directories.entry(self.name.clone()).or_default().commit();
        Ok(())
    }

    fn file_id(&self, name: &str) -> io::Result<FileId> {
        self.look(|dir| dir.find(name)).map(|file| id_of(&file))
    }

    fn names_changed(&self) -> io::Result<i128> {
        // Whatever happens on this disk may have been a change of a name.
        self.look(|_| Ok(()))?;
        Ok(i128::from(held(&self.disk.state).operations))
    }

    fn lock_writer(&self) -> Result<WriterLock, LockError> {
        let mut state = held(&self.disk.state);
        let directory = state.directories.entry(self.name.clone()).or_default();
        if directory.locked {
            let holder = "another handle of this simulated disk".to_owned();
            return Err(LockError::Locked {
                path: self.path.clone(),
                holder,
            });
        }
        directory.locked = true;
        Ok(WriterLock::holding(SimLock {
            disk: Arc::clone(&self.disk),
            dir: self.name.clone(),
        }))
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

#[derive(Debug)]
struct SimLock {
    disk: Arc<Disk>,
    dir: String,
}

impl Held for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        if let Some(directory) = held(&self.disk.state).directories.get_mut(&self.dir) {
            directory.locked = false;
        }
    }
}

#[derive(Debug)]
struct SimReader {
    disk: Arc<Disk>,
    file: Arc<SimFile>,
}

impl ReadAt for SimReader {
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        // Locked, so that a copy is never taken in the middle of somebody's write.
        let _state = held(&self.disk.state);
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.file.len());
        let end = start.saturating_add(into.len()).min(self.file.len());
        Ok(self.file.seen.read_at(start, &mut into[..end - start]))
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.file.len() as u64)
    }
}

#[derive(Debug)]
struct SimRegion {
    disk: Arc<Disk>,
    dir: String,
    file: Arc<SimFile>,
    len: usize,
}

impl SimRegion {
    /// Writes as one operation. A program whose disk is gone can still write to its memory; nobody will see it.
    fn store(&self, range: Range<usize>, act: impl FnOnce(&Mapping)) {
        assert!(range.end <= self.len, "write of {range:?} to {} bytes", self.len);
        // On a real disk this is SIGBUS.
        assert!(
            range.end <= self.file.len(),
            "write of {range:?} beyond the end of the file ({})",
            self.file.len()
        );
        let mut state = held(&self.disk.state);
        let alive = state.operate().is_ok();
        act(&self.file.seen);
        if alive {
            self.file.soil(range);
            if state.random.below(64) == 0 {
                self.file.idle(&mut state.random);
            }
        }
    }
}

impl SimRegion {
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
        let mut state = held(&self.disk.state);
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
        self.file.settle(range, outcome.is_ok());
        outcome
    }

    fn zero_from(&self, offset: usize) -> io::Result<()> {
        let mut state = held(&self.disk.state);
        state.operate()?;
        let end = self.file.len();
        if offset < end {
            self.file.seen.fill_zero(offset..end);
            self.file.soil(offset..end);
        }
        Ok(())
    }
}

//! A directory of a simulated disk as a [`Storage`].

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::directory::{Change, Directory};
use super::file::{SimFile, id_of};
use super::region::SimRegion;
use super::state::{State, eio};
use super::{Disk, lock_ignoring_poison};
use crate::lock::Held;
use crate::storage::{FileId, ReadAt, ReadRegion, Storage, WriteRegion};
use crate::{LockError, WriterLock};

#[derive(Debug)]
pub(super) struct SimStorage {
    pub(super) disk: Arc<Disk>,
    pub(super) name: String,
    pub(super) path: PathBuf,
}

impl SimStorage {
    /// Changes the directory, as one operation.
    fn change<T>(&self, act: impl FnOnce(&mut State, &str) -> io::Result<T>) -> io::Result<T> {
        let mut state = lock_ignoring_poison(&self.disk.state);
        state.operate()?;
        state.expect_there(&self.name)?;
        act(&mut state, &self.name)
    }

    /// Reads the directory.
    fn look<T>(&self, act: impl FnOnce(&Directory) -> io::Result<T>) -> io::Result<T> {
        let mut state = lock_ignoring_poison(&self.disk.state);
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
            let file = SimFile::new(state.size(len)?, state.max_file_len)?;
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
            let file = SimFile::of(bytes, state.max_file_len)?;
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
        let mut state = lock_ignoring_poison(&self.disk.state);
        state.sync()?;
        state.expect_there(&self.name)?;
        state.directories.entry(self.name.clone()).or_default().commit();
        Ok(())
    }

    fn file_id(&self, name: &str) -> io::Result<FileId> {
        self.look(|dir| dir.find(name)).map(|file| id_of(&file))
    }

    fn names_changed(&self) -> io::Result<i128> {
        // Any operation on this disk may have changed a name.
        self.look(|_| Ok(()))?;
        Ok(i128::from(lock_ignoring_poison(&self.disk.state).operations))
    }

    fn lock_writer(&self) -> Result<WriterLock, LockError> {
        let mut state = lock_ignoring_poison(&self.disk.state);
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
        if let Some(directory) = lock_ignoring_poison(&self.disk.state)
            .directories
            .get_mut(&self.dir)
        {
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
        // Locked, so that the copy never contains half of a write.
        let _state = lock_ignoring_poison(&self.disk.state);
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.file.len());
        let end = start.saturating_add(into.len()).min(self.file.len());
        Ok(self.file.seen.read_at(start, &mut into[..end - start]))
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.file.len() as u64)
    }
}

//! A directory that goes on reading the files that it opened first, also after others have taken their names.
//!
//! An erasure replaces segments of the log. Code that reads a log twice and compares must read the same files both times.
//! Bytes that are appended to a file are still seen.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::os;
use crate::storage::{FileId, ReadAt, ReadRegion, Storage, WriteRegion};
use crate::{LockError, WriterLock};

/// Of the files that the process may have open, so many are for others. Of a log with more segments than are left, the
/// others are opened whenever they are read.
const FOR_OTHERS: u64 = 256;

/// For reading by copy only.
#[derive(Debug)]
pub struct Pinned {
    inner: Arc<dyn Storage>,
    /// The names there are, if there are never to be more.
    names: Option<Vec<String>>,
    files: Mutex<BTreeMap<String, Arc<dyn ReadAt>>>,
    /// Files that are kept open at most.
    max_files: usize,
}

impl Pinned {
    /// Reads the files of `inner`, also those that are made later.
    pub fn new(inner: Arc<dyn Storage>) -> Self {
        Self {
            inner,
            names: None,
            files: Mutex::default(),
            max_files: max_files(),
        }
    }

    /// The same without files that are made later.
    ///
    /// # Errors
    /// If the directory cannot be listed.
    pub fn with_names_of_now(inner: Arc<dyn Storage>) -> io::Result<Self> {
        let names = Some(inner.list()?);
        Ok(Self {
            names,
            ..Self::new(inner)
        })
    }

    fn files(&self) -> MutexGuard<'_, BTreeMap<String, Arc<dyn ReadAt>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Storage for Pinned {
    /// With the files that were opened and have been removed since.
    fn list(&self) -> io::Result<Vec<String>> {
        if let Some(names) = &self.names {
            return Ok(names.clone());
        }
        let mut names = self.inner.list()?;
        names.extend(self.files().keys().cloned());
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    fn open_read(&self, name: &str) -> io::Result<Arc<dyn ReadAt>> {
        if let Some(file) = self.files().get(name) {
            return Ok(Arc::clone(file));
        }
        let file = self.inner.open_read(name)?;
        let mut files = self.files();
        if files.len() < self.max_files {
            // Another thread may have opened the name first: then its file counts.
            return Ok(Arc::clone(files.entry(name.to_owned()).or_insert(file)));
        }
        Ok(file)
    }

    fn create_region(&self, _name: &str, _len: u64) -> io::Result<Arc<dyn WriteRegion>> {
        Err(only_read())
    }

    fn open_write_region(&self, _name: &str) -> io::Result<Arc<dyn WriteRegion>> {
        Err(only_read())
    }

    fn open_read_region(&self, _name: &str) -> io::Result<Arc<dyn ReadRegion>> {
        Err(only_read())
    }

    fn write_file(&self, _name: &str, _bytes: &[u8]) -> io::Result<()> {
        Err(only_read())
    }

    fn read_file(&self, name: &str) -> io::Result<Vec<u8>> {
        let file = self.open_read(name)?;
        let mut bytes = vec![0; usize::try_from(file.len()?).map_err(|_| io::ErrorKind::FileTooLarge)?];
        let count = file.read_at(0, &mut bytes)?;
        bytes.truncate(count);
        Ok(bytes)
    }

    fn rename(&self, _from: &str, _to: &str) -> io::Result<()> {
        Err(only_read())
    }

    fn remove(&self, _name: &str) -> io::Result<()> {
        Err(only_read())
    }

    fn set_len(&self, _name: &str, _len: u64) -> io::Result<()> {
        Err(only_read())
    }

    fn sync_dir(&self) -> io::Result<()> {
        Err(only_read())
    }

    fn file_id(&self, name: &str) -> io::Result<FileId> {
        self.inner.file_id(name)
    }

    fn names_changed(&self) -> io::Result<i128> {
        self.inner.names_changed()
    }

    fn lock_writer(&self) -> Result<WriterLock, LockError> {
        self.inner.lock_writer()
    }

    fn path(&self) -> &Path {
        self.inner.path()
    }
}

/// How many files may be kept open.
fn max_files() -> usize {
    let (limit, _) = os::open_files_limit();
    limit.map_or(usize::MAX, |limit| {
        usize::try_from(limit.saturating_sub(FOR_OTHERS)).unwrap_or(usize::MAX)
    })
}

fn only_read() -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        "a pinned log is only read, and by copying",
    )
}

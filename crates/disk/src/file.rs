//! Real files in a real directory.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::atomic::write_atomically;
use crate::memory::Mapping;
use crate::os;
use crate::storage::{FileId, ReadAt, ReadRegion, Storage, WriteRegion};
use crate::{LockError, WriterLock};

/// A directory on a real disk.
#[derive(Debug)]
pub struct FileStorage {
    dir: PathBuf,
    /// The directory that was opened: another one may take its path.
    id: FileId,
}

impl FileStorage {
    /// Opens a directory, making it if it is not there.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn open(dir: impl Into<PathBuf>) -> io::Result<Self> {
        let dir = dir.into();
        if !dir.is_dir() {
            os::modes::private_dir(&mut DirBuilder::new())
                .recursive(true)
                .create(&dir)?;
            // The new name must survive too, or a synced log would lie in a directory that is gone.
            if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                os::sync_dir(parent)?;
            }
        }
        let id = os::file_id(&fs::metadata(&dir)?);
        Ok(Self { dir, id })
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

impl Storage for FileStorage {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            // A name that is not UTF-8 is not one of ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn create_region(&self, name: &str, len: u64) -> io::Result<Arc<dyn WriteRegion>> {
        let path = self.at(name);
        let file = os::modes::private_file(&mut OpenOptions::new())
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)?;
        let made = allocate(&file, 0, len).and_then(|()| FileRegion::map(file));
        match made {
            Ok(region) => Ok(Arc::new(region)),
            Err(error) => {
                // No half-made file stays behind. If even removing fails, recovery finds an empty file and drops it.
                let _ = fs::remove_file(&path);
                Err(error)
            }
        }
    }

    fn open_write_region(&self, name: &str) -> io::Result<Arc<dyn WriteRegion>> {
        let file = OpenOptions::new().read(true).write(true).open(self.at(name))?;
        Ok(Arc::new(FileRegion::map(file)?))
    }

    fn open_read_region(&self, name: &str) -> io::Result<Arc<dyn ReadRegion>> {
        let file = File::open(self.at(name))?;
        let len = mapped_len(&file.metadata()?)?;
        // The mapping needs no descriptor.
        Ok(Arc::new(FileView(Mapping::of_file(&file, len, false)?)))
    }

    fn open_read(&self, name: &str) -> io::Result<Arc<dyn ReadAt>> {
        Ok(Arc::new(PlainFile {
            file: File::open(self.at(name))?,
        }))
    }

    fn write_file(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        write_atomically(&self.dir, name, bytes)
    }

    fn read_file(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.at(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.at(from), self.at(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.at(name))
    }

    fn set_len(&self, name: &str, len: u64) -> io::Result<()> {
        let file = OpenOptions::new().read(true).write(true).open(self.at(name))?;
        let before = file.metadata()?.len();
        if len <= before {
            return file.set_len(len);
        }
        allocate(&file, before, len - before).inspect_err(|_| {
            // A partial allocation would keep what little space there is.
            let _ = file.set_len(before);
        })
    }

    fn sync_dir(&self) -> io::Result<()> {
        os::sync_dir(&self.dir)
    }

    fn file_id(&self, name: &str) -> io::Result<FileId> {
        fs::metadata(self.at(name)).map(|metadata| os::file_id(&metadata))
    }

    fn names_changed(&self) -> io::Result<i128> {
        let metadata = fs::metadata(&self.dir)?;
        if os::file_id(&metadata) != self.id {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "another directory has taken its place",
            ));
        }
        Ok(os::modified_nanos(&metadata))
    }

    fn lock_writer(&self) -> Result<WriterLock, LockError> {
        WriterLock::acquire(&self.dir)
    }

    fn path(&self) -> &Path {
        &self.dir
    }
}

/// Reserves space, so that writing to the mapping can never find the disk full (which would be SIGBUS).
fn allocate(file: &File, offset: u64, len: u64) -> io::Result<()> {
    if os::allocate(file, offset, len)? {
        return Ok(());
    }
    // Writing zeroes reserves as well.
    write_zeroes(file, offset, len)
}

fn write_zeroes(file: &File, offset: u64, len: u64) -> io::Result<()> {
    let zeroes = [0u8; 65536];
    let end = offset + len;
    let mut at = offset;
    while at < end {
        let part = usize::try_from(end - at).unwrap_or(usize::MAX).min(zeroes.len());
        os::write_all_at(file, zeroes.get(..part).unwrap_or_default(), at)?;
        at += part as u64;
    }
    Ok(())
}

fn mapped_len(metadata: &fs::Metadata) -> io::Result<usize> {
    usize::try_from(metadata.len()).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

/// A file that is mapped for writing.
#[derive(Debug)]
struct FileRegion {
    file: File,
    id: FileId,
    mapping: Mapping,
}

impl FileRegion {
    fn map(file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let mapping = Mapping::of_file(&file, mapped_len(&metadata)?, true)?;
        Ok(Self {
            file,
            id: os::file_id(&metadata),
            mapping,
        })
    }
}

/// A file that is mapped for reading.
#[derive(Debug)]
struct FileView(Mapping);

impl ReadRegion for FileView {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn read(&self, range: Range<usize>) -> &[u8] {
        // SAFETY: callers map only files that are not changed in place (`ReadRegion`).
        unsafe { self.0.slice(range) }
    }

    fn is_whole(&self) -> bool {
        self.0.is_whole()
    }

    fn release(&self) {
        self.0.release();
    }
}

impl WriteRegion for FileRegion {
    fn len(&self) -> usize {
        self.mapping.len()
    }

    fn file_id(&self) -> Option<FileId> {
        Some(self.id)
    }

    fn read_at(&self, offset: usize, into: &mut [u8]) -> usize {
        self.mapping.read_at(offset, into)
    }

    fn write(&self, offset: usize, bytes: &[u8]) {
        self.mapping.write(offset, bytes);
    }

    fn publish_u32(&self, offset: usize, word: u32) {
        self.mapping.publish_u32(offset, word);
    }

    fn sync(&self, range: Range<usize>) -> io::Result<()> {
        // msync(MS_SYNC) is fdatasync of a range on Linux: the pages, and the metadata needed to find them.
        let end = range.end;
        self.mapping.sync(range)?;
        if !self.mapping.is_whole() {
            return Err(io::Error::other(
                "the file was cut short while it was in use, or the disk cannot read it",
            ));
        }
        self.mapping.release_before(end);
        Ok(())
    }

    fn zero_from(&self, offset: usize) -> io::Result<()> {
        let len = self.mapping.len();
        if offset >= len {
            return Ok(());
        }
        if !os::zero_range(&self.file, offset as u64, (len - offset) as u64)? {
            self.mapping.fill_zero(offset..len);
        }
        // Zeroing a range changes extents, not pages: only a full fsync is sure to cover it.
        self.file.sync_all()
    }
}

#[derive(Debug)]
struct PlainFile {
    file: File,
}

impl ReadAt for PlainFile {
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        os::read_all_at(&self.file, into, offset)
    }

    fn will_read_all(&self) {
        os::will_read_all(&self.file);
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }
}

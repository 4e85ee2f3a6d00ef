//! The seam between the log and the disk: one flat directory of files.
//!
//! [`FileStorage`](crate::FileStorage) is the real thing. `SimDisk` (feature `sim`) is a disk in memory that loses power on demand; all
//! recovery code is tested on it. The views keep their files behind the same seam.

use std::fmt::Debug;
use std::fs::Metadata;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use crate::{LockError, WriterLock, os};

/// Identifies a file, whatever its name. It stays the same as long as anybody has the file open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileId {
    /// The file system.
    pub device: u64,
    /// The file in it.
    pub inode: u64,
}

impl FileId {
    /// Which file this is the metadata of.
    #[must_use]
    pub fn of(metadata: &Metadata) -> FileId {
        os::file_id(metadata)
    }
}

/// One flat directory of files.
///
/// Nothing is durable until it is synced: a file's bytes by [`WriteRegion::sync`], its name (creation, renaming, removal)
/// by [`Storage::sync_dir`]. [`Storage::write_file`] does both by itself.
pub trait Storage: Debug + Send + Sync {
    /// The names of all files, in no particular order.
    ///
    /// # Errors
    /// If the directory cannot be read.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Makes a new file of `len` zero bytes, with its space allocated, and maps it for writing.
    ///
    /// # Errors
    /// If there is no space for all of it (then no file is left behind), or a file of that name exists.
    fn create_region(&self, name: &str, len: u64) -> io::Result<Arc<dyn WriteRegion>>;

    /// Maps a whole file, as long as it is now, for writing.
    ///
    /// # Errors
    /// If there is no such file, or it cannot be mapped.
    fn open_write_region(&self, name: &str) -> io::Result<Arc<dyn WriteRegion>>;

    /// Maps a whole file that is never changed again, see [`ReadRegion`].
    ///
    /// # Errors
    /// If there is no such file, or it cannot be mapped.
    fn open_read_region(&self, name: &str) -> io::Result<Arc<dyn ReadRegion>>;

    /// Opens a file for reading by copy, see [`ReadAt`].
    ///
    /// # Errors
    /// If there is no such file, or it cannot be opened.
    fn open_read(&self, name: &str) -> io::Result<Arc<dyn ReadAt>>;

    /// Writes a whole file, replacing one of that name: atomically, and durable on return.
    ///
    /// # Errors
    /// If it cannot be written or synced. The previous file is then still there.
    fn write_file(&self, name: &str, bytes: &[u8]) -> io::Result<()>;

    /// Reads a whole file.
    ///
    /// # Errors
    /// If there is no such file, or it cannot be read.
    fn read_file(&self, name: &str) -> io::Result<Vec<u8>>;

    /// Renames a file, replacing one of that name. Regions of it stay valid.
    ///
    /// # Errors
    /// If there is no such file, or the directory cannot be written.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file's name. Regions of it stay valid.
    ///
    /// # Errors
    /// If there is no such file, or the directory cannot be written.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Cuts a file short, or lengthens it with zero bytes whose space is allocated.
    ///
    /// Nobody may touch a region of the file beyond the new end afterwards (that is SIGBUS).
    ///
    /// # Errors
    /// If there is no space for the longer file; it then has its former length.
    fn set_len(&self, name: &str, len: u64) -> io::Result<()>;

    /// Makes all creations, renamings and removals so far durable.
    ///
    /// # Errors
    /// If the disk refuses.
    fn sync_dir(&self) -> io::Result<()>;

    /// Which file has this name now. One system call.
    ///
    /// # Errors
    /// If there is no such file, or it cannot be asked for.
    fn file_id(&self, name: &str) -> io::Result<FileId>;

    /// When a name in this directory was last made, changed or removed: a number that differs when something has
    /// changed, in nanoseconds since 1970 where the disk tells. One system call.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] if the directory is no longer at its path: it was removed or moved away, or another
    /// one has taken its place.
    fn names_changed(&self) -> io::Result<i128>;

    /// Becomes the only writer of this directory, until the lock is dropped.
    ///
    /// # Errors
    /// [`LockError::Locked`] with the holder's name if there is a writer already.
    fn lock_writer(&self) -> Result<WriterLock, LockError>;

    /// Where the directory is; for messages.
    fn path(&self) -> &Path;
}

/// A file that is mapped for writing: memory that the disk follows.
///
/// Bytes are copied in and out; nobody ever holds a reference to them. So any number of threads can use a region at the
/// same time. If two write to the same bytes, either value may win. Nobody may touch bytes beyond a new end after
/// [`Storage::set_len`].
pub trait WriteRegion: Debug + Send + Sync {
    /// The number of bytes mapped.
    fn len(&self) -> usize;

    /// Whether nothing is mapped.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Which file is mapped; `None` where that is not known.
    fn file_id(&self) -> Option<FileId> {
        None
    }

    /// Copies bytes from the region, and returns how many: fewer than asked for only at its end.
    fn read_at(&self, offset: usize, into: &mut [u8]) -> usize;

    /// Copies bytes into the region.
    ///
    /// # Panics
    /// If they do not fit: the caller has miscounted.
    fn write(&self, offset: usize, bytes: &[u8]);

    /// Stores a little-endian word, after everything written before (release).
    ///
    /// # Panics
    /// If it does not fit, or `offset` is not a multiple of 4.
    fn publish_u32(&self, offset: usize, word: u32);

    /// Makes the bytes of a range durable (whole pages around it), with all that is needed to find them again
    /// except the file's name.
    ///
    /// # Errors
    /// If the disk refuses. Which part of the range is durable is then unknown, and another try does not show it.
    fn sync(&self, range: Range<usize>) -> io::Result<()>;

    /// Sets all bytes from `offset` to the end to zero; durable after a `sync` of them.
    ///
    /// # Errors
    /// If the disk refuses.
    fn zero_from(&self, offset: usize) -> io::Result<()>;
}

/// A file that is mapped for reading.
///
/// Only for files that were written as a whole ([`Storage::write_file`]) and that nobody changes in place: a later
/// version gets a new file under the same name. A stranger who cuts such a file short is noticed ([`Self::is_whole`]).
pub trait ReadRegion: Debug + Send + Sync {
    /// The number of bytes mapped.
    fn len(&self) -> usize;

    /// Whether nothing is mapped.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of a range; the part of it that is inside the region.
    fn read(&self, range: Range<usize>) -> &[u8];

    /// Whether every page that was touched so far was there. If not (somebody cut the file short, or the disk cannot
    /// read it), zeroes were read in its place.
    fn is_whole(&self) -> bool {
        true
    }

    /// Says that the region will not be read for a while: the system may take its memory back. Reading it again is
    /// slower, nothing else.
    fn release(&self) {}
}

/// A file read by copying.
///
/// Log readers use this, not a mapping: a bad sector is an error here, where a mapping would kill the process
/// (SIGBUS); and so is nothing at all that the writer cuts the unused end off a file which another process reads.
pub trait ReadAt: Debug + Send + Sync {
    /// Copies bytes from `offset` on; fewer than asked for only at the end of the file.
    ///
    /// # Errors
    /// If the disk cannot read them.
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize>;

    /// Says that all of the file is about to be read: the system may begin to fetch it.
    fn will_read_all(&self) {}

    /// Makes durable what others have written to the file. (On Linux that needs no right to write.)
    ///
    /// # Errors
    /// If the disk refuses.
    fn sync(&self) -> io::Result<()> {
        Ok(())
    }

    /// The file's length now.
    ///
    /// # Errors
    /// If it cannot be asked for.
    fn len(&self) -> io::Result<u64>;

    /// Whether the file is empty now.
    ///
    /// # Errors
    /// If its length cannot be asked for.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
}

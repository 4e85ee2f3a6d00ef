//! Timberline's disk: one flat directory of files behind the trait [`Storage`].
//!
//! [`FileStorage`] is a directory on a real disk, [`EncryptedStorage`] encrypts the files of another storage, and
//! `SimDisk` (feature `sim`) is a disk in memory that loses power on demand; all recovery code is tested on it. Files
//! are appended to through mapped memory ([`WriteRegion`]) and read by copying ([`ReadAt`]); files that never change are
//! also read through mapped memory ([`ReadRegion`]). A directory has one writer at a
//! time ([`WriterLock`]). [`DataDir`] knows the names of all files in a data directory. [`KeyFile`] keeps the data key
//! that a passphrase unlocks. [`fixed`] reads the fields of headers.
//!
//! ```
//! use timberline_disk::{FileStorage, Storage};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let dir = tempfile::tempdir()?;
//! let storage = FileStorage::open(dir.path())?;
//! storage.write_file("notes", b"hello")?;
//! assert_eq!(storage.read_file("notes")?, b"hello");
//! # Ok(())
//! # }
//! ```

#![cfg_attr(not(test), deny(clippy::disallowed_methods, clippy::indexing_slicing))]

mod atomic;
mod crypto;
mod data_dir;
mod encrypted;
mod error;
mod file;
pub mod fixed;
mod lock;
mod memory;
mod open_files;
pub mod os;
mod pinned;
mod random;
// A disk for tests. It may panic: then the test is wrong.
#[cfg(feature = "sim")]
#[allow(clippy::indexing_slicing)]
mod sim;
mod storage;

pub use atomic::{create_private_dir, sync_dir, write_atomically};
pub use crypto::key_file::{KeyError, KeyFile};
pub use crypto::{Cipher, NotAuthentic};
pub use data_dir::DataDir;
pub use encrypted::EncryptedStorage;
pub use error::{IoError, LockError};
pub use file::FileStorage;
pub use lock::WriterLock;
pub use memory::AppendMemory;
pub use open_files::allow_open_files;
pub use pinned::Pinned;
pub use random::random;
#[cfg(feature = "sim")]
pub use sim::SimDisk;
pub use storage::{FileId, ReadAt, ReadRegion, Storage, WriteRegion};

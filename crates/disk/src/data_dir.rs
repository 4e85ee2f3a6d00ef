//! The data directory: the names of the files in it, who may read them, and how they are written.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::{IoError, atomic};

/// A data directory, or a backup, which has the same layout. It need not exist.
///
/// ```text
/// log/                      the segments of the log, and LOCK
/// log.restoring/            a log that `restore` has not finished
/// views/                    the view segments and the checkpoint
/// scratch/                  mapped files without a name, while a fold runs
/// LOCK                      locked by the process that writes
/// KEY                       the data key of encrypted data
/// CLOCK, CLOCK.confirmed    which times of the system's clock are trusted
/// device_id                 who writes the log
/// privacy.key               the key of hashes
/// retention*.json           which retention rules wait for a person
/// scrub.json                how far the scrub has come
/// backups.json              where the backups are
/// tokens.json               the tokens that the server accepts; tokens-used.json: their last uses
/// webhooks*.json            where the server sends what happens, with secrets; how far it has come
/// watchers/                 what is chosen for watchers, and the queue of what they record
/// manifest.json             in a backup: what is in it
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataDir {
    path: PathBuf,
}

impl DataDir {
    /// The directory of the log.
    pub const LOG: &str = "log";
    /// The directory where a log is restored, until it is complete.
    pub const LOG_RESTORING: &str = "log.restoring";
    /// The directory of the views.
    pub const VIEWS: &str = "views";
    /// The file in [`VIEWS`](Self::VIEWS) that says which view segments count.
    pub const CHECKPOINT: &str = "checkpoint";
    /// The directory of the files that a fold maps and unlinks at once.
    pub const SCRATCH: &str = "scratch";
    /// The lock file. The directory of the log has one, too.
    pub const LOCK: &str = "LOCK";
    /// The locked data key of encrypted data.
    pub const KEY: &str = "KEY";
    /// What is known about the system's clock.
    pub const CLOCK: &str = "CLOCK";
    /// Confirms the system's clock, until the server takes it.
    pub const CLOCK_CONFIRMATION: &str = "CLOCK.confirmed";
    /// The id of the device that writes the log.
    pub const DEVICE_ID: &str = "device_id";
    /// The key of hashes.
    pub const PRIVACY_KEY: &str = "privacy.key";
    /// What is known about retention.
    pub const RETENTION: &str = "retention.json";
    /// Retention rules that a person has confirmed, until the server takes them.
    pub const RETENTION_CONFIRMATIONS: &str = "retention.confirmed.json";
    /// How far the scrub has come.
    pub const SCRUB: &str = "scrub.json";
    /// The list of backups.
    pub const BACKUPS: &str = "backups.json";
    /// The tokens that the server accepts, as digests.
    pub const TOKENS: &str = "tokens.json";
    /// When each token was last used.
    pub const TOKEN_USES: &str = "tokens-used.json";
    /// The webhooks, with their secrets.
    pub const WEBHOOKS: &str = "webhooks.json";
    /// How far each webhook has come.
    pub const WEBHOOK_STATES: &str = "webhooks-state.json";
    /// What is in a backup.
    pub const MANIFEST: &str = "manifest.json";

    /// The data directory at this path.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of one of its files or directories.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Makes the directory and those above it, see [`create_private_dir`](crate::create_private_dir).
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn create_private(&self) -> io::Result<()> {
        atomic::create_private_dir(&self.path)
    }

    /// The bytes of a file; `None` if there is no such file.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, IoError> {
        let path = self.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(IoError::at("read", &path)(error)),
        }
    }

    /// Writes a file or replaces it, see [`write_atomically`](crate::write_atomically).
    ///
    /// # Errors
    /// If it cannot be written. Then the old file is still there.
    pub fn write_atomically(&self, name: &str, bytes: &[u8]) -> Result<(), IoError> {
        atomic::write_atomically(&self.path, name, bytes).map_err(IoError::at("write", self.join(name)))
    }

    /// Like [`write_atomically`](Self::write_atomically), but never replaces a file. Of several callers at the same
    /// time one succeeds.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] if there is a file of that name; or if it cannot be written.
    pub fn create_atomically(&self, name: &str, bytes: &[u8]) -> Result<(), IoError> {
        atomic::create_atomically(&self.path, name, bytes).map_err(IoError::at("write", self.join(name)))
    }

    /// The lock file, opened for reading: who wants to know whether a server runs tries to lock it.
    ///
    /// # Errors
    /// If it is not there or cannot be opened.
    pub fn open_lock(&self) -> io::Result<File> {
        File::open(self.join(Self::LOCK))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &DataDir) -> Vec<String> {
        let entries = fs::read_dir(dir.path()).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[cfg(unix)]
    fn mode(path: &Path) -> u32 {
        std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions()) & 0o777
    }

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::at(dir.path().join("a/b"));
        data.create_private().unwrap();
        data.create_private().unwrap();
        assert_eq!(data.read(DataDir::SCRUB).unwrap(), None);
        for text in [&b"old"[..], b"new"] {
            data.write_atomically(DataDir::SCRUB, text).unwrap();
            assert_eq!(data.read(DataDir::SCRUB).unwrap().unwrap(), text);
        }
        assert_eq!(names(&data), [DataDir::SCRUB]);
        #[cfg(unix)]
        assert_eq!(
            (mode(data.path()), mode(&data.join(DataDir::SCRUB))),
            (0o700, 0o600)
        );
    }

    #[test]
    fn of_many_that_create_a_file_one_succeeds() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::at(dir.path());
        let created: Vec<bool> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8u8)
                .map(|n| {
                    scope.spawn({
                        let data = &data;
                        move || data.create_atomically(DataDir::PRIVACY_KEY, &[n; 32])
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| match thread.join().unwrap() {
                    Ok(()) => true,
                    Err(error) => {
                        assert_eq!(error.source.kind(), ErrorKind::AlreadyExists);
                        false
                    }
                })
                .collect()
        });
        assert_eq!(created.iter().filter(|created| **created).count(), 1);
        let winner = created.iter().position(|created| *created).unwrap();
        assert_eq!(
            data.read(DataDir::PRIVACY_KEY).unwrap().unwrap(),
            [winner as u8; 32]
        );
        assert_eq!(names(&data), [DataDir::PRIVACY_KEY]);
    }

    #[test]
    fn a_directory_that_is_a_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let data = DataDir::at(&file);
        assert!(data.create_private().is_err());
        assert!(data.write_atomically(DataDir::SCRUB, b"").is_err());
        let error = data.read(DataDir::SCRUB).unwrap_err().to_string();
        assert!(error.contains("file/scrub.json"), "{error}");
    }
}

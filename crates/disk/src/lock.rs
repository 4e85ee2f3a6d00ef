//! One writer per directory.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::data_dir::DataDir;
use crate::error::{IoError, LockError};
use crate::os;
use crate::storage::FileId;

/// The right to write to a directory; given back when dropped, and by the kernel when the process dies.
#[derive(Debug)]
pub struct WriterLock {
    _held: Box<dyn Held>,
    /// The lock file, if it is one.
    file: Option<FileId>,
    /// Where it is, if it was made for this lock.
    made: Option<PathBuf>,
}

/// How often the lock file is opened again because somebody has removed it meanwhile.
const ATTEMPTS: usize = 100;

/// Anything whose dropping gives the lock back.
pub(crate) trait Held: std::fmt::Debug + Send + Sync {}

impl Held for File {}

impl WriterLock {
    /// Takes the lock of a directory, which must exist.
    ///
    /// # Errors
    /// [`LockError::Locked`] if somebody has it; [`LockError::Io`] if the lock file cannot be written.
    pub fn acquire(dir: &Path) -> Result<Self, LockError> {
        let path = dir.join(DataDir::LOCK);
        for _ in 0..ATTEMPTS {
            let (mut file, is_new) = open_or_make(&path).map_err(IoError::at("open", &path))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    let holder = holder_named_in(&mut file);
                    return Err(LockError::Locked {
                        path: dir.to_path_buf(),
                        holder,
                    });
                }
                Err(TryLockError::Error(source)) => return Err(IoError::at("lock", &path)(source).into()),
            }
            let id = os::file_id(&file.metadata().map_err(IoError::at("look at", &path))?);
            // A file that somebody has removed since it was opened locks nobody out.
            if !fs::metadata(&path).is_ok_and(|there| os::file_id(&there) == id) {
                continue;
            }
            // The text is a courtesy to whoever finds the lock taken. On a full disk it cannot be written, and reading
            // must still be possible then.
            let _ = name_holder(&mut file);
            return Ok(Self {
                file: Some(id),
                made: is_new.then_some(path),
                ..Self::holding(file)
            });
        }
        let why = std::io::Error::other("somebody removes it again and again");
        Err(IoError::at("lock", &path)(why).into())
    }

    /// Gives the lock back as if it had never been taken: a lock file that was made for it is removed.
    pub fn undo(mut self) {
        if let Some(path) = self.made.take() {
            // While it is still locked: nobody else can hold it.
            let _ = fs::remove_file(path);
        }
    }

    pub(crate) fn holding(held: impl Held + 'static) -> Self {
        Self {
            _held: Box::new(held),
            file: None,
            made: None,
        }
    }

    /// The lock file; `None` if the lock is not one.
    #[must_use]
    pub fn file(&self) -> Option<FileId> {
        self.file
    }
}

/// The lock file, and whether it was made just now.
fn open_or_make(path: &Path) -> std::io::Result<(File, bool)> {
    let mut options = OpenOptions::new();
    os::modes::private_file(&mut options).read(true).write(true);
    match options.clone().create_new(true).open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let file = options.create(true).truncate(false).open(path)?;
            Ok((file, false))
        }
        made => Ok((made?, true)),
    }
}

fn name_holder(file: &mut File) -> std::io::Result<()> {
    let since = timberline_clock::wall()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "process {} (since {})", std::process::id(), rfc3339(since))
}

fn holder_named_in(file: &mut File) -> String {
    let mut text = String::new();
    // The first line is all we wrote; a foreign file must not fill the screen.
    match file.take(200).read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => text.lines().next().unwrap_or_default().trim().to_owned(),
        _ => "another process".to_owned(),
    }
}

/// Seconds since 1970 as `2024-03-01T10:00:00Z` (proleptic Gregorian calendar; the days are counted in eras of 400
/// years that begin on 1 March, so that the leap day is the last of its year).
fn rfc3339(seconds: u64) -> String {
    let (days, time) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        time / 3_600,
        time / 60 % 60,
        time % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holder_is_named_with_its_start_time() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_709_287_200), "2024-03-01T10:00:00Z");
        assert_eq!(rfc3339(1_709_251_199), "2024-02-29T23:59:59Z");
        assert_eq!(rfc3339(4_102_444_799), "2099-12-31T23:59:59Z");
    }

    #[test]
    fn a_second_writer_is_told_who_the_first_is() {
        let dir = tempfile::tempdir().unwrap();
        let first = WriterLock::acquire(dir.path()).unwrap();
        let message = WriterLock::acquire(dir.path()).unwrap_err().to_string();
        let expected = format!("is in use by process {} (since 2", std::process::id());
        assert!(message.contains(&expected), "{message}");
        drop(first);
        WriterLock::acquire(dir.path()).unwrap();
    }
}

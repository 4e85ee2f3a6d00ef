//! The daily log files: `timberline.2026-11-29.log`, a new one each day (UTC), a few of them kept.
//!
//! The clock names the files and nothing else. It may be set to any time, before 1970 and after 9999 too: a name then
//! has the first or last day that a [`Timestamp`] can hold, and logging goes on.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use timberline_disk::os::modes;
use timberline_model::Timestamp;

const PREFIX: &str = "timberline.";
const SUFFIX: &str = ".log";
/// Files that are kept, with the one that is written.
const MAX_FILES: usize = 7;
const NANOS_PER_DAY: i64 = 86_400 * 1_000_000_000;

/// Writes to the file of the day.
#[derive(Debug)]
pub(super) struct DailyFiles {
    dir: PathBuf,
    day: i64,
    file: File,
    now: fn() -> Timestamp,
}

impl DailyFiles {
    /// Opens the file of today in `dir`, which is created if there is none.
    ///
    /// # Errors
    /// When the directory or the file cannot be created.
    pub(super) fn open(dir: &Path) -> io::Result<Self> {
        Self::with_clock(dir, || Timestamp::from(timberline_clock::wall()))
    }

    fn with_clock(dir: &Path, now: fn() -> Timestamp) -> io::Result<Self> {
        timberline_disk::create_private_dir(dir)?;
        let today = now();
        Ok(Self {
            file: open_file(dir, today)?,
            dir: dir.to_owned(),
            day: day_of(today),
            now,
        })
    }

    /// Goes on to the file of today. If that cannot be opened, the lines go to the file of before.
    fn follow_the_day(&mut self) {
        let today = (self.now)();
        if day_of(today) == self.day {
            return;
        }
        if let Ok(file) = open_file(&self.dir, today) {
            self.file = file;
        }
        self.day = day_of(today);
    }
}

impl Write for DailyFiles {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        self.follow_the_day();
        self.file.write(lines)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn day_of(time: Timestamp) -> i64 {
    time.nanos().div_euclid(NANOS_PER_DAY)
}

/// Opens the file of a day, and removes the oldest beyond those that are kept.
fn open_file(dir: &Path, today: Timestamp) -> io::Result<File> {
    let text = today.to_string();
    let day = text.split('T').next().unwrap_or_default();
    let path = dir.join(format!("{PREFIX}{day}{SUFFIX}"));
    let file = modes::private_file(&mut OpenOptions::new())
        .create(true)
        .append(true)
        .open(&path)?;
    remove_oldest(dir, &path);
    Ok(file)
}

/// Removes what is too many, first by name. A file that cannot be removed costs space, but no line.
fn remove_oldest(dir: &Path, current: &Path) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    let mut others: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(is_ours))
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .map(|entry| entry.path())
        .filter(|path| path != current)
        .collect();
    others.sort();
    let too_many = (others.len() + 1).saturating_sub(MAX_FILES);
    for path in others.iter().take(too_many) {
        let _ = fs::remove_file(path);
    }
}

/// Whether this is the name of a file of a day.
fn is_ours(name: &str) -> bool {
    name.strip_prefix(PREFIX)
        .and_then(|rest| rest.strip_suffix(SUFFIX))
        .is_some_and(|day| day.len() == 10 && day.bytes().all(|b| b.is_ascii_digit() || b == b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, Ordering};

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn each_day_has_a_file_and_seven_are_kept() {
        static NOW: AtomicI64 = AtomicI64::new(0);
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("timberline.toml.log"), "not ours").unwrap();
        let clock = || Timestamp::from_nanos(NOW.load(Ordering::Relaxed));
        let mut files = DailyFiles::with_clock(dir.path(), clock).unwrap();
        for day in 0..9 {
            NOW.store(day * NANOS_PER_DAY + 1, Ordering::Relaxed);
            writeln!(files, "day {day}").unwrap();
        }
        let names = names(dir.path());
        assert_eq!(names.len(), 8, "{names:?}");
        assert_eq!(names[0], "timberline.1970-01-03.log");
        assert_eq!(names[6], "timberline.1970-01-09.log");
        let last = fs::read_to_string(dir.path().join(&names[6])).unwrap();
        assert_eq!(last, "day 8\n");
    }

    #[test]
    fn a_clock_that_jumps_anywhere_and_back_keeps_every_line() {
        static NOW: AtomicI64 = AtomicI64::new(0);
        let dir = tempfile::tempdir().unwrap();
        let clock = || Timestamp::from_nanos(NOW.load(Ordering::Relaxed));
        let mut files = DailyFiles::with_clock(dir.path(), clock).unwrap();
        for (line, nanos) in [0, i64::MIN, i64::MAX, -1, 0, i64::MAX].into_iter().enumerate() {
            NOW.store(nanos, Ordering::Relaxed);
            writeln!(files, "{line}").unwrap();
        }
        let text = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
        assert_eq!(names(dir.path()).len(), 4);
        assert_eq!(text("timberline.1677-09-21.log"), "1\n");
        assert_eq!(text("timberline.1969-12-31.log"), "3\n");
        assert_eq!(text("timberline.1970-01-01.log"), "0\n4\n");
        assert_eq!(text("timberline.2262-04-11.log"), "2\n5\n");
    }
}

//! Reads what a program prints, always, so that it never waits for a reader; and keeps the last of it in files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use timberline_disk::os::modes;
use timberline_model::Duration;
use tokio::net::unix::pipe;

use crate::clock::Clock;

/// The size of a log file. There is one before it.
const FILE_BYTES: u64 = 1 << 20;
/// What a program may print into its log in a minute. The rest is counted.
const MINUTE_BYTES: u64 = 256 << 10;
/// The longest last line that is kept for the status.
const LINE_BYTES: usize = 300;
/// What is kept of what a program prints once. The help of no program is longer.
const BEGINNING_BYTES: usize = 64 << 10;

/// The log of a program: `NAME.log`, and what was in it before in `NAME.log.1`.
pub(in crate::supervisor) struct Log {
    path: Option<PathBuf>,
    file: Option<File>,
    bytes: u64,
    minute: Minute,
    clock: Arc<dyn Clock>,
}

/// What was printed in the minute that runs.
struct Minute {
    began: Duration,
    bytes: u64,
    dropped: u64,
}

/// The last line that a program has printed.
pub(super) type LastLine = Arc<Mutex<String>>;

impl Log {
    /// The log of a program in a directory; without one, its output is read and forgotten.
    pub(in crate::supervisor) fn new(dir: Option<PathBuf>, name: &str, clock: Arc<dyn Clock>) -> Log {
        Log {
            path: dir.map(|dir| dir.join(format!("{name}.log"))),
            file: None,
            bytes: 0,
            minute: Minute {
                began: clock.read().monotonic,
                bytes: 0,
                dropped: 0,
            },
            clock,
        }
    }

    /// Reads until nobody can print any more.
    pub(super) async fn read(&mut self, output: pipe::Receiver, last: LastLine) {
        let mut line = Vec::new();
        let take = |bytes: &[u8]| {
            remember_line(&mut line, bytes, &last);
            // A log that cannot be written must not keep the program from printing.
            if let Err(error) = self.add(bytes) {
                tracing::debug!(%error, "the log of a program cannot be written");
                self.file = None;
            }
        };
        read_all(output, take).await;
    }

    /// A line of the supervisor's own.
    pub(in crate::supervisor) fn note(&mut self, text: &str) {
        let line = format!("[timberline {}] {text}\n", self.clock.read().wall);
        if let Err(error) = self.write(line.as_bytes()) {
            tracing::debug!(%error, "the log of a program cannot be written");
        }
    }

    fn add(&mut self, bytes: &[u8]) -> io::Result<()> {
        let now = self.clock.read().monotonic;
        if now.saturating_sub(self.minute.began) >= Duration::from_secs(60) {
            let before = std::mem::replace(
                &mut self.minute,
                Minute {
                    began: now,
                    bytes: 0,
                    dropped: 0,
                },
            );
            if before.dropped > 0 {
                self.note(&format!("{} bytes of output were left out", before.dropped));
            }
        }
        let free = MINUTE_BYTES.saturating_sub(self.minute.bytes);
        let kept = bytes.len().min(usize::try_from(free).unwrap_or(usize::MAX));
        self.minute.bytes += kept as u64;
        self.minute.dropped += (bytes.len() - kept) as u64;
        self.write(bytes.get(..kept).unwrap_or_default())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        if bytes.is_empty() {
            return Ok(());
        }
        if self.file.is_some() && self.bytes.saturating_add(bytes.len() as u64) > FILE_BYTES {
            self.file = None;
            fs::rename(path, path.with_extension("log.1"))?;
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                if let Some(dir) = path.parent() {
                    timberline_disk::create_private_dir(dir)?;
                }
                let mut options = OpenOptions::new();
                modes::private_file(&mut options);
                let file = options.append(true).create(true).open(path)?;
                self.bytes = file.metadata()?.len();
                none.insert(file)
            }
        };
        file.write_all(bytes)?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

/// Reads until nobody can print any more, and keeps the first [`BEGINNING_BYTES`].
pub(super) async fn read_beginning(output: pipe::Receiver, text: &mut Vec<u8>) {
    let take = |bytes: &[u8]| {
        let room = BEGINNING_BYTES.saturating_sub(text.len());
        text.extend(bytes.iter().take(room));
    };
    read_all(output, take).await;
}

async fn read_all(output: pipe::Receiver, mut take: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let read = match output.readable().await {
            Ok(()) => output.try_read(&mut buffer),
            Err(error) => Err(error),
        };
        match read {
            Ok(0) => return,
            Ok(read) => take(buffer.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => {
                tracing::debug!(%error, "the output of a program cannot be read");
                return;
            }
        }
    }
}

/// Keeps the last line that is not empty.
fn remember_line(line: &mut Vec<u8>, bytes: &[u8], last: &LastLine) {
    for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
        let room = LINE_BYTES.saturating_sub(line.len());
        let text = piece.strip_suffix(b"\n").unwrap_or(piece);
        line.extend_from_slice(text.get(..text.len().min(room)).unwrap_or_default());
        let shown = String::from_utf8_lossy(line);
        if !shown.trim().is_empty() {
            shown.trim().clone_into(&mut last.lock());
        }
        if piece.ends_with(b"\n") {
            line.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::FakeClock;
    use timberline_model::Timestamp;

    fn log(dir: &std::path::Path) -> (Log, Arc<FakeClock>) {
        let clock = Arc::new(FakeClock::at(Timestamp::from_nanos(0)));
        let of_log: Arc<dyn Clock> = Arc::clone(&clock) as _;
        (
            Log::new(Some(dir.to_path_buf()), "aw-watcher-test", of_log),
            clock,
        )
    }

    #[test]
    fn a_flood_of_output_fills_two_files_of_limited_size_and_says_what_is_missing() {
        let dir = tempfile::tempdir().expect("a directory");
        let (mut log, clock) = log(dir.path());
        let line = [b'x'; 1024];
        for _ in 0..20 {
            for _ in 0..1000 {
                log.add(&line).expect("written");
            }
            clock.advance(Duration::from_secs(60));
        }
        let size = |name: &str| fs::metadata(dir.path().join(name)).expect("a file").len();
        assert!(size("aw-watcher-test.log") <= FILE_BYTES);
        assert!(size("aw-watcher-test.log.1") <= FILE_BYTES);
        assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 2);
        let read = |name: &str| fs::read_to_string(dir.path().join(name)).expect("text");
        let text = read("aw-watcher-test.log.1") + &read("aw-watcher-test.log");
        let left_out = 1000 * 1024 - MINUTE_BYTES;
        assert!(text.contains(&format!("{left_out} bytes of output were left out")));
    }

    #[test]
    fn a_log_file_is_continued_where_it_ended() {
        let dir = tempfile::tempdir().expect("a directory");
        log(dir.path()).0.add(b"one\n").expect("written");
        log(dir.path()).0.add(b"two\n").expect("written");
        let text = fs::read_to_string(dir.path().join("aw-watcher-test.log")).expect("text");
        assert_eq!(text, "one\ntwo\n");
    }

    #[test]
    fn the_last_line_is_kept_also_if_it_comes_in_pieces() {
        let (mut line, last) = (Vec::new(), LastLine::default());
        remember_line(&mut line, b"first\nValue", &last);
        remember_line(&mut line, b"Error: no\n\n", &last);
        assert_eq!(*last.lock(), "ValueError: no");
        remember_line(&mut line, &[b'x'; 5000], &last);
        assert_eq!(last.lock().len(), LINE_BYTES);
    }
}

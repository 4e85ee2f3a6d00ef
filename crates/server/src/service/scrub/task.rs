//! The thread that reads everything.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use timberline_cancel::Cancelled;
use timberline_log::{LogError, LogReader, Seq, segment_name};
use timberline_views::{Pace, Store};

use super::progress::Progress;
use super::status::Status;
use crate::app::App;
use crate::service::small_files;

/// How often it is looked whether it is time.
const CHECK_EVERY: Duration = Duration::from_secs(600);
/// Bytes read before a pause, and the pause: 8 MiB a second.
const PIECE: u64 = 1 << 20;
const PAUSE: Duration = Duration::from_millis(125);

/// The thread that reads; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct ScrubTask {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ScrubTask {
    /// Starts it.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(app: &Arc<App>) -> io::Result<ScrubTask> {
        let (stop, stopped) = channel();
        let app = Arc::clone(app);
        let thread = std::thread::Builder::new()
            .name("scrub".to_owned())
            .spawn(move || run(&app, &stopped))?;
        Ok(ScrubTask {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for ScrubTask {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(app: &App, stopped: &Receiver<()>) {
    let dir = &app.settings.data_dir;
    let mut progress = Progress::read(dir);
    app.scrub.show(&progress, 0);
    // A server that has just started has better things to do.
    while stopped.recv_timeout(CHECK_EVERY.min(app.settings.scrub_every)) == Err(RecvTimeoutError::Timeout) {
        if !progress.is_due(app.settings.scrub_every, app.store.now()) {
            continue;
        }
        let mut reading = Reading {
            status: &app.scrub,
            stopped,
            left: PIECE,
        };
        match read_all(app, &mut progress, &mut reading) {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => tracing::error!(%error, "the scrub cannot read the log; it is tried again"),
        }
    }
}

/// Reads at its speed, until the server stops.
struct Reading<'a> {
    status: &'a Status,
    stopped: &'a Receiver<()>,
    left: u64,
}

impl Pace for Reading<'_> {
    fn spent(&mut self, bytes: u64) -> Result<(), Cancelled> {
        self.status.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.left = self.left.saturating_sub(bytes);
        if self.left > 0 {
            return Ok(());
        }
        self.left = PIECE;
        // As many pauses as pieces were read at once.
        let pauses = u32::try_from(bytes / PIECE + 1).unwrap_or(u32::MAX);
        match self.stopped.recv_timeout(PAUSE.saturating_mul(pauses)) {
            Err(RecvTimeoutError::Timeout) => Ok(()),
            _ => Err(Cancelled),
        }
    }
}

/// Reads everything that was not read yet. False when it was stopped.
fn read_all(app: &App, progress: &mut Progress, reading: &mut Reading<'_>) -> Result<bool, LogError> {
    let dir = &app.settings.data_dir;
    if !read_store(&app.store, dir, progress, reading)? {
        return Ok(false);
    }
    // Not kept in scrub.json: `doctor` looks at these files itself, and a start may have put them right by then.
    let beside = small_files::damaged(&app.settings);
    for what in &beside {
        tracing::error!("the scrub has found damage: {what}");
    }
    progress.finish(app.store.now());
    keep(progress, dir);
    reading.status.show(progress, beside.len());
    let damaged = progress.damage.len() + beside.len();
    tracing::info!(damaged, "the scrub has read everything");
    Ok(true)
}

/// Reads the log and the views. False when it was stopped.
fn read_store(
    store: &Store,
    dir: &Path,
    progress: &mut Progress,
    reading: &mut Reading<'_>,
) -> Result<bool, LogError> {
    let reader = store.log()?;
    let next = Seq(progress.next.unwrap_or(0));
    for segment in reader.segments()? {
        if segment.first < next {
            continue;
        }
        if !read_segment(&reader, segment.first, progress, reading)? {
            return Ok(false);
        }
        progress.next = Some(segment.first.next().get());
        keep(progress, dir);
        reading.status.show(progress, 0);
    }
    let Ok(damaged) = timberline_views::tools::damaged_view_segments(&store.snapshot(), reading) else {
        return Ok(false);
    };
    damaged.into_iter().for_each(|what| progress.note(what));
    match store.check_checkpoints() {
        // They are written again at once, so this is no damage that stays.
        Ok(damaged) => damaged
            .iter()
            .for_each(|what| tracing::error!("the scrub has found damage, and has it written again: {what}")),
        Err(error) => progress.note(error.to_string()),
    }
    Ok(true)
}

fn read_segment(
    reader: &LogReader,
    first: Seq,
    progress: &mut Progress,
    reading: &mut Reading<'_>,
) -> Result<bool, LogError> {
    let file = segment_name(first);
    let mut records = reader.read_from(first)?;
    while let Some(record) = records.next() {
        match record {
            Ok(record) if record.position.segment != first => break,
            Ok(record) => {
                if reading.spent(record.size()).is_err() {
                    return Ok(false);
                }
            }
            Err(damage) if damage.path.ends_with(&file) => progress.note(damage.to_string()),
            // That of another segment is found when that is read; one that is missing is found here.
            Err(damage) => {
                if !damage.path.exists() {
                    progress.note(damage.to_string());
                }
                break;
            }
        }
    }
    Ok(true)
}

/// On a full disk it is not kept; then more is read again after a restart.
fn keep(progress: &Progress, dir: &Path) {
    if let Err(error) = progress.write(dir) {
        tracing::debug!(%error, "scrub.json cannot be written");
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use timberline_views::StoreOptions;

    /// A store with some segments, closed; and where its sealed segments are.
    fn data(dir: &Path) -> Vec<std::path::PathBuf> {
        let storage = Arc::new(timberline_disk::FileStorage::open(dir.join("log")).unwrap());
        let options = timberline_log::LogOptions::default();
        let (mut log, _) = timberline_log::Log::open(storage, options).unwrap();
        for _ in 0..4 {
            let entry = timberline_log::Entry {
                kind: 200,
                payload: &[7; 3000],
            };
            log.append(&[entry, entry]).unwrap();
            log.begin_segment().unwrap();
        }
        log.close().unwrap();
        [1, 3, 5, 7]
            .map(|first| dir.join("log").join(segment_name(Seq(first))))
            .into()
    }

    fn scrubbed(dir: &Path, progress: &mut Progress, stop: bool) -> (bool, u64) {
        let options = StoreOptions {
            background: false,
            ..StoreOptions::default()
        };
        let (store, _) = Store::open(dir, options).unwrap();
        let (sender, stopped) = channel();
        let sender = Some(sender).filter(|_| !stop);
        let status = Status::default();
        let mut reading = Reading {
            status: &status,
            stopped: &stopped,
            left: if stop { 7000 } else { PIECE },
        };
        let done = read_store(&store, dir, progress, &mut reading).unwrap();
        if done {
            progress.finish(store.now());
            keep(progress, dir);
        }
        drop(sender);
        (done, status.bytes())
    }

    #[test]
    fn damage_in_sealed_segments_is_found_and_kept_and_reading_goes_on_after_a_stop() {
        let dir = tempfile::tempdir().unwrap();
        let segments = data(dir.path());
        let mut progress = Progress::default();
        assert!(scrubbed(dir.path(), &mut progress, false).0);
        assert_eq!(progress.damage, Vec::<String>::new());
        for (segment, byte) in [(&segments[0], 5000), (&segments[2], 4200)] {
            let mut bytes = fs::read(segment).unwrap();
            bytes[byte] ^= 1;
            fs::write(segment, bytes).unwrap();
        }
        let mut progress = Progress::default();
        let (done, read) = scrubbed(dir.path(), &mut progress, true);
        assert!(!done && read < 10_000, "{read}");
        let mut again = Progress::read(dir.path());
        assert_eq!(again.found.len(), 1);
        assert!(again.next.is_some());
        let (done, read) = scrubbed(dir.path(), &mut again, false);
        assert!(done && read < 17_000, "{read}: not from the beginning");
        assert_eq!(again.damage.len(), 2);
        assert!(
            again.damage[0].contains(&segment_name(Seq(1))),
            "{:?}",
            again.damage
        );
        assert_eq!(Progress::read(dir.path()), again);
    }

    #[test]
    fn it_is_due_once_in_a_while_whatever_the_clock_did() {
        let week = Duration::from_secs(7 * 86_400);
        let at = |seconds: i64| timberline_model::Timestamp::from_nanos(seconds * 1_000_000_000);
        let mut progress = Progress::default();
        assert!(progress.is_due(week, at(0)));
        progress.finished = Some(at(1_000_000).to_string());
        assert!(!progress.is_due(week, at(1_000_001)));
        assert!(progress.is_due(week, at(1_000_000 + 7 * 86_400)));
        assert!(progress.is_due(week, at(999_999)));
        progress.next = Some(5);
        assert!(progress.is_due(week, at(1_000_001)));
    }
}

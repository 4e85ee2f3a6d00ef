//! The automatic backups of the server.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use timberline_cancel::Cancel;
use timberline_log::LogError;
use timberline_model::Timestamp;

use crate::BackupError;
use crate::sets::Sets;
use crate::update::{Backup, BackupReport};

/// How often to read the clock. It may have been set, and the machine may have slept.
const CHECK_EVERY: Duration = Duration::from_secs(30);
/// The least time between two attempts, whatever the clock says.
const REST: Duration = Duration::from_secs(600);
/// How long a stop waits for a set to be cancelled. A disk that is gone may never answer.
const GRACE: Duration = Duration::from_secs(5);

/// Which backups the server makes by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutomaticBackup {
    /// The directory of the sets.
    pub dir: PathBuf,
    /// The time from one set to the next.
    pub every: Duration,
    /// How many sets are kept.
    pub keep: usize,
}

/// How the automatic backups are doing; read by `/metrics`.
#[derive(Debug, Default)]
pub struct Status {
    last_success: AtomicI64,
    failures: AtomicU64,
}

impl Status {
    /// When the newest set was made, in seconds since 1970; 0 if there is none.
    pub fn last_success(&self) -> i64 {
        self.last_success.load(Ordering::Relaxed)
    }

    /// How often making one has failed since the start.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }
}

/// The thread that makes them.
#[derive(Debug)]
pub struct Automatic {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
    /// Closed when the thread has ended, whichever way.
    ended: Receiver<()>,
}

#[derive(Debug, Default)]
struct Stop {
    cancel: Cancel,
    lock: Mutex<()>,
    wake: Condvar,
}

impl Stop {
    fn is_stopped(&self) -> bool {
        self.cancel.is_cancelled()
    }

    fn wait(&self, time: Duration) {
        let mut guard = self.lock.lock();
        if !self.is_stopped() {
            self.wake.wait_for(&mut guard, time);
        }
    }
}

impl Automatic {
    /// Starts the thread, if the configuration wants backups. `now` is the wall clock; while it is not trusted, no set is
    /// removed.
    ///
    /// # Errors
    /// When there can be no further thread.
    pub fn start(
        wanted: Option<AutomaticBackup>,
        data_dir: &Path,
        status: Arc<Status>,
        now: impl Fn() -> Timestamp + Send + 'static,
        clock_is_trusted: impl Fn() -> bool + Send + 'static,
    ) -> std::io::Result<Automatic> {
        let stop = Arc::new(Stop::default());
        let (running, ended) = channel::<()>();
        let thread = match wanted {
            None => None,
            Some(wanted) => {
                let (data_dir, stop) = (data_dir.to_owned(), Arc::clone(&stop));
                let thread = std::thread::Builder::new().name("backup".into());
                Some(thread.spawn(move || {
                    let _running = running;
                    run(&wanted, &data_dir, &status, &stop, &now, &clock_is_trusted);
                })?)
            }
        };
        Ok(Automatic { stop, thread, ended })
    }
}

impl Drop for Automatic {
    /// Ends it. A set that is being made is broken off; it gets its name when the next one is whole.
    fn drop(&mut self) {
        self.stop.cancel.cancel();
        {
            let _guard = self.stop.lock.lock();
            self.stop.wake.notify_all();
        }
        if self.ended.recv_timeout(GRACE) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("the disk of the automatic backups does not answer and is not waited for");
            return;
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the automatic backups had ended with a panic");
        }
    }
}

fn run(
    wanted: &AutomaticBackup,
    data_dir: &Path,
    status: &Status,
    stop: &Stop,
    now: &dyn Fn() -> Timestamp,
    clock_is_trusted: &dyn Fn() -> bool,
) {
    // The set that was made since the clock is not trusted. It is brought up to date, or sets without number would pile
    // up, of which none may be removed.
    let mut provisional: Option<PathBuf> = None;
    let sets = Sets::new(wanted.dir.clone());
    let mut newest = newest(&sets, &wanted.dir, now());
    note_success(status, newest);
    let (begun, mut attempt) = (timberline_clock::monotonic(), None::<Instant>);
    while !stop.is_stopped() {
        let now = now();
        let waited = attempt.unwrap_or(begun).elapsed();
        let rest = attempt.map_or(Duration::ZERO, |_| REST.min(wanted.every));
        if is_due(now, newest, waited, rest, wanted.every) {
            attempt = Some(timberline_clock::monotonic());
            let trusted = clock_is_trusted();
            let made = match &provisional {
                Some(set) if !trusted => match Backup::update(data_dir, set, &stop.cancel) {
                    Err(BackupError::Log(LogError::Repaired { .. } | LogError::OtherHistory { .. })) => {
                        sets.make(data_dir, now, None, &stop.cancel)
                    }
                    made => made,
                },
                _ => sets.make(data_dir, now, trusted.then_some(wanted.keep), &stop.cancel),
            };
            match made {
                Ok(report) => {
                    newest = Some(now);
                    provisional = (!trusted).then(|| report.path.clone());
                    note_success(status, newest);
                    log_report(&report);
                }
                Err(BackupError::Log(LogError::Stopped { .. })) if stop.is_stopped() => return,
                Err(error) => {
                    status.failures.fetch_add(1, Ordering::Relaxed);
                    tracing::error!(%error, "the automatic backup failed and will be tried again");
                }
            }
        }
        stop.wait(CHECK_EVERY.min(wanted.every));
    }
}

fn log_report(report: &BackupReport) {
    let (path, bytes) = (report.path.display(), report.bytes_written);
    tracing::info!(%path, seq = report.seq, bytes, "backup made");
    for damage in &report.damage {
        tracing::error!(%damage, "the log is damaged, and so is its backup");
    }
    if let Some(why) = &report.unregistered {
        tracing::warn!(%why, "the backup is not on the list of backups, so a purge will not reach it");
    }
}

fn newest(sets: &Sets, dir: &Path, now: Timestamp) -> Option<Timestamp> {
    match sets.list() {
        // One that a wrong clock made is not newer than now.
        Ok(mut sets) => sets.pop().map(|set| set.made.min(now)),
        Err(error) => {
            tracing::warn!(%error, dir = %dir.display(), "cannot look for earlier backups");
            None
        }
    }
}

fn note_success(status: &Status, newest: Option<Timestamp>) {
    if let Some(newest) = newest {
        let seconds = newest.nanos().div_euclid(1_000_000_000);
        status.last_success.store(seconds, Ordering::Relaxed);
    }
}

/// Whether a set is to be made. The clock may jump: set forward it makes one early, set back none for a while; so
/// that much time without a set by the steady clock counts as well, and it rests between two attempts by that, too.
fn is_due(
    now: Timestamp,
    newest: Option<Timestamp>,
    waited: Duration,
    rest: Duration,
    every: Duration,
) -> bool {
    if waited < rest {
        return false;
    }
    let Some(newest) = newest else { return true };
    let age = now.nanos().saturating_sub(newest.nanos());
    u128::try_from(age).is_ok_and(|age| age >= every.as_nanos()) || waited >= every
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);
    const MINUTE: Duration = Duration::from_secs(60);

    fn day(day: i64) -> Timestamp {
        Timestamp::from_nanos(day * 86_400_000_000_000)
    }

    #[test]
    fn a_set_is_due_when_there_is_none_and_when_the_newest_is_old() {
        assert!(is_due(day(9), None, Duration::ZERO, Duration::ZERO, DAY));
        assert!(!is_due(day(9), Some(day(9)), Duration::ZERO, Duration::ZERO, DAY));
        assert!(is_due(day(10), Some(day(9)), Duration::ZERO, Duration::ZERO, DAY));
    }

    #[test]
    fn after_a_failure_it_rests_whatever_the_clock_says() {
        assert!(!is_due(day(900), Some(day(9)), MINUTE, REST, DAY));
        assert!(is_due(day(900), Some(day(9)), REST, REST, DAY));
        assert!(!is_due(day(900), None, MINUTE, REST, DAY));
    }

    #[test]
    fn a_clock_that_was_set_back_delays_a_set_by_one_interval_at_most() {
        assert!(!is_due(day(9), Some(day(900)), DAY - MINUTE, REST, DAY));
        assert!(is_due(day(9), Some(day(900)), DAY, REST, DAY));
    }

    /// However the clock jumps, there are no more sets than steady time allows.
    #[test]
    fn a_clock_that_jumps_for_ever_does_not_make_it_spin() {
        let (mut made, mut newest, mut attempt) = (0, None, None::<u64>);
        for second in 0..86_400u64 {
            let now = day(if second % 2 == 0 {
                9
            } else {
                900 + i64::try_from(second).unwrap()
            });
            let waited = Duration::from_secs(second - attempt.unwrap_or(0));
            let rest = attempt.map_or(Duration::ZERO, |_| REST);
            if is_due(now, newest, waited, rest, DAY) {
                (made, newest, attempt) = (made + 1, Some(now), Some(second));
            }
        }
        assert!((1..=145).contains(&made), "{made}");
    }
}

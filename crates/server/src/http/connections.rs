//! Who is connected, what each connection is busy with, and for how long.
//!
//! hyper has a timer per request head; it costs an allocation and a timer-wheel entry per request
//! and closes quiet connections of watchers that meant to come back. So instead each connection
//! keeps a few atomics, and one sweep every few seconds finds those that overstay. The same records
//! let a stop drain: busy connections finish, quiet ones are closed.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;

use crate::config::Limits;

/// How often connections are looked at.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// How long a connection must have been quiet to be closed when slots are short, or at a stop: time
/// enough for a request that is on its way to arrive.
const QUIET: Duration = Duration::from_millis(300);

/// What a connection is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    /// Between requests, or before the first.
    Waiting,
    /// A request's body is awaited.
    Reading,
    /// A request is being carried out; this takes as long as it takes.
    Working,
    /// The answer is being sent.
    Sending,
}

/// One connection's state; written by the task that serves it, read by the sweep.
#[derive(Debug, Default)]
pub(crate) struct Connection {
    phase: AtomicU8,
    /// Grows with everything that happens, so that "unchanged" means "nothing happened".
    progress: AtomicU32,
}

impl Connection {
    // Relaxed, and not even one operation to count: only the connection's own task writes, and the
    // sweep acts on what has not changed for seconds.

    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
        self.progress();
    }

    pub(crate) fn progress(&self) {
        let progress = self.progress.load(Ordering::Relaxed);
        self.progress.store(progress.wrapping_add(1), Ordering::Relaxed);
    }

    fn seen(&self) -> (u8, u32) {
        (
            self.phase.load(Ordering::Relaxed),
            self.progress.load(Ordering::Relaxed),
        )
    }
}

/// All connections.
pub(crate) struct Connections {
    slots: Arc<Semaphore>,
    open: Mutex<Open>,
    draining: AtomicBool,
    limits: Limits,
}

#[derive(Default)]
struct Open {
    next_key: u64,
    entries: HashMap<u64, Entry>,
}

struct Entry {
    connection: Arc<Connection>,
    task: Option<AbortHandle>,
    seen: (u8, u32),
    since: Instant,
}

/// A place for one connection.
pub(crate) struct Slot {
    _permit: OwnedSemaphorePermit,
}

impl Connections {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            slots: Arc::new(Semaphore::new(limits.connections)),
            open: Mutex::default(),
            draining: AtomicBool::new(false),
            limits: limits.clone(),
        })
    }

    /// Waits for a place, and makes one when quiet connections hold them all.
    pub(crate) async fn slot(&self) -> Slot {
        loop {
            let waiting = Arc::clone(&self.slots).acquire_owned();
            match tokio::time::timeout(QUIET, waiting).await {
                Ok(Ok(permit)) => return Slot { _permit: permit },
                // The semaphore is never closed.
                Ok(Err(_)) => std::future::pending::<()>().await,
                Err(_) => self.close_quietest(),
            }
        }
    }

    /// Serves a connection in a task of its own: `serve` makes the future from its state.
    pub(crate) fn spawn<F>(self: &Arc<Self>, slot: Slot, serve: impl FnOnce(Arc<Connection>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let connection = Arc::new(Connection::default());
        let key = self.enter(Arc::clone(&connection));
        let leaving = Leaving {
            connections: Arc::clone(self),
            key,
            _slot: slot,
        };
        let serving = serve(connection);
        let task = tokio::spawn(async move {
            let _leaving = leaving;
            serving.await;
        });
        // It may be over already.
        if let Some(entry) = self.open.lock().entries.get_mut(&key) {
            entry.task = Some(task.abort_handle());
        }
    }

    /// Whether the server is on its way down, so that answers should be the last of their connection.
    pub(crate) fn draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Closes what overstays, for ever.
    pub(crate) async fn sweep(self: Arc<Self>) {
        loop {
            tokio::time::sleep(SWEEP_EVERY).await;
            self.close(|entry, quiet| quiet >= self.patience(entry));
        }
    }

    /// Waits until every request in flight is answered, at most `drain_seconds`.
    pub(crate) async fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        let end = Instant::now() + Duration::from_secs(self.limits.drain_seconds);
        loop {
            self.close(|entry, quiet| entry.is_waiting() && quiet >= QUIET);
            let left = self.open.lock().entries.len();
            if left == 0 {
                return;
            }
            if Instant::now() >= end {
                tracing::warn!(connections = left, "closing connections that are not done");
                self.close(|_, _| true);
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn enter(&self, connection: Arc<Connection>) -> u64 {
        let mut open = self.open.lock();
        let key = open.next_key;
        open.next_key += 1;
        open.entries.insert(
            key,
            Entry {
                seen: connection.seen(),
                connection,
                task: None,
                since: Instant::now(),
            },
        );
        key
    }

    /// Closes every connection of which `over` says so, given how long nothing happened on it.
    fn close(&self, over: impl Fn(&Entry, Duration) -> bool) {
        let now = Instant::now();
        for entry in self.open.lock().entries.values_mut() {
            let quiet = entry.quiet(now);
            if over(entry, quiet) {
                entry.abort();
            }
        }
    }

    fn close_quietest(&self) {
        let now = Instant::now();
        let mut open = self.open.lock();
        let quietest = open
            .entries
            .values_mut()
            .map(|entry| (entry.quiet(now), entry))
            .filter(|(quiet, entry)| *quiet >= QUIET && entry.is_waiting())
            .max_by_key(|(quiet, _)| *quiet);
        if let Some((_, entry)) = quietest {
            entry.abort();
        }
    }

    /// How long nothing may happen in the phase that the connection is in.
    fn patience(&self, entry: &Entry) -> Duration {
        let (phase, progress) = entry.seen;
        let limits = &self.limits;
        Duration::from_secs(if phase == Phase::Waiting as u8 {
            if progress == 0 {
                limits.header_seconds
            } else {
                limits.idle_seconds
            }
        } else if phase == Phase::Working as u8 {
            u64::MAX
        } else {
            limits.body_seconds
        })
    }
}

impl Entry {
    /// How long nothing happened, as far as was looked at.
    fn quiet(&mut self, now: Instant) -> Duration {
        let seen = self.connection.seen();
        if seen != self.seen {
            self.seen = seen;
            self.since = now;
        }
        now.saturating_duration_since(self.since)
    }

    fn is_waiting(&self) -> bool {
        self.seen.0 == Phase::Waiting as u8
    }

    fn abort(&self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Takes a connection off the list however its task ends.
struct Leaving {
    connections: Arc<Connections>,
    key: u64,
    _slot: Slot,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.connections.open.lock().entries.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(slots: usize) -> Arc<Connections> {
        Connections::new(&Limits {
            connections: slots,
            drain_seconds: 0,
            ..Limits::default()
        })
    }

    #[tokio::test]
    async fn a_finished_connection_gives_its_slot_back() {
        let all = connections(1);
        let slot = all.slot().await;
        all.spawn(slot, |_| async {});
        let _second = all.slot().await;
        assert!(all.open.lock().entries.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_quiet_connection_makes_way_and_a_busy_one_does_not() {
        let all = connections(2);
        let mut states = Vec::new();
        for _ in 0..2 {
            let slot = all.slot().await;
            all.spawn(slot, |state| {
                states.push(state);
                std::future::pending()
            });
        }
        states[0].enter(Phase::Working);
        let entry_count = || all.open.lock().entries.len();
        assert_eq!(entry_count(), 2);
        // The clock of `Instant` is not tokio's; what is quiet is decided by hand here.
        all.open.lock().entries.values_mut().for_each(|entry| {
            entry.quiet(Instant::now());
            entry.since -= Duration::from_secs(9);
        });
        let _third = all.slot().await;
        assert_eq!(entry_count(), 1);
        assert!(all.open.lock().entries.values().all(|entry| !entry.is_waiting()));
    }

    #[tokio::test]
    async fn draining_closes_whatever_is_left_at_the_end() {
        let all = connections(2);
        let slot = all.slot().await;
        all.spawn(slot, |state| {
            state.enter(Phase::Working);
            std::future::pending()
        });
        all.drain().await;
        assert!(all.draining());
        tokio::task::yield_now().await;
        assert!(all.open.lock().entries.is_empty());
    }
}

//! All connections: their places, which one is closed for a new client, and their timeouts.
//!
//! hyper has a timer per request head; it costs an allocation and a timer-wheel entry per request
//! and closes quiet connections of watchers that meant to come back. So instead each connection
//! keeps a few counters, and they are looked at: every few seconds, and whenever somebody waits for a
//! place. The same records let a stop drain: busy connections finish, idle ones are closed.
//!
//! Who makes way for a new client: the connection that has been idle longest, if no request on its way can be lost by
//! that. If none is idle, a client that keeps us waiting in the middle of a request or an answer; then one that has
//! queued longest, with a large body or for a streamed answer. If there is none either, all are at work: then answers end their connections, until the new client has its place.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::AbortHandle;

use super::answer::streams_wait;
use super::connection::{Activity, Connection};
use super::patience::Patience;
use crate::settings::Limits;

/// How often connections are checked while no client waits for a place.
const SWEEP_EVERY: Duration = Duration::from_secs(5);
/// How often they are checked while a client waits.
const RECHECK_AFTER: Duration = Duration::from_millis(50);
/// How long a connection must have been idle to be closed for another, or at a stop: time enough for a request that is
/// on its way to arrive.
const IDLE_ENOUGH: Duration = Duration::from_millis(250);
/// How far a client must be behind, in the middle of a request or an answer, to be closed for another.
const SLOW_ENOUGH: Duration = Duration::from_secs(1);

/// All connections.
pub(crate) struct Connections {
    slots: Arc<Semaphore>,
    open: Mutex<Open>,
    draining: AtomicBool,
    /// A client waits for a place, and no connection could be asked to close.
    crowded: AtomicBool,
    /// Somebody waits for a share of the memory for request bodies.
    bodies_wait: Arc<Notify>,
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
    patience: Patience,
}

/// A place for one connection.
pub(crate) struct Slot {
    _permit: OwnedSemaphorePermit,
}

impl Connections {
    /// `bodies_wait` is notified when a body waits for memory.
    pub(crate) fn new(limits: &Limits, bodies_wait: Arc<Notify>) -> Arc<Self> {
        Arc::new(Self {
            slots: Arc::new(Semaphore::new(limits.connections)),
            open: Mutex::default(),
            draining: AtomicBool::new(false),
            crowded: AtomicBool::new(false),
            bodies_wait,
            limits: limits.clone(),
        })
    }

    /// Waits for a place; if there is none, another connection makes way as soon as one can.
    pub(crate) async fn slot(&self) -> Slot {
        // The semaphore is never closed: the only error is that there is no place.
        if let Ok(permit) = Arc::clone(&self.slots).try_acquire_owned() {
            return Slot { _permit: permit };
        }
        let mut waiting = pin!(Arc::clone(&self.slots).acquire_owned());
        loop {
            let found = self.make_room();
            self.crowded.store(!found, Ordering::Relaxed);
            tokio::select! {
                permit = &mut waiting => match permit {
                    Ok(permit) => {
                        self.crowded.store(false, Ordering::Relaxed);
                        return Slot { _permit: permit };
                    }
                    Err(_closed) => std::future::pending::<()>().await,
                },
                () = tokio::time::sleep(RECHECK_AFTER) => {}
            }
        }
    }

    /// Asks one connection to make way. Says whether one does.
    pub(crate) fn make_room(&self) -> bool {
        let now = timberline_clock::monotonic();
        let mut idle = Longest::at_least(IDLE_ENOUGH);
        let mut slow = Longest::at_least(SLOW_ENOUGH);
        let mut queued = Longest::at_least(SLOW_ENOUGH);
        let mut open = self.open.lock();
        for entry in open.entries.values_mut() {
            match entry.look(now) {
                (Activity::Idle, behind) if !entry.connection.is_leaving() => idle.offer(entry, behind),
                (Activity::Head | Activity::Body | Activity::Answer, behind) => slow.offer(entry, behind),
                (Activity::Queue, behind) => queued.offer(entry, behind),
                (Activity::Idle | Activity::Work, _) => {}
            }
        }
        match (idle.entry, slow.entry.or(queued.entry)) {
            (Some(entry), _) => entry.connection.leave(),
            (None, Some(entry)) => entry.abort(),
            (None, None) => return false,
        }
        true
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

    /// Whether an answer on this connection should be its last.
    pub(crate) fn wants_to_end(&self, connection: &Connection) -> bool {
        self.draining.load(Ordering::Relaxed)
            || self.crowded.load(Ordering::Relaxed)
            || connection.is_leaving()
    }

    /// Closes what overstays, for ever; and clients that are slow with a large body or an answer, when others wait for
    /// their memory.
    pub(crate) async fn sweep(self: Arc<Self>) {
        let mut sweeps = tokio::time::interval(SWEEP_EVERY);
        loop {
            tokio::select! {
                _ = sweeps.tick() => self.close(|entry, activity, behind| {
                    behind >= self.limit(entry, activity)
                }),
                () = self.bodies_wait.notified() => self.close(|entry, activity, behind| {
                    activity == Activity::Body && entry.connection.has_large_body() && behind >= SLOW_ENOUGH
                }),
                () = streams_wait() => self.close(|_, activity, behind| {
                    activity == Activity::Answer && behind >= SLOW_ENOUGH
                }),
            }
        }
    }

    /// Waits until every request in flight is answered, at most `drain_seconds`.
    pub(crate) async fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        let end = timberline_clock::monotonic() + Duration::from_secs(self.limits.drain_seconds);
        loop {
            self.close(|entry, activity, behind| {
                // Of a live stream that has been ended, what is left is on its way to a client that takes none.
                let is_over = activity == Activity::Answer && entry.connection.is_live();
                (activity == Activity::Idle || is_over) && behind >= IDLE_ENOUGH
            });
            let left = self.open.lock().entries.len();
            if left == 0 {
                return;
            }
            if timberline_clock::monotonic() >= end {
                tracing::warn!(connections = left, "closing connections that are not done");
                self.open.lock().entries.values().for_each(Entry::abort);
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
                patience: Patience::new(&connection, timberline_clock::monotonic()),
                connection,
                task: None,
            },
        );
        key
    }

    /// Closes every connection of which `over` says so, given what it does and how far its client is behind.
    fn close(&self, over: impl Fn(&Entry, Activity, Duration) -> bool) {
        let now = timberline_clock::monotonic();
        for entry in self.open.lock().entries.values_mut() {
            let (activity, behind) = entry.look(now);
            if !over(entry, activity, behind) {
                continue;
            }
            match activity {
                Activity::Idle => entry.connection.leave(),
                _ => entry.abort(),
            }
        }
    }

    /// How far a client may be behind in what its connection does.
    fn limit(&self, entry: &Entry, activity: Activity) -> Duration {
        let limits = &self.limits;
        match activity {
            Activity::Idle if entry.connection.sighting().requests > 0 => {
                Duration::from_secs(limits.idle_seconds)
            }
            Activity::Idle | Activity::Head => Duration::from_secs(limits.header_seconds),
            Activity::Body | Activity::Answer => Duration::from_secs(limits.body_seconds),
            Activity::Work | Activity::Queue => Duration::MAX,
        }
    }
}

impl Entry {
    fn look(&mut self, now: Instant) -> (Activity, Duration) {
        self.patience.look(&self.connection, now)
    }

    fn abort(&self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// The entry that has kept us waiting longest.
struct Longest<'a> {
    least: Duration,
    entry: Option<&'a Entry>,
}

impl<'a> Longest<'a> {
    fn at_least(least: Duration) -> Self {
        Self { least, entry: None }
    }

    fn offer(&mut self, entry: &'a Entry, behind: Duration) {
        if behind >= self.least {
            (self.least, self.entry) = (behind, Some(entry));
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
    use crate::http::connection::Phase;

    fn connections(slots: usize) -> Arc<Connections> {
        let limits = Limits {
            connections: slots,
            drain_seconds: 0,
            ..Limits::default()
        };
        Connections::new(&limits, Arc::default())
    }

    /// Takes a place with a connection that ends on request.
    async fn open(all: &Arc<Connections>) -> Arc<Connection> {
        let (give, take) = tokio::sync::oneshot::channel();
        all.spawn(all.slot().await, |state| {
            let _ = give.send(Arc::clone(&state));
            async move { state.until_asked_to_leave().await }
        });
        take.await.unwrap()
    }

    #[tokio::test]
    async fn a_finished_connection_gives_its_slot_back() {
        let all = connections(1);
        let slot = all.slot().await;
        all.spawn(slot, |_| async {});
        let _second = all.slot().await;
        assert!(all.open.lock().entries.is_empty());
    }

    #[tokio::test]
    async fn an_idle_connection_makes_way_and_a_busy_one_does_not() {
        let all = connections(2);
        let busy = open(&all).await;
        busy.begin(false);
        let idle = open(&all).await;
        open(&all).await;
        assert!(idle.is_leaving());
        assert!(!busy.is_leaving());
        assert!(!all.wants_to_end(&busy));
    }

    #[tokio::test]
    async fn a_slow_body_makes_way_when_no_connection_is_idle() {
        let all = connections(2);
        let busy = open(&all).await;
        busy.begin(false);
        let slow = open(&all).await;
        slow.begin(false);
        slow.enter(Phase::Reading);
        open(&all).await;
        assert_eq!(Arc::strong_count(&slow), 1, "its task is gone");
        assert!(Arc::strong_count(&busy) > 1);
    }

    #[tokio::test]
    async fn a_stream_whose_turn_has_not_come_makes_way_when_nobody_is_slow() {
        let all = connections(2);
        let busy = open(&all).await;
        busy.begin(false);
        let queued = open(&all).await;
        queued.begin(false);
        queued.set_awaits_turn(true);
        queued.enter(Phase::Sending);
        open(&all).await;
        assert_eq!(Arc::strong_count(&queued), 1, "its task is gone");
        assert!(Arc::strong_count(&busy) > 1);
    }

    #[tokio::test]
    async fn when_all_are_at_work_their_answers_end_their_connections() {
        let all = connections(1);
        let busy = open(&all).await;
        busy.begin(false);
        let waiting = tokio::spawn({
            let all = Arc::clone(&all);
            async move { open(&all).await }
        });
        while !all.wants_to_end(&busy) {
            tokio::task::yield_now().await;
        }
        busy.leave();
        let next = waiting.await.unwrap();
        assert!(!all.wants_to_end(&next));
    }

    #[tokio::test]
    async fn draining_closes_whatever_is_left_at_the_end() {
        let all = connections(2);
        let slot = all.slot().await;
        all.spawn(slot, |state| {
            state.begin(false);
            std::future::pending()
        });
        all.drain().await;
        assert!(all.wants_to_end(&Connection::default()));
        tokio::task::yield_now().await;
        assert!(all.open.lock().entries.is_empty());
    }
}

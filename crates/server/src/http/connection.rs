//! The state of one connection. The task that serves it writes it; others read it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

tokio::task_local! {
    static CURRENT: Arc<Connection>;
}

/// Where a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    /// Between requests, or before the first.
    Waiting,
    /// A request has a large body that is not being read yet: it waits for a share of the memory.
    Queueing,
    /// More of a request's body is awaited.
    Reading,
    /// A request is being carried out, which takes as long as it takes.
    Working,
    /// The answer goes out.
    Sending,
}

/// Whom a connection waits for, and for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activity {
    /// For the client's next request; nothing of it has arrived.
    Idle,
    /// For the rest of a request's head.
    Head,
    /// For other requests: before memory is free for a large body, or the turn of a streamed answer has come.
    Queue,
    /// For more of a request's body.
    Body,
    /// For this server.
    Work,
    /// For the client to take more of an answer.
    Answer,
}

/// A look at a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sighting {
    pub(crate) activity: Activity,
    /// Requests whose head has arrived so far.
    pub(crate) requests: u32,
    /// Bytes that went either way so far.
    pub(crate) bytes: u64,
}

/// One connection's state.
///
/// All of it is relaxed: only the connection's own task writes the counters, and the reader acts on what has
/// not changed for a while.
#[derive(Debug)]
pub(crate) struct Connection {
    opened: Instant,
    phase: AtomicU8,
    requests: AtomicU32,
    received: AtomicU64,
    /// What `received` was when the connection began to wait for a request: what is beyond belongs to that request.
    received_before: AtomicU64,
    sent: AtomicU64,
    /// The socket takes no more for now.
    blocked: AtomicBool,
    /// When the connection began to wait for a request, in microseconds after `opened`.
    idle_since: AtomicU64,
    /// The body is large enough to take part in the pool of bodies.
    large_body: AtomicBool,
    /// The answer goes on until somebody ends it.
    live: AtomicBool,
    /// The answer is a stream whose turn has not come.
    awaits_turn: AtomicBool,
    /// The connection is to end as soon as no request would be lost by it.
    leaving: AtomicBool,
    leave: Notify,
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            opened: timberline_clock::monotonic(),
            phase: AtomicU8::new(Phase::Waiting as u8),
            requests: AtomicU32::new(0),
            received: AtomicU64::new(0),
            received_before: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            blocked: AtomicBool::new(false),
            idle_since: AtomicU64::new(0),
            large_body: AtomicBool::new(false),
            live: AtomicBool::new(false),
            awaits_turn: AtomicBool::new(false),
            leaving: AtomicBool::new(false),
            leave: Notify::new(),
        }
    }
}

impl Connection {
    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// A request's head has arrived. `large` says whether its body is.
    pub(crate) fn begin(&self, large: bool) {
        add(&self.requests, 1);
        self.large_body.store(large, Ordering::Relaxed);
        self.enter(if large { Phase::Queueing } else { Phase::Working });
    }

    /// The body turned out to be large.
    pub(crate) fn grow_large(&self) {
        self.large_body.store(true, Ordering::Relaxed);
    }

    /// The answer was handed over to the socket's side.
    pub(crate) fn end(&self) {
        let received = self.received.load(Ordering::Relaxed);
        self.received_before.store(received, Ordering::Relaxed);
        let since = u64::try_from(self.opened.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.idle_since.store(since, Ordering::Relaxed);
        self.live.store(false, Ordering::Relaxed);
        self.enter(Phase::Waiting);
    }

    /// The handshake of TLS is over: what was received belongs to no request.
    pub(crate) fn secured(&self) {
        self.end();
    }

    /// Runs `handler`, whose connection is then found by [`Connection::current`].
    pub(crate) async fn scope<F: Future>(self: Arc<Self>, handler: F) -> F::Output {
        CURRENT.scope(self, handler).await
    }

    /// The connection that the handler of this task answers, if it is one.
    pub(crate) fn current() -> Option<Arc<Connection>> {
        CURRENT.try_with(Arc::clone).ok()
    }

    /// The answer is a stream. Whether its turn has come.
    pub(crate) fn set_awaits_turn(&self, awaits: bool) {
        self.awaits_turn.store(awaits, Ordering::Relaxed);
    }

    /// The answer goes on until somebody ends it: nothing is lost when a stop ends it.
    pub(crate) fn set_live(&self) {
        self.live.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_live(&self) -> bool {
        self.live.load(Ordering::Relaxed)
    }

    pub(crate) fn received(&self, bytes: usize) {
        add64(&self.received, bytes);
    }

    /// The socket took so many bytes, or takes none for now.
    pub(crate) fn sent(&self, bytes: Option<usize>) {
        self.blocked.store(bytes.is_none(), Ordering::Relaxed);
        add64(&self.sent, bytes.unwrap_or(0));
    }

    /// Has the connection end as soon as no request would be lost by it: at once if it is idle, otherwise after the
    /// request that it is busy with.
    pub(crate) fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
        self.leave.notify_one();
    }

    /// Waits for [`Connection::leave`].
    pub(crate) async fn until_asked_to_leave(&self) {
        self.leave.notified().await;
    }

    /// Whether the next answer is to be the last.
    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed)
    }

    pub(crate) fn has_large_body(&self) -> bool {
        self.large_body.load(Ordering::Relaxed)
    }

    /// How long the connection has been idle, if it is.
    pub(crate) fn idle(&self, now: Instant) -> Duration {
        let since = Duration::from_micros(self.idle_since.load(Ordering::Relaxed));
        now.saturating_duration_since(self.opened).saturating_sub(since)
    }

    pub(crate) fn sighting(&self) -> Sighting {
        let phase = self.phase.load(Ordering::Relaxed);
        let received = self.received.load(Ordering::Relaxed);
        let activity = if self.blocked.load(Ordering::Relaxed) {
            // Whatever the request's phase: a short answer is handed over long before it is taken.
            Activity::Answer
        } else if phase == Phase::Reading as u8 {
            Activity::Body
        } else if phase == Phase::Queueing as u8 || self.awaits_turn.load(Ordering::Relaxed) {
            Activity::Queue
        } else if phase != Phase::Waiting as u8 {
            Activity::Work
        } else if received == self.received_before.load(Ordering::Relaxed) {
            Activity::Idle
        } else {
            Activity::Head
        };
        Sighting {
            activity,
            requests: self.requests.load(Ordering::Relaxed),
            bytes: received.wrapping_add(self.sent.load(Ordering::Relaxed)),
        }
    }
}

// One writer: no need for an operation that no other may interrupt.

fn add(counter: &AtomicU32, count: u32) {
    counter.store(
        counter.load(Ordering::Relaxed).wrapping_add(count),
        Ordering::Relaxed,
    );
}

fn add64(counter: &AtomicU64, count: usize) {
    let sum = counter.load(Ordering::Relaxed).wrapping_add(count as u64);
    counter.store(sum, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_idle_only_between_requests() {
        let connection = Connection::default();
        let activity = || connection.sighting().activity;
        assert_eq!(activity(), Activity::Idle);
        connection.received(10);
        assert_eq!(activity(), Activity::Head);
        connection.begin(false);
        assert_eq!(activity(), Activity::Work);
        connection.enter(Phase::Reading);
        assert_eq!(activity(), Activity::Body);
        connection.enter(Phase::Sending);
        assert_eq!(activity(), Activity::Work);
        connection.end();
        assert_eq!(activity(), Activity::Idle);
        connection.sent(None);
        assert_eq!(activity(), Activity::Answer);
        connection.sent(Some(100));
        assert_eq!(activity(), Activity::Idle);
        assert_eq!(connection.sighting().requests, 1);
        connection.begin(true);
        assert_eq!(connection.sighting().activity, Activity::Queue);
        assert_eq!(connection.sighting().bytes, 110);
    }
}

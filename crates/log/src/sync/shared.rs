//! What the appender, the sync thread and the waiters share.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, Thread};
use std::time::Duration;

use timberline_disk::WriteRegion;
use tokio::sync::watch;

use crate::Seq;
use crate::error::SyncFailed;
use crate::sync::active::ActiveSegment;
use crate::sync::placement::Integrity;

/// How long to wait for an append that has begun. It copies memory, and may make a file.
const APPEND_ENDS: Duration = Duration::from_secs(5);

/// Whether records may be appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// Yes.
    Open,
    /// No: the files are not at their paths.
    Closed,
    /// Yes, but the active segment is in another file.
    Moved,
}

impl Gate {
    fn of(word: u8) -> Self {
        match word {
            0 => Self::Open,
            1 => Self::Closed,
            _ => Self::Moved,
        }
    }

    pub(super) fn word(self) -> u8 {
        match self {
            Self::Open => 0,
            Self::Closed => 1,
            Self::Moved => 2,
        }
    }
}

/// What waiters watch.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    pub(super) durable: Seq,
    /// All segments that end at or before this record are sealed.
    pub(super) sealed: Seq,
    /// Why nothing gets durable at the moment.
    pub(super) held: Option<SyncFailed>,
    pub(super) failure: Option<SyncFailed>,
}

/// What the appender, the sync thread and the waiters share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The unsealed segments, oldest first; the last one is being appended to. Locked for moments only, never during
    /// a sync.
    pub(super) segments: Mutex<VecDeque<Arc<ActiveSegment>>>,
    pub(super) prepared: Mutex<Option<Arc<dyn WriteRegion>>>,
    pub(super) appended: AtomicU64,
    /// The last record that is to be durable soon, also if nobody asks.
    pub(super) hurried: AtomicU64,
    pub(super) durable: AtomicU64,
    pub(super) requested: AtomicU64,
    /// The sync thread sleeps without a time limit, because everything is durable.
    pub(super) idle: AtomicBool,
    pub(super) stop: AtomicBool,
    /// A segment was ended before it was full and waits to be sealed, or the files are to be looked for.
    pub(super) sealing: AtomicBool,
    /// A [`Gate`]; with `writing` it keeps an append and the moving of the active segment apart.
    pub(super) gate: AtomicU8,
    /// An append is on its way.
    pub(super) writing: AtomicBool,
    pub(super) integrity: Mutex<Integrity>,
    pub(super) failure: OnceLock<SyncFailed>,
    pub(super) progress: watch::Sender<Progress>,
    pub(super) thread: OnceLock<Thread>,
}

impl Shared {
    pub(crate) fn new(segments: VecDeque<Arc<ActiveSegment>>, last: Seq) -> Arc<Self> {
        let sealed = segments.front().map_or(last, |oldest| oldest.first.prev());
        Arc::new(Self {
            segments: Mutex::new(segments),
            prepared: Mutex::new(None),
            appended: AtomicU64::new(last.0),
            hurried: AtomicU64::new(last.0),
            durable: AtomicU64::new(last.0),
            requested: AtomicU64::new(0),
            idle: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            failure: OnceLock::new(),
            sealing: AtomicBool::new(false),
            gate: AtomicU8::new(Gate::Open.word()),
            writing: AtomicBool::new(false),
            integrity: Mutex::default(),
            progress: watch::Sender::new(Progress {
                durable: last,
                sealed,
                held: None,
                failure: None,
            }),
            thread: OnceLock::new(),
        })
    }

    pub(crate) fn durable(&self) -> Seq {
        Seq(self.durable.load(Ordering::Acquire))
    }

    pub(crate) fn failure(&self) -> Option<&SyncFailed> {
        self.failure.get()
    }

    /// The appender has published records up to `last`.
    pub(crate) fn appended(&self, last: Seq) {
        self.appended.store(last.0, Ordering::Release);
        self.hurried.store(last.0, Ordering::Release);
        // Pairs with the fence in `SyncThread::rest`: either the thread sees this append before it lies down, or
        // this load sees that it has.
        fence(Ordering::SeqCst);
        if self.idle.load(Ordering::Relaxed) {
            self.wake();
        }
    }

    /// The same for records that may wait until the sync thread wakes for something else.
    pub(crate) fn appended_without_hurry(&self, last: Seq) {
        self.appended.store(last.0, Ordering::Release);
    }

    /// The appender begins to write. If the gate is closed it must not, and this has not happened.
    pub(crate) fn begin_writing(&self) -> Gate {
        // Both sides store and then load, in one order for all (`SeqCst`): either the appender sees the closed gate, or
        // the sync thread sees that it writes.
        self.writing.store(true, Ordering::SeqCst);
        let gate = Gate::of(self.gate.load(Ordering::SeqCst));
        if gate == Gate::Closed {
            self.end_writing();
        }
        gate
    }

    pub(crate) fn end_writing(&self) {
        self.writing.store(false, Ordering::SeqCst);
    }

    /// The appender goes on in the file that the active segment has got. Only while it writes.
    pub(crate) fn follow_active(&self) -> Option<Arc<ActiveSegment>> {
        // Should it have been closed since, it stays closed; this one append is still waited for.
        let _ = self.gate.compare_exchange(
            Gate::Moved.word(),
            Gate::Open.word(),
            Ordering::SeqCst,
            Ordering::SeqCst,
        );
        held(&self.segments).back().cloned()
    }

    /// Keeps appends out, and waits for one that has begun.
    pub(super) fn close_gate(&self) -> bool {
        self.gate.store(Gate::Closed.word(), Ordering::SeqCst);
        let since = timberline_clock::monotonic();
        while self.writing.load(Ordering::SeqCst) {
            if since.elapsed() > APPEND_ENDS {
                return false;
            }
            thread::yield_now();
        }
        true
    }

    pub(super) fn is_closed(&self) -> bool {
        self.gate.load(Ordering::SeqCst) == Gate::Closed.word()
    }

    /// Why nothing is appended at the moment.
    pub(crate) fn held_for(&self) -> Option<String> {
        held(&self.integrity).held.clone()
    }

    pub(crate) fn integrity(&self) -> Integrity {
        held(&self.integrity).clone()
    }

    pub(crate) fn begin_segment(&self, segment: Arc<ActiveSegment>) {
        held(&self.segments).push_back(segment);
    }

    /// The unsealed segment that begins with a record.
    pub(super) fn segment(&self, first: Seq) -> Option<Arc<ActiveSegment>> {
        let segments = held(&self.segments);
        segments.iter().find(|segment| segment.first == first).cloned()
    }

    /// A segment got another file.
    pub(super) fn replace_segment(&self, again: &Arc<ActiveSegment>) {
        for segment in held(&self.segments).iter_mut() {
            if segment.first == again.first {
                *segment = Arc::clone(again);
            }
        }
    }

    /// A segment was ended although nothing more is to be appended: it is sealed soon. Or a file could not be opened:
    /// the files are looked for soon.
    pub(crate) fn seal_soon(&self) {
        self.sealing.store(true, Ordering::Release);
        self.wake();
    }

    /// The active segment has got a longer mapping.
    pub(crate) fn replace_active(&self, segment: Arc<ActiveSegment>) {
        let mut segments = held(&self.segments);
        segments.pop_back();
        segments.push_back(segment);
    }

    pub(crate) fn take_prepared(&self) -> Option<Arc<dyn WriteRegion>> {
        held(&self.prepared).take()
    }

    pub(crate) fn put_back_prepared(&self, region: Arc<dyn WriteRegion>) {
        *held(&self.prepared) = Some(region);
    }

    pub(super) fn request(&self, seq: Seq) {
        // Never more than there is: a request for a record still to come must not keep later ones from waking.
        let seq = seq.min(Seq(self.appended.load(Ordering::Acquire)));
        let before = self.requested.fetch_max(seq.0, Ordering::AcqRel);
        if before < seq.0 {
            self.wake();
        }
    }

    pub(super) fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    pub(super) fn report_durable(&self, seq: Seq) {
        let before = self.durable.fetch_max(seq.0, Ordering::AcqRel);
        if before < seq.0 {
            self.progress.send_modify(|progress| progress.durable = seq);
        }
    }

    pub(super) fn report_sealed(&self, last: Seq) {
        self.progress.send_modify(|progress| progress.sealed = last);
    }

    pub(super) fn report_failure(&self, reason: String) -> SyncFailed {
        let failed = SyncFailed {
            reason,
            durable: self.durable(),
        };
        let first = self.failure.get_or_init(|| failed).clone();
        self.progress
            .send_modify(|progress| progress.failure = Some(first.clone()));
        first
    }

    pub(super) fn unsynced(&self) -> bool {
        self.appended.load(Ordering::Acquire) > self.durable.load(Ordering::Acquire)
    }

    /// Whether something is to be synced soon: a record that was appended in a hurry, or one that somebody waits for.
    pub(super) fn is_due(&self) -> bool {
        self.hurried.load(Ordering::Acquire) > self.durable.load(Ordering::Acquire) || self.wanted()
    }

    /// Whether somebody waits for a record that is appended and not yet durable.
    pub(super) fn wanted(&self) -> bool {
        let wanted = self
            .requested
            .load(Ordering::Acquire)
            .min(self.appended.load(Ordering::Acquire));
        wanted > self.durable.load(Ordering::Acquire)
    }
}

/// A lock whose data cannot be left half-changed: a holder that panicked is no reason to panic too.
pub(super) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_appended_without_hurry_is_due_once_somebody_waits_or_something_later_is() {
        let shared = Shared::new(VecDeque::new(), Seq(4));
        shared.appended_without_hurry(Seq(5));
        assert!(shared.unsynced() && !shared.is_due());
        shared.request(Seq(5));
        assert!(shared.is_due());
        shared.report_durable(Seq(5));
        shared.appended_without_hurry(Seq(6));
        assert!(!shared.is_due());
        shared.appended(Seq(7));
        assert!(shared.is_due());
        shared.report_durable(Seq(7));
        assert!(!shared.is_due() && !shared.unsynced());
    }
}

//! Group commit: one thread syncs, everybody waits for the same sync.
//!
//! Appending never waits for it and holds no lock that it needs. All records appended when a sync begins become
//! durable with it, so a thousand writers cost one sync. Sealing happens here too, and the next segment is made here
//! before it is needed, so that rolling over costs the appender a rename.
//!
//! Before anything is reported durable the files are looked for at their paths ([`Placement`]). A file that is gone is
//! written again; meanwhile, and while that is not possible, the *gate* is closed and nothing is appended.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use timberline_disk::{Storage, WriteRegion};
use tokio::sync::watch;

use crate::error::SyncFailed;
use crate::options::LogOptions;
use crate::sync::active::{ActiveSegment, SegmentTail};
use crate::sync::placement::{self, Incident, Integrity, Misplaced, Placement};
use crate::{LogError, Seq};

/// The name of a segment that is made but not begun.
pub(crate) const PREPARED_NAME: &str = "next.seg.tmp";
/// How the names of all unfinished segments end; such files are removed when the log is opened.
pub(crate) const UNNAMED_SUFFIX: &str = ".tmp";

/// How often files that cannot be put back are looked for again.
const RETRY_EVERY: Duration = Duration::from_secs(1);
/// How often files are looked for while nothing is written.
const IDLE_CHECK: Duration = Duration::from_secs(60);
/// How long an append that has begun is waited for; it copies memory, and may make a file.
const APPEND_ENDS: Duration = Duration::from_secs(5);

/// Whether records may be appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// They may.
    Open,
    /// They may not: the files are not at their paths.
    Closed,
    /// They may, but the active segment has got another file.
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

    fn word(self) -> u8 {
        match self {
            Self::Open => 0,
            Self::Closed => 1,
            Self::Moved => 2,
        }
    }
}

/// What waiters watch.
#[derive(Clone, Debug)]
struct Progress {
    durable: Seq,
    /// All segments that end at or before this record are sealed.
    sealed: Seq,
    /// Why nothing gets durable at the moment.
    held: Option<SyncFailed>,
    failure: Option<SyncFailed>,
}

/// What the appender, the sync thread and the waiters share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The unsealed segments, oldest first; the last one is being appended to. Locked for moments only, never during
    /// a sync.
    segments: Mutex<VecDeque<Arc<ActiveSegment>>>,
    prepared: Mutex<Option<Arc<dyn WriteRegion>>>,
    appended: AtomicU64,
    durable: AtomicU64,
    requested: AtomicU64,
    /// The sync thread sleeps without a time limit, because everything is durable.
    idle: AtomicBool,
    stop: AtomicBool,
    /// A segment was ended before it was full and waits to be sealed, or the files are to be looked for.
    sealing: AtomicBool,
    /// A [`Gate`]; with `writing` it keeps an append and the moving of the active segment apart.
    gate: AtomicU8,
    /// An append is on its way.
    writing: AtomicBool,
    integrity: Mutex<Integrity>,
    failure: OnceLock<SyncFailed>,
    progress: watch::Sender<Progress>,
    thread: OnceLock<Thread>,
}

impl Shared {
    pub(crate) fn new(segments: VecDeque<Arc<ActiveSegment>>, last: Seq) -> Arc<Self> {
        let sealed = segments.front().map_or(last, |oldest| oldest.first.prev());
        Arc::new(Self {
            segments: Mutex::new(segments),
            prepared: Mutex::new(None),
            appended: AtomicU64::new(last.0),
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
        // Pairs with the fence in `SyncThread::rest`: either the thread sees this append before it lies down, or
        // this load sees that it has.
        fence(Ordering::SeqCst);
        if self.idle.load(Ordering::Relaxed) {
            self.wake();
        }
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
    fn close_gate(&self) -> bool {
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

    fn is_closed(&self) -> bool {
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
    fn segment(&self, first: Seq) -> Option<Arc<ActiveSegment>> {
        let segments = held(&self.segments);
        segments.iter().find(|segment| segment.first == first).cloned()
    }

    /// A segment got another file.
    fn replace_segment(&self, again: &Arc<ActiveSegment>) {
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

    fn request(&self, seq: Seq) {
        // Never more than there is: a request for a record still to come must not keep later ones from waking.
        let seq = seq.min(Seq(self.appended.load(Ordering::Acquire)));
        let before = self.requested.fetch_max(seq.0, Ordering::AcqRel);
        if before < seq.0 {
            self.wake();
        }
    }

    fn wake(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }

    fn report_durable(&self, seq: Seq) {
        let before = self.durable.fetch_max(seq.0, Ordering::AcqRel);
        if before < seq.0 {
            self.progress.send_modify(|progress| progress.durable = seq);
        }
    }

    fn report_sealed(&self, last: Seq) {
        self.progress.send_modify(|progress| progress.sealed = last);
    }

    fn report_failure(&self, reason: String) -> SyncFailed {
        let failed = SyncFailed {
            reason,
            durable: self.durable(),
        };
        let first = self.failure.get_or_init(|| failed).clone();
        self.progress
            .send_modify(|progress| progress.failure = Some(first.clone()));
        first
    }

    fn unsynced(&self) -> bool {
        self.appended.load(Ordering::Acquire) > self.durable.load(Ordering::Acquire)
    }

    /// Whether somebody waits for a record that is appended and not yet durable.
    fn wanted(&self) -> bool {
        let wanted = self
            .requested
            .load(Ordering::Acquire)
            .min(self.appended.load(Ordering::Acquire));
        wanted > self.durable.load(Ordering::Acquire)
    }
}

/// A lock whose data cannot be left half-changed: a holder that panicked is no reason to panic too.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells what is durable, and waits for it. Cheap to clone; works from any thread and in any executor.
#[derive(Clone, Debug)]
pub struct Durability {
    shared: Arc<Shared>,
}

impl Durability {
    pub(crate) fn of(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::clone(shared),
        }
    }

    /// The newest record that survives a power cut now.
    #[must_use]
    pub fn durable(&self) -> Seq {
        self.shared.durable()
    }

    /// Asks for a sync that covers `seq`, without waiting for it.
    pub fn request(&self, seq: Seq) {
        if seq > self.durable() {
            self.shared.request(seq);
        }
    }

    /// Asks for a sync that covers `seq` and waits for it, also while the log's files are not at their paths
    /// ([`Durability::integrity`]): that may take any time.
    ///
    /// # Errors
    /// [`SyncFailed`] if `seq` is not durable and never will be: a sync failed, or the log was closed without one.
    pub async fn wait(&self, seq: Seq) -> Result<(), SyncFailed> {
        if seq <= self.durable() {
            return Ok(());
        }
        self.shared.request(seq);
        self.progress(|now| now.durable >= seq, |_| false).await
    }

    /// Waits until what is wanted has come about, or never will, or it is time to give up.
    async fn progress(
        &self,
        wanted: impl Fn(&Progress) -> bool,
        give_up: impl Fn(&Progress) -> bool,
    ) -> Result<(), SyncFailed> {
        let mut progress = self.shared.progress.subscribe();
        let outcome = progress
            .wait_for(|now| wanted(now) || now.failure.is_some() || give_up(now))
            .await;
        let failure = match outcome {
            Ok(now) if wanted(&now) => return Ok(()),
            Ok(now) => now.failure.clone().or_else(|| now.held.clone()),
            Err(_) => None,
        };
        Err(failure.unwrap_or_else(|| SyncFailed {
            reason: "the log is gone".to_owned(),
            durable: self.durable(),
        }))
    }

    /// Waits until the segments that end at or before `seq` are sealed, for threads without an executor. The log must
    /// have begun a new one after it ([`Log::begin_segment`](crate::Log::begin_segment)).
    ///
    /// # Errors
    /// As [`wait_blocking`](Self::wait_blocking).
    pub fn wait_sealed_blocking(&self, seq: Seq) -> Result<(), SyncFailed> {
        block_on(self.progress(|now| now.sealed >= seq, |now| now.held.is_some()))
    }

    /// [`wait`](Self::wait) for threads without an executor. It does not wait while the log's files are not at their
    /// paths: a thread that waited could not be stopped.
    ///
    /// # Errors
    /// [`SyncFailed`] if `seq` is not durable, and cannot get so at the moment.
    pub fn wait_blocking(&self, seq: Seq) -> Result<(), SyncFailed> {
        if seq <= self.durable() {
            return Ok(());
        }
        self.shared.request(seq);
        block_on(self.progress(|now| now.durable >= seq, |now| now.held.is_some()))
    }

    /// What is wrong with the log's files, as far as it was noticed while they were written.
    #[must_use]
    pub fn integrity(&self) -> Integrity {
        self.shared.integrity()
    }

    /// Why nothing becomes durable any more; `None` while all is well.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.shared.failure().map(ToString::to_string)
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Does the syncing; owned by the sync thread, or by the log where a test syncs by hand.
#[derive(Debug)]
pub(crate) struct Syncer {
    storage: Arc<dyn Storage>,
    shared: Arc<Shared>,
    options: LogOptions,
    /// The segment for which preparing a successor was last tried: once per segment is enough, the appender tries
    /// again by itself when it rolls.
    prepared_for: Seq,
    /// The last record that a mark of the active segment names.
    footer_at: Seq,
    placement: Placement,
}

/// Why not everything is durable.
#[derive(Debug)]
enum Unsynced {
    /// The disk refused to sync this file: final.
    Refused(String, io::Error),
    /// Another process writes to the log: final.
    Taken(String),
    /// The files are not at their paths; they may be later.
    Held(String),
}

impl Syncer {
    pub(crate) fn new(
        storage: Arc<dyn Storage>,
        shared: Arc<Shared>,
        options: LogOptions,
        placement: Placement,
    ) -> Self {
        Self {
            storage,
            shared,
            options,
            prepared_for: Seq::NONE,
            footer_at: Seq::NONE,
            placement,
        }
    }

    /// Makes everything appended so far durable, and reports it. Fails for good if the disk refuses; while the files are
    /// not at their paths it fails too, but can be tried again.
    pub(crate) fn sync(&mut self) -> Result<(), SyncFailed> {
        if let Some(failed) = self.shared.failure() {
            return Err(failed.clone());
        }
        let reason = match self.sync_segments() {
            Ok(()) => {
                self.let_in();
                return Ok(());
            }
            Err(Unsynced::Held(reason)) => return Err(self.keep_out(reason)),
            Err(Unsynced::Refused(name, error)) => {
                format!("{}: {error}", self.storage.path().join(name).display())
            }
            Err(Unsynced::Taken(reason)) => reason,
        };
        Err(self.shared.report_failure(reason))
    }

    fn sync_segments(&mut self) -> Result<(), Unsynced> {
        loop {
            let (segment, rolled) = {
                let segments = held(&self.shared.segments);
                let Some(oldest) = segments.front() else {
                    return Ok(());
                };
                (Arc::clone(oldest), segments.len() > 1)
            };
            let tail = segment.tail();
            if self.options.acks_before_sync() {
                self.shared.report_durable(tail.last);
            }
            self.sync_to(&segment, tail)?;
            if !self.is_in_place(&segment)? {
                continue;
            }
            self.shared.report_durable(tail.last);
            if !rolled {
                self.mark_durable(&segment, tail);
                self.prepare_next(&segment, tail);
                return Ok(());
            }
            // Sealed before anything newer counts as durable: then at most the newest segments are unsealed, and
            // only those need to be scanned when the log is opened.
            self.seal(&segment, tail)
                .map_err(|error| Unsynced::Refused(segment.name(), error))?;
            held(&self.shared.segments).pop_front();
            self.placement.expect(&[segment.first], tail.last.next());
            self.shared.report_sealed(tail.last);
        }
    }

    /// Looks for the files at their paths. False if the segment's file was not there and was written again.
    fn is_in_place(&mut self, segment: &ActiveSegment) -> Result<bool, Unsynced> {
        match self.placement.check(&self.storage, segment) {
            Ok(incidents) => {
                if !incidents.is_empty() {
                    held(&self.shared.integrity).missing = self.placement.missing();
                }
                incidents.iter().for_each(|incident| self.tell(incident));
                Ok(true)
            }
            Err(Misplaced::Directory(reason)) => Err(Unsynced::Held(reason)),
            Err(Misplaced::Taken(reason)) => Err(Unsynced::Taken(reason)),
            Err(Misplaced::Segment) => self.write_again(segment).map(|()| false),
        }
    }

    fn write_again(&self, segment: &ActiveSegment) -> Result<(), Unsynced> {
        let path = self.storage.path().join(segment.name());
        let held_for = |why: &dyn std::fmt::Display| {
            Unsynced::Held(format!(
                "{} was removed or replaced while the log was written, and cannot be written again ({why}): nothing is \
                 stored until it can",
                path.display()
            ))
        };
        if !self.shared.close_gate() {
            return Err(held_for(&"an append does not end"));
        }
        // It may have got a longer mapping since.
        let Some(segment) = self.shared.segment(segment.first) else {
            return Ok(());
        };
        let time = (self.options.clock)();
        let (again, incident) = placement::write_again(&self.storage, &segment, segment.tail(), time)
            .map_err(|error| held_for(&error))?;
        let again = Arc::new(again);
        self.shared.replace_segment(&again);
        self.shared.gate.store(Gate::Moved.word(), Ordering::SeqCst);
        held(&self.shared.integrity).restored += 1;
        self.tell(&incident);
        Ok(())
    }

    /// Nothing is appended until the files are at their paths.
    fn keep_out(&self, reason: String) -> SyncFailed {
        // Whether an append is on its way does not matter here: it is not acknowledged as durable.
        let _ = self.shared.close_gate();
        let before = held(&self.shared.integrity).held.replace(reason.clone());
        let failed = SyncFailed {
            reason,
            durable: self.shared.durable(),
        };
        if before.as_ref() != Some(&failed.reason) {
            self.shared
                .progress
                .send_modify(|progress| progress.held = Some(failed.clone()));
            self.tell(&Incident::Held {
                reason: failed.reason.clone(),
            });
        }
        failed
    }

    /// The files are at their paths: appending goes on.
    fn let_in(&self) {
        if held(&self.shared.integrity).held.take().is_some() {
            self.shared.progress.send_modify(|progress| progress.held = None);
            self.tell(&Incident::Resumed);
        }
        if self.shared.is_closed() {
            self.shared.gate.store(Gate::Moved.word(), Ordering::SeqCst);
        }
    }

    fn tell(&self, incident: &Incident) {
        if let Some(hear) = &self.options.on_incident {
            hear(incident);
        }
    }

    fn sync_to(&self, segment: &ActiveSegment, tail: SegmentTail) -> Result<(), Unsynced> {
        let refused = |error| Unsynced::Refused(segment.name(), error);
        let synced = segment.synced_to.load(Ordering::Relaxed);
        let linked = segment.linked.load(Ordering::Relaxed);
        if linked && synced >= tail.offset {
            return Ok(());
        }
        let from = if linked { synced } else { 0 };
        segment.region.sync(span(from, tail.offset)).map_err(refused)?;
        if !linked {
            self.storage.sync_dir().map_err(|error| match error.kind() {
                // That the directory is gone does not say that the disk lost anything.
                io::ErrorKind::NotFound => Unsynced::Held(placement::directory_gone(&self.storage, &error)),
                _ => refused(error),
            })?;
            segment.linked.store(true, Ordering::Relaxed);
        }
        segment.synced_to.store(tail.offset, Ordering::Relaxed);
        Ok(())
    }

    /// Says in the active segment how far it is durable, so that a start can tell an end that went bad from one that was
    /// never written. The frames alone cannot say that of the records of the last sync.
    ///
    /// The mark is not synced: that would double the cost of every sync. The mark of a killed process is in the page cache,
    /// and after a power cut there is that of some sync before; both are true.
    fn mark_durable(&mut self, segment: &ActiveSegment, tail: SegmentTail) {
        if tail.last > self.footer_at && tail.last >= segment.first {
            segment.publish_footer(tail, false, (self.options.clock)());
            self.footer_at = tail.last;
        }
    }

    /// Marks a fully synced segment as sealed and cuts off what it does not use.
    fn seal(&self, segment: &ActiveSegment, tail: SegmentTail) -> io::Result<()> {
        segment.write_footer(tail, true, (self.options.clock)())?;
        let trimmed = trimmed_len(tail.offset);
        if trimmed < segment.region.len() as u64 {
            // A file that stays too long is only a waste of space, so this may fail.
            let _ = self.storage.set_len(&segment.name(), trimmed);
        }
        Ok(())
    }

    fn prepare_next(&mut self, segment: &ActiveSegment, tail: SegmentTail) {
        let half_full = tail.offset > segment.region.len() as u64 / 2;
        if !half_full || self.prepared_for == segment.first {
            return;
        }
        self.prepared_for = segment.first;
        if held(&self.shared.prepared).is_some() {
            return;
        }
        // If there is no space now, there may be when the segment is full; the appender then reports it if not.
        if let Ok(region) = self
            .storage
            .create_region(PREPARED_NAME, self.options.segment_len())
        {
            self.shared.put_back_prepared(region);
        }
    }

    /// Syncs all, marks the active segment as closed here, and gives its unused space back.
    pub(crate) fn close(&mut self) -> Result<(), LogError> {
        self.sync()?;
        if self.shared.take_prepared().is_some() {
            // Left behind, it would be removed at the next start.
            let _ = self.storage.remove(PREPARED_NAME);
        }
        let active = held(&self.shared.segments).back().cloned();
        if let Some(segment) = active {
            let path = self.storage.path().join(segment.name());
            let tail = segment.tail();
            segment
                .write_footer(tail, false, (self.options.clock)())
                .map_err(LogError::io("sync", &path))?;
            let trimmed = trimmed_len(tail.offset);
            if trimmed < segment.region.len() as u64 {
                self.storage
                    .set_len(&segment.name(), trimmed)
                    .map_err(LogError::io("trim", &path))?;
            }
        }
        Ok(())
    }

    /// No further sync will come: whoever waits is told.
    pub(crate) fn abandon(&self) {
        let reason = "the log was closed before".to_owned();
        if self.shared.unsynced() {
            self.shared.report_failure(reason);
            return;
        }
        let closed = SyncFailed {
            reason,
            durable: self.shared.durable(),
        };
        self.shared
            .progress
            .send_modify(|progress| progress.failure = Some(closed));
    }
}

fn span(from: u64, to: u64) -> std::ops::Range<usize> {
    // Offsets lie inside a region, whose length is a usize.
    usize::try_from(from).unwrap_or(usize::MAX)..usize::try_from(to).unwrap_or(usize::MAX)
}

/// The length to which a file is cut that uses `used` bytes.
///
/// The rule that keeps readers in other processes safe: they read frame by frame up to an end mark of 32 zero bytes,
/// so a file always keeps room for that mark after its last frame. Only bytes beyond it are ever cut off. (Our own
/// readers copy with `pread` and would survive even without; a reader that maps the file would not.)
pub(crate) fn trimmed_len(used: u64) -> u64 {
    (used + crate::format::frame::FRAME_HEADER as u64).next_multiple_of(4096)
}

/// The sync thread, and how to stop it.
#[derive(Debug)]
pub(crate) struct SyncThread {
    handle: JoinHandle<Syncer>,
}

impl SyncThread {
    pub(crate) fn start(syncer: Syncer) -> io::Result<Self> {
        let shared = Arc::clone(&syncer.shared);
        let handle = thread::Builder::new()
            .name("timberline-sync".to_owned())
            .spawn(move || run(syncer))?;
        // Set once per log, right after the thread has begun; a wake before that is made up for here.
        let _ = shared.thread.set(handle.thread().clone());
        shared.wake();
        Ok(Self { handle })
    }

    /// Lets the thread finish and takes its work over; `None` if it panicked.
    pub(crate) fn stop(self, shared: &Shared) -> Option<Syncer> {
        shared.stop.store(true, Ordering::Release);
        self.handle.thread().unpark();
        self.handle.join().ok()
    }
}

fn run(mut syncer: Syncer) -> Syncer {
    let shared = Arc::clone(&syncer.shared);
    let interval = syncer.options.sync_interval;
    // When the oldest unsynced record was first seen.
    let mut unsynced_since: Option<Instant> = None;
    while !shared.stop.load(Ordering::Acquire) && shared.failure().is_none() {
        if shared.is_closed() {
            wait_before_retry(&shared);
            let _ = syncer.sync();
            continue;
        }
        if shared.sealing.swap(false, Ordering::AcqRel) {
            let _ = syncer.sync();
            continue;
        }
        if !shared.unsynced() {
            unsynced_since = None;
            if !rest_until_append(&shared) {
                // Nothing was written for a while: the files may be gone nevertheless.
                let _ = syncer.sync();
            }
            continue;
        }
        let since = *unsynced_since.get_or_insert_with(timberline_clock::monotonic);
        let left = interval.saturating_sub(since.elapsed());
        if !shared.wanted() && left > Duration::ZERO {
            thread::park_timeout(left);
            continue;
        }
        unsynced_since = None;
        // A failure is reported to everybody who waits; the loop ends with it.
        let _ = syncer.sync();
    }
    syncer
}

/// Sleeps until something is appended, or is to be sealed. False if nothing was for a while.
fn rest_until_append(shared: &Shared) -> bool {
    shared.idle.store(true, Ordering::Relaxed);
    fence(Ordering::SeqCst);
    let since = timberline_clock::monotonic();
    let wanted = shared.stop.load(Ordering::Acquire) || shared.sealing.load(Ordering::Acquire);
    if !shared.unsynced() && !wanted {
        thread::park_timeout(IDLE_CHECK);
    }
    shared.idle.store(false, Ordering::Relaxed);
    since.elapsed() < IDLE_CHECK
}

/// Waits a moment, however often somebody asks for a sync meanwhile.
fn wait_before_retry(shared: &Shared) {
    let until = timberline_clock::monotonic() + RETRY_EVERY;
    while !shared.stop.load(Ordering::Acquire) {
        let left = until.saturating_duration_since(timberline_clock::monotonic());
        if left.is_zero() {
            break;
        }
        thread::park_timeout(left);
    }
}

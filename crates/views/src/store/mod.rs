//! The store: where writes are decided, one at a time, and from where snapshots are taken.
//!
//! A write takes the sequencer's lock for the microsecond it takes to decide, append, apply and publish
//! (docs/decisions/001-a-lock-not-a-queue.md); nothing waits for a disk under it. Heads are sealed and checkpoints
//! written by a background thread ([`compactor`]).

pub(crate) mod open;
pub(crate) mod past;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::{Condvar, Mutex};
use timberline_disk::Storage;
use timberline_disk::{Cipher, WriterLock};
use timberline_log::{DeviceId, Durability, Integrity, Log, LogReader, Seq, SyncFailed};

pub use open::{OpenReport, Progress};
pub use past::{Deleted, DeletedWhat, Undoing};

use crate::background::compactor;
use crate::error::CompactError;
use crate::files::{generations, heal};
use crate::fold::SEAL_ROWS;
use crate::fold::State;
use crate::history::as_of::Past;
use crate::time_trust::{Clock, Suspension, TimeTrust, TrustedClock};
use crate::view::Snapshot;

/// When a heartbeat is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeartbeatDurability {
    /// When it is in the log; it is synced within this time. `kill -9` loses nothing, a power cut at most this much.
    Interval(Duration),
    /// When it is synced.
    Always,
}

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Whose log it is.
    pub device: DeviceId,
    /// Bytes of a log segment.
    pub segment_bytes: u64,
    /// When heartbeats are acknowledged.
    pub heartbeat: HeartbeatDurability,
    /// Whether threads seal heads, write checkpoints and keep history short; tests do it by hand with
    /// [`Store::compact`] and [`Store::maintain`].
    pub background: bool,
    /// How long all that happened is kept; of what was before only the outcome is.
    pub history: Duration,
    /// How long deleted things can be restored; then they are erased.
    pub erase_after: Duration,
    /// How often it is looked whether something is older than that.
    pub maintain_every: Duration,
    /// Where the time comes from.
    pub clock: Clock,
    /// Where to keep what is known about the clock: the data directory. Without one it is known only while the store is
    /// open.
    pub clock_dir: Option<Arc<dyn Storage>>,
    /// Where to put what a fold of the past cannot keep in memory: an empty directory of its own. Without one it stays
    /// in memory.
    pub scratch: Option<Arc<dyn Storage>>,
    /// What everything is encrypted with, log and views; `None` for a data directory that is not encrypted.
    pub cipher: Option<Arc<Cipher>>,
    /// A bug that tests plant, to show that they catch it.
    #[cfg(feature = "sim")]
    pub planted_bug: Option<timberline_log::PlantedBug>,
    /// Without a sync thread, see [`timberline_log::LogOptions::manual_sync`].
    #[cfg(feature = "sim")]
    pub manual_sync: bool,
}

impl Default for StoreOptions {
    fn default() -> StoreOptions {
        StoreOptions {
            device: DeviceId::default(),
            segment_bytes: 64 << 20,
            heartbeat: HeartbeatDurability::Interval(Duration::from_secs(1)),
            background: true,
            history: Duration::from_secs(30 * 86_400),
            erase_after: Duration::from_secs(7 * 86_400),
            maintain_every: Duration::from_secs(3600),
            clock: Clock::system(),
            clock_dir: None,
            scratch: None,
            cipher: None,
            #[cfg(feature = "sim")]
            planted_bug: None,
            #[cfg(feature = "sim")]
            manual_sync: false,
        }
    }
}

/// How often a write prepares on a snapshot what takes long, before it does under the lock what has changed meanwhile.
pub(crate) const ROUNDS: u32 = 16;

/// What is decided under one lock: the log and the state it folds to.
#[derive(Debug)]
pub(crate) struct Sequencer {
    pub(crate) log: Log,
    pub(crate) state: State,
    /// Reused for every record that is encoded under the lock.
    pub(crate) buffer: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) sequencer: Mutex<Sequencer>,
    pub(crate) published: ArcSwap<Snapshot>,
    pub(crate) durability: Durability,
    pub(crate) options: StoreOptions,
    /// The clock, and whether anything may be erased because of it.
    pub(crate) clock: Arc<TrustedClock>,
    pub(crate) log_storage: Arc<dyn Storage>,
    pub(crate) views: Arc<dyn Storage>,
    /// Puts damaged view segments together again.
    pub(crate) healer: Arc<heal::Healer>,
    /// Number of the next view file.
    pub(crate) next_file: AtomicU64,
    /// View files that the next checkpoint will no longer name.
    pub(crate) obsolete: Mutex<Vec<String>>,
    /// Bytes of log since the last checkpoint.
    pub(crate) unsaved: AtomicU64,
    /// Bytes of the last checkpoint.
    pub(crate) saved: AtomicU64,
    /// Held by whoever seals, merges or checkpoints: the compactor, or a caller that does it by hand. No reader and
    /// no writer ever waits for it.
    pub(crate) compacting: Mutex<()>,
    /// Everything up to here is in the checkpoint on the disk.
    pub(crate) checkpointed: AtomicU64,
    /// Held by whoever rewrites log segments.
    pub(crate) maintaining: Mutex<()>,
    /// Deletions up to here are known to be erased.
    pub(crate) erased_through: AtomicU64,
    /// How often orders to erase were completed.
    pub(crate) purges_completed: AtomicU64,
    /// How often sealed segments of the log were replaced since the start.
    pub(crate) log_rewrites: AtomicU64,
    /// Which versions of the log's segments the next checkpoint names.
    pub(crate) seen: Mutex<generations::Seen>,
    /// Whether an order to erase could not be completed and the history thread is to try again.
    pub(crate) retry_maintenance: AtomicBool,
    pub(crate) past: Mutex<Past>,
    /// Held by whoever folds the past: one at a time.
    pub(crate) recalling: Mutex<()>,
    /// Whether the compactor has been told that there is work.
    pub(crate) woken: AtomicBool,
    pub(crate) closing: AtomicBool,
    pub(crate) sleep: Mutex<()>,
    pub(crate) work: Condvar,
    /// Signalled when the store closes.
    pub(crate) rested: Condvar,
    /// Signalled when heads have shrunk.
    pub(crate) room: Condvar,
    /// See [`Store::interleave`].
    #[cfg(feature = "sim")]
    pub(crate) between: Mutex<Option<Between>>,
}

/// What tests do between the preparation of a write and its decision.
#[cfg(feature = "sim")]
pub(crate) struct Between(Box<dyn FnMut() + Send>);

#[cfg(feature = "sim")]
impl std::fmt::Debug for Between {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Between")
    }
}

impl Shared {
    /// Where a write has prepared on a snapshot and is about to take the lock: tests let other writes come between.
    #[cfg(feature = "sim")]
    pub(crate) fn interleave(&self) {
        let hook = self.between.lock().take();
        if let Some(Between(mut hook)) = hook {
            hook();
            let _ = self.between.lock().get_or_insert(Between(hook));
        }
    }

    #[cfg(not(feature = "sim"))]
    pub(crate) fn interleave(&self) {}

    /// Waits until a record is on the disk.
    pub(crate) fn wait_durable(&self, seq: Seq) -> Result<(), SyncFailed> {
        #[cfg(feature = "sim")]
        if self.options.manual_sync {
            return self.sequencer.lock().log.sync_now();
        }
        self.durability.wait_blocking(seq)
    }

    /// Whether enough was written since the last checkpoint to be worth another: a checkpoint holds all heads, so
    /// one that is large must be rarer, or it would cost more than the writes it saves from being folded again.
    pub(crate) fn checkpoint_is_due(&self) -> bool {
        let worth = compactor::CHECKPOINT_BYTES.max(8 * self.saved.load(Ordering::Relaxed));
        self.unsaved.load(Ordering::Relaxed) >= worth
    }

    pub(crate) fn publish(&self, state: &State) {
        self.published.store(Arc::new(state.snapshot()));
    }

    /// Tells the compactor that there may be work.
    pub(crate) fn wake(&self) {
        if !self.woken.swap(true, Ordering::AcqRel) {
            let _guard = self.sleep.lock();
            self.work.notify_one();
        }
    }

    /// Sleeps until there may be work. False when the store closes.
    pub(crate) fn wait_for_work(&self) -> bool {
        let mut guard = self.sleep.lock();
        while !self.woken.swap(false, Ordering::AcqRel) {
            if self.closing.load(Ordering::Acquire) {
                return false;
            }
            self.work.wait(&mut guard);
        }
        !self.closing.load(Ordering::Acquire)
    }

    /// Sleeps for a while. False when the store closes.
    pub(crate) fn rest(&self, time: Duration) -> bool {
        let mut guard = self.sleep.lock();
        if !self.closing.load(Ordering::Acquire) {
            self.rested.wait_for(&mut guard, time);
        }
        !self.closing.load(Ordering::Acquire)
    }

    /// After a failure: a moment, so that a full disk does not make the compactor spin.
    pub(crate) fn pause(&self) {
        let mut guard = self.sleep.lock();
        if !self.closing.load(Ordering::Acquire) {
            self.work.wait_for(&mut guard, Duration::from_secs(1));
        }
        self.woken.store(true, Ordering::Release);
    }
}

/// A log and the views folded from it.
///
/// Cheap to share behind an `Arc`; every method takes `&self` and may be called from any thread. Dropping it without
/// [`Store::close`] loses nothing that was acknowledged, but the next start has more to fold.
#[derive(Debug)]
pub struct Store {
    pub(crate) shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    _lock: Option<WriterLock>,
}

impl Store {
    /// The newest picture of everything. Never waits.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.published.load_full()
    }

    /// Waits until a record is on the disk, for good. Cheap when it is already; one sync serves all that wait.
    ///
    /// # Errors
    /// When the disk refused a sync; the record may or may not survive a power cut.
    pub async fn durable(&self, seq: Seq) -> Result<(), SyncFailed> {
        self.shared.durability.wait(seq).await
    }

    /// The same for a thread that may block.
    ///
    /// # Errors
    /// As [`Store::durable`].
    pub fn durable_blocking(&self, seq: Seq) -> Result<(), SyncFailed> {
        self.shared.durability.wait_blocking(seq)
    }

    /// The newest record that is known to be on the disk.
    pub fn durable_seq(&self) -> Seq {
        self.shared.durability.durable()
    }

    /// What is wrong with the files of the log, as far as it was noticed while they were written.
    pub fn integrity(&self) -> Integrity {
        self.shared.durability.integrity()
    }

    /// A reader of this store's log.
    ///
    /// # Errors
    /// When the log's directory cannot be read.
    pub fn log(&self) -> Result<LogReader, timberline_log::LogError> {
        let reader = LogReader::open(self.shared.log_storage.clone())?;
        Ok(reader.with_cipher(self.shared.options.cipher.clone()))
    }

    /// Seals what is worth sealing, merges, and writes a checkpoint when one is due.
    ///
    /// # Errors
    /// When a file cannot be written; nothing is lost.
    pub fn compact(&self) -> Result<bool, CompactError> {
        self.shared.compact()
    }

    /// Seals every head with at least this many events, whether it is worth it or not.
    ///
    /// # Errors
    /// When a file cannot be written; nothing is lost.
    pub fn seal(&self, at_least: usize) -> Result<(), CompactError> {
        let snapshot = self.snapshot();
        let _one_at_a_time = self.shared.compacting.lock();
        for bucket in snapshot.buckets().filter(|b| b.head_rows() >= at_least.max(1)) {
            self.shared.seal(bucket.key)?;
        }
        Ok(())
    }

    /// Writes a checkpoint: what comes before it is not folded again at the next start.
    ///
    /// # Errors
    /// When it cannot be written; nothing is lost.
    pub fn checkpoint(&self) -> Result<(), CompactError> {
        let _one_at_a_time = self.shared.compacting.lock();
        self.shared.checkpoint()
    }

    /// Syncs the log, for stores without a sync thread (`manual_sync`).
    ///
    /// # Errors
    /// When the disk refuses.
    #[cfg(feature = "sim")]
    pub fn sync_now(&self) -> Result<(), SyncFailed> {
        self.shared.sequencer.lock().log.sync_now()
    }

    /// Has something done whenever a write has prepared on a snapshot and is about to take the sequencer's lock; `None`
    /// ends it. What it writes itself is not interrupted.
    #[cfg(feature = "sim")]
    pub fn interleave(&self, hook: Option<Box<dyn FnMut() + Send>>) {
        *self.shared.between.lock() = hook.map(Between);
    }

    /// Waits until the compactor has caught up with a bucket. For threads that bring in events in bulk.
    pub fn wait_for_room(&self, bucket: &str) {
        loop {
            let behind = self
                .snapshot()
                .bucket(bucket)
                .map_or(0, |b| b.memory_runs().map(|r| r.len()).sum());
            if behind < 3 * SEAL_ROWS || !self.shared.options.background {
                return;
            }
            self.shared.wake();
            let mut guard = self.shared.sleep.lock();
            self.shared.room.wait_for(&mut guard, Duration::from_millis(20));
        }
    }

    /// Whether anything may be erased because of its age: not after the clock has jumped, until the new time was lived
    /// through for a day or confirmed by hand.
    pub fn time_trust(&self) -> TimeTrust {
        self.shared.clock.trust()
    }

    /// Why nothing is erased because of its age, as of the last look at the clocks.
    pub fn suspension(&self) -> Option<Suspension> {
        self.shared.clock.suspension()
    }

    /// Ends the background work, writes a checkpoint, and closes the log: the next start has nothing to fold.
    ///
    /// # Errors
    /// When the checkpoint or the log's last pages cannot be written. What was acknowledged is in the log all the
    /// same.
    pub fn close(mut self) -> Result<(), CompactError> {
        self.stop_threads();
        self.shared.clock.trust();
        self.shared.clock.save(true);
        let compacted = self.shared.compact();
        let saved =
            if self.shared.unsaved.load(Ordering::Relaxed) > 0 || !self.shared.obsolete.lock().is_empty() {
                self.shared.checkpoint()
            } else {
                Ok(())
            };
        // The log is closed whatever became of the views; they are made of it. Nobody waits for the lock: the threads
        // have ended, and there is no other handle.
        let closed = self.shared.sequencer.lock().log.finish();
        compacted
            .map(|_| ())
            .and(saved)
            .and(closed.map_err(CompactError::from))
    }

    fn stop_threads(&mut self) {
        self.shared.closing.store(true, Ordering::Release);
        {
            let _guard = self.shared.sleep.lock();
            self.shared.work.notify_all();
            self.shared.rested.notify_all();
        }
        for thread in self.threads.drain(..) {
            let name = thread.thread().name().unwrap_or_default().to_owned();
            if thread.join().is_err() {
                tracing::error!(name, "a thread had ended with a panic");
            }
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.stop_threads();
    }
}

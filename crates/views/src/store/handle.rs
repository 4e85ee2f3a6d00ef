//! The store, and the parts that it consists of.

use std::sync::Arc;
use std::thread::JoinHandle;

use timberline_disk::{Storage, WriterLock};
use timberline_log::{Integrity, LogError, LogReader, Seq, SyncFailed};
use timberline_model::Timestamp;

use super::options::StoreOptions;
use crate::erasure::progress::ErasureProgress;
use crate::files::checkpointer::Checkpointer;
use crate::files::healer::Healer;
use crate::files::view_files::ViewFiles;
use crate::history::as_of::AsOfCache;
use crate::sequencer::Sequencer;
use crate::time_trust::{Suspension, TimeTrust, TrustedClock};
use crate::view::Snapshot;
use crate::wakeup::Wakeup;

/// What the store shares with its threads. Each part owns its locks and keeps one invariant; a thread that needs several
/// of them takes [`ErasureProgress::lock_log`] before [`ViewFiles::exclusive`] before [`Sequencer::lock`].
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: StoreOptions,
    /// Gives writes their order, and shows readers what they come to.
    pub(crate) sequencer: Sequencer,
    /// View segments: a file is removed only after the checkpoint that no longer names it.
    pub(crate) files: ViewFiles,
    /// When the next checkpoint is due, and which records the last one includes.
    pub(crate) checkpointer: Arc<Checkpointer>,
    /// Puts damaged view segments together again.
    pub(crate) healer: Arc<Healer>,
    /// How far erasing and squashing have come: nobody rewrites a log segment while another does.
    pub(crate) erasure: ErasureProgress,
    /// Snapshots of the past. An erasure clears them.
    pub(crate) as_of: AsOfCache,
    /// Wakes the background threads and ends them.
    pub(crate) wakeup: Arc<Wakeup>,
    /// The clock, and whether anything may be erased because of it.
    pub(crate) clock: Arc<TrustedClock>,
    /// Where the log lies, for readers of their own.
    pub(crate) log_storage: Arc<dyn Storage>,
}

impl Shared {
    /// A reader of this store's log.
    pub(crate) fn reader(&self) -> Result<LogReader, LogError> {
        let reader = LogReader::open(self.log_storage.clone())?;
        Ok(reader.with_cipher(self.options.cipher.clone()))
    }
}

/// A log and the views folded from it.
///
/// Cheap to share behind an `Arc`; every method takes `&self` and may be called from any thread. Dropping it without
/// [`Store::close`] loses nothing that was acknowledged, but the next start has more to fold.
#[derive(Debug)]
pub struct Store {
    pub(crate) shared: Arc<Shared>,
    /// The compactor and the history thread.
    pub(crate) threads: Vec<JoinHandle<()>>,
    /// Keeps every other process from writing here.
    pub(crate) lock: Option<WriterLock>,
}

impl Store {
    /// The newest snapshot of everything. Never waits.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.sequencer.snapshot()
    }

    /// Waits until a record after this one is published: then [`Store::snapshot`] has it. While nobody waits, a write
    /// pays nothing for it; so a reader that follows everything waits again only after a pause.
    pub async fn published_after(&self, seq: Seq) {
        self.shared.sequencer.published_after(seq).await;
    }

    /// Waits until a record is on the disk, for good. Cheap when it is already; one sync serves all that wait.
    ///
    /// # Errors
    /// When the disk refused a sync; the record may or may not survive a power cut.
    pub async fn durable(&self, seq: Seq) -> Result<(), SyncFailed> {
        self.shared.sequencer.durability().wait(seq).await
    }

    /// The same for a thread that may block.
    ///
    /// # Errors
    /// As [`Store::durable`].
    pub fn durable_blocking(&self, seq: Seq) -> Result<(), SyncFailed> {
        self.shared.sequencer.durability().wait_blocking(seq)
    }

    /// The newest record that is known to be on the disk.
    pub fn durable_seq(&self) -> Seq {
        self.shared.sequencer.durability().durable()
    }

    /// What is wrong with the files of the log, as far as it was noticed while they were written.
    pub fn integrity(&self) -> Integrity {
        self.shared.sequencer.durability().integrity()
    }

    /// A reader of this store's log.
    ///
    /// # Errors
    /// When the log's directory cannot be read.
    pub fn log(&self) -> Result<LogReader, LogError> {
        self.shared.reader()
    }

    /// Syncs the log, for stores without a sync thread (`manual_sync`).
    ///
    /// # Errors
    /// When the disk refuses.
    #[cfg(feature = "sim")]
    pub fn sync_now(&self) -> Result<(), SyncFailed> {
        self.shared.sequencer.lock().log.sync_now()
    }

    /// Runs `hook` whenever a write has prepared on a snapshot and is about to take the sequencer's lock; `None` ends it.
    /// Writes of the hook itself are not interrupted.
    #[cfg(feature = "sim")]
    pub fn interleave(&self, hook: Option<Box<dyn FnMut() + Send>>) {
        self.shared.sequencer.hooks().set_between(hook);
    }

    /// Plants a bug: readers see records that the log has refused.
    #[cfg(feature = "sim")]
    pub fn publish_refused(&self) {
        self.shared.sequencer.hooks().publish_refused();
    }

    /// The time by the store's clock.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
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
}

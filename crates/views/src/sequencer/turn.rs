//! The sequencer's lock, what it guards, and what readers see of it.

use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::{Mutex, MutexGuard};
use timberline_log::{AppendError, Durability, Log, Seq, SyncFailed};

use super::Hooks;
use super::publications::Publications;
use crate::files::checkpointer::Checkpointer;
use crate::fold::State;
use crate::view::Snapshot;
use crate::wakeup::Wakeup;

/// How often a write prepares on a snapshot and finds under the lock that something has changed meanwhile. After that it
/// does under the lock what is left to do.
pub(crate) const MAX_ROUNDS: u32 = 16;

/// A writer's turn: the log and the state that it folds to. The two change together, or records would be folded in
/// another order than the log has.
#[derive(Debug)]
pub(crate) struct Turn {
    pub(crate) log: Log,
    pub(crate) state: State,
    /// Reused for every record that is encoded under the lock, so that a heartbeat allocates nothing for it.
    pub(super) buffer: Vec<u8>,
}

/// Gives writers their turns, one at a time, and readers the newest snapshot.
#[derive(Debug)]
pub(crate) struct Sequencer {
    /// Held from a write's decision until its records are published. Nothing waits for a disk under it, except a roll
    /// when no segment was prepared ahead.
    turn: Mutex<Turn>,
    /// The newest snapshot. Readers load it without a lock; only the holder of the turn swaps it.
    published: ArcSwap<Snapshot>,
    /// Who waits for the next snapshot.
    publications: Publications,
    /// Tells which records are durable. It is the log's own handle, so that waiting for a sync does not take the turn.
    pub(super) durability: Durability,
    /// Counts what the next checkpoint must include.
    pub(super) checkpointer: Arc<Checkpointer>,
    /// Wakes the compactor when a head is full or a checkpoint is due.
    pub(super) wakeup: Arc<Wakeup>,
    /// What tests do to a write.
    pub(super) hooks: Hooks,
}

impl Sequencer {
    pub(crate) fn new(
        log: Log,
        state: State,
        checkpointer: Arc<Checkpointer>,
        wakeup: Arc<Wakeup>,
        hooks: Hooks,
    ) -> Sequencer {
        Sequencer {
            published: ArcSwap::from_pointee(state.snapshot()),
            publications: Publications::default(),
            durability: log.durability(),
            turn: Mutex::new(Turn {
                log,
                state,
                buffer: Vec::with_capacity(1024),
            }),
            checkpointer,
            wakeup,
            hooks,
        }
    }

    /// Waits for a turn.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock()
    }

    /// The newest snapshot. Never waits.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.published.load_full()
    }

    /// Shows the state to readers.
    pub(crate) fn publish(&self, state: &State) {
        self.published.store(Arc::new(state.snapshot()));
        self.publications.announce();
    }

    /// Waits until a snapshot with a record after this one is published.
    pub(crate) async fn published_after(&self, seq: Seq) {
        self.publications.wait(|| self.published.load().seq() > seq).await;
    }

    pub(crate) fn durability(&self) -> &Durability {
        &self.durability
    }

    /// Waits until a record is durable.
    ///
    /// # Errors
    /// When the disk refused a sync.
    pub(crate) fn wait_durable(&self, seq: Seq) -> Result<(), SyncFailed> {
        self.hooks
            .sync(self)
            .unwrap_or_else(|| self.durability.wait_blocking(seq))
    }

    /// Waits until everything up to a record lies in sealed log segments.
    ///
    /// # Errors
    /// When the disk refused a sync.
    pub(crate) fn wait_sealed(&self, seq: Seq) -> Result<(), SyncFailed> {
        self.hooks
            .sync(self)
            .unwrap_or_else(|| self.durability.wait_sealed_blocking(seq))
    }

    /// Begins a new log segment, so that the active one is sealed.
    ///
    /// # Errors
    /// When the next segment cannot be made.
    pub(crate) fn begin_segment(&self) -> Result<(), AppendError> {
        let mut turn = self.lock();
        let begun = turn.log.begin_segment();
        turn.state.position = Some(turn.log.position());
        begun.map(|_| ())
    }

    /// Where a write has prepared on a snapshot and is about to take its turn: tests let other writes come between.
    pub(crate) fn interleave(&self) {
        self.hooks.before_turn();
    }

    #[cfg(feature = "sim")]
    pub(crate) fn hooks(&self) -> &Hooks {
        &self.hooks
    }
}

//! How far erasing and squashing have come.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Mutex, MutexGuard};
use timberline_log::Seq;

/// What a round of maintenance did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Maintenance {
    /// Log segments squashed.
    pub squashed: u64,
    /// Their bytes before.
    pub bytes_before: u64,
    /// Their bytes now.
    pub bytes_after: u64,
    /// Purges completed.
    pub purges: u64,
}

/// What the history thread and an erasure on request must know of each other.
#[derive(Debug, Default)]
pub(crate) struct ErasureProgress {
    /// Held while log segments are rewritten: two rewrites of one segment would each drop the other's work. Readers and
    /// writers of events never wait for it.
    rewriting: Mutex<()>,
    /// All deletions up to this record are known to be ordered to be erased, so that a round of the history thread does
    /// not read them again. Only the history thread writes it.
    erased_through: AtomicU64,
    /// How often orders to erase were completed. The owner of copies of the data compares it with the number that it saw before.
    purges_completed: AtomicU64,
    /// How often sealed log segments were replaced. The next checkpoint must then list their new generations.
    log_rewrites: AtomicU64,
    /// Whether an order to erase could not be completed, and the history thread is to try again soon.
    retry: AtomicBool,
}

impl ErasureProgress {
    /// Keeps others from rewriting log segments while this is held.
    pub(crate) fn lock_log(&self) -> MutexGuard<'_, ()> {
        self.rewriting.lock()
    }

    pub(crate) fn erased_through(&self) -> Seq {
        Seq(self.erased_through.load(Ordering::Relaxed))
    }

    pub(crate) fn set_erased_through(&self, seq: Seq) {
        self.erased_through.store(seq.get(), Ordering::Relaxed);
    }

    pub(crate) fn purges_completed(&self) -> u64 {
        self.purges_completed.load(Ordering::Acquire)
    }

    pub(crate) fn note_purge(&self) {
        self.purges_completed.fetch_add(1, Ordering::AcqRel);
        self.note_rewrite();
    }

    pub(crate) fn log_rewrites(&self) -> u64 {
        self.log_rewrites.load(Ordering::Acquire)
    }

    pub(crate) fn note_rewrite(&self) {
        self.log_rewrites.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn want_retry(&self) {
        self.retry.store(true, Ordering::Release);
    }

    /// Whether a retry was wanted since this was asked last.
    pub(crate) fn take_retry(&self) -> bool {
        self.retry.swap(false, Ordering::AcqRel)
    }
}

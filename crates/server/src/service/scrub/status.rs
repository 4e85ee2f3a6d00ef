//! The status of the scrub, for `/metrics`.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use timberline_model::Timestamp;

use super::progress::Progress;

/// How the scrub is doing; read by `/metrics`.
#[derive(Debug, Default)]
pub(crate) struct Status {
    finished: AtomicI64,
    damage: AtomicU64,
    pub(super) bytes: AtomicU64,
}

impl Status {
    /// When everything had been read last, in seconds since 1970; 0: never.
    pub(crate) fn finished(&self) -> i64 {
        self.finished.load(Ordering::Relaxed)
    }

    /// Damaged places that are known.
    pub(crate) fn damage(&self) -> u64 {
        self.damage.load(Ordering::Relaxed)
    }

    /// Bytes read since the start of the server.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Shows the result so far, and the number of damaged small files.
    pub(super) fn show(&self, progress: &Progress, beside: usize) {
        let finished = progress
            .finished
            .as_ref()
            .and_then(|time| Timestamp::parse(time).ok());
        let seconds = finished.map_or(0, |time| time.nanos() / 1_000_000_000);
        self.finished.store(seconds, Ordering::Relaxed);
        let damage = progress.damage.len().max(progress.found.len());
        self.damage.store((damage + beside) as u64, Ordering::Relaxed);
    }
}

//! Why writes fail at the moment, for health checks and the status.

use std::sync::atomic::{AtomicU8, Ordering};

use timberline_views::WriteError;

/// Why the last write did not go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The disk is full.
    NoSpace,
    /// The log's files are not at their paths, or the next segment cannot be made.
    Unavailable,
    /// The disk refused a sync. Only a restart helps.
    Failed,
}

/// The trouble of the last write. A write that goes through ends it.
#[derive(Debug, Default)]
pub(crate) struct WriteTrouble(AtomicU8);

const NONE: u8 = 0;
const NO_SPACE: u8 = 1;
const UNAVAILABLE: u8 = 2;
const FAILED: u8 = 3;

impl WriteTrouble {
    pub(crate) fn get(&self) -> Option<Trouble> {
        match self.0.load(Ordering::Relaxed) {
            NO_SPACE => Some(Trouble::NoSpace),
            UNAVAILABLE => Some(Trouble::Unavailable),
            FAILED => Some(Trouble::Failed),
            _ => None,
        }
    }

    /// A write has failed. What is wrong with the write itself is no trouble of the server.
    pub(crate) fn note(&self, error: &WriteError) {
        let trouble = match error {
            WriteError::NoSpace(_) => NO_SPACE,
            WriteError::Unavailable(_) => UNAVAILABLE,
            WriteError::Failed(_) => FAILED,
            _ => return,
        };
        self.set(trouble);
    }

    /// A sync has failed.
    pub(crate) fn note_sync_failed(&self) {
        self.set(FAILED);
    }

    fn set(&self, trouble: u8) {
        if self.0.load(Ordering::Relaxed) != FAILED {
            self.0.store(trouble, Ordering::Relaxed);
        }
    }

    /// A write has gone through.
    pub(crate) fn clear(&self) {
        // A look is cheaper than a write to memory that all threads share.
        if matches!(self.0.load(Ordering::Relaxed), NO_SPACE | UNAVAILABLE) {
            self.0.store(NONE, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_goes_through_ends_what_passes() {
        let trouble = WriteTrouble::default();
        trouble.set(NO_SPACE);
        assert_eq!(trouble.get(), Some(Trouble::NoSpace));
        trouble.note(&WriteError::NoSuchBucket("x".to_owned()));
        assert_eq!(trouble.get(), Some(Trouble::NoSpace));
        trouble.clear();
        assert_eq!(trouble.get(), None);
        trouble.note_sync_failed();
        trouble.set(NO_SPACE);
        trouble.clear();
        assert_eq!(trouble.get(), Some(Trouble::Failed));
    }
}

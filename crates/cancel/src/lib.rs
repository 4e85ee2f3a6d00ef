//! The one way to stop work that takes long: a token that the work checks every few thousand steps.
//!
//! It has a crate of its own because the log, the views, the query engine and the server all take one, and none of the
//! lower ones depends on another.
//!
//! ```
//! use timberline_cancel::{Cancel, Cancelled};
//!
//! fn work(cancel: &Cancel) -> Result<u64, Cancelled> {
//!     let mut sum = 0;
//!     for step in 0u64..1_000_000 {
//!         if step.is_multiple_of(4096) {
//!             cancel.check()?;
//!         }
//!         sum += step;
//!     }
//!     Ok(sum)
//! }
//!
//! assert_eq!(work(&Cancel::new()), Ok(499_999_500_000));
//! let cancel = Cancel::new();
//! drop(cancel.cancel_on_drop());
//! assert_eq!(work(&cancel), Err(Cancelled));
//! ```

#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Tells work on another thread to stop. Clones are the same token.
///
/// Nothing cancels a new token, so `&Cancel::new()` means *never*.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<State>);

#[derive(Debug, Default)]
struct State {
    cancelled: AtomicBool,
    deadline: OnceLock<Instant>,
    checks: AtomicU64,
    parent: Option<Cancel>,
}

/// The work was cancelled before it was complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

impl Cancel {
    /// A token that is not cancelled.
    #[must_use]
    pub fn new() -> Cancel {
        Cancel::default()
    }

    /// A token of its own that is also cancelled when this one is.
    #[must_use]
    pub fn child(&self) -> Cancel {
        Cancel(Arc::new(State {
            parent: Some(self.clone()),
            ..State::default()
        }))
    }

    /// Cancels the work: it ends at its next check.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::Release);
    }

    /// Cancels the work once so much time has passed. Only the first call has an effect.
    pub fn cancel_within(&self, time: Duration) {
        // A time that the clock cannot represent never comes.
        if let Some(deadline) = timberline_clock::monotonic().checked_add(time) {
            let _ = self.0.deadline.set(deadline);
        }
    }

    /// Cancels the work when the guard is dropped: a request's future is dropped when its client disconnects.
    #[must_use]
    pub fn cancel_on_drop(&self) -> CancelOnDrop {
        CancelOnDrop(self.clone())
    }

    /// Whether the work is cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        let own = &self.0;
        own.cancelled.load(Ordering::Acquire)
            || own
                .deadline
                .get()
                .is_some_and(|at| timberline_clock::monotonic() >= *at)
            || own.parent.as_ref().is_some_and(Cancel::is_cancelled)
    }

    /// For the work: whether to continue. Cheap enough for every few thousand steps.
    ///
    /// # Errors
    /// [`Cancelled`] if it is to stop.
    pub fn check(&self) -> Result<(), Cancelled> {
        self.0.checks.fetch_add(1, Ordering::Relaxed);
        if self.is_cancelled() {
            Err(Cancelled)
        } else {
            Ok(())
        }
    }

    /// How often the work has checked this token. A number that does not grow means that the work is stuck.
    #[must_use]
    pub fn checks(&self) -> u64 {
        self.0.checks.load(Ordering::Relaxed)
    }
}

/// Cancels its token when it is dropped.
#[derive(Debug)]
pub struct CancelOnDrop(Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_are_one_token_and_children_are_not() {
        let parent = Cancel::new();
        let (clone, child) = (parent.clone(), parent.child());
        child.cancel();
        assert!(child.is_cancelled() && !parent.is_cancelled());
        let child = parent.child();
        clone.cancel();
        assert!(parent.is_cancelled() && child.is_cancelled());
        assert_eq!(child.check(), Err(Cancelled));
    }

    #[test]
    fn only_the_first_deadline_counts_and_one_that_never_comes_is_none() {
        let cancel = Cancel::new();
        cancel.cancel_within(Duration::MAX);
        assert!(!cancel.is_cancelled());
        cancel.cancel_within(Duration::ZERO);
        assert!(cancel.is_cancelled());
        let later = Cancel::new();
        later.cancel_within(Duration::from_secs(3600));
        later.cancel_within(Duration::ZERO);
        assert!(!later.is_cancelled());
    }

    #[test]
    fn checks_are_counted_for_each_token() {
        let parent = Cancel::new();
        let child = parent.child();
        assert_eq!([child.check(), child.check()], [Ok(()), Ok(())]);
        assert_eq!((child.checks(), parent.checks()), (2, 0));
    }
}

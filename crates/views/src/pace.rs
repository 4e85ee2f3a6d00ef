//! The speed of background work.

use timberline_cancel::{Cancel, Cancelled};

/// Slows work down that nobody waits for, and cancels it.
pub trait Pace {
    /// Notes that so many bytes were read or written, and waits if that was too fast.
    ///
    /// # Errors
    /// [`Cancelled`] if the work is to stop.
    fn spent(&mut self, bytes: u64) -> Result<(), Cancelled>;
}

/// Full speed, until it is cancelled.
impl Pace for &Cancel {
    fn spent(&mut self, _bytes: u64) -> Result<(), Cancelled> {
        self.check()
    }
}

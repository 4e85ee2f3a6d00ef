//! The speed of the store's background work.

use std::time::{Duration, Instant};

use timberline_cancel::{Cancel, Cancelled};

use crate::pace::Pace;
use crate::wakeup::Wakeup;

/// Bytes of log that background work reads in a second: a tenth of what a disk of today can do.
const PACE: u64 = 32 << 20;
/// How many bytes are read between two looks at the clock.
const STRIDE: u64 = 1 << 20;

/// Slows background work down, and ends it when the store closes or when it is cancelled.
pub(crate) struct StorePace<'a> {
    wakeup: &'a Wakeup,
    cancel: &'a Cancel,
    /// Whether nobody waits for the work.
    leisurely: bool,
    since: Instant,
    bytes: u64,
    looked: u64,
}

impl<'a> StorePace<'a> {
    pub(crate) fn new(wakeup: &'a Wakeup, leisurely: bool, cancel: &'a Cancel) -> StorePace<'a> {
        StorePace {
            wakeup,
            cancel,
            leisurely,
            since: timberline_clock::monotonic(),
            bytes: 0,
            looked: 0,
        }
    }
}

impl Pace for StorePace<'_> {
    fn spent(&mut self, bytes: u64) -> Result<(), Cancelled> {
        self.cancel.check()?;
        self.bytes += bytes;
        if self.bytes - self.looked < STRIDE {
            return Ok(());
        }
        self.looked = self.bytes;
        if self.wakeup.is_closing() {
            return Err(Cancelled);
        }
        let due = Duration::from_micros(self.bytes.saturating_mul(1_000_000) / PACE);
        match due.checked_sub(self.since.elapsed()) {
            Some(early) if self.leisurely && !self.wakeup.rest(early) => Err(Cancelled),
            _ => Ok(()),
        }
    }
}

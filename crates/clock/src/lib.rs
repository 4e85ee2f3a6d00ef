//! The system's clocks. Product code reads them only here: `clippy.toml` disallows the functions of std and chrono, and
//! each crate denies the lint.
//!
//! Code whose result depends on the time gets it from its caller: as a parameter `now`, or as the clock that the store was
//! opened with. What is left for this crate is the outermost layer, timeouts, and measuring how long something took.

use std::time::{Duration, Instant, SystemTime};

/// An instant of the monotonic clock, for timeouts and for measuring.
#[must_use]
pub fn monotonic() -> Instant {
    Instant::now()
}

/// The wall clock, which anybody may set.
#[must_use]
pub fn wall() -> SystemTime {
    SystemTime::now()
}

/// Puts the thread to sleep. For pacing and polling in the outermost layer; other code waits for what it needs.
pub fn sleep(time: Duration) {
    std::thread::sleep(time);
}

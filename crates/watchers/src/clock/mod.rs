//! The clocks that a watcher needs, behind a trait. Their differences show that the machine slept, or that
//! the clock was set.
//!
//! | clock | stands still while the machine sleeps | can be set |
//! |---|---|---|
//! | wall | no | yes |
//! | monotonic | yes | no |
//! | boot time | no | no |
//!
//! So boot time minus monotonic time grows by the length of each sleep, and wall time minus boot time changes when the
//! clock is set. A time zone, or its daylight saving time, changes none of them.
//!
//! | module | what it does |
//! |---|---|
//! | `system` | [`SystemClock`]: the clocks of this system |
//! | `fake` | [`FakeClock`]: clocks for tests |
//! | `jump` | [`JumpDetector`]: compares readings |

mod fake;
mod jump;
mod system;

use std::pin::Pin;

use timberline_model::{Duration, Timestamp};

pub use fake::FakeClock;
pub use jump::{Jump, JumpDetector};
pub use system::SystemClock;

/// All clocks, read at the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The time of day. This clock can be set.
    pub wall: Timestamp,
    /// Since some moment in the past, without the time in which the machine slept.
    pub monotonic: Duration,
    /// Since some moment in the past, with the time in which the machine slept. `None` where the system has no such clock.
    pub boot: Option<Duration>,
}

/// Something that tells the time.
///
/// ```
/// use timberline_model::{Duration, Timestamp};
/// use timberline_watchers::clock::{Clock, FakeClock};
///
/// let clock = FakeClock::at(Timestamp::parse("2026-03-01T10:00:00Z")?);
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.read().wall, Timestamp::parse("2026-03-01T10:01:00Z")?);
/// # Ok::<(), timberline_model::TimeError>(())
/// ```
pub trait Clock: std::fmt::Debug + Send + Sync {
    /// Reads all clocks.
    fn read(&self) -> Reading;

    /// Waits until the wall clock was set or the machine has slept, where the system can tell. Where it cannot, this never ends,
    /// and a [`JumpDetector`] notices with the next reading.
    fn jumped(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::pending())
    }
}

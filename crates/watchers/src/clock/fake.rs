//! Clocks for tests.

use parking_lot::Mutex;
use timberline_model::{Duration, Timestamp};

use super::{Clock, Reading};

/// Clocks for tests: they move only when the test says so.
#[derive(Debug)]
pub struct FakeClock(Mutex<Reading>);

impl FakeClock {
    /// Clocks that stand still at this time.
    #[must_use]
    pub fn at(wall: Timestamp) -> FakeClock {
        FakeClock(Mutex::new(Reading {
            wall,
            monotonic: Duration::ZERO,
            boot: Some(Duration::ZERO),
        }))
    }

    /// The machine runs for so long.
    pub fn advance(&self, time: Duration) {
        let mut reading = self.0.lock();
        reading.monotonic = reading.monotonic.saturating_add(time);
        drop(reading);
        self.suspend(time);
    }

    /// The machine sleeps for so long.
    pub fn suspend(&self, time: Duration) {
        let mut reading = self.0.lock();
        reading.wall = reading.wall.saturating_add(time);
        reading.boot = reading.boot.map(|boot| boot.saturating_add(time));
    }

    /// Somebody sets the wall clock forward, or back if `by` is negative.
    pub fn step(&self, by: Duration) {
        let mut reading = self.0.lock();
        reading.wall = reading.wall.saturating_add(by);
    }

    /// From now on there is no clock that counts sleep.
    pub fn without_boot_time(&self) {
        self.0.lock().boot = None;
    }
}

impl Clock for FakeClock {
    fn read(&self) -> Reading {
        *self.0.lock()
    }
}

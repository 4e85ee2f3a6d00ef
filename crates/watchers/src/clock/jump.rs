//! Detects sleep and changes of the clock from the difference of two readings.

use timberline_model::{Duration, Timestamp};

use super::Reading;

/// Differences below this are no sleep and no step: clocks are read one after another, and NTP slews the wall clock.
const LEAST_JUMP: Duration = Duration::from_secs(1);

/// What has happened to the clocks between two readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jump {
    /// The machine slept. It woke just before the reading that noticed it.
    Slept {
        /// When it fell asleep.
        from: Timestamp,
        /// When it woke, on the same clock: if the clock was set as well, that is the next jump.
        to: Timestamp,
    },
    /// The wall clock was set.
    Stepped {
        /// What it would show now.
        from: Timestamp,
        /// What it shows.
        to: Timestamp,
    },
}

/// Compares each reading with the one before.
///
/// Where there is no boot time, a wall clock that is ahead of the monotonic one counts as sleep, which is far more
/// frequent than a clock that is set forward.
#[derive(Debug)]
pub struct JumpDetector {
    last: Reading,
}

impl JumpDetector {
    /// Begins with this reading.
    #[must_use]
    pub fn new(first: Reading) -> JumpDetector {
        JumpDetector { last: first }
    }

    /// What has happened since the last reading, in order.
    pub fn observe(&mut self, now: Reading) -> impl Iterator<Item = Jump> + use<> {
        let last = std::mem::replace(&mut self.last, now);
        let awake = now.monotonic.saturating_sub(last.monotonic);
        let passed = match (last.boot, now.boot) {
            (Some(before), Some(after)) => after.saturating_sub(before),
            _ => now.wall.since(last.wall).max(awake),
        };
        let slept = passed.saturating_sub(awake);
        let unset = last.wall.saturating_add(passed);
        let stepped = now.wall.since(unset);
        let sleep = (slept >= LEAST_JUMP).then(|| Jump::Slept {
            from: unset.saturating_sub(slept),
            to: unset,
        });
        let step = (stepped.abs() >= LEAST_JUMP).then_some(Jump::Stepped {
            from: unset,
            to: now.wall,
        });
        sleep.into_iter().chain(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, FakeClock, SystemClock};

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_nanos(seconds * 1_000_000_000)
    }

    /// The jumps that are detected when this happens to clocks that begin at 0.
    fn noticed(happens: impl FnOnce(&FakeClock)) -> Vec<Jump> {
        let clock = FakeClock::at(at(0));
        let mut detector = JumpDetector::new(clock.read());
        happens(&clock);
        let jumps = detector.observe(clock.read()).collect();
        assert_eq!(detector.observe(clock.read()).count(), 0, "each is noticed once");
        jumps
    }

    #[test]
    fn time_that_passes_is_no_jump() {
        assert_eq!(noticed(|clock| clock.advance(HOUR)), []);
        assert_eq!(
            noticed(|clock| clock.step(Duration::from_nanos(999_999_999))),
            [],
            "slewing"
        );
    }

    #[test]
    fn a_sleep_is_noticed_with_its_times() {
        let jumps = noticed(|clock| {
            clock.advance(Duration::from_secs(30));
            clock.suspend(HOUR);
        });
        assert_eq!(
            jumps,
            [Jump::Slept {
                from: at(30),
                to: at(3630)
            }]
        );
    }

    #[test]
    fn a_clock_that_is_set_is_noticed_in_both_directions() {
        for by in [3600, -3600] {
            let jumps = noticed(|clock| {
                clock.advance(Duration::from_secs(30));
                clock.step(Duration::from_secs(by));
            });
            let (from, to) = (at(30), at(30 + by));
            assert_eq!(jumps, [Jump::Stepped { from, to }]);
        }
    }

    #[test]
    fn a_clock_that_is_set_during_sleep_is_two_jumps() {
        let jumps = noticed(|clock| {
            clock.suspend(HOUR);
            clock.step(HOUR);
        });
        let expected = [
            Jump::Slept {
                from: at(0),
                to: at(3600),
            },
            Jump::Stepped {
                from: at(3600),
                to: at(7200),
            },
        ];
        assert_eq!(jumps, expected);
    }

    #[test]
    fn without_boot_time_a_jump_forward_is_sleep_and_a_jump_back_a_step() {
        let forward = noticed(|clock| {
            clock.without_boot_time();
            clock.suspend(HOUR);
        });
        assert_eq!(
            forward,
            [Jump::Slept {
                from: at(0),
                to: at(3600)
            }]
        );
        let back = noticed(|clock| {
            clock.without_boot_time();
            clock.step(Duration::from_secs(-3600));
        });
        assert_eq!(
            back,
            [Jump::Stepped {
                from: at(0),
                to: at(-3600)
            }]
        );
    }

    #[test]
    fn the_clocks_of_the_system_do_not_jump_while_nothing_happens() {
        let clock = SystemClock::new();
        let mut detector = JumpDetector::new(clock.read());
        let second = clock.read();
        assert!(second.monotonic >= Duration::ZERO);
        assert_eq!(detector.observe(second).count(), 0);
    }
}

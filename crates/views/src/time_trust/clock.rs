//! The two clocks: the wall clock, which anybody may set, and the boot clock, which nobody can.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use timberline_disk::os;
use timberline_model::{Duration, Timestamp};

/// How long the machine has been running, asleep or not, and since which start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootTime {
    /// Names this start of the machine. Times of different starts cannot be compared.
    pub boot: u128,
    /// How long ago that start was.
    pub up: Duration,
}

/// Tells the time by the wall clock, and how long the machine has been running.
#[derive(Clone)]
pub struct Clock {
    wall: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    boot: Arc<dyn Fn() -> BootTime + Send + Sync>,
}

impl Clock {
    /// The system's clocks.
    pub fn system() -> Clock {
        Clock::with_boot(
            // A clock before 1970 is broken, and a time before 1970 helps nobody.
            || Timestamp::from(timberline_clock::wall()).max(Timestamp::EPOCH),
            system_boot_time,
        )
    }

    /// A clock for tests that is never set: all the time that passes on it is lived through.
    pub fn of(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Clock {
        let wall: Arc<dyn Fn() -> Timestamp + Send + Sync> = Arc::new(now);
        let boot = wall.clone();
        Clock {
            wall,
            boot: Arc::new(move || BootTime {
                boot: 1,
                up: boot().since(Timestamp::EPOCH),
            }),
        }
    }

    /// A wall clock and a boot clock of the caller's own.
    pub fn with_boot(
        wall: impl Fn() -> Timestamp + Send + Sync + 'static,
        boot: impl Fn() -> BootTime + Send + Sync + 'static,
    ) -> Clock {
        Clock {
            wall: Arc::new(wall),
            boot: Arc::new(boot),
        }
    }

    /// What the wall clock says.
    pub(crate) fn now(&self) -> Timestamp {
        (self.wall)()
    }

    pub(crate) fn boot(&self) -> BootTime {
        (self.boot)()
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

/// How long the machine has been running. Where the system does not name its starts, each process counts as a start of its
/// own: then less is known, and more is doubted.
fn system_boot_time() -> BootTime {
    static PROCESS: OnceLock<(u128, Instant)> = OnceLock::new();
    let (own_start, began) = *PROCESS.get_or_init(|| {
        let random = || u128::from(RandomState::new().build_hasher().finish());
        (random() << 64 | random(), timberline_clock::monotonic())
    });
    match os::clock::boot_time() {
        Some(time) => BootTime {
            boot: time.boot.unwrap_or(own_start),
            up: Duration::from_nanos(time.nanos),
        },
        None => BootTime {
            boot: own_start,
            up: began.elapsed().into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boot_clock_runs_and_its_boot_stays() {
        let clock = Clock::system();
        let (before, after) = (clock.boot(), clock.boot());
        assert_eq!(before.boot, after.boot);
        assert!(before.up >= Duration::ZERO && before.up <= after.up);
    }
}

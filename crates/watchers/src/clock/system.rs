//! The clocks of the system.

#[cfg(target_os = "linux")]
use std::pin::Pin;
use std::time::Instant;

use timberline_model::{Duration, Timestamp};

use super::{Clock, Reading};

/// The clocks of the system.
#[derive(Debug)]
pub struct SystemClock {
    origin: Instant,
}

impl SystemClock {
    /// The clocks of the system.
    #[must_use]
    pub fn new() -> SystemClock {
        SystemClock {
            origin: timberline_clock::monotonic(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> SystemClock {
        SystemClock::new()
    }
}

impl Clock for SystemClock {
    fn read(&self) -> Reading {
        let since = timberline_clock::monotonic().saturating_duration_since(self.origin);
        Reading {
            wall: Timestamp::from(timberline_clock::wall()),
            monotonic: Duration::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)),
            boot: timberline_disk::os::clock::boot_time().map(|time| Duration::from_nanos(time.nanos)),
        }
    }

    #[cfg(target_os = "linux")]
    fn jumped(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async {
            match wait_for_jump().await {
                Ok(()) => {}
                // The next reading notices it.
                Err(_) => std::future::pending().await,
            }
        })
    }
}

/// Linux cancels such a timer when the wall clock is set, and when the machine wakes up: no process needs to look for it.
#[cfg(target_os = "linux")]
async fn wait_for_jump() -> std::io::Result<()> {
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    let timer = timerfd_create(
        TimerfdClockId::Realtime,
        TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
    )?;
    let never = Itimerspec {
        it_interval: Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        },
        it_value: Timespec {
            tv_sec: i64::MAX / 1_000_000_000,
            tv_nsec: 0,
        },
    };
    let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
    timerfd_settime(&timer, flags, &never)?;
    // SAFETY: the timer is a descriptor that nothing else owns, and `AsyncFd` closes it when it is dropped.
    let timer = unsafe { AsyncFd::register_with_interest(timer, Interest::READABLE) };
    let timer = timer.map_err(|error| error.into_parts().1)?;
    let _ = timer.readable().await?;
    Ok(())
}

//! The clock that nobody can set.

use std::sync::OnceLock;

use rustix::time::{ClockId, clock_gettime};

use crate::os::BootTime;

/// `CLOCK_BOOTTIME` goes on while the machine sleeps, and setting the date does not move it.
#[must_use]
pub fn boot_time() -> Option<BootTime> {
    static BOOT: OnceLock<Option<u128>> = OnceLock::new();
    let now = clock_gettime(ClockId::Boottime);
    Some(BootTime {
        boot: *BOOT.get_or_init(boot_id),
        nanos: now
            .tv_sec
            .saturating_mul(1_000_000_000)
            .saturating_add(now.tv_nsec),
    })
}

/// The kernel's name for this start of the machine.
fn boot_id() -> Option<u128> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    u128::from_str_radix(&text.trim().replace('-', ""), 16).ok()
}

//! The clock that nobody can set.

use crate::os::BootTime;

/// The standard library has no clock that goes on while the machine sleeps.
#[must_use]
pub fn boot_time() -> Option<BootTime> {
    None
}

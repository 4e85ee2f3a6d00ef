//! Whether the wall clock may be believed when something is to be erased.
//!
//! A wall clock may be wrong by years: an empty battery, a cloned machine, a date typed in by hand. What is erased
//! because of it is gone for good. So nothing irreversible is decided by the wall clock alone. It is compared with the
//! clock that runs since the machine was started, with the time of the newest record, and with what was known when the
//! store was last open ([`state`]). When they disagree, erasing is suspended until the new time has been lived through
//! for a day, or a person has confirmed it.
//!
//! | file | what is in it |
//! |---|---|
//! | `clock` | the two clocks, passed in, so that tests can set them |
//! | `line` | a stretch of wall time that agrees with the running time |
//! | `state` | the decision: believed or suspended; pure |
//! | `dating` | when a record was really written, as far as is known |
//! | `file` | the state on the disk: `docs/format/clock.md` |
//! | `keeper` | the state in a running store: observed, saved, confirmed |
//! | `report` | the state of a data directory from outside, for `timberline doctor` |

mod clock;
mod dating;
mod file;
mod keeper;
mod line;
mod report;
mod state;

use timberline_model::Duration;

pub use clock::{BootTime, Clock};
pub use report::{clock_confirmation_waits, clock_trust, confirm_clock};
pub use state::{Suspension, TimeTrust};

pub(crate) use dating::RecordDates;
pub(crate) use keeper::TrustedClock;

/// One day.
const DAY: Duration = Duration::from_secs(86_400);

//! What logind says: sleep, locks, and whose session is on the screen.
//!
//! | module | what it does |
//! |---|---|
//! | `source` | the source [`Logind`] |
//! | `session` | which of logind's sessions is this one, and how it is |
//! | `inhibitor` | [`SleepDelay`](inhibitor::SleepDelay): the machine waits with its sleep until that is recorded |

mod inhibitor;
mod session;
mod source;

pub use source::Logind;

use super::bus_queue::Target;

const SERVICE: &str = "org.freedesktop.login1";
const MANAGER: Target<'static> = Target {
    service: SERVICE,
    path: "/org/freedesktop/login1",
    interface: "org.freedesktop.login1.Manager",
};
const SESSION: &str = "org.freedesktop.login1.Session";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

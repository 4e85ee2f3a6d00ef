//! What watches a desktop and reports what happens there.
//!
//! Every way to learn something is a [`Source`]: the windows of a Wayland compositor, the idle time of an X server, locks and
//! sleep from logind. A source connects, reports, and ends with the reason when it cannot go on. It decides nothing: which of
//! several sources is used, and what events come of the reports, is the business of `modules`.
//!
//! | module | what it does |
//! |---|---|
//! | `session` | where the desktop is: display, buses, kind of session |
//! | `source` | [`Source`], [`Reports`], and why a source ended |
//! | `report` | what sources report |
//! | `bus` | connections to message buses |
//! | `property` | a property of a system service |
//! | `mpris` | what is played, as players say on the session bus |
//! | [`wayland`] | sources of Wayland compositors |

#[cfg(target_os = "linux")]
pub(crate) mod bus;
#[cfg(target_os = "linux")]
pub(crate) mod mpris;
#[cfg(target_os = "linux")]
pub(crate) mod property;
mod report;
mod session;
mod source;
#[cfg(target_os = "linux")]
pub mod wayland;

pub use report::{Activity, IDLE_AFTER, Report, Sighting};
pub use session::{Session, SessionKind};
pub use source::{At, Lost, Reports, Source, Watching};

//! What watches a desktop and reports what happens there.
//!
//! Each way to get information is a [`Source`]: the windows of a Wayland compositor, the idle time of an X server, locks and
//! sleep from logind. A source connects, reports, and ends with the reason when it cannot go on. It decides nothing: which of
//! several sources is used, and which events the reports become, is decided in `modules`.
//!
//! | module | what it does |
//! |---|---|
//! | `session` | where the desktop is: display, buses, kind of session |
//! | `source` | [`Source`], [`Reports`], and why a source ended |
//! | `report` | what sources report |
//! | `counts` | [`Counts`]: how much keyboard and pointer were used |
//! | `bus` | connections to message buses |
//! | `bus_queue` | the same, with everything that arrives in one queue |
//! | [`alsa`] | which programs record from a sound card, where PipeWire does not run |
//! | [`cameras`] | which programs have a camera open |
//! | [`evdev`] | how much the devices in `/dev/input` are used |
//! | `changes` | which changes of the window in front are reported, and with which time |
//! | [`gnome`] | the sources of GNOME Shell, and our extension of it |
//! | `inputs` | reports of input, from counters that say how long there was none |
//! | [`kwin`] | the source of KWin, and our script in it |
//! | [`logind`] | the source of sleep, locks and switches of the user |
//! | [`mpris`] | what is played, as players say on the session bus |
//! | [`pipewire`] | which programs play and record sound |
//! | `property` | a property of a system service |
//! | [`sandbox`] | the Flatpak or Snap of a process |
//! | [`screensaver`] | the source of locks, as screen lockers report them |
//! | [`services`] | what system services say about the lid and the network |
//! | `told` | what scripts in a desktop report about the window in front |
//! | [`wayland`] | the sources of Wayland compositors |
//! | [`x11`] | the sources of an X server |

#[cfg(target_os = "linux")]
pub mod alsa;
#[cfg(target_os = "linux")]
pub(crate) mod bus;
#[cfg(target_os = "linux")]
mod bus_queue;
#[cfg(target_os = "linux")]
pub mod cameras;
#[cfg(target_os = "linux")]
mod changes;
mod counts;
#[cfg(target_os = "linux")]
pub mod evdev;
#[cfg(target_os = "linux")]
pub mod gnome;
#[cfg(target_os = "linux")]
mod inputs;
#[cfg(target_os = "linux")]
pub mod kwin;
#[cfg(target_os = "linux")]
pub mod logind;
#[cfg(target_os = "linux")]
pub mod mpris;
#[cfg(target_os = "linux")]
pub mod pipewire;
#[cfg(target_os = "linux")]
mod property;
mod report;
#[cfg(target_os = "linux")]
pub mod sandbox;
#[cfg(target_os = "linux")]
pub mod screensaver;
#[cfg(target_os = "linux")]
pub mod services;
mod session;
mod source;
#[cfg(target_os = "linux")]
mod told;
#[cfg(target_os = "linux")]
pub mod wayland;
#[cfg(target_os = "linux")]
pub mod x11;

pub use counts::Counts;
pub use report::{Activity, IDLE_AFTER, Report, Sighting};
pub use session::{Session, SessionKind};
pub use source::{At, Lost, Reports, Source, Watching};

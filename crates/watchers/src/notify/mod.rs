//! Notifications on the desktop: about silent watchers, how the time is spent, and what somebody did while away.
//!
//! | module | what it does |
//! |---|---|
//! | `service` | shows a notification (`org.freedesktop.Notifications`) |
//! | `ask` | asks what the person did while away |
//! | `silence` | a notification for each alarm of a watcher |
//! | `setting` | the setting `aw-notify`: after which times of which categories to notify the user |
//! | `alerts` | which of them are due |
//! | `server` | whether the server answers |
//! | `check` | checks how the time is spent, and shows notifications |

mod alerts;
mod ask;
mod check;
mod server;
mod service;
mod setting;
mod silence;
#[cfg(test)]
mod tests;

pub use ask::ask;
pub use check::alerts;
pub use silence::silence;

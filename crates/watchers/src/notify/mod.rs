//! Notifications on the desktop: about silent watchers, and about how the time is spent.
//!
//! | module | what it does |
//! |---|---|
//! | `service` | shows a notification (`org.freedesktop.Notifications`) |
//! | `silence` | a notification for each alarm of a watcher |
//! | `setting` | the setting `aw-notify`: after which times of which categories to notify the user |
//! | `alerts` | which of them are due |
//! | `check` | checks once a minute, and shows them |

mod alerts;
mod check;
mod service;
mod setting;
mod silence;
#[cfg(test)]
mod tests;

pub use check::{Calendar, alerts};
pub use silence::silence;

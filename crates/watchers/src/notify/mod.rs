//! Notifications on the desktop: that a watcher is silent, and how much time has gone where.
//!
//! | module | what it does |
//! |---|---|
//! | `service` | shows a notification (`org.freedesktop.Notifications`) |
//! | `silence` | a notification for each alarm of a watcher |
//! | `setting` | the setting `aw-notify`: for which times of which categories a person wants to be told |
//! | `alerts` | which of them are due |
//! | `check` | looks once a minute, and tells |

mod alerts;
mod check;
mod service;
mod setting;
mod silence;
#[cfg(test)]
mod tests;

pub use check::{Calendar, alerts};
pub use silence::silence;

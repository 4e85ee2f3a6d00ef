//! Computes events that say whether the user is at the keyboard. This code knows no desktop.
//!
//! [`Afk`] takes [`Fact`]s (input, lock, sleep, ...) with their times and computes the events of the bucket
//! `aw-watcher-afk_HOST`. [`Presence`] does the same for the bucket with the reasons. `docs/afk.md` has the rules with
//! examples; the tests compare both with plain models of these rules.

mod fact;
mod machine;
mod presence;

pub use fact::{Fact, Reason};
pub use machine::{Afk, AfkEvent, Status, TIMEOUT};
pub use presence::{Presence, PresenceEvent, State};

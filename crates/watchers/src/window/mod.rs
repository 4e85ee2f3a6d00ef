//! Computes events of the window in front. This code knows no desktop.
//!
//! [`Window`] takes changes of the window in front with their times and computes the events of the bucket
//! `aw-watcher-window_HOST`. [`Rules`] drop or replace what should not be recorded, before anything else sees it.
//! `docs/watchers.md` has the rules in words; the tests compare with a plain model of them.

mod machine;
mod private;
mod rules;

pub use machine::{Front, PATIENCE, SETTLE, Window, WindowEvent};
pub use private::PrivateWindows;
pub use rules::{Cause, Explanation, Rule, RuleError, Rules};

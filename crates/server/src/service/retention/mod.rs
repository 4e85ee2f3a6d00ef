//! Retention: purges events that are older than `[[retention]]` in the configuration allows for their bucket.
//!
//! | file | what it does |
//! |---|---|
//! | `rules` | which rule is for which bucket |
//! | `held` | rules that would erase most of a bucket at once wait for a confirmation |
//! | `task` | the thread that applies the rules |
//! | `status` | what is held, for the status page and `/metrics` |
//!
//! Nothing is erased while the clock is not trusted.

mod held;
mod rules;
mod status;
mod task;

pub use self::held::{HeldRule, Holds, confirm, is_waiting};
pub(crate) use self::rules::strictest;
pub(crate) use self::status::Status;
pub(crate) use self::task::RetentionTask;

//! Writes, one file a kind: each is decided, appended to the log, folded in and published.

pub(crate) mod events;
pub(crate) mod known_events;
mod put;
pub(crate) mod redact;
mod undo;

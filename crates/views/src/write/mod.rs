//! Writes, one file a kind. Each is decided in a turn of the sequencer, appended to the log, folded and published.

pub(crate) mod edit;
pub(crate) mod events;
pub(crate) mod heartbeats;
pub(crate) mod known_events;
pub(crate) mod listing;
pub(crate) mod merge;
pub(crate) mod purge;
mod put;
pub(crate) mod redact;
mod undo;

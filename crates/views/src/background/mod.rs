//! The background threads: flush, merge, write checkpoints, heal, erase and squash.

pub(crate) mod compaction_policy;
pub(crate) mod compactor;
pub(crate) mod erase;
pub(crate) mod heal;
pub(crate) mod history;
mod pace;

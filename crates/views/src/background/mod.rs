//! What threads do beside the writes: flush and merge, write checkpoints, keep history short.

pub(crate) mod compactor;
pub(crate) mod maintenance;

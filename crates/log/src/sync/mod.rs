//! What the appender and the sync thread share, and making records durable.

pub(crate) mod active;
pub(crate) mod placement;
pub(crate) mod syncer;

//! What the appender and the sync thread share, and how records become durable.

pub(crate) mod active;
pub(crate) mod durability;
pub(crate) mod placement;
pub(crate) mod shared;
pub(crate) mod syncer;

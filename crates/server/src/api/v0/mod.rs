//! The API of the ActivityWatch servers.

pub(crate) mod buckets;
pub(crate) mod events;
pub(crate) mod export;
pub(crate) mod heartbeat;
pub(crate) mod import;
pub(crate) mod info;
pub(crate) mod log;
pub(crate) mod query;
pub(crate) mod schema;
pub(crate) mod settings;

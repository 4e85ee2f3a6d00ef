//! What no reference server has.

pub(crate) mod event_change;
pub(crate) mod export;
pub(crate) mod history;
pub(crate) mod import;
pub(crate) mod privacy;
pub(crate) mod purge;
pub(crate) mod records;
pub(crate) mod schema;
pub(crate) mod status;
pub(crate) mod stream;
pub(crate) mod timeline;

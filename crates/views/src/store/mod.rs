//! The store: the facade that clients of this crate hold, and what it consists of.

mod handle;
mod options;
mod past;

pub(crate) use handle::Shared;
pub use handle::Store;
pub use options::{HeartbeatDurability, StoreOptions};

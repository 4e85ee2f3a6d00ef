//! The fold: (state, record) -> state. Live writes, starts, rebuilds and reads of the past use the same one.

mod bucket;
pub(crate) mod flush;
mod replica;
mod state;

pub(crate) use bucket::{BucketState, FLUSH_ROWS};
pub use replica::{Replica, ReplicaError};
pub use state::FoldError;
pub(crate) use state::State;

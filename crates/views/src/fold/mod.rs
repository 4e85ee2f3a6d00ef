//! The fold: (state, record) -> state. Live writes, starts, rebuilds and reads of the past use the same one.
//!
//! | file | what it does |
//! |---|---|
//! | `state` | the state of everything, and how a record changes it |
//! | `bucket` | the state of one bucket, and how a record changes it |
//! | `batches` | requests that must not be carried out a second time |
//! | `flush` | writes a head to a view segment |
//! | `replica` | a separate fold, for tools |
//! | `error` | why a record does not fit |

mod batches;
mod bucket;
mod error;
pub(crate) mod flush;
mod replica;
mod state;

pub(crate) use batches::{BatchList, Entry as Batch};
pub(crate) use bucket::{BucketState, FLUSH_ROWS};
pub use error::FoldError;
pub use replica::{Replica, ReplicaError};
pub(crate) use state::State;

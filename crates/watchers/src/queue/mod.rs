//! The queue of heartbeats that are to be sent: many watchers, one queue, in the order of each bucket.
//!
//! Its state is the fold of the records of a log (`crates/log`): what was held back for merging, what waits to be sent, what
//! is being sent. A change is a batch of records that is appended first and applied then, so `kill -9` loses nothing that
//! was stored, and opening the queue again comes to the same state.
//!
//! | module | what it does |
//! |---|---|
//! | `heartbeat` | a bucket and a heartbeat, as they wait |
//! | `record` | the records and their bytes |
//! | `state` | the fold |
//! | `store` | the log, in one of two directories; writes the state to the other one when the log has grown |
//! | `refused` | the file with what servers refuse |
//! | `intake` | [`Queue`]: takes heartbeats and merges them |
//! | `outgoing` | what is to be sent, and the results |
//! | `upkeep` | writing to the log, also when the disk is full; what has to be done from time to time |

mod error;
mod heartbeat;
mod intake;
mod outgoing;
mod record;
mod refused;
mod state;
mod store;
mod upkeep;

pub use error::{QueueError, Stored};
pub use heartbeat::Bucket;
pub(crate) use heartbeat::Waiting;
pub(crate) use intake::{Queue, QueueOptions};

pub(crate) use record::Attempt;
pub(crate) use refused::Refusal;
pub(crate) use store::Place;

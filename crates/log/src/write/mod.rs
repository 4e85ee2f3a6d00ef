//! Writing: the one writer of a log.
//!
//! | file | what it does |
//! |---|---|
//! | `opening` | opens a log for writing: lock, look, repair, begin |
//! | `log` | [`Log`](log::Log): appends batches, reports what is durable, closes |
//! | `batch` | the bytes of a batch, written so that no reader sees a part of it |
//! | `roll` | makes room: lengthens the active segment, or begins the next one |

pub(crate) mod batch;
pub(crate) mod log;
pub(crate) mod opening;
pub(crate) mod roll;

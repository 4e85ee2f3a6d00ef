//! Reads everything once in a while, to find what has gone bad before it is needed: every record of the log, every view
//! segment, the checkpoint and its copy, and the small files beside them.
//!
//! It reads slowly, so that nobody notices. How far it has come is in the file `scrub.json` of the data directory, and so is
//! what it has found, for `timberline doctor`. After a restart it goes on where it was.
//!
//! | file | what it does |
//! |---|---|
//! | `task` | the thread that reads |
//! | `progress` | `scrub.json` |
//! | `status` | how it is doing, for `/metrics` |

mod progress;
mod status;
mod task;

pub use self::progress::Progress;
pub(crate) use self::status::Status;
pub(crate) use self::task::ScrubTask;

//! Reads everything from time to time, to find damage before the data are needed: every record of the log, every view
//! segment, the checkpoint and its copy, and the small files.
//!
//! It reads slowly, so that it does not disturb. Its progress and its findings are in the file `scrub.json` of the data
//! directory, also for `timberline doctor`. After a restart it continues where it was.
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

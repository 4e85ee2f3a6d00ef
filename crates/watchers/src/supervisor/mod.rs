//! Runs watchers, and keeps them running: modules of this process, and programs of others.
//!
//! | module | what it does |
//! |---|---|
//! | `start` | [`Supervisor`]: starts all of it on a thread, and ends it |
//! | `handle` | [`Handle`]: looks at watchers, switches them on and off, pauses them |
//! | `status` | [`WatcherStatus`]: the status of a watcher |
//! | `board` | what all parts share |
//! | `choices`, `choices_file` | what the person has chosen, and its file |
//! | `keeper` | keeps one watcher in the wanted state, and restarts it |
//! | `thread` | the thread of the modules |
//! | `program`, `programs` | finds, starts and ends programs of others; which of them are on |
//! | `locks`, `rival` | the locks of the reference's watchers; standing back while one of them records the same thing |
//! | `pauses` | pauses as events |
//! | `queue_alarm` | the alarm about what is recorded and not stored |
//! | `silence` | the alarm about a watcher that records nothing |
//!
//! Two threads of their own have all of this: one for the supervisor, which is also the parent of the programs, and one for the
//! modules. So neither a module that panics nor one that hangs touches the server.

mod board;
mod choices;
mod choices_file;
mod handle;
mod keeper;
mod locks;
mod pauses;
mod program;
mod programs;
mod queue_alarm;
mod rival;
mod silence;
mod start;
mod status;
#[cfg(test)]
pub(crate) mod tests;
mod thread;

pub use choices::Pause;
pub use handle::{CommandError, Handle, Which};
pub use program::{Autostart, Places, Program, Target};
pub use start::{Beside, Supervisor, SupervisorOptions};
pub use status::{Condition, Exit, Kind, WatcherStatus};

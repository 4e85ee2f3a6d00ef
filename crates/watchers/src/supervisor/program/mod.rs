//! Watchers of others: programs called `aw-*`.
//!
//! | module | what it does |
//! |---|---|
//! | `discover` | finds them |
//! | `autostart` | which of them aw-qt and aw-tauri start |
//! | `running` | whether one runs already |
//! | `arguments` | tells them where the server is, in the flags that they have |
//! | `help` | what they print for `--help` |
//! | `process` | starts one, waits for its end, and ends it with all that it has started |
//! | `output` | reads what they print into logs of limited size |

mod arguments;
mod autostart;
mod discover;
mod help;
mod output;
mod process;
mod running;

pub use arguments::Target;
pub(super) use arguments::arguments;
pub use autostart::Autostart;
pub(super) use discover::is_watcher;
pub use discover::{Places, Program};
pub(super) use help::Helps;
pub(super) use output::Log;
pub(super) use process::Process;
pub(super) use running::process_of;

//! What somebody did while nobody was at the machine: absences, and the answers that explain them.
//!
//! | module | what it does |
//! |---|---|
//! | `absence` | [`absences`]: the absences in AFK events |
//! | `answer` | [`answers_bucket`], [`answer()`]: the events of aw-watcher-ask-away |
//! | `options` | [`AwayOptions`]: which absences are asked about |
//! | `unexplained` | [`Absences`]: the newest absence of today that nobody has explained |

mod absence;
mod answer;
mod options;
#[cfg(target_os = "linux")]
mod unexplained;

pub use absence::{Absence, absences};
pub use answer::{answer, answers_bucket};
pub use options::AwayOptions;
#[cfg(target_os = "linux")]
pub use unexplained::Absences;

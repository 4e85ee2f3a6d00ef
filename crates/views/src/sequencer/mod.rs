//! The sequencer: the one place where writes get their order.
//!
//! A write takes its [`Turn`], decides, and commits: append to the log, fold into the state, publish a snapshot. The lock
//! is held for about a microsecond (docs/decisions/001-a-lock-not-a-queue.md). Whatever needs a disk, a regex or
//! compression is prepared before the turn, and checked in it.

mod commit;
// What tests do to a write; in the product nothing.
#[cfg(not(feature = "sim"))]
mod hooks;
#[cfg(feature = "sim")]
#[path = "hooks_sim.rs"]
mod hooks;
mod prepared;
mod publications;
mod turn;

pub(crate) use hooks::Hooks;
pub(crate) use prepared::Prepared;
pub(crate) use turn::{MAX_ROUNDS, Sequencer, Turn};

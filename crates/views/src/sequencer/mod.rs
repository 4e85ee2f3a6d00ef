//! The sequencer: the one place where writes get their order.
//!
//! A write takes its [`Turn`], decides, and commits: append to the log, fold into the state, publish a snapshot. The lock
//! is held for about a microsecond (docs/decisions/001-a-lock-not-a-queue.md). Whatever needs a disk, a regex or
//! compression is prepared before the turn, and checked in it.

mod commit;
mod prepared;
#[cfg(feature = "sim")]
mod sim_hooks;
mod turn;

pub(crate) use prepared::Prepared;
#[cfg(feature = "sim")]
pub(crate) use sim_hooks::SimHooks;
pub(crate) use turn::{MAX_ROUNDS, Sequencer, Turn};

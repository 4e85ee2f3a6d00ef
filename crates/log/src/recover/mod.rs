//! What opening a log does with what a crash has left.

mod carry_out;
pub(crate) mod chain;
pub(crate) mod recovery;
mod survey;

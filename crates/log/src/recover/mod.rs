//! What opening a log does with what a crash has left.

pub(crate) mod chain;
pub(crate) mod recovery;
mod survey;

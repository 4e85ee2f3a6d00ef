//! The integration tests of the log: one binary, so that it is linked once.

#![allow(
    clippy::expect_used,
    reason = "what a test needs and does not get is its failure"
)]

mod copy;
mod crash;
mod damage;
mod encrypted;
mod files;
mod format;
mod harness;
mod placement;
mod rewrite;

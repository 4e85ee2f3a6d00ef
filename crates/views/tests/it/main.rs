//! The integration tests of the views: one binary, so that it is linked once.

#![allow(
    clippy::expect_used,
    reason = "what a test needs and does not get is its failure"
)]

mod bounds;
mod buckets;
mod clock;
mod crash;
mod damaged_views;
mod edit_crashes;
mod edits;
mod encrypted;
mod erase;
mod heads;
mod history;
mod hostile;
mod interleaved;
mod model;
mod pages;
mod plain;
mod readers;
mod repair;
mod salvage;
mod undo;

//! The integration tests of the query engine: one binary, so that it is linked once.

#![allow(
    clippy::expect_used,
    reason = "what a test needs and does not get is its failure"
)]

mod activity;
mod aw_core;
mod categories;
mod category_questions;
mod changes;
mod documentation;
mod harness;
mod limits;
mod mistakes;
mod parser;
mod random;
mod reference;
mod search;
mod timeline;
mod transforms;
mod warnings;

//! What the tests of several crates share: waiting for something, Python programs to compare with, and a message bus.
//!
//! Nothing in here uses Timberline's own crates: what proves a program must not share its mistakes.

#![allow(clippy::expect_used, reason = "a test that cannot set itself up has failed")]

mod bus;
mod python;
mod wait;

pub use bus::PrivateBus;
pub use python::{python_with, run};
pub use wait::{PATIENCE, let_work, poll};

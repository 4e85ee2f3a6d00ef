//! The tests of reading and writing the files of other programs: one binary, so that it is linked once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test needs and does not get is its failure"
)]

#[cfg(feature = "sqlite")]
mod databases;
#[cfg(feature = "sqlite")]
mod detect;
mod harness;
#[cfg(all(feature = "sqlite", feature = "parquet"))]
mod real_programs;
#[cfg(feature = "sqlite")]
mod round_trip;
mod text_files;

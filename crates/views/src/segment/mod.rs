//! View segments: immutable, indexed, memory-mapped files of one bucket's events.
//!
//! The format is specified to the byte in `docs/format/views.md`. [`build()`] writes it, [`ViewSegment`] reads it;
//! [`pack`] and [`dictionary`] are the two encodings inside.

// All of it comes from the disk.
#![deny(clippy::indexing_slicing)]

mod block;
mod build;
mod dictionary;
mod format;
mod pack;
mod part;
mod read;
mod reconstruct;
mod slots;
#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests;
mod totals;

pub(crate) use block::Block;
pub(crate) use build::{Source, build};
pub(crate) use dictionary::Dictionary as SegmentDictionary;
pub use format::SegmentError;
pub(crate) use read::{Heal, Healed, ViewSegment};
pub(crate) use reconstruct::Reconstruction;
pub(crate) use slots::Match;
pub use slots::Slots;
pub use totals::{ObjectTotals, Totals};

// Offsets in files are u64, and are used as usize where they were checked against a length.
const _: () = assert!(usize::BITS == 64, "offsets in view segments do not fit");

/// Rows in a block: the unit of decoding, of checksums and of the sparse index.
pub(crate) const BLOCK_ROWS: usize = 1024;

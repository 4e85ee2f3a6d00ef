//! View segments: immutable, indexed, memory-mapped files of one bucket's events.
//!
//! The format is specified to the byte in `docs/format/views.md`. [`build()`] writes it, [`ViewSegment`] reads it;
//! [`pack`] and [`dictionary`] are the two encodings inside.

mod block;
mod build;
mod dictionary;
mod format;
mod pack;
mod part;
mod read;
mod reconstruct;
#[cfg(test)]
mod tests;

pub(crate) use block::Block;
pub(crate) use build::{Source, build};
pub(crate) use dictionary::Dictionary as SegmentDictionary;
pub use format::SegmentError;
pub(crate) use read::{Heal, Healed, ViewSegment};
pub(crate) use reconstruct::Reconstruction;

/// Rows in a block: the unit of decoding, of checksums and of the sparse index.
pub(crate) const BLOCK_ROWS: usize = 1024;

//! What the fuzz targets share: choices made from the fuzzer's bytes, a meter for memory, and the checksums of
//! Timberline's files, written down once more from `docs/format/` so that a target can make files that are wrong in
//! what they say and right in their checksums. Random bytes never get past a checksum.

pub mod fixture;
pub mod log_file;
pub mod meter;
pub mod pieces;
pub mod records;
pub mod script;
pub mod view_file;

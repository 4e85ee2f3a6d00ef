//! The bytes on disk as pure functions: frames, and the header and footer of a segment.

pub(crate) mod checksum;
pub(crate) mod frame;
pub(crate) mod frame_writer;
pub(crate) mod segment;

// Tests can plant a bug in the checksums.
#[cfg(feature = "sim")]
use crate::fault as checksums;
#[cfg(not(feature = "sim"))]
use checksum as checksums;

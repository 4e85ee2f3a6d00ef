//! The bytes on disk as pure functions: frames, and the header and footer of a segment.

pub(crate) mod frame;
pub(crate) mod segment;

//! Reading: one segment ([`probe`], [`walk`]) and the whole log ([`reader`], [`records`]).
//!
//! | file | what it does |
//! |---|---|
//! | `source` | bytes that are read by offset |
//! | `window` | a segment file as a source |
//! | `open_files` | how many segments are kept open |
//! | `walk` | goes from frame to frame; finds the next frame after damage |
//! | `scan` | the same over bytes in memory |
//! | `probe` | a segment with its header and footer, opened for reading |
//! | `segment_info` | what header and footer say |
//! | `records` | records across segments; where the log ends |
//! | `damage` | the reports of damage |
//! | `reader` | [`LogReader`](reader::LogReader), the public entrance |

pub(crate) mod damage;
pub(crate) mod open_files;
pub(crate) mod probe;
pub(crate) mod reader;
pub(crate) mod records;
pub(crate) mod scan;
pub(crate) mod segment_info;
pub(crate) mod source;
pub(crate) mod walk;
pub(crate) mod window;

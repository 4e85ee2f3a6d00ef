//! Open files: as many as the segments of a log need.

use timberline_disk::allow_open_files;

use crate::{LogError, LogReader};

/// Descriptors that are left for everything except the segments of a log.
const RESERVED: u64 = 512;

/// Raises the limit so that all segments of a log can be open at once, as far as the system allows. A reader that reads a
/// log twice and compares must see the same files both times, even if they are replaced meanwhile.
///
/// # Errors
/// When the segments cannot be listed.
pub fn allow_segments(log: &LogReader) -> Result<(), LogError> {
    allow_open_files((log.segments()?.len() as u64).saturating_add(RESERVED));
    Ok(())
}

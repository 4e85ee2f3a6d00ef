//! Planted bugs (feature `sim` only): a test harness that finds nothing is only worth something if it is known to
//! find what is there.

/// A bug that can be switched on to show that the crash harness catches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlantedBug {
    /// Records are reported durable before they are synced.
    AckBeforeSync,
    /// The checksum covers neither a frame's length nor the bytes that the length spans.
    NoLengthChecksum,
    /// Reserved for the rooms above: a state is published before its record is in the log. The log itself does not
    /// act on it; it only carries the switch.
    PublishBeforeAppend,
}

//! The two checksums of a frame: one of its header alone, one of the whole frame.

use crc32fast::Hasher;

use super::frame::FRAME_HEADER;

/// CRC-32 of the header with its `crc` field taken as zero, then of the payload.
pub(crate) fn frame_crc(header: &[u8; FRAME_HEADER], payload: &[u8]) -> u32 {
    let mut covered = *header;
    covered[4..8].fill(0);
    let mut hasher = Hasher::new();
    hasher.update(&covered);
    hasher.update(payload);
    hasher.finalize()
}

/// A 16-bit check of the header alone.
///
/// A search for the next frame uses it to dismiss a place without reading the payload that the header claims. It also
/// distinguishes a damaged payload, whose length can be trusted, from a damaged header.
pub(crate) fn header_check(header: &[u8; FRAME_HEADER]) -> u16 {
    let mut covered = *header;
    covered[4..8].fill(0);
    covered[30..32].fill(0);
    let crc = crc32fast::hash(&covered);
    (crc ^ (crc >> 16)) as u16
}

//! A bug that tests plant in the log (feature `sim` only). A harness that finds nothing proves something only if it is
//! known to find what is there.
//!
//! The format takes its checksums from here instead of from `format::checksum` when the feature is on: that is the only
//! place where product code and this module meet.

use std::cell::Cell;

use crc32fast::Hasher;

use crate::format::checksum;
use crate::format::frame::FRAME_HEADER;

thread_local! {
    static LENGTH_IS_UNCHECKED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `test` with checksums that cover neither a frame's length nor the bytes that the length spans. Only frames
/// that this thread writes and reads are concerned.
pub fn with_unchecked_length<T>(test: impl FnOnce() -> T) -> T {
    struct Restore;
    impl Drop for Restore {
        fn drop(&mut self) {
            LENGTH_IS_UNCHECKED.set(false);
        }
    }
    LENGTH_IS_UNCHECKED.set(true);
    let _restore = Restore;
    test()
}

pub(crate) fn frame_crc(header: &[u8; FRAME_HEADER], payload: &[u8]) -> u32 {
    if !LENGTH_IS_UNCHECKED.get() {
        return checksum::frame_crc(header, payload);
    }
    let mut hasher = Hasher::new();
    hasher.update(&header[8..]);
    hasher.finalize()
}

pub(crate) fn header_check(header: &[u8; FRAME_HEADER]) -> u16 {
    if !LENGTH_IS_UNCHECKED.get() {
        return checksum::header_check(header);
    }
    let mut covered = *header;
    covered[0..4].fill(0);
    checksum::header_check(&covered)
}

//! A copied segment, and whether its frames are whole.

use std::sync::Arc;

use timberline_disk::Storage;

use crate::Seq;
use crate::error::LogError;
use crate::format::frame::{Decoded, FRAME_HEADER, decode};
use crate::format::segment::SEGMENT_HEADER;
use crate::read::probe::Probe;
use crate::read::reader::LogReader;
use crate::read::source::Source;
use crate::read::window::Window;

/// Bytes read at a time.
pub(super) const CHUNK: usize = 256 << 10;

/// What was done about a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyAction {
    /// It was there already.
    Kept,
    /// What it had more than the copy was added.
    Extended,
    /// It was copied, or replaces an older generation.
    Copied,
}

/// A segment and its copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopiedSegment {
    /// The first sequence number, which names the file.
    pub first: Seq,
    /// The last one; one less than the first if there is none.
    pub last: Seq,
    /// How often it was rewritten.
    pub generation: u32,
    /// Whether nothing will ever be added to it.
    pub sealed: bool,
    /// The end of its last frame.
    pub used: u64,
    /// CRC-32 of all frames: of the bytes from 4096 to `used`.
    pub crc: u32,
    /// What was done.
    pub action: CopyAction,
    /// Bytes written.
    pub written: u64,
}

/// What [`check_frames`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckedFrames {
    /// CRC-32 of the bytes from 4096 to where the frames were said to end.
    pub crc: u32,
    /// Where in the file the first bytes lie that are no frame.
    pub flaw: Option<u64>,
}

/// Reads the frames of a segment, of whatever kind, up to the place where they are said to end.
///
/// # Errors
/// [`LogError`] if the file cannot be opened. What cannot be read in it is a flaw.
pub fn check_frames(storage: &Arc<dyn Storage>, first: Seq, used: u64) -> Result<CheckedFrames, LogError> {
    Ok(check_to(&mut Probe::open(storage, first)?.window, used))
}

pub(super) fn check_to(window: &mut Window, used: u64) -> CheckedFrames {
    let mut crc = crc32fast::Hasher::new();
    let (mut at, mut flaw) = (SEGMENT_HEADER as u64, None);
    while at < used {
        let whole = match flaw {
            None => frame_at(window, at),
            Some(_) => None,
        };
        if whole.is_none() {
            flaw = flaw.or(Some(at));
        }
        let piece = window.at(at, whole.unwrap_or(CHUNK.min(size(used - at))));
        if piece.is_empty() {
            break;
        }
        crc.update(piece);
        at += piece.len() as u64;
    }
    CheckedFrames {
        crc: crc.finalize(),
        flaw: flaw.or((at != used).then_some(at)),
    }
}

impl LogReader {
    /// [`check_frames`] of a segment of this log.
    ///
    /// # Errors
    /// As [`check_frames`].
    pub fn check_frames(&self, first: Seq, used: u64) -> Result<CheckedFrames, LogError> {
        check_frames(self.storage(), first, used)
    }
}

/// The size of the frame at a place, if there is one.
fn frame_at(window: &mut Window, at: u64) -> Option<usize> {
    let mut want = FRAME_HEADER;
    loop {
        let bytes = window.at(at, want);
        match decode(bytes) {
            Decoded::Frame(frame) => return Some(frame.size()),
            Decoded::Needs(more) if bytes.len() == want && more > want => want = more,
            _ => return None,
        }
    }
}

pub(super) fn size(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

//! A batch: its size, and how it is written to the active segment.

use timberline_disk::WriteRegion;

use crate::Seq;
use crate::format::frame::FrameHead;
use crate::format::frame_writer::FrameWriter;
use crate::sync::active::SegmentTail;

/// A record to append.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Its kind; opaque to the log.
    pub kind: u8,
    /// Its bytes; may be empty.
    pub payload: &'a [u8],
}

/// The bytes of a batch in the log.
pub(super) fn batch_size(entries: &[Entry<'_>], frames: &FrameWriter) -> u64 {
    entries.iter().fold(0u64, |sum, entry| {
        sum.saturating_add(frames.size(entry.payload.len()) as u64)
    })
}

/// What all records of a batch share.
pub(super) struct Writing<'a> {
    pub(super) region: &'a dyn WriteRegion,
    pub(super) time: i64,
    pub(super) durable: Seq,
}

/// Writes a batch that is known to fit. The length of its first frame is published last: until then every reader
/// finds the end of the log there, so nobody ever sees a part of a frame or of a batch.
pub(super) fn write_batch(
    writing: &Writing<'_>,
    tail: SegmentTail,
    entries: &[Entry<'_>],
    frames: &mut FrameWriter,
) -> SegmentTail {
    let region = writing.region;
    let start = usize::try_from(tail.offset).unwrap_or(usize::MAX);
    let (mut offset, mut seq) = (start, tail.last);
    let mut first_word = 0;
    for (index, entry) in entries.iter().enumerate() {
        seq = seq.next();
        let lag = u32::try_from(seq.0.saturating_sub(writing.durable.0)).unwrap_or(u32::MAX);
        let head = FrameHead {
            seq,
            time: writing.time,
            durable_lag: lag,
            kind: entry.kind,
            ends_batch: index + 1 == entries.len(),
            encrypted: frames.is_encrypting(),
        };
        let frame = frames.frame(head, entry.payload);
        if index == 0 {
            first_word = frame.write_unpublished(region, offset);
        } else {
            frame.write(region, offset);
        }
        offset += frame.size();
    }
    region.publish_u32(start, first_word);
    SegmentTail {
        offset: offset as u64,
        last: seq,
    }
}

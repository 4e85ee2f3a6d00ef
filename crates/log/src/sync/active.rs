//! A segment that is being written: what the appender and the sync thread both hold.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use timberline_disk::WriteRegion;

use crate::Seq;
use crate::format::segment::{BLOCK, FOOTER_OFFSET, Footer, SEGMENT_HEADER, segment_name};

/// A segment that is not sealed yet.
///
/// The appender moves the tail; the sync thread follows with the rest. No lock: the offset is stored before the
/// sequence number and loaded after it, so a thread that sees a sequence number sees an offset that covers it.
#[derive(Debug)]
pub(crate) struct ActiveSegment {
    pub(crate) first: Seq,
    pub(crate) region: Arc<dyn WriteRegion>,
    tail_offset: AtomicU64,
    tail_seq: AtomicU64,
    /// Up to where the bytes are durable. Only the sync thread writes it.
    pub(crate) synced_to: AtomicU64,
    /// Whether the header and the file's name are durable. Only the sync thread writes it.
    pub(crate) linked: AtomicBool,
    /// Records before this handle was made, less those lost to damage: for the count in the seal.
    pub(crate) lost_records: u64,
}

/// Where a segment ends for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentTail {
    pub(crate) offset: u64,
    pub(crate) last: Seq,
}

impl ActiveSegment {
    /// A segment of which nothing is known to be durable.
    pub(crate) fn new(
        first: Seq,
        region: Arc<dyn WriteRegion>,
        tail: SegmentTail,
        lost_records: u64,
    ) -> Self {
        Self {
            first,
            region,
            tail_offset: AtomicU64::new(tail.offset),
            tail_seq: AtomicU64::new(tail.last.0),
            synced_to: AtomicU64::new(0),
            linked: AtomicBool::new(false),
            lost_records,
        }
    }

    /// The same segment with another mapping of its file. What the sync thread is doing at this moment to the old
    /// one may be done once more to this one; both are the same pages.
    pub(crate) fn remapped(&self, region: Arc<dyn WriteRegion>) -> Self {
        Self {
            synced_to: AtomicU64::new(self.synced_to.load(Ordering::Relaxed)),
            linked: AtomicBool::new(self.linked.load(Ordering::Relaxed)),
            ..Self::new(self.first, region, self.tail(), self.lost_records)
        }
    }

    /// The same segment in another file, in which everything up to `tail` and the file's name are durable.
    pub(crate) fn durable_in(&self, region: Arc<dyn WriteRegion>, tail: SegmentTail) -> Self {
        Self {
            synced_to: AtomicU64::new(tail.offset),
            linked: AtomicBool::new(true),
            ..Self::new(self.first, region, tail, self.lost_records)
        }
    }

    pub(crate) fn name(&self) -> String {
        segment_name(self.first)
    }

    pub(crate) fn tail(&self) -> SegmentTail {
        let last = Seq(self.tail_seq.load(Ordering::Acquire));
        SegmentTail {
            offset: self.tail_offset.load(Ordering::Acquire),
            last,
        }
    }

    /// Writes down, durably, that all up to `tail` is whole and durable; which the caller has seen to.
    pub(crate) fn write_footer(&self, tail: SegmentTail, sealed: bool, time: i64) -> io::Result<()> {
        self.publish_footer(tail, sealed, time);
        self.region.sync(0..SEGMENT_HEADER)
    }

    /// The same, but the footer itself becomes durable whenever the system writes its page.
    pub(crate) fn publish_footer(&self, tail: SegmentTail, sealed: bool, time: i64) {
        let footer = Footer {
            sealed,
            used: tail.offset,
            last: tail.last,
            records: (tail.last.0 + 1).saturating_sub(self.first.0 + self.lost_records),
            time,
        };
        publish_footer(&*self.region, &footer.encode());
    }

    pub(crate) fn set_tail(&self, tail: SegmentTail) {
        self.tail_offset.store(tail.offset, Ordering::Release);
        self.tail_seq.store(tail.last.0, Ordering::Release);
    }
}

/// Puts a footer into a segment that others may be reading: withdrawn, changed, published. A reader in another process
/// never takes half a footer for a damaged one.
pub(crate) fn publish_footer(region: &dyn WriteRegion, block: &[u8; BLOCK]) {
    let Some((word, rest)) = block.split_first_chunk::<4>() else {
        return;
    };
    region.publish_u32(FOOTER_OFFSET, 0);
    region.write(FOOTER_OFFSET + word.len(), rest);
    region.publish_u32(FOOTER_OFFSET, u32::from_le_bytes(*word));
}

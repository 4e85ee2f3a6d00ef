//! A segment that is being written: what the appender and the sync thread both hold.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use timberline_disk::Region;

use crate::Seq;
use crate::segment::{MARK_OFFSET, Mark, SEGMENT_HEADER, segment_name};

/// A segment that is not sealed yet.
///
/// The appender moves the tail; the sync thread follows with the rest. No lock: the offset is stored before the
/// sequence number and loaded after it, so whoever sees a sequence number sees an offset that covers it.
#[derive(Debug)]
pub(crate) struct ActiveSegment {
    pub(crate) first: Seq,
    pub(crate) region: Arc<dyn Region>,
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
    pub(crate) fn new(first: Seq, region: Arc<dyn Region>, tail: SegmentTail, lost_records: u64) -> Self {
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
    pub(crate) fn remapped(&self, region: Arc<dyn Region>) -> Self {
        Self {
            synced_to: AtomicU64::new(self.synced_to.load(Ordering::Relaxed)),
            linked: AtomicBool::new(self.linked.load(Ordering::Relaxed)),
            ..Self::new(self.first, region, self.tail(), self.lost_records)
        }
    }

    /// The same segment in another file, in which everything up to `tail` and the file's name are durable.
    pub(crate) fn durable_in(&self, region: Arc<dyn Region>, tail: SegmentTail) -> Self {
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
    pub(crate) fn write_mark(&self, tail: SegmentTail, sealed: bool, time: i64) -> io::Result<()> {
        self.publish_mark(tail, sealed, time);
        self.region.sync(0..SEGMENT_HEADER)
    }

    /// The same, but the mark itself becomes durable whenever the system writes its page.
    pub(crate) fn publish_mark(&self, tail: SegmentTail, sealed: bool, time: i64) {
        let mark = Mark {
            sealed,
            used: tail.offset,
            last: tail.last,
            records: (tail.last.0 + 1).saturating_sub(self.first.0 + self.lost_records),
            time,
        };
        let block = mark.encode();
        let (word, rest) = block.split_at(4);
        // Withdrawn, changed, published: a reader in another process never takes half a mark for a damaged one.
        self.region.publish_u32(MARK_OFFSET, 0);
        self.region.write(MARK_OFFSET + 4, rest);
        self.region.publish_u32(
            MARK_OFFSET,
            word.iter().rev().fold(0, |sum, &byte| sum << 8 | u32::from(byte)),
        );
    }

    pub(crate) fn set_tail(&self, tail: SegmentTail) {
        self.tail_offset.store(tail.offset, Ordering::Release);
        self.tail_seq.store(tail.last.0, Ordering::Release);
    }
}

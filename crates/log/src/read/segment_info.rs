//! What the header and footer of a segment say.

use std::sync::Arc;

use timberline_disk::Storage;

use crate::error::LogError;
use crate::format::segment::segment_name;
use crate::read::probe::Probe;
use crate::{DeviceId, Seq};

/// One file of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Its name in the log's directory.
    pub file: String,
    /// The first sequence number in it.
    pub first: Seq,
    /// The last one, if it is sealed.
    pub last: Option<Seq>,
    /// The bytes used, if it is sealed.
    pub used: Option<u64>,
    /// The newest record that the segment itself says is durable: it was sealed or closed with it.
    pub durable: Option<Seq>,
    /// The device that wrote it; `None` if its header is damaged.
    pub device: Option<DeviceId>,
    /// When it was made (nanoseconds since 1970); `None` if its header is damaged.
    pub created: Option<i64>,
    /// When it was sealed, if it is; of a squashed one, when the newest record it stands for was written. Nanoseconds
    /// since 1970.
    pub sealed: Option<i64>,
    /// How often it was rewritten: two sealed segments of one log with the same first record and generation have the
    /// same bytes.
    pub generation: u32,
    /// Whether only the squashed state of its records is left.
    pub squashed: bool,
    /// Whether the payloads of its records are encrypted.
    pub encrypted: bool,
    /// When it was written from what was left of a damaged segment: nanoseconds since 1970; 0: never. Of two segments
    /// with the same first record that differ in this, neither replaces the other: what one has lost the other may have.
    pub salvaged: i64,
}

/// Reads the header and footer of a segment.
pub(crate) fn segment_info(storage: &Arc<dyn Storage>, first: Seq) -> Result<SegmentInfo, LogError> {
    let probe = Probe::open(storage, first)?;
    let seal = probe.footer().filter(|footer| footer.sealed);
    Ok(SegmentInfo {
        file: segment_name(first),
        first,
        last: probe.sealed_last(),
        used: seal.map(|footer| footer.used),
        durable: probe.footer().map(|footer| footer.last),
        device: probe.header.map(|header| header.device),
        created: probe.header.map(|header| header.created),
        sealed: seal.map(|footer| footer.time),
        generation: probe.header.map_or(0, |header| header.generation),
        squashed: probe.squashed().is_some(),
        encrypted: probe.header.is_some_and(|header| header.encrypted),
        salvaged: probe.header.map_or(0, |header| header.salvaged),
    })
}

//! Whether a copy and the log have the same history: whether each record of the copy is the log's record of that number.
//!
//! A log can lose its end: somebody removes its last segment file, or restores an earlier state of its directory. The log
//! then uses numbers a second time, and only the copy still has the records that were lost. They must not be replaced by
//! later records or mixed with them.
//!
//! A segment is identified by its device and the time when it was made. Rewriting keeps both and counts generations;
//! `log repair` adds the time of the repair. Whether one segment is the beginning of another is seen when their bytes are
//! copied.

use std::sync::Arc;

use timberline_disk::Storage;

use crate::Seq;
use crate::copy::check::{CopiedSegment, CopyAction, check_frames};
use crate::error::LogError;
use crate::format::segment::{SEGMENT_HEADER, segment_name};
use crate::read::probe::Probe;
use crate::read::reader::LogReader;
use crate::read::records::Records;
use crate::read::segment_info::SegmentInfo;

/// How a segment of a copy relates to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lineage {
    /// A version of the log's segment, or a beginning of one.
    Version,
    /// The log was repaired since, and may have lost what the copy has.
    Repaired,
    /// The log has lost this segment and goes on behind it.
    Lost,
    /// The log has none of these records, or others under their numbers.
    Other,
    /// There is no record in it.
    Empty,
}

/// What a segment of a copy is to a log with these segments, oldest first. From headers alone: `Version` promises no
/// more than that nothing speaks against it.
#[must_use]
pub fn lineage(log: &[SegmentInfo], copy: &SegmentInfo) -> Lineage {
    if copy.used.is_some_and(|used| used <= SEGMENT_HEADER as u64) {
        return Lineage::Empty;
    }
    let at = log.partition_point(|info| info.first < copy.first);
    match log.get(at) {
        Some(info) if info.first == copy.first => of_same_number(info, copy),
        next => {
            let before = at.checked_sub(1).and_then(|before| log.get(before));
            // Of the one before, the end is not known while it is written to; then none follows it in the log.
            let begins_behind = before.is_none_or(|before| before.last.is_some_and(|last| last < copy.first));
            let ends_before = next.is_some_and(|next| copy.last.is_some_and(|last| last < next.first));
            match begins_behind && ends_before {
                true => Lineage::Lost,
                false => Lineage::Other,
            }
        }
    }
}

fn of_same_number(info: &SegmentInfo, copy: &SegmentInfo) -> Lineage {
    let (Some(device), Some(created)) = (info.device, info.created) else {
        // The header in the log is damaged, and says nothing.
        return Lineage::Version;
    };
    if copy.created.is_none() {
        return Lineage::Version;
    }
    if info.salvaged != copy.salvaged {
        return Lineage::Repaired;
    }
    let longer = info
        .last
        .is_some_and(|last| copy.last.is_some_and(|copied| copied > last));
    let same = copy.device == Some(device) && copy.created == Some(created);
    match same && copy.generation <= info.generation && !longer {
        true => Lineage::Version,
        false => Lineage::Other,
    }
}

/// Refuses to replace what the log may have lost. Returns the segments that only the copy has.
pub(crate) fn expect_same_history(
    listed: &[SegmentInfo],
    target: &Arc<dyn Storage>,
) -> Result<Vec<Seq>, LogError> {
    let mut only_there = Vec::new();
    for copy in LogReader::open(Arc::clone(target))?.segments()? {
        let path = || target.path().join(segment_name(copy.first));
        match lineage(listed, &copy) {
            Lineage::Version => {}
            Lineage::Lost => only_there.push(copy.first),
            Lineage::Repaired => return Err(LogError::Repaired { path: path() }),
            Lineage::Other => return Err(LogError::OtherHistory { path: path() }),
            Lineage::Empty if listed.iter().any(|info| info.first == copy.first) => {}
            // It would end the copy before the records that come next.
            Lineage::Empty => {
                let name = segment_name(copy.first);
                target.remove(&name).map_err(LogError::io("remove", path()))?;
            }
        }
    }
    Ok(only_there)
}

/// A segment that only the copy has.
pub(crate) fn kept(
    target: &Arc<dyn Storage>,
    first: Seq,
    known_crc: &dyn Fn(&CopiedSegment) -> Option<u32>,
) -> Result<CopiedSegment, LogError> {
    let probe = Probe::open(target, first)?;
    let footer = probe.footer();
    let mut kept = CopiedSegment {
        first,
        last: probe.sealed_last().unwrap_or(first.prev()),
        generation: probe.header.map_or(0, |header| header.generation),
        sealed: true,
        used: footer.map_or(SEGMENT_HEADER as u64, |footer| footer.used),
        crc: 0,
        action: CopyAction::Kept,
        written: 0,
    };
    kept.crc = match known_crc(&kept) {
        Some(crc) => crc,
        None => check_frames(target, first, kept.used)?.crc,
    };
    Ok(kept)
}

/// Whether a segment of the log that was rewritten may take the place of its copy: rewriting keeps the number and the
/// time of every record. (Of a squashed one, only the squashed state is left: its header must do.)
///
/// # Errors
/// [`LogError`] if a file cannot be read.
pub fn is_rewritten_from(
    log: &Arc<dyn Storage>,
    copy: &Arc<dyn Storage>,
    first: Seq,
) -> Result<bool, LogError> {
    let is_squashed = |storage| Ok::<_, LogError>(Probe::open(storage, first)?.squashed().is_some());
    if is_squashed(log)? || is_squashed(copy)? {
        return Ok(true);
    }
    let reader = |storage: &Arc<dyn Storage>| LogReader::open(Arc::clone(storage))?.frames_from(first);
    let (mut news, mut olds) = (reader(log)?, reader(copy)?);
    while let Some((seq, time)) = next_time(&mut olds, first) {
        let found = std::iter::from_fn(|| next_time(&mut news, first)).find(|(new, _)| *new >= seq);
        match found {
            Some((new, is)) if new == seq && is == time => {}
            // Damage is for others to report.
            Some((new, _)) if new > seq => return Ok(true),
            None => return Ok(true),
            Some(_) => return Ok(false),
        }
    }
    Ok(true)
}

/// The number and time of the next whole frame in this segment, up to the first damage.
fn next_time(records: &mut Records, first: Seq) -> Option<(Seq, i64)> {
    match records.next_stored()? {
        Ok((segment, frame)) if segment == first => Some((frame.head.seq, frame.head.time)),
        Ok(_) | Err(_) => None,
    }
}

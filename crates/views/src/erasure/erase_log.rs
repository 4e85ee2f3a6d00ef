//! Erasing from the log.
//!
//! Each record that holds purged data is replaced by one that folds to the same without them; records keep their
//! sequence numbers. Segments are rewritten from the newest to the oldest. So, whenever it is interrupted, no record refers
//! to erased data, and repeating it completes it.

use crate::pace::Pace;

use rustc_hash::FxHashSet;
use timberline_log::{LogReader, Seq};
use timberline_model::{EventId, Timestamp};

use crate::erasure::targets::Targets;
use crate::error::HistoryError;
use crate::record::{BucketKey, Effect};

/// What was erased from a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogErasure {
    /// Segments that were rewritten.
    pub segments: u64,
    /// Records that were replaced.
    pub records: u64,
}

/// What was erased on request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PurgeReceipt {
    /// The newest record of the purge.
    pub seq: Seq,
    /// What was rewritten of the log.
    pub log: LogErasure,
    /// View segments that were rewritten or removed.
    pub view_segments: u64,
    /// When it was complete.
    pub completed: Timestamp,
}

/// Erases the targets from a log whose records up to the newest purge lie in sealed segments. `pace` is told how many
/// bytes were read or written; when it says no, the work is broken off, to be taken up later.
///
/// A target of which no readable record says anything must be in bytes that cannot be read. Then all damaged segments are
/// rewritten without those bytes.
///
/// # Errors
/// When a segment cannot be read or written.
pub(crate) fn erase(
    reader: &LogReader,
    targets: &Targets,
    pace: &mut dyn Pace,
) -> Result<LogErasure, HistoryError> {
    let mut done = LogErasure::default();
    if targets.is_empty() {
        return Ok(done);
    }
    let mut segments = reader.segments()?;
    segments.retain(|segment| segment.first <= targets.through);
    let mut unseen = targets.names();
    let mut found = Vec::with_capacity(segments.len());
    for segment in &segments {
        let last = segment
            .last
            .ok_or_else(|| HistoryError::Unsealed(segment.file.clone()))?;
        let contents = contents(reader, segment.first, last, targets, &mut unseen, pace)?;
        found.push((segment.first, contents));
    }
    for (first, contents) in found.iter().rev() {
        if contents.hit || contents.damaged && !unseen.is_empty() {
            done.segments += 1;
            done.records += rewrite(reader, *first, targets, pace)?;
        }
    }
    Ok(done)
}

/// What a segment holds, as far as an erasure is concerned.
#[derive(Clone, Copy, Debug, Default)]
struct Contents {
    /// A record that is to be replaced.
    hit: bool,
    /// Bytes that cannot be read.
    damaged: bool,
}

/// Looks through a segment. What its records say anything of is taken out of `unseen`.
fn contents(
    reader: &LogReader,
    first: Seq,
    last: Seq,
    targets: &Targets,
    unseen: &mut FxHashSet<(BucketKey, Option<EventId>)>,
    pace: &mut dyn Pace,
) -> Result<Contents, HistoryError> {
    let mut contents = Contents::default();
    let mut records = reader.read_from(first)?;
    while let Some(record) = records.next() {
        let record = match record {
            Ok(record) if record.seq > last => break,
            Ok(record) => record,
            Err(damage) => {
                let here = damage.lost.as_ref().is_none_or(|lost| *lost.start() <= last);
                contents.damaged |= here && damage.bytes > 0;
                continue;
            }
        };
        pace.spent(record.size())?;
        let Some((target, decoded)) = targets.concerns(&record)? else {
            continue;
        };
        contents.hit |= target.replacement(record.seq, &decoded).is_some();
        match decoded.effect() {
            Effect::CreateBucket(r) => drop(unseen.remove(&(r.bucket, None))),
            Effect::ChangeEvents(changes) if !unseen.is_empty() => {
                let erased = |id: &EventId| {
                    let action = target.events.get(id);
                    action.is_some_and(|action| record.seq <= action.through)
                };
                for id in changes.put.iter().flat_map(|put| put.ids()).filter(erased) {
                    unseen.remove(&(changes.bucket, Some(id)));
                }
            }
            _ => {}
        }
    }
    Ok(contents)
}

/// Whether a record of the segment is to be replaced. Damage is passed over: what cannot be read names nothing.
pub(crate) fn first_hit(
    reader: &LogReader,
    first: Seq,
    last: Seq,
    targets: &Targets,
    pace: &mut dyn Pace,
) -> Result<bool, HistoryError> {
    let mut records = reader.read_from(first)?;
    while let Some(record) = records.next() {
        let Ok(record) = record else { continue };
        if record.seq > last {
            break;
        }
        pace.spent(record.size())?;
        if targets.replaced(&record)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Damaged bytes are not taken over; that records are missing shows in the numbers of those around them.
fn rewrite(
    reader: &LogReader,
    first: Seq,
    targets: &Targets,
    pace: &mut dyn Pace,
) -> Result<u64, HistoryError> {
    let Some(rewrite) = reader.rewrite(first)? else {
        return Err(HistoryError::Unsealed(timberline_log::segment_name(first)));
    };
    carry_over(reader, rewrite, first, targets, pace)
}

/// The same for a segment that need not be sealed, in a copy that nobody appends to.
pub(crate) fn rewrite_ended(
    reader: &LogReader,
    first: Seq,
    last: Seq,
    targets: &Targets,
    pace: &mut dyn Pace,
) -> Result<u64, HistoryError> {
    let Some(rewrite) = reader.rewrite_ended(first, last)? else {
        return Err(HistoryError::Unsealed(timberline_log::segment_name(first)));
    };
    carry_over(reader, rewrite, first, targets, pace)
}

fn carry_over(
    reader: &LogReader,
    mut rewrite: timberline_log::Rewrite,
    first: Seq,
    targets: &Targets,
    pace: &mut dyn Pace,
) -> Result<u64, HistoryError> {
    let (mut replaced, mut payload) = (0, Vec::new());
    let mut records = reader.read_from(first)?;
    while let Some(record) = records.next() {
        let Ok(record) = record else { continue };
        if record.seq > rewrite.last() {
            break;
        }
        pace.spent(record.size())?;
        match targets.replaced(&record)? {
            None => rewrite.keep(&record),
            Some(other) => {
                payload.clear();
                other.encode(&mut payload)?;
                rewrite.replace(&record, other.kind().number(), &payload);
                replaced += 1;
            }
        }
    }
    rewrite.commit()?;
    Ok(replaced)
}

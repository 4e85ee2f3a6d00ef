//! Copies a log segment by segment. Another process may write the log meanwhile, or rewrite its sealed segments.
//!
//! A sealed segment is copied byte for byte, footer included. If the first 4096 bytes of a copy are those of the
//! original, nothing has to be compared or copied.
//!
//! An unsealed segment is copied up to the end of its last whole batch, and the copy is marked as sealed there. A later
//! copy extends it in place. Suppose that the power fails during that: bytes of the extension then stand behind the
//! footer. Readers ignore everything behind the footer of a sealed segment, so the copy is still whole. If the segment
//! were not marked as sealed, they would take these bytes for damage.
//!
//! Every frame is checked after it was copied.

pub(crate) mod check;
pub(crate) mod lineage;
pub(crate) mod salvage;
mod segment;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use timberline_cancel::Cancel;
use timberline_disk::Storage;

use crate::copy::check::{CopiedSegment, CopyAction};
use crate::copy::segment::{How, copy_segment};
use crate::error::{Damage, LogError};
use crate::format::segment::UNNAMED_SUFFIX;
use crate::read::probe::{Probe, list_segments};
use crate::read::reader::LogReader;
use crate::read::segment_info::SegmentInfo;
use crate::{DeviceId, Seq};

/// How often copying begins again because segments were rewritten meanwhile. Rewriting is rare, and what was copied
/// already is not copied again.
const PASSES: usize = 20;

/// A log that was copied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CopiedLog {
    /// Its segments, oldest first.
    pub segments: Vec<CopiedSegment>,
    /// The last record; the copy is the log as it was with this one.
    pub seq: Seq,
    /// The device that wrote the newest segment whose header holds.
    pub device: Option<DeviceId>,
    /// Damage in the segments that were copied now. They were copied as they are.
    pub damage: Vec<Damage>,
}

/// Brings the copy of a log in `target` up to the present: whole batches up to one record. Nothing is removed
/// from the copy: a log never removes a segment, so the log has lost a segment that only the copy has. Each segment of the
/// copy is whole at any moment, also when copying is interrupted.
///
/// The copy must be of the same history (see the module `lineage`). If it has a record that the log has not, or another
/// one under the same number, nothing is changed.
///
/// `known_crc` may give the CRC of a sealed segment that is in the copy already (first, generation, used), to save
/// reading it. `cancel` is checked every few hundred KiB; when cancelled, this ends with [`LogError::Stopped`].
///
/// # Errors
/// [`LogError`]; what was copied until then stays.
pub fn copy_log(
    source: &LogReader,
    target: &Arc<dyn Storage>,
    known_crc: &dyn Fn(&CopiedSegment) -> Option<u32>,
    cancel: &Cancel,
) -> Result<CopiedLog, LogError> {
    remove_unfinished(target)?;
    let only_there = lineage::expect_same_history(&source.segments()?, target)?;
    let how = How { known_crc, cancel };
    let mut done: BTreeMap<Seq, CopiedSegment> = BTreeMap::new();
    let mut damage: BTreeMap<Seq, Vec<Damage>> = BTreeMap::new();
    for _ in 0..PASSES {
        let listed = source.segments()?;
        let whole = pass(source, &listed, target, &how, &mut done, &mut damage)?;
        // Were segments rewritten meanwhile, the copy would be partly of before and partly of after that.
        let now = source.segments()?;
        if !whole || !listed.iter().all(|info| still_there(&now, info, &done)) {
            continue;
        }
        target.sync_dir().map_err(LogError::io("sync", target.path()))?;
        done.retain(|first, _| listed.iter().any(|info| info.first == *first));
        damage.retain(|first, _| done.contains_key(first));
        for first in &only_there {
            done.insert(*first, lineage::kept(target, *first, known_crc)?);
        }
        return Ok(CopiedLog {
            seq: done.values().next_back().map_or(Seq::NONE, |last| last.last),
            device: listed.iter().rev().find_map(|info| info.device),
            segments: done.into_values().collect(),
            damage: damage.into_values().flatten().collect(),
        });
    }
    Err(LogError::io("copy", source.path())(io::Error::other(
        "its segments keep being rewritten; try again",
    )))
}

/// Copies all that was not copied in an earlier pass. False if a file went while it was looked at.
fn pass(
    source: &LogReader,
    listed: &[SegmentInfo],
    target: &Arc<dyn Storage>,
    how: &How<'_>,
    done: &mut BTreeMap<Seq, CopiedSegment>,
    damage: &mut BTreeMap<Seq, Vec<Damage>>,
) -> Result<bool, LogError> {
    for index in copy_order(listed, target)? {
        let Some(info) = listed.get(index) else { continue };
        let next = listed.get(index + 1).map(|next| next.first);
        if done
            .get(&info.first)
            .is_some_and(|copied| copied.sealed && copied.generation == info.generation)
        {
            continue;
        }
        let (mut copied, found) = match copy_segment(source, info.first, next, target, how) {
            Err(LogError::Io(error)) if error.source.kind() == io::ErrorKind::NotFound => return Ok(false),
            outcome => outcome?,
        };
        if let Some(before) = done.get(&info.first) {
            // An earlier pass of this run counts too.
            copied.written += before.written;
            if copied.action == CopyAction::Kept {
                copied.action = before.action;
            }
        }
        done.insert(info.first, copied);
        damage.insert(info.first, found);
    }
    Ok(true)
}

/// Where to begin: segments that were rewritten replace their copies from the newest to the oldest, as they were
/// rewritten in the log. A record refers only to what came before it, so a reader of the copy meanwhile, or one that finds it
/// as an interruption has left it, sees no record that refers to something erased. What is new follows, oldest first.
fn copy_order(listed: &[SegmentInfo], target: &Arc<dyn Storage>) -> Result<Vec<usize>, LogError> {
    let copies = list_segments(target)?;
    let mut replaced = Vec::new();
    for (index, info) in listed.iter().enumerate() {
        if copies.binary_search(&info.first).is_ok() {
            let header = Probe::open(target, info.first)?.header;
            if header.is_some_and(|header| header.generation < info.generation) {
                replaced.push(index);
            }
        }
    }
    replaced.reverse();
    // Those come by a second time, and are then passed over.
    Ok(replaced.into_iter().chain(0..listed.len()).collect())
}

fn still_there(now: &[SegmentInfo], info: &SegmentInfo, done: &BTreeMap<Seq, CopiedSegment>) -> bool {
    now.iter().any(|now| {
        now.first == info.first
            && done
                .get(&now.first)
                .is_some_and(|copied| copied.generation == now.generation)
    })
}

/// What an interrupted copy has left.
fn remove_unfinished(target: &Arc<dyn Storage>) -> Result<(), LogError> {
    let names = target.list().map_err(LogError::io("list", target.path()))?;
    for name in names.iter().filter(|name| name.ends_with(UNNAMED_SUFFIX)) {
        target
            .remove(name)
            .map_err(LogError::io("remove", target.path().join(name)))?;
    }
    Ok(())
}

//! Carrying out the plan of a recovery: cuts off the torn tail, and maps the segments that are appended to.

use std::sync::Arc;

use timberline_disk::{Storage, WriteRegion};

use crate::Seq;
use crate::error::{Damage, LogError};
use crate::format::segment::{SEGMENT_HEADER, UNNAMED_SUFFIX, segment_name};
use crate::options::LogOptions;
use crate::read::source::{Source, nonzero_end};
use crate::recover::recovery::TornTail;
use crate::recover::survey::{Cut, Survey};
use crate::sync::active::ActiveSegment;

/// Removes segments that were being made and had no name yet.
pub(super) fn remove_leftovers(storage: &Arc<dyn Storage>) -> Result<(), LogError> {
    let names = storage.list().map_err(LogError::io("list", storage.path()))?;
    for name in names.iter().filter(|name| name.ends_with(UNNAMED_SUFFIX)) {
        storage
            .remove(name)
            .map_err(LogError::io("remove", storage.path().join(name)))?;
    }
    Ok(())
}

/// Writes into each kept segment's footer that it is durable, before a cut removes the frames whose durable marks say
/// so.
///
/// Something in the kept part is damaged. Without a footer that vouches for the records after that place, a reader might
/// stop there, the next recovery might cut there, and durable records would be gone.
pub(super) fn vouch(
    storage: &Arc<dyn Storage>,
    surveys: &mut [Survey],
    cut: Option<Cut>,
    durable: Seq,
    options: &LogOptions,
) -> Result<(), LogError> {
    storage.sync_dir().map_err(LogError::io("sync", storage.path()))?;
    let kept = cut.map_or(surveys.len(), |cut| cut.segment + usize::from(cut.offset > 0));
    for (index, survey) in surveys.iter_mut().take(kept).enumerate() {
        if let Some(cut) = cut.filter(|cut| cut.segment == index) {
            survey.end = cut.tail();
        }
        let segment = reopen(storage, survey, durable)?;
        let end = usize::try_from(survey.end.offset).unwrap_or(usize::MAX);
        segment
            .region
            .sync(0..end)
            .and_then(|()| segment.write_footer(survey.end, false, (options.clock)()))
            .map_err(LogError::io("sync", storage.path().join(segment.name())))?;
    }
    Ok(())
}

/// Cuts the log. All bytes from the cut on become zero, and all segments after it go, durably, before anything is
/// appended: a valid frame left over beyond the cut would otherwise come back to life when the new records reach it.
pub(super) fn cut_off(
    storage: &Arc<dyn Storage>,
    surveys: &mut Vec<Survey>,
    cut: Cut,
    damage: &[Damage],
) -> Result<TornTail, LogError> {
    let mut bytes = 0;
    let keep = if cut.offset == 0 {
        cut.segment
    } else {
        cut.segment + 1
    };
    let named = |survey: &Survey| segment_name(survey.probe.first);
    let path = surveys.get(cut.segment).map_or_else(
        || storage.path().to_path_buf(),
        |at| storage.path().join(named(at)),
    );
    // Newest first, so that a crash on the way leaves a log without holes.
    while surveys.len() > keep {
        let Some(mut survey) = surveys.pop() else { break };
        bytes += nonzero_end(&mut survey.probe.window, 0);
        let name = named(&survey);
        storage
            .remove(&name)
            .map_err(LogError::io("remove", storage.path().join(&name)))?;
    }
    if let Some(survey) = surveys.last_mut() {
        if cut.offset > 0 {
            survey.end = cut.tail();
        }
        // It was not the end of the log if segments after it went, but it is now: what nobody read behind its last record
        // goes too. What is left of records that were durable stays: nothing is appended behind them.
        if cut.offset > 0 || !ends_in_gap(survey, damage) {
            bytes += clear_from(storage, survey, survey.end.offset)?;
        }
    }
    storage.sync_dir().map_err(LogError::io("sync", storage.path()))?;
    Ok(TornTail {
        path,
        offset: cut.offset,
        bytes,
    })
}

/// Whether the last records of a segment are lost.
pub(super) fn ends_in_gap(survey: &Survey, damage: &[Damage]) -> bool {
    let last = survey.end.last;
    let is_lost = |damage: &Damage| damage.lost.as_ref().is_some_and(|lost| *lost.end() == last);
    // If it begins behind the gap, nothing is missing in it.
    last >= survey.probe.first && damage.iter().any(is_lost)
}

/// Overwrites everything after `offset` in a segment with zeros, durably. Gives back how many bytes were in use there.
fn clear_from(storage: &Arc<dyn Storage>, survey: &mut Survey, offset: u64) -> Result<u64, LogError> {
    let in_use = nonzero_end(&mut survey.probe.window, offset) - offset;
    let name = segment_name(survey.probe.first);
    let path = storage.path().join(&name);
    let region = storage
        .open_write_region(&name)
        .map_err(LogError::io("open", &path))?;
    let from = usize::try_from(offset).unwrap_or(usize::MAX);
    region
        .zero_from(from)
        .map_err(LogError::io("clear the torn end of", &path))?;
    // A file that was cut short may end before the place where the log does.
    if from < region.len() {
        region
            .sync(from..region.len())
            .map_err(LogError::io("sync", &path))?;
    }
    survey.probe.window.refresh();
    Ok(in_use)
}

/// Maps a surveyed segment for writing.
pub(super) fn reopen(
    storage: &Arc<dyn Storage>,
    survey: &Survey,
    durable: Seq,
) -> Result<Arc<ActiveSegment>, LogError> {
    let name = segment_name(survey.probe.first);
    let path = storage.path().join(&name);
    let len = storage
        .open_read(&name)
        .and_then(|file| file.len())
        .map_err(LogError::io("open", &path))?;
    if len < SEGMENT_HEADER as u64 {
        // Cut short by somebody else; without room for a header there is nothing to lose in it.
        storage
            .set_len(&name, SEGMENT_HEADER as u64)
            .map_err(LogError::io("lengthen", &path))?;
    }
    let region = storage
        .open_write_region(&name)
        .map_err(LogError::io("open", &path))?;
    rewrite_unmarked(&*region, survey, durable);
    Ok(Arc::new(ActiveSegment::new(
        survey.probe.first,
        region,
        survey.end,
        survey.lost_records,
    )))
}

/// Writes once more what is not known to be durable, so that the sync that follows really writes it.
///
/// After a failed sync Linux keeps the pages in memory as if they had been written. The process that restarts then
/// reads good records which are not on the disk, and syncing them does nothing, unless they have been written to.
fn rewrite_unmarked(region: &dyn WriteRegion, survey: &Survey, durable: Seq) {
    let from = if durable < survey.probe.first {
        0
    } else {
        let first = survey.unmarked.iter().find(|&&(seq, _)| seq > durable);
        first.map_or(survey.end.offset, |&(_, offset)| offset)
    };
    let end = usize::try_from(survey.end.offset)
        .unwrap_or(usize::MAX)
        .min(region.len());
    let mut at = usize::try_from(from).unwrap_or(usize::MAX).min(end);
    while at < end {
        let next = (at + SEGMENT_HEADER).min(end);
        let mut bytes = vec![0; next - at];
        region.read_at(at, &mut bytes);
        region.write(at, &bytes);
        at = next;
    }
}

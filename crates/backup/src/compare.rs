//! A backup against the log that it was made of.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::Path;

use timberline_disk::DataDir;
use timberline_log::{Lineage, SegmentInfo, Seq, lineage};

use crate::BackupError;

/// The segments of a backup that hold what was erased from the log since they were copied, oldest first. `None` if the
/// backup cannot be reached.
///
/// # Errors
/// When its files cannot be read.
pub fn segments_to_erase(
    live: &[SegmentInfo],
    backup: &Path,
) -> Result<Option<Vec<SegmentInfo>>, BackupError> {
    if !backup.join(DataDir::LOG).is_dir() {
        return Ok(None);
    }
    Ok(Some(compare(live, backup)?.outdated))
}

/// The segments of a backup that may have what the log does not have any more: first record, when it was made, and when
/// it was salvaged.
pub(crate) fn only_here(
    live: &[SegmentInfo],
    backup: &Path,
) -> Result<BTreeSet<(Seq, Option<i64>, i64)>, BackupError> {
    let mut only = BTreeSet::new();
    for copy in timberline_views::tools::log_files(backup)?.segments()? {
        match lineage(live, &copy) {
            Lineage::Repaired | Lineage::Lost | Lineage::Other => {
                only.insert((copy.first, copy.created, copy.salvaged));
            }
            Lineage::Version | Lineage::Empty => {}
        }
    }
    Ok(only)
}

/// A backup against the log it was made of.
#[derive(Default)]
pub(crate) struct Compared {
    /// Segments of the log that replace older versions in the backup, oldest first.
    pub(crate) outdated: Vec<SegmentInfo>,
    /// Segments of the backup that are no versions of the log's: the log was repaired since, and may have lost what they
    /// have.
    pub(crate) apart: Vec<Seq>,
    /// Segments of the backup with records that are not the log's: it has none of their numbers, or others.
    pub(crate) other: Vec<Seq>,
}

pub(crate) fn compare(live: &[SegmentInfo], backup: &Path) -> Result<Compared, BackupError> {
    let mut compared = Compared::default();
    for copy in timberline_views::tools::log_files(backup)?.segments()? {
        match lineage(live, &copy) {
            Lineage::Version => {
                let info = live.iter().find(|info| info.first == copy.first);
                let newer = info.filter(|info| info.generation > copy.generation && info.last.is_some());
                compared.outdated.extend(newer.cloned());
            }
            Lineage::Repaired | Lineage::Lost => compared.apart.push(copy.first),
            // It may have been begun since the log was looked at.
            Lineage::Other if is_newest(live, &copy) => {}
            Lineage::Other => compared.other.push(copy.first),
            Lineage::Empty => {}
        }
    }
    Ok(compared)
}

/// Whether a segment is beyond all of the log's.
fn is_newest(live: &[SegmentInfo], copy: &SegmentInfo) -> bool {
    live.last().is_none_or(|newest| newest.first < copy.first)
}

/// Which records a backup has that the log does not have, or has others for; `None` if there are none, or the backup
/// cannot be reached. `newest` is the log's last record.
///
/// # Errors
/// When its files cannot be read.
pub fn only_in_backup(
    live: &[SegmentInfo],
    newest: Seq,
    backup: &Path,
) -> Result<Option<RangeInclusive<Seq>>, BackupError> {
    if !backup.join(DataDir::LOG).is_dir() {
        return Ok(None);
    }
    let mut only: Option<RangeInclusive<Seq>> = None;
    for copy in timberline_views::tools::log_files(backup)?.segments()? {
        let Some(last) = copy.last.filter(|last| *last >= copy.first) else {
            continue;
        };
        let from = match lineage(live, &copy) {
            Lineage::Repaired | Lineage::Lost | Lineage::Other => copy.first,
            Lineage::Version if last > newest => newest.next(),
            Lineage::Version | Lineage::Empty => continue,
        };
        let first = only.as_ref().map_or(from, |only| from.min(*only.start()));
        only = Some(first..=last);
    }
    Ok(only)
}

//! Verifies a backup: reads every frame, folds the log, and compares the manifest.

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

use timberline_disk::{Cipher, DataDir, Storage};
use timberline_log::{CheckedFrames, SegmentInfo, Seq, allow_segments, segment_name};
use timberline_views::tools::{Replica, ReplicaError};

use crate::BackupError;
use crate::manifest::Manifest;

/// How often to check again if the backup changes meanwhile.
const ATTEMPTS: usize = 10;
/// How many records that cannot be folded are reported.
const MAX_UNFOLDED: u64 = 20;

/// What a check has found.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// The last record in the backup.
    pub seq: u64,
    /// Records read.
    pub records: u64,
    /// Buckets and events that come of them.
    pub buckets: usize,
    /// Events that come of them.
    pub events: u64,
    /// What is wrong, one line each.
    pub wrong: Vec<String>,
}

/// Reads every frame of a backup, folds its log (`spill` takes what does not fit in memory), and checks what comes of
/// it.
///
/// # Errors
/// When it is not a backup or cannot be read. Damage is not an error: it is reported in the result.
pub fn check(
    dir: &Path,
    cipher: Option<&Arc<Cipher>>,
    spill: Arc<dyn Storage>,
) -> Result<Checked, BackupError> {
    let mut checked = Checked {
        wrong: against_manifest(dir)?,
        ..Checked::default()
    };
    let reader = timberline_views::tools::read_log(dir, cipher)?;
    allow_segments(&reader)?;
    let reader = reader.pinned_copy()?;
    let mut replica = Replica::new(spill);
    let mut records = reader.read_from(Seq::FIRST)?;
    let mut unfolded = 0;
    while let Some(record) = records.next() {
        let record = match record {
            Ok(record) => record,
            Err(damage) => {
                checked.wrong.push(damage.to_string());
                continue;
            }
        };
        checked.records += 1;
        checked.seq = record.seq.get();
        match replica.apply(&record) {
            Ok(()) => {}
            Err(ReplicaError::Compact(error)) => return Err(BackupError::Source(error.into())),
            Err(why) => {
                unfolded += 1;
                if unfolded <= MAX_UNFOLDED {
                    checked
                        .wrong
                        .push(format!("record {} cannot be folded: {why}", record.seq));
                }
            }
        }
    }
    if unfolded > MAX_UNFOLDED {
        let more = unfolded - MAX_UNFOLDED;
        checked
            .wrong
            .push(format!("and {more} more records cannot be folded"));
    }
    let snapshot = replica.snapshot();
    checked.wrong.extend(timberline_views::tools::check(&snapshot));
    checked.buckets = snapshot.buckets().count();
    checked.events = snapshot.buckets().map(|bucket| bucket.len()).sum();
    Ok(checked)
}

/// Where a backup differs from its manifest. A segment that is newer than the manifest is no difference: then bringing
/// it up to date was interrupted.
///
/// The backup may be brought up to date or erased from meanwhile. What was found while it changed is looked at again.
pub(super) fn against_manifest(dir: &Path) -> Result<Vec<String>, BackupError> {
    let mut wrong = Vec::new();
    for _ in 0..ATTEMPTS {
        let before = state(dir)?;
        wrong = compare_with_manifest(dir)?;
        if wrong.is_empty() || before == state(dir)? {
            break;
        }
    }
    Ok(wrong)
}

/// What changes when a backup is brought up to date or erased from.
fn state(dir: &Path) -> Result<(Option<Manifest>, Vec<SegmentInfo>), BackupError> {
    let segments = timberline_views::tools::log_files(dir).and_then(|log| Ok(log.segments()?));
    // Why they cannot be read is for the comparison to say.
    Ok((Manifest::read(dir)?, segments.unwrap_or_default()))
}

fn compare_with_manifest(dir: &Path) -> Result<Vec<String>, BackupError> {
    let Some(manifest) = Manifest::read(dir)? else {
        return Err(BackupError::Unsuitable {
            path: dir.to_owned(),
            what: "is no backup: it has no manifest.json",
        });
    };
    if manifest.segments.is_empty() {
        return Err(BackupError::Unfinished(dir.to_owned()));
    }
    // After the manifest: a segment that is newer than it says is expected, one that is older is not.
    let reader = timberline_views::tools::log_files(dir)?;
    allow_segments(&reader)?;
    let reader = reader.pinned_copy()?;
    let infos = reader.segments()?;
    let log = dir.join(DataDir::LOG);
    let mut wrong = Vec::new();
    for segment in &manifest.segments {
        let found = infos.iter().find(|info| info.first.get() == segment.first);
        let file = log.join(segment_name(Seq(segment.first)));
        match found {
            None => wrong.push(format!("{} is missing", file.display())),
            Some(info) if info.generation > segment.generation => {}
            Some(info) => {
                let frames = reader.check_frames(info.first, segment.used)?;
                wrong.extend(flaw(&file.display(), frames, segment.crc));
            }
        }
    }
    Ok(wrong)
}

fn flaw(file: &dyn Display, frames: CheckedFrames, crc: u32) -> Option<String> {
    match frames.flaw {
        Some(at) if frames.crc == crc => Some(format!(
            "{file} was damaged at byte {at} when it was copied: the log was, too"
        )),
        _ if frames.crc != crc => Some(format!(
            "{file} is not what was copied{}: remove it and back up again",
            frames
                .flaw
                .map_or(String::new(), |at| format!(" (it is damaged at byte {at})"))
        )),
        _ => None,
    }
}

//! What is erased from the log is erased from its backups: the segments that were rewritten take the places of those
//! that hold what is to be forgotten. A backup stays at its moment, but for the end of its last segment.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use timberline_log::{FileStorage, SegmentInfo, Seq, Storage, WriterLock, check_frames, segment_name};

use super::manifest::{Manifest, ManifestSegment};
use super::registry::registered;
use super::{BackupError, LOG_DIR, files};

/// What became of one backup.
#[derive(Debug)]
pub struct BackupErasure {
    /// Where it is.
    pub path: PathBuf,
    /// How many of its segments were replaced; or why it was not reached.
    pub outcome: Result<usize, BackupError>,
}

/// Goes through all backups of a data directory that are known.
///
/// # Errors
/// When the list of backups or the log cannot be read. That one backup cannot be reached is told of it.
pub fn erase_from_backups(data_dir: &Path) -> Result<Vec<BackupErasure>, BackupError> {
    let backups = registered(data_dir)?;
    if backups.is_empty() {
        return Ok(Vec::new());
    }
    let live = timberline_views::log_files(data_dir)?.segments()?;
    let erase = |path: PathBuf| BackupErasure {
        outcome: replace_rewritten(data_dir, &live, &path),
        path,
    };
    Ok(backups.into_iter().map(|backup| erase(backup.path)).collect())
}

fn replace_rewritten(data_dir: &Path, live: &[SegmentInfo], backup: &Path) -> Result<usize, BackupError> {
    let Some(mut manifest) = Manifest::read(backup)? else {
        return Err(BackupError::Unsuitable {
            path: backup.to_owned(),
            what: "cannot be reached, or is no backup any more: if it still exists, bring it up to date with `timberline backup`",
        });
    };
    let _lock = WriterLock::acquire(backup)?;
    let log = backup.join(LOG_DIR);
    let storage: Arc<dyn Storage> =
        Arc::new(FileStorage::open(&log).map_err(BackupError::io("open the directory", &log))?);
    let mut replaced = 0;
    for segment in &mut manifest.segments {
        let rewritten = |info: &&SegmentInfo| {
            info.first.get() == segment.first && info.generation > segment.generation && info.last.is_some()
        };
        if let Some(info) = live.iter().find(rewritten) {
            *segment = replace(data_dir, &storage, &log, info)?;
            replaced += 1;
        }
    }
    if replaced > 0 {
        manifest.seq = manifest.segments.last().map_or(manifest.seq, |last| last.last);
        manifest.write(backup)?;
    }
    Ok(replaced)
}

fn replace(
    data_dir: &Path,
    storage: &Arc<dyn Storage>,
    log: &Path,
    info: &SegmentInfo,
) -> Result<ManifestSegment, BackupError> {
    let source = data_dir.join(LOG_DIR).join(&info.file);
    let bytes = std::fs::read(&source).map_err(BackupError::io("read", &source))?;
    // Under another name and renamed: in a set of automatic backups the old file belongs to the others, too.
    files::put(log, &segment_name(info.first), &bytes)?;
    let used = info.used.unwrap_or(bytes.len() as u64);
    let checked = check_frames(storage, info.first, used)?;
    Ok(ManifestSegment {
        first: info.first.get(),
        last: info.last.map_or(0, Seq::get),
        generation: info.generation,
        sealed: true,
        used,
        crc: checked.crc,
    })
}

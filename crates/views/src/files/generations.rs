//! Which version of each log segment there was when the last checkpoint was written.
//!
//! A sealed segment is replaced by another when something is erased from it or when it is squashed; each one has a greater
//! generation than the one before. An older file that is put back in its place is whole and follows its neighbours, so only
//! something outside of it can say that it is not the right one: the checkpoint lists all generations but zero.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use timberline_log::{Damage, LogError, LogReader};

use crate::store::Shared;

/// The generation of each segment that was ever replaced, by its first record.
pub(crate) type Generations = BTreeMap<u64, u32>;

/// What the checkpoints of this process say.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    generations: Generations,
    /// How often segments had been replaced when they were looked at last.
    rewrites: Option<u64>,
}

impl Seen {
    pub(crate) fn of(checkpoint: Generations) -> Seen {
        Seen {
            generations: checkpoint,
            rewrites: None,
        }
    }
}

impl Shared {
    /// What the next checkpoint is to say. The segments are looked at once after the start, and again after some were
    /// replaced.
    pub(crate) fn generations(&self) -> Generations {
        let rewrites = self.log_rewrites.load(Ordering::Acquire);
        if self.seen.lock().rewrites != Some(rewrites) {
            let found = LogReader::open(self.log_storage.clone()).and_then(|reader| reader.segments());
            // What cannot be read now is reported where it is needed; the next checkpoint looks again.
            if let Ok(segments) = found {
                let mut seen = self.seen.lock();
                for segment in segments.iter().filter(|segment| segment.generation > 0) {
                    let generation = seen.generations.entry(segment.first.get()).or_default();
                    *generation = segment.generation.max(*generation);
                }
                seen.rewrites = Some(rewrites);
            }
        }
        self.seen.lock().generations.clone()
    }
}

/// The segments that are older than a checkpoint says.
///
/// # Errors
/// When the log cannot be read.
pub(crate) fn put_back(reader: &LogReader, checkpoint: &Generations) -> Result<Vec<Damage>, LogError> {
    if checkpoint.is_empty() {
        return Ok(Vec::new());
    }
    let older = reader.segments()?.into_iter().filter_map(|segment| {
        let known = *checkpoint.get(&segment.first.get())?;
        // One whose header does not hold is reported as that.
        (segment.device.is_some() && segment.generation < known).then(|| Damage {
            path: reader.path().join(&segment.file),
            offset: 0,
            bytes: 0,
            lost: None,
            reason: format!(
                "the file is an older version of the segment (generation {}, and {known} was there before): what was erased from it \
                 or squashed since is in it again; put the newer file back, from a backup for example",
                segment.generation
            ),
        })
    });
    Ok(older.collect())
}

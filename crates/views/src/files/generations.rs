//! Which version of each log segment there was when the last checkpoint was written.
//!
//! A sealed segment is replaced by another when something is erased from it or when it is squashed; each one has a greater
//! generation than the one before. An older file that is put back in its place is whole and follows its neighbours, so only
//! something outside of it can say that it is not the right one: the checkpoint lists all generations but zero.

use std::collections::BTreeMap;

use timberline_log::{Damage, LogError, LogReader, SegmentInfo};

/// The generation of each segment that was ever replaced, by its first record.
pub(crate) type Generations = BTreeMap<u64, u32>;

/// What the checkpoints of this process list.
#[derive(Debug)]
pub(crate) struct SeenGenerations {
    generations: Generations,
    /// How often segments had been replaced when they were looked at last; `None` before the first look.
    rewrites: Option<u64>,
}

impl SeenGenerations {
    /// What the checkpoint says that a start has read.
    pub(crate) fn of(checkpoint: Generations) -> SeenGenerations {
        SeenGenerations {
            generations: checkpoint,
            rewrites: None,
        }
    }

    /// Whether no segment was replaced since the last look.
    pub(crate) fn is_current(&self, rewrites: u64) -> bool {
        self.rewrites == Some(rewrites)
    }

    /// Notes the generation of each segment. A generation never goes back.
    pub(crate) fn update(&mut self, segments: &[SegmentInfo], rewrites: u64) {
        for segment in segments.iter().filter(|segment| segment.generation > 0) {
            let generation = self.generations.entry(segment.first.get()).or_default();
            *generation = segment.generation.max(*generation);
        }
        self.rewrites = Some(rewrites);
    }

    pub(crate) fn generations(&self) -> &Generations {
        &self.generations
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

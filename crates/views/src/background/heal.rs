//! Healing: a damaged view segment is put together again from the log, and its file is replaced.

use std::sync::Arc;

use rustc_hash::FxHashSet;
use timberline_log::Seq;
use timberline_model::EventId;

use crate::error::{CompactError, OpenError};
use crate::files::checkpoint;
use crate::files::healer::{Reconstruct, ViewDamage};
use crate::fold::{Replica, ReplicaError, State};
use crate::record::{BucketKey, Record};
use crate::row::{Row, TimeRange};
use crate::segment::{BLOCK_ROWS, Block, Healed, Reconstruction, SegmentError, ViewSegment};
use crate::store::{Shared, Store};
use crate::view::{BucketView, MaskedSegment, Snapshot};

impl Store {
    /// What has become of damaged view segments since the store was opened.
    pub fn view_damage(&self) -> ViewDamage {
        self.shared.healer.counts()
    }

    /// Reads the checkpoint and its copy. Says what is wrong with them, and has both written again if anything is.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn check_checkpoints(&self) -> Result<Vec<String>, OpenError> {
        let shared = &self.shared;
        // Not while they are being written.
        let _exclusive = shared.files.exclusive();
        let damaged = checkpoint::describe_damage(shared.files.storage())?;
        if !damaged.is_empty() {
            shared.healer.checkpoint_damaged();
            shared.wakeup.wake_compactor();
        }
        Ok(damaged)
    }
}

impl Reconstruct for Shared {
    fn wake_compactor(&self) {
        self.wakeup.wake_compactor();
    }

    fn reconstruct(&self, segment: &ViewSegment, why: &SegmentError) -> Result<(Healed, u64), SegmentError> {
        // Snapshots of the past may show events that are hidden in the segment now, and that may be lost.
        self.as_of.try_clear();
        let mut attempts = 2;
        loop {
            attempts -= 1;
            let snapshot = self.sequencer.snapshot();
            let key = BucketKey(segment.header().bucket);
            let view = snapshot.kept_of(key).ok_or_else(|| why.clone())?;
            let this = |sealed: &&MaskedSegment| sealed.segment.file() == segment.file();
            let sealed = view.segments.iter().find(this).ok_or_else(|| why.clone())?;
            let healed = self.reconstruct_once(segment, view, sealed, &snapshot)?;
            let lost = healed.lost(&sealed.hidden);
            // The log may have been rewritten while it was read.
            if lost == 0 || attempts == 0 {
                return Ok((healed, lost));
            }
        }
    }
}

impl Shared {
    fn reconstruct_once(
        &self,
        segment: &ViewSegment,
        view: &BucketView,
        sealed: &MaskedSegment,
        snapshot: &Snapshot,
    ) -> Result<Healed, SegmentError> {
        let mut found = Reconstruction::of(segment.original(), &sealed.hidden);
        let mut elsewhere = FxHashSet::default();
        if found.has_gaps() {
            let unreadable = ids_elsewhere(view, sealed, &mut |row| {
                if found.could_be_missing(row) {
                    elsewhere.insert(row.id);
                }
            });
            for (other, blocks) in unreadable {
                found.leave_room_for(other.segment.as_it_is(), &other.hidden, &blocks);
            }
        }
        if !found.is_complete() {
            let folded = self.fold_bucket(view.key, snapshot.seq(), segment.file())?;
            if let Some(events) = folded.kept_of(view.key) {
                for event in events.events(TimeRange::ALL)? {
                    let event = event?;
                    if !elsewhere.contains(&event.row().id) {
                        found.offer(event.row(), |out| event.write_data(out));
                    }
                }
            }
        }
        found.finish(view.touched)
    }

    /// Folds what the log says of one bucket up to a record.
    fn fold_bucket(&self, key: BucketKey, to: Seq, file: &str) -> Result<Snapshot, SegmentError> {
        let failed = |source: Arc<dyn std::error::Error + Send + Sync>| SegmentError::NotHealed {
            file: file.to_owned(),
            source,
        };
        let reader = self.reader().map_err(|e| failed(Arc::new(e)))?;
        let mut replica = Replica::of(State::new(), self.options.scratch.clone());
        let mut records = reader.read_from(Seq::FIRST).map_err(|e| failed(Arc::new(e)))?;
        while let Some(record) = records.next() {
            // What is damaged in the log is reported when it is found there; here it is what the log does not have.
            let Ok(record) = record else { continue };
            if record.seq > to {
                break;
            }
            let Ok(decoded) = Record::decode(record.kind, record.payload) else {
                continue;
            };
            if decoded.bucket().is_some_and(|bucket| bucket != key) {
                continue;
            }
            let folded = replica.apply_decoded(record.seq, &decoded, record.payload);
            if let Err(ReplicaError::Compact(error)) = folded {
                return Err(failed(Arc::new(error)));
            }
        }
        Ok(replica.snapshot())
    }

    /// Writes a new file in the place of a damaged one.
    pub(crate) fn replace_damaged(&self, key: BucketKey, file: &str) -> Result<(), CompactError> {
        let snapshot = self.sequencer.snapshot();
        let view = snapshot.kept_of(key);
        let sealed = view.and_then(|view| view.segments.iter().find(|s| s.segment.file() == file));
        let Some(sealed) = sealed else {
            return Ok(());
        };
        match self.merge(key, std::slice::from_ref(sealed)) {
            Ok(()) => {
                self.healer.want_checkpoint();
                Ok(())
            }
            Err(CompactError::Segment(error)) => {
                // It is due again as soon as a read has healed it.
                tracing::error!(%error, "a damaged view segment could not be replaced");
                Ok(())
            }
            Err(error) => {
                self.healer.retry(key, file);
                Err(error)
            }
        }
    }
}

/// Gives every event of the bucket that is shown and does not lie in this segment, as far as it can be read. Gives back
/// the blocks that cannot.
fn ids_elsewhere<'v>(
    view: &'v BucketView,
    besides: &MaskedSegment,
    give: &mut dyn FnMut(&Row),
) -> Vec<(&'v MaskedSegment, Vec<usize>)> {
    let mut unreadable = Vec::new();
    view.open.iter().for_each(|open| give(&open.row));
    for run in view.memory_runs() {
        run.rows().iter().for_each(&mut *give);
    }
    let mut block = Block::default();
    let others = (view.segments.iter()).filter(|s| s.segment.file() != besides.segment.file());
    for other in others {
        let part = other.segment.as_it_is();
        let mut blocks = Vec::new();
        for number in 0..other.segment.blocks() {
            // It heals when its turn comes.
            if part.read_block(number, &mut block).is_err() {
                blocks.push(number);
                continue;
            }
            for i in 0..block.len() {
                let position = (number * BLOCK_ROWS + i) as u32;
                if other.hidden.binary_search(&position).is_err()
                    && let Some(row) = block.row(i).filter(|row| row.id != EventId::NONE)
                {
                    give(&row);
                }
            }
        }
        unreadable.push((other, blocks));
    }
    unreadable.retain(|(_, blocks)| !blocks.is_empty());
    unreadable
}

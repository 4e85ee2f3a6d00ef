//! The compactor: flushes heads into view segments, merges small segments into large ones, writes checkpoints.
//!
//! Nothing here is needed for correctness, only for speed, memory and start-up time; and nothing takes the turn's
//! lock for longer than it takes to swap a list.

use std::sync::Arc;

use timberline_log::Seq;

use crate::background::compaction_policy::choose_merge;
use crate::error::CompactError;
use crate::fold::flush::head_sources;
use crate::fold::{BucketState, FLUSH_ROWS, FoldError};
use crate::record::BucketKey;
use crate::segment::{SegmentError, Source};
use crate::store::{Shared, Store};
use crate::view::{MaskedSegment, Replacement, Snapshot};

/// How often a new segment catches up with events that were removed since it was made, before it takes its place.
const MAX_CATCH_UPS: u32 = 16;

/// What there is to do next.
enum Job {
    Flush(BucketKey),
    Merge(BucketKey, Vec<MaskedSegment>),
    /// A new file in the place of a damaged one.
    Replace(BucketKey, String),
    Checkpoint,
}

impl Store {
    /// Flushes what is worth flushing, merges, and writes a checkpoint when one is due. Says whether it did anything.
    ///
    /// # Errors
    /// When a file cannot be written; nothing is lost.
    pub fn compact(&self) -> Result<bool, CompactError> {
        self.shared.compact()
    }

    /// Flushes every head with at least this many events, whether it is worth it or not.
    ///
    /// # Errors
    /// When a file cannot be written; nothing is lost.
    pub fn flush(&self, at_least: usize) -> Result<(), CompactError> {
        let snapshot = self.snapshot();
        let _exclusive = self.shared.files.exclusive();
        for bucket in snapshot.buckets().filter(|b| b.head_rows() >= at_least.max(1)) {
            self.shared.flush(bucket.key)?;
        }
        Ok(())
    }

    /// Writes a checkpoint: what comes before it is not folded again at the next start.
    ///
    /// # Errors
    /// When it cannot be written; nothing is lost.
    pub fn checkpoint(&self) -> Result<(), CompactError> {
        let _exclusive = self.shared.files.exclusive();
        self.shared.checkpoint()
    }

    /// Waits until the compactor has caught up with a bucket. For threads that bring in events in bulk.
    pub fn wait_for_room(&self, bucket: &str) {
        loop {
            let behind = self
                .snapshot()
                .bucket(bucket)
                .map_or(0, |b| b.memory_runs().map(|r| r.len()).sum());
            if behind < 3 * FLUSH_ROWS || !self.shared.options.background {
                return;
            }
            self.shared.wakeup.wake_compactor();
            self.shared.wakeup.wait_for_room();
        }
    }
}

impl Shared {
    /// Does everything that is due. Returns whether anything was.
    ///
    /// # Errors
    /// When a file cannot be written or read; nothing is lost, and the next call tries again.
    pub(crate) fn compact(&self) -> Result<bool, CompactError> {
        let _exclusive = self.files.exclusive();
        let mut any = false;
        while let Some(job) = self.next_job() {
            any = true;
            match job {
                Job::Flush(key) => self.flush(key)?,
                Job::Merge(key, sources) => self.merge(key, &sources)?,
                Job::Replace(key, file) => self.replace_damaged(key, &file)?,
                Job::Checkpoint => self.checkpoint()?,
            }
        }
        Ok(any)
    }

    fn next_job(&self) -> Option<Job> {
        if let Some(key) = self.sequencer.lock().state.fullest_head() {
            return Some(Job::Flush(key));
        }
        if let Some((key, file)) = self.healer.next_due() {
            return Some(Job::Replace(key, file));
        }
        if self.checkpointer.is_due() || self.healer.take_checkpoint_wanted() {
            return Some(Job::Checkpoint);
        }
        let snapshot = self.sequencer.snapshot();
        snapshot
            .buckets()
            .find_map(|b| Some(Job::Merge(b.key, choose_merge(b)?)))
    }

    /// Writes the head of a bucket to a view segment.
    pub(crate) fn flush(&self, key: BucketKey) -> Result<(), CompactError> {
        let frozen = {
            let mut turn = self.sequencer.lock();
            // The runs of a flush that failed before are flushed first. The bucket may be gone.
            let _ = turn.state.freeze(key);
            let bucket = turn.state.bucket(key);
            bucket.map(|b| (b.view.frozen.clone(), b.view.touched))
        };
        let Some((runs, touched)) = frozen.filter(|(runs, _)| !runs.is_empty()) else {
            return Ok(());
        };
        let segment = self
            .files
            .write(key, &head_sources(&runs, touched), self.healer.clone())?;
        let file = segment.as_ref().map(|s| s.file().to_owned());
        self.install(key, file, Replacement::of_head(segment, runs))
    }

    /// Merges segments of a bucket into one.
    pub(crate) fn merge(&self, key: BucketKey, sources: &[MaskedSegment]) -> Result<(), CompactError> {
        let from = sources.iter().map(source).collect::<Result<Vec<_>, _>>()?;
        let segment = self.files.write(key, &from, self.healer.clone())?;
        let file = segment.as_ref().map(|s| s.file().to_owned());
        self.install(key, file, Replacement::of_segments(segment, sources))?;
        self.files
            .retire(sources.iter().map(|s| s.segment.file().to_owned()));
        Ok(())
    }

    /// Shows a new segment; if the bucket is gone by now, its file is obsolete.
    fn install(
        &self,
        key: BucketKey,
        file: Option<String>,
        mut new: Replacement,
    ) -> Result<(), CompactError> {
        for round in 1.. {
            let now = {
                let turn = self.sequencer.lock();
                turn.state.anywhere(key).map(|(bucket, _)| bucket.view.clone())
            };
            if let Some(view) = now {
                new.catch_up(&view)?;
            }
            let mut turn = self.sequencer.lock();
            let state = &mut turn.state;
            let is_current = |(bucket, _): (&BucketState, bool)| new.is_current(&bucket.view);
            // What was removed since is read without the lock, too; after some rounds next to nothing is left of it.
            if round < MAX_CATCH_UPS && !state.anywhere(key).is_none_or(is_current) {
                continue;
            }
            let change = |bucket: &mut BucketState| Ok(bucket.install(new)?);
            let changed = match state.anywhere(key) {
                Some((_, true)) => state.edit_trashed(key, change),
                _ => state.edit(Seq::NONE, key, change),
            };
            match changed {
                Ok(()) => self.sequencer.publish(&turn.state),
                Err(FoldError::Segment(e)) => return Err(e.into()),
                Err(_) => self.files.retire(file),
            }
            return Ok(());
        }
        Ok(())
    }

    /// Writes a checkpoint of the newest snapshot, and removes the files that it no longer names.
    ///
    /// # Errors
    /// When a file cannot be written; nothing is lost.
    pub(crate) fn checkpoint(&self) -> Result<(), CompactError> {
        let begun = self.checkpointer.begin();
        let obsolete = self.files.take_obsolete();
        let snapshot = self.sequencer.snapshot();
        match self.save(&snapshot) {
            Ok(bytes) => self.checkpointer.finish(begun, snapshot.seq(), bytes),
            Err(error) => {
                self.files.retire(obsolete.0);
                return Err(error);
            }
        }
        for file in obsolete.0 {
            if let Err(error) = self.files.remove(&file, self.healer.take_damaged(&file)) {
                tracing::warn!(file, %error, "a view file that is no longer needed could not be removed");
            }
        }
        Ok(())
    }

    /// Writes a checkpoint once its records are durable: views never know more than the log. Says how large it is.
    fn save(&self, snapshot: &Snapshot) -> Result<u64, CompactError> {
        self.sequencer.wait_durable(snapshot.seq())?;
        let rewrites = self.erasure.log_rewrites();
        self.checkpointer
            .write(self.files.storage(), snapshot, &self.log_storage, rewrites)
    }
}

/// Keeps memory bounded. When it cannot (the disk is full), the start goes on with what fits in memory: the views
/// come when there is space, the events are there at once. Says whether it could.
pub(crate) fn flush_full_heads(shared: &Shared) -> bool {
    let full: Vec<_> = {
        let turn = shared.sequencer.lock();
        turn.state.full_heads().map(|b| b.view.key).collect()
    };
    for key in full {
        if let Err(error) = shared.flush(key) {
            tracing::warn!(%error, "views cannot be written while opening; events stay in memory until they can");
            return false;
        }
    }
    true
}

/// A segment as a source. Of a damaged one, what is missing is left out: then all of it must have been looked at.
fn source(sealed: &MaskedSegment) -> Result<Source, SegmentError> {
    let segment = &sealed.segment;
    if !segment.is_damaged() {
        return Ok(Source::Segment(segment.clone(), sealed.hidden.clone()));
    }
    segment.verify()?;
    let mut hidden = sealed.hidden.to_vec();
    hidden.extend_from_slice(segment.missing());
    hidden.sort_unstable();
    hidden.dedup();
    Ok(Source::Segment(segment.clone(), Arc::new(hidden)))
}

/// The thread that does the work.
pub(crate) fn run(shared: &Arc<Shared>) {
    let mut failures = 0;
    while shared.wakeup.wait_for_work() {
        match shared.compact() {
            Ok(_) if failures > 0 => {
                tracing::info!(failures, "views are written again");
                failures = 0;
            }
            Ok(_) => {}
            Err(error) => {
                // A full disk stays full for a while: the first failure is logged, and then ever fewer.
                failures += 1;
                if u32::is_power_of_two(failures) {
                    tracing::error!(%error, failures, "views could not be written; it is tried again");
                }
                shared.wakeup.pause();
            }
        }
        shared.wakeup.announce_room();
    }
}

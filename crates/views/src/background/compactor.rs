//! Background work: seals heads into view segments, merges small segments into large ones, writes checkpoints.
//!
//! Nothing here is needed for correctness, only for speed, memory and start-up time; and nothing holds the
//! sequencer for longer than it takes to swap a list.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use timberline_disk::Storage;

use crate::error::CompactError;
use crate::files::checkpoint;
use crate::fold::FoldError;
use crate::fold::{BucketState, SEAL_ROWS};
use crate::head::Run;
use crate::record::BucketKey;
use crate::segment::{self, Heal, SegmentError, Source, ViewSegment};
use crate::store::Shared;
use crate::view::Snapshot;
use crate::view::{BucketView, MaskedSegment, Replacement};

/// Segments of one size class that are merged.
const FAN_IN: usize = 8;
/// A segment of this many rows is not merged any more: it bounds the memory that a merge takes.
const MOST_ROWS: u64 = 1 << 19;
/// Nor is one of this many bytes.
const MOST_BYTES: u64 = 64 << 20;
/// How often a new segment catches up with what went since it was made, before it takes its place.
const CATCHING_UP: u32 = 16;
/// Bytes of log after which a checkpoint is due, unless checkpoints are large.
pub(crate) const CHECKPOINT_BYTES: u64 = 4 << 20;

/// When a long fold, which has no compactor beside it, is to look for full heads: after so many records, or so many
/// bytes of them.
#[derive(Debug, Default)]
pub(crate) struct LookOut {
    records: usize,
    bytes: usize,
}

impl LookOut {
    /// Takes note of a record. True when it is time to look.
    pub(crate) fn is_due(&mut self, payload: &[u8]) -> bool {
        self.records += 1;
        self.bytes += payload.len();
        let due = self.records >= 1024 || self.bytes >= 4 << 20;
        if due {
            *self = LookOut::default();
        }
        due
    }
}

/// What there is to do next.
enum Job {
    Seal(BucketKey),
    Merge(BucketKey, Vec<MaskedSegment>),
    /// A new file in the place of a damaged one.
    Replace(BucketKey, String),
    Checkpoint,
}

impl Shared {
    /// Does everything that is due. Returns whether anything was.
    ///
    /// # Errors
    /// When a file cannot be written or read; nothing is lost, and the next call tries again.
    pub(crate) fn compact(&self) -> Result<bool, CompactError> {
        let _one_at_a_time = self.compacting.lock();
        let mut any = false;
        while let Some(job) = self.next_job() {
            any = true;
            match job {
                Job::Seal(key) => self.seal(key)?,
                Job::Merge(key, sources) => self.merge(key, &sources)?,
                Job::Replace(key, file) => self.replace_damaged(key, &file)?,
                Job::Checkpoint => self.checkpoint()?,
            }
        }
        Ok(any)
    }

    fn next_job(&self) -> Option<Job> {
        if let Some(key) = self.sequencer.lock().state.fullest_head() {
            return Some(Job::Seal(key));
        }
        if let Some((key, file)) = self.healer.next_due() {
            return Some(Job::Replace(key, file));
        }
        if self.checkpoint_is_due() || self.healer.take_replaced() {
            return Some(Job::Checkpoint);
        }
        let snapshot = self.published.load();
        snapshot
            .buckets()
            .find_map(|b| Some(Job::Merge(b.key, mergeable(b)?)))
    }

    /// Writes the head of a bucket to a view segment.
    pub(crate) fn seal(&self, key: BucketKey) -> Result<(), CompactError> {
        let frozen = {
            let mut sequencer = self.sequencer.lock();
            // An unfinished seal of before (its file could not be written) is taken up first. The bucket may be gone.
            let _ = sequencer.state.freeze(key);
            let bucket = sequencer.state.bucket(key);
            bucket.map(|b| (b.view.frozen.clone(), b.view.touched))
        };
        let Some((runs, touched)) = frozen.filter(|(runs, _)| !runs.is_empty()) else {
            return Ok(());
        };
        let segment = self.write_segment(key, &head_sources(&runs, touched))?;
        let file = segment.as_ref().map(|s| s.file().to_owned());
        self.install(key, file, Replacement::of_head(segment, runs))
    }

    /// Merges segments of a bucket into one.
    pub(crate) fn merge(&self, key: BucketKey, sources: &[MaskedSegment]) -> Result<(), CompactError> {
        let from = sources.iter().map(source).collect::<Result<Vec<_>, _>>()?;
        let segment = self.write_segment(key, &from)?;
        let file = segment.as_ref().map(|s| s.file().to_owned());
        self.install(key, file, Replacement::of_segments(segment, sources))?;
        self.obsolete
            .lock()
            .extend(sources.iter().map(|s| s.segment.file().to_owned()));
        Ok(())
    }

    fn write_segment(&self, key: BucketKey, sources: &[Source]) -> Result<Option<ViewSegment>, CompactError> {
        let healer: Arc<dyn Heal> = self.healer.clone();
        write_segment(&*self.views, &self.next_file, key, sources, Some(healer))
    }

    /// Shows a new segment; when the bucket went meanwhile, its file is obsolete.
    fn install(
        &self,
        key: BucketKey,
        file: Option<String>,
        mut new: Replacement,
    ) -> Result<(), CompactError> {
        for round in 1.. {
            let now = {
                let sequencer = self.sequencer.lock();
                sequencer
                    .state
                    .anywhere(key)
                    .map(|(bucket, _)| bucket.view.clone())
            };
            if let Some(view) = now {
                new.catch_up(&view)?;
            }
            let mut sequencer = self.sequencer.lock();
            let state = &mut sequencer.state;
            let is_current = |(bucket, _): (&BucketState, bool)| new.is_current(&bucket.view);
            // What went since is read without the lock, too; after some rounds there is next to nothing of it.
            if round < CATCHING_UP && !state.anywhere(key).is_none_or(is_current) {
                continue;
            }
            let change = |bucket: &mut BucketState| Ok(bucket.install(new)?);
            let changed = match state.anywhere(key) {
                Some((_, true)) => state.edit_trashed(key, change),
                _ => state.edit(0, key, change),
            };
            match changed {
                Ok(()) => self.publish(&sequencer.state),
                Err(FoldError::Segment(e)) => return Err(e.into()),
                Err(_) => self.obsolete.lock().extend(file),
            }
            return Ok(());
        }
        Ok(())
    }

    /// Writes a checkpoint, once the log is durable that far. Gives back its size.
    fn save(&self, snapshot: &Snapshot) -> Result<u64, CompactError> {
        self.wait_durable(snapshot.seq())?;
        let bytes = checkpoint::encode(snapshot, &self.generations())?;
        checkpoint::write(&*self.views, &bytes).map_err(|(file, error)| CompactError::Io {
            file: file.into(),
            error,
        })?;
        Ok(bytes.len() as u64)
    }

    /// Writes a checkpoint of the newest snapshot, and removes the files it no longer needs.
    pub(crate) fn checkpoint(&self) -> Result<(), CompactError> {
        let unsaved = self.unsaved.load(Ordering::Relaxed);
        let obsolete = std::mem::take(&mut *self.obsolete.lock());
        let snapshot = self.published.load_full();
        let bytes = match self.save(&snapshot) {
            Ok(bytes) => bytes,
            Err(e) => {
                self.obsolete.lock().extend(obsolete);
                return Err(e);
            }
        };
        self.checkpointed.store(snapshot.seq().get(), Ordering::Relaxed);
        self.unsaved.fetch_sub(unsaved, Ordering::Relaxed);
        self.saved.store(bytes, Ordering::Relaxed);
        for file in obsolete {
            if let Err(error) = self.put_away(&file) {
                tracing::warn!(file, %error, "a view file that is no longer needed could not be removed");
            }
        }
        Ok(())
    }
}

/// Writes the rows of these sources to a new view segment; none when there are none.
///
/// # Errors
/// When a source is damaged or the file cannot be written.
pub(crate) fn write_segment(
    views: &dyn Storage,
    next_file: &AtomicU64,
    key: BucketKey,
    sources: &[Source],
    healer: Option<Arc<dyn Heal>>,
) -> Result<Option<ViewSegment>, CompactError> {
    let Some(bytes) = segment::build(key.0, sources)? else {
        return Ok(None);
    };
    let number = next_file.fetch_add(1, Ordering::Relaxed);
    let file = format!("{:05}-{number:010}.view", key.0);
    views
        .write_file(&file, &bytes)
        .map_err(|error| CompactError::Io {
            file: file.clone(),
            error,
        })?;
    Ok(Some(ViewSegment::open(views, &file, healer)?))
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

/// The runs of a head that has been set apart, as sources.
pub(crate) fn head_sources(runs: &[Arc<Run>], touched: u64) -> Vec<Source> {
    runs.iter().map(|r| Source::Run(r.clone(), touched)).collect()
}

/// Segments that are worth merging: `FAN_IN` of one size class, or one of which much is hidden.
fn mergeable(bucket: &BucketView) -> Option<Vec<MaskedSegment>> {
    let segments = &bucket.segments;
    if let Some(s) = segments
        .iter()
        .find(|s| s.hidden.len() as u64 * 4 > s.segment.rows().max(4096))
    {
        return Some(vec![s.clone()]);
    }
    let class = |s: &MaskedSegment| (s.rows() / SEAL_ROWS as u64).max(1).ilog(FAN_IN as u64);
    let small = |s: &&MaskedSegment| s.rows() < MOST_ROWS && s.segment.size() < MOST_BYTES;
    for c in 0..3 {
        let same: Vec<MaskedSegment> = segments
            .iter()
            .filter(small)
            .filter(|s| class(s) == c)
            .cloned()
            .collect();
        if same.len() < FAN_IN {
            continue;
        }
        let (mut rows, mut bytes, mut chosen) = (0, 0, Vec::new());
        for s in same {
            rows += s.rows();
            bytes += s.segment.size();
            if chosen.len() >= 2 && (rows > MOST_ROWS || bytes > MOST_BYTES) {
                break;
            }
            chosen.push(s);
        }
        return Some(chosen);
    }
    None
}

/// The thread that does the work.
pub(crate) fn run(shared: &Arc<Shared>) {
    let mut failures = 0;
    while shared.wait_for_work() {
        match shared.compact() {
            Ok(_) if failures > 0 => {
                tracing::info!(failures, "views are written again");
                failures = 0;
            }
            Ok(_) => {}
            Err(error) => {
                // A full disk stays full for a while: told at the first failure, and then ever more seldom.
                failures += 1;
                if u32::is_power_of_two(failures) {
                    tracing::error!(%error, failures, "views could not be written; it is tried again");
                }
                shared.pause();
            }
        }
        shared.room.notify_all();
    }
}

//! Damaged view segments, put together again from the log while the store serves.
//!
//! Whoever reads a damaged segment waits until that is done (once; all others wait for the same), and then reads on: no
//! reader has to know. What was put together is in memory; the compactor writes it to a new file, and the damaged one is
//! set aside under another name when no checkpoint needs it any more.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use parking_lot::Mutex;
use rustc_hash::FxHashSet;
use timberline_log::{LogReader, Seq};

use crate::error::CompactError;
use crate::error::OpenError;
use crate::fold::State;
use crate::fold::{Replica, ReplicaError};
use crate::record::{BucketKey, Record};
use crate::row::{Row, TimeRange};
use crate::segment::{BLOCK_ROWS, Block, Heal, Healed, Reconstruction, SegmentError, ViewSegment};
use crate::store::{OpenReport, Shared, Store};
use crate::tools::inspect::checkpoint_damage;
use crate::view::Snapshot;
use crate::view::{BucketView, MaskedSegment};

/// What a damaged view file is called when it was set aside: its name and this.
pub(crate) const SET_ASIDE: &str = ".damaged";

/// The damaged view files of a data directory that were set aside, by name. They may hold what the log has lost.
///
/// # Errors
/// When the directory is there and cannot be listed.
pub fn set_aside_views(data_dir: &std::path::Path) -> std::io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(data_dir.join(crate::store::open::VIEWS_DIR)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(SET_ASIDE) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// How it went with damaged view segments since the store was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ViewDamage {
    /// Segments that were found damaged.
    pub found: u64,
    /// Those that were put together again from the log.
    pub healed: u64,
    /// How often that failed.
    pub failed: u64,
    /// Events of them that neither they nor the log had.
    pub events_lost: u64,
    /// Events that a damaged log had lost and that were written back from old view files.
    pub salvaged: u64,
    /// Events in old view files that the log may have lost, and that could not be brought back with certainty.
    pub in_doubt: u64,
    /// Checkpoints and copies of them that could not be used; the other one of the two was.
    pub checkpoints: u64,
}

/// Heals the segments of one store.
#[derive(Debug, Default)]
pub(crate) struct Healer {
    store: OnceLock<Weak<Shared>>,
    /// Segments that a new file is to be written of.
    due: Mutex<Vec<(BucketKey, String)>>,
    /// Files that are set aside instead of removed.
    damaged: Mutex<FxHashSet<String>>,
    /// Whether the next checkpoint is due because a damaged file was replaced.
    replaced: AtomicBool,
    found: AtomicU64,
    healed: AtomicU64,
    failed: AtomicU64,
    events_lost: AtomicU64,
    salvaged: AtomicU64,
    in_doubt: AtomicU64,
    checkpoints: AtomicU64,
}

impl Healer {
    /// Tells it whose segments they are.
    pub(crate) fn serve(&self, store: &Arc<Shared>) {
        let _ = self.store.set(Arc::downgrade(store));
    }

    /// Takes note of what the start took from old view files.
    pub(crate) fn note_salvage(&self, report: &OpenReport) {
        self.salvaged.fetch_add(report.salvaged, Ordering::Relaxed);
        self.in_doubt.fetch_add(report.events_in_doubt, Ordering::Relaxed);
    }

    pub(crate) fn next_due(&self) -> Option<(BucketKey, String)> {
        self.due.lock().pop()
    }

    /// Takes note that the checkpoint or its copy cannot be used: another is due.
    pub(crate) fn checkpoint_damaged(&self) {
        self.checkpoints.fetch_add(1, Ordering::Relaxed);
        self.write_checkpoint();
    }

    /// Has the compactor write a checkpoint.
    pub(crate) fn write_checkpoint(&self) {
        self.replaced.store(true, Ordering::Relaxed);
    }

    /// Whether a file was replaced since this was asked last.
    pub(crate) fn take_replaced(&self) -> bool {
        self.replaced.swap(false, Ordering::Relaxed)
    }

    fn make_due(&self, segment: &ViewSegment) {
        let key = BucketKey(segment.header().bucket);
        self.due.lock().push((key, segment.file().to_owned()));
        if let Some(shared) = self.store.get().and_then(Weak::upgrade) {
            shared.wake();
        }
    }
}

impl Heal for Healer {
    fn found(&self, segment: &ViewSegment, why: &SegmentError) {
        self.found.fetch_add(1, Ordering::Relaxed);
        self.damaged.lock().insert(segment.file().to_owned());
        tracing::error!(
            file = segment.file(),
            bucket = segment.header().bucket,
            damage = %why,
            "a view segment is damaged: it is put together again from the log; check the disk"
        );
        self.make_due(segment);
    }

    fn heal(&self, segment: &ViewSegment, why: &SegmentError) -> Result<Healed, SegmentError> {
        let store = self.store.get().and_then(Weak::upgrade);
        let healed = match &store {
            Some(shared) => shared.reconstruct(segment, why),
            None => Err(why.clone()),
        };
        match &healed {
            Ok((_, lost)) => {
                self.healed.fetch_add(1, Ordering::Relaxed);
                self.events_lost.fetch_add(*lost, Ordering::Relaxed);
                let file = segment.file();
                match lost {
                    0 => tracing::warn!(file, "a damaged view segment is whole again"),
                    _ => tracing::error!(
                        file,
                        bucket = segment.header().bucket,
                        lost,
                        "a damaged view segment is whole again but for events that the log does not have either"
                    ),
                }
                self.make_due(segment);
            }
            Err(error) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                tracing::error!(%error, "a damaged view segment could not be put together again; reads of it fail");
            }
        }
        healed.map(|(healed, _)| healed)
    }
}

impl Store {
    /// How it went with damaged view segments since the store was opened.
    pub fn view_damage(&self) -> ViewDamage {
        let healer = &self.shared.healer;
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        ViewDamage {
            found: read(&healer.found),
            healed: read(&healer.healed),
            failed: read(&healer.failed),
            events_lost: read(&healer.events_lost),
            salvaged: read(&healer.salvaged),
            in_doubt: read(&healer.in_doubt),
            checkpoints: read(&healer.checkpoints),
        }
    }
}

impl Store {
    /// Reads the checkpoint and its copy. Says what is wrong with them, and has both written again if anything is.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn check_checkpoints(&self) -> Result<Vec<String>, OpenError> {
        let shared = &self.shared;
        // Not while they are being written.
        let _one_at_a_time = shared.compacting.lock();
        let damaged = checkpoint_damage(&*shared.views)?;
        if !damaged.is_empty() {
            shared.healer.checkpoint_damaged();
            shared.wake();
        }
        Ok(damaged)
    }
}

impl Shared {
    /// What takes the place of a damaged segment, and how many of its events are lost.
    fn reconstruct(&self, segment: &ViewSegment, why: &SegmentError) -> Result<(Healed, u64), SegmentError> {
        // Pictures of the past may show what is hidden in it by now, and that may be gone.
        if let Some(mut past) = self.past.try_lock() {
            past.forget();
        }
        let mut attempts = 2;
        loop {
            attempts -= 1;
            let snapshot = self.published.load_full();
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
        let failed = |error: &dyn std::fmt::Display| SegmentError::Io {
            file: file.to_owned(),
            error: format!("it is damaged, and cannot be put together again now: {error}"),
        };
        let reader = LogReader::open(self.log_storage.clone()).map_err(|e| failed(&e))?;
        let reader = reader.with_cipher(self.options.cipher.clone());
        let mut replica = Replica::of(State::new(), self.options.scratch.clone());
        let mut records = reader.read_from(Seq::FIRST).map_err(|e| failed(&e))?;
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
                return Err(failed(&error));
            }
        }
        Ok(replica.snapshot())
    }

    /// Writes a new file in the place of a damaged one.
    pub(crate) fn replace_damaged(&self, key: BucketKey, file: &str) -> Result<(), CompactError> {
        let snapshot = self.published.load_full();
        let view = snapshot.kept_of(key);
        let sealed = view.and_then(|view| view.segments.iter().find(|s| s.segment.file() == file));
        let Some(sealed) = sealed else {
            return Ok(());
        };
        match self.merge(key, std::slice::from_ref(sealed)) {
            Ok(()) => {
                self.healer.replaced.store(true, Ordering::Relaxed);
                Ok(())
            }
            Err(CompactError::Segment(error)) => {
                // It is due again as soon as a read has healed it.
                tracing::error!(%error, "a damaged view segment could not be replaced");
                Ok(())
            }
            Err(error) => {
                self.healer.due.lock().push((key, file.to_owned()));
                Err(error)
            }
        }
    }

    /// Removes a view file that nothing needs any more, or sets it aside if it was damaged.
    pub(crate) fn put_away(&self, file: &str) -> std::io::Result<()> {
        if !self.healer.damaged.lock().remove(file) {
            return self.views.remove(file);
        }
        self.set_aside(file)
    }

    /// Gives a view file a name under which it is kept.
    pub(crate) fn set_aside(&self, file: &str) -> std::io::Result<()> {
        match self.views.rename(file, &format!("{file}{SET_ASIDE}")) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            renamed => renamed,
        }
    }
}

/// The bucket of a damaged view file that was set aside.
pub(crate) fn set_aside_of(name: &str) -> Option<BucketKey> {
    let (key, _) = name.strip_suffix(SET_ASIDE)?.split_once('-')?;
    key.parse().ok().map(BucketKey)
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
                    && let Some(row) = block.row(i).filter(|row| row.id != 0)
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

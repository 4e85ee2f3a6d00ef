//! Opening a log for writing: lock, look, repair, begin.

use std::sync::Arc;

use timberline_disk::{Storage, WriterLock};

use super::log::{Log, Syncing};
use super::roll::is_full;
use crate::Seq;
use crate::error::LogError;
use crate::format::frame_writer::FrameWriter;
use crate::format::segment::SEGMENT_HEADER;
use crate::options::LogOptions;
use crate::read::probe::list_segments;
use crate::recover::recovery::{self, Recovery};
use crate::sync::active::{ActiveSegment, SegmentTail};
use crate::sync::placement::Placement;
use crate::sync::shared::Shared;
use crate::sync::syncer::{SyncThread, Syncer};

/// A log that is locked and was looked at, and is not changed yet ([`Log::prepare`]). Dropped, it leaves no file behind.
#[derive(Debug)]
pub struct OpeningLog {
    storage: Arc<dyn Storage>,
    options: LogOptions,
    plan: recovery::Plan,
    lock: Unused,
}

impl OpeningLog {
    /// The last record that the log will have; [`Seq::NONE`] if it is empty.
    #[must_use]
    pub fn last_seq(&self) -> Seq {
        self.plan.last_seq()
    }

    /// Repairs what a crash has left, and begins to write.
    ///
    /// # Errors
    /// As for [`Log::open`].
    pub fn open(mut self) -> Result<(Log, Recovery), LogError> {
        let lock = match self.lock.0.take() {
            Some(lock) => lock,
            None => self.storage.lock_writer()?,
        };
        Log::begin(self.storage, self.options, self.plan, lock)
    }
}

/// A lock that is given back without a trace, unless it is taken out.
#[derive(Debug)]
struct Unused(Option<WriterLock>);

impl Drop for Unused {
    fn drop(&mut self) {
        if let Some(lock) = self.0.take() {
            lock.undo();
        }
    }
}

impl Log {
    /// Opens a log for writing, making it if there is none, and repairs what a crash has left.
    ///
    /// # Errors
    /// [`LogError::Locked`] if it has a writer already; [`LogError::NewerFormat`] if a newer program wrote it;
    /// [`LogError::Io`] if the disk refuses. A full disk is no error here: reading works, and appending says
    /// [`AppendError::NoSpace`](crate::AppendError::NoSpace) until there is some.
    pub fn open(storage: Arc<dyn Storage>, options: LogOptions) -> Result<(Self, Recovery), LogError> {
        Self::prepare(storage, options)?.open()
    }

    /// The first half of [`open`](Self::open): takes the lock and looks at everything, without changing anything.
    ///
    /// # Errors
    /// As for [`open`](Self::open). No file is left behind then.
    pub fn prepare(storage: Arc<dyn Storage>, options: LogOptions) -> Result<OpeningLog, LogError> {
        let lock = Unused(Some(storage.lock_writer()?));
        let plan = recovery::plan(&storage, &options)?;
        Ok(OpeningLog {
            storage,
            options,
            plan,
            lock,
        })
    }

    /// What [`open`](Self::open) would find, without the lock, and without changing anything. What it would cut off is not
    /// reported.
    ///
    /// # Errors
    /// As for [`open`](Self::open), the lock aside.
    pub fn look(storage: &Arc<dyn Storage>, options: &LogOptions) -> Result<Recovery, LogError> {
        let plan = recovery::plan(storage, options)?;
        Ok(Recovery {
            last_seq: plan.last_seq(),
            torn: None,
            damage: plan.damage(),
        })
    }

    fn begin(
        storage: Arc<dyn Storage>,
        options: LogOptions,
        plan: recovery::Plan,
        lock: WriterLock,
    ) -> Result<(Self, Recovery), LogError> {
        let recovered = plan.carry_out(&storage, &options)?;
        let active = recovered.segments.back().cloned();
        let tail = active.as_ref().map_or(
            SegmentTail {
                offset: SEGMENT_HEADER as u64,
                last: recovered.report.last_seq,
            },
            |segment| segment.tail(),
        );
        let shared = Shared::new(recovered.segments, recovered.report.last_seq);
        let placement = placement(&storage, &lock, active.as_deref(), tail.last)?;
        let mut syncer = Syncer::new(
            Arc::clone(&storage),
            Arc::clone(&shared),
            options.clone(),
            placement,
        );
        // Segments that were full but not sealed are sealed now, before anything new is promised.
        syncer.sync()?;
        let syncing = if options.manual_sync {
            Syncing::ByHand(Box::new(syncer))
        } else {
            Syncing::Thread(
                SyncThread::start(syncer)
                    .map_err(LogError::io("start the sync thread of", storage.path()))?,
            )
        };
        let frames = FrameWriter::new(options.cipher.clone());
        let mut log = Self {
            storage,
            options,
            shared,
            active,
            tail,
            frames,
            ends_in_gap: recovered.ends_in_gap,
            syncing,
            lock,
        };
        // Made now if possible, so that a missing permission shows at the start; if not, the first append tries again.
        match log.prepare_active() {
            Err(error) if !is_full(&error) => {
                Err(LogError::io("prepare a segment in", log.storage.path())(error))
            }
            _ => Ok((log, recovered.report)),
        }
    }
}

/// The files that belong in the directory of a log that was just opened.
fn placement(
    storage: &Arc<dyn Storage>,
    lock: &WriterLock,
    active: Option<&ActiveSegment>,
    last: Seq,
) -> Result<Placement, LogError> {
    let mut placement = Placement::new(lock.file());
    let mut sealed = list_segments(storage)?;
    sealed.retain(|&first| active.is_none_or(|active| first < active.first));
    placement.expect(&sealed, active.map_or(last.next(), |active| active.first));
    Ok(placement)
}

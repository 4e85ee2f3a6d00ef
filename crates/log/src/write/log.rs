//! [`Log`]: appends batches to the active segment.

use std::fmt;
use std::io;
use std::ops::RangeInclusive;
use std::sync::Arc;

use timberline_disk::{Storage, WriterLock};

use super::batch::{Entry, Writing, batch_size, write_batch};
use crate::error::{AppendError, LogError};
use crate::format::frame_writer::FrameWriter;
use crate::options::LogOptions;
use crate::read::reader::LogReader;
use crate::sync::active::{ActiveSegment, SegmentTail};
use crate::sync::durability::Durability;
use crate::sync::placement::Placement;
use crate::sync::shared::{Gate, Shared};
use crate::sync::syncer::{SyncThread, Syncer};
use crate::{Position, Seq};

/// The one writer of a log.
///
/// Appending copies into mapped memory: no system call, no allocation, no lock. Records are visible to readers at
/// once, and durable when [`Durability`] says so.
pub struct Log {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) options: LogOptions,
    pub(super) shared: Arc<Shared>,
    /// `None` only while there is no space for the first segment.
    pub(super) active: Option<Arc<ActiveSegment>>,
    pub(super) tail: SegmentTail,
    pub(super) frames: FrameWriter,
    /// Whether the active segment is not to be appended to (see `Recovered::ends_in_gap`).
    pub(super) ends_in_gap: bool,
    pub(super) syncing: Syncing,
    pub(super) lock: WriterLock,
}

pub(super) enum Syncing {
    Thread(SyncThread),
    ByHand(Box<Syncer>),
    Stopped,
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log")
            .field("path", &self.storage.path())
            .field("last", &self.tail.last)
            .finish_non_exhaustive()
    }
}

impl Log {
    /// Appends a batch: after a crash either all of its records are there or none. Returns their sequence numbers
    /// (an empty range for an empty batch).
    ///
    /// # Errors
    /// Whatever the error, nothing of the batch is in the log. [`AppendError::NoSpace`] and [`AppendError::Io`]:
    /// try the same batch again later; so with [`AppendError::Misplaced`]. [`AppendError::TooLarge`]: split it. [`AppendError::Failed`]: a sync failed
    /// and this log is at its end.
    pub fn append(&mut self, entries: &[Entry<'_>]) -> Result<RangeInclusive<Seq>, AppendError> {
        self.append_in_place(entries, Shared::appended)
    }

    /// The same for records whose loss in a power cut does no harm, so that the sync thread is not woken for them: they become
    /// durable with the next record that is appended otherwise, or when somebody waits for one, or within about a minute.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub fn append_without_hurry(
        &mut self,
        entries: &[Entry<'_>],
    ) -> Result<RangeInclusive<Seq>, AppendError> {
        self.append_in_place(entries, Shared::appended_without_hurry)
    }

    fn append_in_place(
        &mut self,
        entries: &[Entry<'_>],
        tell: fn(&Shared, Seq),
    ) -> Result<RangeInclusive<Seq>, AppendError> {
        if let Some(failed) = self.shared.failure() {
            return Err(failed.clone().into());
        }
        if matches!(self.syncing, Syncing::Stopped) {
            // Its last segment is trimmed to what it holds, and nobody syncs any more.
            return Err(self.no_segment(io::Error::other("the log is closed")));
        }
        self.writing(|log| log.append_batch(entries, tell))
    }

    /// Does something to the active segment, unless its file is not at its path.
    fn writing<T>(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<T, AppendError>,
    ) -> Result<T, AppendError> {
        match self.shared.begin_writing() {
            Gate::Open => {}
            Gate::Moved => self.active = self.shared.follow_active(),
            Gate::Closed => {
                let reason = self.shared.held_for();
                return Err(AppendError::Misplaced {
                    reason: reason.unwrap_or_else(|| "a log segment is being written again".to_owned()),
                });
            }
        }
        let written = write(self);
        self.shared.end_writing();
        written
    }

    fn append_batch(
        &mut self,
        entries: &[Entry<'_>],
        tell: fn(&Shared, Seq),
    ) -> Result<RangeInclusive<Seq>, AppendError> {
        let first = self.next_seq();
        if entries.is_empty() {
            return Ok(first..=self.tail.last);
        }
        let size = batch_size(entries, &self.frames);
        self.ensure_room(size)?;
        if let Some(segment) = &self.active {
            let writing = Writing {
                region: &*segment.region,
                time: (self.options.clock)(),
                durable: self.shared.durable(),
            };
            self.tail = write_batch(&writing, self.tail, entries, &mut self.frames);
            segment.set_tail(self.tail);
            tell(&self.shared, self.tail.last);
        }
        Ok(first..=self.tail.last)
    }

    /// Ends the active segment, full or not, so that all that was appended so far is sealed soon
    /// ([`Durability::wait_sealed_blocking`]). Nothing happens if the active segment is empty.
    ///
    /// # Errors
    /// If the next segment cannot be made; appending goes on in the active one.
    pub fn begin_segment(&mut self) -> Result<(), AppendError> {
        if self
            .active
            .as_ref()
            .is_none_or(|active| active.first > self.tail.last)
        {
            return Ok(());
        }
        self.writing(|log| log.roll().map_err(|source| log.no_segment(source)))?;
        self.shared.seal_soon();
        Ok(())
    }

    /// The sequence number that the next record will get.
    #[must_use]
    pub fn next_seq(&self) -> Seq {
        self.tail.last.next()
    }

    /// Where the next record will be written, unless it begins a new segment.
    #[must_use]
    pub fn position(&self) -> Position {
        let segment = self
            .active
            .as_ref()
            .map_or(self.next_seq(), |segment| segment.first);
        Position {
            segment,
            offset: self.tail.offset,
        }
    }

    /// A handle that reports what is durable and waits for it.
    #[must_use]
    pub fn durability(&self) -> Durability {
        Durability::of(&self.shared)
    }

    /// A reader of this log.
    #[must_use]
    pub fn reader(&self) -> LogReader {
        LogReader::of_open_log(Arc::clone(&self.storage), self.options.cipher.clone())
    }

    /// Syncs everything, gives unused space back and lets the next writer in.
    ///
    /// # Errors
    /// If the last sync fails or an earlier one had failed: then what was reported durable is, and no more is known.
    pub fn close(mut self) -> Result<(), LogError> {
        self.finish()
    }

    /// Syncs everything appended so far, on this thread.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn sync_now(&mut self) -> Result<(), crate::SyncFailed> {
        match &mut self.syncing {
            Syncing::ByHand(syncer) => syncer.sync(),
            _ => self.durability().wait_blocking(self.tail.last),
        }
    }

    /// The same as [`Log::close`], for a log that cannot be moved out of its place. Nothing may be
    /// appended afterwards: nobody would sync it. A second time it does nothing.
    ///
    /// # Errors
    /// As [`Log::close`].
    pub fn finish(&mut self) -> Result<(), LogError> {
        let syncer = match std::mem::replace(&mut self.syncing, Syncing::Stopped) {
            Syncing::Thread(thread) => thread.stop(&self.shared),
            Syncing::ByHand(syncer) => Some(*syncer),
            Syncing::Stopped => return Ok(()),
        };
        let mut syncer = syncer.unwrap_or_else(|| {
            Syncer::new(
                Arc::clone(&self.storage),
                Arc::clone(&self.shared),
                self.options.clone(),
                Placement::new(self.lock.file()),
            )
        });
        let outcome = syncer.close();
        syncer.abandon();
        outcome
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // A best effort; a caller that needs the result calls `close`.
        let _ = self.finish();
    }
}

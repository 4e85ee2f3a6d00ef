//! The writer: appends batches to the active segment and rolls to the next.

use std::fmt;
use std::io;
use std::ops::RangeInclusive;
use std::sync::Arc;

use timberline_disk::{IoError, Storage, WriteRegion, WriterLock};

use crate::error::{AppendError, LogError};
use crate::format::frame::{FRAME_HEADER, FrameHead};
use crate::format::frame_writer::FrameWriter;
use crate::format::segment::{
    PREPARED_NAME, SEGMENT_HEADER, SegmentHeader, UNNAMED_SUFFIX, segment_name, trimmed_len,
};
use crate::options::LogOptions;
use crate::read::probe::list_segments;
use crate::read::reader::LogReader;
use crate::recover::recovery::{self, Recovery};
use crate::sync::active::{ActiveSegment, SegmentTail};
use crate::sync::durability::Durability;
use crate::sync::placement::Placement;
use crate::sync::shared::{Gate, Shared};
use crate::sync::syncer::{SyncThread, Syncer};
use crate::{Position, Seq};

/// A record to append.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Its kind; opaque to the log.
    pub kind: u8,
    /// Its bytes; may be empty.
    pub payload: &'a [u8],
}

/// The one writer of a log.
///
/// Appending copies into mapped memory: no system call, no allocation, no lock. Records are visible to readers at
/// once, and durable when [`Durability`] says so.
pub struct Log {
    storage: Arc<dyn Storage>,
    options: LogOptions,
    shared: Arc<Shared>,
    /// `None` only while there is no space for the first segment.
    active: Option<Arc<ActiveSegment>>,
    tail: SegmentTail,
    frames: FrameWriter,
    /// Whether the active segment is not to be appended to (see `Recovered::ends_in_gap`).
    ends_in_gap: bool,
    syncing: Syncing,
    lock: WriterLock,
}

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

enum Syncing {
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
    /// Opens a log for writing, making it if there is none, and repairs what a crash has left.
    ///
    /// # Errors
    /// [`LogError::Locked`] if it has a writer already; [`LogError::NewerFormat`] if a newer program wrote it;
    /// [`LogError::Io`] if the disk refuses. A full disk is no error here: reading works, and appending says
    /// [`AppendError::NoSpace`] until there is some.
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
        let syncing = if options.syncs_by_hand() {
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

    /// Appends a batch: after a crash either all of its records are there or none. Returns their sequence numbers
    /// (an empty range for an empty batch).
    ///
    /// # Errors
    /// Whatever the error, nothing of the batch is in the log. [`AppendError::NoSpace`] and [`AppendError::Io`]:
    /// try the same batch again later; so with [`AppendError::Misplaced`]. [`AppendError::TooLarge`]: split it. [`AppendError::Failed`]: a sync failed
    /// and this log is at its end.
    pub fn append(&mut self, entries: &[Entry<'_>]) -> Result<RangeInclusive<Seq>, AppendError> {
        if let Some(failed) = self.shared.failure() {
            return Err(failed.clone().into());
        }
        if matches!(self.syncing, Syncing::Stopped) {
            // Its last segment is trimmed to what it holds, and nobody syncs any more.
            return Err(self.no_segment(io::Error::other("the log is closed")));
        }
        self.writing(|log| log.append_batch(entries))
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

    fn append_batch(&mut self, entries: &[Entry<'_>]) -> Result<RangeInclusive<Seq>, AppendError> {
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
            self.shared.appended(self.tail.last);
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
    #[cfg(feature = "sim")]
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

    /// Makes sure that `size` more bytes and an end mark fit the active segment.
    fn ensure_room(&mut self, size: u64) -> Result<(), AppendError> {
        let limit = self.options.segment_len() - (SEGMENT_HEADER + FRAME_HEADER) as u64;
        if size > limit {
            return Err(AppendError::TooLarge { bytes: size, limit });
        }
        if self.fits(size) {
            return Ok(());
        }
        self.make_room(size).map_err(|source| {
            // Perhaps a file is gone.
            self.shared.seal_soon();
            self.no_segment(source)
        })
    }

    fn no_segment(&self, source: io::Error) -> AppendError {
        let path = self.storage.path().to_path_buf();
        if is_full(&source) {
            AppendError::NoSpace { path, source }
        } else {
            AppendError::Io(IoError {
                op: "make the next log segment in",
                path,
                source,
            })
        }
    }

    fn fits(&self, size: u64) -> bool {
        let needed = self.tail.offset + size + FRAME_HEADER as u64;
        !self.ends_in_gap
            && self
                .active
                .as_ref()
                .is_some_and(|segment| needed <= segment.region.len() as u64)
    }

    /// The slow path of an append: lengthens the active segment if it was trimmed, or begins the next one. If that
    /// fails nothing has changed.
    #[cold]
    fn make_room(&mut self, size: u64) -> io::Result<()> {
        self.prepare_active()?;
        if self.fits(size) { Ok(()) } else { self.roll() }
    }

    /// Makes an active segment if there is none, and gives one that was trimmed when the log was closed its full
    /// length again.
    fn prepare_active(&mut self) -> io::Result<()> {
        match self.active.clone() {
            None => self.roll(),
            Some(_) if self.ends_in_gap => self.roll(),
            Some(segment) if (segment.region.len() as u64) < self.options.segment_len() => {
                self.lengthen(&segment)
            }
            Some(_) => Ok(()),
        }
    }

    fn lengthen(&mut self, segment: &ActiveSegment) -> io::Result<()> {
        let name = segment.name();
        self.storage.set_len(&name, self.options.segment_len())?;
        let region = match self.storage.open_write_region(&name) {
            Ok(region) => region,
            Err(error) => {
                let _ = self.storage.set_len(&name, trimmed_len(self.tail.offset));
                return Err(error);
            }
        };
        let longer = Arc::new(segment.remapped(region));
        self.shared.replace_active(Arc::clone(&longer));
        self.active = Some(longer);
        Ok(())
    }

    /// Takes the segment that was prepared, if there is one. Should somebody have removed it, another one is made.
    fn begin_prepared(&self, header: &SegmentHeader, name: &str) -> io::Result<Option<Arc<dyn WriteRegion>>> {
        let Some(region) = self.shared.take_prepared() else {
            return Ok(None);
        };
        region.write(0, &header.encode());
        match self.storage.rename(PREPARED_NAME, name) {
            Ok(()) => Ok(Some(region)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => {
                self.shared.put_back_prepared(region);
                Err(error)
            }
        }
    }

    fn begin_new(&self, header: &SegmentHeader, name: &str) -> io::Result<Arc<dyn WriteRegion>> {
        let unnamed = format!("{name}{UNNAMED_SUFFIX}");
        let region = self.storage.create_region(&unnamed, self.options.segment_len())?;
        region.write(0, &header.encode());
        if let Err(error) = self.storage.rename(&unnamed, name) {
            let _ = self.storage.remove(&unnamed);
            return Err(error);
        }
        Ok(region)
    }

    fn roll(&mut self) -> io::Result<()> {
        let first = self.next_seq();
        let name = segment_name(first);
        let header = SegmentHeader {
            device: self.options.device,
            first,
            created: (self.options.clock)(),
            generation: 0,
            squashed: None,
            encrypted: self.options.cipher.is_some(),
            salvaged: 0,
        };
        // Made under another name and renamed when its header is written, so that no reader ever finds it without.
        let region = match self.begin_prepared(&header, &name)? {
            Some(region) => region,
            None => self.begin_new(&header, &name)?,
        };
        self.tail = SegmentTail {
            offset: SEGMENT_HEADER as u64,
            last: self.tail.last,
        };
        let segment = Arc::new(ActiveSegment::new(first, region, self.tail, 0));
        self.shared.begin_segment(Arc::clone(&segment));
        self.active = Some(segment);
        self.ends_in_gap = false;
        Ok(())
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

impl Drop for Log {
    fn drop(&mut self) {
        // A best effort; a caller that needs the result calls `close`.
        let _ = self.finish();
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// The bytes of a batch in the log.
fn batch_size(entries: &[Entry<'_>], frames: &FrameWriter) -> u64 {
    entries.iter().fold(0u64, |sum, entry| {
        sum.saturating_add(frames.size(entry.payload.len()) as u64)
    })
}

/// What all records of a batch share.
struct Writing<'a> {
    region: &'a dyn WriteRegion,
    time: i64,
    durable: Seq,
}

/// Writes a batch that is known to fit. The length of its first frame is published last: until then every reader
/// finds the end of the log there, so nobody ever sees a part of a frame or of a batch.
fn write_batch(
    writing: &Writing<'_>,
    tail: SegmentTail,
    entries: &[Entry<'_>],
    frames: &mut FrameWriter,
) -> SegmentTail {
    let region = writing.region;
    let start = usize::try_from(tail.offset).unwrap_or(usize::MAX);
    let (mut offset, mut seq) = (start, tail.last);
    let mut first_word = 0;
    for (index, entry) in entries.iter().enumerate() {
        seq = seq.next();
        let lag = u32::try_from(seq.0.saturating_sub(writing.durable.0)).unwrap_or(u32::MAX);
        let head = FrameHead {
            seq,
            time: writing.time,
            durable_lag: lag,
            kind: entry.kind,
            ends_batch: index + 1 == entries.len(),
            encrypted: frames.is_encrypting(),
        };
        let frame = frames.frame(head, entry.payload);
        if index == 0 {
            first_word = frame.write_unpublished(region, offset);
        } else {
            frame.write(region, offset);
        }
        offset += frame.size();
    }
    region.publish_u32(start, first_word);
    SegmentTail {
        offset: offset as u64,
        last: seq,
    }
}

//! Group commit: one thread syncs, everybody waits for the same sync.
//!
//! Appending never waits for a sync. A sync makes all records durable that were appended when it began, so a thousand
//! writers share one sync. The thread also seals segments. It prepares the next segment ahead, so that rolling over
//! costs the appender only a rename.
//!
//! Before it reports anything durable, the thread checks that the files are at their paths ([`Placement`]). It writes a
//! missing file again. Until that has succeeded the *gate* is closed, and nothing is appended.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use timberline_disk::Storage;

use crate::error::SyncFailed;
use crate::format::segment::{PREPARED_NAME, trimmed_len};
use crate::options::LogOptions;
use crate::sync::active::{ActiveSegment, SegmentTail};
use crate::sync::placement::{self, Incident, Misplaced, Placement};
use crate::sync::shared::{Gate, Shared, held};
use crate::{LogError, Seq};

/// How often to look again for files that cannot be put back.
const RETRY_EVERY: Duration = Duration::from_secs(1);
/// How often to look for the files while nothing is written.
const IDLE_CHECK: Duration = Duration::from_secs(60);
/// Does the syncing; owned by the sync thread, or by the log where a test syncs by hand.
#[derive(Debug)]
pub(crate) struct Syncer {
    storage: Arc<dyn Storage>,
    shared: Arc<Shared>,
    options: LogOptions,
    /// The segment for which preparing a successor was last tried: once per segment is enough, the appender tries
    /// again by itself when it rolls.
    prepared_for: Seq,
    /// The last record that the footer of the active segment names.
    footer_at: Seq,
    placement: Placement,
}

/// Why a sync failed.
#[derive(Debug)]
enum Unsynced {
    /// The disk refused to sync this file: final.
    Refused(String, io::Error),
    /// Another process writes to the log: final.
    Taken(String),
    /// The files are not at their paths; they may be later.
    Held(String),
}

impl Syncer {
    pub(crate) fn new(
        storage: Arc<dyn Storage>,
        shared: Arc<Shared>,
        options: LogOptions,
        placement: Placement,
    ) -> Self {
        Self {
            storage,
            shared,
            options,
            prepared_for: Seq::NONE,
            footer_at: Seq::NONE,
            placement,
        }
    }

    /// Makes everything appended so far durable, and reports it. Fails for good if the disk refuses; while the files are
    /// not at their paths it fails too, but can be tried again.
    pub(crate) fn sync(&mut self) -> Result<(), SyncFailed> {
        if let Some(failed) = self.shared.failure() {
            return Err(failed.clone());
        }
        let reason = match self.sync_segments() {
            Ok(()) => {
                self.let_in();
                return Ok(());
            }
            Err(Unsynced::Held(reason)) => return Err(self.keep_out(reason)),
            Err(Unsynced::Refused(name, error)) => {
                format!("{}: {error}", self.storage.path().join(name).display())
            }
            Err(Unsynced::Taken(reason)) => reason,
        };
        Err(self.shared.report_failure(reason))
    }

    fn sync_segments(&mut self) -> Result<(), Unsynced> {
        loop {
            let (segment, rolled) = {
                let segments = held(&self.shared.segments);
                let Some(oldest) = segments.front() else {
                    return Ok(());
                };
                (Arc::clone(oldest), segments.len() > 1)
            };
            let tail = segment.tail();
            self.sync_to(&segment, tail)?;
            if !self.is_in_place(&segment)? {
                continue;
            }
            self.shared.report_durable(tail.last);
            if !rolled {
                self.update_footer(&segment, tail);
                self.prepare_next(&segment, tail);
                return Ok(());
            }
            // Sealed before anything newer counts as durable: then at most the newest segments are unsealed, and
            // only those need to be scanned when the log is opened.
            self.seal(&segment, tail)
                .map_err(|error| Unsynced::Refused(segment.name(), error))?;
            held(&self.shared.segments).pop_front();
            self.placement.expect(&[segment.first], tail.last.next());
            self.shared.report_sealed(tail.last);
        }
    }

    /// Looks for the files at their paths. False if the segment's file was not there and was written again.
    fn is_in_place(&mut self, segment: &ActiveSegment) -> Result<bool, Unsynced> {
        match self.placement.check(&self.storage, segment) {
            Ok(incidents) => {
                if !incidents.is_empty() {
                    held(&self.shared.integrity).missing = self.placement.missing();
                }
                incidents.iter().for_each(|incident| self.report(incident));
                Ok(true)
            }
            Err(Misplaced::Directory(reason)) => Err(Unsynced::Held(reason)),
            Err(Misplaced::Taken(reason)) => Err(Unsynced::Taken(reason)),
            Err(Misplaced::Segment) => self.write_again(segment).map(|()| false),
        }
    }

    fn write_again(&self, segment: &ActiveSegment) -> Result<(), Unsynced> {
        let path = self.storage.path().join(segment.name());
        let held_for = |why: &dyn std::fmt::Display| {
            Unsynced::Held(format!(
                "{} was removed or replaced while the log was written, and cannot be written again ({why}): nothing is \
                 stored until it can",
                path.display()
            ))
        };
        if !self.shared.close_gate() {
            return Err(held_for(&"an append does not end"));
        }
        // It may have got a longer mapping since.
        let Some(segment) = self.shared.segment(segment.first) else {
            return Ok(());
        };
        let time = (self.options.clock)();
        let (again, incident) = placement::write_again(&self.storage, &segment, segment.tail(), time)
            .map_err(|error| held_for(&error))?;
        let again = Arc::new(again);
        self.shared.replace_segment(&again);
        self.shared.gate.store(Gate::Moved.word(), Ordering::SeqCst);
        held(&self.shared.integrity).restored += 1;
        self.report(&incident);
        Ok(())
    }

    /// Nothing is appended until the files are at their paths.
    fn keep_out(&self, reason: String) -> SyncFailed {
        // Whether an append is on its way does not matter here: it is not acknowledged as durable.
        let _ = self.shared.close_gate();
        let before = held(&self.shared.integrity).held.replace(reason.clone());
        let failed = SyncFailed {
            reason,
            durable: self.shared.durable(),
        };
        if before.as_ref() != Some(&failed.reason) {
            self.shared
                .progress
                .send_modify(|progress| progress.held = Some(failed.clone()));
            self.report(&Incident::Held {
                reason: failed.reason.clone(),
            });
        }
        failed
    }

    /// The files are at their paths: appending goes on.
    fn let_in(&self) {
        if held(&self.shared.integrity).held.take().is_some() {
            self.shared.progress.send_modify(|progress| progress.held = None);
            self.report(&Incident::Resumed);
        }
        if self.shared.is_closed() {
            self.shared.gate.store(Gate::Moved.word(), Ordering::SeqCst);
        }
    }

    fn report(&self, incident: &Incident) {
        if let Some(hear) = &self.options.on_incident {
            hear(incident);
        }
    }

    fn sync_to(&self, segment: &ActiveSegment, tail: SegmentTail) -> Result<(), Unsynced> {
        let refused = |error| Unsynced::Refused(segment.name(), error);
        let synced = segment.synced_to.load(Ordering::Relaxed);
        let linked = segment.linked.load(Ordering::Relaxed);
        if linked && synced >= tail.offset {
            return Ok(());
        }
        let from = if linked { synced } else { 0 };
        segment.region.sync(span(from, tail.offset)).map_err(refused)?;
        if !linked {
            self.storage.sync_dir().map_err(|error| match error.kind() {
                // That the directory is gone does not say that the disk lost anything.
                io::ErrorKind::NotFound => Unsynced::Held(placement::directory_gone(&self.storage, &error)),
                _ => refused(error),
            })?;
            segment.linked.store(true, Ordering::Relaxed);
        }
        segment.synced_to.store(tail.offset, Ordering::Relaxed);
        Ok(())
    }

    /// Records in the active segment how far it is durable, so that a start can distinguish an end that went bad from one that was
    /// never written. The frames alone cannot say that of the records of the last sync.
    ///
    /// The footer is not synced: that would double the cost of every sync. The footer of a killed process is in the page
    /// cache, and after a power cut the footer of an earlier sync is there; both are true.
    fn update_footer(&mut self, segment: &ActiveSegment, tail: SegmentTail) {
        if tail.last > self.footer_at && tail.last >= segment.first {
            segment.publish_footer(tail, false, (self.options.clock)());
            self.footer_at = tail.last;
        }
    }

    /// Marks a fully synced segment as sealed and cuts off what it does not use.
    fn seal(&self, segment: &ActiveSegment, tail: SegmentTail) -> io::Result<()> {
        segment.write_footer(tail, true, (self.options.clock)())?;
        let trimmed = trimmed_len(tail.offset);
        if trimmed < segment.region.len() as u64 {
            // A file that stays too long is only a waste of space, so this may fail.
            let _ = self.storage.set_len(&segment.name(), trimmed);
        }
        Ok(())
    }

    fn prepare_next(&mut self, segment: &ActiveSegment, tail: SegmentTail) {
        let half_full = tail.offset > segment.region.len() as u64 / 2;
        if !half_full || self.prepared_for == segment.first {
            return;
        }
        self.prepared_for = segment.first;
        if held(&self.shared.prepared).is_some() {
            return;
        }
        // If there is no space now, there may be when the segment is full; the appender then reports it if not.
        if let Ok(region) = self
            .storage
            .create_region(PREPARED_NAME, self.options.segment_len())
        {
            self.shared.put_back_prepared(region);
        }
    }

    /// Syncs all, writes the footer of the active segment, and gives its unused space back.
    pub(crate) fn close(&mut self) -> Result<(), LogError> {
        self.sync()?;
        if self.shared.take_prepared().is_some() {
            // Left behind, it would be removed at the next start.
            let _ = self.storage.remove(PREPARED_NAME);
        }
        let active = held(&self.shared.segments).back().cloned();
        if let Some(segment) = active {
            let path = self.storage.path().join(segment.name());
            let tail = segment.tail();
            segment
                .write_footer(tail, false, (self.options.clock)())
                .map_err(LogError::io("sync", &path))?;
            let trimmed = trimmed_len(tail.offset);
            if trimmed < segment.region.len() as u64 {
                self.storage
                    .set_len(&segment.name(), trimmed)
                    .map_err(LogError::io("trim", &path))?;
            }
        }
        Ok(())
    }

    /// No further sync will come: all who wait get an error.
    pub(crate) fn abandon(&self) {
        let reason = "the log was closed before".to_owned();
        if self.shared.unsynced() {
            self.shared.report_failure(reason);
            return;
        }
        let closed = SyncFailed {
            reason,
            durable: self.shared.durable(),
        };
        self.shared
            .progress
            .send_modify(|progress| progress.failure = Some(closed));
    }
}

fn span(from: u64, to: u64) -> std::ops::Range<usize> {
    // Offsets lie inside a region, whose length is a usize.
    usize::try_from(from).unwrap_or(usize::MAX)..usize::try_from(to).unwrap_or(usize::MAX)
}

/// The sync thread, and how to stop it.
#[derive(Debug)]
pub(crate) struct SyncThread {
    handle: JoinHandle<Syncer>,
}

impl SyncThread {
    pub(crate) fn start(syncer: Syncer) -> io::Result<Self> {
        let shared = Arc::clone(&syncer.shared);
        let handle = thread::Builder::new()
            .name("timberline-sync".to_owned())
            .spawn(move || run(syncer))?;
        // Set once per log, right after the thread has begun; a wake before that is made up for here.
        let _ = shared.thread.set(handle.thread().clone());
        shared.wake();
        Ok(Self { handle })
    }

    /// Lets the thread finish and takes its work over; `None` if it panicked.
    pub(crate) fn stop(self, shared: &Shared) -> Option<Syncer> {
        shared.stop.store(true, Ordering::Release);
        self.handle.thread().unpark();
        self.handle.join().ok()
    }
}

fn run(mut syncer: Syncer) -> Syncer {
    let shared = Arc::clone(&syncer.shared);
    let interval = syncer.options.sync_interval;
    // When the oldest unsynced record was first seen.
    let mut unsynced_since: Option<Instant> = None;
    while !shared.stop.load(Ordering::Acquire) && shared.failure().is_none() {
        if shared.is_closed() {
            wait_before_retry(&shared);
            let _ = syncer.sync();
            continue;
        }
        if shared.sealing.swap(false, Ordering::AcqRel) {
            let _ = syncer.sync();
            continue;
        }
        if !shared.is_due() {
            unsynced_since = None;
            if !rest_until_append(&shared) {
                // Nothing was written for a while: the files may be gone nevertheless.
                let _ = syncer.sync();
            }
            continue;
        }
        let since = *unsynced_since.get_or_insert_with(timberline_clock::monotonic);
        let left = interval.saturating_sub(since.elapsed());
        if !shared.wanted() && left > Duration::ZERO {
            thread::park_timeout(left);
            continue;
        }
        unsynced_since = None;
        // A failure is reported to everybody who waits; the loop ends with it.
        let _ = syncer.sync();
    }
    syncer
}

/// Sleeps until something is appended, or is to be sealed. False if nothing was for a while.
fn rest_until_append(shared: &Shared) -> bool {
    shared.idle.store(true, Ordering::Relaxed);
    fence(Ordering::SeqCst);
    let since = timberline_clock::monotonic();
    let wanted = shared.stop.load(Ordering::Acquire) || shared.sealing.load(Ordering::Acquire);
    if !shared.is_due() && !wanted {
        thread::park_timeout(IDLE_CHECK);
    }
    shared.idle.store(false, Ordering::Relaxed);
    since.elapsed() < IDLE_CHECK
}

/// Waits a moment, however often somebody asks for a sync meanwhile.
fn wait_before_retry(shared: &Shared) {
    let until = timberline_clock::monotonic() + RETRY_EVERY;
    while !shared.stop.load(Ordering::Acquire) {
        let left = until.saturating_duration_since(timberline_clock::monotonic());
        if left.is_zero() {
            break;
        }
        thread::park_timeout(left);
    }
}

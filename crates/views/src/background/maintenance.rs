//! Keeping history as long as it is wanted and no longer: purges are carried out, deleted things are erased after their
//! time, old log segments are squashed.
//!
//! All of it rewrites sealed log segments or view segments, each swapped atomically. Whatever is interrupted is found
//! and finished at the next start: a purge is pending until the record that says it is complete.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rustc_hash::{FxHashMap, FxHashSet};
use timberline_cancel::{Cancel, Cancelled};
use timberline_log::{LogReader, Seq};
use timberline_model::{EventId, Timestamp};

use crate::erasure::erase_copy::{self, CopyErasure};
use crate::erasure::erase_log::{self, LogErasure, Targets};
use crate::erasure::{select, squash};
use crate::files::heal;
use crate::history::HistoryError;
use crate::history::trash::Deletions;
use crate::pace::Pace;
use crate::record::{BucketKey, PRESENT, Purge, PurgeBegun, PurgeEnded, Record};
use crate::sequencer::commit::Prepared;
use crate::store::open::{is_view_file, named_files};
use crate::store::{ROUNDS, Shared, Store};
use crate::time_trust::{Dating, TimeTrust};
use crate::view::Snapshot;
use crate::view::{BucketView, Located};

/// Bytes of log that background work reads in a second: a tenth of what a disk of today can do.
const PACE: u64 = 32 << 20;
/// How many bytes are read between two looks at the clock.
const STRIDE: u64 = 1 << 20;
/// After a failure it is tried again so much later.
const RETRY: Duration = Duration::from_secs(60);
/// How often the clocks are compared, and a confirmation of the clock is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// What a round of maintenance did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Maintenance {
    /// Log segments squashed.
    pub squashed: u64,
    /// Their bytes before.
    pub bytes_before: u64,
    /// Their bytes now.
    pub bytes_after: u64,
    /// Purges completed.
    pub purges: u64,
}

/// That something is gone for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PurgeReceipt {
    /// The newest record of the purge.
    pub seq: Seq,
    /// What was rewritten of the log.
    pub log: LogErasure,
    /// View segments that were rewritten or removed.
    pub view_segments: u64,
    /// When it was complete.
    pub completed: Timestamp,
}

/// The speed of the store's background work, which ends when the store closes.
struct StorePace<'a> {
    shared: &'a Shared,
    cancel: &'a Cancel,
    /// Whether it has time.
    leisurely: bool,
    since: Instant,
    bytes: u64,
    looked: u64,
}

impl<'a> StorePace<'a> {
    fn new(shared: &'a Shared, leisurely: bool, cancel: &'a Cancel) -> StorePace<'a> {
        StorePace {
            shared,
            cancel,
            leisurely,
            since: Instant::now(),
            bytes: 0,
            looked: 0,
        }
    }
}

impl Pace for StorePace<'_> {
    fn spent(&mut self, bytes: u64) -> Result<(), Cancelled> {
        self.cancel.check()?;
        self.bytes += bytes;
        if self.bytes - self.looked < STRIDE {
            return Ok(());
        }
        self.looked = self.bytes;
        if self.shared.closing.load(Ordering::Acquire) {
            return Err(Cancelled);
        }
        let due = Duration::from_micros(self.bytes.saturating_mul(1_000_000) / PACE);
        match due.checked_sub(self.since.elapsed()) {
            Some(early) if self.leisurely && !self.shared.rest(early) => Err(Cancelled),
            _ => Ok(()),
        }
    }
}

impl Store {
    /// One round of what the history thread does: completes purges, erases what was deleted long ago, squashes old
    /// log segments.
    ///
    /// # Errors
    /// When files cannot be read or written; what was not done is done by a later round.
    pub fn maintain(&self) -> Result<Maintenance, HistoryError> {
        self.shared.maintain(false)
    }

    /// Orders events or buckets to be erased and sees to it that they are: when this returns, no byte of them is left
    /// in log, views and checkpoint. They are out of sight from the beginning; if it fails or the process dies on the
    /// way, it is completed later.
    ///
    /// # Errors
    /// When it cannot be written down, or not be completed now.
    pub fn purge(&self, purges: &[PurgeBegun]) -> Result<Option<PurgeReceipt>, HistoryError> {
        self.order_purge(purges)?;
        self.complete_purges()
    }

    /// The first half of [`Store::purge`]: writes the orders down, durably. On return everything in them is out of
    /// sight and will be erased. Nothing was ordered if this fails with a [`WriteError`](crate::error::WriteError) that passes.
    ///
    /// # Errors
    /// When they cannot be written down.
    pub fn order_purge(&self, purges: &[PurgeBegun]) -> Result<(), HistoryError> {
        self.shared.order(purges)
    }

    /// The first half for events that a bucket has now: they go with everything they ever were. The log is not searched.
    ///
    /// # Errors
    /// As [`Store::order_purge`].
    pub fn order_purge_of(&self, bucket: BucketKey, ids: &[EventId]) -> Result<(), HistoryError> {
        let ids = ids.iter().map(|id| id.0).collect();
        self.order_purge(&select::purges(bucket, [(PRESENT, ids)].into()))
    }

    /// The second half: erases everything that was ordered, by whomever. `None` if nothing is left to do. When it
    /// fails, the store tries again by itself, in a minute at the latest.
    ///
    /// # Errors
    /// When files cannot be read or written.
    pub fn complete_purges(&self) -> Result<Option<PurgeReceipt>, HistoryError> {
        self.shared
            .complete_purges(false, &Cancel::new())
            .inspect_err(|_| self.shared.maintain_soon())
    }

    /// The same for what nobody waits for: it reads and writes only as fast as background work may, and can be
    /// cancelled. What was ordered is completed later then.
    ///
    /// # Errors
    /// As [`Store::complete_purges`]; [`HistoryError::Cancelled`].
    pub fn complete_purges_at_leisure(&self, cancel: &Cancel) -> Result<Option<PurgeReceipt>, HistoryError> {
        self.shared
            .complete_purges(true, cancel)
            .inspect_err(|_| self.shared.maintain_soon())
    }

    /// Erases from these segments of a copy of the log whatever was ordered to be erased after the record `done`. For
    /// segments that may have records that the log has lost; others are replaced by the log's own. Nobody else may
    /// write to the copy meanwhile. It can be cancelled.
    ///
    /// # Errors
    /// When the log or the copy cannot be read, or the copy not be written; [`HistoryError::Cancelled`].
    pub fn erase_from_copy(
        &self,
        copy: Arc<dyn timberline_disk::Storage>,
        segments: &[Seq],
        done: Seq,
        cancel: &Cancel,
    ) -> Result<CopyErasure, HistoryError> {
        let copy = self.copy_reader(copy)?;
        let mut pace = StorePace::new(&self.shared, true, cancel);
        let log = self.shared.reader()?;
        erase_copy::erase_from_copy(&log, &copy, segments, done, &mut pace)
    }

    /// The newest order to erase of which a copy of the log says that it was completed.
    ///
    /// # Errors
    /// When the copy cannot be read.
    pub fn purged_through(&self, copy: Arc<dyn timberline_disk::Storage>) -> Result<Seq, HistoryError> {
        erase_copy::completed_in(&self.copy_reader(copy)?)
    }

    fn copy_reader(&self, copy: Arc<dyn timberline_disk::Storage>) -> Result<LogReader, HistoryError> {
        Ok(LogReader::open(copy)?.with_cipher(self.shared.options.cipher.clone()))
    }

    /// How often orders to erase were completed since the store was opened. When the number grows, copies of the data
    /// may still hold what is erased here.
    pub fn purges_completed(&self) -> u64 {
        self.shared.purges_completed.load(Ordering::Acquire)
    }

    /// How often segments of the log were replaced since the store was opened: erased from or squashed. When the number
    /// grows, copies of the log hold older versions of them.
    pub fn log_rewrites(&self) -> u64 {
        self.shared.log_rewrites.load(Ordering::Acquire)
    }

    /// Orders to erase that are not completed yet.
    pub fn purges_pending(&self) -> usize {
        self.shared.published.load().purges.len()
    }
}

impl Shared {
    pub(crate) fn reader(&self) -> Result<LogReader, HistoryError> {
        let reader = LogReader::open(self.log_storage.clone())?;
        Ok(reader.with_cipher(self.options.cipher.clone()))
    }

    fn maintain(&self, leisurely: bool) -> Result<Maintenance, HistoryError> {
        let mut done = Maintenance::default();
        self.past.lock().tidy();
        let snapshot = self.published.load_full();
        let segments = snapshot.kept().flat_map(|view| view.segments.iter());
        segments.for_each(|sealed| sealed.segment.distrust());
        let trust = self.clock.trust();
        // What a person ordered is carried out whatever the clock says.
        if let TimeTrust::Trusted(now) = trust {
            let (expired, old_through) = self.expired(now, leisurely)?;
            self.order(&expired)?;
            // Not before the orders are durable: what could not be ordered is looked for again in the next round.
            self.erased_through.store(old_through.get(), Ordering::Relaxed);
        }
        let pending = self.published.load().purges.len() as u64;
        if self.complete_purges(leisurely, &Cancel::new())?.is_some() {
            done.purges = pending;
        }
        if let TimeTrust::Trusted(now) = trust {
            self.squash(now, leisurely, &mut done)?;
        }
        Ok(done)
    }

    /// Has the history thread look for work in a while, instead of when its next round would be due.
    fn maintain_soon(&self) {
        self.retry_maintenance.store(true, Ordering::Release);
        let _guard = self.sleep.lock();
        self.rested.notify_all();
    }

    /// Writes purges down, durably.
    fn order(&self, purges: &[PurgeBegun]) -> Result<(), HistoryError> {
        if purges.is_empty() {
            return Ok(());
        }
        let seq = self.write_orders(purges)?;
        self.past.lock().forget();
        Ok(self.wait_durable(seq)?)
    }

    /// Appends the orders. Where the events lie is found before the lock.
    fn write_orders(&self, purges: &[PurgeBegun]) -> Result<Seq, HistoryError> {
        for round in 1..=ROUNDS {
            let snapshot = self.published.load_full();
            let batch = prepared(purges, &snapshot)?;
            self.interleave();
            let mut sequencer = self.sequencer.lock();
            let bucket = |key| sequencer.state.anywhere(key).map(|(bucket, _)| &bucket.view);
            let holds =
                |located: &Arc<Located>| bucket(located.bucket()).is_none_or(|view| located.covers(view));
            // Whatever came between, it is found again by the fold in the last round.
            if round == ROUNDS || batch.iter().all(|order| order.located.as_ref().is_none_or(holds)) {
                return Ok(self.commit_all(&mut sequencer, &batch)?);
            }
        }
        Err(HistoryError::Unsettled)
    }

    /// Completes all purges that were ordered. `None` if there was none.
    fn complete_purges(
        &self,
        leisurely: bool,
        cancel: &Cancel,
    ) -> Result<Option<PurgeReceipt>, HistoryError> {
        let _one_at_a_time = self.maintaining.lock();
        let purges = self.published.load().purges.clone();
        let Some(newest) = purges.last().copied().map(Seq) else {
            return Ok(None);
        };
        self.seal_log(newest)?;
        let reader = self.reader()?;
        let targets = Targets::of(&reader, &purges)?;
        for order in &targets.lost_orders {
            tracing::error!(
                record = order.get(),
                "an order to erase (purge or redaction) is lost to damage: what it named is not shown any more, but is not \
                 erased; order it again"
            );
        }
        let mut pace = StorePace::new(self, leisurely, cancel);
        let log = erase_log::erase(&reader, &targets, &mut pace)?;
        self.remove_replaced()?;
        let view_segments = self.erase_from_views(&targets)?;
        self.past.lock().forget();
        let ended = Record::PurgeEnded(PurgeEnded {
            through: newest.get(),
        });
        let seq = self.commit(&mut self.sequencer.lock(), &ended)?;
        self.wait_durable(seq)?;
        self.purges_completed.fetch_add(1, Ordering::AcqRel);
        self.log_rewrites.fetch_add(1, Ordering::AcqRel);
        Ok(Some(PurgeReceipt {
            seq: newest,
            log,
            view_segments,
            completed: Timestamp::from_nanos(self.clock.now()),
        }))
    }

    /// Ends the active log segment and waits until everything up to `seq` lies in sealed ones.
    fn seal_log(&self, seq: Seq) -> Result<(), HistoryError> {
        let mut sequencer = self.sequencer.lock();
        sequencer
            .log
            .begin_segment()
            .map_err(crate::error::WriteError::from)?;
        sequencer.state.position = Some(sequencer.log.position());
        #[cfg(feature = "sim")]
        if self.options.manual_sync {
            return Ok(sequencer.log.sync_now()?);
        }
        drop(sequencer);
        Ok(self.durability.wait_sealed_blocking(seq)?)
    }

    /// Removes files that somebody put in the place of log segments. They are copies of what the log holds, of unknown age:
    /// nothing can be erased from them.
    fn remove_replaced(&self) -> Result<(), HistoryError> {
        let storage = &*self.log_storage;
        let io = |doing: &'static str, name: &str| {
            let path = storage.path().join(name);
            move |source| timberline_log::LogError::Io { doing, path, source }
        };
        for name in timberline_log::replaced_files(storage).map_err(io("list", ""))? {
            storage.remove(&name).map_err(io("remove", &name))?;
            tracing::warn!(
                file = name,
                "removed a file that had been put in the place of a log segment: it may have held what was purged"
            );
        }
        Ok(())
    }

    /// Rewrites the view segments that hide something of the targets' buckets, and removes what no checkpoint names.
    fn erase_from_views(&self, targets: &Targets) -> Result<u64, HistoryError> {
        let _one_at_a_time = self.compacting.lock();
        let mut rewritten = 0;
        for key in targets.buckets() {
            let snapshot = self.published.load_full();
            let Some(view) = snapshot.kept_of(key) else {
                continue;
            };
            for sealed in view.segments.iter().filter(|sealed| !sealed.hidden.is_empty()) {
                self.merge(key, std::slice::from_ref(sealed))?;
                rewritten += 1;
            }
        }
        self.checkpoint()?;
        Ok(rewritten + self.remove_unnamed(&targets.buckets().collect())?)
    }

    /// Removes the view files that neither the present nor the checkpoint, which was just written, needs, and the damaged
    /// ones of these buckets that were set aside.
    fn remove_unnamed(&self, erased: &FxHashSet<BucketKey>) -> Result<u64, HistoryError> {
        let io = |file: &str| {
            let file = file.to_owned();
            move |error| crate::error::CompactError::Io { file, error }
        };
        let named: FxHashSet<String> = named_files(&self.published.load()).into_iter().collect();
        let mut removed = 0;
        for name in self.views.list().map_err(io("list"))? {
            let set_aside = heal::set_aside_of(&name).is_some_and(|key| erased.contains(&key));
            if set_aside || (is_view_file(&name) && !named.contains(&name)) {
                self.views.remove(&name).map_err(io(&name))?;
                removed += 1;
            }
        }
        self.obsolete.lock().retain(|name| named.contains(name));
        self.views.sync_dir().map_err(io("sync"))?;
        Ok(removed)
    }

    /// Orders for what was deleted longer ago than it is to be kept, and did not come back since; and the record
    /// through which all deletions are old and have been looked at.
    fn expired(&self, now: Timestamp, leisurely: bool) -> Result<(Vec<PurgeBegun>, Seq), HistoryError> {
        let snapshot = self.published.load_full();
        let keep = i64::try_from(self.options.erase_after.as_nanos()).unwrap_or(i64::MAX);
        let old = now.nanos().saturating_sub(keep);
        let reader = self.reader()?;
        let dating = self.clock.dating(&reader.segments()?);
        let mut purges: Vec<PurgeBegun> = Vec::new();
        for trashed in snapshot.trashed() {
            let deleted = trashed.deleted();
            if dating.date(deleted, time_of(&reader, deleted)?) <= old {
                purges.push(whole(trashed.view.key));
            }
        }
        let from = Seq(self.erased_through.load(Ordering::Relaxed)).next();
        let cancel = Cancel::new();
        let mut pace = StorePace::new(self, leisurely, &cancel);
        let deletions = Deletions::read(&reader, from, old, &dating, &mut pace)?;
        let old_through = deletions.old_through;
        let mut gone: BTreeMap<BucketKey, Vec<u64>> = BTreeMap::new();
        for ((_, time), key, ids) in deletions.by_record() {
            if time <= old && snapshot.kept_of(key).is_some() {
                gone.entry(key)
                    .or_default()
                    .extend(ids.into_iter().map(|id| id.0));
            }
        }
        for (bucket, ids) in gone {
            purges.extend(select::purges(bucket, [(PRESENT, ids)].into()));
        }
        Ok((purges, old_through))
    }

    /// Squashes the sealed log segments that are older than history is kept.
    fn squash(&self, now: Timestamp, leisurely: bool, done: &mut Maintenance) -> Result<(), HistoryError> {
        let _one_at_a_time = self.maintaining.lock();
        let keep = self.options.history.max(self.options.erase_after);
        let keep = i64::try_from(keep.as_nanos()).unwrap_or(i64::MAX);
        let cutoff = now.nanos().saturating_sub(keep);
        let reader = self.reader()?;
        let segments = reader.segments()?;
        let dating = self.clock.dating(&segments);
        self.end_old_segment(&segments, &dating, cutoff);
        let purges = self.published.load().purges.clone();
        let cancel = Cancel::new();
        let mut pace = StorePace::new(self, leisurely, &cancel);
        for segment in &segments {
            let saved = segment
                .last
                .is_some_and(|last| last.get() <= self.checkpointed.load(Ordering::Relaxed));
            let sealed = segment
                .last
                .zip(segment.sealed)
                .map(|(last, sealed)| dating.date(last, sealed));
            let old = sealed.is_some_and(|sealed| sealed < cutoff);
            if !saved || !old {
                break;
            }
            if segment.squashed {
                continue;
            }
            if let Some(rewritten) = squash::squash(&reader, segment, &purges, &mut pace)? {
                tracing::debug!(segment.file, ?rewritten, "a log segment was squashed");
                self.log_rewrites.fetch_add(1, Ordering::AcqRel);
                done.squashed += 1;
                done.bytes_before += rewritten.before;
                done.bytes_after += rewritten.after;
                self.past.lock().forget();
            }
        }
        Ok(())
    }

    /// Ends the active segment if it was begun longer ago than history is kept: it would hold on to it until it is
    /// full.
    fn end_old_segment(&self, segments: &[timberline_log::SegmentInfo], dating: &Dating, cutoff: i64) {
        let active = segments.last().filter(|segment| segment.last.is_none());
        let created = active.and_then(|active| Some(dating.date(active.first, active.created?)));
        if created.is_some_and(|created| created < cutoff) {
            let mut sequencer = self.sequencer.lock();
            if let Err(error) = sequencer.log.begin_segment() {
                tracing::warn!(%error, "the active log segment is old and cannot be ended");
            }
            sequencer.state.position = Some(sequencer.log.position());
        }
    }
}

/// Encodes orders, and finds where the events lie that are there.
fn prepared<'a>(purges: &[PurgeBegun], snapshot: &Snapshot) -> Result<Vec<Prepared<'a>>, HistoryError> {
    // Each order finds the view as the one before it leaves it.
    let mut views: FxHashMap<BucketKey, BucketView> = FxHashMap::default();
    let mut batch = Vec::with_capacity(purges.len());
    for purge in purges {
        let ids: Vec<u64> = Purge::of(purge).removed().flatten().copied().collect();
        let mut located = None;
        if !ids.is_empty()
            && let Some(view) = views
                .remove(&purge.bucket)
                .or_else(|| snapshot.kept_of(purge.bucket).cloned())
        {
            // What cannot be read must not keep the order from being written.
            located = Located::of(&view, &ids).ok();
            let left = located.as_ref().map_or(view, Located::without);
            views.insert(purge.bucket, left);
        }
        let record = Record::PurgeBegun(purge.clone());
        batch.push(Prepared::of(record, located.map(Arc::new))?);
    }
    Ok(batch)
}

/// The order to erase all of a bucket.
pub(crate) fn whole(bucket: BucketKey) -> PurgeBegun {
    PurgeBegun {
        bucket,
        whole: true,
        events: Vec::new(),
        redact: false,
    }
}

/// When a record was written, ns since 1970; long ago if it is lost.
pub(crate) fn time_of(reader: &LogReader, seq: Seq) -> Result<i64, HistoryError> {
    let mut records = reader.read_from(seq)?;
    Ok(records
        .next()
        .and_then(Result::ok)
        .map_or(i64::MIN, |record| record.time))
}

/// The thread that does the work. It compares the clocks more often than it works.
pub(crate) fn run(shared: &Arc<Shared>) {
    let mut due = Instant::now();
    let mut suspended = false;
    loop {
        let trusted = matches!(shared.clock.trust(), TimeTrust::Trusted(_));
        let resumed = std::mem::replace(&mut suspended, !trusted) && trusted;
        let now = Instant::now();
        if resumed || now >= due {
            due = now + round(shared);
        }
        // What a request could not complete is not left until the next round of an hour.
        if shared.retry_maintenance.swap(false, Ordering::AcqRel) {
            due = due.min(Instant::now() + RETRY.min(shared.options.maintain_every));
        }
        if !shared.rest(due.saturating_duration_since(Instant::now()).min(LOOK_EVERY)) {
            return;
        }
    }
}

/// One round of work. Tells when the next one is due.
fn round(shared: &Arc<Shared>) -> Duration {
    match shared.maintain(true) {
        Ok(done) => {
            if done != Maintenance::default() {
                tracing::info!(?done, "history was tidied up");
            }
            shared.options.maintain_every
        }
        Err(HistoryError::Cancelled) => Duration::ZERO,
        Err(error) => {
            tracing::error!(%error, "history could not be tidied up; it is tried again");
            RETRY.min(shared.options.maintain_every)
        }
    }
}

//! The history thread: it completes purges, erases what was deleted long ago, and squashes old log segments.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use timberline_cancel::Cancel;

use timberline_log::Seq;
use timberline_model::{EventId, Timestamp};

use crate::background::pace::StorePace;
use crate::erasure::progress::Maintenance;
use crate::erasure::{select, squash};
use crate::error::HistoryError;
use crate::history::horizon::time_of;
use crate::history::trash::Deletions;
use crate::record::{BucketKey, PurgeBegun, Through};
use crate::store::{Shared, Store};
use crate::time_trust::{RecordDates, TimeTrust};

/// After a failure it is tried again so much later.
const RETRY: Duration = Duration::from_secs(60);
/// How often the clocks are compared, and a confirmation of the clock is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(10);

impl Store {
    /// One round of what the history thread does: completes purges, erases what was deleted long ago, squashes old
    /// log segments.
    ///
    /// # Errors
    /// When files cannot be read or written; what was not done is done by a later round.
    pub fn maintain(&self) -> Result<Maintenance, HistoryError> {
        self.shared.maintain(false)
    }
}

impl Shared {
    fn maintain(&self, leisurely: bool) -> Result<Maintenance, HistoryError> {
        let mut done = Maintenance::default();
        self.as_of.drop_idle();
        let snapshot = self.sequencer.snapshot();
        let segments = snapshot.kept().flat_map(|view| view.segments.iter());
        segments.for_each(|sealed| sealed.segment.distrust());
        let trust = self.clock.trust();
        // What a person ordered is carried out whatever the clock says.
        if let TimeTrust::Trusted(now) = trust {
            let (expired, old_through) = self.expired(now, leisurely)?;
            self.enqueue_purges(&expired)?;
            // Not before the orders are durable: what could not be ordered is looked for again in the next round.
            self.erasure.set_erased_through(old_through);
        }
        let pending = self.sequencer.snapshot().purges.len() as u64;
        if self.complete_purges(leisurely, &Cancel::new())?.is_some() {
            done.purges = pending;
        }
        if let TimeTrust::Trusted(now) = trust {
            self.squash(now, leisurely, &mut done)?;
        }
        Ok(done)
    }

    /// Orders for what was deleted longer ago than it is to be kept, and did not come back since; and the record
    /// through which all deletions are old and have been looked at.
    fn expired(&self, now: Timestamp, leisurely: bool) -> Result<(Vec<PurgeBegun>, Seq), HistoryError> {
        let snapshot = self.sequencer.snapshot();
        let old = now.saturating_sub(self.options.erase_after.into());
        let reader = self.reader()?;
        let dates = self.clock.record_dates(&reader.segments()?);
        let mut purges: Vec<PurgeBegun> = Vec::new();
        for trashed in snapshot.trashed() {
            let deleted = trashed.deleted();
            if dates.date(deleted, time_of(&reader, deleted)?) <= old {
                purges.push(PurgeBegun::whole(trashed.view.key));
            }
        }
        let from = self.erasure.erased_through().next();
        let cancel = Cancel::new();
        let mut pace = StorePace::new(&self.wakeup, leisurely, &cancel);
        let deletions = Deletions::read(&reader, from, old, &dates, &mut pace)?;
        let old_through = deletions.old_through;
        let mut gone: BTreeMap<BucketKey, Vec<EventId>> = BTreeMap::new();
        for ((_, time), key, ids) in deletions.by_record() {
            if time <= old && snapshot.kept_of(key).is_some() {
                gone.entry(key).or_default().extend(ids);
            }
        }
        for (bucket, ids) in gone {
            purges.extend(select::purges(bucket, [(Through::Now, ids)].into()));
        }
        Ok((purges, old_through))
    }

    /// Squashes the sealed log segments that are older than history is kept.
    fn squash(&self, now: Timestamp, leisurely: bool, done: &mut Maintenance) -> Result<(), HistoryError> {
        let _one_at_a_time = self.erasure.lock_log();
        let keep = self.options.history.max(self.options.erase_after);
        let cutoff = now.saturating_sub(keep.into());
        let reader = self.reader()?;
        let segments = reader.segments()?;
        let dates = self.clock.record_dates(&segments);
        self.end_old_segment(&segments, &dates, cutoff);
        let purges = self.sequencer.snapshot().purges.clone();
        let cancel = Cancel::new();
        let mut pace = StorePace::new(&self.wakeup, leisurely, &cancel);
        for segment in &segments {
            let saved = segment
                .last
                .is_some_and(|last| last <= self.checkpointer.through());
            let sealed = segment
                .last
                .zip(segment.sealed)
                .map(|(last, sealed)| dates.date(last, Timestamp::from_nanos(sealed)));
            let old = sealed.is_some_and(|sealed| sealed < cutoff);
            if !saved || !old {
                break;
            }
            if segment.squashed {
                continue;
            }
            if let Some(rewritten) = squash::squash(&reader, segment, &purges, &mut pace)? {
                tracing::debug!(segment.file, ?rewritten, "a log segment was squashed");
                self.erasure.note_rewrite();
                done.squashed += 1;
                done.bytes_before += rewritten.before;
                done.bytes_after += rewritten.after;
                self.as_of.clear();
            }
        }
        Ok(())
    }

    /// Ends the active segment if it was begun longer ago than history is kept: it would hold on to it until it is
    /// full.
    fn end_old_segment(
        &self,
        segments: &[timberline_log::SegmentInfo],
        dates: &RecordDates,
        cutoff: Timestamp,
    ) {
        let active = segments.last().filter(|segment| segment.last.is_none());
        let created = active.and_then(|active| {
            let created = Timestamp::from_nanos(active.created?);
            Some(dates.date(active.first, created))
        });
        if created.is_some_and(|created| created < cutoff)
            && let Err(error) = self.sequencer.begin_segment()
        {
            tracing::warn!(%error, "the active log segment is old and cannot be sealed");
        }
    }
}

/// The thread that does the work. It compares the clocks more often than it works.
pub(crate) fn run(shared: &Arc<Shared>) {
    let mut due = timberline_clock::monotonic();
    let mut suspended = false;
    loop {
        let trusted = matches!(shared.clock.trust(), TimeTrust::Trusted(_));
        let resumed = std::mem::replace(&mut suspended, !trusted) && trusted;
        let now = timberline_clock::monotonic();
        if resumed || now >= due {
            due = now + round(shared);
        }
        // What a request could not complete is not left until the next round of an hour.
        if shared.erasure.take_retry() {
            due = due.min(timberline_clock::monotonic() + RETRY.min(shared.options.maintain_every));
        }
        if !shared.wakeup.rest(
            due.saturating_duration_since(timberline_clock::monotonic())
                .min(LOOK_EVERY),
        ) {
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

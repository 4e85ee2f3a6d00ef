//! Erasing: what was ordered is removed from the log, from the views and from copies of the log.
//!
//! All of it rewrites sealed log segments or view segments, each swapped atomically. Whatever is interrupted is found and
//! finished at the next start: a purge is pending until the record that says it is complete.

use std::sync::Arc;
use timberline_cancel::Cancel;

use rustc_hash::FxHashSet;
use timberline_disk::IoError;
use timberline_log::{LogReader, Seq};

use crate::background::pace::StorePace;
use crate::erasure::erase_copy::{self, CopyErasure};
use crate::erasure::erase_log::{self, PurgeReceipt};
use crate::erasure::select::Selected;
use crate::erasure::targets::Targets;
use crate::error::{HistoryError, WriteError};
use crate::files::names::named_files;
use crate::record::{BucketKey, PurgeBegun, PurgeEnded, Record};
use crate::store::{Shared, Store};
use crate::write::redact::Redacting;

impl Store {
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

    /// Erases a bucket and all that was ever in it, there or in the trash. `None` if there is none with this key.
    ///
    /// # Errors
    /// As [`Store::purge`].
    pub fn purge_bucket(&self, bucket: BucketKey) -> Result<Option<PurgeReceipt>, HistoryError> {
        if self.snapshot().kept_of(bucket).is_none() {
            return Ok(None);
        }
        self.purge(&[PurgeBegun::whole(bucket)])
    }

    /// Gives events other data, now and in all of history, and erases what they had. `data` computes the new data of an
    /// event; events for which it is `None` stay. What was deleted, or matched before it was changed, is erased: there
    /// is no event to redact.
    ///
    /// # Errors
    /// As [`Store::purge`].
    pub fn redact(
        &self,
        selected: &Selected,
        data: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<PurgeReceipt>, HistoryError> {
        self.redact_on(&mut Redacting::of(selected), data)?;
        self.complete_purges()
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
        let mut pace = StorePace::new(&self.shared.wakeup, true, cancel);
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
        self.shared.erasure.purges_completed()
    }

    /// How often segments of the log were replaced since the store was opened: erased from or squashed. When the number
    /// grows, copies of the log hold older versions of them.
    pub fn log_rewrites(&self) -> u64 {
        self.shared.erasure.log_rewrites()
    }

    /// Orders to erase that are not completed yet.
    pub fn purges_pending(&self) -> usize {
        self.shared.sequencer.snapshot().purges.len()
    }
}

impl Shared {
    /// Has the history thread look for work in a while, instead of when its next round would be due.
    fn maintain_soon(&self) {
        self.erasure.want_retry();
        self.wakeup.wake_history();
    }

    /// Completes all purges that were ordered. `None` if there was none.
    pub(crate) fn complete_purges(
        &self,
        leisurely: bool,
        cancel: &Cancel,
    ) -> Result<Option<PurgeReceipt>, HistoryError> {
        let _one_at_a_time = self.erasure.lock_log();
        let purges = self.sequencer.snapshot().purges.clone();
        let Some(newest) = purges.last().copied() else {
            return Ok(None);
        };
        // Orders are carried out by rewriting sealed segments, and they may lie in the active one.
        self.sequencer.begin_segment().map_err(WriteError::from)?;
        self.sequencer.wait_sealed(newest)?;
        let reader = self.reader()?;
        let targets = Targets::of(&reader, &purges)?;
        for order in &targets.lost_orders {
            tracing::error!(
                record = order.get(),
                "an order to erase (purge or redaction) is lost to damage: what it named is not shown any more, but is not \
                 erased; order it again"
            );
        }
        let mut pace = StorePace::new(&self.wakeup, leisurely, cancel);
        let log = erase_log::erase(&reader, &targets, &mut pace)?;
        self.remove_replaced()?;
        let view_segments = self.erase_from_views(&targets)?;
        self.as_of.clear();
        let ended = Record::PurgeEnded(PurgeEnded { through: newest });
        let seq = self.sequencer.commit(&mut self.sequencer.lock(), &ended)?;
        self.sequencer.wait_durable(seq)?;
        self.erasure.note_purge();
        Ok(Some(PurgeReceipt {
            seq: newest,
            log,
            view_segments,
            completed: self.clock.now(),
        }))
    }

    /// Removes files that somebody put in the place of log segments. They are copies of what the log holds, of unknown age:
    /// nothing can be erased from them.
    fn remove_replaced(&self) -> Result<(), HistoryError> {
        let storage = &*self.log_storage;
        let io = |op: &'static str, name: &str| {
            let at = IoError::at(op, storage.path().join(name));
            move |source| timberline_log::LogError::Io(at(source))
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
        let _one_at_a_time = self.files.exclusive();
        let mut rewritten = 0;
        for key in targets.buckets() {
            let snapshot = self.sequencer.snapshot();
            let Some(view) = snapshot.kept_of(key) else {
                continue;
            };
            for sealed in view.segments.iter().filter(|sealed| !sealed.hidden.is_empty()) {
                self.merge(key, std::slice::from_ref(sealed))?;
                rewritten += 1;
            }
        }
        self.checkpoint()?;
        let named: FxHashSet<String> = named_files(&self.sequencer.snapshot()).collect();
        Ok(rewritten + self.files.remove_unnamed(&named, &targets.buckets().collect())?)
    }
}

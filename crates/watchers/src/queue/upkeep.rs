//! Writing to the log, also when the disk is full, and what has to be done from time to time.

use timberline_log::{AppendError, LogError};
use timberline_model::Duration;

use super::intake::{Hold, Queue};
use super::record::Record;

/// How often a held-back heartbeat is written again, at most.
pub(super) const REWRITE_HELD: Duration = Duration::from_secs(1);
/// The log is rewritten when it has grown by so many bytes more than twice the size of the queue.
const GROWTH: usize = 1 << 20;
/// Heartbeats that were sent are in the log for at most so long: who erases events from the server's store wants them nowhere.
pub(super) const FORGET_SENT: Duration = Duration::from_secs(600);
/// If the disk refuses that, it is tried again after so long.
const FORGET_AGAIN: Duration = Duration::from_secs(60);
/// Space on the disk is looked for, and a rewrite that failed tried again, so often.
const RETRY_WRITES: Duration = Duration::from_secs(1);

fn half(time: Duration) -> Duration {
    Duration::from_nanos(time.nanos() / 2)
}

impl Queue {
    /// Appends records to the log, or keeps them until there is space, and carries them out.
    pub(super) fn commit(&mut self, records: Vec<Record>, now: Duration) {
        self.write_unwritten(now);
        if !self.unwritten.is_empty() || self.try_append(&records, now).is_err() {
            self.unwritten.push_back(records.clone());
        }
        for record in records {
            self.state.apply(record);
        }
    }

    fn try_append(&mut self, records: &[Record], now: Duration) -> Result<(), ()> {
        // What was sent and is not known to be is sent again under the same id, and stored once: it need not be durable soon.
        let may_be_lost = records.iter().all(|record| matches!(record, Record::Done(_)));
        let appended = if may_be_lost {
            self.store.append_without_hurry(records)
        } else {
            self.store.append(records)
        };
        appended.map_err(|error| {
            if self.unwritten.is_empty() {
                tracing::warn!("heartbeats are kept in memory for now: {error}");
            }
            self.retry_writes_at = Some(now.saturating_add(RETRY_WRITES));
            self.log_has_failed |= matches!(error, AppendError::Failed(_));
        })
    }

    pub(super) fn write_unwritten(&mut self, now: Duration) {
        if self.retry_writes_at.is_some_and(|at| now < at) {
            return;
        }
        self.retry_writes_at = None;
        if self.log_has_failed {
            // Nothing can be appended to this log any more: another one takes its place.
            self.rewrite(now);
            return;
        }
        while let Some(batch) = self.unwritten.pop_front() {
            if self.try_append(&batch, now).is_err() {
                self.unwritten.push_front(batch);
                return;
            }
        }
    }

    /// What has to be done from time to time: writes what is held back, lets go of what was held for long enough, looks for
    /// space, writes a log anew that has grown.
    pub(crate) fn maintain(&mut self, now: Duration) {
        if self.closed {
            return;
        }
        self.write_unwritten(now);
        let holds: Vec<(String, Hold)> = self
            .holds
            .iter()
            .map(|(bucket, hold)| (bucket.clone(), *hold))
            .collect();
        let held_for = |hold: &Hold| now.saturating_sub(hold.since);
        let interval = self.options.commit_interval;
        // What was taken a little later goes with the same request.
        let one_is_due = holds.iter().any(|(_, hold)| held_for(hold) >= interval);
        let long_enough = if one_is_due { half(interval) } else { interval };
        for (bucket, hold) in holds {
            let Some(held) = self.state.held.get(&bucket).cloned() else {
                continue;
            };
            if self.online && held_for(&hold) >= long_enough {
                self.holds.remove(&bucket);
                self.commit(vec![Record::Queued(held)], now);
            } else if hold.is_changed && now.saturating_sub(hold.written) >= REWRITE_HELD {
                self.write_held(held, hold.since, now);
            }
        }
        let limit = self.state.bytes.saturating_mul(2).saturating_add(GROWTH);
        let has_grown = self.store.grown > limit || self.forget_sent_at.is_some_and(|at| at <= now);
        if has_grown && self.retry_writes_at.is_none() {
            self.rewrite(now);
        }
    }

    /// Writes the log anew, so that nothing is in it but what waits.
    pub(crate) fn forget_sent(&mut self, now: Duration) {
        if !self.closed && self.forget_sent_at.is_some() {
            self.rewrite(now);
        }
    }

    fn rewrite(&mut self, now: Duration) {
        match self.store.rewrite(&self.state) {
            Ok(()) => {
                self.unwritten.clear();
                self.log_has_failed = false;
                self.forget_sent_at = None;
            }
            Err(error) => {
                tracing::warn!("the queue of heartbeats could not be rewritten: {error}");
                self.retry_writes_at = Some(now.saturating_add(RETRY_WRITES));
                // What waits is tried again at once, and what was sent when the disk has had time.
                self.forget_sent_at = self.forget_sent_at.map(|_| now.saturating_add(FORGET_AGAIN));
            }
        }
    }

    /// When [`maintain`](Self::maintain) next has something to do.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let of_hold = |hold: &Hold| {
            let write = hold.is_changed.then(|| hold.written.saturating_add(REWRITE_HELD));
            let send = self
                .online
                .then(|| hold.since.saturating_add(self.options.commit_interval));
            write.into_iter().chain(send).min()
        };
        let held = self.holds.values().filter_map(of_hold);
        let unwritten = self.retry_writes_at.filter(|_| !self.unwritten.is_empty());
        // While a write is to be tried again, nothing is rewritten.
        let forget = self
            .forget_sent_at
            .max(self.retry_writes_at.filter(|_| self.forget_sent_at.is_some()));
        held.chain(unwritten).chain(forget).min()
    }

    /// Writes everything, and lets the next one open the queue. What is taken out of it afterwards is sent again.
    pub(crate) fn close(&mut self, now: Duration) -> Result<(), LogError> {
        if std::mem::replace(&mut self.closed, true) {
            return Ok(());
        }
        for (bucket, hold) in std::mem::take(&mut self.holds) {
            if let Some(held) = self.state.held.get(&bucket).filter(|_| hold.is_changed).cloned() {
                self.commit(vec![Record::Held(held)], now);
            }
        }
        self.retry_writes_at = None;
        self.write_unwritten(now);
        if self.forget_sent_at.is_some() {
            self.rewrite(now);
        }
        self.store.close()
    }

    /// Makes everything durable.
    #[cfg(test)]
    pub(crate) fn sync(&mut self) {
        self.store.sync();
    }

    /// Bytes appended since the log was begun.
    #[cfg(test)]
    pub(crate) fn grown(&self) -> usize {
        self.store.grown
    }

    #[cfg(test)]
    pub(crate) fn rewrite_now(&mut self, now: Duration) {
        self.rewrite(now);
    }
}

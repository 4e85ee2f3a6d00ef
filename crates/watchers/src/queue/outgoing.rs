//! What is to be sent, and the results.

use std::collections::BTreeMap;
use std::sync::Arc;

use timberline_log::{Durability, Seq};
use timberline_model::{Duration, Timestamp};

use super::heartbeat::Waiting;
use super::intake::Queue;
use super::record::{Attempt, Done, Record};
use super::refused::{Refusal, RefusedNote};
use super::upkeep::FORGET_SENT;

/// Heartbeats on their way.
pub(crate) struct Outgoing {
    pub(crate) attempt: Attempt,
    pub(crate) waiting: Vec<Waiting>,
    /// Whether they may have reached the server before.
    pub(crate) doubtful: bool,
    /// What to wait for before they are sent: after a power cut, the name of the attempt must be known if the server knows it.
    unsynced: Option<(Durability, Seq)>,
}

impl Outgoing {
    /// Waits until the attempt is durable. The queue is not locked meanwhile.
    pub(crate) fn make_durable(&mut self) {
        if let Some((durability, seq)) = self.unsynced.take() {
            // If the disk refuses, sending is the best that can be done.
            let _ = durability.wait_blocking(seq);
        }
    }
}

impl Queue {
    /// Holds nothing back any more.
    pub(crate) fn let_go(&mut self, now: Duration) {
        self.holds.clear();
        let held: Vec<Record> = self.state.held.values().cloned().map(Record::Queued).collect();
        for record in held {
            self.commit(vec![record], now);
        }
    }

    /// What is to be sent: what was being sent already, or the oldest heartbeats of buckets that are not `blocked`, at most
    /// `most` and about `bytes` of them.
    pub(crate) fn attempt(
        &mut self,
        blocked: impl Fn(&str) -> bool,
        (most, bytes): (usize, usize),
        now: Duration,
    ) -> Option<Outgoing> {
        let mut unsynced = None;
        if self.closed {
            return None;
        }
        if self.state.attempt.is_none() {
            let mut size = 0;
            let chosen = self
                .state
                .queued
                .iter()
                .filter(|waiting| !blocked(&waiting.bucket.id));
            let chosen = chosen.take(most).take_while(|waiting| {
                let fits = size == 0 || size + waiting.size() <= bytes;
                size += waiting.size();
                fits
            });
            let numbers: Vec<u64> = chosen.map(|waiting| waiting.number).collect();
            if numbers.is_empty() {
                return None;
            }
            let id = random_id();
            self.commit(vec![Record::Attempt(Attempt { id, numbers })], now);
            self.doubtful = false;
            unsynced = self.store.appended();
        }
        Some(Outgoing {
            attempt: self.state.attempt.clone()?,
            waiting: self.state.in_attempt(),
            doubtful: self.doubtful,
            unsynced,
        })
    }

    /// It is not known whether the attempt has reached the server.
    pub(crate) fn doubt(&mut self) {
        self.doubtful = true;
    }

    /// These were stored, or need not be. `over`: what is left of the attempt is sent under another name.
    pub(crate) fn done(&mut self, numbers: Vec<u64>, over: bool, now: Duration) {
        if !self.closed {
            self.commit(vec![Record::Done(Done { numbers, over })], now);
            self.forget_sent_at
                .get_or_insert_with(|| now.saturating_add(FORGET_SENT));
        }
    }

    /// What to note of heartbeats that the server refuses for good, before they leave the queue. It is written without the lock.
    pub(crate) fn refused(&self, refusals: &[Refusal], wall: Timestamp) -> RefusedNote {
        let reasons: BTreeMap<u64, &str> = (refusals.iter())
            .map(|refusal| (refusal.number, &*refusal.reason))
            .collect();
        let mut note = RefusedNote::new(Arc::clone(self.store.root()));
        // Refusals are few, and those of an attempt lie at the beginning.
        let queued = self.state.queued.iter();
        let refused = queued.filter_map(|waiting| Some((waiting, *reasons.get(&waiting.number)?)));
        for (waiting, reason) in refused.take(reasons.len()) {
            note.add(waiting, reason, wall);
        }
        note
    }

    /// Whether the server answers.
    pub(crate) fn set_online(&mut self, online: bool) {
        self.online = online;
    }

    /// Whether something can be sent.
    pub(crate) fn has_something_to_send(&self) -> bool {
        !self.state.queued.is_empty()
    }

    /// Heartbeats that wait, those that are held back included.
    pub(crate) fn len(&self) -> usize {
        self.state.queued.len() + self.state.held.len()
    }

    /// The approximate size of the queue, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.state.bytes
    }

    /// Whether the disk is full, so that something is only in memory.
    pub(crate) fn is_behind(&self) -> bool {
        !self.unwritten.is_empty()
    }
}

/// 128 random bits. Without randomness, attempts of this process still differ from one another.
fn random_id() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let bytes = timberline_disk::random::<16>().unwrap_or_default();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{:032x}-{count:x}", u128::from_le_bytes(bytes))
}

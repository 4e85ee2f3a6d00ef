//! The state of the queue: the fold of its records.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::heartbeat::Waiting;
use super::record::{Attempt, Record};

/// What is held back, what waits, and what is being sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// What is held back for merging, by bucket.
    pub(crate) held: BTreeMap<String, Waiting>,
    /// What is to be sent, in order.
    pub(crate) queued: VecDeque<Waiting>,
    /// The approximate size of what is to be sent, in bytes.
    pub(crate) bytes: usize,
    /// What is being sent: numbers of `queued`.
    pub(crate) attempt: Option<Attempt>,
    /// The number of the next heartbeat.
    pub(crate) next: u64,
    /// The generation of the log; `None`: it is not complete.
    pub(crate) generation: Option<u64>,
}

impl State {
    /// Carries out a record.
    pub(crate) fn apply(&mut self, record: Record) {
        match record {
            Record::Held(waiting) => {
                self.next = self.next.max(waiting.number.saturating_add(1));
                self.held.insert(waiting.bucket.id.clone(), waiting);
            }
            Record::Queued(waiting) => {
                self.next = self.next.max(waiting.number.saturating_add(1));
                let held = self.held.get(&waiting.bucket.id);
                if held.is_some_and(|held| held.number == waiting.number) {
                    self.held.remove(&waiting.bucket.id);
                }
                self.bytes = self.bytes.saturating_add(waiting.size());
                self.queued.push_back(waiting);
            }
            Record::Attempt(attempt) => self.attempt = Some(attempt),
            Record::Done(done) => {
                self.remove(&done.numbers);
                if done.over {
                    self.attempt = None;
                }
            }
            Record::Complete(complete) => {
                self.generation = Some(complete.generation);
                self.next = self.next.max(complete.next);
            }
        }
    }

    fn remove(&mut self, numbers: &[u64]) {
        let done: BTreeSet<u64> = numbers.iter().copied().collect();
        let before = self.queued.len();
        // Mostly, they are the oldest.
        while let Some(waiting) = self.queued.pop_front_if(|waiting| done.contains(&waiting.number)) {
            self.bytes = self.bytes.saturating_sub(waiting.size());
        }
        if before - self.queued.len() < done.len() {
            let bytes = &mut self.bytes;
            self.queued.retain(|waiting| {
                let stays = !done.contains(&waiting.number);
                if !stays {
                    *bytes = bytes.saturating_sub(waiting.size());
                }
                stays
            });
        }
        if let Some(attempt) = self.attempt.as_mut() {
            attempt.numbers.retain(|number| !done.contains(number));
        }
        self.attempt.take_if(|attempt| attempt.numbers.is_empty());
    }

    /// Records that lead from an empty state to this one, without the one that completes it.
    pub(crate) fn records(&self) -> impl Iterator<Item = Record> + '_ {
        let queued = self.queued.iter().cloned().map(Record::Queued);
        let held = self.held.values().cloned().map(Record::Held);
        queued
            .chain(held)
            .chain(self.attempt.clone().map(Record::Attempt))
    }

    /// Records that add the heartbeats of another state that this one does not have.
    pub(crate) fn missing(&self, other: &State) -> Vec<Record> {
        let all = |state: &State| -> Vec<Waiting> {
            let held = state.held.values();
            state.queued.iter().chain(held).cloned().collect()
        };
        let here: BTreeSet<u64> = all(self).iter().map(|waiting| waiting.number).collect();
        let is_missing = |waiting: &Waiting| !here.contains(&waiting.number);
        let missing = all(other).into_iter().filter(is_missing);
        missing.map(Record::Queued).collect()
    }

    /// The heartbeats that are being sent. They are in the order of the queue.
    pub(crate) fn in_attempt(&self) -> Vec<Waiting> {
        let numbers = self.attempt.as_ref().map_or(&[][..], |attempt| &attempt.numbers);
        let mut wanted = numbers.iter().peekable();
        let mut found = Vec::with_capacity(numbers.len());
        for waiting in &self.queued {
            if wanted.peek().is_none() {
                break;
            }
            if wanted.next_if(|number| **number == waiting.number).is_some() {
                found.push(waiting.clone());
            }
        }
        found
    }
}

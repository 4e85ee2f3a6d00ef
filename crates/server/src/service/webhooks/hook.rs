//! One webhook while the server runs: how far it has come, and what happened lately.

use std::collections::VecDeque;

use parking_lot::Mutex;
use timberline_log::Seq;
use timberline_model::Timestamp;

use super::definition::Webhook;
use super::files::{Pending, PendingWhat, State};
use super::send::SendError;
use crate::causes::with_causes;

/// Attempts that are kept for people to look at.
const ATTEMPTS: usize = 100;

/// One webhook.
#[derive(Debug)]
pub(crate) struct Hook {
    pub(super) webhook: Webhook,
    progress: Mutex<Progress>,
}

/// How far it has come.
#[derive(Clone, Debug, Default)]
struct Progress {
    state: State,
    /// Whether the state has changed since it was written.
    is_dirty: bool,
    /// Failed attempts at the pending delivery since the server started.
    failed: u32,
    /// The newest last.
    attempts: VecDeque<Attempt>,
}

/// One attempt at a delivery.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) delivery: String,
    pub(crate) time: Timestamp,
    /// The status of the answer, if there was one.
    pub(crate) status: Option<u16>,
    /// Why it has failed, if it has.
    pub(crate) error: Option<String>,
}

/// A webhook for people to look at.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) position: Seq,
    pub(crate) paused: Option<String>,
    pub(crate) pending: Option<String>,
    pub(crate) failed: u32,
    pub(crate) last: Option<Attempt>,
}

impl Attempt {
    pub(super) fn of(
        delivery: &str,
        time: Timestamp,
        outcome: &Result<http::StatusCode, SendError>,
    ) -> Attempt {
        let (status, error) = match outcome {
            Ok(status) => (Some(*status), None),
            Err(error) => (error.status(), Some(with_causes(error))),
        };
        Attempt {
            delivery: delivery.to_owned(),
            time,
            status: status.map(|status| status.as_u16()),
            error,
        }
    }
}

impl Hook {
    pub(super) fn new(webhook: Webhook, state: State) -> Hook {
        Hook {
            webhook,
            progress: Mutex::new(Progress {
                state,
                ..Progress::default()
            }),
        }
    }

    /// The same with another definition; it goes on where it was.
    pub(super) fn changed(&self, webhook: Webhook, change: impl FnOnce(&mut State)) -> Hook {
        let mut progress = self.progress.lock().clone();
        progress.failed = 0;
        progress.is_dirty = true;
        change(&mut progress.state);
        Hook {
            webhook,
            progress: Mutex::new(progress),
        }
    }

    pub(super) fn state(&self) -> State {
        self.progress.lock().state.clone()
    }

    /// The state, which is about to be written.
    pub(super) fn take_state(&self) -> State {
        let mut progress = self.progress.lock();
        progress.is_dirty = false;
        progress.state.clone()
    }

    /// The state could not be written.
    pub(super) fn mark_dirty(&self) {
        self.progress.lock().is_dirty = true;
    }

    pub(super) fn is_dirty(&self) -> bool {
        self.progress.lock().is_dirty
    }

    /// Something is to be delivered.
    pub(super) fn begin(&self, id: String, what: PendingWhat) {
        self.change(|state| state.pending = Some(Pending { id, what }));
    }

    /// The same because the time of a category was reached on this day. Both are written together, so whatever interrupts
    /// the server, a day is reported.
    pub(super) fn begin_reached(&self, day: String, id: String, what: PendingWhat) {
        self.change(|state| {
            state.reached = Some(day);
            state.pending = Some(Pending { id, what });
        });
    }

    /// The pending delivery has arrived.
    pub(super) fn delivered(&self) {
        self.progress.lock().failed = 0;
        self.change(|state| {
            if let Some(Pending {
                what: PendingWhat::Through(seq),
                ..
            }) = state.pending.take()
            {
                state.position = seq;
            }
        });
    }

    /// There is nothing to deliver up to this record.
    pub(super) fn pass(&self, seq: Seq) {
        self.change(|state| state.position = seq.get());
    }

    /// Nothing is sent any more until a person says so.
    pub(super) fn pause(&self, reason: String) {
        self.change(|state| state.paused = Some(reason));
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut progress = self.progress.lock();
        progress.is_dirty = true;
        change(&mut progress.state);
    }

    /// Notes an attempt. Gives back how many have failed at this delivery.
    pub(super) fn note(&self, attempt: Attempt) -> u32 {
        let mut progress = self.progress.lock();
        if attempt.error.is_some() {
            progress.failed = progress.failed.saturating_add(1);
        }
        if progress.attempts.len() == ATTEMPTS {
            progress.attempts.pop_front();
        }
        progress.attempts.push_back(attempt);
        progress.failed
    }

    /// The newest attempts, the newest first.
    pub(crate) fn attempts(&self) -> Vec<Attempt> {
        self.progress.lock().attempts.iter().rev().cloned().collect()
    }

    pub(crate) fn webhook(&self) -> &Webhook {
        &self.webhook
    }

    pub(crate) fn seen(&self) -> Seen {
        let progress = self.progress.lock();
        Seen {
            position: Seq(progress.state.position),
            paused: progress.state.paused.clone(),
            pending: progress.state.pending.as_ref().map(|pending| pending.id.clone()),
            failed: progress.failed,
            last: progress.attempts.back().cloned(),
        }
    }
}

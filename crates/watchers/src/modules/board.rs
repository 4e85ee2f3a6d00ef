//! What modules know that the presence bucket records as reasons: the window module knows full screen, and the one for sound
//! knows microphones and what is played.

use std::future::pending;
use std::sync::Arc;

use tokio::sync::watch;

use crate::afk::{Fact, Reason};
use crate::desktop::{Reports, Source, Watching};

/// Where modules put up reasons.
#[derive(Clone, Debug)]
pub(super) struct Board(Arc<watch::Sender<Vec<Reason>>>);

impl Board {
    /// An empty one.
    pub(super) fn new() -> Board {
        Board(Arc::new(watch::Sender::new(Vec::new())))
    }

    /// This holds from now on, or no longer.
    pub(super) fn set(&self, reason: Reason, holds: bool) {
        self.0.send_if_modified(|reasons| {
            let held = reasons.contains(&reason);
            if holds == held {
                return false;
            }
            reasons.retain(|other| *other != reason);
            if holds {
                reasons.push(reason);
            }
            true
        });
    }

    /// The source that reports them.
    pub(super) fn source(&self) -> Box<dyn Source<Fact>> {
        Box::new(self.clone())
    }
}

impl Source<Fact> for Board {
    fn name(&self) -> &'static str {
        "modules"
    }

    fn watch(&mut self, reports: Reports<Fact>) -> Watching<'_> {
        let mut changes = self.0.subscribe();
        Box::pin(async move {
            let mut reported = Vec::new();
            loop {
                let held = changes.borrow_and_update().clone();
                for reason in held.iter().filter(|reason| !reported.contains(*reason)) {
                    reports.send(Fact::Reason(*reason, true));
                }
                for reason in reported.iter().filter(|reason| !held.contains(*reason)) {
                    reports.send(Fact::Reason(*reason, false));
                }
                reported = held;
                if changes.changed().await.is_err() {
                    // The sender is part of this source.
                    return pending().await;
                }
            }
        })
    }
}

/// One reason on the board, put up by one module. It is taken down with the module, however that ends.
#[derive(Debug)]
pub(super) struct Posting {
    board: Board,
    reason: Reason,
}

impl Posting {
    /// It does not hold yet.
    pub(super) fn new(board: &Board, reason: Reason) -> Posting {
        Posting {
            board: board.clone(),
            reason,
        }
    }

    /// This holds from now on, or no longer.
    pub(super) fn set(&self, holds: bool) {
        self.board.set(self.reason, holds);
    }
}

impl Drop for Posting {
    fn drop(&mut self) {
        self.set(false);
    }
}

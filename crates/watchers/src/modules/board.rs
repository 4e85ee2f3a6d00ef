//! What modules know that the presence bucket records as reasons: the window module knows full screen, and the one for sound
//! knows microphones and what is played.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;

use tokio::sync::watch;

use crate::afk::{Fact, Reason};
use crate::desktop::{Reports, Source, Watching};

/// Where modules publish reasons.
#[derive(Clone, Debug)]
pub(super) struct Board(Arc<watch::Sender<BTreeMap<Reason, bool>>>);

impl Board {
    /// An empty one.
    pub(super) fn new() -> Board {
        Board(Arc::new(watch::Sender::new(BTreeMap::new())))
    }

    /// Whether this holds from now on; `None`: nobody can tell.
    pub(super) fn set(&self, reason: Reason, holds: Option<bool>) {
        self.0.send_if_modified(|known| {
            let before = match holds {
                Some(holds) => known.insert(reason, holds),
                None => known.remove(&reason),
            };
            before != holds
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
            let mut reported = BTreeMap::new();
            loop {
                let known = changes.borrow_and_update().clone();
                for (reason, holds) in &known {
                    if reported.remove(reason) != Some(*holds) {
                        reports.send(Fact::Reason(*reason, Some(*holds)));
                    }
                }
                // What is left is not known any more.
                for reason in reported.into_keys() {
                    reports.send(Fact::Reason(reason, None));
                }
                reported = known;
                if changes.changed().await.is_err() {
                    // The sender is part of this source.
                    return pending().await;
                }
            }
        })
    }
}

/// One reason on the board, published by one module. It is removed with the module, however that ends.
#[derive(Debug)]
pub(super) struct Posting {
    board: Board,
    reason: Reason,
}

impl Posting {
    /// Nobody can tell yet whether it holds.
    pub(super) fn new(board: &Board, reason: Reason) -> Posting {
        Posting {
            board: board.clone(),
            reason,
        }
    }

    /// Whether it holds from now on; `None`: nobody can tell.
    pub(super) fn set(&self, holds: Option<bool>) {
        self.board.set(self.reason, holds);
    }
}

impl Drop for Posting {
    fn drop(&mut self) {
        self.set(None);
    }
}

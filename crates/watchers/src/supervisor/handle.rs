//! What others may do with the watchers: look at them, switch them on and off, pause them.

use std::sync::Arc;

use timberline_model::Timestamp;
use tokio::sync::watch;

use super::board::Board;
use super::choices::Choices;
use super::status::WatcherStatus;

/// The watchers, for commands, the API and the tray. Clones are the same.
#[derive(Clone)]
pub struct Handle {
    board: Arc<Board>,
    find: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

/// Which watchers a command is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which<'a> {
    /// One, by its name.
    One(&'a str),
    /// All, also those that come later.
    All,
}

/// Why a command was not carried out, or not completely.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// There is no such watcher.
    #[error("there is no watcher called {0:?}: `timberline watchers` lists them")]
    Unknown(String),
    /// It is carried out, but was not written to the disk.
    #[error("done, but only until Timberline stops: the choice cannot be written to disk")]
    NotKept(#[source] std::io::Error),
}

impl Handle {
    /// `find` looks for a program that was not there before, and says whether it is there now.
    pub(super) fn new(board: Arc<Board>, find: impl Fn(&str) -> bool + Send + Sync + 'static) -> Handle {
        Handle {
            board,
            find: Arc::new(find),
        }
    }

    /// The status of all watchers, by name.
    #[must_use]
    pub fn list(&self) -> Vec<WatcherStatus> {
        self.board.list()
    }

    /// What the person should know of the queue: what is recorded does not get to the server, or finds no room.
    #[must_use]
    pub fn queue_alarm(&self) -> Option<String> {
        self.board.queue_alarm()
    }

    /// Changes whenever [`list`](Self::list) or [`queue_alarm`](Self::queue_alarm) has changed.
    #[must_use]
    pub fn news(&self) -> watch::Receiver<()> {
        self.board.news()
    }

    /// Switches a watcher on; it runs unless it is paused. For all: each is again as the configuration says.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn enable(&self, which: Which<'_>) -> Result<(), CommandError> {
        self.switch(which, true)
    }

    /// Switches watchers off.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn disable(&self, which: Which<'_>) -> Result<(), CommandError> {
        self.switch(which, false)
    }

    /// Pauses watchers until then; `None`: until they are resumed.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn pause(&self, which: Which<'_>, until: Option<Timestamp>) -> Result<(), CommandError> {
        self.choose(which, |choices, _, now| match which {
            Which::One(name) => choices.pause(name, until, now),
            Which::All => choices.pause_all(until, now),
        })
    }

    /// Ends a pause. If all are paused and one is resumed, the others stay paused.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn resume(&self, which: Which<'_>) -> Result<(), CommandError> {
        self.choose(which, |choices, known, now| match which {
            Which::One(name) => choices.resume(name, known.iter().copied(), now),
            Which::All => choices.resume_all(),
        })
    }

    fn switch(&self, which: Which<'_>, on: bool) -> Result<(), CommandError> {
        self.choose(which, |choices, known, _| match which {
            Which::One(name) => choices.switch(name, on),
            Which::All if on => choices.as_configured(),
            Which::All => known.iter().for_each(|name| choices.switch(name, false)),
        })
    }

    fn choose(
        &self,
        which: Which<'_>,
        change: impl FnOnce(&mut Choices, &[&str], Timestamp),
    ) -> Result<(), CommandError> {
        if let Which::One(name) = which
            && !self.board.has(name)
            && !(self.find)(name)
        {
            return Err(CommandError::Unknown(name.to_owned()));
        }
        let ((), kept) = self.board.choose(change);
        kept.map_err(|error| {
            tracing::warn!(%error, "the choices of watchers cannot be written to disk, and will be lost at the next start");
            CommandError::NotKept(error)
        })
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}

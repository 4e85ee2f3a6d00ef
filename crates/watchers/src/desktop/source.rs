//! The trait of everything that watches a desktop.

use std::pin::Pin;
use std::sync::Arc;

use timberline_model::Timestamp;
use tokio::sync::mpsc;

use crate::clock::Clock;

/// One way to learn something about the desktop. `R` is what it reports.
///
/// A source has a value to report as soon as it works, also if nothing changes: it reports the state that it finds. Before the
/// first report nobody relies on it.
pub trait Source<R>: Send {
    /// Its name in status and documentation, such as `wlr-foreign-toplevel`.
    fn name(&self) -> &'static str;

    /// Connects and reports until that is no longer possible. To end it, drop the future; it leaves nothing behind.
    /// It may be called again later. When something that it needs has gone, it returns instead of waiting for it.
    fn watch(&mut self, reports: Reports<R>) -> Watching<'_>;
}

/// A source at work. It ends with the reason why there will be no more reports.
pub type Watching<'a> = Pin<Box<dyn Future<Output = Lost> + Send + 'a>>;

/// Why a source ended. The texts are for the person: what is missing, and what to do if something can be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Lost {
    /// This desktop does not offer it.
    #[error("{0}")]
    Missing(String),
    /// It worked, or could work, but the other side has gone or failed.
    #[error("{0}")]
    Ended(String),
}

/// A report and when that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At<R> {
    /// When, on the wall clock.
    pub time: Timestamp,
    /// What.
    pub report: R,
}

/// Where a source puts its reports.
#[derive(Debug)]
pub struct Reports<R> {
    to: mpsc::UnboundedSender<At<R>>,
    clock: Arc<dyn Clock>,
}

impl<R> Clone for Reports<R> {
    fn clone(&self) -> Reports<R> {
        Reports {
            to: self.to.clone(),
            clock: Arc::clone(&self.clock),
        }
    }
}

impl<R> Reports<R> {
    /// A place for reports, and where they come out.
    pub fn channel(clock: Arc<dyn Clock>) -> (Reports<R>, mpsc::UnboundedReceiver<At<R>>) {
        let (to, from) = mpsc::unbounded_channel();
        (Reports { to, clock }, from)
    }

    /// This is the case from now on.
    pub fn send(&self, report: R) {
        self.send_at(self.clock.read().wall, report);
    }

    /// This is the case since then.
    pub fn send_at(&self, time: Timestamp, report: R) {
        // Nobody listens any more only when the source is about to be dropped as well.
        let _ = self.to.send(At { time, report });
    }

    /// The clocks that reports are stamped with.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }
}

//! Keeps sources running: each runs in a task of its own, and is tried again after it has ended.

use std::sync::Arc;
use std::time::Duration;

use timberline_model::Timestamp;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::clock::Clock;
use crate::desktop::{At, Lost, Report, Reports, Source};

/// How often a source is tried that this desktop does not offer: it may offer it later (an extension that is switched on,
/// a bus that starts).
const PROBE_EVERY: Duration = Duration::from_secs(60);

/// After its first end a source is tried again after so long, then after twice as long, up to [`PROBE_EVERY`].
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// A source that has worked for so long is tried at once again when it ends.
const STABLE: Duration = Duration::from_secs(60);

/// What a source does.
#[derive(Clone, Debug)]
pub(super) enum News<R> {
    /// It reports.
    Report(At<R>),
    /// It has ended. What it has reported no longer holds.
    Lost {
        /// When.
        at: Timestamp,
        /// Why, for the person.
        reason: String,
    },
}

/// Running sources. They end when this is dropped.
pub(super) struct Probing<R> {
    news: mpsc::UnboundedReceiver<(usize, News<R>)>,
    tasks: JoinSet<()>,
    again: Arc<Notify>,
}

impl<R: Report> Probing<R> {
    /// Starts all of them.
    pub(super) fn start(sources: Vec<Box<dyn Source<R>>>, clock: &Arc<dyn Clock>) -> Probing<R> {
        let (to, news) = mpsc::unbounded_channel();
        let again = Arc::new(Notify::new());
        let mut tasks = JoinSet::new();
        for (index, source) in sources.into_iter().enumerate() {
            let probe = Probe {
                index,
                source,
                clock: Arc::clone(clock),
                to: to.clone(),
                again: Arc::clone(&again),
            };
            tasks.spawn(probe.run());
        }
        Probing { news, tasks, again }
    }

    /// What a source does next, with its index. It may be dropped and called again at any time.
    pub(super) async fn next(&mut self) -> (usize, News<R>) {
        loop {
            tokio::select! {
                biased;
                news = self.news.recv() => match news {
                    Some(news) => return news,
                    // There are no sources.
                    None => return std::future::pending().await,
                },
                Some(Err(error)) = self.tasks.join_next() => {
                    // The source is gone for good. The module fails as a whole, and the supervisor restarts it.
                    if let Ok(panic) = error.try_into_panic() {
                        std::panic::resume_unwind(panic);
                    }
                }
            }
        }
    }

    /// Tries all that were missing now instead of within a minute: the desktop has changed.
    pub(super) fn try_missing(&self) {
        self.again.notify_waiters();
    }
}

/// A source in its task.
struct Probe<R> {
    index: usize,
    source: Box<dyn Source<R>>,
    clock: Arc<dyn Clock>,
    to: mpsc::UnboundedSender<(usize, News<R>)>,
    again: Arc<Notify>,
}

impl<R: Report> Probe<R> {
    async fn run(mut self) {
        let mut retry = FIRST_RETRY;
        loop {
            let began = Instant::now();
            let lost = self.watch().await;
            let at = self.clock.read().wall;
            let reason = lost.to_string();
            if self.to.send((self.index, News::Lost { at, reason })).is_err() {
                return;
            }
            if began.elapsed() >= STABLE {
                retry = FIRST_RETRY;
            }
            match lost {
                Lost::Missing(_) => tokio::select! {
                    () = sleep(PROBE_EVERY) => {}
                    () = self.again.notified() => {}
                },
                Lost::Ended(_) => {
                    sleep(retry).await;
                    retry = (retry * 2).min(PROBE_EVERY);
                }
            }
        }
    }

    /// Runs the source once, and passes on all that it reports.
    async fn watch(&mut self) -> Lost {
        let (reports, mut from) = Reports::channel(Arc::clone(&self.clock));
        let (index, to) = (self.index, self.to.clone());
        // Nobody listens any more only when this task is about to be dropped as well.
        let pass_on = |report| drop(to.send((index, News::Report(report))));
        let mut watching = self.source.watch(reports);
        let lost = loop {
            tokio::select! {
                biased;
                Some(report) = from.recv() => pass_on(report),
                lost = &mut watching => break lost,
            }
        };
        while let Ok(report) = from.try_recv() {
            pass_on(report);
        }
        lost
    }
}

//! A source at work, for a test.

use std::fmt::Debug;
use std::sync::Arc;

use timberline_test_support::PATIENCE;
use timberline_watchers::clock::SystemClock;
use timberline_watchers::desktop::{At, Lost, Reports, Source};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;

/// A source at work, and what it has reported. Dropping it ends it.
pub(crate) struct Watched<R> {
    reports: UnboundedReceiver<At<R>>,
    work: JoinHandle<Lost>,
}

impl<R: Debug + Send + 'static> Watched<R> {
    pub(crate) fn start(mut source: impl Source<R> + 'static) -> Watched<R> {
        let (to, reports) = Reports::channel(Arc::new(SystemClock::new()));
        let work = tokio::spawn(async move { source.watch(to).await });
        Watched { reports, work }
    }

    /// The next report.
    pub(crate) async fn next(&mut self) -> R {
        self.next_at().await.report
    }

    /// The next report with its time.
    pub(crate) async fn next_at(&mut self) -> At<R> {
        let next = tokio::time::timeout(PATIENCE, self.reports.recv()).await;
        match next.expect("a report") {
            Some(at) => at,
            None => panic!("the source ended: {:?}", (&mut self.work).await),
        }
    }

    /// The next report, or the end.
    pub(crate) async fn next_or_lost(&mut self) -> Result<R, Lost> {
        let next = tokio::time::timeout(PATIENCE, self.reports.recv()).await;
        match next.expect("a report") {
            Some(at) => Ok(at.report),
            None => Err((&mut self.work).await.expect("no panic")),
        }
    }

    /// Waits for this report, and says what came before it.
    pub(crate) async fn until(&mut self, wanted: &R) -> Vec<R>
    where
        R: PartialEq,
    {
        let mut before = Vec::new();
        loop {
            let report = self.next().await;
            if report == *wanted {
                return before;
            }
            println!("reported before {wanted:?}: {report:?}");
            before.push(report);
        }
    }

    /// What has been reported and was not yet taken.
    pub(crate) fn unread(&mut self) -> Vec<R> {
        std::iter::from_fn(|| self.reports.try_recv().ok())
            .map(|at| at.report)
            .collect()
    }

    /// Waits for the end.
    pub(crate) async fn lost(mut self) -> Lost {
        let lost = tokio::time::timeout(PATIENCE, &mut self.work).await;
        lost.expect("an end").expect("no panic")
    }
}

impl<R> Drop for Watched<R> {
    fn drop(&mut self) {
        self.work.abort();
    }
}

//! A source at work in a test.

use std::sync::Arc;
use std::time::Duration;

use timberline_model::Timestamp;
use timberline_watchers::clock::FakeClock;
use timberline_watchers::desktop::{At, Lost, Reports, Sighting, Source};
use timberline_watchers::window::Front;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;

/// Whatever takes longer than this has failed.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A source at work. Its clock stands still unless the test moves it, and begins at 0 s.
pub(super) struct Watched<R> {
    pub(super) clock: Arc<FakeClock>,
    reports: UnboundedReceiver<At<R>>,
    end: JoinHandle<Lost>,
}

impl<R: Send + std::fmt::Debug + 'static> Watched<R> {
    /// Lets the source watch.
    pub(super) fn start(mut source: impl Source<R> + 'static) -> Watched<R> {
        let clock = Arc::new(FakeClock::at(Timestamp::from_nanos(0)));
        let (to, reports) = Reports::channel(Arc::clone(&clock) as _);
        let end = tokio::spawn(async move { source.watch(to).await });
        Watched { clock, reports, end }
    }

    /// The next report, and its time in milliseconds.
    pub(super) async fn next(&mut self) -> (i64, R) {
        let report = tokio::time::timeout(PATIENCE, self.reports.recv()).await;
        let At { time, report } = report.expect("a report in time").expect("the source goes on");
        (time.nanos() / 1_000_000, report)
    }

    /// Lets time pass.
    pub(super) fn pass(&self, milliseconds: i64) {
        let time = timberline_model::Duration::from_nanos(milliseconds * 1_000_000);
        self.clock.advance(time);
    }

    /// Why the source ends. It must not report anything before.
    pub(super) async fn end(mut self) -> Lost {
        let end = tokio::time::timeout(PATIENCE, &mut self.end).await;
        let lost = end.expect("an end in time").expect("no panic");
        assert!(self.reports.try_recv().is_err(), "no report before the end");
        lost
    }
}

impl<R> Drop for Watched<R> {
    fn drop(&mut self) {
        self.end.abort();
    }
}

/// Waits until something is so, while sources go on.
pub(super) async fn until(what: &str, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, wait).await;
    assert!(waited.is_ok(), "waited in vain: {what}");
}

/// A report of a window about which nothing is known but program and title.
pub(super) fn window(app: &str, title: &str) -> Option<Sighting> {
    Some(Sighting {
        front: Front {
            app: app.to_owned(),
            title: title.to_owned(),
        },
        full_screen: Some(false),
        ..Sighting::default()
    })
}

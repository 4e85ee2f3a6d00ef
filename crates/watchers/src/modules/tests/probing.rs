//! When sources are tried, in fake time.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::desk::{Hand, TestClock, pass};
use super::script::settle;
use crate::clock::Clock;
use crate::modules::chooser::{Chooser, Feed};
use crate::modules::status::{BackendState, State};

type Value = Option<u8>;

struct Two {
    best: Hand<Value>,
    other: Hand<Value>,
    chooser: Chooser<Value>,
}

impl Two {
    /// The best one works, or not; the other one does.
    fn start(works: bool) -> Two {
        let clock = TestClock::at("2026-03-01T09:00:00Z");
        let [best, other] = ["best", "other"].map(|name| Hand::<Value>::of(name, &clock));
        best.works.store(works, Ordering::Relaxed);
        let clock: Arc<dyn Clock> = clock;
        let chooser = Chooser::start(vec![best.source(), other.source()], &clock);
        Two { best, other, chooser }
    }

    /// Takes in all that happens in so many seconds: which source is used, and what it reports.
    async fn hear(&mut self, seconds: f64) -> Vec<String> {
        let mut heard = Vec::new();
        let end = pass(seconds);
        tokio::pin!(end);
        loop {
            tokio::select! {
                biased;
                feed = self.chooser.next() => match feed {
                    Some(Feed::From(_, source)) => heard.push(format!("from {}", source.unwrap_or("nobody"))),
                    Some(Feed::Report(report)) => heard.push(format!("{:?}", report.report)),
                    None => {}
                },
                () = &mut end => return heard,
            }
        }
    }

    fn tries(&self) -> usize {
        self.best.tries.load(Ordering::Relaxed)
    }
}

#[tokio::test(start_paused = true)]
async fn a_backend_is_used_after_it_has_reported() {
    let mut two = Two::start(true);
    assert_eq!(two.hear(1.0).await, [""; 0], "both are connected");
    assert_eq!(two.chooser.state(), State::Starting);
    two.other.report(Some(2));
    assert_eq!(two.hear(1.0).await, ["from other", "Some(2)"]);
    two.best.report(None);
    assert_eq!(two.hear(1.0).await, ["from best", "None"]);
    two.other.report(Some(3));
    assert_eq!(two.hear(1.0).await, [""; 0], "it is not used any more");
}

#[tokio::test(start_paused = true)]
async fn when_a_backend_ends_the_next_one_takes_over_at_once() {
    let mut two = Two::start(true);
    two.best.report(Some(1));
    two.other.report(Some(2));
    two.hear(1.0).await;
    two.best.end();
    assert_eq!(two.hear(0.01).await, ["from other", "Some(2)"]);
    two.best.report(Some(3));
    assert_eq!(two.hear(0.95).await, [""; 0]);
    assert_eq!(
        two.hear(0.2).await,
        ["from best", "Some(3)"],
        "a second later it is back"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_tried_every_minute_and_when_the_desktop_changes() {
    let mut two = Two::start(false);
    two.other.report(Some(2));
    two.hear(3599.0).await;
    assert_eq!(two.tries(), 60);
    two.other.end();
    two.hear(0.01).await;
    assert_eq!(two.tries(), 61, "the one that was used was lost");
    let reason = BackendState::Unavailable("best is not there".to_owned());
    assert_eq!(two.chooser.backends()[0].state, reason);
    assert!(matches!(two.chooser.state(), State::Waiting(_)));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_keeps_ending_is_retried_rarely() {
    let mut two = Two::start(true);
    two.hear(0.01).await;
    let mut heard = Vec::new();
    for _ in 0..3600 {
        two.best.report(Some(1));
        two.best.end();
        settle().await;
        heard.extend(two.hear(1.0).await);
    }
    assert!(
        (60..70).contains(&two.tries()),
        "{} times in an hour",
        two.tries()
    );
    assert_eq!(
        heard.iter().filter(|heard| *heard == "from best").count(),
        two.tries(),
        "each time it has worked"
    );
}

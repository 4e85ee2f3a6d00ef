//! The loop that all modules share: wait for reports, pass them to the machine that computes events, and send the events.

use std::future::pending;
use std::time::Duration;

use timberline_model::{Duration as Length, Timestamp};

use super::chooser::{Chooser, Feed};
use super::facts::Facts;
use super::module::{Context, ModuleError};
use super::spans::Span;
use crate::BucketHandle;
use crate::afk::Fact;
use crate::desktop::{At, Report};

/// An event as far as it is known, for one of a module's buckets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Which bucket.
    pub(super) bucket: usize,
    /// The event.
    pub(super) span: Span,
}

/// Computes events from what happens. All times are at most `now`.
pub(super) trait Machine<R>: Send {
    /// Something that concerns all modules has happened.
    fn fact(&mut self, fact: At<Fact>) -> Vec<Record>;

    /// The sources report something.
    fn feed(&mut self, now: Timestamp, feed: Feed<R>) -> Vec<Record>;

    /// Time has passed.
    fn tick(&mut self, now: Timestamp) -> Vec<Record>;

    /// The module ends now.
    fn end(&mut self, now: Timestamp) -> Vec<Record>;

    /// When it needs a tick at the latest; `None`: when something happens.
    fn wake_at(&self, now: Timestamp) -> Option<Timestamp>;
}

/// A running module: its name, its buckets, its sources, and the machine that computes its events.
pub(super) struct Drive<R, M> {
    pub(super) name: &'static str,
    pub(super) buckets: Vec<BucketHandle>,
    pub(super) chooser: Chooser<R>,
    pub(super) facts: Facts,
    pub(super) machine: M,
}

enum Wake<R> {
    Stop,
    Facts(Vec<At<Fact>>),
    Feed(Option<Feed<R>>),
    Tick,
}

impl<R> Wake<R> {
    /// Whether the machine is about to sleep.
    fn goes_to_sleep(&self) -> bool {
        let begins = |fact: &At<Fact>| fact.report == Fact::SleepBegan;
        matches!(self, Wake::Facts(facts) if facts.iter().any(begins))
    }

    /// Whether it may change an event. That a backend is still missing does not, and is no reason to send anything.
    fn tells_something(&self) -> bool {
        match self {
            Wake::Feed(feed) => feed.is_some(),
            Wake::Facts(facts) => !facts.is_empty(),
            Wake::Stop | Wake::Tick => true,
        }
    }
}

impl<R: Report, M: Machine<R>> Drive<R, M> {
    /// Records until the module is to stop.
    pub(super) async fn run(mut self, mut context: Context) -> Result<(), ModuleError> {
        let bucket = self.buckets.first().map(|bucket| bucket.bucket().id.clone());
        context.status.send_modify(|status| status.bucket = bucket);
        loop {
            context.say(self.name, self.chooser.state(), self.chooser.backends());
            let wake_at = self.machine.wake_at(context.clock.read().wall);
            let wake = self.wait(&mut context, wake_at).await;
            // Sleep and clock steps come first: what is reported now has happened after them.
            let (now, jumps) = self.facts.now();
            let is_due = wake_at.is_some_and(|at| at <= now);
            let needs_tick = is_due || !jumps.is_empty() || wake.tells_something();
            let mut records = Vec::new();
            for fact in jumps {
                records.extend(self.machine.fact(fact));
            }
            let until_now = |time: Timestamp| time.min(now);
            let goes_to_sleep = wake.goes_to_sleep();
            match wake {
                Wake::Stop => {
                    records.extend(self.machine.end(now));
                    self.send(&context, records);
                    return Ok(());
                }
                Wake::Facts(facts) => {
                    for fact in facts {
                        let time = until_now(fact.time);
                        records.extend(self.machine.fact(At { time, ..fact }));
                    }
                }
                Wake::Feed(Some(feed)) => {
                    let feed = match feed {
                        Feed::From(time, source) => Feed::From(until_now(time), source),
                        Feed::Report(report) => Feed::Report(At {
                            time: until_now(report.time),
                            ..report
                        }),
                    };
                    records.extend(self.machine.feed(now, feed));
                }
                Wake::Feed(None) | Wake::Tick => {}
            }
            if needs_tick {
                records.extend(self.machine.tick(now));
            }
            self.send(&context, records);
            if goes_to_sleep {
                // The machine waits a little for this.
                context.client.send_held();
            }
        }
    }

    async fn wait(&mut self, context: &mut Context, wake_at: Option<Timestamp>) -> Wake<R> {
        let now = context.clock.read().wall;
        let wait = wake_at.map(|at| until(now, at));
        let tick = async {
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            () = context.stopped() => Wake::Stop,
            facts = self.facts.next() => Wake::Facts(facts),
            feed = self.chooser.next() => Wake::Feed(feed),
            () = tick => Wake::Tick,
        }
    }

    fn send(&self, context: &Context, records: Vec<Record>) {
        for Record { bucket, span } in records {
            if let Some(bucket) = self.buckets.get(bucket) {
                context.record(bucket, span.start, span.end, &span.data);
            }
        }
    }
}

/// How long to wait, at least a millisecond: a module that is woken too early does not spin.
fn until(now: Timestamp, at: Timestamp) -> Duration {
    let nanos = u64::try_from(at.since(now).nanos()).unwrap_or(0);
    Duration::from_nanos(nanos).max(Duration::from_millis(1))
}

/// What began less than [`LONG`] ago gets longer every so many seconds, and what lasts longer less often: nobody waits for it, and a
/// computer that nobody uses can sleep.
const OFTEN: i64 = 10;
const LESS_OFTEN: i64 = 15;
const LONG: Length = Length::from_secs(30);

/// When an event that began at `began` is to get longer.
pub(super) fn next_extension(now: Timestamp, began: Timestamp) -> Timestamp {
    let is_new = now.since(began) < LONG;
    next_multiple(now, if is_new { OFTEN } else { LESS_OFTEN })
}

/// The next time that is a multiple of `seconds`. Modules that need a tick now and then take these times, so that they are woken
/// together, and what they send is one request.
pub(super) fn next_multiple(now: Timestamp, seconds: i64) -> Timestamp {
    let every = seconds.saturating_mul(1_000_000_000).max(1);
    let next = now.nanos().div_euclid(every).saturating_add(1);
    Timestamp::from_nanos(next.saturating_mul(every))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lasts_gets_longer_less_often() {
        let at = |second: i64| Timestamp::from_nanos(second * 1_000_000_000);
        let next = |now, began| next_extension(at(now), at(began)).nanos() / 1_000_000_000;
        assert_eq!(next(123, 123), 130);
        assert_eq!(next(130, 123), 140);
        assert_eq!(next(150, 123), 160);
        assert_eq!(next(160, 123), 165);
        assert_eq!(next(165, 123), 180);
        assert_eq!(next(100, 200), 110, "the clock was set back");
    }
}

//! Chooses one of several sources that report the same kind of thing.
//!
//! All of them run. The best that has reported something is used; a source that connects and then reports nothing is not.
//! When the one that is used ends, the next takes its place at once, with what it has reported before.

use std::collections::VecDeque;
use std::sync::Arc;

use timberline_model::Timestamp;

use super::probing::{News, Probing};
use super::status::{Backend, BackendState, State};
use crate::clock::Clock;
use crate::desktop::{At, Report, Source};

/// What the sources report together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Feed<R> {
    /// Since then another source is used, and what the one before has reported no longer holds. What this one has reported
    /// follows. `None`: there is no source, and nothing is known.
    From(Timestamp, Option<&'static str>),
    /// The source that is used reports.
    Report(At<R>),
}

/// Runs sources, in the order of preference, and uses the best that works.
pub(super) struct Chooser<R> {
    probing: Probing<R>,
    choice: Choice<R>,
    feed: VecDeque<Feed<R>>,
}

impl<R: Report> Chooser<R> {
    /// Starts all of them.
    pub(super) fn start(sources: Vec<Box<dyn Source<R>>>, clock: &Arc<dyn Clock>) -> Chooser<R> {
        Chooser {
            choice: Choice::of(sources.iter().map(|source| source.name())),
            probing: Probing::start(sources, clock),
            feed: VecDeque::new(),
        }
    }

    /// The next report; `None` if only the states of the sources have changed. It may be dropped and called again.
    pub(super) async fn next(&mut self) -> Option<Feed<R>> {
        if self.feed.is_empty() {
            let (index, news) = self.probing.next().await;
            let lost = matches!(news, News::Lost { .. });
            let used = self.choice.chosen == Some(index);
            self.feed.extend(self.choice.take(index, news));
            if lost && used {
                self.probing.try_missing();
            }
        }
        self.feed.pop_front()
    }

    /// The states of the sources, in the order of preference.
    pub(super) fn backends(&self) -> Vec<Backend> {
        self.choice.backends()
    }

    /// What that means for the module.
    pub(super) fn state(&self) -> State {
        self.choice.state()
    }
}

/// The choice itself, without sources.
#[derive(Debug)]
struct Choice<R> {
    candidates: Vec<Candidate<R>>,
    chosen: Option<usize>,
}

#[derive(Debug)]
struct Candidate<R> {
    name: &'static str,
    /// What it has reported that still holds. Empty: it has not reported anything since it was started.
    holds: Vec<At<R>>,
    /// Why it does not work, or did not when it was last tried.
    trouble: Option<String>,
}

impl<R: Report> Choice<R> {
    fn of(names: impl Iterator<Item = &'static str>) -> Choice<R> {
        let candidate = |name| Candidate {
            name,
            holds: Vec::new(),
            trouble: None,
        };
        Choice {
            candidates: names.map(candidate).collect(),
            chosen: None,
        }
    }

    fn take(&mut self, index: usize, news: News<R>) -> Vec<Feed<R>> {
        let Some(candidate) = self.candidates.get_mut(index) else {
            return Vec::new();
        };
        let used = self.chosen == Some(index);
        match news {
            News::Report(report) => {
                candidate.trouble = None;
                candidate
                    .holds
                    .retain(|earlier| !report.report.replaces(&earlier.report));
                candidate.holds.push(report.clone());
                if used {
                    return vec![Feed::Report(report)];
                }
                let better = self.chosen.is_none_or(|chosen| index < chosen);
                if better {
                    self.choose(report.time)
                } else {
                    Vec::new()
                }
            }
            News::Lost { at, reason } => {
                candidate.trouble = Some(reason);
                candidate.holds.clear();
                if used { self.choose(at) } else { Vec::new() }
            }
        }
    }

    /// Uses the best that works from now on.
    fn choose(&mut self, at: Timestamp) -> Vec<Feed<R>> {
        let works = |candidate: &Candidate<R>| !candidate.holds.is_empty();
        self.chosen = self.candidates.iter().position(works);
        let chosen = self.chosen.and_then(|chosen| self.candidates.get(chosen));
        let mut feed = vec![Feed::From(at, chosen.map(|candidate| candidate.name))];
        let holds = chosen.into_iter().flat_map(|candidate| candidate.holds.iter());
        feed.extend(holds.cloned().map(Feed::Report));
        feed
    }

    fn backends(&self) -> Vec<Backend> {
        let backend = |(index, candidate): (usize, &Candidate<R>)| Backend {
            name: candidate.name,
            state: match &candidate.trouble {
                Some(reason) => BackendState::Unavailable(reason.clone()),
                None if self.chosen == Some(index) => BackendState::Chosen,
                None if candidate.holds.is_empty() => BackendState::Untried,
                None => BackendState::Spare,
            },
        };
        self.candidates.iter().enumerate().map(backend).collect()
    }

    fn state(&self) -> State {
        if self.chosen.is_some() {
            return State::Recording;
        }
        let troubles = self.candidates.iter().map(|candidate| candidate.trouble.as_ref());
        match troubles.collect::<Option<Vec<_>>>() {
            Some(_) => State::Waiting(
                "no backend works on this desktop; `timberline watchers --verbose` says why".to_owned(),
            ),
            None => State::Starting,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAMES: [&str; 3] = ["best", "middle", "last"];

    #[derive(Clone, Debug, PartialEq)]
    struct Value {
        kind: u8,
        number: u32,
    }

    impl Report for Value {
        fn replaces(&self, earlier: &Value) -> bool {
            self.kind == earlier.kind
        }
    }

    fn at(second: usize) -> Timestamp {
        Timestamp::from_nanos(second as i64 * 1_000_000_000)
    }

    /// By definition: the best source that has reported something since it last ended, and what that source has reported last
    /// of each kind.
    fn model(history: &[(usize, Option<Value>)]) -> (Option<&'static str>, Vec<Value>) {
        for (index, name) in NAMES.iter().enumerate() {
            let own: Vec<_> = history.iter().filter(|(of, _)| *of == index).collect();
            let alive = own
                .iter()
                .rposition(|(_, value)| value.is_none())
                .map_or(0, |end| end + 1);
            let mut last = [None, None];
            for (_, value) in &own[alive..] {
                let value = value.clone().expect("after the last end");
                let kind = usize::from(value.kind);
                last[kind] = Some(value);
            }
            let values: Vec<_> = last.into_iter().flatten().collect();
            if !values.is_empty() {
                return (Some(name), values);
            }
        }
        (None, Vec::new())
    }

    proptest! {
        /// Whoever follows the feed always knows what the best source says, and nothing else.
        #[test]
        fn the_feed_says_what_the_best_source_says(
            history in prop::collection::vec(
                (0usize..3, prop::option::weighted(0.7, (0u8..2, any::<u32>()))), 0..60)
        ) {
            let history: Vec<_> = history
                .into_iter()
                .map(|(index, value)| (index, value.map(|(kind, number)| Value { kind, number })))
                .collect();
            let mut choice = Choice::of(NAMES.into_iter());
            let (mut used, mut known) = (None, Vec::<Value>::new());
            for (step, (index, value)) in history.iter().enumerate() {
                let news = match value {
                    Some(value) => News::Report(At { time: at(step), report: value.clone() }),
                    None => News::Lost { at: at(step), reason: "gone".to_owned() },
                };
                for feed in choice.take(*index, news) {
                    match feed {
                        Feed::From(_, name) => (used, known) = (name, Vec::new()),
                        Feed::Report(report) => {
                            known.retain(|value| !report.report.replaces(value));
                            known.push(report.report);
                        }
                    }
                }
                known.sort_by_key(|value| value.kind);
                prop_assert_eq!((used, known.clone()), model(&history[..=step]));
                prop_assert_eq!(choice.state() == State::Recording, used.is_some());
            }
        }
    }

    #[test]
    fn the_states_name_the_used_backend_and_why_the_others_are_not_used() {
        let mut choice = Choice::<Option<u8>>::of(NAMES.into_iter());
        assert_eq!(choice.state(), State::Starting);
        let report = |time| {
            News::Report(At {
                time,
                report: Some(1),
            })
        };
        let lost = |reason: &str| News::Lost {
            at: at(9),
            reason: reason.to_owned(),
        };
        choice.take(0, lost("no such protocol"));
        choice.take(1, report(at(1)));
        choice.take(2, report(at(1)));
        let states = |choice: &Choice<Option<u8>>| {
            choice
                .backends()
                .into_iter()
                .map(|backend| backend.state)
                .collect::<Vec<_>>()
        };
        let missing = BackendState::Unavailable("no such protocol".to_owned());
        assert_eq!(
            states(&choice),
            [missing.clone(), BackendState::Chosen, BackendState::Spare]
        );
        let feed = choice.take(1, lost("hung up"));
        assert_eq!(
            feed,
            [
                Feed::From(at(9), Some("last")),
                Feed::Report(At {
                    time: at(1),
                    report: Some(1)
                })
            ]
        );
        let hung_up = BackendState::Unavailable("hung up".to_owned());
        assert_eq!(states(&choice), [missing, hung_up, BackendState::Chosen]);
        assert_eq!(choice.take(2, lost("gone")), [Feed::From(at(9), None)]);
        assert!(matches!(choice.state(), State::Waiting(_)));
    }
}

//! The facts that concern all modules: locks, other users, sleep, and clocks that were set.
//!
//! Unlike backends, sources of facts do not replace one another: each knows something that the others do not. A session is
//! locked if one of them says so.

use std::sync::Arc;

use timberline_model::Timestamp;

use super::probing::{News, Probing};
use crate::afk::Fact;
use crate::clock::{Clock, JumpDetector};
use crate::desktop::{At, Source};

/// Runs the sources of facts, and watches the clocks.
pub(super) struct Facts {
    probing: Probing<Fact>,
    combined: Combined,
    jumps: JumpDetector,
    clock: Arc<dyn Clock>,
}

impl Facts {
    /// Starts the sources.
    pub(super) fn start(sources: Vec<Box<dyn Source<Fact>>>, clock: &Arc<dyn Clock>) -> Facts {
        Facts {
            combined: Combined(vec![Opinion::default(); sources.len()]),
            probing: Probing::start(sources, clock),
            jumps: JumpDetector::new(clock.read()),
            clock: Arc::clone(clock),
        }
    }

    /// The next facts; none if they were known already. It may be dropped and called again.
    pub(super) async fn next(&mut self) -> Vec<At<Fact>> {
        tokio::select! {
            biased;
            (index, news) = self.probing.next() => self.combined.take(index, news),
            // `now` says what has happened.
            () = self.clock.jumped() => Vec::new(),
        }
    }

    /// What the time is, and what has happened to the clocks since the last call. To be called first whenever something wakes a
    /// module: a report that comes after a sleep is about the time after it.
    pub(super) fn now(&mut self) -> (Timestamp, Vec<At<Fact>>) {
        let reading = self.clock.read();
        let jumps = self.jumps.observe(reading);
        let facts = jumps.flat_map(crate::clock::Jump::facts);
        let facts = facts.map(|(time, report)| At { time, report });
        (reading.wall, facts.collect())
    }
}

/// What one source says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Opinion {
    locked: bool,
    switched_away: bool,
    asleep: bool,
}

/// What all of them say.
#[derive(Debug)]
struct Combined(Vec<Opinion>);

impl Combined {
    fn total(&self) -> Opinion {
        self.0.iter().fold(Opinion::default(), |total, one| Opinion {
            locked: total.locked || one.locked,
            switched_away: total.switched_away || one.switched_away,
            asleep: total.asleep || one.asleep,
        })
    }

    /// What changes by it. The end of a source takes back all that it has said, which tells nothing about the person.
    fn take(&mut self, index: usize, news: News<Fact>) -> Vec<At<Fact>> {
        let before = self.total();
        let Some(opinion) = self.0.get_mut(index) else {
            return Vec::new();
        };
        let (time, ends) = match news {
            News::Report(At { time, report }) => {
                match report {
                    Fact::Locked => opinion.locked = true,
                    Fact::Unlocked | Fact::LockUnknown => opinion.locked = false,
                    Fact::SwitchedAway => opinion.switched_away = true,
                    Fact::SwitchedBack | Fact::SwitchUnknown => opinion.switched_away = false,
                    Fact::SleepBegan => opinion.asleep = true,
                    Fact::SleepEnded => opinion.asleep = false,
                    other => return vec![At { time, report: other }],
                }
                (time, Ends::REPORTED)
            }
            News::Lost { at, .. } => {
                *opinion = Opinion::default();
                (at, Ends::UNKNOWN)
            }
        };
        let facts = before.changes_to(self.total(), ends);
        facts.map(|report| At { time, report }).collect()
    }
}

/// What the end of a lock is, and that of another user's turn.
struct Ends {
    lock: Fact,
    switch: Fact,
}

impl Ends {
    const REPORTED: Ends = Ends {
        lock: Fact::Unlocked,
        switch: Fact::SwitchedBack,
    };
    const UNKNOWN: Ends = Ends {
        lock: Fact::LockUnknown,
        switch: Fact::SwitchUnknown,
    };
}

impl Opinion {
    /// The facts that lead from one state to the other. Sleep ends first: what happens while the machine sleeps does not count.
    fn changes_to(self, after: Opinion, ends: Ends) -> impl Iterator<Item = Fact> {
        let change = |before: bool, after: bool, begins, ends| match (before, after) {
            (false, true) => Some(begins),
            (true, false) => Some(ends),
            _ => None,
        };
        let changes = [
            change(self.asleep, after.asleep, Fact::SleepBegan, Fact::SleepEnded),
            change(
                self.switched_away,
                after.switched_away,
                Fact::SwitchedAway,
                ends.switch,
            ),
            change(self.locked, after.locked, Fact::Locked, ends.lock),
        ];
        changes.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_nanos(second * 1_000_000_000)
    }

    #[test]
    fn a_session_is_locked_while_one_of_the_sources_says_so() {
        let mut combined = Combined(vec![Opinion::default(); 2]);
        let mut take = |index, report| {
            let said = combined.take(index, News::Report(At { time: at(1), report }));
            said.iter().map(|said| said.report).collect::<Vec<_>>()
        };
        assert_eq!(take(0, Fact::Unlocked), [], "nothing new");
        assert_eq!(take(1, Fact::Locked), [Fact::Locked]);
        assert_eq!(take(0, Fact::Locked), []);
        assert_eq!(take(1, Fact::Unlocked), [], "the other one still says so");
        assert_eq!(take(0, Fact::Unlocked), [Fact::Unlocked]);
    }

    #[test]
    fn what_a_source_has_said_ends_with_it_and_is_no_input() {
        let mut combined = Combined(vec![Opinion::default(); 1]);
        for report in [Fact::Locked, Fact::SwitchedAway, Fact::SleepBegan] {
            combined.take(0, News::Report(At { time: at(1), report }));
        }
        let said = combined.take(
            0,
            News::Lost {
                at: at(5),
                reason: String::new(),
            },
        );
        let facts = [Fact::SleepEnded, Fact::SwitchUnknown, Fact::LockUnknown];
        assert_eq!(said, facts.map(|report| At { time: at(5), report }));
    }
}

//! A value that several threads use, one at a time and in a given order.

use parking_lot::{Condvar, Mutex};

/// Holds the value between two turns. Turns are numbered from 0, and every number must come.
pub(super) struct Handoff<T> {
    held: Mutex<State<T>>,
    passed: Condvar,
}

struct State<T> {
    turn: u64,
    /// `None` while a thread works on it.
    thing: Option<T>,
    /// A thread panicked while it worked on it.
    dropped: bool,
}

impl<T> Handoff<T> {
    pub(super) fn new(thing: T) -> Self {
        Self {
            held: Mutex::new(State {
                turn: 0,
                thing: Some(thing),
                dropped: false,
            }),
            passed: Condvar::new(),
        }
    }

    /// Waits for the turn of `number`, does `work`, and passes on. No lock is held meanwhile. Does
    /// nothing when another thread dropped the thing.
    pub(super) fn run(&self, number: u64, work: impl FnOnce(T) -> T) {
        let mut held = self.held.lock();
        self.passed.wait_while(&mut held, |held| {
            !held.dropped && (held.turn != number || held.thing.is_none())
        });
        let Some(thing) = held.thing.take() else {
            return;
        };
        drop(held);
        let mut runner = Runner {
            handoff: self,
            thing: None,
        };
        runner.thing = Some(work(thing));
    }

    /// Whether `says` of the thing, if it is there to be looked at; true when it was dropped.
    pub(super) fn is_lost_or(&self, says: impl FnOnce(&T) -> bool) -> bool {
        let held = self.held.lock();
        held.dropped || held.thing.as_ref().is_some_and(says)
    }

    /// The thing, unless it was dropped.
    pub(super) fn finish(self) -> Option<T> {
        self.held.into_inner().thing
    }
}

/// Gives the thing back however the work ends, so that nobody waits for ever.
struct Runner<'a, T> {
    handoff: &'a Handoff<T>,
    thing: Option<T>,
}

impl<T> Drop for Runner<'_, T> {
    fn drop(&mut self) {
        let mut held = self.handoff.held.lock();
        held.dropped = self.thing.is_none();
        held.thing = self.thing.take();
        held.turn += 1;
        self.handoff.passed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_come_in_order_whoever_is_there_first() {
        let handoff = Handoff::new(Vec::new());
        std::thread::scope(|scope| {
            for first in [1, 0] {
                let handoff = &handoff;
                scope.spawn(move || {
                    for number in (first..100).step_by(2) {
                        handoff.run(number, |mut seen| {
                            seen.push(number);
                            seen
                        });
                    }
                });
            }
        });
        assert_eq!(handoff.finish().unwrap(), (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn a_panic_leaves_nobody_waiting() {
        let handoff = Handoff::new(0);
        std::thread::scope(|scope| {
            let panicking = scope.spawn(|| handoff.run(0, |_| panic!("on purpose")));
            scope.spawn(|| handoff.run(1, |thing| thing + 1));
            assert!(panicking.join().is_err());
        });
        assert!(handoff.is_lost_or(|_| false));
        assert_eq!(handoff.finish(), None);
    }
}

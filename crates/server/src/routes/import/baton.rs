//! Something that several threads work on, one at a time and in a given order.

use parking_lot::{Condvar, Mutex};

/// Holds the thing between two turns. Turns are numbered from 0, and every number must come.
pub(super) struct Baton<T> {
    held: Mutex<Held<T>>,
    passed: Condvar,
}

struct Held<T> {
    turn: u64,
    /// `None` while somebody runs with it.
    thing: Option<T>,
    /// Somebody ended in a panic while running with it.
    dropped: bool,
}

impl<T> Baton<T> {
    pub(super) fn new(thing: T) -> Self {
        Self {
            held: Mutex::new(Held {
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
            baton: self,
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
    baton: &'a Baton<T>,
    thing: Option<T>,
}

impl<T> Drop for Runner<'_, T> {
    fn drop(&mut self) {
        let mut held = self.baton.held.lock();
        held.dropped = self.thing.is_none();
        held.thing = self.thing.take();
        held.turn += 1;
        self.baton.passed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_come_in_order_whoever_is_there_first() {
        let baton = Baton::new(Vec::new());
        std::thread::scope(|scope| {
            for first in [1, 0] {
                let baton = &baton;
                scope.spawn(move || {
                    for number in (first..100).step_by(2) {
                        baton.run(number, |mut seen| {
                            seen.push(number);
                            seen
                        });
                    }
                });
            }
        });
        assert_eq!(baton.finish().unwrap(), (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn a_panic_leaves_nobody_waiting() {
        let baton = Baton::new(0);
        std::thread::scope(|scope| {
            let panicking = scope.spawn(|| baton.run(0, |_| panic!("on purpose")));
            scope.spawn(|| baton.run(1, |thing| thing + 1));
            assert!(panicking.join().is_err());
        });
        assert!(baton.is_lost_or(|_| false));
        assert_eq!(baton.finish(), None);
    }
}

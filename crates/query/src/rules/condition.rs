//! Conditions on when something was done: times of day, days of the week, spans of time.
//!
//! A condition holds at an instant or not. So an event that goes on while one begins or ceases to hold is divided there,
//! and what is done in a period does not depend on how the period is cut.

use super::clock::DAY;
use crate::clock::Clock;

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// What a clock shows.
    Clock(Hours, Clock),
    /// From one instant on, until just before another.
    Between(i64, i64),
}

/// A time of day on some days of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hours {
    /// Bit 0 is Monday.
    pub(super) weekdays: u8,
    /// Nanoseconds after midnight; the first that is part of it.
    pub(super) from: i64,
    /// The first that is not. If it is before `from`, the time goes on past midnight, and the day is the one on which it began.
    pub(super) to: i64,
}

impl Hours {
    /// Whether they hold when a clock shows this time of this day, counted from 1970.
    fn hold(self, day: i64, time: i64) -> bool {
        // 1970-01-01 was a Thursday.
        let is_on = |day: i64| self.weekdays >> (day + 3).rem_euclid(7) & 1 == 1;
        if self.from < self.to {
            return is_on(day) && (self.from..self.to).contains(&time);
        }
        (time >= self.from && is_on(day)) || (time < self.to && is_on(day - 1))
    }

    /// The time of the day from which they may hold where they did not, or the other way round.
    fn next_change(self, time: i64) -> i64 {
        let later = [self.from, self.to].into_iter().filter(|change| *change > time);
        later.min().unwrap_or(DAY).min(DAY)
    }
}

impl Condition {
    /// Whether it holds at an instant, and the first later instant at which that may change.
    pub(super) fn at(&self, at: i64) -> (bool, i64) {
        match self {
            Condition::Between(from, to) => {
                let later = [*from, *to].into_iter().filter(|change| *change > at);
                ((*from..*to).contains(&at), later.min().unwrap_or(i64::MAX))
            }
            Condition::Clock(hours, clock) => {
                let (shift, until) = clock.shift(at);
                let shown = at.saturating_add(shift);
                let (day, time) = (shown.div_euclid(DAY), shown.rem_euclid(DAY));
                let change = at.saturating_add(hours.next_change(time) - time);
                (hours.hold(day, time), change.min(until))
            }
        }
    }
}

/// All conditions of a set of rules.
#[derive(Debug, Default)]
pub(super) struct Conditions(pub(super) Vec<Condition>);

impl Conditions {
    /// The number of a condition.
    pub(super) fn add(&mut self, condition: Condition) -> usize {
        let known = self.0.iter().position(|known| *known == condition);
        known.unwrap_or_else(|| {
            self.0.push(condition);
            self.0.len() - 1
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Which of them hold at an instant, as bits by their number, and the first later instant at which that may change.
    pub(super) fn at(&self, at: i64) -> (Vec<u64>, i64) {
        let mut bits = vec![0u64; self.0.len().div_ceil(64)];
        let mut until = i64::MAX;
        for (number, condition) in self.0.iter().enumerate() {
            let (holds, change) = condition.at(at);
            until = until.min(change);
            if let Some(word) = bits.get_mut(number / 64) {
                *word |= u64::from(holds) << (number % 64);
            }
        }
        (bits, until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = DAY / 24;

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_begins() {
        let friday_night = Hours {
            weekdays: 1 << 4,
            from: 22 * HOUR,
            to: 2 * HOUR,
        };
        // 1970-01-02 was a Friday.
        assert!(!friday_night.hold(1, HOUR));
        assert!(friday_night.hold(1, 23 * HOUR));
        assert!(friday_night.hold(2, HOUR));
        assert!(!friday_night.hold(2, 2 * HOUR));
        assert!(!friday_night.hold(2, 23 * HOUR));
    }

    #[test]
    fn between_two_changes_a_condition_stays_as_it_is() {
        let clock = Clock::of_zone("Australia/Lord_Howe").unwrap();
        let hours = Hours {
            weekdays: 0b1010_0010 & 0x7f,
            from: 90 * HOUR / 60,
            to: 2 * HOUR,
        };
        let condition = Condition::Clock(hours, clock);
        // The clock went back by half an hour on 2024-04-06 at 15:00 UTC.
        let begin = 1_712_400_000_000_000_000;
        let mut at = begin;
        while at < begin + 3 * DAY {
            let (holds, until) = condition.at(at);
            assert!(until > at);
            let mut inside = at;
            while inside < until.min(begin + 3 * DAY) {
                assert_eq!(condition.at(inside).0, holds);
                inside += 7 * HOUR / 60;
            }
            assert_eq!(condition.at(until - 1).0, holds);
            at = until;
        }
    }
}

//! Which records changed which part of a bucket's time: so that a cache knows whether its results still hold.
//!
//! Kept is a staircase: of two changes only the newer one matters if it reaches as far back as the older one. A
//! watcher's events climb it one step each, so two steps are joined when there are too many: the answer may then name a
//! record that is newer than the true one, never an older one. The steps that are kept get wider with their age, so
//! what lies a day back seems touched a few times a day.

use timberline_log::Seq;
use timberline_model::Timestamp;

/// Steps of the staircase. It is copied with each view of the bucket, so it must be small.
const STEPS: usize = 24;

/// For any instant: the newest record that changed what lies at or before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Changes {
    /// What was there when counting began; it may have touched any instant.
    floor: Seq,
    len: usize,
    /// By seq, ascending; then the instants are ascending too.
    steps: [Step; STEPS],
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Step {
    seq: Seq,
    /// The earliest instant that it changed.
    from: Timestamp,
}

impl Step {
    /// What an unused place holds.
    const UNUSED: Step = Step {
        seq: Seq::NONE,
        from: Timestamp::MIN,
    };
}

impl Changes {
    /// Nothing has changed since record `floor`.
    pub(crate) fn since(floor: Seq) -> Changes {
        Changes {
            floor,
            len: 0,
            steps: [Step::UNUSED; STEPS],
        }
    }

    /// Record `seq` changed what lies at `from` and later.
    pub(crate) fn record(&mut self, seq: Seq, from: Timestamp) {
        while self.newest().is_some_and(|s| s.from >= from) {
            self.len -= 1;
        }
        if self.len == STEPS {
            self.make_room();
        }
        if let Some(slot) = self.steps.get_mut(self.len) {
            *slot = Step { seq, from };
            self.len += 1;
        }
    }

    /// The newest record that may have changed what lies at or before `until`.
    pub(crate) fn until(&self, until: Timestamp) -> Seq {
        let reaching = self.steps().iter().rev().find(|s| s.from <= until);
        reaching.map_or(self.floor, |s| s.seq)
    }

    fn steps(&self) -> &[Step] {
        self.steps.get(..self.len).unwrap_or_default()
    }

    fn newest(&self) -> Option<&Step> {
        self.steps().last()
    }

    /// Joins the two neighbours that are closest for their age: the newer record, the earlier instant.
    fn make_room(&mut self) {
        let Some(newest) = self.newest().map(|s| s.from) else {
            return;
        };
        let closeness = |pair: &[Step]| match pair {
            [older, newer] => apart(newer.from, older.from) / apart(newest, older.from),
            _ => f64::INFINITY,
        };
        let pairs = self.steps().windows(2).map(closeness).enumerate();
        let Some((closest, _)) = pairs.min_by(|(_, a), (_, b)| a.total_cmp(b)) else {
            return;
        };
        if let Some([older, newer]) = self.steps.get_mut(closest..closest + 2) {
            newer.from = older.from;
            self.steps.copy_within(closest + 1.., closest);
            self.len -= 1;
        }
    }
}

/// From `earlier` to `later`; about that is enough.
fn apart(later: Timestamp, earlier: Timestamp) -> f64 {
    later.nanos() as f64 - earlier.nanos() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What it stands for: all changes, each looked at.
    fn plainly(floor: u64, changes: &[(u64, i64)], until: i64) -> u64 {
        let reaching = changes.iter().filter(|(_, from)| *from <= until);
        reaching.map(|(seq, _)| *seq).max().unwrap_or(floor)
    }

    proptest! {
        #[test]
        fn never_names_a_record_older_than_the_true_one(froms in prop::collection::vec(-50i64..50, 0..200), until in -60i64..60) {
            let (mut changes, mut all) = (Changes::since(Seq(7)), Vec::new());
            for (i, from) in froms.iter().enumerate() {
                let seq = 8 + i as u64;
                changes.record(Seq(seq), Timestamp::from_nanos(*from));
                all.push((seq, *from));
                prop_assert!(changes.until(Timestamp::from_nanos(until)).get() >= plainly(7, &all, until));
                // And exact as long as there are few.
                if i < STEPS {
                    prop_assert_eq!(changes.until(Timestamp::from_nanos(until)).get(), plainly(7, &all, until));
                }
            }
        }
    }

    /// Asked each minute of a day, the day before seems touched a few times, not each minute.
    #[test]
    fn what_is_a_day_back_is_seldom_touched() {
        let mut changes = Changes::since(Seq::NONE);
        let (day, mut seen, mut looks) = (86_400, 0, 0);
        for second in 0..2 * day {
            changes.record(Seq(second as u64 + 1), Timestamp::from_nanos(second));
            let touched = changes.until(Timestamp::from_nanos(day - 1)).get();
            if second >= day && second % 60 == 0 && touched > seen {
                seen = second as u64 + 1;
                looks += 1;
            }
        }
        assert!((1..=10).contains(&looks), "{looks}");
    }
}

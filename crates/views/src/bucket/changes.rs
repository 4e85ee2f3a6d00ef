//! Which records changed which part of a bucket's time: what tells a cache of past results that they still hold.
//!
//! Kept is a staircase: of two changes only the newer one matters if it reaches as far back as the older one. A
//! watcher's heartbeats climb it one step each, so older steps are joined two and two when there are too many: the
//! answer may then name a record that is newer than the true one, never an older one.

/// Steps of the staircase. It is copied with each picture of the bucket, so it must be small.
const STEPS: usize = 24;
/// Steps that are never joined when room is made: the newest ones.
const FINE: usize = 8;

/// For any instant: the newest record that changed what lies at or before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Changes {
    /// What was there when counting began; it may have touched any instant.
    floor: u64,
    len: usize,
    /// By seq, ascending; then the instants are ascending too.
    steps: [Step; STEPS],
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Step {
    seq: u64,
    /// The earliest instant that it changed.
    from: i64,
}

impl Changes {
    /// Nothing has changed since record `floor`.
    pub(crate) fn since(floor: u64) -> Changes {
        Changes {
            floor,
            len: 0,
            steps: [Step::default(); STEPS],
        }
    }

    /// Record `seq` changed what lies at `from` and later.
    pub(crate) fn record(&mut self, seq: u64, from: i64) {
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
    pub(crate) fn until(&self, until: i64) -> u64 {
        let reaching = self.steps().iter().rev().find(|s| s.from <= until);
        reaching.map_or(self.floor, |s| s.seq)
    }

    fn steps(&self) -> &[Step] {
        self.steps.get(..self.len).unwrap_or_default()
    }

    fn newest(&self) -> Option<&Step> {
        self.steps().last()
    }

    /// Joins the older steps two and two: the newer record, the earlier instant.
    fn make_room(&mut self) {
        let before = *self;
        let (old, fine) = before.steps().split_at(STEPS - FINE);
        let joined = old.chunks(2).filter_map(|pair| {
            let (first, last) = (pair.first()?, pair.last()?);
            Some(Step {
                seq: last.seq,
                from: first.from,
            })
        });
        self.len = 0;
        for (slot, step) in self.steps.iter_mut().zip(joined.chain(fine.iter().copied())) {
            *slot = step;
            self.len += 1;
        }
    }
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
            let (mut changes, mut all) = (Changes::since(7), Vec::new());
            for (i, from) in froms.iter().enumerate() {
                let seq = 8 + i as u64;
                changes.record(seq, *from);
                all.push((seq, *from));
                prop_assert!(changes.until(until) >= plainly(7, &all, until));
                // And exact as long as there are few.
                if i < STEPS {
                    prop_assert_eq!(changes.until(until), plainly(7, &all, until));
                }
            }
        }
    }

    #[test]
    fn a_day_of_heartbeats_leaves_the_day_before_untouched() {
        let mut changes = Changes::since(0);
        for second in 0..86_400 {
            changes.record(second as u64 + 1, second);
        }
        let yesterday_seen_at = changes.until(86_400);
        for second in 86_400..2 * 86_400 {
            changes.record(second as u64 + 1, second);
        }
        assert!(changes.until(40_000) <= yesterday_seen_at);
    }
}

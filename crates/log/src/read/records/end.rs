//! Where the log ends, while a writer may be appending: tells the torn end of the log from damage.

use super::{Advance, Records};
use crate::Seq;
use crate::read::damage::damage_of;
use crate::read::probe::{Probe, list_segments};
use crate::read::walk::{Bounds, FrameAt, Gap, Step, Walk};

impl Records {
    /// A batch has begun. Where the log may end in its middle (a power cut, and nobody has recovered it yet), it is
    /// only served if its end is there.
    pub(super) fn look_for_batch_end(&mut self, before: Walk, begins: FrameAt) -> Advance {
        let Some(current) = self.current.as_mut() else {
            return Advance::Again;
        };
        let durable = current
            .bounds
            .floor
            .map_or(Seq::NONE, |(_, last)| last)
            .max(self.durable_to);
        if current.bounds.sealed || begins.head.seq <= durable {
            return Advance::Record(begins);
        }
        let mut ahead = current.walk;
        loop {
            match ahead.step(&mut current.probe.window, &current.bounds) {
                Step::Frame(frame) if !frame.head.ends_batch => {}
                Step::Frame(frame) => {
                    self.whole_to = frame.head.seq;
                    // Looking ahead has moved the window; read this record once more.
                    current.walk = before;
                    return Advance::Again;
                }
                Step::Gap(gap) => {
                    let (lost, after) = (*gap.lost.start(), ahead);
                    if gap.may_be_torn && !self.was_durable(lost, after) {
                        return self.stop_at(before);
                    }
                    self.whole_to = lost.prev();
                    return self.resume(before);
                }
                Step::Torn { .. } | Step::End => {
                    let last = ahead.expected.prev();
                    // Recovery does not cut what a footer or durable mark says was durable, so it is served before, too.
                    if !self.was_durable(begins.head.seq, before) {
                        return self.stop_at(before);
                    }
                    self.whole_to = last;
                    return self.resume(before);
                }
            }
        }
    }

    /// A gap is damage if what is lost had been durable, or is seen to have been written; otherwise it is the torn end of
    /// the log.
    pub(super) fn judge(&mut self, before: Walk, gap: &Gap) -> Advance {
        let Some(current) = self.current.as_ref() else {
            return Advance::Again;
        };
        let (segment, after) = (current.probe.first, current.walk);
        if !gap.may_be_torn || self.was_durable(*gap.lost.start(), after) {
            return Advance::Damage(damage_of(self.reader.storage(), segment, gap));
        }
        self.stop_at(before)
    }

    fn stop_at(&mut self, walk: Walk) -> Advance {
        let _ = self.resume(walk);
        Advance::End
    }

    fn resume(&mut self, walk: Walk) -> Advance {
        if let Some(current) = self.current.as_mut() {
            current.walk = walk;
        }
        Advance::Again
    }

    /// Whether some later mark says that a record was durable.
    pub(super) fn was_durable(&mut self, lost: Seq, after: Walk) -> bool {
        let Some(current) = self.current.as_mut() else {
            return false;
        };
        let floor = current.bounds.floor.map_or(Seq::NONE, |(_, last)| last);
        if current.bounds.sealed || lost <= floor.max(self.durable_to) {
            return true;
        }
        let mut newest = newest_mark(&mut current.probe, after, &current.bounds, lost);
        let here = current.probe.first;
        for first in list_segments(self.reader.storage())
            .unwrap_or_default()
            .into_iter()
            .filter(|&first| first > here)
        {
            if newest >= lost {
                break;
            }
            let Ok(mut probe) = Probe::open(self.reader.storage(), first) else {
                continue;
            };
            let (walk, bounds) = (probe.walk(), probe.bounds(None, false));
            newest = newest.max(newest_mark(&mut probe, walk, &bounds, lost));
        }
        self.durable_to = self.durable_to.max(newest);
        newest >= lost
    }
}

/// The newest durable mark in a segment from a place on; stops at the first that reaches `enough`.
fn newest_mark(probe: &mut Probe, mut walk: Walk, bounds: &Bounds, enough: Seq) -> Seq {
    let mut newest = bounds.floor.map_or(Seq::NONE, |(_, last)| last);
    while newest < enough {
        match walk.step(&mut probe.window, bounds) {
            Step::Frame(frame) => newest = newest.max(frame.head.durable_mark()),
            Step::Gap(_) => {}
            Step::Torn { .. } | Step::End => break,
        }
    }
    newest
}

//! A view segment that is about to take the place of the head or of the segments it was made of.
//!
//! Events may have gone since it was made: they are hidden in it. Which they are is read before the sequencer's lock is
//! taken ([`Replacement::catch_up`]); under the lock it is only compared whether anything was removed since.

use std::sync::Arc;

use rustc_hash::FxHashSet;
use timberline_model::EventId;

use super::bucket::BucketView;
use super::masked_segment::MaskedSegment;
use crate::head::Run;
use crate::segment::{SegmentError, ViewSegment};

/// A new segment, and what it was made of.
pub(crate) struct Replacement {
    /// `None` if nothing was left to write.
    new: Option<MaskedSegment>,
    of: Replaced,
    /// Once events are lost: what the next heartbeat was compared with when that was looked up, if it is still there.
    last: Option<EventId>,
}

/// What a view has lost by a replacement.
#[derive(Debug, Default)]
pub(crate) struct Loss {
    pub(crate) events: u64,
    /// What the next heartbeat was compared with, if it is known to be there still.
    pub(crate) last: Option<EventId>,
}

/// What it was made of, as it was when it was last looked at.
enum Replaced {
    Head(Arc<Vec<Arc<Run>>>),
    Segments(Vec<MaskedSegment>),
}

impl Replacement {
    /// A segment made of the runs of a frozen head.
    pub(crate) fn of_head(segment: Option<ViewSegment>, runs: Arc<Vec<Arc<Run>>>) -> Replacement {
        Replacement {
            new: segment.map(|segment| MaskedSegment::new(Arc::new(segment), Vec::new())),
            of: Replaced::Head(runs),
            last: None,
        }
    }

    /// A segment made of others.
    pub(crate) fn of_segments(segment: Option<ViewSegment>, segments: &[MaskedSegment]) -> Replacement {
        Replacement {
            new: segment.map(|segment| MaskedSegment::new(Arc::new(segment), Vec::new())),
            of: Replaced::Segments(segments.to_vec()),
            last: None,
        }
    }

    /// Whether nothing was removed since the last look.
    pub(crate) fn is_current(&self, view: &BucketView) -> bool {
        match &self.of {
            Replaced::Head(then) => Arc::ptr_eq(then, &view.frozen),
            Replaced::Segments(segments) => segments
                .iter()
                .all(|then| in_place_of(view, then).is_none_or(|now| Arc::ptr_eq(&now.hidden, &then.hidden))),
        }
    }

    /// Hides what was removed since the last look.
    ///
    /// # Errors
    /// When the new segment, or one that it was made of, cannot be read.
    pub(crate) fn catch_up(&mut self, view: &BucketView) -> Result<(), SegmentError> {
        let mut gone = Vec::new();
        match &mut self.of {
            Replaced::Head(then) => {
                gone = gone_from(then, &view.frozen);
                *then = view.frozen.clone();
            }
            Replaced::Segments(segments) => {
                for then in segments {
                    let Some(now) = in_place_of(view, then) else {
                        continue;
                    };
                    if Arc::ptr_eq(&now.hidden, &then.hidden) {
                        continue;
                    }
                    let hidden = now.hidden.iter().filter(|position| then.shows(**position));
                    let hidden: Vec<u32> = hidden.copied().collect();
                    gone.extend(then.segment.rows_at(&hidden)?.iter().map(|row| row.id));
                    *then = now.clone();
                }
            }
        }
        gone.sort_unstable();
        if let Some(new) = &mut self.new {
            let hidden = new.positions_of(&gone)?;
            new.hide(hidden);
            let _ = new.newest();
            // What the look-up has read of it, and the system beside that, is not needed again soon.
            new.segment.release();
        }
        if self.lost() > 0 {
            self.look_up(view);
        }
        Ok(())
    }

    /// Events that were shown and are not in it: the damaged segments that it was made of have lost them.
    fn lost(&self) -> u64 {
        let Replaced::Segments(segments) = &self.of else {
            return 0;
        };
        let lost = |s: &MaskedSegment| s.segment.missing().iter().filter(|at| s.shows(**at)).count() as u64;
        segments.iter().map(lost).sum()
    }

    /// Looks up what a bucket is measured by once events of it are lost, so that nothing is read for it under the lock.
    fn look_up(&mut self, view: &BucketView) {
        for sealed in view.segments.iter().chain(&self.new) {
            let _ = (sealed.newest(), sealed.extent());
        }
        let mut stay = view
            .segments
            .iter()
            .filter(|s| !self.replaces(s))
            .chain(&self.new);
        let last = view.last.map(|last| last.id);
        self.last = last.filter(|id| {
            view.find_in_memory(*id).is_some()
                || stay.any(|s| s.positions_of(&[*id]).is_ok_and(|found| !found.is_empty()))
        });
    }

    fn replaces(&self, sealed: &MaskedSegment) -> bool {
        match &self.of {
            Replaced::Head(_) => false,
            Replaced::Segments(segments) => {
                (segments.iter()).any(|then| Arc::ptr_eq(&then.segment, &sealed.segment))
            }
        }
    }

    /// Takes its place in a view, which it has caught up with. Gives back what the view has lost by it.
    pub(crate) fn take_place(self, view: &mut BucketView) -> Loss {
        let lost = Loss {
            events: self.lost(),
            last: self.last,
        };
        match &self.of {
            Replaced::Head(_) if self.new.is_none() => return Loss::default(),
            Replaced::Head(_) => view.frozen = Arc::default(),
            Replaced::Segments(_) => Arc::make_mut(&mut view.segments).retain(|s| !self.replaces(s)),
        }
        if let Some(new) = self.new {
            let segments = Arc::make_mut(&mut view.segments);
            segments.push(new);
            segments.sort_by_key(|s| s.segment.header().least_start);
        }
        lost
    }
}

/// The same segment as it is in a view.
fn in_place_of<'a>(view: &'a BucketView, then: &MaskedSegment) -> Option<&'a MaskedSegment> {
    view.segments
        .iter()
        .find(|now| Arc::ptr_eq(&now.segment, &then.segment))
}

/// The events that are in the one head and not in the other. Runs that are in both are not looked at.
fn gone_from(then: &[Arc<Run>], now: &[Arc<Run>]) -> Vec<EventId> {
    let ids = |runs: &[Arc<Run>], others: &[Arc<Run>]| -> FxHashSet<EventId> {
        let differ = |run: &&Arc<Run>| !others.iter().any(|other| Arc::ptr_eq(run, other));
        let rows = runs.iter().filter(differ).flat_map(|run| run.rows());
        rows.map(|row| row.id).collect()
    };
    let left = ids(now, then);
    let before = ids(then, now);
    before.into_iter().filter(|id| !left.contains(id)).collect()
}

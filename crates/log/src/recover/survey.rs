//! Reads the unsealed segments frame by frame, and finds where they end, where the log may be cut, and what is damaged.

use std::collections::VecDeque;
use std::sync::Arc;

use timberline_disk::Storage;

use crate::Seq;
use crate::error::Damage;
use crate::format::segment::{SEGMENT_HEADER, segment_name};
use crate::read::damage::damage_of;
use crate::read::probe::Probe;
use crate::read::walk::{FrameAt, Gap, Step};
use crate::sync::active::SegmentTail;

/// An unsealed segment and how far its good frames reach.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) probe: Probe,
    pub(super) end: SegmentTail,
    pub(super) lost_records: u64,
    /// The frames beyond the newest durable mark, as known while walking along this segment.
    pub(super) unmarked: VecDeque<(Seq, u64)>,
}

/// A place where the log may have to be cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    /// Which of the unsealed segments.
    pub(super) segment: usize,
    /// Where in it; zero for the whole segment.
    pub(super) offset: u64,
    /// The first record lost by cutting here.
    pub(super) seq: Seq,
}

impl Cut {
    /// How a segment ends that is cut here.
    pub(super) fn tail(&self) -> SegmentTail {
        SegmentTail {
            offset: self.offset,
            last: self.seq.prev(),
        }
    }
}

/// Everything seen on the way along the unsealed segments.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// The newest record that is known to have been durable.
    pub(super) durable: Seq,
    pub(super) cuts: Vec<Cut>,
    /// Damage, with the place it would be cut at if it is a torn tail instead.
    pub(super) damage: Vec<(Cut, Damage)>,
    /// Files that have not even room for their header. A write that was interrupted does not leave them so.
    pub(super) emptied: Vec<Damage>,
}

/// A segment gets its name when it has its full length, so what is shorter than a header was cut short. That much is
/// certain; what was in it is not.
fn emptied(storage: &Arc<dyn Storage>, probe: &mut Probe) -> Option<Damage> {
    let length = probe.window.file_len().ok()?;
    (length < SEGMENT_HEADER as u64).then(|| Damage {
        path: storage.path().join(segment_name(probe.first)),
        offset: 0,
        bytes: length,
        lost: None,
        reason: format!(
            "the file was cut down to {length} bytes, by something other than this program; the records that were in it, from \
             record {} on, are lost",
            probe.first
        ),
    })
}

/// Walks along one unsealed segment and adds what it finds to `findings`. `segment` is its place among the unsealed
/// ones, `next_first` the first record of the one after it.
pub(super) fn survey(
    storage: &Arc<dyn Storage>,
    mut probe: Probe,
    segment: usize,
    next_first: Option<Seq>,
    findings: &mut Findings,
) -> Survey {
    let bounds = probe.bounds(next_first, true);
    if let Some((_, last)) = bounds.floor {
        findings.durable = findings.durable.max(last);
    }
    survey_header(storage, &mut probe, segment, findings);

    let mut walk = probe.walk();
    let mut surveyor = Surveyor {
        storage,
        first: probe.first,
        segment,
        findings,
        batch: None,
        lost_records: 0,
        unmarked: VecDeque::new(),
    };
    loop {
        match walk.step(&mut probe.window, &bounds) {
            Step::Frame(frame) => surveyor.frame(&frame),
            Step::Gap(gap) => surveyor.gap(&gap),
            Step::Torn { offset } => {
                surveyor.end(Some((offset, walk.expected)));
                break;
            }
            Step::End => {
                surveyor.end(None);
                break;
            }
        }
    }
    let Surveyor {
        lost_records,
        unmarked,
        ..
    } = surveyor;
    Survey {
        end: SegmentTail {
            offset: walk.offset,
            last: walk.expected.prev(),
        },
        probe,
        lost_records,
        unmarked,
    }
}

/// Adds what a segment's header says to `findings`.
fn survey_header(storage: &Arc<dyn Storage>, probe: &mut Probe, segment: usize, findings: &mut Findings) {
    let whole = Cut {
        segment,
        offset: 0,
        seq: probe.first,
    };
    findings.emptied.extend(emptied(storage, probe));
    if probe.header.is_none() {
        // The header is synced before or with the first record, so if it is missing no record was durable.
        findings.cuts.push(whole);
    }
    let damage = probe.header_damage(storage);
    findings
        .damage
        .extend(damage.into_iter().map(|damage| (whole, damage)));
}

/// What is known while the frames of a segment are read.
struct Surveyor<'a> {
    storage: &'a Arc<dyn Storage>,
    first: Seq,
    segment: usize,
    findings: &'a mut Findings,
    /// Where the batch began whose end was not found yet.
    batch: Option<Cut>,
    lost_records: u64,
    unmarked: VecDeque<(Seq, u64)>,
}

impl Surveyor<'_> {
    fn at(&self, offset: u64, seq: Seq) -> Cut {
        Cut {
            segment: self.segment,
            offset,
            seq,
        }
    }

    fn frame(&mut self, frame: &FrameAt) {
        let durable = self.findings.durable.max(frame.head.durable_mark());
        self.findings.durable = durable;
        while self.unmarked.front().is_some_and(|&(seq, _)| seq <= durable) {
            self.unmarked.pop_front();
        }
        self.unmarked.push_back((frame.head.seq, frame.offset));
        let begins = self.at(frame.offset, frame.head.seq);
        self.batch = if frame.head.ends_batch {
            None
        } else {
            self.batch.or(Some(begins))
        };
    }

    /// A batch that the gap interrupts is cut from its beginning. Bytes that went bad later are no place to cut at,
    /// durable or not: the records after them are there.
    fn gap(&mut self, gap: &Gap) {
        let at = self.at(gap.offset, *gap.lost.start());
        let interrupted = self.batch.take();
        if gap.may_be_torn {
            self.findings.cuts.extend(interrupted.into_iter().chain([at]));
        }
        self.findings
            .damage
            .push((at, damage_of(self.storage, self.first, gap)));
        self.lost_records += (gap.lost.end().0 + 1).saturating_sub(gap.lost.start().0);
    }

    /// The log may be cut where an incomplete batch begins, and at a torn frame.
    fn end(&mut self, torn: Option<(u64, Seq)>) {
        let torn = torn.map(|(offset, seq)| self.at(offset, seq));
        self.findings
            .cuts
            .extend(self.batch.take().into_iter().chain(torn));
    }
}

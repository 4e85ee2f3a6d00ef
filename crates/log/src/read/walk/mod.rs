//! Walks along a segment, frame by frame. Recovery, readers and tails use the same walk.

mod resync;

use std::ops::RangeInclusive;

use crate::Seq;
use crate::format::frame::{Decoded, FRAME_ALIGN, FRAME_HEADER, Flaw, Frame, FrameHead, decode};
use crate::read::source::{Source, first_nonzero};

/// What is known about a segment from other places than its frames.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bounds {
    /// Once everything up to this offset was whole, and held the records up to this one (from the segment's footer).
    pub(crate) floor: Option<(u64, Seq)>,
    /// Nothing follows the floor.
    pub(crate) sealed: bool,
    /// The first record of the next segment, so that all before it must be here.
    pub(crate) next_first: Option<Seq>,
    /// Look beyond the apparent end, down to the end of the file.
    pub(crate) deep: bool,
    /// The segment is squashed: its frames stand for these records, and each carries the number of the last.
    pub(crate) squashed: Option<(Seq, Seq)>,
}

/// A valid frame and where it is. Its payload follows its header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameAt {
    pub(crate) offset: u64,
    pub(crate) head: FrameHead,
    pub(crate) payload: usize,
}

/// A stretch of bytes that should hold frames and does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
    pub(crate) lost: RangeInclusive<Seq>,
    pub(crate) reason: String,
    /// Whether a write that a power cut interrupted may have left it so. Otherwise the bytes were whole once, durable or
    /// not, and went bad.
    pub(crate) may_be_torn: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Frame(FrameAt),
    /// Something is missing, and the walk goes on after it.
    Gap(Gap),
    /// Bytes that are no frame, and nothing known after them: the end, unless recovery has reason to think otherwise.
    Torn {
        offset: u64,
    },
    End,
}

/// A position in a segment that moves from frame to frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    pub(crate) offset: u64,
    pub(crate) expected: Seq,
}

/// What lies at an offset.
#[derive(Clone, Copy, Debug)]
enum Found {
    Frame(FrameAt, usize),
    End,
    Flawed(Flaw),
}

impl Walk {
    /// Takes one step.
    pub(crate) fn step(&mut self, source: &mut impl Source, bounds: &Bounds) -> Step {
        if bounds.next_first == Some(self.expected) {
            return Step::End;
        }
        if let Some((first, last)) = bounds.squashed {
            let used = bounds.floor.map_or_else(|| source.end(), |(used, _)| used);
            return self.step_squashed(source, first..=last, used);
        }
        if let Some((used, last)) = bounds
            .floor
            .filter(|&(used, _)| bounds.sealed && self.offset >= used)
        {
            return self.end_of_sealed(used, last);
        }
        if let Some(frame) = self.advance(source) {
            return Step::Frame(frame);
        }
        // Another process may have been writing just here: look again before calling it anything.
        source.refresh();
        if let Some(frame) = self.advance(source) {
            return Step::Frame(frame);
        }
        let found = self.look(source, self.offset);
        if matches!(found, Found::End) && self.may_end_here(source, bounds) {
            return Step::End;
        }
        let before = *self;
        let outcome = self.find_way(found, source, bounds);
        // And again: while we searched, the frame that was missing may have been published, and the next ones too.
        source.refresh();
        let mut again = before;
        if let Some(frame) = again.advance(source) {
            *self = again;
            return Step::Frame(frame);
        }
        outcome
    }

    /// A step in a squashed segment, which is whole and sealed from the moment it has its name: what does not hold is
    /// damage, and the search for what follows needs no more than the number that all its frames carry.
    fn step_squashed(
        &mut self,
        source: &mut impl Source,
        stands_for: RangeInclusive<Seq>,
        used: u64,
    ) -> Step {
        let (start, last) = (self.offset, *stands_for.end());
        if start >= used {
            self.expected = last.next();
            return Step::End;
        }
        let mut reason = None;
        // A file may be shorter than its footer says, and a footer may say anything.
        let limit = used.min(source.end());
        while self.offset < limit {
            match self.look(source, self.offset) {
                Found::Frame(frame, size) if frame.head.seq == last => {
                    if let Some(reason) = reason {
                        return Step::Gap(Gap {
                            offset: start,
                            bytes: self.offset - start,
                            lost: stands_for,
                            reason,
                            may_be_torn: false,
                        });
                    }
                    self.offset += size as u64;
                    return Step::Frame(frame);
                }
                // Where the footer is damaged, the zeroes at the end of the file are its end.
                Found::End
                    if reason.is_none() && first_nonzero(source, start).is_none_or(|at| at >= used) =>
                {
                    self.offset = used;
                    self.expected = last.next();
                    return Step::End;
                }
                found => {
                    if reason.is_none() {
                        let why = match (source.read_error(), found) {
                            (Some(error), _) => format!("cannot be read: {error}"),
                            (None, Found::Flawed(flaw)) => describe(flaw).to_owned(),
                            (None, _) => "no record of this segment".to_owned(),
                        };
                        reason = Some(format!("{why}; a part of their outcome is lost"));
                    }
                    self.offset += FRAME_ALIGN as u64;
                }
            }
        }
        self.offset = used;
        Step::Gap(Gap {
            offset: start,
            bytes: limit.saturating_sub(start),
            lost: stands_for,
            reason: reason.unwrap_or_else(|| "the file ends before the segment does".to_owned()),
            may_be_torn: false,
        })
    }

    /// Steps over the expected frame, if it is here.
    fn advance(&mut self, source: &mut impl Source) -> Option<FrameAt> {
        match self.look(source, self.offset) {
            Found::Frame(frame, size) if frame.head.seq == self.expected => {
                self.offset += size as u64;
                self.expected = self.expected.next();
                Some(frame)
            }
            _ => None,
        }
    }

    fn look(&self, source: &mut impl Source, offset: u64) -> Found {
        let mut want = FRAME_HEADER;
        loop {
            let bytes = source.at(offset, want);
            match decode(bytes) {
                Decoded::Frame(Frame { head, payload }) => {
                    let frame = FrameAt {
                        offset,
                        head,
                        payload: payload.len(),
                    };
                    return Found::Frame(frame, crate::format::frame::frame_size(payload.len()));
                }
                Decoded::End => return Found::End,
                Decoded::Invalid(flaw) => return Found::Flawed(flaw),
                Decoded::Needs(more) if bytes.len() == want && more > want => want = more,
                // The file ends: with nothing, or within what claims to be a frame.
                Decoded::Needs(_) if bytes.len() < FRAME_HEADER && bytes.iter().all(|&byte| byte == 0) => {
                    return Found::End;
                }
                Decoded::Needs(_) => return Found::Flawed(Flaw::Header),
            }
        }
    }

    fn end_of_sealed(&mut self, used: u64, last: Seq) -> Step {
        if self.expected > last {
            return Step::End;
        }
        let lost = self.expected..=last;
        self.expected = last.next();
        Step::Gap(Gap {
            offset: used,
            bytes: 0,
            lost,
            reason: "the segment ends before the last record it once held".to_owned(),
            may_be_torn: false,
        })
    }

    /// Whether 32 zero bytes here can be the end of the segment.
    fn may_end_here(&self, source: &mut impl Source, bounds: &Bounds) -> bool {
        let owes_floor = bounds
            .floor
            .is_some_and(|(used, last)| self.offset <= used && self.expected <= last);
        let owes_next = bounds.next_first.is_some_and(|next| self.expected < next);
        if owes_floor || owes_next || source.read_error().is_some() {
            return false;
        }
        !bounds.deep || first_nonzero(source, self.offset).is_none()
    }
}

fn describe(flaw: Flaw) -> &'static str {
    match flaw {
        Flaw::Unpublished => "a frame without a length",
        Flaw::Header => "no valid frame header",
        Flaw::Body { .. } => "checksum mismatch",
    }
}

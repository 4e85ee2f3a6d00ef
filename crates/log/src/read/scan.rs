//! Reads a segment frame by frame, and finds the next frame after bytes that are not one.
//!
//! One walk serves recovery, readers and tails; [`scan`] is the same walk over bytes in memory, for fuzzing.

use std::ops::RangeInclusive;

use crate::Seq;
use crate::format::frame::{Decoded, FRAME_ALIGN, FRAME_HEADER, Flaw, Frame, FrameHead, decode};

/// Bytes that a search reads at a time.
const SEARCH_CHUNK: usize = 64 << 10;
/// The least that a disk writes atomically.
const SECTOR: u64 = 512;

/// Bytes that are read by offset.
pub(crate) trait Source {
    /// The bytes from `offset` on: `want` of them, or fewer if the file ends before.
    fn at(&mut self, offset: u64, want: usize) -> &[u8];
    /// Forgets what was read, because another process may have written since.
    fn refresh(&mut self);
    /// Where the bytes end.
    fn end(&mut self) -> u64;
    /// Why some bytes could not be read lately; they are served as zeroes.
    fn read_error(&mut self) -> Option<String> {
        None
    }
}

/// Bytes in memory.
#[derive(Debug)]
struct Slice<'a>(&'a [u8]);

impl Source for Slice<'_> {
    fn at(&mut self, offset: u64, want: usize) -> &[u8] {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.0.len());
        let end = start.saturating_add(want).min(self.0.len());
        self.0.get(start..end).unwrap_or_default()
    }

    fn refresh(&mut self) {}

    fn end(&mut self) -> u64 {
        self.0.len() as u64
    }
}

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

    /// Finds out where frames go on, and moves there.
    fn find_way(&mut self, found: Found, source: &mut impl Source, bounds: &Bounds) -> Step {
        let reason = match (source.read_error(), found) {
            (Some(error), _) => format!("cannot be read: {error}"),
            (None, Found::Frame(frame, _)) => {
                format!("record {} where {} belongs", frame.head.seq, self.expected)
            }
            (None, Found::End) => "zeroes where a record belongs".to_owned(),
            (None, Found::Flawed(flaw)) => describe(flaw).to_owned(),
        };
        let (start, first_lost) = (self.offset, self.expected);
        let floor = bounds
            .floor
            .filter(|&(used, last)| start <= used && first_lost <= last);
        let limit = floor.map_or_else(|| source.end(), |(used, _)| used);
        let gap = |to: u64, next: Seq, may_be_torn: bool| {
            Step::Gap(Gap {
                offset: start,
                bytes: to.saturating_sub(start),
                lost: first_lost..=next.prev(),
                reason: reason.clone(),
                may_be_torn,
            })
        };
        if let Some((to, next)) = self
            .after_damaged_payload(found, source, limit)
            .or_else(|| self.search(source, limit, bounds.next_first))
        {
            (self.offset, self.expected) = (to, next);
            return gap(to, next, !was_written(source, start, to));
        }
        if let Some((to, last)) = floor {
            (self.offset, self.expected) = (to, last.next());
            return gap(to, last.next(), true);
        }
        match bounds.next_first.filter(|&next| next > first_lost) {
            Some(next) => {
                // The offset stays: what lies beyond the last good frame is not counted as used.
                self.expected = next;
                gap(limit, next, true)
            }
            None => Step::Torn { offset: start },
        }
    }

    /// If the header can be trusted and only the payload is damaged, the next frame is where the length says. This
    /// also keeps bytes *inside* a payload from ever being taken for frames in this case.
    fn after_damaged_payload(
        &self,
        found: Found,
        source: &mut impl Source,
        limit: u64,
    ) -> Option<(u64, Seq)> {
        let Found::Flawed(Flaw::Body { seq, size }) = found else {
            return None;
        };
        let (after, next) = (self.offset + size as u64, self.expected.next());
        if seq != self.expected || after >= limit {
            return None;
        }
        let follows = matches!(self.look(source, after), Found::Frame(frame, _) if frame.head.seq == next);
        follows.then_some((after, next))
    }

    /// Looks for the next valid frame with a plausible number, on 8-byte steps.
    fn search(&self, source: &mut impl Source, limit: u64, next_first: Option<Seq>) -> Option<(u64, Seq)> {
        let plausible = |at: u64, header: &[u8]| {
            let seq = Seq(u64::from_le_bytes(header.get(8..16)?.try_into().ok()?));
            // No frame is shorter than its header, so this many fit in between at most.
            let most = self.expected.plus((at - self.offset) / FRAME_HEADER as u64);
            (seq > self.expected && seq <= most && next_first.is_none_or(|next| seq < next)).then_some(seq)
        };
        let mut from = self.offset + FRAME_ALIGN as u64;
        while from + FRAME_HEADER as u64 <= limit {
            let want = usize::try_from(limit - from)
                .unwrap_or(usize::MAX)
                .min(SEARCH_CHUNK);
            let chunk = source.at(from, want);
            let last = chunk.len().checked_sub(FRAME_HEADER)? / FRAME_ALIGN;
            let hit = (0..=last).map(|step| step * FRAME_ALIGN).find_map(|at| {
                let header = chunk.get(at..at + FRAME_HEADER)?;
                plausible(from + at as u64, header).map(|seq| (from + at as u64, seq))
            });
            let Some((at, seq)) = hit else {
                from += ((last + 1) * FRAME_ALIGN) as u64;
                continue;
            };
            if matches!(self.look(source, at), Found::Frame(_, size) if at + size as u64 <= limit) {
                return Some((at, seq));
            }
            from = at + FRAME_ALIGN as u64;
        }
        None
    }
}

/// Whether all of the bytes from `start` to a whole frame at `end` had once been written, so that they were not torn by a
/// power cut but went bad.
///
/// A disk writes sectors whole or not at all, and before a sector is written it holds zeroes behind the last frame. The
/// length of a frame is stored after everything else of it, and frames are written one behind another. So the frame at
/// `end` says that the sector in which it begins was written when everything before it was complete; the length at `start`
/// says the same of its sector; and a sector in between ends with zeroes if it was not written. A payload may end with
/// zeroes there, too: then damage cannot be recognised, and counts as torn.
fn was_written(source: &mut impl Source, start: u64, end: u64) -> bool {
    let first_word = source.at(start, FRAME_ALIGN).get(..4);
    if first_word.is_none_or(|length| length == [0; 4]) || source.read_error().is_some() {
        return false;
    }
    let sectors_end = (start / SECTOR + 1) * SECTOR;
    let step = usize::try_from(SECTOR).unwrap_or(usize::MAX);
    (sectors_end..=end).step_by(step).all(|boundary| {
        let last = source.at(boundary - FRAME_ALIGN as u64, FRAME_ALIGN);
        last.len() == FRAME_ALIGN && last.iter().any(|&byte| byte != 0)
    })
}

fn describe(flaw: Flaw) -> &'static str {
    match flaw {
        Flaw::Unpublished => "a frame without a length",
        Flaw::Header => "no valid frame header",
        Flaw::Body { .. } => "checksum mismatch",
    }
}

/// The offset of the first byte from `offset` on that is not zero.
pub(crate) fn first_nonzero(source: &mut impl Source, mut offset: u64) -> Option<u64> {
    loop {
        let chunk = source.at(offset, SEARCH_CHUNK);
        if chunk.is_empty() {
            return None;
        }
        if let Some(at) = chunk.iter().position(|&byte| byte != 0) {
            return Some(offset + at as u64);
        }
        offset += chunk.len() as u64;
    }
}

/// The end of the last byte from `offset` on that is not zero; `offset` if there is none.
pub(crate) fn nonzero_end(source: &mut impl Source, offset: u64) -> u64 {
    let (mut at, mut end) = (offset, offset);
    loop {
        let chunk = source.at(at, SEARCH_CHUNK);
        if chunk.is_empty() {
            return end;
        }
        if let Some(last) = chunk.iter().rposition(|&byte| byte != 0) {
            end = at + last as u64 + 1;
        }
        at += chunk.len() as u64;
    }
}

/// What [`scan`] comes across.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scanned<'a> {
    /// A valid frame.
    Frame {
        /// Where it begins.
        offset: u64,
        /// The frame.
        frame: Frame<'a>,
    },
    /// Bytes that are no frame, with valid frames after them.
    Gap {
        /// Where they begin.
        offset: u64,
        /// How many there are.
        bytes: u64,
        /// The records that must have been there.
        lost: RangeInclusive<Seq>,
    },
    /// Bytes that are no frame, and no valid frame after them. The scan ends.
    Torn {
        /// Where they begin.
        offset: u64,
    },
}

/// Walks along the frames in `bytes` (a segment's content after its header), of which the first should be `first`.
/// A pure function: never panics, whatever the bytes.
///
/// ```
/// use timberline_log::{Seq, scan};
///
/// assert_eq!(scan(&[0; 64], Seq::FIRST).count(), 0);
/// assert_eq!(scan(&[7; 64], Seq::FIRST).count(), 1); // torn
/// ```
pub fn scan(bytes: &[u8], first: Seq) -> impl Iterator<Item = Scanned<'_>> {
    let mut walk = Walk {
        offset: 0,
        expected: first,
    };
    let mut source = Slice(bytes);
    let bounds = Bounds {
        deep: true,
        ..Bounds::default()
    };
    let mut ended = false;
    std::iter::from_fn(move || {
        if ended {
            return None;
        }
        match walk.step(&mut source, &bounds) {
            Step::Frame(found) => {
                let start = usize::try_from(found.offset).ok()? + FRAME_HEADER;
                let payload = bytes.get(start..start + found.payload)?;
                Some(Scanned::Frame {
                    offset: found.offset,
                    frame: Frame {
                        head: found.head,
                        payload,
                    },
                })
            }
            Step::Gap(gap) => Some(Scanned::Gap {
                offset: gap.offset,
                bytes: gap.bytes,
                lost: gap.lost,
            }),
            Step::Torn { offset } => {
                ended = true;
                Some(Scanned::Torn { offset })
            }
            Step::End => {
                ended = true;
                None
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::format::frame::frame_size;
    use crate::format::frame_writer::FrameWriter;

    fn frames(payloads: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (payload, seq) in payloads.iter().zip(1..) {
            let head = FrameHead {
                seq: Seq(seq),
                time: 0,
                durable_lag: 1,
                kind: 1,
                ends_batch: true,
                encrypted: false,
            };
            FrameWriter::new(None).frame(head, payload).append_to(&mut bytes);
        }
        bytes
    }

    fn payloads() -> impl Strategy<Value = Vec<Vec<u8>>> {
        prop::collection::vec(prop::collection::vec(any::<u8>(), 0..90), 0..30)
    }

    proptest! {
        #[test]
        fn whole_frames_are_all_found(payloads in payloads(), room in 0usize..100) {
            let mut bytes = frames(&payloads);
            bytes.resize(bytes.len() + room * 8, 0);
            let found: Vec<_> = scan(&bytes, Seq::FIRST).collect();
            prop_assert_eq!(found.len(), payloads.len());
            for ((item, payload), number) in found.iter().zip(&payloads).zip(1..) {
                let right = matches!(item, Scanned::Frame { frame, .. }
                    if frame.head.seq == Seq(number) && frame.payload == &payload[..]);
                prop_assert!(right, "{:?}", item);
            }
        }

        #[test]
        fn whatever_is_overwritten_every_other_frame_is_found_or_the_end_is_torn(
            payloads in payloads(), at in any::<prop::sample::Index>(), noise in prop::collection::vec(any::<u8>(), 1..200)
        ) {
            let mut bytes = frames(&payloads);
            prop_assume!(!bytes.is_empty());
            let at = at.index(bytes.len());
            let hit = at..(at + noise.len()).min(bytes.len());
            bytes[hit.clone()].copy_from_slice(&noise[..hit.len()]);
            let found: Vec<u64> = scan(&bytes, Seq::FIRST).filter_map(|item| match item {
                Scanned::Frame { frame, .. } => Some(frame.head.seq.0),
                _ => None,
            }).collect();
            let mut offset = 0;
            for (payload, number) in payloads.iter().zip(1..) {
                let size = frame_size(payload.len());
                let untouched = hit.end <= offset || offset + size <= hit.start;
                prop_assert!(!untouched || found.contains(&number), "frame {} is lost", number);
                offset += size;
            }
        }

        #[test]
        fn any_bytes_are_scanned_to_an_end(bytes in prop::collection::vec(prop_oneof![Just(0u8), any::<u8>()], 0..600)) {
            prop_assert!(scan(&bytes, Seq::FIRST).count() <= bytes.len());
        }
    }

    #[test]
    fn a_frame_inside_a_damaged_payload_is_not_taken_for_a_record() {
        let inner = frames(&[vec![], vec![1; 40]]);
        let mut bytes = frames(&[b"first".to_vec(), inner[32..].to_vec(), b"last".to_vec()]);
        // The inner frame claims number 2, as the frame around it does; damage that one's last byte.
        let around = frame_size(5);
        bytes[around + 32 + 71] ^= 1;
        let found: Vec<_> = scan(&bytes, Seq::FIRST).collect();
        let gap = Scanned::Gap {
            offset: around as u64,
            bytes: 104,
            lost: Seq(2)..=Seq(2),
        };
        assert!(found.len() == 3 && found[1] == gap, "{found:?}");
    }

    #[test]
    fn a_squashed_segment_that_claims_more_than_its_file_has_is_walked_along_quickly() {
        let bytes = frames(&[b"outcome".to_vec()]);
        let used = u64::MAX / 2;
        let bounds = Bounds {
            floor: Some((used, Seq(1))),
            sealed: true,
            squashed: Some((Seq(1), Seq(1))),
            ..Bounds::default()
        };
        let mut walk = Walk {
            offset: 0,
            expected: Seq(1),
        };
        let mut source = Slice(&bytes);
        assert!(matches!(walk.step(&mut source, &bounds), Step::Frame(_)));
        let Step::Gap(gap) = walk.step(&mut source, &bounds) else {
            panic!("what is missing is reported");
        };
        assert_eq!(
            (gap.offset, gap.bytes, gap.lost),
            (bytes.len() as u64, 0, Seq(1)..=Seq(1))
        );
        assert!(matches!(walk.step(&mut source, &bounds), Step::End));
    }
}

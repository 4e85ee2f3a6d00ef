//! Finds the next frame after bytes that are not one.

use super::{Found, Gap, Step, Walk, describe};
use crate::Seq;
use crate::format::frame::{FRAME_ALIGN, FRAME_HEADER, Flaw};
use crate::read::source::{SEARCH_CHUNK, Source};
use crate::read::walk::Bounds;

/// The least that a disk writes atomically.
const SECTOR: u64 = 512;

impl Walk {
    /// Finds out where frames go on, and moves there.
    pub(super) fn find_way(&mut self, found: Found, source: &mut impl Source, bounds: &Bounds) -> Step {
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

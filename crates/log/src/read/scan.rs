//! [`scan`]: the walk along a segment, over bytes in memory. For fuzzing and for tests.

use std::ops::RangeInclusive;

use crate::Seq;
use crate::format::frame::{FRAME_HEADER, Frame};
use crate::read::source::Slice;
use crate::read::walk::{Bounds, Step, Walk};

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
    use crate::format::frame::{FrameHead, frame_size};
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

//! Which view segments of a bucket are worth merging. A pure choice: it reads nothing but sizes.

use crate::fold::FLUSH_ROWS;
use crate::view::{BucketView, MaskedSegment};

/// Segments of one size class that are merged.
const FAN_IN: usize = 8;
/// Size classes: of a head's size, of eight heads, of 64 heads.
const CLASSES: u32 = 3;
/// A segment of this many rows is not merged any more: it bounds the memory that a merge takes.
const MAX_ROWS: u64 = 1 << 19;
/// Nor is one of this many bytes.
const MAX_BYTES: u64 = 64 << 20;
/// A segment is rewritten when more than one row in so many is hidden.
const HIDDEN_FRACTION: u64 = 4;
/// Small segments have so many rows for that count: rewriting them gains nothing.
const MIN_ROWS: u64 = 4096;

/// What the choice looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Size {
    /// Rows in the file.
    rows: u64,
    /// Rows that are hidden.
    hidden: u64,
    /// Bytes of the file.
    bytes: u64,
}

impl Size {
    fn of(masked: &MaskedSegment) -> Size {
        Size {
            rows: masked.segment.rows(),
            hidden: masked.hidden.len() as u64,
            bytes: masked.segment.size(),
        }
    }

    fn shown(&self) -> u64 {
        self.rows.saturating_sub(self.hidden)
    }

    fn is_mostly_hidden(&self) -> bool {
        self.hidden * HIDDEN_FRACTION > self.rows.max(MIN_ROWS)
    }

    fn is_small(&self) -> bool {
        self.shown() < MAX_ROWS && self.bytes < MAX_BYTES
    }

    fn class(&self) -> u32 {
        (self.shown() / FLUSH_ROWS as u64).max(1).ilog(FAN_IN as u64)
    }
}

/// The segments of a bucket that are to be merged next, if any.
pub(crate) fn choose_merge(bucket: &BucketView) -> Option<Vec<MaskedSegment>> {
    let sizes: Vec<Size> = bucket.segments.iter().map(Size::of).collect();
    let chosen = choose(&sizes)?;
    let chosen = chosen
        .into_iter()
        .filter_map(|number| bucket.segments.get(number).cloned());
    Some(chosen.collect())
}

/// One segment of which much is hidden; otherwise up to [`FAN_IN`] or more segments of one size class, the smallest class
/// first.
fn choose(sizes: &[Size]) -> Option<Vec<usize>> {
    if let Some(number) = sizes.iter().position(Size::is_mostly_hidden) {
        return Some(vec![number]);
    }
    let numbered = || sizes.iter().enumerate().filter(|(_, size)| size.is_small());
    let same = |class: u32| numbered().filter(move |(_, size)| size.class() == class);
    let class = (0..CLASSES).find(|class| same(*class).count() >= FAN_IN)?;
    let (mut rows, mut bytes, mut chosen) = (0, 0, Vec::new());
    for (number, size) in same(class) {
        rows += size.shown();
        bytes += size.bytes;
        if chosen.len() >= 2 && (rows > MAX_ROWS || bytes > MAX_BYTES) {
            break;
        }
        chosen.push(number);
    }
    Some(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(rows: u64, hidden: u64) -> Size {
        Size {
            rows,
            hidden,
            bytes: rows * 16,
        }
    }

    const HEAD: u64 = FLUSH_ROWS as u64;

    #[test]
    fn fewer_than_the_fan_in_are_left_alone() {
        assert_eq!(choose(&[]), None);
        assert_eq!(choose(&[size(HEAD, 0); FAN_IN - 1]), None);
    }

    #[test]
    fn as_many_as_the_fan_in_of_one_class_are_merged() {
        let mut sizes = vec![size(HEAD, 0); FAN_IN];
        sizes.insert(3, size(HEAD * FAN_IN as u64, 0));
        assert_eq!(choose(&sizes), Some(vec![0, 1, 2, 4, 5, 6, 7, 8]));
    }

    #[test]
    fn the_smallest_class_comes_first() {
        let mut sizes = vec![size(HEAD * FAN_IN as u64, 0); FAN_IN];
        sizes.extend([size(10, 0); FAN_IN]);
        assert_eq!(choose(&sizes), Some((FAN_IN..2 * FAN_IN).collect()));
    }

    #[test]
    fn a_segment_that_is_mostly_hidden_is_rewritten_alone() {
        let sizes = [size(HEAD, 0), size(HEAD, HEAD / 4), size(HEAD, HEAD / 4 + 1)];
        assert_eq!(choose(&sizes), Some(vec![2]));
        assert_eq!(choose(&[size(100, 100)]), None, "too small to gain anything");
    }

    #[test]
    fn large_segments_are_never_merged() {
        assert_eq!(choose(&[size(MAX_ROWS, 0); 2 * FAN_IN]), None);
        let heavy = Size {
            bytes: MAX_BYTES,
            ..size(HEAD, 0)
        };
        assert_eq!(choose(&[heavy; 2 * FAN_IN]), None);
    }

    #[test]
    fn a_merge_takes_at_least_two_and_no_more_than_fit() {
        let heavy = Size {
            bytes: MAX_BYTES - 1,
            ..size(HEAD, 0)
        };
        assert_eq!(choose(&[heavy; FAN_IN]), Some(vec![0, 1]));
        let middle = Size {
            bytes: MAX_BYTES / 4,
            ..size(HEAD, 0)
        };
        assert_eq!(choose(&[middle; FAN_IN]), Some(vec![0, 1, 2, 3]));
    }
}

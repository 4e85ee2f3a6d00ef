//! Sums in few bytes: a year has more than half a million sums of a day by title, and all of them are kept.

use super::labels::LabelId;

/// Durations are mostly multiples of one of these.
const UNITS: [i64; 3] = [1_000_000_000, 1_000_000, 1_000];

/// The sum of a group in a bin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) label: LabelId,
    pub(super) bin: u32,
    pub(super) nanos: i64,
}

/// Sums that are not zero, in the order of their labels and bins. Each is three varints: how much greater its label is than that of the one
/// before, the bin unless all have the first, and the time as a multiple of a common unit.
#[derive(Debug)]
pub(super) struct Packed {
    unit: i64,
    has_bins: bool,
    bytes: Box<[u8]>,
}

impl Packed {
    /// Packs sums in any order; those of the same group and bin are added up.
    pub(super) fn of(mut sums: Vec<Sum>) -> Packed {
        sums.sort_unstable_by_key(|sum| (sum.label, sum.bin));
        sums.dedup_by(|next, sum| {
            let same = (next.label, next.bin) == (sum.label, sum.bin);
            if same {
                sum.nanos = sum.nanos.saturating_add(next.nanos);
            }
            same
        });
        sums.retain(|sum| sum.nanos != 0);
        let divides = |unit: &i64| sums.iter().all(|sum| sum.nanos % unit == 0);
        let unit = UNITS.into_iter().find(divides).unwrap_or(1);
        let has_bins = sums.iter().any(|sum| sum.bin != 0);
        let (mut bytes, mut last) = (Vec::with_capacity(sums.len() * 6), 0);
        for sum in &sums {
            write(u64::from(sum.label - last), &mut bytes);
            last = sum.label;
            if has_bins {
                write(u64::from(sum.bin), &mut bytes);
            }
            write(zigzag(sum.nanos / unit), &mut bytes);
        }
        Packed {
            unit,
            has_bins,
            bytes: bytes.into(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Sum> {
        let (mut rest, mut label) = (&*self.bytes, 0u32);
        std::iter::from_fn(move || {
            label = label.wrapping_add(read(&mut rest)? as u32);
            let bin = if self.has_bins { read(&mut rest)? as u32 } else { 0 };
            let nanos = unzigzag(read(&mut rest)?).wrapping_mul(self.unit);
            Some(Sum { label, bin, nanos })
        })
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }
}

/// Small numbers for numbers near zero.
fn zigzag(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)) as u64
}

fn unzigzag(n: u64) -> i64 {
    (n >> 1) as i64 ^ -((n & 1) as i64)
}

fn write(mut n: u64, out: &mut Vec<u8>) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

#[inline]
fn read(bytes: &mut &[u8]) -> Option<u64> {
    let (mut n, mut shift) = (0, 0);
    loop {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        n |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(n);
        }
        shift += 7;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn sums() -> impl Strategy<Value = Vec<Sum>> {
        let nanos = prop_oneof![
            any::<i64>(),
            (-9i64..9).prop_map(|s| s * 1_000_000_000),
            (-9_000i64..9_000).prop_map(|ms| ms * 1_000_000),
            -2i64..2,
        ];
        let label = prop_oneof![0u32..9, any::<u32>()];
        let bin = prop_oneof![Just(0u32), 0u32..4, any::<u32>()];
        let sum = (label, bin, nanos).prop_map(|(label, bin, nanos)| Sum { label, bin, nanos });
        prop::collection::vec(sum, 0..40)
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_out_added_up_and_in_order(sums in sums()) {
            let mut expected: BTreeMap<(u32, u32), i64> = BTreeMap::new();
            let mut sorted = sums.clone();
            sorted.sort_by_key(|sum| (sum.label, sum.bin));
            for sum in &sorted {
                let entry = expected.entry((sum.label, sum.bin)).or_default();
                *entry = entry.saturating_add(sum.nanos);
            }
            // Saturated sums depend on the order, which is of no interest.
            let extreme = |nanos: &i64| nanos.unsigned_abs() > i64::MAX as u64 / 64;
            prop_assume!(!sums.iter().any(|sum| extreme(&sum.nanos)) || expected.len() == sums.len());
            expected.retain(|_, nanos| *nanos != 0);
            let packed = Packed::of(sums);
            let found: Vec<_> = packed.iter().map(|sum| ((sum.label, sum.bin), sum.nanos)).collect();
            prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_day_by_title_takes_a_few_bytes_each() {
        let sums = (0..1_000).map(|label| Sum {
            label: label * 30,
            bin: 0,
            nanos: i64::from(label) * 37_000_000,
        });
        let packed = Packed::of(sums.collect());
        assert!(packed.bytes() < 5_000, "{}", packed.bytes());
    }
}

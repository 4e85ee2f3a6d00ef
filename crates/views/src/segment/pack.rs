//! Columns of integers in as few bits as the block needs: frame of reference with a common unit.
//!
//! Watchers send times in milliseconds or microseconds; kept in nanoseconds every value is a multiple of a power of
//! ten. So a block stores `(value - least) / unit`, each in the same number of bits.

/// How one column of one block is packed; kept in the block's entry of the index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Packing {
    /// What zero stands for.
    pub(crate) base: i64,
    /// What one stands for.
    pub(crate) unit: u64,
    /// Bits of a value, 0..=64.
    pub(crate) bits: u32,
}

const UNITS: [u64; 4] = [1_000_000_000, 1_000_000, 1_000, 1];

impl Packing {
    /// The tightest packing of these values.
    pub(crate) fn of(values: &[i64]) -> Packing {
        let base = values.iter().copied().min().unwrap_or(0);
        let offset = |v: &i64| v.wrapping_sub(base) as u64;
        let unit = UNITS
            .into_iter()
            .find(|u| values.iter().all(|v| offset(v).is_multiple_of(*u)))
            .unwrap_or(1);
        let greatest = values.iter().map(|v| offset(v) / unit).max().unwrap_or(0);
        Packing {
            base,
            unit,
            bits: u64::BITS - greatest.leading_zeros(),
        }
    }

    /// Bytes that `n` values take.
    pub(crate) fn size(&self, n: usize) -> usize {
        (n * self.bits as usize).div_ceil(8)
    }

    /// No value is greater.
    pub(crate) fn greatest(&self) -> i64 {
        let above = u128::from(self.mask()) * u128::from(self.unit);
        i64::try_from(above).map_or(i64::MAX, |above| self.base.saturating_add(above))
    }

    /// Appends the values.
    pub(crate) fn write(&self, values: &[i64], out: &mut Vec<u8>) {
        let (mut word, mut filled) = (0u128, 0u32);
        for v in values {
            word |= u128::from(v.wrapping_sub(self.base) as u64 / self.unit) << filled;
            filled += self.bits;
            while filled >= 8 {
                out.push(word as u8);
                word >>= 8;
                filled -= 8;
            }
        }
        if filled > 0 {
            out.push(word as u8);
        }
    }

    /// Reads `n` values from the [`Packing::size`] bytes that they take.
    pub(crate) fn read(&self, bytes: &[u8], n: usize, out: &mut Vec<i64>) {
        debug_assert_eq!(
            bytes.len(),
            self.size(n),
            "a column has the bytes that its values take"
        );
        out.clear();
        if self.bits == 0 {
            out.resize(n, self.base);
            return;
        }
        let whole = self.plain(bytes.len(), n);
        out.extend((0..whole).map(|i| self.get_plain(bytes, i)));
        out.extend((whole..n).map(|i| self.get(bytes, i)));
    }

    /// How many of `n` values have all eight bytes around them and do not reach into a ninth.
    fn plain(&self, bytes: usize, n: usize) -> usize {
        match self.bits as usize {
            0 => n,
            bits @ ..=57 => (bytes.saturating_sub(7) * 8).div_ceil(bits).min(n),
            _ => 0,
        }
    }

    /// Reads one of those.
    #[inline(always)]
    fn get_plain(&self, bytes: &[u8], i: usize) -> i64 {
        let at = i * self.bits as usize;
        let word = bytes.get(at / 8..at / 8 + 8);
        let word = word
            .and_then(|word| word.first_chunk())
            .copied()
            .unwrap_or_default();
        let packed = (u64::from_le_bytes(word) >> (at % 8)) & self.mask();
        self.base.wrapping_add(packed.wrapping_mul(self.unit) as i64)
    }

    /// Appends the places and values of those of `n` values that are wanted. Gives back whether all of them, wanted or
    /// not, are below a limit and not negative.
    pub(crate) fn find(
        &self,
        bytes: &[u8],
        n: usize,
        limit: u32,
        wanted: impl Fn(i64) -> bool,
        out: &mut Vec<(u32, i64)>,
    ) -> bool {
        let mut below = true;
        let mut see = |i: usize, value: i64| {
            below &= (value as u64) < u64::from(limit);
            if wanted(value) {
                out.push((i as u32, value));
            }
        };
        let whole = self.plain(bytes.len(), n);
        (0..whole).for_each(|i| see(i, self.get_plain(bytes, i)));
        (whole..n).for_each(|i| see(i, self.get(bytes, i)));
        below
    }

    fn mask(&self) -> u64 {
        match self.bits {
            64.. => u64::MAX,
            bits => (1 << bits) - 1,
        }
    }

    /// Reads one of these values.
    #[inline(always)]
    pub(crate) fn get(&self, bytes: &[u8], i: usize) -> i64 {
        let bits = self.bits as usize;
        let mask = self.mask();
        let at = i * bits;
        let packed = word_at(bytes, at / 8) >> (at % 8);
        // A value of more than 57 bits may begin late in its byte and reach into a ninth.
        let packed = if bits + at % 8 > 64 {
            packed | u64::from(bytes.get(at / 8 + 8).copied().unwrap_or(0)) << (64 - at % 8)
        } else {
            packed
        };
        self.base
            .wrapping_add(((packed & mask).wrapping_mul(self.unit)) as i64)
    }
}

#[inline(always)]
fn word_at(bytes: &[u8], at: usize) -> u64 {
    match bytes.get(at..).and_then(|b| b.first_chunk::<8>()) {
        Some(word) => u64::from_le_bytes(*word),
        None => {
            let mut word = [0u8; 8];
            let rest = bytes.get(at..).unwrap_or_default();
            for (to, from) in word.iter_mut().zip(rest) {
                *to = *from;
            }
            u64::from_le_bytes(word)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(values: &[i64]) {
        let packing = Packing::of(values);
        let mut bytes = Vec::new();
        packing.write(values, &mut bytes);
        assert_eq!(bytes.len(), packing.size(values.len()));
        let mut back = Vec::new();
        packing.read(&bytes, values.len(), &mut back);
        assert_eq!(back, values);
        assert!(
            values
                .iter()
                .all(|value| (packing.base..=packing.greatest()).contains(value))
        );
        assert!((0..values.len()).all(|i| packing.get(&bytes, i) == values[i]));
        let mut odd = Vec::new();
        let below = packing.find(&bytes, values.len(), 1 << 20, |value| value % 2 != 0, &mut odd);
        assert_eq!(below, values.iter().all(|value| (0..1 << 20).contains(value)));
        let expected = (0u32..)
            .zip(values.iter().copied())
            .filter(|(_, value)| value % 2 != 0);
        assert!(odd.into_iter().eq(expected));
    }

    #[test]
    fn milliseconds_take_no_more_bits_than_milliseconds_need() {
        let values: Vec<i64> = (0..1000)
            .map(|i| 1_700_000_000_000_000_000 + i * 1_000_000)
            .collect();
        assert_eq!(Packing::of(&values).bits, 10);
        round_trip(&values);
    }

    #[test]
    fn extremes_survive() {
        round_trip(&[i64::MIN, i64::MAX, 0, -1, 1]);
        round_trip(&[]);
        round_trip(&[7, 7, 7]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(values in prop::collection::vec(any::<i64>(), 0..300), shift in 0u32..64, unit in prop::sample::select(vec![1i64, 1000, 1_000_000])) {
            let values: Vec<i64> = values.iter().map(|v| (v >> shift).wrapping_mul(unit)).collect();
            round_trip(&values);
        }
    }
}

//! Random numbers that are the same everywhere: splitmix64 (Steele, Lea and Flood, 2014), in integers only.

/// Where a stream of numbers comes from: the seed of the plan, and what the numbers are for.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// The numbers for one purpose. Other parts give numbers that have nothing to do with these.
    pub(crate) fn of(parts: &[i64]) -> Self {
        let mut random = Self(0x7469_6d62_6572_6c69);
        for part in parts {
            random.0 = random.next() ^ part.cast_unsigned();
        }
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of `low..high`; `low` if there is nothing between.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = high.saturating_sub(low).max(1).cast_unsigned();
        let scaled = (u128::from(self.next()) * u128::from(width)) >> 64;
        // Less than `width`, so it fits.
        low.saturating_add(i64::try_from(scaled).unwrap_or(0))
    }

    /// One of `low..high`, mostly near `low`: a quarter of the way up on average.
    pub(crate) fn skewed(&mut self, low: i64, high: i64) -> i64 {
        let part = self.between(0, 1 << 10);
        let cube = part * part * part;
        low + (((high - low).max(0) * (cube >> 10)) >> 20)
    }

    /// True in so many of a thousand cases.
    pub(crate) fn chance(&mut self, per_mille: i64) -> bool {
        self.between(0, 1000) < per_mille
    }

    /// One of them; the default value if there are none.
    pub(crate) fn pick<T: Copy + Default>(&mut self, from: &[T]) -> T {
        let at = self.between(0, i64::try_from(from.len()).unwrap_or(i64::MAX));
        usize::try_from(at)
            .ok()
            .and_then(|at| from.get(at))
            .copied()
            .unwrap_or_default()
    }

    /// One of them, each as often as its weight says.
    pub(crate) fn weighted<T: Copy + Default>(&mut self, from: &[(T, i64)]) -> T {
        let mut left = self.between(0, from.iter().map(|(_, weight)| weight).sum());
        for (value, weight) in from {
            left -= weight;
            if left < 0 {
                return *value;
            }
        }
        T::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_splitmix64() {
        // The first numbers for the seed 0, as published with the reference implementation.
        let mut random = Random(0);
        assert_eq!(random.next(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(random.next(), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn numbers_stay_between_their_bounds() {
        let mut random = Random::of(&[1, 2]);
        let mut seen = [0; 5];
        for _ in 0..10_000 {
            seen[usize::try_from(random.between(0, 5)).unwrap()] += 1;
            assert!((10..100).contains(&random.skewed(10, 100)));
        }
        assert!(
            seen.iter().all(|count| (1_800..2_200).contains(count)),
            "{seen:?}"
        );
        assert_eq!((random.between(3, 3), random.between(3, 1)), (3, 3));
        assert_eq!(random.pick::<&str>(&[]), "");
        assert_eq!(random.weighted(&[('a', 0), ('b', 7)]), 'b');
    }

    #[test]
    fn purposes_have_different_numbers() {
        assert_ne!(Random::of(&[1, 2]).next(), Random::of(&[2, 1]).next());
        assert_eq!(Random::of(&[1, 2]).next(), Random::of(&[1, 2]).next());
    }
}

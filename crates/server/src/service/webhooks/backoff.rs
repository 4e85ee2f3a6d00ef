//! How long to wait before the next attempt.

use std::time::Duration;

/// Before the second attempt.
const FIRST: Duration = Duration::from_secs(1);
/// At most.
const LONGEST: Duration = Duration::from_secs(3_600);

/// The time to wait after so many failed attempts: it doubles, up to an hour. `random` from 0 to 1 shortens it by up to a
/// fifth, so that receivers that come back do not meet all senders at once.
pub(super) fn pause(failed: u32, random: f64) -> Duration {
    let doublings = failed.saturating_sub(1).min(31);
    let longest = FIRST.saturating_mul(1 << doublings).min(LONGEST);
    longest.mul_f64(1.0 - random.clamp(0.0, 1.0) / 5.0)
}

/// A random number from 0 to 1.
pub(super) fn random() -> f64 {
    // Without random bytes, nothing is spread.
    let bytes = timberline_disk::random::<4>().unwrap_or_default();
    f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour_and_are_spread() {
        let seconds = |failed| pause(failed, 0.0).as_secs();
        assert_eq!(
            [1, 2, 3, 12, 13, 40, u32::MAX].map(seconds),
            [1, 2, 4, 2048, 3600, 3600, 3600]
        );
        assert_eq!(pause(1, 1.0), Duration::from_millis(800));
        assert!((0.0..=1.0).contains(&random()));
    }
}

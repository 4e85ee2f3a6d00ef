//! How long to wait after a failure.

use timberline_model::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// 1 s, 2 s, 4 s ... up to a minute; less a random part of up to a half, so that many clients do not come at the same time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The next time to wait.
    pub(super) fn next(&mut self) -> Duration {
        let doubled = FIRST
            .nanos()
            .saturating_mul(1i64.checked_shl(self.failures.min(20)).unwrap_or(i64::MAX));
        self.failures = self.failures.saturating_add(1);
        let longest = doubled.min(LONGEST.nanos());
        // Without randomness there is no jitter, which is no reason to fail.
        let random = u16::from_le_bytes(timberline_disk::random().unwrap_or_default());
        Duration::from_nanos(longest - longest / 2 / i64::from(u16::MAX) * i64::from(random))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_doubles_up_to_a_minute_and_is_never_less_than_half() {
        let mut backoff = Backoff::default();
        for longest in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            let wait = backoff.next();
            let longest = Duration::from_secs(longest);
            assert!(wait <= longest && wait.nanos() >= longest.nanos() / 2, "{wait:?}");
        }
    }
}

//! How long to wait after a failure.

use timberline_model::Duration;

const FIRST: Duration = Duration::from_secs(1);

/// 1 s, 2 s, 4 s ... up to the longest wait; less a random part of up to a half, so that not all come at the same time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    failures: u32,
    longest: Duration,
}

impl Backoff {
    /// No failure so far.
    pub(crate) fn up_to(longest: Duration) -> Backoff {
        Backoff { failures: 0, longest }
    }

    /// The next time to wait.
    pub(crate) fn next(&mut self) -> Duration {
        let doubled = FIRST
            .nanos()
            .saturating_mul(1i64.checked_shl(self.failures.min(20)).unwrap_or(i64::MAX));
        self.failures = self.failures.saturating_add(1);
        let longest = doubled.min(self.longest.nanos());
        // Without randomness there is no jitter, which is no reason to fail.
        let random = u16::from_le_bytes(timberline_disk::random().unwrap_or_default());
        Duration::from_nanos(longest - longest / 2 / i64::from(u16::MAX) * i64::from(random))
    }

    /// It worked: the next failure counts as the first one.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_doubles_up_to_the_longest_wait_and_is_never_less_than_half() {
        let mut backoff = Backoff::up_to(Duration::from_secs(60));
        for longest in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            let wait = backoff.next();
            let longest = Duration::from_secs(longest);
            assert!(wait <= longest && wait.nanos() >= longest.nanos() / 2, "{wait:?}");
        }
        backoff.reset();
        assert!(backoff.next() <= FIRST);
    }
}

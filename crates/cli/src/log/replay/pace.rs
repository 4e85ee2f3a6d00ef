//! When each record's turn comes.

use std::str::FromStr;
use std::time::{Duration, Instant};

/// How many times faster than recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Speed {
    /// As fast as the server answers.
    Max,
    /// This many times.
    Times(f64),
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self::Max);
        }
        match text.parse() {
            Ok(times) if times > 0.0 && f64::is_finite(times) => Ok(Self::Times(times)),
            _ => Err("expected a number above 0, such as 1 or 60, or max".to_owned()),
        }
    }
}

/// The clock of a replay: begins when the first record is sent.
#[derive(Debug)]
pub(super) struct Pace {
    speed: Speed,
    begun: Instant,
    /// When the first record was written, ns.
    origin: i64,
}

impl Pace {
    pub(super) fn new(speed: Speed, begun: Instant, origin: i64) -> Self {
        Self { speed, begun, origin }
    }

    /// How long to wait at `now` for the turn of a record written at `time`.
    pub(super) fn wait(&self, time: i64, now: Instant) -> Duration {
        let Speed::Times(times) = self.speed else {
            return Duration::ZERO;
        };
        // A clock that was set back makes no record wait.
        let recorded = time.saturating_sub(self.origin).max(0) as f64 / 1e9;
        let due = Duration::try_from_secs_f64(recorded / times).unwrap_or(Duration::MAX);
        due.saturating_sub(now.saturating_duration_since(self.begun))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_numbers_above_zero_or_max() {
        assert_eq!("max".parse(), Ok(Speed::Max));
        assert_eq!("0.5".parse(), Ok(Speed::Times(0.5)));
        for text in ["0", "-1", "inf", "NaN", "fast", ""] {
            assert!(text.parse::<Speed>().is_err(), "{text}");
        }
    }

    #[test]
    fn ten_times_faster_waits_a_tenth() {
        let begun = Instant::now();
        let pace = Pace::new(Speed::Times(10.0), begun, 5_000_000_000);
        assert_eq!(pace.wait(15_000_000_000, begun), Duration::from_secs(1));
        let later = begun + Duration::from_millis(400);
        assert_eq!(pace.wait(15_000_000_000, later), Duration::from_millis(600));
        assert_eq!(pace.wait(0, begun), Duration::ZERO);
        let max = Pace::new(Speed::Max, begun, 0);
        assert_eq!(max.wait(i64::MAX, begun), Duration::ZERO);
    }
}

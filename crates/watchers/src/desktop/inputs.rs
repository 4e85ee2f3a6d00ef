//! Reports of input, from counters that say how long there was none.

use timberline_model::{Duration, Timestamp};

use super::{Activity, IDLE_AFTER, Reports};

/// [`IDLE_AFTER`] in milliseconds.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a constant of some seconds"
)]
pub(super) const QUIET: u32 = (IDLE_AFTER.nanos() / NANOS_PER_MILLI) as u32;

/// Counters are read some time after what they count, so two answers about the same input differ by a little.
const TOLERANCE: Duration = Duration::from_nanos(500 * NANOS_PER_MILLI);
const NANOS_PER_MILLI: i64 = 1_000_000;

/// What is known of the input, and reported.
#[derive(Debug)]
pub(super) struct Inputs {
    reports: Reports<Activity>,
    known: Option<(Timestamp, Activity)>,
}

impl Inputs {
    pub(super) fn new(reports: Reports<Activity>) -> Inputs {
        Inputs { reports, known: None }
    }

    /// There was no input for so many milliseconds. Reports what is new, and returns the present state.
    pub(super) fn quiet_for(&mut self, millis: u64) -> Activity {
        let nanos = i64::try_from(millis)
            .unwrap_or(i64::MAX)
            .saturating_mul(NANOS_PER_MILLI);
        let quiet = Duration::from_nanos(nanos);
        let last = self.reports.clock().read().wall.saturating_sub(quiet);
        let activity = if millis < u64::from(QUIET) {
            Activity::Active
        } else {
            Activity::Idle
        };
        match (self.known, activity) {
            (Some((_, Activity::Active)), Activity::Active) => return activity,
            (Some((known, Activity::Idle)), Activity::Idle) => {
                if last.since(known) < TOLERANCE {
                    return activity;
                }
                // There was an input, and so long ago that it is over.
                self.reports.send_at(last, Activity::Active);
            }
            _ => {}
        }
        self.reports.send_at(last, activity);
        self.known = Some((last, activity));
        activity
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::clock::{Clock, FakeClock};
    use crate::desktop::At;

    #[test]
    fn changes_are_reported_with_the_time_of_the_input() {
        let clock = Arc::new(FakeClock::at(Timestamp::from_nanos(0)));
        let (reports, mut from) = Reports::channel(Arc::clone(&clock) as Arc<dyn Clock>);
        let mut inputs = Inputs::new(reports);
        let mut reported = |inputs: &mut Inputs, passed: i64, quiet| {
            clock.advance(Duration::from_nanos(passed * NANOS_PER_MILLI));
            inputs.quiet_for(quiet);
            std::iter::from_fn(|| from.try_recv().ok())
                .map(|At { time, report }| (time.nanos() / NANOS_PER_MILLI, report))
                .collect::<Vec<_>>()
        };
        use Activity::{Active, Idle};
        assert_eq!(reported(&mut inputs, 10_000, 9_000), [(1_000, Idle)]);
        assert_eq!(reported(&mut inputs, 1_000, 10_010), [], "the same input");
        assert_eq!(reported(&mut inputs, 1_000, 0), [(12_000, Active)]);
        assert_eq!(reported(&mut inputs, 1_000, 900), [], "it goes on");
        assert_eq!(reported(&mut inputs, 10_000, 5_000), [(18_000, Idle)]);
        assert_eq!(
            reported(&mut inputs, 20_000, 8_000),
            [(35_000, Active), (35_000, Idle)],
            "an input that nobody noticed at the time"
        );
    }
}

//! Heartbeats, and the rule that turns them into events.
//!
//! A watcher reports its state every few seconds. Heartbeats with equal data that are close enough together extend one
//! event; any other heartbeat starts a new event. The rule is that of aw-server-rust, including the edge cases in its
//! recorded answers: both ends of the window count, a heartbeat before the start of the last event never extends it, and
//! an event never shrinks ([`merge`] states it exactly).

use std::borrow::Cow;

use crate::{Duration, Pulsetime, Timestamp};

/// A heartbeat as a watcher sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat<'a> {
    /// When the state was seen.
    pub start: Timestamp,
    /// How long it had lasted from `start`; mostly 0, may be negative. `start + duration` fits a [`Timestamp`].
    pub duration: Duration,
    /// Canonical JSON object, see [`Data`](crate::Data).
    pub data: Cow<'a, str>,
}

/// Decides whether a heartbeat extends the last event: the new duration of that event, or `None` when the heartbeat
/// is a new event.
///
/// It extends when the data are the same and `last_start <= hb_start <= last_end + pulsetime`, both ends inclusive
/// (sums saturate). The event then ends at the later of the two ends: it never shrinks, and never ends before it
/// starts, even if it did so before. Should the merged duration not fit a [`Duration`] (more than 292 years), the
/// heartbeat is a new event, so that nothing of it is lost.
///
/// ```
/// use timberline_model::{Duration, Pulsetime, Timestamp, heartbeat};
///
/// let second = Duration::from_nanos(1_000_000_000);
/// let pulsetime = Pulsetime::from_secs_f64(1.0)?;
/// let at = Timestamp::parse("2024-03-01T10:00:01Z")?;
/// let last = Timestamp::parse("2024-03-01T10:00:00Z")?;
/// assert_eq!(heartbeat::merge(last, Duration::ZERO, true, at, Duration::ZERO, pulsetime), Some(second));
/// assert_eq!(heartbeat::merge(last, Duration::ZERO, false, at, Duration::ZERO, pulsetime), None);
/// # Ok::<(), timberline_model::TimeError>(())
/// ```
#[must_use]
pub fn merge(
    last_start: Timestamp,
    last_duration: Duration,
    same_data: bool,
    hb_start: Timestamp,
    hb_duration: Duration,
    pulsetime: Pulsetime,
) -> Option<Duration> {
    let last_end = last_start.saturating_add(last_duration);
    let latest = last_end.saturating_add(pulsetime.into());
    if !same_data || hb_start < last_start || hb_start > latest {
        return None;
    }
    let end = last_end.max(hb_start.saturating_add(hb_duration)).max(last_start);
    end.checked_since(last_start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The rule as it is written down, in numbers that cannot overflow.
    fn naive(last: (i64, i64), same_data: bool, heartbeat: (i64, i64), pulsetime: i64) -> Option<i64> {
        let (last_start, last_end) = (i128::from(last.0), i128::from(last.0) + i128::from(last.1));
        let (start, end) = (
            i128::from(heartbeat.0),
            i128::from(heartbeat.0) + i128::from(heartbeat.1),
        );
        let close = last_start <= start && start <= last_end + i128::from(pulsetime);
        if !same_data || !close {
            return None;
        }
        i64::try_from(last_end.max(end).max(last_start) - last_start).ok()
    }

    fn merged(last: (i64, i64), same_data: bool, heartbeat: (i64, i64), pulsetime: i64) -> Option<i64> {
        merge(
            Timestamp::from_nanos(last.0),
            Duration::from_nanos(last.1),
            same_data,
            Timestamp::from_nanos(heartbeat.0),
            Duration::from_nanos(heartbeat.1),
            Pulsetime::from_nanos(pulsetime),
        )
        .map(Duration::nanos)
    }

    /// Starts and durations whose end fits, mostly close together, so that the edges of the rule are met.
    fn event() -> impl Strategy<Value = (i64, i64)> {
        let near = (-12i64..12, -6i64..12);
        let anywhere = (any::<i64>(), any::<i64>());
        prop_oneof![6 => near, 1 => anywhere].prop_filter("the end fits", |(start, duration)| {
            start.checked_add(*duration).is_some()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn merging_follows_the_rule(
            last in event(),
            same_data in prop::bool::weighted(0.9),
            heartbeat in event(),
            pulsetime in prop_oneof![6 => -6i64..12, 1 => any::<i64>(), 1 => Just(i64::MAX), 1 => Just(i64::MIN)],
        ) {
            let expected = naive(last, same_data, heartbeat, pulsetime);
            prop_assert_eq!(merged(last, same_data, heartbeat, pulsetime), expected);
        }

        #[test]
        fn merging_never_shrinks_an_event(last in event(), heartbeat in event(), pulsetime in -6i64..12) {
            if let Some(duration) = merged(last, true, heartbeat, pulsetime) {
                prop_assert!(duration >= last.1 && duration >= 0);
                prop_assert!(last.0.checked_add(duration).is_some(), "the merged event ends within the range");
            }
        }

        #[test]
        fn no_input_panics(numbers in any::<[i64; 5]>()) {
            let [a, b, c, d, e] = numbers;
            let _ = merged((a, b), true, (c, d), e);
        }
    }

    #[test]
    fn heartbeat_exactly_at_pulsetime_extends() {
        assert_eq!(merged((0, 0), true, (10, 0), 10), Some(10));
    }

    #[test]
    fn heartbeat_beyond_pulsetime_starts_a_new_event() {
        assert_eq!(merged((0, 0), true, (11, 0), 10), None);
    }

    #[test]
    fn pulsetime_counts_from_the_end() {
        assert_eq!(merged((0, 20), true, (30, 0), 10), Some(30));
        assert_eq!(merged((0, 20), true, (31, 0), 10), None);
    }

    #[test]
    fn heartbeat_before_the_start_is_a_new_event() {
        assert_eq!(merged((10, 0), true, (9, 100), 10), None);
    }

    #[test]
    fn heartbeat_within_the_event_does_not_shrink_it() {
        assert_eq!(merged((0, 10), true, (8, -4), 10), Some(10));
        assert_eq!(merged((0, 10), true, (2, 1), 0), Some(10));
    }

    #[test]
    fn negative_event_is_extended_and_never_stays_negative() {
        assert_eq!(merged((0, -4), true, (1, 0), 10), Some(1));
        assert_eq!(merged((0, -4), true, (0, -2), 10), Some(0));
    }

    #[test]
    fn negative_pulsetime_demands_an_overlap() {
        assert_eq!(merged((0, 10), true, (8, 5), -2), Some(13));
        assert_eq!(merged((0, 10), true, (9, 5), -2), None);
    }

    #[test]
    fn infinite_pulsetime_always_extends() {
        assert_eq!(merged((0, 0), true, (i64::MAX, 0), i64::MAX), Some(i64::MAX));
    }

    #[test]
    fn a_span_too_long_to_be_held_is_a_new_event() {
        assert_eq!(merged((-2, 0), true, (i64::MAX, 0), i64::MAX), None);
    }
}

//! The absences in AFK events.

use timberline_model::{Duration, Event, Timestamp};

use crate::afk::Status;

/// A time in which nobody was at the machine, from the end of one event `not-afk` to the start of the next. So an absence with a
/// sleep in it is one absence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Absence {
    /// When the person left.
    pub start: Timestamp,
    /// When the person came back; if it is not over, the last time that is known of it.
    pub end: Timestamp,
    /// Whether somebody is back.
    pub is_over: bool,
}

impl Absence {
    /// How long it was.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.end.since(self.start)
    }

    /// What the person is asked. `local_time` writes a time as the person reads it.
    pub fn question(&self, local_time: impl Fn(Timestamp) -> String) -> String {
        format!(
            "What did you do from {} to {}?",
            local_time(self.start),
            local_time(self.end)
        )
    }

    /// Whether these events say what happened in at least half of it.
    pub(super) fn is_explained_by<'a>(&self, events: impl IntoIterator<Item = &'a Event>) -> bool {
        let nanos = |event: &Event| {
            let start = event.start.max(self.start);
            let end = end(event).min(self.end);
            end.since(start).nanos().max(0)
        };
        let explained = events.into_iter().map(nanos).fold(0, i64::saturating_add);
        explained >= self.length().nanos() / 2
    }
}

/// The absences in the events of an AFK bucket, which may be in any order, from the oldest to the newest. The first absence begins with the
/// first event if nobody was there then.
#[must_use]
pub fn absences(events: &[Event]) -> Vec<Absence> {
    let mut events: Vec<&Event> = events.iter().collect();
    events.sort_by_key(|event| event.start);
    let mut absences = Vec::new();
    // Since when nobody is there, as far as is known.
    let mut left: Option<Timestamp> = None;
    let mut known_until = None;
    for event in events {
        known_until = known_until.max(Some(end(event)));
        match Status::of(&event.data) {
            Some(Status::NotAfk) => {
                if let Some(left) = left.filter(|left| *left < event.start) {
                    absences.push(Absence {
                        start: left,
                        end: event.start,
                        is_over: true,
                    });
                }
                left = left.max(Some(end(event)));
            }
            Some(Status::Afk) => left = left.or(Some(event.start)),
            None => {}
        }
    }
    if let (Some(start), Some(end)) = (left, known_until)
        && start < end
    {
        absences.push(Absence {
            start,
            end,
            is_over: false,
        });
    }
    absences
}

fn end(event: &Event) -> Timestamp {
    event.start.saturating_add(event.duration)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event(start: i64, duration: i64, status: Status) -> Event {
        Event {
            id: Default::default(),
            start: at(start),
            duration: Duration::from_secs(duration),
            data: status.data(),
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_nanos(seconds * 1_000_000_000)
    }

    fn found(events: &[Event]) -> Vec<(i64, i64, bool)> {
        let seconds = |time: Timestamp| time.nanos() / 1_000_000_000;
        let absences = absences(events);
        let absence = |absence: &Absence| (seconds(absence.start), seconds(absence.end), absence.is_over);
        absences.iter().map(absence).collect()
    }

    #[test]
    fn an_absence_with_a_sleep_in_it_is_one() {
        let (there, away) = (Status::NotAfk, Status::Afk);
        let mut events = vec![
            event(0, 100, there),
            event(100, 50, away),
            // It slept.
            event(400, 10, away),
            event(410, 90, there),
        ];
        assert_eq!(found(&events), [(100, 410, true)]);
        // The newest come first in answers of servers.
        events.reverse();
        assert_eq!(found(&events), [(100, 410, true)]);
    }

    #[test]
    fn an_absence_that_is_not_over_ends_with_what_is_known() {
        let (there, away) = (Status::NotAfk, Status::Afk);
        assert_eq!(
            found(&[event(0, 10, away), event(10, 10, there), event(20, 30, away)]),
            [(0, 10, true), (20, 50, false)]
        );
        assert_eq!(found(&[]), []);
    }

    #[test]
    fn half_of_it_must_be_explained() {
        let absence = Absence {
            start: at(100),
            end: at(200),
            is_over: true,
        };
        let explained = |spans: &[(i64, i64)]| {
            let events: Vec<Event> = spans
                .iter()
                .map(|(start, duration)| event(*start, *duration, Status::Afk))
                .collect();
            absence.is_explained_by(&events)
        };
        assert!(explained(&[(100, 100)]));
        assert!(explained(&[(0, 500)]));
        assert!(explained(&[(100, 20), (170, 40)]));
        assert!(!explained(&[(0, 149)]));
        assert!(!explained(&[(200, 500), (0, 100)]));
    }

    proptest! {
        /// A second is absent if somebody was there before, and nobody is in it.
        #[test]
        fn absences_are_the_seconds_between_presences(spans in prop::collection::vec((0i64..60, 1i64..20), 1..8)) {
            let events: Vec<Event> = spans.iter().map(|(start, length)| event(*start, *length, Status::NotAfk)).collect();
            let is_there = |second: i64| spans.iter().any(|(start, length)| (*start..start + length).contains(&second));
            let first = spans.iter().map(|(start, _)| *start).min().unwrap_or(0);
            let last = spans.iter().map(|(start, length)| start + length).max().unwrap_or(0);
            let expected: Vec<i64> = (first..last).filter(|second| !is_there(*second)).collect();
            let seconds: Vec<i64> = found(&events).into_iter().flat_map(|(start, end, _)| start..end).collect();
            prop_assert_eq!(seconds, expected);
        }
    }
}

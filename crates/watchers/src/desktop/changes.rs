//! Which changes of the window in front are reported, and with which time.

use std::time::Duration;

use timberline_model::Timestamp;

use super::{At, Sighting};

/// How long to wait for a complete state, where the desktop reports a change in several steps: most window
/// managers have no window in front for a moment between two windows.
pub(super) const COALESCE: Duration = Duration::from_millis(200);

/// Finds the changes that are to be reported.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// What was reported last. `None`: nothing yet.
    reported: Option<Option<Sighting>>,
    /// Since when it no longer holds.
    since: Option<Timestamp>,
}

impl Changes {
    /// Takes what is in front now, and whether an incomplete state has stood for long enough. Returns what is to be reported:
    /// it holds since what was reported before ended.
    pub(super) fn observe(
        &mut self,
        now: Timestamp,
        front: Option<Sighting>,
        waited: bool,
    ) -> Option<At<Option<Sighting>>> {
        if self.reported.as_ref() == Some(&front) {
            self.since = None;
            return None;
        }
        let time = *self.since.get_or_insert(now);
        let complete = front.as_ref().is_some_and(|window| !window.front.app.is_empty());
        if !complete && !waited {
            return None;
        }
        self.since = None;
        self.reported = Some(front.clone());
        Some(At { time, report: front })
    }

    /// Whether there is an incomplete state that may have to be reported.
    pub(super) fn is_waiting(&self) -> bool {
        self.since.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::Front;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_nanos(milliseconds * 1_000_000)
    }

    fn window(app: &str, title: &str) -> Option<Sighting> {
        let front = Front {
            app: app.to_owned(),
            title: title.to_owned(),
        };
        Some(Sighting {
            front,
            ..Sighting::default()
        })
    }

    /// Observes the steps and returns what was reported.
    fn reported(steps: &[(i64, Option<Sighting>, bool)]) -> Vec<(i64, Option<Sighting>)> {
        let mut changes = Changes::default();
        changes.observe(at(0), window("vim", "notes"), true);
        let reports = steps.iter().filter_map(|(time, front, waited)| {
            let report = changes.observe(at(*time), front.clone(), *waited);
            assert!(report.is_none() || !changes.is_waiting());
            report
        });
        reports
            .map(|report| (report.time.nanos() / 1_000_000, report.report))
            .collect()
    }

    #[test]
    fn another_window_is_reported_at_once() {
        let mail = window("mail", "inbox");
        assert_eq!(reported(&[(5, mail.clone(), false)]), [(5, mail)]);
    }

    #[test]
    fn a_moment_without_a_window_is_not_reported_and_the_next_window_begins_where_the_last_one_ended() {
        let mail = window("mail", "inbox");
        assert_eq!(
            reported(&[(5, None, false), (9, mail.clone(), false)]),
            [(5, mail)]
        );
    }

    #[test]
    fn a_lasting_absence_of_windows_is_reported_with_its_beginning() {
        assert_eq!(
            reported(&[(5, None, false), (15, None, false), (25, None, true)]),
            [(5, None)]
        );
    }

    #[test]
    fn nothing_is_reported_if_the_same_window_comes_back() {
        let steps = [
            (5, None, false),
            (9, window("vim", "notes"), false),
            (30, window("vim", "notes"), true),
        ];
        assert_eq!(reported(&steps), []);
    }

    #[test]
    fn a_window_without_a_name_gets_time_to_get_one() {
        let named = window("mail", "inbox");
        let unnamed = window("", "");
        assert_eq!(
            reported(&[(5, unnamed.clone(), false), (9, named.clone(), false)]),
            [(5, named)]
        );
        assert_eq!(
            reported(&[(5, unnamed.clone(), false), (25, unnamed.clone(), true)]),
            [(5, unnamed)]
        );
    }
}

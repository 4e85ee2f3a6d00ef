//! Which notifications are due.

use std::collections::BTreeMap;
use std::time::Duration;

use super::service::Notification;
use super::setting::{Alert, Wanted};

/// How the time of a day was spent so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Spent {
    /// All of it.
    pub(super) total: Duration,
    /// By category: its names, and the time that is in none below it.
    pub(super) categories: Vec<(Vec<String>, Duration)>,
}

impl Spent {
    /// The time of a category with all below it; no names: all time.
    fn of(&self, category: &[String]) -> Duration {
        if category.is_empty() {
            return self.total;
        }
        let in_it = self
            .categories
            .iter()
            .filter(|(names, _)| names.starts_with(category));
        in_it.map(|(_, time)| *time).sum()
    }
}

/// What was announced on a day, so that nothing is announced twice.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// When the day began, in any unit.
    day: Option<i64>,
    /// Whether nobody was there yet since the day began.
    is_new: bool,
    /// The hour of the last check-in.
    hour: Option<i64>,
    /// For each alert, by what it is about: the minutes that were passed.
    passed: BTreeMap<(Vec<String>, Option<String>), u32>,
}

/// When it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// The start of the day.
    pub(super) day: i64,
    /// Hours since the start of the day.
    pub(super) hour: i64,
    /// Whether the user is present.
    pub(super) present: bool,
}

impl Told {
    /// The notifications that are due now. Thresholds that were reached before the first call are not announced.
    pub(super) fn due(&mut self, wanted: &Wanted, spent: &Spent, now: Moment) -> Vec<Notification> {
        let is_first = self.day.is_none();
        let mut due = Vec::new();
        if self.day != Some(now.day) {
            self.day = Some(now.day);
            self.hour = Some(now.hour);
            self.passed.clear();
            self.is_new = !is_first;
        }
        if now.present && std::mem::take(&mut self.is_new) && wanted.new_day {
            due.push(notification(
                "A new day",
                "All times start at zero again.".to_owned(),
            ));
        }
        for alert in &wanted.alerts {
            let passed = self.pass(alert, spent.of(&alert.category));
            due.extend(passed.filter(|_| !is_first));
        }
        if wanted.hourly && self.hour != Some(now.hour) && now.present {
            self.hour = Some(now.hour);
            due.extend(check_in(spent));
        }
        due
    }

    /// Notes the highest threshold that was reached. Returns a notification if it is new.
    fn pass(&mut self, alert: &Alert, time: Duration) -> Option<Notification> {
        let reached = |minutes: &&u32| time >= Duration::from_secs(60 * u64::from(**minutes));
        let highest = *alert.minutes.iter().filter(reached).max()?;
        let key = (alert.category.clone(), alert.label.clone());
        let before = self.passed.insert(key, highest);
        if before.is_some_and(|before| before >= highest) {
            return None;
        }
        let title = if alert.positive {
            "Goal reached"
        } else {
            "Time spent"
        };
        Some(notification(title, format!("{}: {}", alert.name(), text(time))))
    }
}

/// The four categories with the most time, if they have more than a fiftieth of it.
fn check_in(spent: &Spent) -> Option<Notification> {
    let mut categories = spent.categories.clone();
    categories.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
    let large = categories
        .iter()
        .take_while(|(_, time)| time.saturating_mul(50) > spent.total)
        .take(4);
    let lines: Vec<String> = large
        .map(|(names, time)| format!("{}: {}", names.join(" > "), text(*time)))
        .collect();
    let total = format!("Time today: {}", text(spent.total));
    (!lines.is_empty()).then(|| notification(&total, lines.join("\n")))
}

fn notification(title: &str, text: String) -> Notification {
    Notification::new(title, text)
}

/// A time as hours and minutes.
fn text(time: Duration) -> String {
    let minutes = time.as_secs() / 60;
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes}m"),
        (hours, minutes) => format!("{hours}h {minutes}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spent(categories: &[(&[&str], u64)]) -> Spent {
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        let categories = categories.iter().map(|(names, time)| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            (names, minutes(*time))
        });
        let categories: Vec<(Vec<String>, Duration)> = categories.collect();
        Spent {
            total: categories.iter().map(|(_, time)| *time).sum(),
            categories,
        }
    }

    fn at(day: i64, hour: i64) -> Moment {
        Moment {
            day,
            hour,
            present: true,
        }
    }

    fn quiet() -> Wanted {
        Wanted {
            hourly: false,
            new_day: false,
            ..Wanted::read(None)
        }
    }

    fn texts(due: &[Notification]) -> Vec<String> {
        due.iter()
            .map(|due| format!("{}: {}", due.title, due.text))
            .collect()
    }

    #[test]
    fn each_threshold_is_announced_once_a_day() {
        let mut told = Told::default();
        let wanted = quiet();
        assert!(
            told.due(&wanted, &spent(&[(&["Work", "Code"], 59)]), at(1, 0))
                .is_empty()
        );
        let due = told.due(&wanted, &spent(&[(&["Work", "Code"], 61)]), at(1, 1));
        assert_eq!(
            texts(&due),
            ["Time spent: All: 1h 1m", "Goal reached: Work: 1h 1m"]
        );
        assert!(
            told.due(&wanted, &spent(&[(&["Work", "Code"], 90)]), at(1, 1))
                .is_empty()
        );
        let due = told.due(&wanted, &spent(&[(&["Work"], 130), (&["Media"], 40)]), at(1, 2));
        assert_eq!(texts(&due), ["Goal reached: Work: 2h 10m"]);
        assert!(told.due(&wanted, &spent(&[]), at(2, 0)).is_empty());
        assert_eq!(told.due(&wanted, &spent(&[(&["Work"], 60)]), at(2, 1)).len(), 2);
    }

    #[test]
    fn thresholds_reached_before_the_start_are_not_announced() {
        let mut told = Told::default();
        let wanted = quiet();
        assert!(
            told.due(&wanted, &spent(&[(&["Work"], 300)]), at(1, 5))
                .is_empty()
        );
        let due = told.due(&wanted, &spent(&[(&["Work"], 480)]), at(1, 8));
        assert_eq!(texts(&due), ["Time spent: All: 8h 0m"]);
    }

    #[test]
    fn an_hourly_summary_is_shown_while_the_user_is_present() {
        let mut told = Told::default();
        let wanted = Wanted {
            alerts: Vec::new(),
            ..Wanted::read(None)
        };
        let spent = spent(&[(&["Work", "Code"], 100), (&["Media"], 30), (&["Tiny"], 1)]);
        assert!(told.due(&wanted, &spent, at(1, 5)).is_empty());
        let away = Moment {
            present: false,
            ..at(1, 6)
        };
        assert!(told.due(&wanted, &spent, away).is_empty());
        let due = told.due(&wanted, &spent, at(1, 6));
        assert_eq!(
            texts(&due),
            ["Time today: 2h 11m: Work > Code: 1h 40m\nMedia: 30m"]
        );
        assert!(told.due(&wanted, &spent, at(1, 6)).is_empty());
        let nobody = Moment {
            present: false,
            ..at(2, 0)
        };
        assert!(told.due(&wanted, &spent, nobody).is_empty());
        assert_eq!(told.due(&wanted, &spent, at(2, 0)).len(), 1, "the new day");
        assert!(told.due(&wanted, &spent, at(2, 0)).is_empty());
    }
}

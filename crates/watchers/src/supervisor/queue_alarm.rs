//! Notices that what the watchers record is not stored: the server does not take it, or there is no room for it.

use timberline_model::Duration;

use crate::Health;

/// How long the server may take nothing.
const LONGEST: Duration = Duration::from_secs(300);

/// Watches the queue.
#[derive(Debug, Default)]
pub(super) struct QueueAlarm {
    /// Since when the server takes nothing, on the monotonic clock, which stands still while the machine sleeps.
    since: Option<Duration>,
}

impl QueueAlarm {
    /// What the person should know of the queue.
    pub(super) fn observe(&mut self, health: &Health, now: Duration) -> Option<String> {
        let Health { waiting, trouble, .. } = health;
        self.since = trouble.as_ref().map(|_| self.since.unwrap_or(now));
        let why = || match trouble {
            Some(trouble) => format!(": {trouble}"),
            None => String::new(),
        };
        if health.is_full {
            return Some(format!(
                "{waiting} heartbeats wait for the server, and there is no room for new events{}",
                why()
            ));
        }
        if health.disk_is_full {
            return Some(
                "the disk is full, so what is recorded is only in memory: free some space".to_owned(),
            );
        }
        let since = self.since.filter(|since| now.saturating_sub(*since) >= LONGEST)?;
        let minutes = now.saturating_sub(since).nanos() / Duration::from_secs(60).nanos();
        Some(format!(
            "{waiting} heartbeats wait, because the server has taken none for {minutes} minutes{}",
            why()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health(trouble: Option<&str>) -> Health {
        Health {
            waiting: 12,
            bytes: 1200,
            is_full: false,
            disk_is_full: false,
            trouble: trouble.map(str::to_owned),
        }
    }

    fn minutes(minutes: i64) -> Duration {
        Duration::from_secs(60 * minutes)
    }

    #[test]
    fn five_minutes_without_an_answer_are_too_long() {
        let mut alarm = QueueAlarm::default();
        let trouble = health(Some("the server answers with status 401"));
        assert_eq!(alarm.observe(&trouble, minutes(1)), None);
        assert_eq!(alarm.observe(&trouble, minutes(5)), None);
        assert_eq!(
            alarm.observe(&trouble, minutes(7)).as_deref(),
            Some(
                "12 heartbeats wait, because the server has taken none for 6 minutes: the server answers with status 401"
            )
        );
        assert_eq!(alarm.observe(&health(None), minutes(8)), None);
        assert_eq!(
            alarm.observe(&trouble, minutes(9)),
            None,
            "that is another trouble"
        );
    }

    #[test]
    fn what_finds_no_room_is_an_alarm_at_once() {
        let mut alarm = QueueAlarm::default();
        let full = Health {
            is_full: true,
            ..health(Some("nobody listens"))
        };
        let said = alarm.observe(&full, minutes(0)).expect("an alarm");
        assert!(said.contains("no room for new events: nobody listens"), "{said}");
        let disk = Health {
            disk_is_full: true,
            ..health(None)
        };
        let said = alarm.observe(&disk, minutes(0)).expect("an alarm");
        assert!(said.contains("the disk is full"), "{said}");
    }
}

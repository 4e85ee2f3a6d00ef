//! Notices that a module records nothing although it should, because nobody checks a watcher that seems to run.
//!
//! It goes by the module's backends and not by its events: while a rule drops the window in front, or there is none, the module
//! records as it should.

use std::collections::BTreeMap;
use std::sync::Arc;

use timberline_model::Duration;

use super::board::{Board, Order};
use super::queue_alarm::QueueAlarm;
use super::status::{Condition, WatcherStatus};
use crate::Client;
use crate::modules::State;
use crate::present::is_present;

/// Modules that record all the time.
const CONSTANT: [&str; 2] = ["afk", "window"];
/// How long one of them may be silent while the machine is awake.
const LONGEST: Duration = Duration::from_secs(600);
/// How often to check.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_secs(60);

/// Raises and ends alarms. Never ends.
pub(super) async fn watch(board: Arc<Board>, client: Client) {
    let (mut silences, mut queue) = (Silences::default(), QueueAlarm::default());
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = board.clock().read();
        board.set_queue_alarm(queue.observe(&client.health(), now.monotonic));
        for status in board.list() {
            let is_to_run = board.order(&status.name) == Order::Run;
            let silent = is_to_run && silences.observe(&status, now.monotonic);
            // If it is not known whether the user is present, there is no alarm about windows.
            let excused = silent && status.name == "window" && !is_present(&client, now.wall, LONGEST).await;
            board.set_alarm(&status.name, (silent && !excused).then(|| text(&status)));
        }
    }
}

/// Since when each module has not recorded, on the monotonic clock, which stands still while the machine sleeps.
#[derive(Debug, Default)]
struct Silences(BTreeMap<String, Duration>);

impl Silences {
    /// Whether a module is silent for too long.
    fn observe(&mut self, status: &WatcherStatus, now: Duration) -> bool {
        if !CONSTANT.contains(&status.name.as_str()) {
            return false;
        }
        let is_well = matches!(
            status.condition,
            Condition::Module(State::Recording | State::StandingBack(_))
                | Condition::StandingBack(_)
                | Condition::Off
        );
        let since = self.0.entry(status.name.clone()).or_insert(now);
        if is_well {
            *since = now;
        }
        now.saturating_sub(*since) >= LONGEST
    }
}

fn text(status: &WatcherStatus) -> String {
    let minutes = LONGEST.nanos() / Duration::from_secs(60).nanos();
    let why = match &status.condition {
        Condition::Module(State::Waiting(reason)) | Condition::Waiting(reason) => format!(": {reason}"),
        Condition::Restarting { .. } => match &status.last_exit {
            Some(exit) => format!(": it exits again and again ({})", exit.reason),
            None => String::new(),
        },
        _ => String::new(),
    };
    format!("nothing was recorded for {minutes} minutes{why}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervisor::Kind;

    fn status(name: &str, condition: Condition) -> WatcherStatus {
        WatcherStatus {
            name: name.to_owned(),
            number: 0,
            kind: Kind::BuiltIn,
            enabled: true,
            note: None,
            paused: None,
            condition,
            backends: Vec::new(),
            bucket: None,
            last_recorded: None,
            restarts: 0,
            last_exit: None,
            alarm: None,
        }
    }

    fn minutes(minutes: i64) -> Duration {
        Duration::from_secs(60 * minutes)
    }

    #[test]
    fn ten_minutes_without_a_backend_are_too_long() {
        let starting = Condition::Module(State::Starting);
        let mut silences = Silences::default();
        assert!(!silences.observe(&status("afk", starting.clone()), minutes(0)));
        assert!(!silences.observe(&status("afk", starting.clone()), minutes(9)));
        assert!(silences.observe(&status("afk", starting.clone()), minutes(10)));
        assert!(!silences.observe(&status("afk", Condition::Module(State::Recording)), minutes(11)));
        assert!(!silences.observe(&status("afk", starting.clone()), minutes(20)));
        assert!(!silences.observe(&status("media", starting.clone()), minutes(0)));
        assert!(!silences.observe(&status("media", starting), minutes(60)));
    }

    /// A rule drops the window, or none is in front: no event comes of it for a long time.
    #[test]
    fn a_module_with_a_backend_is_not_silent_whatever_its_events() {
        let mut silences = Silences::default();
        let recording = status("window", Condition::Module(State::Recording));
        assert!(!silences.observe(&recording, minutes(0)));
        assert!(!silences.observe(&recording, minutes(60)));
    }

    #[test]
    fn a_module_that_stands_back_is_not_silent_and_one_that_waits_is() {
        let mut silences = Silences::default();
        let back = Condition::StandingBack("aw-watcher-afk runs".to_owned());
        assert!(!silences.observe(&status("afk", back.clone()), minutes(0)));
        assert!(!silences.observe(&status("afk", back), minutes(60)));
        let waiting = Condition::Module(State::Waiting("there is no D-Bus".to_owned()));
        assert!(!silences.observe(&status("afk", waiting.clone()), minutes(69)));
        let waiting = status("afk", waiting);
        assert!(silences.observe(&waiting, minutes(70)));
        assert_eq!(
            text(&waiting),
            "nothing was recorded for 10 minutes: there is no D-Bus"
        );
    }
}

//! What the timers of all seats say together.

use timberline_model::{Duration, Timestamp};

use crate::desktop::{Activity, At, IDLE_AFTER};

/// A timer that has just been started and runs out so much later than it should has waited for no input: the compositor, or
/// this program, was slow.
const SLOW: Duration = Duration::from_secs(1);

/// How long the timer that waits for other programs too runs. It has to run out before the one for input.
pub(super) const UNLESS_INHIBITED_AFTER: Duration = Duration::from_secs(4);

/// The two kinds of timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// Runs out [`IDLE_AFTER`] the last input.
    Input,
    /// Runs out [`UNLESS_INHIBITED_AFTER`] the last input or the end of what inhibits idling, whatever came last.
    UnlessInhibited,
}

/// The timers of all seats.
#[derive(Debug)]
pub(super) struct Seats {
    seats: Vec<Seat>,
    both: bool,
    /// The last input that is known of.
    last_input: Timestamp,
    /// What was reported last of input. `None`: nothing yet.
    reported: Option<Activity>,
    /// Whether something inhibits idling, as reported last. `None`: nothing yet.
    inhibited: Option<bool>,
    /// Since when.
    inhibited_since: Timestamp,
}

/// A seat: one keyboard and pointer, or several that belong together.
#[derive(Debug)]
struct Seat {
    name: u32,
    input: Quiet,
    unless_inhibited: Quiet,
}

/// Whether a timer has run out.
#[derive(Clone, Copy, Debug)]
struct Quiet {
    /// If it has run out: since when nothing has happened that it waits for. `None`: it is running.
    since: Option<Timestamp>,
    /// When it began to run, at the latest.
    running_since: Timestamp,
    /// Whether it has begun to run because of what it waits for, and not because it was started.
    heard: bool,
}

impl Quiet {
    /// A timer that is started.
    fn started(now: Timestamp) -> Quiet {
        Quiet {
            since: None,
            running_since: now,
            heard: false,
        }
    }

    /// A timer that runs again.
    fn resumed(now: Timestamp) -> Quiet {
        Quiet {
            heard: true,
            ..Quiet::started(now)
        }
    }

    /// Whether it runs, and how it began to.
    fn activity(&self) -> Activity {
        match self {
            Quiet { since: Some(_), .. } => Activity::Idle,
            Quiet { heard: true, .. } => Activity::Active,
            Quiet { heard: false, .. } => Activity::Unknown,
        }
    }
}

impl Seats {
    /// Without any seat. `both`: there are both kinds of timers; else only those for input.
    pub(super) fn new(now: Timestamp, both: bool) -> Seats {
        Seats {
            seats: Vec::new(),
            both,
            last_input: now,
            reported: None,
            inhibited: None,
            inhibited_since: now,
        }
    }

    /// A seat has appeared, and its timers begin to run. Nobody knows yet whether there is input.
    pub(super) fn added(&mut self, name: u32, now: Timestamp) {
        self.last_input = now;
        self.seats.push(Seat {
            name,
            input: Quiet::started(now),
            unless_inhibited: Quiet::started(now),
        });
    }

    /// A seat has gone.
    pub(super) fn removed(&mut self, name: u32, now: Timestamp) {
        for gone in self.seats.extract_if(.., |seat| seat.name == name) {
            if gone.input.activity() == Activity::Active {
                self.last_input = now;
            }
        }
    }

    /// A timer has run out.
    pub(super) fn idled(&mut self, name: u32, timer: Timer, now: Timestamp) {
        let Some(seat) = self.seats.iter_mut().find(|seat| seat.name == name) else {
            return;
        };
        match timer {
            Timer::Input => {
                let started = seat.input.running_since;
                let since = now.saturating_sub(IDLE_AFTER).max(started);
                let is_input = seat.input.heard || since.since(started) >= SLOW;
                let since = if is_input { since } else { started };
                seat.input.since = Some(since);
                self.last_input = self.last_input.max(since);
            }
            Timer::UnlessInhibited => {
                let since = now.saturating_sub(UNLESS_INHIBITED_AFTER);
                seat.unless_inhibited.since = Some(since.max(seat.unless_inhibited.running_since));
            }
        }
    }

    /// A timer runs again.
    pub(super) fn resumed(&mut self, name: u32, timer: Timer, now: Timestamp) {
        let Some(seat) = self.seats.iter_mut().find(|seat| seat.name == name) else {
            return;
        };
        match timer {
            Timer::Input => {
                seat.input = Quiet::resumed(now);
                self.last_input = now;
            }
            Timer::UnlessInhibited => seat.unless_inhibited = Quiet::resumed(now),
        }
    }

    /// What there is to report since the last call.
    pub(super) fn changes(&mut self) -> impl Iterator<Item = At<Activity>> + use<> {
        let activity = self.activity();
        let input = (self.reported != Some(activity)).then_some(At {
            time: self.last_input,
            report: activity,
        });
        self.reported = Some(activity);
        let inhibited = self.inhibitor().filter(|(now, _)| Some(*now) != self.inhibited);
        let inhibited = inhibited.map(|(inhibited, since)| {
            self.inhibited = Some(inhibited);
            self.inhibited_since = self.inhibited_since.max(since);
            At {
                time: self.inhibited_since,
                report: Activity::Inhibited(inhibited),
            }
        });
        input.into_iter().chain(inhibited)
    }

    /// There is input if one seat has some; without any only if that is known of each seat.
    fn activity(&self) -> Activity {
        let is = |activity| self.seats.iter().any(|seat| seat.input.activity() == activity);
        if is(Activity::Active) {
            Activity::Active
        } else if is(Activity::Unknown) {
            Activity::Unknown
        } else {
            Activity::Idle
        }
    }

    /// Whether something inhibits idling, and since when. `None`: as long as there is input, nobody can say.
    fn inhibitor(&self) -> Option<(bool, Timestamp)> {
        if !self.both {
            return None;
        }
        let inhibited = self.seats.iter().filter_map(Seat::inhibited_since).min();
        let free = self
            .seats
            .iter()
            .filter_map(|seat| seat.unless_inhibited.since)
            .max();
        inhibited
            .map(|since| (true, since))
            .or_else(|| free.map(|since| (false, since)))
    }
}

impl Seat {
    /// Since when only something that inhibits idling keeps this seat from being idle.
    fn inhibited_since(&self) -> Option<Timestamp> {
        let last_input = self.input.since?;
        let running = self.unless_inhibited.since.is_none();
        running.then(|| self.unless_inhibited.running_since.max(last_input))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Activity::{Active, Idle, Inhibited, Unknown};
    use Timer::{Input, UnlessInhibited};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_nanos(seconds * 1_000_000_000)
    }

    /// One seat from 0 s on, whose timers both run.
    fn seats() -> Seats {
        let mut seats = Seats::new(at(0), true);
        seats.added(7, at(0));
        assert_eq!(changes(&mut seats), [(0, Unknown)]);
        seats
    }

    fn changes(seats: &mut Seats) -> Vec<(i64, Activity)> {
        let changes = seats.changes();
        changes
            .map(|change| (change.time.nanos() / 1_000_000_000, change.report))
            .collect()
    }

    /// There is no input and nothing inhibits: both timers run out for an input at this second.
    fn idle(seats: &mut Seats, last_input: i64) {
        seats.idled(7, UnlessInhibited, at(last_input + 4));
        seats.idled(7, Input, at(last_input + 5));
    }

    #[test]
    fn the_last_input_was_as_long_ago_as_the_timer_runs() {
        let mut seats = seats();
        idle(&mut seats, 60);
        assert_eq!(changes(&mut seats), [(60, Idle), (60, Inhibited(false))]);
        seats.resumed(7, UnlessInhibited, at(100));
        seats.resumed(7, Input, at(100));
        assert_eq!(changes(&mut seats), [(100, Active)]);
        idle(&mut seats, 100);
        assert_eq!(changes(&mut seats), [(100, Idle)]);
    }

    #[test]
    fn a_timer_that_is_started_is_no_input() {
        let mut seats = Seats::new(at(0), false);
        seats.added(7, at(0));
        assert_eq!(changes(&mut seats), [(0, Unknown)]);
        // The timer may be noticed a little late.
        seats.idled(7, Input, Timestamp::from_nanos(5_300_000_000));
        assert_eq!(changes(&mut seats), [(0, Idle)]);
        seats.added(8, at(60));
        assert_eq!(changes(&mut seats), [(60, Unknown)]);
        seats.resumed(7, Input, at(62));
        assert_eq!(changes(&mut seats), [(62, Active)]);
        seats.idled(7, Input, at(69));
        assert_eq!(changes(&mut seats), [(64, Unknown)]);
    }

    #[test]
    fn a_pause_that_ends_at_once_is_not_reported() {
        let mut seats = seats();
        idle(&mut seats, 10);
        seats.resumed(7, Input, at(20));
        assert_eq!(changes(&mut seats), [(20, Active), (10, Inhibited(false))]);
        idle(&mut seats, 60);
        seats.resumed(7, Input, at(65));
        assert_eq!(changes(&mut seats), []);
    }

    #[test]
    fn the_user_is_idle_when_all_seats_are_idle_and_the_last_input_counts() {
        let mut seats = seats();
        seats.added(8, at(10));
        idle(&mut seats, 60);
        assert_eq!(changes(&mut seats), [(60, Inhibited(false))]);
        seats.idled(8, UnlessInhibited, at(44));
        seats.idled(8, Input, at(45));
        assert_eq!(changes(&mut seats), [(60, Idle)]);
        seats.resumed(8, Input, at(80));
        assert_eq!(changes(&mut seats), [(80, Active)]);
        seats.removed(8, at(90));
        assert_eq!(changes(&mut seats), [(90, Idle)]);
    }

    #[test]
    fn if_only_the_timer_for_input_runs_out_there_is_an_inhibitor_since_the_last_input() {
        let mut seats = seats();
        seats.resumed(7, UnlessInhibited, at(50));
        seats.idled(7, Input, at(65));
        assert_eq!(changes(&mut seats), [(60, Idle), (60, Inhibited(true))]);
        // The video ends.
        seats.idled(7, UnlessInhibited, at(504));
        assert_eq!(changes(&mut seats), [(500, Inhibited(false))]);
    }

    #[test]
    fn an_inhibitor_that_begins_during_an_absence_counts_from_then_on() {
        let mut seats = seats();
        idle(&mut seats, 60);
        assert_eq!(changes(&mut seats), [(60, Idle), (60, Inhibited(false))]);
        seats.resumed(7, UnlessInhibited, at(300));
        assert_eq!(changes(&mut seats), [(300, Inhibited(true))]);
    }

    #[test]
    fn an_input_resets_both_timers_and_says_nothing_about_inhibitors() {
        let mut seats = seats();
        idle(&mut seats, 60);
        changes(&mut seats);
        seats.resumed(7, UnlessInhibited, at(300));
        seats.resumed(7, Input, at(300));
        assert_eq!(changes(&mut seats), [(300, Active)]);
    }

    #[test]
    fn an_inhibitor_ends_when_its_timer_runs_out_although_there_was_input_since() {
        let mut seats = seats();
        seats.idled(7, Input, at(65));
        assert_eq!(changes(&mut seats), [(60, Idle), (60, Inhibited(true))]);
        seats.resumed(7, Input, at(80));
        seats.resumed(7, UnlessInhibited, at(80));
        assert_eq!(changes(&mut seats), [(80, Active)]);
        seats.idled(7, UnlessInhibited, at(94));
        assert_eq!(changes(&mut seats), [(90, Inhibited(false))]);
        seats.idled(7, Input, at(95));
        assert_eq!(changes(&mut seats), [(90, Idle)]);
    }

    #[test]
    fn with_one_timer_nothing_is_reported_about_inhibitors() {
        let mut seats = Seats::new(at(0), false);
        seats.added(7, at(0));
        seats.idled(7, Input, at(65));
        assert_eq!(changes(&mut seats), [(60, Idle)]);
    }
}

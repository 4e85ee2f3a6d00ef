//! The decision, on a machine whose clocks are set, which is switched off and on, and whose true time is known.

use super::super::dating::RecordDates;
use super::*;

/// Nanoseconds, in which the machine counts.
const SECOND: i64 = 1_000_000_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;
/// The jumps that every rule is tried with.
const JUMPS: [i64; 7] = [HOUR, -HOUR, 8 * DAY, -8 * DAY, 10 * YEAR, -10 * YEAR, 74 * YEAR];

/// A machine with a store on it that writes a record now and then.
struct Machine {
    /// The true time; the machine does not know it.
    now: i64,
    /// How far its wall clock is off.
    error: i64,
    boot: u128,
    booted: i64,
    newest: Seq,
    state: TimeState,
}

impl Machine {
    fn new() -> Machine {
        Machine::set_wrong_by(0)
    }

    /// A new store on a machine whose clock was wrong from the beginning.
    fn set_wrong_by(error: i64) -> Machine {
        let now = 20_000 * DAY;
        let boot = BootTime {
            boot: 1,
            up: Duration::from_secs(60),
        };
        let reading = Reading {
            wall: Timestamp::from_nanos(now + error),
            boot,
            newest: Seq::NONE,
        };
        Machine {
            now,
            error,
            boot: 1,
            booted: now - 60 * SECOND,
            newest: Seq::NONE,
            state: TimeState::first(reading, None),
        }
    }

    fn wall(&self) -> Timestamp {
        Timestamp::from_nanos(self.now + self.error)
    }

    fn reading(&self) -> Reading {
        Reading {
            wall: self.wall(),
            boot: BootTime {
                boot: self.boot,
                up: Duration::from_nanos(self.now - self.booted),
            },
            newest: self.newest,
        }
    }

    fn look(&mut self) {
        self.state.observe(self.reading());
    }

    /// Runs for a while, with a look at the clocks every ten minutes.
    fn run(&mut self, time: i64) {
        let end = self.now + time;
        while self.now < end {
            self.now = (self.now + 600 * SECOND).min(end);
            self.look();
        }
    }

    /// Is switched off for a while.
    fn off(&mut self, time: i64) {
        self.now += time;
        self.boot += 1;
        self.booted = self.now - 30 * SECOND;
        self.state.restore(self.reading());
    }

    /// The server is started again, the machine goes on.
    fn restart(&mut self) {
        self.state.restore(self.reading());
    }

    /// The clock is set.
    fn set(&mut self, error: i64) {
        self.error = error;
    }

    /// A record is written; gives its number and its stamp. The store looks at the clocks when it jumped.
    fn write(&mut self) -> (Seq, Timestamp) {
        self.look();
        self.newest = self.newest.next();
        (self.newest, self.wall())
    }

    fn trusted(&self) -> bool {
        matches!(self.state.trust(), TimeTrust::Trusted(_))
    }

    /// How old a record is taken to be.
    fn age(&self, (seq, stamp): (Seq, Timestamp)) -> i64 {
        let dating = RecordDates::of(&self.state.spans, &[], self.wall());
        self.wall().since(dating.date(seq, stamp)).nanos()
    }
}

#[test]
fn a_machine_that_runs_is_trusted() {
    let mut machine = Machine::new();
    for _ in 0..40 {
        machine.run(DAY);
        assert!(machine.trusted());
    }
    assert_eq!(machine.state.spans.iter().count(), 0);
}

#[test]
fn a_machine_that_is_off_at_night_is_trusted() {
    let mut machine = Machine::new();
    for _ in 0..40 {
        machine.run(10 * HOUR);
        assert!(machine.trusted());
        machine.off(14 * HOUR);
        assert!(machine.trusted());
    }
}

#[test]
fn one_that_is_off_at_the_weekend_is_trusted_again_after_a_day() {
    let mut machine = Machine::new();
    for _ in 0..20 {
        for _ in 0..4 {
            machine.run(10 * HOUR);
            machine.off(14 * HOUR);
        }
        machine.run(10 * HOUR);
        assert!(machine.trusted(), "on Friday");
        let deleted = machine.write();
        machine.look();
        machine.off(62 * HOUR);
        assert!(!machine.trusted(), "on Monday");
        machine.run(10 * HOUR);
        machine.off(14 * HOUR);
        machine.run(HOUR);
        assert!(machine.trusted(), "on Tuesday");
        // The weekend counts, or what was deleted would never be old.
        assert_eq!(machine.age(deleted), 62 * HOUR + 25 * HOUR);
        machine.run(9 * HOUR);
        machine.off(14 * HOUR);
    }
}

#[test]
fn three_months_off_suspend_for_a_day() {
    let mut machine = Machine::new();
    machine.run(3 * DAY);
    machine.off(90 * DAY);
    assert!(!machine.trusted());
    machine.run(23 * HOUR);
    assert!(!machine.trusted());
    machine.run(2 * HOUR);
    assert!(machine.trusted());
    let deleted = machine.write();
    machine.run(8 * DAY);
    assert!(machine.trusted() && machine.age(deleted) == 8 * DAY);
}

/// Many dual-boot machines: the hardware clock is hours off until the network has set it.
#[test]
fn a_clock_that_is_hours_ahead_at_each_start_does_not_stop_erasing_for_good() {
    let mut machine = Machine::new();
    machine.run(DAY);
    let mut trusted = 0;
    for _ in 0..30 {
        machine.run(9 * HOUR);
        trusted += u32::from(machine.trusted());
        machine.set(2 * HOUR);
        machine.off(15 * HOUR);
        machine.now += 40 * SECOND;
        machine.look();
        machine.set(0);
        machine.run(300 * SECOND);
    }
    assert!(trusted >= 28, "{trusted} of 30 days");
}

#[test]
fn a_jump_while_running_suspends_until_it_was_lived_through() {
    for jump in JUMPS {
        let mut machine = Machine::new();
        machine.run(3 * DAY);
        machine.set(jump);
        machine.look();
        assert!(!machine.trusted(), "{jump}");
        machine.run(12 * HOUR);
        machine.restart();
        machine.run(11 * HOUR);
        assert!(!machine.trusted(), "{jump}");
        machine.run(2 * HOUR);
        assert!(
            machine.trusted(),
            "restarts of the server do not begin the day again: {jump}"
        );
    }
}

#[test]
fn a_jump_while_the_server_was_down_suspends_too() {
    for jump in JUMPS {
        let mut machine = Machine::new();
        machine.run(3 * DAY);
        machine.set(jump);
        machine.restart();
        assert!(!machine.trusted(), "{jump}");
    }
}

#[test]
fn a_jump_while_the_machine_was_off_suspends_unless_it_may_have_been_off() {
    for jump in JUMPS {
        let mut machine = Machine::new();
        machine.run(3 * DAY);
        machine.set(jump);
        machine.off(20 * 60 * SECOND);
        let may_be = jump == HOUR;
        assert_eq!(machine.trusted(), may_be, "{jump}");
    }
}

#[test]
fn a_clock_that_is_set_right_again_is_trusted_at_once() {
    for jump in JUMPS {
        for restarts in [false, true] {
            let mut machine = Machine::new();
            machine.run(3 * DAY);
            machine.set(jump);
            if restarts {
                machine.restart();
            }
            machine.run(5 * HOUR);
            assert!(!machine.trusted(), "{jump}");
            machine.set(0);
            if restarts {
                machine.restart();
            }
            machine.look();
            assert!(machine.trusted(), "{jump}");
        }
    }
}

#[test]
fn a_clock_that_jumps_about_is_never_trusted() {
    let mut machine = Machine::new();
    machine.run(DAY);
    for day in 1..30 {
        machine.set(if day % 2 == 0 { 10 * YEAR } else { 20 * YEAR });
        machine.run(23 * HOUR);
        assert!(!machine.trusted());
    }
}

/// Whatever the clock did, nothing is taken to be older than it is.
#[test]
fn what_was_recorded_while_the_clock_was_wrong_is_never_too_old() {
    for jump in JUMPS {
        for restarts in [false, true] {
            let mut machine = Machine::new();
            machine.run(3 * DAY);
            machine.set(jump);
            let deleted = machine.write();
            machine.run(2 * HOUR);
            machine.set(0);
            if restarts {
                machine.restart();
            }
            machine.look();
            assert!(machine.trusted());
            let age = machine.age(deleted);
            assert!((0..=2 * HOUR).contains(&age), "{jump}: {age}");
            machine.run(7 * DAY);
            assert!((0..=DAY).contains(&(machine.age(deleted) - 7 * DAY)), "{jump}");
        }
    }
}

/// The first start of a machine without a battery, before the network has set its clock.
#[test]
fn what_was_deleted_before_the_clock_was_set_right_for_the_first_time_is_kept() {
    for error in JUMPS {
        let mut machine = Machine::set_wrong_by(error);
        let deleted = machine.write();
        machine.run(HOUR);
        machine.set(0);
        machine.look();
        assert!(!machine.trusted(), "{error}");
        machine.run(25 * HOUR);
        assert!(machine.trusted(), "{error}");
        let age = machine.age(deleted);
        assert!((0..=26 * HOUR).contains(&age), "{error}: {age}");
    }
}

/// A clock that was wrong for so long that it was believed, and then is set right.
#[test]
fn a_wrong_time_that_was_believed_makes_nothing_too_old_and_keeps_nothing_for_years() {
    for jump in JUMPS {
        let mut machine = Machine::new();
        machine.run(3 * DAY);
        let before = machine.write();
        machine.set(jump);
        machine.run(3 * DAY);
        assert!(machine.trusted(), "{jump}");
        let deleted = machine.write();
        machine.run(HOUR);
        machine.set(0);
        machine.look();
        machine.run(26 * HOUR);
        assert!(machine.trusted(), "{jump}");
        for (record, written) in [(deleted, 27 * HOUR), (before, 3 * DAY + 27 * HOUR)] {
            let age = machine.age(record);
            assert!((26 * HOUR..=written).contains(&age), "{jump}: {age}");
        }
    }
}

#[test]
fn a_confirmation_ends_the_suspension_and_believes_sound_records() {
    for jump in JUMPS {
        let mut machine = Machine::new();
        machine.run(3 * DAY);
        let deleted = machine.write();
        machine.look();
        machine.set(jump);
        machine.look();
        machine.run(HOUR);
        assert!(!machine.trusted());
        assert!(machine.state.confirm(machine.reading()));
        assert!(machine.trusted());
        assert_eq!(machine.age(deleted), HOUR + jump.max(0));
        assert!(!machine.state.confirm(machine.reading()), "once is enough");
        machine.run(3 * DAY);
        assert!(machine.trusted());
    }
}

#[test]
fn records_after_the_last_save_are_dated_after_it() {
    let mut machine = Machine::new();
    machine.run(3 * DAY);
    // The server is killed ten seconds after a jump; nothing of the jump was saved.
    let saved = machine.state.clone();
    machine.set(-10 * YEAR);
    let deleted = machine.write();
    machine.now += 10 * SECOND;
    machine.state = saved;
    machine.set(0);
    machine.restart();
    assert!(machine.trusted());
    assert!((0..=60 * SECOND).contains(&machine.age(deleted)));
}

#[test]
fn a_store_of_which_nothing_is_known_is_compared_with_its_newest_record() {
    let reading = Reading {
        wall: Timestamp::from_nanos(20_000 * DAY),
        boot: BootTime {
            boot: 1,
            up: Duration::from_nanos(5),
        },
        newest: Seq(9),
    };
    let trusted = |newest: Timestamp| {
        let state = TimeState::first(reading, Some(newest));
        matches!(state.trust(), TimeTrust::Trusted(_))
    };
    assert!(trusted(reading.wall.saturating_sub(Duration::from_nanos(HOUR))));
    for jump in JUMPS.into_iter().filter(|jump| *jump != HOUR) {
        assert!(
            !trusted(reading.wall.saturating_sub(Duration::from_nanos(jump))),
            "{jump}"
        );
    }
    assert!(!trusted(Timestamp::MIN), "a record that cannot be read");
}

#[test]
fn the_reason_says_what_happened_and_what_to_do() {
    let mut machine = Machine::new();
    machine.run(DAY);
    machine.set(10 * YEAR);
    machine.look();
    let TimeTrust::Suspended(why) = machine.state.trust() else {
        panic!("{:?}", machine.state);
    };
    let text = why.to_string();
    for words in ["10 years ahead", "set it", "confirm it"] {
        assert!(text.contains(words), "{text}");
    }
    assert_eq!(Span(Duration::from_nanos(HOUR)).to_string(), "60 minutes");
    assert_eq!(Span(Duration::from_nanos(8 * DAY - 1)).to_string(), "8 days");
    assert_eq!(Span(Duration::from_nanos(-74 * YEAR)).to_string(), "74 years");
}

proptest::proptest! {
    /// A clock in the year 9999, or before 1970, or a boot clock that runs back: all of it is clamped, nothing wraps.
    #[test]
    fn no_clock_is_too_strange(
        readings in proptest::collection::vec(
            (proptest::prelude::any::<i64>(), 0u128..3, proptest::prelude::any::<i64>(), proptest::prelude::any::<u64>(), 0u8..3),
            1..20,
        ),
    ) {
        let mut state: Option<TimeState> = None;
        for (wall, boot, up, newest, what) in readings {
            let reading = Reading {
                wall: Timestamp::from_nanos(wall),
                boot: BootTime { boot, up: Duration::from_nanos(up) },
                newest: Seq(newest),
            };
            let state = state.get_or_insert_with(|| TimeState::first(reading, Some(Timestamp::MIN)));
            match what {
                0 => state.restore(reading),
                1 => drop(state.observe(reading)),
                _ => drop(state.confirm(reading)),
            }
            if let TimeTrust::Suspended(why) = state.trust() {
                proptest::prop_assert!(why.until >= why.since && !why.to_string().is_empty());
            }
            let dates = RecordDates::of(&state.spans, &[], reading.wall);
            let _ = dates.date(reading.newest, reading.wall);
        }
    }
}

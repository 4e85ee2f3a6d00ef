//! The decision whether the wall clock is believed. Pure: what the clocks say is passed in.

use timberline_log::Seq;
use timberline_model::{Duration, Timestamp};

use super::clock::BootTime;
use super::dating::Spans;
use super::line::Line;

/// A machine may well have been off so long. If the clock went forward further than that while it was off, the clock
/// was wrong, before or now, as likely as not; then what was deleted before is kept as if it had just been deleted.
const PLAUSIBLY_OFF: Duration = Duration::from_secs(40 * 86_400);

/// Whether anything may be erased because of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeTrust {
    /// It may: this is the time.
    Trusted(Timestamp),
    /// It may not, because the clock jumped.
    Suspended(Suspension),
}

/// Why nothing is erased, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suspension {
    /// What the clock said when it had jumped.
    pub since: Timestamp,
    /// How far it had jumped; negative if back.
    pub jump: Duration,
    /// Whether the machine had been started again in between, so that part of the jump may be time that it was off.
    pub restarted: bool,
    /// When erasing goes on at the earliest, if the clock does not jump again.
    pub until: Timestamp,
}

impl std::fmt::Display for Suspension {
    /// What happened and what to do, in one line.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let way = if self.jump.is_negative() { "back" } else { "ahead" };
        write!(
            out,
            "the clock jumped {} {way}, to {}{}; nothing is erased because of its age until the new time has held for a day, which is {} at the earliest. If the clock is wrong, set it; if it is right, confirm it: the doctor says how",
            Span(self.jump),
            self.since,
            if self.restarted {
                ", while the machine was off"
            } else {
                ""
            },
            self.until,
        )
    }
}

/// A length of time for people, rounded, in its greatest unit.
struct Span(Duration);

impl std::fmt::Display for Span {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let minutes = self.0.nanos().unsigned_abs().saturating_add(30_000_000_000) / 60_000_000_000;
        let rounded = |unit: u64| (minutes + unit / 2) / unit;
        match minutes {
            0..120 => write!(out, "{minutes} minutes"),
            120..2_880 => write!(out, "{} hours", rounded(60)),
            2_880..1_051_200 => write!(out, "{} days", rounded(1_440)),
            _ => write!(out, "{} years", rounded(525_960)),
        }
    }
}

/// What the clocks say at one moment, and the newest record then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) wall: Timestamp,
    pub(super) boot: BootTime,
    pub(super) newest: Seq,
}

/// A time that is not believed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Doubt {
    /// From when the clock jumped.
    pub(super) line: Line,
    /// How far it had jumped.
    pub(super) jump: Duration,
    /// Whether the machine had been started again.
    pub(super) restarted: bool,
    /// The newest record when it had jumped: those after it have the new time.
    pub(super) newest: Seq,
}

/// What is known about the clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TimeState {
    /// The wall time that is believed.
    pub(super) believed: Line,
    /// What the clocks said last.
    pub(super) wall: Timestamp,
    pub(super) boot: BootTime,
    /// The newest record when the wall clock was last believed.
    pub(super) sound: Seq,
    pub(super) doubt: Option<Doubt>,
    pub(super) spans: Spans,
}

impl TimeState {
    /// For a store about whose clock nothing is known. `newest`: its newest record, and when that was written by what
    /// it says itself; `None` if there is no record, and so nothing that could be erased by mistake.
    pub(super) fn first(reading: Reading, newest_time: Option<Timestamp>) -> TimeState {
        let mut state = TimeState {
            believed: Line::beginning(newest_time.unwrap_or(reading.wall)),
            wall: reading.wall,
            boot: reading.boot,
            sound: reading.newest,
            doubt: None,
            spans: Spans::default(),
        };
        if let Some(time) = newest_time {
            state.spans.add(Seq::FIRST..=reading.newest, Timestamp::MIN, time);
            state.believed.go_on(None);
            state.judge(reading, None);
        }
        state
    }

    /// Takes up what was saved. Records that came after it were written between then and now.
    pub(super) fn restore(&mut self, reading: Reading) {
        let (saved_at, unsaved) = (self.wall, self.sound.plus(1)..=reading.newest);
        let known = self.doubt.is_none();
        self.compare(reading);
        if known && self.doubt.is_none() {
            self.spans.add(unsaved, saved_at, reading.wall.max(saved_at));
        }
    }

    /// Compares the clocks of a store that is open. Each record that it writes shows a jump by itself, so all that there
    /// are were written before the jump, if there was one. True if something changed that must not be forgotten.
    pub(super) fn observe(&mut self, reading: Reading) -> bool {
        if self.doubt.is_none() {
            self.sound = reading.newest;
        }
        self.compare(reading)
    }

    fn compare(&mut self, reading: Reading) -> bool {
        let elapsed = self.elapsed(reading.boot);
        (self.wall, self.boot) = (reading.wall, reading.boot);
        self.believed.go_on(elapsed);
        if let Some(doubt) = &mut self.doubt {
            doubt.line.go_on(elapsed);
        }
        self.judge(reading, elapsed)
    }

    /// A person says that the time is right.
    pub(super) fn confirm(&mut self, reading: Reading) -> bool {
        self.observe(reading);
        match self.doubt.take() {
            Some(doubt) => {
                self.settle(doubt, reading, true);
                true
            }
            None => false,
        }
    }

    pub(super) fn trust(&self) -> TimeTrust {
        match &self.doubt {
            None => TimeTrust::Trusted(self.wall),
            Some(doubt) => TimeTrust::Suspended(Suspension {
                since: doubt.line.start,
                jump: doubt.jump,
                restarted: doubt.restarted,
                until: doubt.line.lived_through_at(),
            }),
        }
    }

    /// How long the machine ran since the clocks were read; `None` if it was started in between.
    fn elapsed(&self, boot: BootTime) -> Option<Duration> {
        let same = boot.boot == self.boot.boot && boot.up >= self.boot.up;
        same.then(|| boot.up.saturating_sub(self.boot.up))
    }

    fn judge(&mut self, reading: Reading, elapsed: Option<Duration>) -> bool {
        if self.believed.holds(reading.wall) {
            return self.believe(reading);
        }
        match self.doubt {
            Some(doubt) if doubt.line.holds(reading.wall) => {
                let settled = doubt.line.is_lived_through(reading.wall);
                if settled {
                    self.settle(doubt, reading, false);
                }
                settled
            }
            _ => {
                self.doubt = Some(Doubt {
                    line: Line::beginning(reading.wall),
                    jump: self.believed.unexplained(reading.wall),
                    restarted: elapsed.is_none(),
                    newest: reading.newest,
                });
                true
            }
        }
    }

    /// The wall clock says what it should.
    fn believe(&mut self, reading: Reading) -> bool {
        let returned = self.doubt.take().is_some();
        if returned {
            // Nobody knows when exactly these were written. They are as old as the belief in the clock.
            let unsound = self.sound.plus(1)..=reading.newest;
            self.spans.add(unsound, reading.wall, reading.wall);
        }
        self.sound = reading.newest;
        if self.believed.is_lived_through(reading.wall) {
            self.believed = Line::beginning(reading.wall);
        }
        returned
    }

    /// The new time is believed from now on.
    fn settle(&mut self, doubt: Doubt, reading: Reading, by_hand: bool) {
        let since = doubt.line.start;
        let plausible = doubt.restarted && (Duration::ZERO..=PLAUSIBLY_OFF).contains(&doubt.jump);
        // The boot clock says that the time in between did not pass: it was the old time that was wrong.
        let earliest = if by_hand || plausible {
            Timestamp::MIN
        } else {
            since
        };
        self.spans.add(Seq::FIRST..=self.sound, earliest, since);
        self.spans.add(self.sound.plus(1)..=doubt.newest, since, since);
        self.believed = Line::beginning(reading.wall);
        self.sound = reading.newest;
        self.doubt = None;
    }
}

#[cfg(test)]
#[path = "state_tests.rs"]
mod tests;

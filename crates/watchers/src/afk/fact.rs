//! What a desktop reports.

use timberline_model::{Duration, Timestamp};

use crate::clock::Jump;

/// Something that happened on the desktop. The caller passes its time with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// Somebody used a keyboard, a pointer, or another device that counts.
    Input,
    /// The session was locked.
    Locked,
    /// The session was unlocked. Only a person can do that, so it counts as input.
    Unlocked,
    /// Another user's session is on the screen now.
    SwitchedAway,
    /// This session is on the screen again. Only a person can switch back, so it counts as input.
    SwitchedBack,
    /// Nothing says any more that the session is locked. It does not count as locked from now on, but nobody has unlocked it:
    /// this is no input.
    LockUnknown,
    /// Nothing says any more that another user's session is on the screen. Nobody has switched back: this is no input.
    SwitchUnknown,
    /// The machine is going to sleep.
    SleepBegan,
    /// The machine is awake again.
    SleepEnded,
    /// The wall clock was set.
    ClockStepped {
        /// The time that it showed afterwards.
        to: Timestamp,
    },
    /// Whether a reason to count as present without input holds from now on; `None`: nobody can tell any more.
    /// [`Afk`](super::Afk) ignores it.
    Reason(Reason, Option<bool>),
    /// The watcher stops.
    Ended,
}

/// Why the user may be present although there is no input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// A program keeps the screen from going blank, such as a video player.
    Inhibitor,
    /// Sound is played.
    Audio,
    /// A microphone is in use.
    Microphone,
    /// The window in front fills the screen.
    FullScreen,
}

impl Jump {
    /// The facts that a jump of the clocks means to [`Afk`](super::Afk) and [`Presence`](super::Presence), in order. Needed where nothing
    /// reports sleep; where something does, a sleep that is reported a second time changes nothing.
    pub fn facts(self) -> impl Iterator<Item = (Timestamp, Fact)> {
        let facts = match self {
            Jump::Slept { from, to } => [Some((from, Fact::SleepBegan)), Some((to, Fact::SleepEnded))],
            Jump::Stepped { from, to } => [Some((from, Fact::ClockStepped { to })), None],
        };
        facts.into_iter().flatten()
    }
}

/// Whole milliseconds since 1970: what both reference servers can store. All rules are about whole milliseconds.
pub(super) fn millis(at: Timestamp) -> i64 {
    at.nanos().div_euclid(NANOS_PER_MILLI)
}

/// The time of so many milliseconds since 1970.
pub(super) fn timestamp(millis: i64) -> Timestamp {
    Timestamp::from_nanos(millis.saturating_mul(NANOS_PER_MILLI))
}

/// A length of time in whole milliseconds, at least one.
pub(super) fn span(time: Duration) -> i64 {
    time.nanos().div_euclid(NANOS_PER_MILLI).max(1)
}

const NANOS_PER_MILLI: i64 = 1_000_000;

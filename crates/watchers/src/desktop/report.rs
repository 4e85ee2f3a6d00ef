//! What sources report.
//!
//! | what a source watches | what it reports |
//! |---|---|
//! | windows | `Option<Sighting>`: the window in front; `None`: there is none |
//! | keyboard and pointer | [`Activity`] |
//! | locks, other users, sleep | [`Fact`]: what holds now when it begins, then each change |

use timberline_model::Duration;

use crate::afk::Fact;
use crate::window::Front;

/// A kind of report. Sources report states: a report holds until the next one of its kind.
pub trait Report: Clone + Send + 'static {
    /// Whether `earlier` no longer holds, because this one says the same kind of thing.
    fn replaces(&self, earlier: &Self) -> bool;
}

impl<T: Clone + Send + 'static> Report for Option<T> {
    fn replaces(&self, _: &Self) -> bool {
        true
    }
}

impl Report for Activity {
    fn replaces(&self, earlier: &Activity) -> bool {
        matches!(self, Activity::Inhibited(_)) == matches!(earlier, Activity::Inhibited(_))
    }
}

impl Report for Fact {
    fn replaces(&self, earlier: &Fact) -> bool {
        let kind = |fact: &Fact| match fact {
            Fact::Locked | Fact::Unlocked | Fact::LockUnknown => 0,
            Fact::SwitchedAway | Fact::SwitchedBack | Fact::SwitchUnknown => 1,
            Fact::SleepBegan | Fact::SleepEnded => 2,
            Fact::Reason(reason, _) => 3 + *reason as u8,
            Fact::Input | Fact::ClockStepped { .. } | Fact::Ended => u8::MAX,
        };
        kind(self) == kind(earlier)
    }
}

/// The window in front, with what is known of it beyond its events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sighting {
    /// The program and the title.
    pub front: Front,
    /// The process that owns the window.
    pub pid: Option<u32>,
    /// Whether the window fills the screen; `None` where the desktop does not say.
    pub full_screen: Option<bool>,
    /// The monitor that it is on, by the name that the desktop gives it.
    pub monitor: Option<String>,
    /// The id of the sandbox (Flatpak, Snap) that the program runs in.
    pub sandbox: Option<String>,
}

/// Whether the person uses keyboard or pointer. The time of a report is that of the last input, which may lie a little in the
/// past: `Idle` is reported at most [`IDLE_AFTER`] after the last input.
///
/// A source that cannot know at its start whether there is input begins with `Unknown`, and reports `Idle` with the same time if
/// there was none since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// There was an input then, and there may be more at any time: input goes on until `Idle` is reported.
    Active,
    /// That was the last input.
    Idle,
    /// Nothing is known of input since then, because the source has only begun to look. If it has not reported `Idle`
    /// [`IDLE_AFTER`] later, there is input.
    Unknown,
    /// A program keeps the desktop from becoming idle (a video that plays), or no longer does. Says nothing about input.
    Inhibited(bool),
}

/// After so long without input a source reports [`Activity::Idle`], with the time of the last input. Whoever takes the reports
/// relies on it: while a source says `Active`, there was an input within this time. A source that goes on saying `Unknown` for
/// longer than this says the same.
pub const IDLE_AFTER: Duration = Duration::from_secs(5);

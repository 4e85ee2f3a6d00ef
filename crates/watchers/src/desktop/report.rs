//! What sources report.

use crate::window::Front;

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
/// past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// There was an input then, and there may be more at any time: input goes on until `Idle` is reported.
    Active,
    /// That was the last input.
    Idle,
    /// A program keeps the desktop from becoming idle (a video that plays), or no longer does. Says nothing about input.
    Inhibited(bool),
}

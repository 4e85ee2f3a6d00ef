//! What the tray and notifications need of this machine and its person.

use timberline_model::Timestamp;

use crate::away::Absence;

/// What the person sees and does.
pub trait Desk: Send + Sync {
    /// Shows the time in the browser.
    fn open_dashboard(&self);
    /// Shows an absence in the browser, where the person can say what it was.
    fn open_absence(&self, absence: &Absence);
    /// Ends Timberline.
    fn quit(&self);
    /// The time now, and when the next day begins.
    fn now_and_tomorrow(&self) -> (Timestamp, Timestamp);
    /// A time as a person reads it, such as `14:30`.
    fn local_time(&self, time: Timestamp) -> String;
}

/// The person's days.
pub trait Calendar: Send + Sync {
    /// What the time is, and when the day began that it is in. `start` is the setting `startOfDay`, such as `04:00`.
    fn now_and_day(&self, start: Option<&str>) -> (Timestamp, Timestamp);
}

//! How far apart two heartbeats may be.

use super::{Duration, TimeError};

/// The longest gap between the end of an event and a heartbeat that still extends it. May be 0 or negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pulsetime(i64);

impl Pulsetime {
    /// So many nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Pulsetime {
        Pulsetime(nanos)
    }

    /// Its nanoseconds.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Seconds, rounded to the nearest nanosecond. What is too long to be held, infinity too, becomes the longest
    /// there is: "always merge" is a sensible thing to ask for.
    ///
    /// # Errors
    ///
    /// [`TimeError::NotSeconds`] for NaN.
    pub fn from_secs_f64(seconds: f64) -> Result<Pulsetime, TimeError> {
        match Duration::from_secs_f64(seconds) {
            Ok(duration) => Ok(Pulsetime(duration.nanos())),
            Err(TimeError::TooLong(_)) => Ok(Pulsetime(if seconds < 0.0 { i64::MIN } else { i64::MAX })),
            Err(error) => Err(error),
        }
    }
}

impl From<Pulsetime> for Duration {
    fn from(pulsetime: Pulsetime) -> Duration {
        Duration::from_nanos(pulsetime.0)
    }
}

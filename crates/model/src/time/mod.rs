//! Instants and spans of time, all in nanoseconds held by an `i64`: years 1677 to 2262, and about ±292 years.

mod calendar;
mod digits;
mod duration;
mod lenient;
mod pulsetime;
#[cfg(test)]
mod tests;
mod timestamp;

pub(crate) use digits::push_u64;
pub use duration::Duration;
pub use pulsetime::Pulsetime;
pub use timestamp::Timestamp;

use thiserror::Error;

/// Why something is not a time.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TimeError {
    /// Not a date and time with an offset.
    #[error(
        "'{0}' is not a time with an offset: write it like 2024-03-01T10:00:00Z or 2024-03-01T12:00:00+02:00"
    )]
    Malformed(String),
    /// A date, but one too far away.
    #[error("year {year} is outside the range 1677-09-21..2262-04-11 that a timestamp can hold")]
    OutOfRange {
        /// The year that was asked for.
        year: i32,
    },
    /// Not a number of seconds.
    #[error("'{0}' is not a number of seconds: write it like 1.5")]
    NotSeconds(String),
    /// A number of seconds that nanoseconds in an `i64` cannot hold.
    #[error("{0} seconds are outside the range -9223372036..9223372036 that a duration can hold")]
    TooLong(String),
}

/// The beginning of a client's text, short enough to quote in an error.
pub(crate) fn excerpt(text: &str) -> String {
    const MAX_LETTERS: usize = 48;
    match text.char_indices().nth(MAX_LETTERS) {
        Some((at, _)) => format!("{}...", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

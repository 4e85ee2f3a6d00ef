//! The stretch of time that a query is about.

use std::fmt;

use thiserror::Error;
use timberline_model::{TimeError, Timestamp};

/// From one instant to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Period {
    /// Events that end before it are left out.
    pub start: Timestamp,
    /// Events that start after it are left out.
    pub end: Timestamp,
}

/// Why a text is not a period.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PeriodError {
    /// It does not have two parts.
    #[error(
        "a period is two times with a slash between them, such as 2024-03-01T00:00:00Z/2024-03-02T00:00:00Z, found {0:?}"
    )]
    Parts(String),
    /// A part is not a time.
    #[error("{0}")]
    Time(#[from] TimeError),
}

impl Period {
    pub(crate) fn of_nanos(start: i64, end: i64) -> Period {
        Period {
            start: Timestamp::from_nanos(start),
            end: Timestamp::from_nanos(end),
        }
    }

    /// Reads `start/end`, both RFC 3339 with an offset.
    ///
    /// # Errors
    /// [`PeriodError`]
    pub fn parse(text: &str) -> Result<Period, PeriodError> {
        let parts = text.split_once('/').filter(|(_, end)| !end.contains('/'));
        let Some((start, end)) = parts else {
            let shown: String = text.chars().take(80).collect();
            return Err(PeriodError::Parts(shown));
        };
        Ok(Period {
            start: instant(start)?,
            end: instant(end)?,
        })
    }
}

/// Reads one end of a period; what is too far away is as far as there is.
pub(crate) fn instant(text: &str) -> Result<Timestamp, TimeError> {
    Timestamp::parse_clamped(text)
}

/// As both reference servers write a time: with an offset of zero in digits.
pub(crate) fn iso(time: Timestamp) -> String {
    let text = time.to_string();
    match text.strip_suffix('Z') {
        Some(text) => format!("{text}+00:00"),
        None => text,
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", iso(self.start), iso(self.end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_no_period_is_not() {
        let period = Period::parse("2024-03-01T04:00:00+08:00/2024-03-02T04:00:00.5Z").unwrap();
        assert_eq!(
            period.to_string(),
            "2024-02-29T20:00:00+00:00/2024-03-02T04:00:00.500+00:00"
        );
        assert_eq!(Period::parse(&period.to_string()).unwrap(), period);
        for wrong in [
            "yesterday",
            "",
            "/",
            "2024-03-01/2024-03-02",
            "2024-03-01T00:00:00/2024-03-02T00:00:00",
        ] {
            assert!(Period::parse(wrong).is_err(), "{wrong}");
        }
        let time = "2024-03-01T00:00:00Z";
        assert!(Period::parse(&format!("{time}/{time}/{time}")).is_err());
    }
}

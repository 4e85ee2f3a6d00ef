//! Dates of HTTP headers (RFC 9110, section 5.6.7), for any clock.
//!
//! This stands in for the crate `httpdate` of crates.io, which panics on a time before 1970 or after 9999. hyper
//! formats the time of the clock with it for every request, also when its `Date` header is switched off, so there a
//! server whose clock is wrong answers nothing at all. Here such a time becomes the first or the last date that a
//! header can express.

#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, NaiveDateTime};

/// 9999-12-31T23:59:59Z, the last second with a year of four digits.
const LAST_SECOND: u64 = 253_402_300_799;
/// The form that is sent.
const IMF_FIXDATE: &str = "%a, %d %b %Y %H:%M:%S GMT";
/// The forms that a receiver must understand.
const FORMS: [&str; 3] = [IMF_FIXDATE, "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// A second between 1970-01-01T00:00:00Z and 9999-12-31T23:59:59Z.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HttpDate {
    /// Since 1970-01-01T00:00:00Z.
    seconds: u64,
}

impl From<SystemTime> for HttpDate {
    /// Drops the fraction of the second. A time out of range becomes the nearest date.
    fn from(time: SystemTime) -> Self {
        let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self {
            seconds: seconds.min(LAST_SECOND),
        }
    }
}

impl From<HttpDate> for SystemTime {
    fn from(date: HttpDate) -> Self {
        // A system whose times end earlier has no better answer than 1970.
        UNIX_EPOCH
            .checked_add(Duration::from_secs(date.seconds))
            .unwrap_or(UNIX_EPOCH)
    }
}

impl fmt::Display for HttpDate {
    /// Writes 29 bytes, such as `Sun, 06 Nov 1994 08:49:37 GMT`. hyper relies on that length.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = i64::try_from(self.seconds)
            .ok()
            .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
            .unwrap_or_default();
        write!(f, "{}", date.format(IMF_FIXDATE))
    }
}

impl FromStr for HttpDate {
    type Err = Error;

    /// Reads any of the three forms that RFC 9110 names.
    fn from_str(text: &str) -> Result<Self, Error> {
        FORMS
            .iter()
            .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
            .and_then(|date| u64::try_from(date.and_utc().timestamp()).ok())
            .filter(|seconds| *seconds <= LAST_SECOND)
            .map(|seconds| Self { seconds })
            .ok_or(Error(()))
    }
}

/// The text is not a date of HTTP.
#[derive(Debug)]
pub struct Error(());

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text is not an HTTP date")
    }
}

impl std::error::Error for Error {}

/// The text of a header for `time`.
#[must_use]
pub fn fmt_http_date(time: SystemTime) -> String {
    HttpDate::from(time).to_string()
}

/// Reads the text of a header.
///
/// # Errors
/// When it is not a date of HTTP.
pub fn parse_http_date(text: &str) -> Result<SystemTime, Error> {
    text.parse::<HttpDate>().map(SystemTime::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: u64 = 784_111_777;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_date_is_written_as_the_standard_wants() {
        for (seconds, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (EXAMPLE, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (4_294_967_296, "Sun, 07 Feb 2106 06:28:16 GMT"),
            (LAST_SECOND, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            assert_eq!(fmt_http_date(at(seconds)), text);
            assert_eq!(parse_http_date(text).unwrap(), at(seconds), "{text}");
        }
    }

    #[test]
    fn every_time_has_a_date_of_29_bytes() {
        let first = fmt_http_date(UNIX_EPOCH);
        let last = fmt_http_date(at(LAST_SECOND));
        for seconds in [1, 31_536_000, 2_177_452_800, 1 << 40, i64::MAX as u64] {
            let length = Duration::from_secs(seconds);
            assert_eq!(fmt_http_date(UNIX_EPOCH - length), first);
            let late = UNIX_EPOCH.checked_add(Duration::from_secs(LAST_SECOND).saturating_add(length));
            assert_eq!(late.map_or(last.clone(), fmt_http_date), last);
        }
        for day in (0..2_932_896).step_by(997) {
            assert_eq!(fmt_http_date(at(day * 86_400)).len(), 29, "day {day}");
        }
    }

    #[test]
    fn all_three_forms_are_read_and_nothing_else_is() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
        ] {
            assert_eq!(parse_http_date(text).unwrap(), at(EXAMPLE), "{text}");
        }
        for text in [
            "",
            "0",
            "Mon, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 32 Nov 1994 08:49:37 GMT",
            "Thu, 06 Nov 1869 08:49:37 GMT",
            "Sun, 06 Nov 19940 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT and more",
        ] {
            assert!(parse_http_date(text).is_err(), "{text}");
        }
    }
}

//! Instants.

use std::fmt;
use std::str::from_utf8;
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Datelike, FixedOffset};

use super::calendar::{Date, date_of, days_in_month, days_of};
use super::digits::{NOT_DIGITS, nine, pair, two};
use super::{Duration, TimeError, excerpt};

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// An instant: nanoseconds since 1970-01-01T00:00:00Z, from [`Timestamp::MIN`] in 1677 to [`Timestamp::MAX`] in 2262.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 1677-09-21T00:12:43.145224192Z
    pub const MIN: Timestamp = Timestamp(i64::MIN);
    /// 2262-04-11T23:47:16.854775807Z
    pub const MAX: Timestamp = Timestamp(i64::MAX);
    /// 1970-01-01T00:00:00Z
    pub const EPOCH: Timestamp = Timestamp(0);

    /// The instant so many nanoseconds after (or, negative, before) 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Timestamp {
        Timestamp(nanos)
    }

    /// Nanoseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// The wall clock's time. For examples and tests: code whose result depends on the time gets it from its caller.
    #[must_use]
    pub fn now() -> Timestamp {
        Timestamp::from(timberline_clock::wall())
    }

    /// Reads a date and time with an offset: RFC 3339, also with a blank or `t` for the `T` and `+HHMM` as offset,
    /// and whatever else aw-server-rust takes (it uses chrono, as this does for what is unusual). Nanoseconds are
    /// kept, finer digits dropped.
    ///
    /// # Errors
    ///
    /// [`TimeError::OutOfRange`] for a date before [`Timestamp::MIN`] or after [`Timestamp::MAX`],
    /// [`TimeError::Malformed`] for anything that is no date and time with an offset.
    #[inline]
    pub fn parse(text: &str) -> Result<Timestamp, TimeError> {
        if let Some(nanos) = parse_usual(text.as_bytes()) {
            return Ok(Timestamp(nanos));
        }
        let date = parse_unusual(text)?;
        date.timestamp_nanos_opt()
            .map(Timestamp)
            .ok_or(TimeError::OutOfRange { year: date.year() })
    }

    /// [`Timestamp::parse`] for the ends of a range: an instant too far away becomes [`Timestamp::MIN`] or
    /// [`Timestamp::MAX`], so that "until the year 9999" means what was meant.
    ///
    /// # Errors
    ///
    /// [`TimeError::Malformed`] for anything that is no date and time with an offset.
    pub fn parse_clamped(text: &str) -> Result<Timestamp, TimeError> {
        match Timestamp::parse(text) {
            Err(TimeError::OutOfRange { year }) => Ok(if year < 1970 {
                Timestamp::MIN
            } else {
                Timestamp::MAX
            }),
            other => other,
        }
    }

    /// Appends the time in UTC, `2024-03-01T10:00:00Z`, with 3, 6 or 9 digits of fraction when there is one.
    #[inline]
    pub fn write(self, out: &mut Vec<u8>) {
        let (buffer, length) = self.render();
        out.extend_from_slice(buffer.split_at(length).0);
    }

    /// The text [`Timestamp::write`] appends, in a buffer, and its length.
    #[inline]
    fn render(self) -> ([u8; 30], usize) {
        let seconds = self.0.div_euclid(NANOS_PER_SECOND);
        // Lossless: a remainder of a second, and of a day.
        let nanos = self.0.rem_euclid(NANOS_PER_SECOND) as u32;
        let of_day = seconds.rem_euclid(SECONDS_PER_DAY) as u32;
        let Date { year, month, day } = date_of(seconds.div_euclid(SECONDS_PER_DAY));

        let mut buffer = *b"0000-00-00T00:00:00.000000000Z";
        buffer[0..2].copy_from_slice(&pair(year / 100));
        buffer[2..4].copy_from_slice(&pair(year % 100));
        buffer[5..7].copy_from_slice(&pair(month));
        buffer[8..10].copy_from_slice(&pair(day));
        buffer[11..13].copy_from_slice(&pair(of_day / 3600));
        buffer[14..16].copy_from_slice(&pair(of_day / 60 % 60));
        buffer[17..19].copy_from_slice(&pair(of_day % 60));
        if nanos == 0 {
            buffer[19] = b'Z';
            return (buffer, 20);
        }
        buffer[20..29].copy_from_slice(&nine(nanos));
        // The buffer ends with a Z already.
        let length = match nanos {
            n if n % 1_000_000 == 0 => {
                buffer[23] = b'Z';
                24
            }
            n if n % 1_000 == 0 => {
                buffer[26] = b'Z';
                27
            }
            _ => 30,
        };
        (buffer, length)
    }

    /// The instant after so long, if a timestamp can hold it.
    #[must_use]
    pub const fn checked_add(self, duration: Duration) -> Option<Timestamp> {
        match self.0.checked_add(duration.nanos()) {
            Some(nanos) => Some(Timestamp(nanos)),
            None => None,
        }
    }

    /// The instant after so long, or the last (first) one a timestamp can hold.
    #[must_use]
    pub const fn saturating_add(self, duration: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(duration.nanos()))
    }

    /// The instant before so long, or the first (last) one a timestamp can hold.
    #[must_use]
    pub const fn saturating_sub(self, duration: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(duration.nanos()))
    }

    /// The time that passed since `earlier` (negative if that is later), if a duration can hold it.
    #[must_use]
    pub const fn checked_since(self, earlier: Timestamp) -> Option<Duration> {
        match self.0.checked_sub(earlier.0) {
            Some(nanos) => Some(Duration::from_nanos(nanos)),
            None => None,
        }
    }

    /// The time that passed since `earlier` (negative if that is later), or the longest a duration can hold.
    #[must_use]
    pub const fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// A time that does not fit is the nearest one that does.
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Timestamp {
        Timestamp(match time.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |nanos| -nanos),
        })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (buffer, length) = self.render();
        f.pad(from_utf8(buffer.split_at(length).0).unwrap_or_default())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The shapes nearly every client sends: `2024-03-01T10:00:00[.1 to 9 digits]` and `Z`, `+02:00` or `+0200`, in a
/// year all of which can be held, so that nothing here overflows. `None` leaves it to chrono to say what it is.
#[inline]
fn parse_usual(text: &[u8]) -> Option<i64> {
    let (head, rest) = text.split_first_chunk::<19>()?;
    let [
        c0,
        c1,
        y0,
        y1,
        b'-',
        m0,
        m1,
        b'-',
        d0,
        d1,
        b'T' | b't' | b' ',
        h0,
        h1,
        b':',
        n0,
        n1,
        b':',
        s0,
        s1,
    ] = *head
    else {
        return None;
    };
    let date = Date {
        year: two(c0, c1) * 100 + two(y0, y1),
        month: two(m0, m1),
        day: two(d0, d1),
    };
    let (hour, minute, second) = (two(h0, h1), two(n0, n1), two(s0, s1));
    let in_range = (1678..=2261).contains(&date.year)
        && date.day.wrapping_sub(1) < days_in_month(date.year, date.month)
        && hour < 24
        && minute < 60
        && second < 60;
    if !in_range {
        return None;
    }
    let (nanos, rest) = match rest.split_first() {
        Some((b'.', rest)) => parse_fraction(rest)?,
        _ => (0, rest),
    };
    let of_day = i64::from(hour * 3600 + minute * 60 + second);
    let seconds = days_of(date) * SECONDS_PER_DAY + of_day - parse_offset(rest)?;
    Some(seconds * NANOS_PER_SECOND + i64::from(nanos))
}

/// One to nine digits as nanoseconds, and what follows them.
#[inline]
fn parse_fraction(text: &[u8]) -> Option<(u32, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (fraction, rest) = text.split_at_checked(digits)?;
    let missing = 9usize.checked_sub(digits).filter(|&missing| missing < 9)?;
    let value = fraction
        .iter()
        .fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
    // Lossless: `missing` is less than 9.
    Some((value * 10u32.pow(missing as u32), rest))
}

/// Seconds east of UTC.
#[inline]
fn parse_offset(text: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match *text {
        [b'Z' | b'z'] => return Some(0),
        [sign, h0, h1, b':', m0, m1] | [sign, h0, h1, m0, m1] => (sign, two(h0, h1), two(m0, m1)),
        _ => return None,
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = i64::from(hours * 3600 + minutes * 60);
    match sign {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

/// Everything else. aw-server-rust reads every timestamp with chrono, so chrono decides what is accepted.
#[cold]
fn parse_unusual(text: &str) -> Result<DateTime<FixedOffset>, TimeError> {
    text.parse().map_err(|_| TimeError::Malformed(excerpt(text)))
}

// A field that is not made of digits must fail the range checks above, and the year must not overflow before.
const _: () = assert!(NOT_DIGITS > 2261 && NOT_DIGITS < u32::MAX / 200);

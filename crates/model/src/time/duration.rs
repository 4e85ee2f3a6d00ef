//! Spans of time.

use std::fmt;

use super::digits::{nine, push_u64};
use super::{TimeError, excerpt};

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// A span of time in nanoseconds; negative when its end is before its start.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(i64);

impl Duration {
    /// No time at all.
    pub const ZERO: Duration = Duration(0);
    /// The shortest (most negative) one that 64 bits can hold.
    pub const MIN: Duration = Duration(i64::MIN);
    /// The longest one that 64 bits can hold.
    pub const MAX: Duration = Duration(i64::MAX);

    /// So many nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Duration {
        Duration(nanos)
    }

    /// So many seconds, or the longest (shortest) duration that 64 bits can hold.
    #[must_use]
    pub const fn from_secs(seconds: i64) -> Duration {
        Duration(seconds.saturating_mul(NANOS_PER_SECOND as i64))
    }

    /// Its nanoseconds.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Whether its end is before its start.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// Both together, or the longest (shortest) duration that 64 bits can hold.
    #[must_use]
    pub const fn saturating_add(self, other: Duration) -> Duration {
        Duration(self.0.saturating_add(other.0))
    }

    /// What is left without the other, or the longest (shortest) duration that 64 bits can hold.
    #[must_use]
    pub const fn saturating_sub(self, other: Duration) -> Duration {
        Duration(self.0.saturating_sub(other.0))
    }

    /// How long it is, whichever way it goes; [`Duration::MAX`] for [`Duration::MIN`].
    #[must_use]
    pub const fn abs(self) -> Duration {
        Duration(self.0.saturating_abs())
    }

    /// Seconds, rounded to the nearest nanosecond.
    ///
    /// # Errors
    ///
    /// [`TimeError::NotSeconds`] for NaN and [`TimeError::TooLong`] for what 64 bits cannot hold.
    pub fn from_secs_f64(seconds: f64) -> Result<Duration, TimeError> {
        if seconds.is_nan() {
            return Err(TimeError::NotSeconds(seconds.to_string()));
        }
        let nanos = (seconds * NANOS_PER_SECOND as f64).round();
        // Both bounds are powers of two, so these are exact; the upper one itself is too much.
        if nanos >= i64::MIN as f64 && nanos < -(i64::MIN as f64) {
            Ok(Duration(nanos as i64))
        } else {
            Err(TimeError::TooLong(seconds.to_string()))
        }
    }

    /// Its seconds; beyond 104 days the nearest `f64` is not exact to the nanosecond.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NANOS_PER_SECOND as f64
    }

    /// Reads decimal seconds as JSON writes numbers, to the nearest nanosecond. What [`Duration::write`] wrote is
    /// read back exactly, which by way of an `f64` it would not be.
    ///
    /// # Errors
    ///
    /// [`TimeError::NotSeconds`] for what is no number and [`TimeError::TooLong`] for what 64 bits cannot hold.
    #[inline]
    pub fn parse(text: &str) -> Result<Duration, TimeError> {
        match parse_plain(text.as_bytes()) {
            Some(nanos) => Ok(Duration(nanos)),
            None => parse_unusual(text),
        }
    }

    /// Appends its seconds, exactly, with at least one digit of fraction: `12.0`, `0.000000001`, `-4.0`.
    #[inline]
    pub fn write(self, out: &mut Vec<u8>) {
        let nanos = self.0.unsigned_abs();
        if self.0 < 0 {
            out.push(b'-');
        }
        push_u64(out, nanos / NANOS_PER_SECOND);
        // Lossless: a remainder of a second.
        let fraction = (nanos % NANOS_PER_SECOND) as u32;
        if fraction == 0 {
            out.extend_from_slice(b".0");
            return;
        }
        let digits = nine(fraction);
        let zeros = digits.iter().rev().take_while(|&&digit| digit == b'0').count();
        out.push(b'.');
        out.extend_from_slice(digits.split_at(digits.len() - zeros).0);
    }
}

/// Digits, with or without a fraction, short of the ends of the range; anything else is left to [`parse_unusual`].
#[inline]
fn parse_plain(text: &[u8]) -> Option<i64> {
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let whole = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (whole, rest) = text.split_at_checked(whole)?;
    // Nine digits of seconds leave room for the fraction and a carry.
    if whole.is_empty() || whole.len() > 9 {
        return None;
    }
    let fraction = match rest {
        [] => 0,
        [b'.', fraction @ ..] => parse_fraction(fraction)?,
        _ => return None,
    };
    let seconds = whole
        .iter()
        .fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
    let nanos = seconds * NANOS_PER_SECOND as i64 + fraction;
    Some(if negative { -nanos } else { nanos })
}

/// Nanoseconds in the digits after the point, rounded; all of the text must be digits, at least one.
#[inline]
fn parse_fraction(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let kept = digits.len().min(9);
    let value = digits
        .iter()
        .take(9)
        .fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
    let round_up = digits.get(9).is_some_and(|&tenth| tenth >= b'5');
    // Lossless: `kept` is at most 9.
    Some(value * 10i64.pow(9 - kept as u32) + i64::from(round_up))
}

/// Long numbers and such with an exponent. The former are still exact: they may be what [`Duration::write`] wrote.
#[cold]
fn parse_unusual(text: &str) -> Result<Duration, TimeError> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if let Some(nanos) = parse_fraction(fraction.as_bytes())
        && let Ok(seconds) = whole.parse::<i64>()
    {
        let nanos = if whole.starts_with('-') { -nanos } else { nanos };
        let total = i128::from(seconds) * i128::from(NANOS_PER_SECOND) + i128::from(nanos);
        return i64::try_from(total)
            .map(Duration)
            .map_err(|_| TimeError::TooLong(excerpt(text)));
    }
    match text.parse::<f64>() {
        Ok(seconds) => Duration::from_secs_f64(seconds).map_err(|error| match error {
            TimeError::TooLong(_) => TimeError::TooLong(excerpt(text)),
            _ => TimeError::NotSeconds(excerpt(text)),
        }),
        Err(_) => Err(TimeError::NotSeconds(excerpt(text))),
    }
}

/// One that does not fit is [`Duration::MAX`].
impl From<std::time::Duration> for Duration {
    fn from(duration: std::time::Duration) -> Duration {
        Duration(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(24);
        self.write(&mut text);
        f.pad(str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}s")
    }
}

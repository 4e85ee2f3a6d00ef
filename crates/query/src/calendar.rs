//! A person's calendar: when their days, weeks, months and years begin, in the zones that they lived in.
//!
//! The day of a date begins at the first instant at which the person's clock shows the day start of that date, or a later
//! time. So days tile time: each begins where the one before ends, however clocks are changed. A day in which the clock is
//! changed lasts 23 or 25 hours; a date that a zone skipped (Apia, 2011-12-30) has what the clock leaves of it, or nothing.

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use timberline_model::Timestamp;

use crate::clock::{Clock, ClockError, to_jiff};
use crate::period::Period;

const SECOND: i64 = 1_000_000_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;
/// The most intervals that [`Calendar::previous`] counts: 27 years of days.
const MAX_PREVIOUS: usize = 10_000;
/// How long a zone takes at most from one date's midnight to the last zone on Earth's, with room.
const MAX_ZONE_SHIFT: i64 = 2 * DAY;

/// Why there is no such calendar, or why it does not divide a period.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// The person's clock does not exist.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// A time of day that is none.
    #[error("the day start {0:?} is not a time of day such as \"04:00\"")]
    DayStart(String),
    /// A weekday that is none.
    #[error("the week start {0:?} is not a day of the week such as \"monday\"")]
    WeekStart(String),
    /// An interval that is none.
    #[error("the interval {0:?} is none of none, hour, day, week, month, year")]
    Interval(String),
    /// Too many bins.
    #[error("the period has more than {0} intervals; ask for a shorter period or a longer interval")]
    TooMany(usize),
}

/// How a period is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interval {
    /// Not at all.
    None,
    /// Into hours since the start of the day; the last one of a day may be shorter.
    Hour,
    /// Into days.
    Day,
    /// Into weeks.
    Week,
    /// Into months.
    Month,
    /// Into years.
    Year,
}

impl Interval {
    /// Reads `none`, `hour`, `day`, `week`, `month` or `year`.
    ///
    /// # Errors
    /// [`CalendarError::Interval`]
    pub fn parse(text: &str) -> Result<Interval, CalendarError> {
        Ok(match text {
            "none" => Interval::None,
            "hour" => Interval::Hour,
            "day" => Interval::Day,
            "week" => Interval::Week,
            "month" => Interval::Month,
            "year" => Interval::Year,
            other => return Err(CalendarError::Interval(other.to_owned())),
        })
    }
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub struct Calendar {
    clock: Clock,
    /// Seconds after midnight.
    day_start: i32,
    week_start: Weekday,
}

/// A part of a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bin {
    /// Its first instant.
    pub start: Timestamp,
    /// The first instant after it.
    pub end: Timestamp,
    /// The date of the day, or of the first day of the week, month or year; none for an undivided period.
    pub date: Option<Date>,
}

impl Calendar {
    /// A calendar. `day_start` is `HH:MM`, `week_start` the English name of a weekday in any case.
    ///
    /// # Errors
    /// What of it does not exist.
    pub fn new(clock: Clock, day_start: &str, week_start: &str) -> Result<Calendar, CalendarError> {
        Ok(Calendar {
            clock,
            day_start: time_of_day(day_start).ok_or_else(|| CalendarError::DayStart(day_start.to_owned()))?,
            week_start: weekday(week_start).ok_or_else(|| CalendarError::WeekStart(week_start.to_owned()))?,
        })
    }

    /// A calendar of one zone.
    ///
    /// # Errors
    /// As [`Calendar::new`].
    pub fn of_zone(zone: &str, day_start: &str, week_start: &str) -> Result<Calendar, CalendarError> {
        Calendar::new(Clock::of_zone(zone)?, day_start, week_start)
    }

    /// The parts of a period, in order: each begins where the one before ends, the first where the period begins, and the
    /// last ends where the period ends. An empty period has one empty part.
    ///
    /// # Errors
    /// [`CalendarError::TooMany`]
    pub fn bins(&self, period: Period, interval: Interval, most: usize) -> Result<Vec<Bin>, CalendarError> {
        let (start, end) = (period.start.nanos(), period.end.nanos());
        if interval == Interval::None || end <= start {
            return Ok(vec![bin(start, end.max(start), None)]);
        }
        let mut bins = Vec::new();
        let mut date = self.date_before(start, interval);
        while let Some(after) = next(date, interval) {
            let (from, to) = (self.start_of(date), self.start_of(after));
            if to > start {
                self.divide(interval, from, to, |from, to| {
                    let (from, to) = (from.max(start), to.min(end));
                    if from < to && bins.len() <= most {
                        bins.push(bin(from, to, Some(date)));
                    }
                });
            }
            if bins.len() > most {
                return Err(CalendarError::TooMany(most));
            }
            if to >= end {
                break;
            }
            date = after;
        }
        // Only where the calendar itself ends, thousands of years from any event.
        match bins.last_mut() {
            Some(last) => last.end = Timestamp::from_nanos(end),
            None => bins.push(bin(start, end, None)),
        }
        Ok(bins)
    }

    /// The period before another one: as many years, months, weeks or days if it is made of whole ones, else as long.
    #[must_use]
    pub fn previous(&self, period: Period) -> Period {
        let (start, end) = (period.start.nanos(), period.end.nanos());
        for interval in [Interval::Year, Interval::Month, Interval::Week, Interval::Day] {
            let bins = self.bins(period, interval, MAX_PREVIOUS).unwrap_or_default();
            let first = bins.first().and_then(|bin| bin.date);
            let after = bins.last().and_then(|bin| next(bin.date?, interval));
            let (Some(first), Some(after)) = (first, after) else {
                continue;
            };
            if start == end || self.start_of(first) != start || self.start_of(after) != end {
                continue;
            }
            let mut date = first;
            for _ in &bins {
                let Ok(earlier) = date.yesterday() else { break };
                date = first_of(earlier, interval, self.week_start);
            }
            return Period::of_nanos(self.start_of(date), start);
        }
        Period::of_nanos(start.saturating_sub(end.saturating_sub(start)), start)
    }

    /// Gives a day as hours, anything else whole.
    #[allow(clippy::unused_self, reason = "reads as a part of the calendar")]
    fn divide(&self, interval: Interval, from: i64, to: i64, mut give: impl FnMut(i64, i64)) {
        if interval != Interval::Hour {
            return give(from, to);
        }
        let mut hour = from;
        while hour < to {
            let after = hour.saturating_add(HOUR).min(to);
            give(hour, after);
            hour = after;
        }
    }

    /// The instants at which days begin, after `start` and before `end`.
    pub(crate) fn day_starts(&self, start: i64, end: i64) -> Vec<i64> {
        let mut starts = Vec::new();
        let mut date = self.date_before(start, Interval::Day);
        loop {
            let at = self.start_of(date);
            if at >= end {
                return starts;
            }
            if at > start && starts.last() != Some(&at) {
                starts.push(at);
            }
            match next(date, Interval::Day) {
                Some(after) => date = after,
                None => return starts,
            }
        }
    }

    /// The whole day that an instant lies in.
    #[must_use]
    pub fn day(&self, at: Timestamp) -> Period {
        let date = self.date(at);
        // Without a next date only where the calendar itself ends, thousands of years from any event.
        let end = next(date, Interval::Day).map_or(i64::MAX, |after| self.start_of(after));
        Period::of_nanos(self.start_of(date), end)
    }

    /// The date of the day that an instant lies in.
    #[must_use]
    pub fn date(&self, at: Timestamp) -> Date {
        let at = at.nanos();
        let mut date = self.date_before(at, Interval::Day);
        while let Some(after) = next(date, Interval::Day)
            && self.start_of(after) <= at
        {
            date = after;
        }
        date
    }

    /// The name of the zone that the clock is in at an instant.
    #[must_use]
    pub fn zone_name(&self, at: Timestamp) -> &str {
        let (zone, _) = self.clock.zone_at(at.nanos());
        zone.iana_name().unwrap_or("UTC")
    }

    /// A first date of an interval whose start is at or before an instant.
    fn date_before(&self, at: i64, interval: Interval) -> Date {
        let earlier = at.saturating_sub(MAX_ZONE_SHIFT);
        let date = self.shown(earlier).date();
        let date = first_of(date, interval, self.week_start);
        debug_assert!(self.start_of(date) <= at || at < i64::MIN + 400 * DAY);
        date
    }

    /// What the clock shows, to the second.
    fn shown(&self, at: i64) -> DateTime {
        let (zone, _) = self.clock.zone_at(at);
        let at = to_jiff(at);
        zone.to_offset(at).to_datetime(at)
    }

    /// The first instant at which the clock shows the day start of this date or a later time.
    pub fn start_of(&self, date: Date) -> i64 {
        let midnight = date.at(0, 0, 0, 0);
        let wanted = midnight
            .checked_add(jiff::SignedDuration::from_secs(i64::from(self.day_start)))
            .unwrap_or(midnight);
        for (from, until, zone) in self.clock.zones() {
            // Arriving at a place where it is later already, too.
            let at = first_instant(zone, wanted).max(from);
            if at < until {
                return at;
            }
        }
        i64::MAX
    }

    /// An instant as the person's clock showed it, with its offset: `2026-03-29T04:00:00+02:00`.
    #[must_use]
    pub fn format(&self, at: Timestamp) -> String {
        let shown = self.shown(at.nanos());
        let nanos = at.nanos().rem_euclid(SECOND);
        let offset = self.clock.ahead(at.nanos()) / SECOND;
        let sign = if offset < 0 { '-' } else { '+' };
        let minutes = offset.abs() / 60;
        let fraction = match nanos {
            0 => String::new(),
            n if n % 1_000_000 == 0 => format!(".{:03}", n / 1_000_000),
            n => format!(".{n:09}"),
        };
        format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{fraction}{sign}{:02}:{:02}",
            shown.year(),
            shown.month(),
            shown.day(),
            shown.hour(),
            shown.minute(),
            shown.second(),
            minutes / 60,
            minutes % 60
        )
    }
}

fn bin(start: i64, end: i64, date: Option<Date>) -> Bin {
    Bin {
        start: Timestamp::from_nanos(start),
        end: Timestamp::from_nanos(end),
        date,
    }
}

/// The first date of the interval that a date lies in.
fn first_of(date: Date, interval: Interval, week_start: Weekday) -> Date {
    match interval {
        Interval::None | Interval::Hour | Interval::Day => date,
        Interval::Week => {
            let mut first = date;
            while first.weekday() != week_start {
                let Ok(earlier) = first.yesterday() else { break };
                first = earlier;
            }
            first
        }
        Interval::Month => date.first_of_month(),
        Interval::Year => date.first_of_year(),
    }
}

/// The first date of the next interval.
fn next(date: Date, interval: Interval) -> Option<Date> {
    match interval {
        Interval::None | Interval::Hour | Interval::Day => date.tomorrow().ok(),
        Interval::Week => date.checked_add(jiff::SignedDuration::from_hours(7 * 24)).ok(),
        Interval::Month => date.last_of_month().tomorrow().ok(),
        Interval::Year => Date::new(date.year().checked_add(1)?, 1, 1).ok(),
    }
}

/// The first instant at which the clock of a zone shows a time or a later one.
fn first_instant(zone: &TimeZone, wanted: DateTime) -> i64 {
    let as_utc = TimeZone::UTC.to_timestamp(wanted).map_or(0, |at| at.as_second());
    let with = |offset: jiff::tz::Offset| as_utc - i64::from(offset.seconds());
    let second = match zone.to_ambiguous_timestamp(wanted).offset() {
        AmbiguousOffset::Unambiguous { offset } => with(offset),
        // The clock shows it twice.
        AmbiguousOffset::Fold { before, .. } => with(before),
        // The clock never shows it: it jumps over it somewhere between these.
        AmbiguousOffset::Gap { before, after } => {
            let (mut earlier, mut later) = (with(after), with(before));
            while later - earlier > 1 {
                let middle = earlier + (later - earlier) / 2;
                let at = jiff::Timestamp::from_second(middle).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
                if zone.to_offset(at) == before {
                    earlier = middle;
                } else {
                    later = middle;
                }
            }
            later
        }
    };
    second.saturating_mul(SECOND)
}

/// Seconds after midnight of `HH:MM`.
fn time_of_day(text: &str) -> Option<i32> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str, below: i32| -> Option<i32> {
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|n| digits && *n < below)
    };
    Some(number(hours, 24)? * 3600 + number(minutes, 60)? * 60)
}

fn weekday(text: &str) -> Option<Weekday> {
    Some(match text.to_ascii_lowercase().as_str() {
        "monday" => Weekday::Monday,
        "tuesday" => Weekday::Tuesday,
        "wednesday" => Weekday::Wednesday,
        "thursday" => Weekday::Thursday,
        "friday" => Weekday::Friday,
        "saturday" => Weekday::Saturday,
        "sunday" => Weekday::Sunday,
        _ => return None,
    })
}

#[cfg(test)]
#[path = "calendar_tests.rs"]
mod tests;

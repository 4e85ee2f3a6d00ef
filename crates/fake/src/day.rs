//! One day: its date, its kind, and its clock.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use crate::plan::{Plan, Profile};
use crate::random::Random;
use crate::year;

/// Milliseconds since 1970.
pub(crate) type Millis = i64;

/// A second and a minute, in milliseconds.
pub(crate) const SECOND: Millis = 1_000;
pub(crate) const MINUTE: Millis = 60 * SECOND;

/// What random numbers are for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    Year = 1,
    Week = 2,
    Schedule = 3,
    Agenda = 4,
    Windows = 5,
    Music = 6,
    Stopwatch = 7,
}

/// What kind of day it is for the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DayKind {
    /// With work, or lectures.
    Work,
    Weekend,
    Holiday,
    Vacation,
    Sick,
    /// Between semesters.
    Break,
}

/// A day of the plan.
#[derive(Clone, Debug)]
pub(crate) struct Day {
    pub(crate) date: Date,
    pub(crate) kind: DayKind,
    pub(crate) profile: Profile,
    pub(crate) devices: u32,
    zone: TimeZone,
    seed: i64,
}

impl Day {
    pub(crate) fn new(plan: &Plan, date: Date) -> Self {
        let seed = plan.seed.cast_signed();
        Self {
            date,
            kind: year::kind(seed, date, plan.profile),
            profile: plan.profile,
            devices: plan.devices,
            zone: plan.zone.clone(),
            seed,
        }
    }

    /// When the clock shows midnight, or the first time after it if it jumps over midnight.
    pub(crate) fn midnight(zone: &TimeZone, date: Date) -> Millis {
        instant(zone, date, 0)
    }

    /// When the clock shows so many minutes after midnight. More than a day's are on the next day.
    pub(crate) fn at(&self, minutes: i64) -> Millis {
        let date = self.date.saturating_add(minutes.div_euclid(1_440).days());
        instant(&self.zone, date, minutes.rem_euclid(1_440))
    }

    /// The numbers of this day for a purpose; a device has its own.
    pub(crate) fn random(&self, purpose: Purpose, device: u32) -> Random {
        Random::of(&[self.seed, purpose as i64, self.number(), i64::from(device)])
    }

    /// The numbers that all days of a week share.
    pub(crate) fn week_random(&self) -> Random {
        Random::of(&[self.seed, Purpose::Week as i64, self.week()])
    }

    /// Days since 1970; Monday begins a week.
    fn number(&self) -> i64 {
        year::number(self.date)
    }

    /// The number of the week.
    pub(crate) fn week(&self) -> i64 {
        // 1970-01-05 was a Monday.
        (self.number() - 4).div_euclid(7)
    }

    pub(crate) fn weekday(&self) -> Weekday {
        self.date.weekday()
    }
}

fn instant(zone: &TimeZone, date: Date, minutes: i64) -> Millis {
    let part = |value: i64| i8::try_from(value).unwrap_or(0);
    let time = date.at(part(minutes / 60), part(minutes % 60), 0, 0);
    zone.to_ambiguous_timestamp(time)
        .compatible()
        .map_or(0, |at| at.as_millisecond())
}

//! What is asked for, checked; and the events in the order of days.

use std::collections::VecDeque;
use std::str::FromStr;

use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use timberline_model::{NewEvent, Timestamp};

use crate::buckets::{FakeBucket, Layout};
use crate::day::Day;
use crate::device;

/// The most days of a plan.
pub const MAX_DAYS: u32 = 3_660;
/// The most devices of a plan.
pub const MAX_DEVICES: u32 = 2;

/// Who the invented person is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Writes programs, mostly.
    #[default]
    Developer,
    /// Attends lectures, writes a thesis, stays up late.
    Student,
    /// Meetings, mail, slides.
    Manager,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Developer, Self::Student, Self::Manager];

    /// Its name: `developer`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Developer => "developer",
            Self::Student => "student",
            Self::Manager => "manager",
        }
    }
}

impl FromStr for Profile {
    type Err = PlanError;

    fn from_str(name: &str) -> Result<Self, PlanError> {
        let found = Self::ALL.into_iter().find(|profile| profile.name() == name);
        found.ok_or_else(|| PlanError::Profile(name.to_owned()))
    }
}

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// How many days.
    pub days: u32,
    /// Another seed, other days.
    pub seed: u64,
    /// How many devices: 1 or 2.
    pub devices: u32,
    /// Who the person is.
    pub profile: Profile,
    /// The first day, such as `2026-03-02`. Without it the last day is today, and ends now.
    pub start: Option<&'a str>,
    /// Where the person lives: the name of a time zone, such as `Europe/Berlin`.
    pub zone: &'a str,
    /// The present.
    pub now: Timestamp,
}

/// Why there is no such plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Too few or too many days.
    #[error("{0} days: a plan has 1 to {MAX_DAYS}")]
    Days(u32),
    /// Too few or too many devices.
    #[error("{0} devices: a plan has 1 to {MAX_DEVICES}")]
    Devices(u32),
    /// An unknown profile.
    #[error("{0:?} is no profile; there are developer, student and manager")]
    Profile(String),
    /// Not a date, or one too far away.
    #[error("{0:?} is no first day; write it as in 2026-03-02, between 1980 and 2200")]
    Start(String),
    /// An unknown zone.
    #[error("{0:?} is no time zone; write it as in Europe/Berlin")]
    Zone(String),
}

/// Days of a person who does not exist.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) seed: u64,
    pub(crate) devices: u32,
    pub(crate) profile: Profile,
    pub(crate) zone: TimeZone,
    first: Date,
    days: u32,
    /// Nothing is recorded from here on.
    end: Timestamp,
    layout: Layout,
}

impl Plan {
    /// # Errors
    /// What of it cannot be.
    pub fn new(wanted: &Wanted<'_>) -> Result<Self, PlanError> {
        if !(1..=MAX_DAYS).contains(&wanted.days) {
            return Err(PlanError::Days(wanted.days));
        }
        if !(1..=MAX_DEVICES).contains(&wanted.devices) {
            return Err(PlanError::Devices(wanted.devices));
        }
        let zone = TimeZone::get(wanted.zone).map_err(|_| PlanError::Zone(wanted.zone.to_owned()))?;
        let (first, now) = match wanted.start {
            Some(text) => (parse_date(text)?, None),
            None => (first_day(&zone, wanted)?, Some(wanted.now)),
        };
        let after = first.saturating_add(i64::from(wanted.days).days());
        let midnight = Timestamp::from_nanos(Day::midnight(&zone, after).saturating_mul(1_000_000));
        Ok(Self {
            seed: wanted.seed,
            devices: wanted.devices,
            profile: wanted.profile,
            zone,
            first,
            days: wanted.days,
            end: now.map_or(midnight, |now| now.min(midnight)),
            layout: Layout::new(wanted.devices, wanted.profile, wanted.seed),
        })
    }

    /// The buckets. [`Batch::bucket`] counts in this order.
    #[must_use]
    pub fn buckets(&self) -> &[FakeBucket] {
        self.layout.buckets()
    }

    /// How many days there are.
    #[must_use]
    pub fn days(&self) -> u32 {
        self.days
    }

    /// The first instant, and the one before which everything ends.
    #[must_use]
    pub fn period(&self) -> (Timestamp, Timestamp) {
        let start = Day::midnight(&self.zone, self.first).saturating_mul(1_000_000);
        (Timestamp::from_nanos(start), self.end)
    }

    /// The events, day after day; those of a bucket in the order of time.
    #[must_use]
    pub fn batches(&self) -> Batches<'_> {
        Batches {
            plan: self,
            day: 0,
            ready: VecDeque::new(),
        }
    }

    fn day(&self, number: u32) -> Day {
        let date = self.first.saturating_add(i64::from(number).days());
        Day::new(self, date)
    }
}

fn parse_date(text: &str) -> Result<Date, PlanError> {
    let date: Option<Date> = text.parse().ok();
    date.filter(|date| (1980..=2200).contains(&date.year()))
        .ok_or_else(|| PlanError::Start(text.to_owned()))
}

/// Such that the last day is today.
fn first_day(zone: &TimeZone, wanted: &Wanted<'_>) -> Result<Date, PlanError> {
    let unusable = || PlanError::Start(wanted.now.to_string());
    let now = jiff::Timestamp::from_second(wanted.now.nanos().div_euclid(1_000_000_000));
    let today = zone.to_datetime(now.map_err(|_| unusable())?).date();
    let first = today.saturating_sub(i64::from(wanted.days - 1).days());
    (1970..=2250)
        .contains(&first.year())
        .then_some(first)
        .ok_or_else(unusable)
}

/// Events of one bucket and one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Which of the [`Plan::buckets`].
    pub bucket: usize,
    /// The day's number, from 0.
    pub day: u32,
    /// At least one, in the order of time.
    pub events: Vec<NewEvent<'static>>,
}

/// All batches of a plan. Memory does not grow with the number of days.
#[derive(Debug)]
pub struct Batches<'a> {
    plan: &'a Plan,
    day: u32,
    ready: VecDeque<Batch>,
}

impl Iterator for Batches<'_> {
    type Item = Batch;

    fn next(&mut self) -> Option<Batch> {
        while self.ready.is_empty() && self.day < self.plan.days {
            let day = self.plan.day(self.day);
            for number in 0..self.plan.devices {
                for (watcher, mut events) in device::record(self.plan, &day, number) {
                    cut(&mut events, self.plan.end);
                    if let Some(bucket) = self.plan.layout.bucket(number, watcher)
                        && !events.is_empty()
                    {
                        self.ready.push_back(Batch {
                            bucket,
                            day: self.day,
                            events,
                        });
                    }
                }
            }
            self.day += 1;
        }
        self.ready.pop_front()
    }
}

/// Removes what is after the end.
fn cut(events: &mut Vec<NewEvent<'static>>, end: Timestamp) {
    events.retain(|event| event.start < end);
    for event in events {
        event.duration = event.duration.min(end.since(event.start));
    }
}

//! What a person's clock shows: the time of a zone, or of one after the other for a person who travels.

use jiff::tz::TimeZone;

use crate::error::QueryError;
use crate::period::instant;
use crate::value::{Dict, Value};

/// A day on which no clock is changed, in nanoseconds.
pub(super) const DAY: i64 = 86_400 * SECOND;
const SECOND: i64 = 1_000_000_000;
/// The most zones that a clock has, one after the other.
const MAX_ZONES: usize = 4096;

/// See the [module](self).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Clock {
    /// Each with the instant from which it holds, the first from the beginning of time on; ascending.
    zones: Vec<(i64, TimeZone)>,
}

impl Clock {
    /// The clock of a zone of the IANA database.
    ///
    /// # Errors
    /// When there is no such zone.
    pub(crate) fn of_zone(name: &str) -> Result<Clock, QueryError> {
        Ok(Clock {
            zones: vec![(i64::MIN, zone(name)?)],
        })
    }

    /// The clock that shows UTC.
    pub(crate) fn utc() -> Clock {
        Clock {
            zones: vec![(i64::MIN, TimeZone::UTC)],
        }
    }

    /// The clock of a person who travels: zones, each with the instant from which it holds. The first also holds earlier.
    ///
    /// # Errors
    /// When there are none or too many, or one does not exist.
    pub(crate) fn of_zones(zones: &[(i64, String)]) -> Result<Clock, QueryError> {
        if !(1..=MAX_ZONES).contains(&zones.len()) {
            return Err(QueryError::function(format!(
                "a clock has from 1 to {MAX_ZONES} time zones"
            )));
        }
        let known = zones.iter().map(|(from, name)| Ok((*from, zone(name)?)));
        let mut zones = known.collect::<Result<Vec<_>, QueryError>>()?;
        zones.sort_by_key(|(from, _)| *from);
        if let Some(first) = zones.first_mut() {
            first.0 = i64::MIN;
        }
        Ok(Clock { zones })
    }

    /// Reads the name of a zone, or a list of `{"from": instant, "zone": name}`.
    ///
    /// # Errors
    /// What of it is wrong.
    pub(super) fn read(value: &Value) -> Result<Clock, QueryError> {
        if let Value::Text(name) = value {
            return Clock::of_zone(name);
        }
        let wrong = || {
            QueryError::function(format!(
                "the field zone must be a zone such as \"Europe/Berlin\", or a list of {{\"from\": instant, \"zone\": zone}}, found {value}"
            ))
        };
        let change = |item: Value| match item {
            Value::Dict(change) => zone_change(&change)?.ok_or_else(wrong),
            _ => Err(wrong()),
        };
        let zones: Result<Vec<_>, _> = value.items().ok_or_else(wrong)?.iter().map(change).collect();
        Clock::of_zones(&zones?)
    }

    /// How far the clock is ahead of UTC at an instant, in nanoseconds, and the first later instant at which that may change.
    pub(super) fn shift(&self, at: i64) -> (i64, i64) {
        let after = self.zones.partition_point(|(from, _)| *from <= at);
        let until = self.zones.get(after).map_or(i64::MAX, |(from, _)| *from);
        let Some((_, zone)) = self.zones.get(after.saturating_sub(1)) else {
            return (0, until);
        };
        // Every instant of 64-bit nanoseconds is one of jiff's.
        let second =
            jiff::Timestamp::from_second(at.div_euclid(SECOND)).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let shift = i64::from(zone.to_offset(second).seconds()) * SECOND;
        let next = zone.following(second).next();
        let next = next.map_or(i64::MAX, |change| {
            change.timestamp().as_second().saturating_mul(SECOND)
        });
        (shift, until.min(next))
    }
}

fn zone(name: &str) -> Result<TimeZone, QueryError> {
    TimeZone::get(name).map_err(|_| {
        QueryError::function(format!(
            "there is no time zone {name:?}; zones have names of the IANA database such as \"Europe/Berlin\""
        ))
    })
}

fn zone_change(change: &Dict) -> Result<Option<(i64, String)>, QueryError> {
    let from = match change.get("from") {
        None => i64::MIN,
        Some(Value::Text(text)) => {
            let read = instant(text);
            read.map_err(|error| QueryError::function(format!("the field from: {error}")))?
                .nanos()
        }
        Some(_) => return Ok(None),
    };
    match change.get("zone") {
        Some(Value::Text(name)) => Ok(Some((from, name.to_string()))),
        _ => Ok(None),
    }
}

//! What a person's clock shows: the time of a zone, or of one after the other for a person who travels.
//!
//! The [calendar](crate::calendar) and the conditions on the time of day in rules both go by it.

use jiff::tz::TimeZone;
use serde_json::Value as Json;
use timberline_model::Timestamp;

use crate::period::instant;

/// The setting with the time zones that a person lived in.
pub const SETTING: &str = "timeZones";
/// The most zones that a clock has, one after the other.
const MAX_ZONES: usize = 4096;
const SECOND: i64 = 1_000_000_000;

/// See the [module](self).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Each with the instant from which it holds, the first from the beginning of time on; ascending.
    zones: Vec<(i64, TimeZone)>,
}

/// From this instant on, the person's clock shows the time of this zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneChange {
    /// When the person arrived. The first change holds for all earlier times, too.
    pub from: Timestamp,
    /// The name of the zone in the IANA database.
    pub zone: String,
}

/// Why there is no such clock.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// A zone that the database does not have.
    #[error("there is no time zone {0:?}; zones have names of the IANA database such as \"Europe/Berlin\"")]
    Zone(String),
    /// No zone, or too many.
    #[error("a clock has from 1 to {MAX_ZONES} time zones")]
    Count,
    /// The setting has another form.
    #[error("it is not of the form [{{\"from\": \"2026-03-01T10:00:00Z\", \"zone\": \"Asia/Tokyo\"}}]: {0}")]
    Form(String),
    /// The setting cannot be used.
    #[error("the setting {SETTING}: {0}")]
    Setting(Box<ClockError>),
}

impl Clock {
    /// The clock of a zone of the IANA database.
    ///
    /// # Errors
    /// [`ClockError::Zone`]
    pub fn of_zone(name: &str) -> Result<Clock, ClockError> {
        Ok(Clock {
            zones: vec![(i64::MIN, zone(name)?)],
        })
    }

    /// The clock that shows UTC.
    #[must_use]
    pub fn utc() -> Clock {
        Clock {
            zones: vec![(i64::MIN, TimeZone::UTC)],
        }
    }

    /// The clock of a person who travels.
    ///
    /// # Errors
    /// [`ClockError::Zone`], [`ClockError::Count`]
    pub fn of_zones(changes: &[ZoneChange]) -> Result<Clock, ClockError> {
        if !(1..=MAX_ZONES).contains(&changes.len()) {
            return Err(ClockError::Count);
        }
        let known = changes
            .iter()
            .map(|change| Ok((change.from.nanos(), zone(&change.zone)?)));
        let mut zones = known.collect::<Result<Vec<_>, ClockError>>()?;
        zones.sort_by_key(|(from, _)| *from);
        if let Some(first) = zones.first_mut() {
            first.0 = i64::MIN;
        }
        Ok(Clock { zones })
    }

    /// The clock of the setting `timeZones`: `[{"from": instant, "zone": name}]`, of which the first needs no `from`.
    /// Without the setting, it shows UTC.
    ///
    /// # Errors
    /// [`ClockError::Setting`]
    pub fn of_setting(text: Option<&str>) -> Result<Clock, ClockError> {
        match text {
            None => Ok(Clock::utc()),
            Some(text) => changes(text)
                .and_then(|changes| Clock::of_zones(&changes))
                .map_err(|error| ClockError::Setting(Box::new(error))),
        }
    }

    /// The zones, each with the instant from which it holds and the one until which it does.
    pub(crate) fn zones(&self) -> impl Iterator<Item = (i64, i64, &TimeZone)> {
        let ends = self.zones.iter().skip(1).map(|(from, _)| *from);
        let zones = self.zones.iter().zip(ends.chain([i64::MAX]));
        zones.map(|((from, zone), until)| (*from, until, zone))
    }

    /// The zone that holds at an instant, and the instant until which it does.
    pub(crate) fn zone_at(&self, at: i64) -> (&TimeZone, i64) {
        let after = self.zones.partition_point(|(from, _)| *from <= at);
        let until = self.zones.get(after).map_or(i64::MAX, |(from, _)| *from);
        let zone = self.zones.get(after.saturating_sub(1));
        (zone.map_or(const { &TimeZone::UTC }, |(_, zone)| zone), until)
    }

    /// How far the clock is ahead of UTC at an instant, in nanoseconds.
    pub(crate) fn ahead(&self, at: i64) -> i64 {
        let (zone, _) = self.zone_at(at);
        i64::from(zone.to_offset(to_jiff(at)).seconds()) * SECOND
    }

    /// The same, and the first later instant at which it may change.
    pub(crate) fn shift(&self, at: i64) -> (i64, i64) {
        let (zone, until) = self.zone_at(at);
        let next = zone.following(to_jiff(at)).next();
        let next = next.map_or(i64::MAX, |change| {
            change.timestamp().as_second().saturating_mul(SECOND)
        });
        (self.ahead(at), until.min(next))
    }
}

/// The second of an instant.
pub(crate) fn to_jiff(nanos: i64) -> jiff::Timestamp {
    // Every instant of 64-bit nanoseconds is one of jiff's.
    jiff::Timestamp::from_second(nanos.div_euclid(SECOND)).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

fn zone(name: &str) -> Result<TimeZone, ClockError> {
    TimeZone::get(name).map_err(|_| ClockError::Zone(name.to_owned()))
}

/// Reads the setting.
fn changes(text: &str) -> Result<Vec<ZoneChange>, ClockError> {
    let form = |error: &dyn std::fmt::Display| ClockError::Form(error.to_string());
    let entries: Vec<Json> = serde_json::from_str(text).map_err(|error| form(&error))?;
    let change = |entry: &Json| {
        let from = match entry.get("from") {
            None | Some(Json::Null) => Timestamp::MIN,
            Some(Json::String(from)) => instant(from).map_err(|error| form(&error))?,
            Some(other) => return Err(form(other)),
        };
        match entry.get("zone") {
            Some(Json::String(zone)) => Ok(ZoneChange {
                from,
                zone: zone.clone(),
            }),
            _ => Err(form(entry)),
        }
    };
    entries.iter().map(change).collect()
}

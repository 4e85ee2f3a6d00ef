//! The clock that a rule names.

use timberline_model::Timestamp;

use crate::clock::{Clock, ZoneChange};
use crate::error::QueryError;
use crate::period::instant;
use crate::value::{Dict, Value};

/// A day on which no clock is changed, in nanoseconds.
pub(super) const DAY: i64 = 86_400 * 1_000_000_000;

/// Reads the name of a zone, or a list of `{"from": instant, "zone": name}`.
///
/// # Errors
/// What of it is wrong.
pub(super) fn read(value: &Value) -> Result<Clock, QueryError> {
    if let Value::Text(name) = value {
        return Ok(Clock::of_zone(name)?);
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
    Ok(Clock::of_zones(&zones?)?)
}

fn zone_change(change: &Dict) -> Result<Option<ZoneChange>, QueryError> {
    let from = match change.get("from") {
        None => Timestamp::MIN,
        Some(Value::Text(text)) => {
            instant(text).map_err(|error| QueryError::function(format!("the field from: {error}")))?
        }
        Some(_) => return Ok(None),
    };
    Ok(match change.get("zone") {
        Some(Value::Text(name)) => Some(ZoneChange {
            from,
            zone: name.to_string(),
        }),
        _ => None,
    })
}

//! Lengths of time in a configuration file, as people write them: `"3 minutes"`.

use serde::de::{Deserialize, Deserializer, Error};
use timberline_model::Duration;

/// Reads a length of time between two others; `allowed` says so to the person.
pub(crate) fn between<'de, D: Deserializer<'de>>(
    min: Duration,
    max: Duration,
    allowed: &str,
    deserializer: D,
) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let time = humantime::parse_duration(text.trim()).map_err(|error| {
        D::Error::custom(format!(
            "{text:?} is not a length of time ({error}): write it like \"3 minutes\" or \"90 s\""
        ))
    })?;
    let time = Duration::from_nanos(i64::try_from(time.as_nanos()).unwrap_or(i64::MAX));
    if !(min..=max).contains(&time) {
        return Err(D::Error::custom(format!("{text:?} is not allowed: {allowed}")));
    }
    Ok(time)
}

//! Which absences are asked about.

use serde::Deserialize;
use timberline_model::Duration;

use crate::length;

const AFTER: Duration = Duration::from_secs(15 * 60);
/// Shorter absences are too many to ask about.
const MIN_AFTER: Duration = Duration::from_secs(60);
const MAX_AFTER: Duration = Duration::from_secs(24 * 3600);

/// The section `[away]` of a configuration file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AwayOptions {
    /// Whether a notification asks.
    pub ask: bool,
    /// How long an absence is at least.
    #[serde(deserialize_with = "after")]
    pub after: Duration,
}

impl Default for AwayOptions {
    fn default() -> AwayOptions {
        AwayOptions {
            ask: false,
            after: AFTER,
        }
    }
}

fn after<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    length::between(
        MIN_AFTER,
        MAX_AFTER,
        "an absence that is asked about lasts between a minute and a day",
        deserializer,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_need_be_written_and_what_cannot_be_is_refused() {
        let read = |text: &str| toml::from_str::<AwayOptions>(text);
        assert_eq!(read("").expect("good"), AwayOptions::default());
        let hour = read("ask = true\nafter = \"1 hour\"").expect("good");
        assert_eq!((hour.ask, hour.after), (true, Duration::from_secs(3600)));
        let error = read("after = \"5 s\"").expect_err("too short").to_string();
        assert!(error.contains("between a minute and a day"), "{error}");
    }
}

//! Lengths of time as people write them: `"1 day"`, `"90 days"`, `"2 years"`.

use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error};

/// A length of time in the configuration. Months and years are those of the average Gregorian year (30.44 and 365.25
/// days).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(pub(crate) Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(self.0).fmt(f)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        humantime::parse_duration(text.trim()).map(Self).map_err(|error| {
            D::Error::custom(format!(
                "{text:?} is not a length of time ({error}): write it like \"12 hours\", \"1 day\", \"2 years\""
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Keys {
        every: Span,
    }

    fn parse(value: &str) -> Result<Duration, String> {
        toml::from_str::<Keys>(&format!("every = {value}"))
            .map(|keys| keys.every.0)
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn a_length_of_time_is_a_number_and_a_unit() {
        let hour = Duration::from_secs(3600);
        for (text, expected) in [
            ("\"1 day\"", 24 * hour),
            ("\"30 days\"", 720 * hour),
            ("\"12h\"", 12 * hour),
            ("\"2 years\"", 2 * 8766 * hour),
            ("\"1 day 6 hours\"", 30 * hour),
        ] {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_shown_with_how_to_write_it() {
        for text in [
            "\"soon\"",
            "\"1\"",
            "\"\"",
            "\"-1 day\"",
            "\"99999999999999999999 years\"",
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains("12 hours"), "{text}: {error}");
        }
        assert!(parse("7").is_err());
    }
}

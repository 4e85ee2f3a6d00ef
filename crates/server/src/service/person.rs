//! A person's settings that decide what activity is and when: the calendar, the categories, the always-active pattern.

use std::collections::BTreeMap;

use timberline_query::activity::{CategoryRules, DefinitionError};
use timberline_query::calendar::{Calendar, CalendarError};
use timberline_query::categories::{Categories, CategoriesError, SETTING};
use timberline_query::clock::{Clock, ClockError, SETTING as ZONES};

/// The settings of the standard web UI.
const DAY_START: &str = "startOfDay";
const WEEK_START: &str = "startOfWeek";
const ALWAYS_ACTIVE: &str = "always_active_pattern";

/// What a request says about the calendar; settings say the rest.
#[derive(Debug, Default)]
pub(crate) struct CalendarChoice<'a> {
    pub(crate) zone: Option<&'a str>,
    pub(crate) day_start: Option<&'a str>,
    pub(crate) week_start: Option<&'a str>,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingError {
    #[error(transparent)]
    Clock(#[from] ClockError),
    #[error(transparent)]
    Calendar(#[from] CalendarError),
    #[error("the setting {SETTING}: {0}")]
    Categories(#[from] CategoriesError),
    #[error("the setting {SETTING}: {0}")]
    Unwritable(#[from] DefinitionError),
}

/// The values of all settings, as JSON text.
type Settings = BTreeMap<String, String>;

/// The person's calendar. Without settings: UTC, days from four in the morning, weeks from Monday.
pub(crate) fn calendar(settings: &Settings, choice: &CalendarChoice<'_>) -> Result<Calendar, SettingError> {
    let clock = match choice.zone {
        Some(zone) => Clock::of_zone(zone)?,
        None => Clock::of_setting(settings.get(ZONES).map(String::as_str))?,
    };
    let (day, week) = (text(settings, DAY_START), text(settings, WEEK_START));
    let day_start = choice.day_start.map(str::to_owned).or(day);
    let week_start = choice.week_start.map(str::to_owned).or(week);
    Ok(Calendar::new(
        clock,
        day_start.as_deref().unwrap_or("04:00"),
        week_start.as_deref().unwrap_or("monday"),
    )?)
}

/// The categories of the web UI.
pub(crate) fn categories(settings: &Settings) -> Result<CategoryRules, SettingError> {
    let categories = Categories::read(settings.get(SETTING).map(String::as_str))?;
    Ok(CategoryRules::new(&categories.rules())?)
}

/// Windows in which the person is always there; empty for none.
pub(crate) fn always_active_pattern(settings: &Settings) -> String {
    text(settings, ALWAYS_ACTIVE).unwrap_or_default()
}

/// A setting that is a text.
fn text(settings: &Settings, key: &str) -> Option<String> {
    serde_json::from_str(settings.get(key)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use timberline_query::Period;
    use timberline_query::calendar::Interval;

    fn settings(all: &[(&str, &str)]) -> Settings {
        all.iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn first_day(settings: &Settings, choice: &CalendarChoice<'_>) -> String {
        let calendar = calendar(settings, choice).unwrap();
        let period = Period::parse("2026-06-01T12:00:00Z/2026-06-04T12:00:00Z").unwrap();
        let days = calendar.bins(period, Interval::Day, 10).unwrap();
        calendar.format(days[1].start)
    }

    #[test]
    fn a_request_counts_before_settings_and_settings_before_what_is_usual() {
        let none = CalendarChoice::default();
        assert_eq!(first_day(&settings(&[]), &none), "2026-06-02T04:00:00+00:00");
        let some = settings(&[
            ("startOfDay", r#""06:30""#),
            (
                "timeZones",
                r#"[{"zone": "Europe/Berlin"}, {"from": "2026-06-01T20:00:00Z", "zone": "Asia/Kathmandu"}]"#,
            ),
        ]);
        assert_eq!(first_day(&some, &none), "2026-06-02T06:30:00+05:45");
        let choice = CalendarChoice {
            zone: Some("Europe/Berlin"),
            day_start: Some("00:00"),
            week_start: None,
        };
        assert_eq!(first_day(&some, &choice), "2026-06-02T00:00:00+02:00");
    }

    #[test]
    fn a_setting_that_cannot_be_read_is_an_error_that_names_it() {
        let wrong = settings(&[("timeZones", r#"{"zone": 1}"#)]);
        let error = calendar(&wrong, &CalendarChoice::default())
            .unwrap_err()
            .to_string();
        assert!(error.contains("timeZones"), "{error}");
        let error = categories(&settings(&[("classes", "[1]")]))
            .unwrap_err()
            .to_string();
        assert!(error.contains("classes"), "{error}");
    }
}

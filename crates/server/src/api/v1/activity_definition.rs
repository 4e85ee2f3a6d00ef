//! What a request says about the definition of activity; the person's settings say the rest.

use std::borrow::Cow;
use std::sync::Arc;

use timberline_model::Timestamp;
use timberline_query::Period;
use timberline_query::activity::{CategoryRules, Definition};
use timberline_query::calendar::Calendar;
use timberline_views::Snapshot;
use utoipa::IntoParams;

use super::category_choice::chosen;
use crate::api::v0::events::time_range;
use crate::app::App;
use crate::http::{ApiError, Query};
use crate::service::person::{self, CalendarChoice};

/// Which activity, and when.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "it describes parameters and is never constructed")]
pub(crate) struct ActivityParameters {
    /// The start of the period, in RFC 3339. A `+` must be sent as `%2B`.
    #[param(format = DateTime)]
    start: String,
    /// Where it ends.
    #[param(format = DateTime)]
    end: String,
    /// Host names, separated by commas; by default all that have a bucket of windows. Of devices that were used at the same
    /// time, the one that is named first counts.
    #[param(nullable = false)]
    devices: Option<String>,
    /// Whether only time counts in which you were present; by default true.
    #[param(nullable = false)]
    filter_afk: Option<bool>,
    /// Whether a tab in front that plays sound counts as presence; by default true, for several devices false.
    #[param(nullable = false)]
    audible: Option<bool>,
    /// Whether events of the stopwatch replace other activity; by default true, for several devices false.
    #[param(nullable = false)]
    stopwatch: Option<bool>,
    /// Windows whose app or title matches this pattern count as presence; by default the setting
    /// `always_active_pattern`.
    #[param(nullable = false)]
    always_active: Option<String>,
    /// Rules of categories as JSON, `[[["Work"], {"type": "regex", "regex": "vim"}]]`; by default those of the setting `classes`.
    #[param(nullable = false)]
    categories: Option<String>,
    /// The version of the categories: `now` (the default), the number of the record that created one, or `then`: for each event
    /// the version that was in force when the event happened.
    #[param(nullable = false)]
    rules: Option<String>,
    /// Only events of this category count: a JSON list of names, such as `["Work","Email"]`. It may be given several times. Usage by
    /// pages or files then counts only the time in which you did something of the category; lists of pages and files are not filtered.
    #[param(nullable = false)]
    category: Option<Vec<String>>,
    /// The time zone, such as `Europe/Berlin`; by default those of the setting `timeZones`.
    #[param(nullable = false)]
    zone: Option<String>,
    /// When days begin, such as `04:00`; by default the setting `startOfDay`.
    #[param(nullable = false)]
    day_start: Option<String>,
    /// The day on which weeks begin, such as `monday`; by default the setting `startOfWeek`.
    #[param(nullable = false)]
    week_start: Option<String>,
}

/// What a request is about.
pub(crate) struct Asked {
    pub(crate) definition: Definition,
    pub(crate) calendar: Calendar,
    pub(crate) period: Period,
}

impl Asked {
    /// Reads it from a query string and the settings of a snapshot.
    ///
    /// # Errors
    /// 400 for what cannot be read, or names what does not exist.
    pub(crate) fn read(snapshot: &Arc<Snapshot>, query: Query<'_>) -> Result<Asked, ApiError> {
        Ok(Asked {
            period: period(query)?,
            definition: definition(snapshot, query)?,
            calendar: calendar(snapshot, query)?,
        })
    }

    /// Goes by the version of the categories that the parameter `rules` names, for this period.
    ///
    /// # Errors
    /// As [`chosen`].
    pub(crate) async fn choose_rules(
        &mut self,
        app: &Arc<App>,
        snapshot: &Snapshot,
        query: Query<'_>,
        period: Period,
    ) -> Result<(), ApiError> {
        if let Some(rules) = chosen(app, snapshot, query, period).await? {
            self.definition.categories = Some(CategoryRules::new(&rules).map_err(malformed)?);
        }
        Ok(())
    }

    /// The same about the whole day that `now` lies in.
    ///
    /// # Errors
    /// As [`Asked::read`]; when the query says another period.
    pub(crate) fn read_of_today(
        snapshot: &Arc<Snapshot>,
        query: Query<'_>,
        now: Timestamp,
    ) -> Result<Asked, ApiError> {
        if query.get("start")?.is_some() || query.get("end")?.is_some() {
            return Err(malformed("start, end: this is about today"));
        }
        let calendar = calendar(snapshot, query)?;
        Ok(Asked {
            period: calendar.day(now),
            definition: definition(snapshot, query)?,
            calendar,
        })
    }
}

fn period(query: Query<'_>) -> Result<Period, ApiError> {
    let range = time_range(query)?;
    match (range.start, range.end) {
        (Some(start), Some(end)) if start <= end => Ok(Period { start, end }),
        (Some(_), Some(_)) => Err(ApiError::Malformed(
            "end: the period ends before it begins".to_owned(),
        )),
        _ => Err(ApiError::Malformed(
            "start and end say which period is meant, such as start=2026-03-01T00:00:00Z".to_owned(),
        )),
    }
}

fn calendar(snapshot: &Snapshot, query: Query<'_>) -> Result<Calendar, ApiError> {
    let (zone, day, week) = (
        query.get("zone")?,
        query.get("day_start")?,
        query.get("week_start")?,
    );
    let choice = CalendarChoice {
        zone: zone.as_deref(),
        day_start: day.as_deref(),
        week_start: week.as_deref(),
    };
    person::calendar(snapshot.settings(), &choice).map_err(malformed)
}

fn definition(snapshot: &Snapshot, query: Query<'_>) -> Result<Definition, ApiError> {
    let devices = query.get("devices")?;
    let devices: Option<Vec<String>> = devices.map(|names| {
        let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.map(str::to_owned).collect()
    });
    let mut definition = Definition::of_devices(snapshot, devices.as_deref()).map_err(malformed)?;
    let settings = snapshot.settings();
    if let Some(filter) = boolean(query, "filter_afk")? {
        definition.filter_afk = filter;
    }
    if let Some(audible) = boolean(query, "audible")? {
        definition.include_audible = audible;
    }
    if let Some(stopwatch) = boolean(query, "stopwatch")? {
        definition.stopwatch = match stopwatch {
            true => Definition::stopwatch_of(snapshot, &definition.devices),
            false => None,
        };
    }
    definition.always_active_pattern = match query.get("always_active")? {
        Some(pattern) => pattern.into_owned(),
        None => person::always_active_pattern(settings),
    };
    definition.categories = Some(match query.get("categories")? {
        Some(rules) => {
            let rules = serde_json::from_str(&rules).map_err(|e| malformed(format!("categories: {e}")))?;
            CategoryRules::new(&rules).map_err(malformed)?
        }
        None => person::categories(settings).map_err(malformed)?,
    });
    for category in query.get_all("category")? {
        let path = serde_json::from_str(&category).map_err(|_| {
            malformed(format!(
                "category: a category is a JSON list of names such as [\"Work\",\"Email\"], found {category}"
            ))
        })?;
        definition.filter_categories.push(path);
    }
    definition.check().map_err(malformed)?;
    Ok(definition)
}

/// A parameter that is `true` or `false`.
pub(crate) fn boolean(query: Query<'_>, name: &str) -> Result<Option<bool>, ApiError> {
    match query.get(name)?.as_deref() {
        None => Ok(None),
        Some("true" | "1" | "") => Ok(Some(true)),
        Some("false" | "0") => Ok(Some(false)),
        Some(other) => Err(malformed(format!("{name}: '{other}' is neither true nor false"))),
    }
}

/// A parameter that is a number from 1 to `most`.
pub(crate) fn count(query: Query<'_>, name: &str, default: usize, most: usize) -> Result<usize, ApiError> {
    let Some(text) = query.get(name)? else {
        return Ok(default);
    };
    let number = text.parse().ok().filter(|n| (1..=most).contains(n));
    number.ok_or_else(|| malformed(format!("{name}: '{text}' is not a whole number from 1 to {most}")))
}

/// The answer to a parameter that cannot be used.
pub(crate) fn malformed(error: impl std::fmt::Display) -> ApiError {
    ApiError::Malformed(error.to_string())
}

/// A list of names separated by commas.
pub(crate) fn names(text: Option<Cow<'_, str>>) -> Option<Vec<String>> {
    text.map(|text| text.split(',').map(|name| name.trim().to_owned()).collect())
}

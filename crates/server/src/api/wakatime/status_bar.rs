//! `GET /api/wakatime/v1/users/current/statusbar/today`: the time of today, for the status bar of an editor.
//!
//! The fields are those that `wakatime-cli --today` and the plugins read.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Response};
use serde::Serialize;
use serde_json::value::RawValue;
use timberline_model::Timestamp;
use timberline_query::calendar::Calendar;
use utoipa::ToSchema;

use crate::api::json_body::json_text;
use crate::api::openapi::Error;
use crate::api::v1::activity::seconds;
use crate::app::App;
use crate::http::{ApiError, json_answer, run_blocking};
use crate::service::person::{self, CalendarChoice};
use crate::service::wakatime::{Day, Sums, TodayError};

/// The time that was spent in editors today.
#[derive(Serialize, ToSchema)]
pub(crate) struct StatusBar {
    data: Today,
    /// When it was computed.
    #[schema(format = DateTime)]
    cached_at: String,
}

/// Each instant counts once, so each list adds up to the total.
#[derive(Serialize, ToSchema)]
struct Today {
    grand_total: Total,
    /// What was done, such as `Coding`. Each list begins with what took the longest.
    categories: Vec<Part>,
    projects: Vec<Part>,
    languages: Vec<Part>,
    editors: Vec<Part>,
    machines: Vec<Part>,
    range: Range,
}

#[derive(Serialize, ToSchema)]
struct Total {
    /// Such as `2 hrs 17 mins`.
    text: String,
    /// Such as `2:17`.
    digital: String,
    hours: i64,
    minutes: i64,
    #[schema(value_type = f64)]
    total_seconds: Box<RawValue>,
    /// Hours, such as `2.28`.
    decimal: String,
}

#[derive(Serialize, ToSchema)]
struct Part {
    name: String,
    text: String,
    /// Of the total, from 0 to 100.
    percent: f64,
    #[schema(value_type = f64)]
    total_seconds: Box<RawValue>,
    /// Such as `2:17:36`.
    digital: String,
    decimal: String,
    hours: i64,
    minutes: i64,
    seconds: i64,
}

/// The day of the person's calendar.
#[derive(Serialize, ToSchema)]
struct Range {
    #[schema(format = Date)]
    date: String,
    #[schema(format = DateTime)]
    start: String,
    /// The first instant after the day.
    #[schema(format = DateTime)]
    end: String,
    /// Such as `Fri Mar 1st 2024`.
    text: String,
    timezone: String,
}

/// Get today's time
///
/// The time in all buckets of editors since the day began. Editors with a WakaTime plugin show it in their status bar.
#[utoipa::path(
    get,
    path = "/api/wakatime/v1/users/current/statusbar/today",
    operation_id = "wakatime_today",
    tag = "WakaTime",
    params(("TimeZone" = Option<String>, Header, description = "The time zone, such as `Europe/Berlin`; those of the setting `timeZones` if it is missing or unknown")),
    responses(
        (status = 200, description = "The time of today", body = StatusBar),
        (status = 400, description = "The settings of the calendar cannot be used", body = Error),
    ),
)]
pub(crate) async fn today(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response<Body>, ApiError> {
    let zone = headers.get("timezone").and_then(|zone| zone.to_str().ok());
    let snapshot = app.store.snapshot();
    let calendar = calendar(snapshot.settings(), zone)?;
    let now = app.store.now();
    let period = calendar.day(now);
    let day = run_blocking(move |cancel| Day::read(&snapshot, period, cancel)).await?;
    Ok(json_answer(json_text(status_bar(&day, &calendar, now))?))
}

/// The person's calendar. Plugins send the name that their system has for its zone; that may be none of the database.
fn calendar(settings: &BTreeMap<String, String>, zone: Option<&str>) -> Result<Calendar, ApiError> {
    let of = |zone| {
        let choice = CalendarChoice {
            zone,
            ..CalendarChoice::default()
        };
        person::calendar(settings, &choice)
    };
    of(zone)
        .or_else(|_| of(None))
        .map_err(|error| ApiError::Malformed(error.to_string()))
}

fn status_bar(day: &Day, calendar: &Calendar, now: Timestamp) -> Result<StatusBar, serde_json::Error> {
    let shown = Hms::of(day.total);
    let date = calendar.date(now);
    Ok(StatusBar {
        data: Today {
            grand_total: Total {
                text: shown.text(),
                digital: format!("{}:{:02}", shown.hours, shown.minutes),
                hours: shown.hours,
                minutes: shown.minutes,
                total_seconds: seconds(i128::from(day.total))?,
                decimal: shown.decimal(),
            },
            categories: parts(&day.categories, day.total)?,
            projects: parts(&day.projects, day.total)?,
            languages: parts(&day.languages, day.total)?,
            editors: parts(&day.editors, day.total)?,
            machines: parts(&day.machines, day.total)?,
            range: Range {
                date: date.to_string(),
                start: day.period.start.to_string(),
                end: day.period.end.to_string(),
                text: format!(
                    "{} {}{} {}",
                    date.strftime("%a %b"),
                    date.day(),
                    ordinal(date.day()),
                    date.year()
                ),
                timezone: calendar.zone_name(now).to_owned(),
            },
        },
        cached_at: now.to_string(),
    })
}

/// The longest first.
fn parts(sums: &Sums, total: i64) -> Result<Vec<Part>, serde_json::Error> {
    let mut sums: Vec<(&String, i64)> = sums.iter().map(|(name, nanos)| (name, *nanos)).collect();
    sums.sort_by_key(|(_, nanos)| std::cmp::Reverse(*nanos));
    let part = |(name, nanos): (&String, i64)| {
        let shown = Hms::of(nanos);
        Ok(Part {
            name: name.clone(),
            text: shown.text(),
            // Hundredths of a percent.
            percent: (nanos as f64 / total as f64 * 10_000.0).round() / 100.0,
            total_seconds: seconds(i128::from(nanos))?,
            digital: format!("{}:{:02}:{:02}", shown.hours, shown.minutes, shown.seconds),
            decimal: shown.decimal(),
            hours: shown.hours,
            minutes: shown.minutes,
            seconds: shown.seconds,
        })
    };
    sums.into_iter().map(part).collect()
}

/// A time as WakaTime writes it: what is less than the last unit is left out.
struct Hms {
    hours: i64,
    minutes: i64,
    seconds: i64,
}

impl Hms {
    fn of(nanos: i64) -> Hms {
        let seconds = nanos / 1_000_000_000;
        Hms {
            hours: seconds / 3_600,
            minutes: seconds / 60 % 60,
            seconds: seconds % 60,
        }
    }

    fn text(&self) -> String {
        let some = |count: i64, unit: &str| match count {
            0 => None,
            1 => Some(format!("1 {unit}")),
            _ => Some(format!("{count} {unit}s")),
        };
        match (some(self.hours, "hr"), some(self.minutes, "min")) {
            (Some(hours), Some(minutes)) => format!("{hours} {minutes}"),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => some(self.seconds, "sec").unwrap_or_else(|| "0 secs".to_owned()),
        }
    }

    fn decimal(&self) -> String {
        // Whole minutes, rounded down to a hundredth of an hour.
        format!("{}.{:02}", self.hours, self.minutes * 100 / 60)
    }
}

impl From<TodayError> for ApiError {
    fn from(error: TodayError) -> Self {
        match error {
            TodayError::Read(error) => error.into(),
            TodayError::Cancelled(error) => ApiError::Unavailable(error.to_string()),
        }
    }
}

fn ordinal(day: i8) -> &'static str {
    match day {
        1 | 21 | 31 => "st",
        2 | 22 => "nd",
        3 | 23 => "rd",
        _ => "th",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_wakatime_writes_them() {
        for (seconds, text, decimal) in [
            (0, "0 secs", "0.00"),
            (1, "1 sec", "0.00"),
            (59, "59 secs", "0.00"),
            (60, "1 min", "0.01"),
            (809, "13 mins", "0.21"),
            (3_600, "1 hr", "1.00"),
            (4_544, "1 hr 15 mins", "1.25"),
            (8_256, "2 hrs 17 mins", "2.28"),
        ] {
            let shown = Hms::of(seconds * 1_000_000_000 + 999_999_999);
            assert_eq!(
                (shown.text(), shown.decimal()),
                (text.to_owned(), decimal.to_owned())
            );
        }
    }

    #[test]
    fn days_are_counted() {
        let all = [1, 2, 3, 4, 11, 12, 13, 21, 22, 23, 30, 31].map(|day| format!("{day}{}", ordinal(day)));
        assert_eq!(
            all.join(" "),
            "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 23rd 30th 31st"
        );
    }
}

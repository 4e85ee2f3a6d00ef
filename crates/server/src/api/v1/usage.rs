//! `GET /api/1/usage`: sums of what a person did.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{Response, Uri};
use serde::Serialize;
use serde_json::value::RawValue;
use timberline_cancel::Cancel;
use timberline_model::Timestamp;
use timberline_query::activity::{Dimension, Filter, Label, Listed, Times, Usage, UsageRequest};
use timberline_query::calendar::{Bin, Interval};
use timberline_query::{Engine, Period, Warning};
use timberline_views::Snapshot;
use utoipa::ToSchema;

use super::activity::seconds;
use super::activity_definition::{ActivityParameters, Asked, boolean, count, malformed};
use crate::api::as_of::snapshot;
use crate::api::json_body::json_text;
use crate::api::on_engine::on_engine;
use crate::api::openapi::Error;
use crate::api::openapi::parameters::AsOfParameter;
use crate::app::App;
use crate::http::query_warnings::mark;
use crate::http::{ApiError, Query, json_answer};

/// Groups of an answer: unless given, and at most.
const GROUPS: (usize, usize) = (100, 10_000);
/// The most intervals of a period.
const MAX_INTERVALS: usize = 10_000;
/// The most sums of an answer.
const MAX_SUMS: usize = 500_000;

/// What time is added up by.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[allow(dead_code, reason = "it describes a parameter and is never constructed")]
pub(crate) enum UsageBy {
    App,
    Title,
    Category,
    Domain,
    Url,
    Project,
    File,
    Language,
    Bucket,
    Device,
}

/// How long the intervals are that have sums of their own.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[allow(dead_code, reason = "it describes a parameter and is never constructed")]
pub(crate) enum UsageInterval {
    None,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

/// Sums of activity. Those of all groups and of the others together are the total, to the nanosecond.
#[derive(Serialize, ToSchema)]
pub(crate) struct UsageJson {
    #[schema(format = DateTime)]
    start: String,
    #[schema(format = DateTime)]
    end: String,
    by: String,
    /// Seconds in all.
    #[schema(value_type = f64)]
    duration: Box<RawValue>,
    /// The intervals that the period is divided into.
    intervals: Vec<IntervalJson>,
    /// The groups with the most time, longest first.
    groups: Vec<GroupJson>,
    /// All other groups together.
    others: OthersJson,
    /// The earlier period that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    compared: Option<ComparedJson>,
    /// The program whose events were added up, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    query: Option<String>,
}

/// An interval: its time is from its start on, until before its end.
#[derive(Serialize, ToSchema)]
struct IntervalJson {
    /// As the person's clock showed it.
    #[schema(format = DateTime)]
    start: String,
    #[schema(format = DateTime)]
    end: String,
    /// The date of the day, or of the first day of the week, month or year.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = Date)]
    date: Option<String>,
    #[schema(value_type = f64)]
    duration: Box<RawValue>,
}

/// What has something in common.
#[derive(Serialize, ToSchema)]
struct GroupJson {
    /// What it is; null for events that do not have it.
    #[schema(value_type = serde_json::Value)]
    value: Box<RawValue>,
    #[schema(value_type = f64)]
    duration: Box<RawValue>,
    /// For each interval with some of it: the interval's place, from 0 on, and the seconds.
    #[schema(value_type = Vec<Vec<f64>>)]
    intervals: Vec<(usize, Box<RawValue>)>,
    /// Seconds in the earlier period, if one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<f64>)]
    before: Option<Box<RawValue>>,
}

/// The groups that are not listed.
#[derive(Serialize, ToSchema)]
struct OthersJson {
    /// How many there are.
    count: usize,
    #[schema(value_type = f64)]
    duration: Box<RawValue>,
    #[schema(value_type = Vec<Vec<f64>>)]
    intervals: Vec<(usize, Box<RawValue>)>,
}

/// An earlier period.
#[derive(Serialize, ToSchema)]
struct ComparedJson {
    #[schema(format = DateTime)]
    start: String,
    #[schema(format = DateTime)]
    end: String,
    #[schema(value_type = f64)]
    duration: Box<RawValue>,
}

/// Get sums of what you did
///
/// Adds up your activity by application, title, category and so on, and by hours, days, weeks, months or years of your calendar
/// (`docs/activity.md`).
#[utoipa::path(
    get,
    path = "/api/1/usage",
    operation_id = "get_usage",
    tag = "Activity",
    params(
        ActivityParameters,
        ("by" = Option<UsageBy>, Query, description = "What to group the time by; by default `category`"),
        ("interval" = Option<UsageInterval>, Query, description = "The length of the intervals; by default `none`"),
        ("compare" = Option<String>, Query, description = "An earlier period to compare with: `previous`, or `START/END`"),
        ("app" = Option<Vec<String>>, Query, description = "Only the time of this app counts. This and the following filters can be given several times, for several values. With several filters, and with `category`, only time counts in which all of them are true", nullable = false),
        ("title" = Option<Vec<String>>, Query, description = "Only the time of this window title", nullable = false),
        ("domain" = Option<Vec<String>>, Query, description = "Only the time of this domain", nullable = false),
        ("url" = Option<Vec<String>>, Query, description = "Only the time of this URL", nullable = false),
        ("project" = Option<Vec<String>>, Query, description = "Only the time of this project", nullable = false),
        ("file" = Option<Vec<String>>, Query, description = "Only the time of this file", nullable = false),
        ("language" = Option<Vec<String>>, Query, description = "Only the time of this programming language", nullable = false),
        ("limit" = Option<u64>, Query, description = "The most groups to list; by default 100", minimum = 1, maximum = 10000),
        ("query" = Option<bool>, Query, description = "Whether the answer contains the query program whose events were added up"),
        AsOfParameter,
    ),
    responses(
        (status = 200, description = "The sums", body = UsageJson),
        (status = 400, description = "A parameter is not valid", body = Error),
        (status = 404, description = "The record that `rules` names did not create a version of the categories", body = Error),
        (status = 413, description = "The answer would have too many sums", body = Error),
    ),
)]
pub(crate) async fn get(State(app): State<Arc<App>>, uri: Uri) -> Result<Response<Body>, ApiError> {
    let state = snapshot(&app, &uri).await?;
    let query = Query::of(&uri);
    let request = Request::read(&state.snapshot, query, state.past)?;
    let (text, warnings) = request.carry_out(&app, &state.snapshot, query).await?;
    Ok(state.mark(mark(json_answer(text), &warnings)))
}

/// The usage of one day, as JSON.
pub(super) struct Today {
    pub(super) text: String,
    /// The day.
    pub(super) day: Period,
}

/// The usage of the day that `now` lies in.
///
/// # Errors
/// As [`get`].
pub(super) async fn today(
    app: &Arc<App>,
    of: Arc<Snapshot>,
    uri: &Uri,
    now: Timestamp,
) -> Result<Today, ApiError> {
    let query = Query::of(uri);
    let request = Request::of(Asked::read_of_today(&of, query, now)?, query, false)?;
    let day = request.asked.period;
    let (text, _) = request.carry_out(app, &of, query).await?;
    let text = String::from_utf8(text)
        .map_err(|error| ApiError::Internal(format!("The usage cannot be written: {error}")))?;
    Ok(Today { text, day })
}

/// What only counts, by the parameters of the same names.
fn filters(query: Query<'_>) -> Result<Vec<Filter>, ApiError> {
    let mut filters = Vec::new();
    for name in ["app", "title", "domain", "url", "project", "file", "language"] {
        let values = query.get_all(name)?;
        if let (Some(by), false) = (Dimension::parse(name), values.is_empty()) {
            filters.push(Filter { by, values });
        }
    }
    Ok(filters)
}

/// What is asked.
struct Request {
    asked: Asked,
    by: Dimension,
    by_name: String,
    interval: Interval,
    compare: Option<Period>,
    limit: usize,
    program: bool,
    past: bool,
}

impl Request {
    fn read(snapshot: &Arc<Snapshot>, query: Query<'_>, past: bool) -> Result<Request, ApiError> {
        Request::of(Asked::read(snapshot, query)?, query, past)
    }

    /// Answers the request on the engine's threads.
    async fn carry_out(
        mut self,
        app: &Arc<App>,
        of: &Arc<Snapshot>,
        query: Query<'_>,
    ) -> Result<(Vec<u8>, Vec<Warning>), ApiError> {
        let period = self.all_of_time();
        self.asked.choose_rules(app, of, query, period).await?;
        let of = Arc::clone(of);
        let work = move |engine: &Engine, cancel: &Cancel| self.answer(engine, &of, cancel);
        let (text, warnings) = on_engine(app, work).await?;
        app.warned.log(&warnings);
        Ok((text, warnings))
    }

    fn of(mut asked: Asked, query: Query<'_>, past: bool) -> Result<Request, ApiError> {
        let by_name = query
            .get("by")?
            .map_or_else(|| "category".to_owned(), |by| by.into_owned());
        let by = Dimension::parse(&by_name).ok_or_else(|| {
            malformed(format!(
                "by: '{by_name}' is none of app, title, category, domain, url, project, file, language, bucket, device"
            ))
        })?;
        asked.definition.filters = filters(query)?;
        let interval = query.get("interval")?;
        let interval = Interval::parse(interval.as_deref().unwrap_or("none")).map_err(malformed)?;
        let compare = match query.get("compare")?.as_deref() {
            None => None,
            Some("previous") => Some(asked.calendar.previous(asked.period)),
            // A plus of an offset arrives as a blank.
            Some(period) => {
                let period = period.replace(' ', "+");
                Some(Period::parse(&period).map_err(|error| malformed(format!("compare: {error}")))?)
            }
        };
        let request = Request {
            by,
            by_name,
            interval,
            compare,
            limit: count(query, "limit", GROUPS.0, GROUPS.1)?,
            program: boolean(query, "query")?.unwrap_or(false),
            past,
            asked,
        };
        request.check_filters()?;
        Ok(request)
    }

    /// Whether what is filtered by fits what is added up.
    fn check_filters(&self) -> Result<(), ApiError> {
        let crosses = self.asked.definition.crosses(self.by.source());
        if crosses && matches!(self.by, Dimension::Bucket | Dimension::Device) {
            return Err(malformed(format!(
                "by: time by {} cannot be filtered by pages or files; add it up by app, title or category",
                self.by_name
            )));
        }
        if crosses || self.program {
            self.asked.definition.check_filters().map_err(malformed)?;
        }
        Ok(())
    }

    /// From the beginning of the earlier of its periods to the end of the later.
    fn all_of_time(&self) -> Period {
        let (period, other) = (self.asked.period, self.compare.unwrap_or(self.asked.period));
        Period {
            start: period.start.min(other.start),
            end: period.end.max(other.end),
        }
    }

    fn answer(
        &self,
        engine: &Engine,
        snapshot: &Snapshot,
        cancel: &Cancel,
    ) -> Result<(Vec<u8>, Vec<Warning>), ApiError> {
        let period = self.asked.period;
        let bins = self
            .asked
            .calendar
            .bins(period, self.interval, MAX_INTERVALS)
            .map_err(malformed)?;
        let usage = self.usage(
            engine,
            snapshot,
            (period, &bins),
            Listed::Longest(self.limit),
            cancel,
        )?;
        let sums: usize = usage.groups.iter().map(|(_, times)| times.bins.len()).sum();
        if sums > MAX_SUMS {
            return Err(ApiError::TooLarge(format!(
                "the answer would have {sums} sums, more than {MAX_SUMS}; ask for fewer groups (limit), longer intervals or a shorter period"
            )));
        }
        let before = match self.compare {
            None => None,
            Some(period) => {
                let whole = self
                    .asked
                    .calendar
                    .bins(period, Interval::None, 1)
                    .map_err(malformed)?;
                let labels: Vec<Label> = usage.groups.iter().map(|(label, _)| label.clone()).collect();
                let listed = Listed::These(&labels);
                Some((
                    period,
                    self.usage(engine, snapshot, (period, &whole), listed, cancel)?,
                ))
            }
        };
        let mut warnings = usage.warnings.clone();
        warnings.extend(before.iter().flat_map(|(_, usage)| usage.warnings.clone()));
        warnings.dedup();
        Ok((json_text(self.json(&usage, &bins, before.as_ref()))?, warnings))
    }

    fn usage(
        &self,
        engine: &Engine,
        snapshot: &Snapshot,
        (period, bins): (Period, &[Bin]),
        listed: Listed<'_>,
        cancel: &Cancel,
    ) -> Result<Usage, ApiError> {
        let request = UsageRequest {
            definition: &self.asked.definition,
            period,
            by: self.by,
            calendar: &self.asked.calendar,
            bins,
            listed,
            past: self.past,
        };
        Ok(engine.usage(snapshot, &request, cancel)?)
    }

    fn json(
        &self,
        usage: &Usage,
        bins: &[Bin],
        before: Option<&(Period, Usage)>,
    ) -> Result<UsageJson, serde_json::Error> {
        let earlier: Option<HashMap<&Label, i128>> = before.map(|(_, usage)| {
            let groups = usage.groups.iter();
            groups.map(|(label, times)| (label, times.all)).collect()
        });
        let group = |(label, times): &(Label, Times)| {
            let earlier = earlier.as_ref().map(|all| all.get(label).copied().unwrap_or(0));
            Ok(GroupJson {
                value: RawValue::from_string(label.clone().unwrap_or_else(|| "null".to_owned()))?,
                duration: seconds(times.all)?,
                intervals: self.parts(times)?,
                before: earlier.map(seconds).transpose()?,
            })
        };
        let compared = |(period, usage): &(Period, Usage)| {
            Ok::<_, serde_json::Error>(ComparedJson {
                start: period.start.to_string(),
                end: period.end.to_string(),
                duration: seconds(usage.total.all)?,
            })
        };
        Ok(UsageJson {
            start: self.asked.period.start.to_string(),
            end: self.asked.period.end.to_string(),
            by: self.by_name.clone(),
            duration: seconds(usage.total.all)?,
            intervals: self.intervals(usage, bins)?,
            groups: usage
                .groups
                .iter()
                .map(group)
                .collect::<Result<_, serde_json::Error>>()?,
            others: OthersJson {
                count: usage.others.0,
                duration: seconds(usage.others.1.all)?,
                intervals: self.parts(&usage.others.1)?,
            },
            compared: before.map(compared).transpose()?,
            query: self
                .program
                .then(|| self.asked.definition.sum_program(self.by.source())),
        })
    }

    /// The sums of each interval, if the period is divided.
    fn parts(&self, times: &Times) -> Result<Vec<(usize, Box<RawValue>)>, serde_json::Error> {
        if self.interval == Interval::None {
            return Ok(Vec::new());
        }
        times
            .bins
            .iter()
            .map(|(bin, nanos)| Ok((*bin, seconds(*nanos)?)))
            .collect()
    }

    fn intervals(&self, usage: &Usage, bins: &[Bin]) -> Result<Vec<IntervalJson>, serde_json::Error> {
        let totals: HashMap<usize, i128> = usage.total.bins.iter().copied().collect();
        let interval = |(i, bin): (usize, &Bin)| {
            Ok(IntervalJson {
                start: self.asked.calendar.format(bin.start),
                end: self.asked.calendar.format(bin.end),
                date: bin.date.map(|date| date.to_string()),
                duration: seconds(totals.get(&i).copied().unwrap_or(0))?,
            })
        };
        bins.iter().enumerate().map(interval).collect()
    }
}

//! A timeline with a lane for each category: what a person did, as the definition of activity has it, instead of what
//! buckets hold.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use timberline_cancel::Cancel;
use timberline_model::data::Members;
use timberline_model::{Duration, EventId, Timestamp};
use timberline_views::{Snapshot, TimeRange};

use super::grid::Grid;
use super::span::Span;
use super::{Lane, LaneName, Timeline};
use crate::activity::{
    ActivityRequest, ActivitySpan, Definition, Dimension, Listed, Place, Source, UsageRequest,
};
use crate::calendar::{Bin, Calendar};
use crate::engine::Engine;
use crate::error::QueryError;
use crate::period::Period;
use crate::warning::Warning;

/// The key of an event's category, as JSON text.
const CATEGORY: &str = r#""$category""#;

/// What is asked of a timeline of categories.
#[derive(Clone, Copy, Debug)]
pub struct CategoriesQuery<'a> {
    /// What counts.
    pub definition: &'a Definition,
    /// The person's calendar, for where the period is best divided.
    pub calendar: &'a Calendar,
    /// When.
    pub period: Period,
    /// The most spans of a lane.
    pub width: usize,
    /// Whether the snapshot is a past one.
    pub past: bool,
}

impl Engine {
    /// Computes a timeline with a lane for each category, those with most time first. The spans of a grid are sums of
    /// [`Engine::usage`], and so exactly what the definition's program gives.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn timeline_of_categories(
        &self,
        snapshot: &Snapshot,
        query: &CategoriesQuery<'_>,
        cancel: &Cancel,
    ) -> Result<(Timeline, Vec<Warning>), QueryError> {
        let Period { start, end } = query.period;
        let (lanes, warnings) = if has_more_events(snapshot, query)? {
            self.summed(snapshot, query, cancel)?
        } else {
            self.one_by_one(snapshot, query, cancel)?
        };
        Ok((Timeline { start, end, lanes }, warnings))
    }

    /// Each part of an event that counts as a span.
    fn one_by_one(
        &self,
        snapshot: &Snapshot,
        query: &CategoriesQuery<'_>,
        cancel: &Cancel,
    ) -> Result<(Vec<Lane>, Vec<Warning>), QueryError> {
        let request = ActivityRequest {
            definition: query.definition,
            source: Source::Activity,
            period: query.period,
            calendar: query.calendar,
            after: Place::FIRST,
            // An event can be in several parts; there is a limit to what is drawn all the same.
            limit: query.width,
            past: query.past,
        };
        let activity = self.activity(snapshot, &request, cancel)?;
        if activity.next.is_some() {
            return self.summed(snapshot, query, cancel);
        }
        let mut lanes: Vec<(i128, Lane)> = Vec::new();
        let mut numbers: FxHashMap<Option<String>, usize> = FxHashMap::default();
        for part in activity.spans.iter().filter(|part| !part.duration.is_negative()) {
            let category = category_of(&part.data);
            let number = *numbers.entry(category.clone()).or_insert_with(|| {
                lanes.push((0, lane(category, None)));
                lanes.len() - 1
            });
            if let Some((time, lane)) = lanes.get_mut(number) {
                *time += i128::from(part.duration.nanos());
                lane.spans.push(span_of(part));
            }
        }
        lanes.sort_by_key(|(time, _)| std::cmp::Reverse(*time));
        Ok((
            lanes.into_iter().map(|(_, lane)| lane).collect(),
            activity.warnings,
        ))
    }

    /// Sums of each category in each span of a grid.
    fn summed(
        &self,
        snapshot: &Snapshot,
        query: &CategoriesQuery<'_>,
        cancel: &Cancel,
    ) -> Result<(Vec<Lane>, Vec<Warning>), QueryError> {
        let (start, end) = (query.period.start.nanos(), query.period.end.nanos());
        let grid = Grid::finest(start, end.max(start.saturating_add(1)), query.width);
        let bins: Vec<Bin> = (grid.span_at(start)..=grid.span_at(end.saturating_sub(1).max(start)))
            .map(|span| Bin {
                start: Timestamp::from_nanos(grid.begin(span)),
                end: Timestamp::from_nanos(grid.begin(span + 1)),
                date: None,
            })
            .collect();
        let (Some(first), Some(last)) = (bins.first(), bins.last()) else {
            return Ok((Vec::new(), Vec::new()));
        };
        let request = UsageRequest {
            definition: query.definition,
            // Whole spans, so that each is the same wherever a timeline begins.
            period: Period {
                start: first.start,
                end: last.end,
            },
            by: Dimension::Category,
            calendar: query.calendar,
            bins: &bins,
            listed: Listed::Longest(usize::MAX),
            past: query.past,
        };
        let usage = self.usage(snapshot, &request, cancel)?;
        let lanes = usage.groups.into_iter().map(|(category, times)| {
            let data: Arc<str> = match &category {
                Some(category) => format!("{{{CATEGORY}:{category}}}").into(),
                None => "{}".into(),
            };
            let spans = times.bins.iter().filter_map(|(bin, nanos)| {
                let bin = bins.get(*bin)?;
                let time = Duration::from_nanos(i64::try_from(*nanos).ok().filter(|nanos| *nanos > 0)?);
                Some(Span {
                    start: bin.start,
                    end: bin.end,
                    covered: time,
                    events: None,
                    id: None,
                    data: Arc::clone(&data),
                    time,
                })
            });
            Lane {
                spans: spans.collect(),
                ..lane(category, Some(Duration::from_nanos(grid.width())))
            }
        });
        Ok((lanes.collect(), usage.warnings))
    }
}

/// Whether the buckets of windows have more events than fit.
fn has_more_events(snapshot: &Snapshot, query: &CategoriesQuery<'_>) -> Result<bool, QueryError> {
    let range = TimeRange {
        start: Some(query.period.start),
        end: Some(query.period.end),
    };
    for origin in query.definition.origins(Source::Activity) {
        if let Some(view) = snapshot.bucket(&origin.bucket)
            && view.has_more_than(range, query.width as u64)?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn lane(category: Option<String>, resolution: Option<Duration>) -> Lane {
    Lane {
        name: LaneName::Category(category),
        resolution,
        spans: Vec::new(),
    }
}

fn category_of(data: &str) -> Option<String> {
    let mut members = Members::of(data);
    let member = members.find(|(key, _)| *key == CATEGORY)?;
    Some(member.1.to_owned())
}

fn span_of(part: &ActivitySpan) -> Span {
    Span {
        start: part.start,
        end: part.start.saturating_add(part.duration),
        covered: part.duration,
        events: None,
        id: part.id.map(EventId),
        data: Arc::clone(&part.data),
        time: part.duration,
    }
}

//! Sums of what a person did: by app, category, domain and so on, and by hour, day, week, month or year.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use timberline_cancel::Cancel;
use timberline_views::Snapshot;

use super::cache::{Kept, Key};
use super::definition::Definition;
use super::dimension::Dimension;
use super::plan::Plan;
use super::quiet::Edges;
use super::stopwatch::Mixed;
use super::sums::{Grouping, Sums};
use super::text::Urls;
use super::total::Total;
use crate::calendar::{Bin, Calendar};
use crate::engine::Engine;
use crate::error::QueryError;
use crate::period::Period;
use crate::warning::Warning;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct UsageRequest<'a> {
    /// What counts.
    pub definition: &'a Definition,
    /// When.
    pub period: Period,
    /// What time is added up by.
    pub by: Dimension,
    /// The person's calendar, for where the period is best divided.
    pub calendar: &'a Calendar,
    /// The intervals: [`Calendar::bins`] of the period.
    pub bins: &'a [Bin],
    /// Which groups are listed; the others are added up.
    pub listed: Listed<'a>,
    /// Whether the snapshot is a past one.
    pub past: bool,
}

/// Which groups an answer lists.
#[derive(Clone, Copy, Debug)]
pub enum Listed<'a> {
    /// At most so many, those with the most time.
    Longest(usize),
    /// These, if they have some time.
    These(&'a [Label]),
}

/// The sums. Those of all groups and of the others together are the total, in each interval and in all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    /// Of the whole period, and of each interval.
    pub total: Times,
    /// The groups that are listed, longest first.
    pub groups: Vec<(Label, Times)>,
    /// How many groups are not listed, and their time.
    pub others: (usize, Times),
    /// Rules that were given up on some texts.
    pub warnings: Vec<Warning>,
}

/// What a group has in common: JSON text of a member of data, or the name of a bucket or device as JSON text; none for
/// events that do not have it.
pub type Label = Option<String>;

/// Nanoseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Of the whole period.
    pub all: i128,
    /// Of each interval that is not empty: its place among the intervals, ascending.
    pub bins: Vec<(usize, i128)>,
}

impl Times {
    pub(super) fn of(bins: FxHashMap<usize, i128>) -> Times {
        let mut bins: Vec<(usize, i128)> = bins.into_iter().filter(|(_, nanos)| *nanos != 0).collect();
        bins.sort_unstable();
        Times {
            all: bins.iter().map(|(_, nanos)| nanos).sum(),
            bins,
        }
    }
}

impl Engine {
    /// Adds up what was done in a period: exactly the durations that the definition's
    /// [program](Definition::sum_program) gives, divided at the bounds of the intervals.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn usage(
        &self,
        snapshot: &Snapshot,
        request: &UsageRequest<'_>,
        cancel: &Cancel,
    ) -> Result<Usage, QueryError> {
        let source = request.by.source();
        let plan = Plan::new(
            self,
            snapshot,
            request.definition,
            (source, Urls::Whole),
            request.past,
            cancel,
        )?;
        let of = |by| {
            let labels = match request.past {
                true => Arc::default(),
                false => self.activity.labels(by),
            };
            Grouping::of(&plan.catalog, labels, by, request.definition.origins(source))
        };
        let groupings: Vec<Grouping<'_>> = request.by.with_companions().map(of).collect();
        let total = plan.total(request, &groupings)?;
        let usage = total.map(|total| total.list(request.listed)).unwrap_or_default();
        drop(groupings);
        let warnings = plan.into_warnings();
        Ok(Usage { warnings, ..usage })
    }
}

impl Plan<'_> {
    /// The sums of each group in each bin.
    fn total(
        &self,
        request: &UsageRequest<'_>,
        groupings: &[Grouping<'_>],
    ) -> Result<Option<Total>, QueryError> {
        let (Some(grouping), true) = (groupings.first(), request.period.start < request.period.end) else {
            return Ok(None);
        };
        let mut total = Total::new(grouping.labels(), self.guard.charge(0)?);
        let starts: Vec<i64> = request.bins.iter().skip(1).map(|bin| bin.start.nanos()).collect();
        if self.definition.crosses(self.source) {
            self.add_across(request, grouping, &starts, &mut total)?;
            return Ok(Some(total));
        }
        let stopwatch = self.stopwatch(request.period)?;
        let whole = stopwatch
            .as_ref()
            .is_some_and(|s| s.durations().iter().any(|d| *d < 0));
        let make = |from, to| self.part_sums(grouping, groupings, &starts, from, to);
        let parts = self.divided(request.period, request.calendar, whole, make)?;
        let mut replaced = 0..0;
        if let Some(stopwatch) = stopwatch {
            let ends: Vec<(i64, i64)> = parts.iter().map(|(from, to, _)| (*from, *to)).collect();
            let Mixed { parts, spans } = self.mixed(&stopwatch, &ends)?;
            replaced = parts.0..parts.1;
            let spans = spans.into_iter().filter(|span| self.counts(span.event.data));
            total.add(&Sums::of(grouping, &starts, spans), 0)?;
        }
        for (i, (from, _, sums)) in parts.iter().enumerate() {
            if !replaced.contains(&i) {
                let offset = starts.partition_point(|start| start <= from);
                total.add(sums, offset)?;
            }
        }
        Ok(Some(total))
    }

    /// The sums of a part, kept or computed. If they are computed, so are those of all `groupings`: they are likely to be asked
    /// for next.
    fn part_sums(
        &self,
        grouping: &Grouping<'_>,
        groupings: &[Grouping<'_>],
        starts: &[i64],
        from: i64,
        to: i64,
    ) -> Result<(Edges, Arc<Sums>), QueryError> {
        let inside = starts.partition_point(|s| *s <= from)..starts.partition_point(|s| *s < to);
        let inside = starts.get(inside).unwrap_or_default();
        let program = self.parts.number;
        let bins: Arc<[i64]> = inside.into();
        let key = |grouping: &Grouping<'_>| Key::Sums {
            program,
            from,
            to,
            by: grouping.dimension(),
            bins: Arc::clone(&bins),
            wanted: self.wanted_key(),
        };
        let edges_key = Key::Edges { program, from, to };
        if let Some(Kept::Edges(edges)) = self.cached(&edges_key)
            && let Some(Kept::Sums(sums)) = self.cached(&key(grouping))
            && sums.is_of(grouping.labels())
        {
            return Ok((edges, sums));
        }
        let part = self.part(from, to)?;
        self.warn(&part.warnings);
        let reads = Arc::new(part.reads);
        self.keep(edges_key, Kept::Edges(part.edges), &part.warnings, &reads);
        let sums = |grouping: &Grouping<'_>| {
            let spans = part.spans.iter().copied();
            let spans = spans.filter(|span| self.counts(span.event.data));
            let sums = Arc::new(Sums::of(grouping, inside, spans));
            let kept = Kept::Sums(Arc::clone(&sums));
            self.keep(key(grouping), kept, &part.warnings, &reads);
            sums
        };
        if !self.past {
            groupings
                .iter()
                .skip(1)
                .for_each(|companion| drop(sums(companion)));
        }
        Ok((part.edges, sums(grouping)))
    }
}

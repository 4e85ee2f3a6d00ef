//! Sums of what a person did: by app, category, domain and so on, and by hour, day, week, month or year.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use timberline_cancel::Cancel;
use timberline_views::Snapshot;

use super::cache::{Kept, Key};
use super::definition::Definition;
use super::plan::Plan;
use super::quiet::Edges;
use super::stopwatch::Mixed;
use super::sums::{Dimension, Grouping, Sums, Total};
use crate::calendar::{Bin, Calendar};
use crate::engine::Engine;
use crate::error::QueryError;
use crate::period::Period;
use crate::warning::Warning;

/// About what a sum takes while those of all parts are added up.
const SUM_BYTES: usize = 64;

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
    /// Groups to list; the others are added up.
    pub limit: usize,
    /// Whether the snapshot is a past one.
    pub past: bool,
}

/// The sums. Those of all groups and of the others together are the total, in each interval and in all.
#[derive(Clone, Debug, PartialEq)]
pub struct Usage {
    /// Of the whole period, and of each interval.
    pub total: Times,
    /// The groups with the most time, longest first.
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
    fn of(bins: FxHashMap<usize, i128>) -> Times {
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
    /// [program](Definition::program) gives, divided at the bounds of the intervals.
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
        let plan = Plan::new(self, snapshot, request.definition, source, request.past, cancel)?;
        let dimensions = request.by.with_companions(is_long(request.period)).into_iter();
        let of = |by| Grouping::of(&plan.catalog, by, request.definition.origins(source));
        let groupings: Vec<Grouping<'_>> = dimensions.map(of).collect();
        let usage = listed(plan.total(request, &groupings)?, request.limit);
        drop(groupings);
        let warnings = plan.into_warnings();
        Ok(Usage { warnings, ..usage })
    }
}

impl Plan<'_> {
    /// The sums of each group in each bin.
    fn total(&self, request: &UsageRequest<'_>, groupings: &[Grouping<'_>]) -> Result<Total, QueryError> {
        let mut total = Total::default();
        let [grouping, companions @ ..] = groupings else {
            return Ok(total);
        };
        if request.period.end <= request.period.start {
            return Ok(total);
        }
        let starts: Vec<i64> = request.bins.iter().skip(1).map(|bin| bin.start.nanos()).collect();
        let stopwatch = self.stopwatch(request.period)?;
        let whole = stopwatch
            .as_ref()
            .is_some_and(|s| s.durations().iter().any(|d| *d < 0));
        let keep = !(is_long(request.period) && grouping.has_many_groups());
        let make = |from, to| self.part_sums((grouping, keep), companions, &starts, from, to);
        let parts = self.divided(request.period, request.calendar, whole, make)?;
        let count: usize = parts.iter().map(|(_, _, sums)| sums.len()).sum();
        let _charge = self.guard.charge(count.saturating_mul(SUM_BYTES))?;
        let mut replaced = 0..0;
        if let Some(stopwatch) = stopwatch {
            let ends: Vec<(i64, i64)> = parts.iter().map(|(from, to, _)| (*from, *to)).collect();
            let Mixed { parts, spans } = self.mixed(&stopwatch, &ends)?;
            replaced = parts.0..parts.1;
            let spans = spans.into_iter().filter(|span| self.counts(span.event.data));
            total.add(&Sums::of(grouping, &starts, spans), 0);
        }
        for (i, (from, _, sums)) in parts.iter().enumerate() {
            if !replaced.contains(&i) {
                let offset = starts.partition_point(|start| start <= from);
                total.add(sums, offset);
            }
        }
        Ok(total)
    }

    /// The sums of a part, kept or computed. If they are computed, so are those of the companions, which are likely to be asked
    /// for next, and they are kept if they should be.
    fn part_sums(
        &self,
        (grouping, keep): (&Grouping<'_>, bool),
        companions: &[Grouping<'_>],
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
            by: grouping.key(),
            bins: Arc::clone(&bins),
            wanted: self.wanted_key(),
        };
        let edges_key = Key::Edges { program, from, to };
        if let Some(Kept::Edges(edges)) = self.cached(&edges_key)
            && let Some(Kept::Sums(sums)) = self.cached(&key(grouping))
        {
            return Ok((edges, sums));
        }
        let part = self.part(from, to)?;
        self.warn(&part.warnings);
        let reads = Arc::new(part.reads);
        let sums = |grouping: &Grouping<'_>, keep: bool| {
            let spans = part.spans.iter().copied();
            let spans = spans.filter(|span| self.counts(span.event.data));
            let sums = Arc::new(Sums::of(grouping, inside, spans));
            if keep {
                let kept = Kept::Sums(Arc::clone(&sums));
                self.keep(key(grouping), kept, &part.warnings, &reads);
            }
            sums
        };
        self.keep(edges_key, Kept::Edges(part.edges), &part.warnings, &reads);
        if !self.past {
            companions
                .iter()
                .for_each(|companion| drop(sums(companion, true)));
        }
        Ok((part.edges, sums(grouping, keep)))
    }
}

/// Whether a period has so many parts that sums with many groups would displace everything else from the cache: a day of a busy
/// person has a thousand titles.
fn is_long(period: Period) -> bool {
    const TWO_MONTHS: i64 = 62 * 86_400 * 1_000_000_000;
    period.end.nanos().saturating_sub(period.start.nanos()) > TWO_MONTHS
}

/// Lists the largest groups.
fn listed(sums: Total, limit: usize) -> Usage {
    let mut total: FxHashMap<usize, i128> = FxHashMap::default();
    let mut groups: Vec<(Label, Times)> = Vec::new();
    for (label, bins) in sums.into_groups() {
        for (bin, nanos) in &bins {
            *total.entry(*bin).or_default() += nanos;
        }
        groups.push((label.as_deref().map(str::to_owned), Times::of(bins)));
    }
    groups.retain(|(_, times)| !times.bins.is_empty());
    groups.sort_unstable_by(|(a, x), (b, y)| y.all.cmp(&x.all).then_with(|| a.cmp(b)));
    let mut others: FxHashMap<usize, i128> = FxHashMap::default();
    let left_out = groups.split_off(limit.min(groups.len()));
    for (bin, nanos) in left_out.iter().flat_map(|(_, times)| &times.bins) {
        *others.entry(*bin).or_default() += nanos;
    }
    Usage {
        total: Times::of(total),
        groups,
        others: (left_out.len(), Times::of(others)),
        warnings: Vec::new(),
    }
}

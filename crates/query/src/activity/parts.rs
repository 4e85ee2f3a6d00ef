//! The activity of a part of a period: what the program gives on it, and whether the part could be cut out exactly.

use std::cell::RefCell;

use rustc_hash::FxHashMap;

use super::definition::Source;
use super::plan::Plan;
use super::quiet::{Edges, edges};
use crate::catalog::{EMPTY_OBJECT, ObjectId};
use crate::error::QueryError;
use crate::evaluate::evaluate_with;
use crate::events::{Builder, Event, Events, NO_ID};
use crate::period::Period;
use crate::program::Prepared;
use crate::run::Reads;
use crate::scope::Scope;
use crate::transform::union_no_overlap;
use crate::value::Value;
use crate::warning::Warning;

/// A stretch of time in which a person did one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) event: Event,
    /// The place of its bucket in the list of origins.
    pub(super) origin: u32,
}

/// What was done in a part of a period. The filters of one device, of pages and of files and the stopwatch are still missing.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) spans: Vec<Span>,
    pub(super) edges: Edges,
    pub(super) reads: Reads,
    pub(super) warnings: Vec<Warning>,
}

impl Plan<'_> {
    pub(super) fn part(&self, from: i64, to: i64) -> Result<Part, QueryError> {
        self.part_by(&self.parts, from, to)
    }

    /// The same by another program of the parts.
    pub(super) fn part_by(&self, program: &Prepared, from: i64, to: i64) -> Result<Part, QueryError> {
        let (value, reads, warnings) = self.evaluate(program, None, from, to)?;
        let mut both = lists(&value)?.into_iter();
        let (buckets, lists_) = (both.next(), both.next());
        let buckets = event_lists(self.scope(), buckets.as_ref())?;
        let lists_ = event_lists(self.scope(), lists_.as_ref())?;
        let mut edges = edges(&buckets, from, to);
        let several = self.source == Source::Activity && lists_.len() > 1;
        let spans = if several {
            // What an earlier device does at a cut decides about events of the later ones far from it.
            let earlier = lists_.split_last().map_or(&[][..], |(_, earlier)| earlier);
            let filtered = lists_.iter().map(|list| self.filtered(list));
            let filtered: Vec<Events> = filtered.collect::<Result<_, _>>()?;
            edges.end_quiet &= earlier
                .iter()
                .all(|list| list.iter().all(|event| event.end() < to));
            // An event of a later device passes whole if it is compared with an event without duration.
            let without = earlier.iter().any(|list| list.durations().contains(&0));
            let across = lists_
                .iter()
                .any(|list| list.iter().any(|event| event.end() >= to));
            edges.end_quiet &= !(without && across);
            self.by_device(&filtered)?
        } else {
            let spans = (0..)
                .zip(&lists_)
                .flat_map(|(origin, list)| list.iter().map(move |event| (origin, event)));
            spans.map(|(origin, event)| Span { event, origin }).collect()
        };
        Ok(Part {
            spans,
            edges,
            reads,
            warnings,
        })
    }

    /// The devices' events: where several were used, those of the earlier one.
    fn by_device(&self, lists: &[Events]) -> Result<Vec<Span>, QueryError> {
        let scope = self.scope();
        let mut numbers = Numbers::default();
        let mut all = Events::empty(scope.guard)?;
        for (origin, list) in (0..).zip(lists) {
            let numbered = numbers.number(scope, list.iter().map(|event| Span { event, origin }))?;
            all = union_no_overlap(scope, &all, &numbered)?;
        }
        Ok(numbers.spans(&all))
    }

    fn filtered(&self, events: &Events) -> Result<Events, QueryError> {
        match &self.wanted {
            None => Ok(events.clone()),
            Some(wanted) => events.filter(&self.guard, |object| Ok(wanted.has(self.scope(), object))),
        }
    }

    /// Runs a program on a part of the period.
    pub(super) fn evaluate(
        &self,
        prepared: &Prepared,
        given: Option<(&str, Value)>,
        from: i64,
        to: i64,
    ) -> Result<(Value, Reads, Vec<Warning>), QueryError> {
        let period = Period::of_nanos(from, to);
        let run = self
            .engine
            .new_run(self.snapshot, self.scope(), prepared, period, "", false);
        let value = evaluate_with(&run, &prepared.program, &prepared.last_uses, given)?;
        let warnings = RefCell::into_inner(run.warnings);
        Ok((value, run.reads.into_inner(), warnings.as_slice().to_vec()))
    }
}

fn lists(value: &Value) -> Result<Vec<Value>, QueryError> {
    let items = value.items().map(|items| items.iter().collect());
    items.ok_or_else(|| QueryError::internal("the program of an activity returned no lists"))
}

/// A list of lists of events; an empty one may be a list of nothing.
fn event_lists(scope: Scope<'_>, value: Option<&Value>) -> Result<Vec<Events>, QueryError> {
    let Some(value) = value else {
        return Ok(Vec::new());
    };
    lists(value)?
        .into_iter()
        .map(|list| as_events(scope, list))
        .collect()
}

/// A list of events.
pub(super) fn as_events(scope: Scope<'_>, list: Value) -> Result<Events, QueryError> {
    match list {
        Value::Events(events) => Ok(events),
        _ => Events::empty(scope.guard),
    }
}

/// Numbers for pairs of origin and data, in the place of data: so that transforms carry the origin along.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    pairs: Vec<(u32, ObjectId)>,
    known: FxHashMap<(u32, ObjectId), u32>,
}

impl Numbers {
    pub(super) fn number(
        &mut self,
        scope: Scope<'_>,
        spans: impl Iterator<Item = Span>,
    ) -> Result<Events, QueryError> {
        let mut out = Builder::new(scope.guard)?;
        for Span { event, origin } in spans {
            let pair = (origin, event.data);
            let number = *self.known.entry(pair).or_insert_with(|| {
                self.pairs.push(pair);
                self.pairs.len() as u32 - 1
            });
            out.push(Event {
                data: number,
                ..event
            })?;
        }
        out.build()
    }

    pub(super) fn spans(&self, events: &Events) -> Vec<Span> {
        let span = |event: Event| {
            let (origin, data) = self
                .pairs
                .get(event.data as usize)
                .copied()
                .unwrap_or((0, EMPTY_OBJECT));
            Span {
                event: Event { data, ..event },
                origin,
            }
        };
        events.iter().map(span).collect()
    }
}

/// Joins the spans of two neighbouring parts: what goes on across the cut between them becomes one span again.
pub(super) fn join(mut left: Vec<Span>, mut right: Vec<Span>, cut: i64) -> Vec<Span> {
    let ends = left
        .iter_mut()
        .rev()
        .find(|span| span.event.end() == cut && span.event.duration > 0);
    let begins = right
        .iter()
        .position(|span| span.event.start == cut && span.event.duration > 0);
    if let (Some(before), Some(at)) = (ends, begins)
        && let Some(after) = right.get(at)
        && (before.origin, before.event.data) == (after.origin, after.event.data)
    {
        before.event.duration = after.event.end().saturating_sub(before.event.start);
        if before.event.id != after.event.id {
            before.event.id = NO_ID;
        }
        right.remove(at);
    }
    left.append(&mut right);
    left
}

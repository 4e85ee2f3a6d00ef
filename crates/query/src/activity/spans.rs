//! What a person did as spans of time, a page at a time.

use std::sync::Arc;

use timberline_cancel::Cancel;
use timberline_model::{Duration, Timestamp};
use timberline_views::Snapshot;

use super::cache::{Kept, Key};
use super::definition::{Definition, Source};
use super::parts::{Span, join};
use super::plan::{Origin, Plan};
use super::quiet::Edges;
use super::stopwatch::Mixed;
use super::text::Urls;
use crate::calendar::Calendar;
use crate::catalog::ObjectId;
use crate::engine::Engine;
use crate::error::QueryError;
use crate::events::NO_ID;
use crate::period::Period;
use crate::warning::Warning;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct ActivityRequest<'a> {
    /// What counts.
    pub definition: &'a Definition,
    /// Windows, pages or files.
    pub source: Source,
    /// When.
    pub period: Period,
    /// The person's calendar, for where the period is best divided.
    pub calendar: &'a Calendar,
    /// Spans to leave out: those before this place, which an earlier page ended with.
    pub after: Place,
    /// The most spans of a page.
    pub limit: usize,
    /// Whether the snapshot is a past one.
    pub past: bool,
}

/// A place in the list of all spans, which is in order of their starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The start of the next span.
    pub start: Timestamp,
    /// How many spans with that start come before it.
    pub skip: usize,
}

impl Place {
    /// The beginning of the list.
    pub const FIRST: Place = Place {
        start: Timestamp::MIN,
        skip: 0,
    };
}

/// A page of spans.
#[derive(Clone, Debug, Default)]
pub struct Activity {
    /// In the order of their starts.
    pub spans: Vec<ActivitySpan>,
    /// Where the next page begins, if there is one.
    pub next: Option<Place>,
    /// Rules that were given up on some texts.
    pub warnings: Vec<Warning>,
}

/// A stretch of time in which a person did one thing.
#[derive(Clone, Debug, PartialEq)]
pub struct ActivitySpan {
    /// When it began.
    pub start: Timestamp,
    /// How long it lasted.
    pub duration: Duration,
    /// The event that it is a part of, unless it is of several.
    pub id: Option<u64>,
    /// Where the event is.
    pub origin: Arc<Origin>,
    /// The event's data, with `$category` and the like, as JSON text.
    pub data: Arc<str>,
}

impl Engine {
    /// What was done in a period: the events that the definition's [program](Definition::program) gives, in the order of
    /// their starts.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn activity(
        &self,
        snapshot: &Snapshot,
        request: &ActivityRequest<'_>,
        cancel: &Cancel,
    ) -> Result<Activity, QueryError> {
        if request.period.end < request.period.start {
            return Ok(Activity::default());
        }
        let plan = Plan::new(
            self,
            snapshot,
            request.definition,
            (request.source, Urls::Split),
            request.past,
            cancel,
        )?;
        let (spans, next) = plan.page(request)?;
        let spans = plan.shown(&spans);
        Ok(Activity {
            spans,
            next,
            warnings: plan.into_warnings(),
        })
    }
}

impl Plan<'_> {
    fn page(&self, request: &ActivityRequest<'_>) -> Result<(Vec<Span>, Option<Place>), QueryError> {
        let stopwatch = self.stopwatch(request.period)?;
        let whole = stopwatch
            .as_ref()
            .is_some_and(|s| s.durations().iter().any(|d| *d < 0));
        let make = |from, to| self.part_edges(from, to).map(|edges| (edges, ()));
        let parts = self.divided(request.period, request.calendar, whole, make)?;
        let parts: Vec<(i64, i64)> = parts.into_iter().map(|(from, to, ())| (from, to)).collect();
        let mixed = stopwatch
            .map(|stopwatch| self.mixed(&stopwatch, &parts))
            .transpose()?;
        let mut reader = Reader::new(self, request, &parts, mixed);
        reader.read()?;
        Ok(reader.finish())
    }

    /// Whether a part can be cut out, kept or computed.
    fn part_edges(&self, from: i64, to: i64) -> Result<Edges, QueryError> {
        let program = self.parts.number;
        let key = Key::Edges { program, from, to };
        if let Some(Kept::Edges(edges)) = self.cached(&key) {
            return Ok(edges);
        }
        let part = self.part(from, to)?;
        self.keep(
            key,
            Kept::Edges(part.edges),
            &part.warnings,
            &Arc::new(part.reads),
        );
        Ok(part.edges)
    }

    fn shown(&self, spans: &[Span]) -> Vec<ActivitySpan> {
        let origins: Vec<Arc<Origin>> = self
            .definition
            .origins(self.source)
            .into_iter()
            .map(Arc::new)
            .collect();
        let nowhere = || {
            Arc::new(Origin {
                bucket: String::new(),
                device: String::new(),
            })
        };
        let mut texts: rustc_hash::FxHashMap<ObjectId, Arc<str>> = rustc_hash::FxHashMap::default();
        let mut text = |object: ObjectId| {
            let text = texts.entry(object).or_insert_with(|| {
                let mut text = Vec::new();
                self.catalog.write_object(object, &mut text);
                String::from_utf8_lossy(&text).into()
            });
            Arc::clone(text)
        };
        let shown = |span: &Span| ActivitySpan {
            start: Timestamp::from_nanos(span.event.start),
            duration: Duration::from_nanos(span.event.duration),
            id: (span.event.id != NO_ID).then_some(span.event.id),
            origin: origins.get(span.origin as usize).cloned().unwrap_or_else(nowhere),
            data: text(span.event.data),
        };
        spans.iter().map(shown).collect()
    }
}

/// Reads part after part until a page is full.
struct Reader<'a, 'b> {
    plan: &'a Plan<'b>,
    request: &'a ActivityRequest<'a>,
    parts: &'a [(i64, i64)],
    mixed: (usize, usize),
    /// Spans of parts that were read, and those that the stopwatch brought in; in order.
    pending: Vec<Span>,
    /// What the stopwatch brought in and no part that was read reaches.
    later: Vec<Span>,
}

impl<'a, 'b> Reader<'a, 'b> {
    fn new(
        plan: &'a Plan<'b>,
        request: &'a ActivityRequest<'a>,
        parts: &'a [(i64, i64)],
        mixed: Option<Mixed>,
    ) -> Reader<'a, 'b> {
        let (range, spans) = mixed.map_or(((0, 0), Vec::new()), |mixed| (mixed.parts, mixed.spans));
        Reader {
            plan,
            request,
            parts,
            mixed: range,
            pending: Vec::new(),
            later: spans,
        }
    }

    fn is_mixed(&self, part: usize) -> bool {
        (self.mixed.0..self.mixed.1).contains(&part)
    }

    /// Reads until there are enough spans for a page and one more, with all that start at the same time as those.
    fn read(&mut self) -> Result<(), QueryError> {
        let after = self.request.after.start.nanos();
        let first = self
            .parts
            .partition_point(|(from, _)| *from <= after)
            .saturating_sub(1);
        let enough = self
            .request
            .limit
            .saturating_add(self.request.after.skip)
            .saturating_add(1);
        for (i, (from, to)) in self.parts.iter().enumerate().skip(first) {
            if self.is_mixed(i) {
                // All of it is among the later ones, as far as the stopwatch's part goes.
                let mixed = std::mem::take(&mut self.later);
                self.add(mixed, *from);
            } else {
                let part = self.plan.part(*from, *to)?;
                self.plan.warn(&part.warnings);
                self.add(part.spans, *from);
            }
            let whole = self.is_mixed(i) && self.is_mixed(i + 1);
            let goes_on = self.pending.iter().any(|span| span.event.end() == *to);
            let complete = self.pending.iter().filter(|span| {
                let start = span.event.start;
                start >= after && start < *to && self.plan.counts(span.event.data)
            });
            if !whole && !goes_on && complete.count() >= enough {
                break;
            }
        }
        Ok(())
    }

    fn add(&mut self, spans: Vec<Span>, cut: i64) {
        let before = std::mem::take(&mut self.pending);
        self.pending = join(before, spans, cut);
    }

    fn finish(self) -> (Vec<Span>, Option<Place>) {
        let Place { start: after, skip } = self.request.after;
        let mut spans = self.pending;
        spans.extend(self.later);
        spans.retain(|span| span.event.start >= after.nanos() && self.plan.counts(span.event.data));
        spans.sort_by_key(|span| span.event.start);
        let skip = skip.min(
            spans
                .iter()
                .take_while(|s| s.event.start == after.nanos())
                .count(),
        );
        spans.drain(..skip);
        let next = spans.get(self.request.limit).map(|span| span.event.start);
        spans.truncate(self.request.limit);
        let next = next.map(|start| {
            let same = spans.iter().filter(|span| span.event.start == start).count();
            Place {
                start: Timestamp::from_nanos(start),
                skip: same + if start == after.nanos() { skip } else { 0 },
            }
        });
        (spans, next)
    }
}

//! The stopwatch, whose events come before all others.
//!
//! `union_no_overlap` walks both lists as they are, and the stopwatch's events come newest first. So up to the start of
//! the newest one everything else passes as it is; around there the rest is put in; and what comes later passes again.
//! Only the parts around that place have to be computed with the stopwatch.

use super::parts::{Numbers, Part, Span, as_events, join};
use super::plan::Plan;
use super::text::Urls;
use crate::error::QueryError;
use crate::events::{Builder, Events};
use crate::period::Period;
use crate::transform::union_and_untouched;
use crate::value::Value;

/// The events of the stopwatch, put into the parts around the newest of them.
pub(super) struct Mixed {
    /// The first part that is replaced, and the first after it that is not.
    pub(super) parts: (usize, usize),
    pub(super) spans: Vec<Span>,
}

impl Plan<'_> {
    /// The events of the stopwatch in the period, newest first; none if it is not asked for.
    pub(super) fn stopwatch(&self, period: Period) -> Result<Option<Events>, QueryError> {
        let Some(program) = self.definition.stopwatch_program() else {
            return Ok(None);
        };
        if self.source != super::Source::Activity {
            return Ok(None);
        }
        let prepared = self.engine.prepare(&program)?;
        let (value, _, warnings) =
            self.evaluate(&prepared, None, period.start.nanos(), period.end.nanos())?;
        self.warn(&warnings);
        let events = as_events(self.scope(), value)?;
        Ok(Some(events).filter(|events| !events.is_empty()))
    }

    /// Puts the events of the stopwatch in. `parts` are the ends of the parts.
    pub(super) fn mixed(&self, stopwatch: &Events, parts: &[(i64, i64)]) -> Result<Mixed, QueryError> {
        let newest = stopwatch.starts().first().copied().unwrap_or(i64::MIN);
        let first = parts
            .partition_point(|(from, _)| *from <= newest)
            .saturating_sub(1);
        // Several devices have their categories before they are put together, a single one after the stopwatch.
        let several = self.definition.devices.len() > 1;
        let program = self.definition.parts_program(self.source, several, Urls::Whole);
        let program = self.engine.prepare(&program)?;
        let mut count = 1;
        loop {
            let last = (first + count).min(parts.len());
            let mut spans: Vec<Span> = Vec::new();
            for (i, (from, to)) in parts.iter().enumerate().take(last).skip(first) {
                let Part {
                    spans: more,
                    warnings,
                    ..
                } = self.part_by(&program, *from, *to)?;
                self.warn(&warnings);
                spans = if i == first {
                    more
                } else {
                    join(spans, more, *from)
                };
            }
            let mut numbers = Numbers::default();
            let origin = self.definition.devices.len() as u32;
            let stopwatch = stopwatch.iter().map(|event| Span { event, origin });
            let stopwatch = numbers.number(self.scope(), stopwatch)?;
            let others = numbers.number(self.scope(), spans.into_iter())?;
            let (union, untouched) = union_and_untouched(self.scope(), &stopwatch, &others)?;
            if untouched > 0 || last == parts.len() {
                return Ok(Mixed {
                    parts: (first, last),
                    spans: self.categorized(&numbers.spans(&union), parts)?,
                });
            }
            count *= 2;
        }
    }

    /// The spans with their categories.
    fn categorized(&self, spans: &[Span], parts: &[(i64, i64)]) -> Result<Vec<Span>, QueryError> {
        let Some(program) = self.definition.categories_program() else {
            return Ok(spans.to_vec());
        };
        let (Some((from, _)), Some((_, to))) = (parts.first(), parts.last()) else {
            return Ok(Vec::new());
        };
        let prepared = self.engine.prepare(&program)?;
        let mut all = Vec::with_capacity(spans.len());
        // The language knows nothing of origins, so each has a list of its own.
        for origin in 0..=self.definition.devices.len() as u32 {
            let mut events = Builder::new(&self.guard)?;
            for span in spans.iter().filter(|span| span.origin == origin) {
                events.push(span.event)?;
            }
            let given = Some(("events", Value::Events(events.build()?)));
            let (value, _, warnings) = self.evaluate(&prepared, given, *from, *to)?;
            self.warn(&warnings);
            let events = as_events(self.scope(), value)?;
            all.extend(events.iter().map(|event| Span { event, origin }));
        }
        Ok(all)
    }
}

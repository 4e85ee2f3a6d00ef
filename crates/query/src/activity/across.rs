//! Sums of a source that another one filters: the time of apps while a page was in front, or of pages while a category counted.
//!
//! They are what their program gives ([`Definition::sum_program`](super::definition::Definition::sum_program)), for the whole period at once: the events of the other source decide
//! about those of this one, so a part would have to be quiet in both.

use super::parts::{Span, as_events};
use super::plan::Plan;
use super::sums::{Grouping, Sums};
use super::total::Total;
use super::usage::UsageRequest;
use crate::error::QueryError;

/// In the place of the origin of a span that is not known.
const NOWHERE: u32 = u32::MAX - 1;

impl Plan<'_> {
    /// Adds the sums of the whole period to the total.
    pub(super) fn add_across(
        &self,
        request: &UsageRequest<'_>,
        grouping: &Grouping<'_>,
        starts: &[i64],
        total: &mut Total,
    ) -> Result<(), QueryError> {
        let program = self.definition.sum_program(self.source);
        let prepared = self.engine.prepare(&program)?;
        let (start, end) = (request.period.start.nanos(), request.period.end.nanos());
        let (value, _, warnings) = self.evaluate(&prepared, None, start, end)?;
        self.warn(&warnings);
        let events = as_events(self.scope(), value)?;
        let spans = events.iter().map(|event| Span {
            event,
            origin: NOWHERE,
        });
        total.add(&Sums::of(grouping, starts, spans), 0)
    }
}

//! What other rules would move from one category to another.

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value as Json;
use timberline_cancel::Cancel;
use timberline_views::Snapshot;

use super::work::Work;
use crate::activity::Definition;
use crate::catalog::{ObjectId, ValueId};
use crate::engine::Engine;
use crate::error::QueryError;
use crate::events::{Event, Events};
use crate::period::Period;
use crate::transform::{Classifier, Moment};
use crate::warning::Warning;

/// What would be in another category.
#[derive(Clone, Debug, PartialEq)]
pub struct CategoryMoves {
    /// Nanoseconds of all activity.
    pub total: i128,
    /// The pairs of categories with the most time, longest first.
    pub moves: Vec<CategoryMove>,
    /// Rules that were given up on some texts.
    pub warnings: Vec<Warning>,
}

/// What would go from one category to another.
#[derive(Clone, Debug, PartialEq)]
pub struct CategoryMove {
    /// The category by the present rules, as JSON text.
    pub from: String,
    /// The category by the others.
    pub to: String,
    /// Nanoseconds.
    pub nanos: i128,
    /// The data with the most time, as JSON text, and their nanoseconds.
    pub samples: Vec<(String, i128)>,
}

/// Nanoseconds by category now, category then, and data.
type Sums = FxHashMap<(ValueId, ValueId), FxHashMap<ObjectId, i128>>;

impl Engine {
    /// Compares the categories that two lists of rules give what was done in a period. Data are judged once for each distinct
    /// object; only events whose category depends on the time are looked at one by one.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn preview_categories(
        &self,
        snapshot: &Snapshot,
        (definition, period): (&Definition, Period),
        (now, then): (&Json, &Json),
        samples: usize,
        cancel: &Cancel,
    ) -> Result<CategoryMoves, QueryError> {
        let work = Work::new(self, snapshot, cancel);
        let events = work.activity(definition, period)?;
        let (now, then) = (work.classifier(now)?, work.classifier(then)?);
        let sums = compared(&work, &events, &now, &then)?;
        let scope = work.scope();
        let mut warnings = now.warnings(scope, events.data())?;
        warnings.extend(then.warnings(scope, events.data())?);
        let all = sums.values().flat_map(FxHashMap::values);
        Ok(CategoryMoves {
            total: all.sum(),
            moves: moves(&work, sums, samples),
            warnings,
        })
    }
}

fn compared(
    work: &Work<'_>,
    events: &Events,
    now: &Classifier,
    then: &Classifier,
) -> Result<Sums, QueryError> {
    let scope = work.scope();
    let mut sums = Sums::default();
    let mut add = |from, to, object, nanos: i64| {
        *sums.entry((from, to)).or_default().entry(object).or_default() += i128::from(nanos);
    };
    let mut dependent = FxHashSet::default();
    for (i, total) in events.totals(scope.guard)?.iter().enumerate() {
        scope.check_at(i)?;
        match (
            now.always(scope, total.object)?,
            then.always(scope, total.object)?,
        ) {
            (Some(from), Some(to)) => add(from, to, total.object, total.duration),
            _ => drop(dependent.insert(total.object)),
        }
    }
    if dependent.is_empty() {
        return Ok(sums);
    }
    let (mut at_now, mut at_then) = (Moment::default(), Moment::default());
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for (i, event) in events.iter().enumerate() {
        scope.check_at(i)?;
        if dependent.contains(&event.data) {
            parts(work, now, &mut at_now, &event, &mut before)?;
            parts(work, then, &mut at_then, &event, &mut after)?;
            both(&before, &after, |from, to, nanos| {
                add(from, to, event.data, nanos)
            });
        }
    }
    Ok(sums)
}

/// A part of an event: from, to, category.
type Part = (i64, i64, ValueId);

fn parts(
    work: &Work<'_>,
    classifier: &Classifier,
    moment: &mut Moment,
    event: &Event,
    into: &mut Vec<Part>,
) -> Result<(), QueryError> {
    into.clear();
    classifier.divide(work.scope(), moment, event, |from, to, value| {
        into.push((from, to, value));
        Ok(())
    })
}

/// Gives what two divisions of one event have in common: the categories and nanoseconds of each piece.
fn both(before: &[Part], after: &[Part], mut give: impl FnMut(ValueId, ValueId, i64)) {
    let (mut left, mut right) = (before.iter().peekable(), after.iter().peekable());
    let mut at = before.first().map_or(0, |(from, ..)| *from);
    while let (Some((_, left_end, from)), Some((_, right_end, to))) = (left.peek(), right.peek()) {
        let end = *left_end.min(right_end);
        give(*from, *to, end.saturating_sub(at));
        at = end;
        left.next_if(|(_, left_end, _)| *left_end == end);
        right.next_if(|(_, right_end, _)| *right_end == end);
    }
}

fn moves(work: &Work<'_>, sums: Sums, samples: usize) -> Vec<CategoryMove> {
    let text = |value| work.catalog.text(value).unwrap_or_default().to_owned();
    let one = |((from, to), objects): ((ValueId, ValueId), FxHashMap<ObjectId, i128>)| {
        let mut longest: Vec<(ObjectId, i128)> =
            objects.iter().map(|(object, nanos)| (*object, *nanos)).collect();
        longest.sort_unstable_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
        longest.truncate(samples);
        CategoryMove {
            from: text(from),
            to: text(to),
            nanos: objects.values().sum(),
            samples: longest
                .into_iter()
                .map(|(object, nanos)| (work.text(object), nanos))
                .collect(),
        }
    };
    let moved = sums.into_iter().filter(|((from, to), _)| from != to);
    let mut moves: Vec<CategoryMove> = moved.map(one).collect();
    moves.sort_unstable_by(|a, b| {
        b.nanos
            .cmp(&a.nanos)
            .then_with(|| (&a.from, &a.to).cmp(&(&b.from, &b.to)))
    });
    moves
}

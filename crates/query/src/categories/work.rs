//! What questions about categories have in common: the activity of a period, without categories, and rules for it.

use std::sync::Arc;

use serde_json::Value as Json;
use timberline_cancel::Cancel;
use timberline_views::Snapshot;

use crate::activity::{Definition, Source};
use crate::catalog::{Catalog, ObjectId};
use crate::engine::Engine;
use crate::error::QueryError;
use crate::evaluate::evaluate;
use crate::events::Events;
use crate::limits::Guard;
use crate::period::Period;
use crate::rules::Purpose;
use crate::scope::Scope;
use crate::transform::Classifier;
use crate::value::Value;

/// One question while it is answered.
pub(super) struct Work<'a> {
    engine: &'a Engine,
    snapshot: &'a Snapshot,
    pub(super) catalog: Arc<Catalog>,
    guard: Guard,
}

impl<'a> Work<'a> {
    pub(super) fn new(engine: &'a Engine, snapshot: &'a Snapshot, cancel: &Cancel) -> Work<'a> {
        Work {
            engine,
            snapshot,
            catalog: engine.catalog(),
            guard: engine.guard(cancel),
        }
    }

    pub(super) fn scope(&self) -> Scope<'_> {
        Scope {
            guard: &self.guard,
            catalog: &self.catalog,
        }
    }

    /// What was done in a period, whatever its category.
    pub(super) fn activity(&self, definition: &Definition, period: Period) -> Result<Events, QueryError> {
        let mut definition = definition.clone();
        definition.categories = None;
        definition.filter_categories.clear();
        let prepared = self.engine.prepare(&definition.program(Source::Activity))?;
        let run = self
            .engine
            .new_run(self.snapshot, self.scope(), &prepared, period, "", false);
        match evaluate(&run, &prepared.program, &prepared.last_uses)? {
            Value::Events(events) => Ok(events),
            _ => Events::empty(&self.guard),
        }
    }

    /// The classifier of rules, a list of `[category, rule]`.
    pub(super) fn classifier(&self, rules: &Json) -> Result<Arc<Classifier>, QueryError> {
        let rules = Value::of_json(&self.guard, rules)?;
        let own = || self.engine.own_rules(self.snapshot);
        Classifier::of(
            self.scope(),
            Purpose::Categorize,
            &rules,
            own,
            self.engine.backtracking_steps(),
        )
    }

    /// An object as JSON text.
    pub(super) fn text(&self, object: ObjectId) -> String {
        let mut text = Vec::new();
        self.catalog.write_object(object, &mut text);
        String::from_utf8(text).unwrap_or_default()
    }
}

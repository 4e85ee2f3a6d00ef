//! What counts: events of some categories, apps, titles, pages or files.

use std::sync::Arc;

use rustc_hash::FxHashSet;
use serde_json::Value as Json;

use super::column::Column;
use super::definition::{Definition, DefinitionError, Source};
use super::dimension::Dimension;
use crate::catalog::{ObjectId, ValueId};
use crate::scope::Scope;

/// Only events count that have one of these values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Of what: an app, title, domain, URL, project, file or language. Categories have a list of their own
    /// ([`Definition::filter_categories`]).
    pub by: Dimension,
    /// The values; with none, no event counts.
    pub values: Vec<String>,
}

/// A dimension, and the values of which an event must have one.
pub(super) type Condition = (Dimension, Vec<Json>);

impl Definition {
    /// What events of a source must be to count.
    pub(super) fn conditions(&self, source: Source) -> Vec<Condition> {
        let categories = self.filter_categories.iter().cloned().map(Json::from);
        let categories: Vec<Json> = categories.collect();
        let categories = (!categories.is_empty()).then_some((Dimension::Category, categories));
        let filters = self.filters.iter().map(|filter| {
            let values = filter.values.iter().cloned().map(Json::from);
            (filter.by, values.collect())
        });
        let all = categories.into_iter().chain(filters);
        all.filter(|(by, _)| by.source() == source).collect()
    }

    /// The other sources that events are filtered by: time counts only while one of their events does.
    pub(super) fn others(&self, source: Source) -> impl Iterator<Item = Source> {
        let others = [Source::Activity, Source::Browser, Source::Editor].into_iter();
        others.filter(move |other| *other != source && !self.conditions(*other).is_empty())
    }

    /// Whether sums of a source are filtered by another one, such as the time of apps by what was in the browser. Their spans are not put
    /// together from parts, and do not say which bucket they are of.
    #[must_use]
    pub fn crosses(&self, source: Source) -> bool {
        self.others(source).next().is_some()
    }

    /// Checks that what is filtered by can be written as a program.
    ///
    /// # Errors
    /// [`DefinitionError::Backslash`]
    pub fn check_filters(&self) -> Result<(), DefinitionError> {
        let mut values = self.filters.iter().flat_map(|filter| &filter.values);
        match values.find(|text| text.ends_with('\\')) {
            Some(text) => Err(DefinitionError::Backslash(text.clone())),
            None => Ok(()),
        }
    }
}

/// The values that count, as numbers of the catalog.
#[derive(Debug)]
pub(super) struct Wanted {
    tests: Vec<(Column, FxHashSet<ValueId>)>,
    /// What it was made of, to tell cached sums apart.
    name: Arc<str>,
}

impl Wanted {
    /// None if everything counts.
    pub(super) fn of(scope: Scope<'_>, conditions: &[Condition]) -> Option<Wanted> {
        let catalog = scope.catalog;
        let number = |value: &Json| catalog.value(&value.to_string());
        let test = |(by, values): &Condition| {
            let column = Column::of(catalog, *by)?;
            Some((column, values.iter().map(number).collect()))
        };
        let names = conditions
            .iter()
            .map(|(by, values)| format!("{by:?}:{}", Json::from(values.clone())));
        (!conditions.is_empty()).then(|| Wanted {
            tests: conditions.iter().filter_map(test).collect(),
            name: names.collect::<Vec<_>>().join("\n").into(),
        })
    }

    pub(super) fn has(&self, scope: Scope<'_>, object: ObjectId) -> bool {
        self.tests.iter().all(|(column, values)| {
            let value = column.value(scope.catalog, object);
            value.is_some_and(|value| values.contains(&value))
        })
    }

    pub(super) fn name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }
}

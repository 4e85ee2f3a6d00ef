//! The answers that are remembered, by question.

use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;
use rustc_hash::FxBuildHasher;

use super::intern::InternedBytes;
use super::{Catalog, ObjectId, Table, ValueId};
use crate::error::QueryError;
use crate::pattern::{Compiler, Pattern, Search};
use crate::rules::RuleSet;
use crate::transform::{Classifier, Scope, Urls};

/// Questions of one sort that are remembered; of more, those that were not asked for longest are forgotten.
const MOST: usize = 64;

/// Whatever was asked of objects and values.
#[derive(Debug, Default)]
pub(crate) struct Memos {
    columns: Questions<ValueId, Column>,
    groups: Questions<Box<[ValueId]>, Groups>,
    filters: Questions<Box<str>, Table>,
    patterns: Questions<Box<str>, Matches>,
    classifiers: Questions<Box<str>, Classifier>,
    titles: Questions<ValueId, Table>,
    pub(crate) urls: Urls,
}

impl Memos {
    /// Each object's value for a key.
    pub(crate) fn column(&self, key: ValueId) -> Arc<Column> {
        self.columns.ask(key, || Column {
            key,
            values: Table::default(),
        })
    }

    /// Objects grouped by their values for some keys.
    pub(crate) fn groups(&self, keys: Vec<ValueId>) -> Arc<Groups> {
        let columns = || keys.iter().map(|key| self.column(*key)).collect();
        self.groups.ask(keys.clone().into(), || Groups {
            columns: columns(),
            tuples: InternedBytes::default(),
            objects: Table::default(),
        })
    }

    /// Whether each object passes a filter (1) or not (0). `filter` names it: equal names, equal filters.
    pub(crate) fn filter(&self, catalog: &Catalog, filter: &str) -> Arc<Table> {
        self.filters.ask(filter.into(), || {
            catalog.grown(filter.len());
            Table::default()
        })
    }

    /// Each object with what is under a key simplified.
    pub(crate) fn titles(&self, key: ValueId) -> Arc<Table> {
        self.titles.ask(key, Table::default)
    }

    /// Whether values match a pattern.
    ///
    /// # Errors
    /// When it is no pattern, or there is no memory for it.
    pub(crate) fn matches(
        &self,
        scope: Scope<'_>,
        pattern: &str,
        steps: usize,
    ) -> Result<Arc<Matches>, QueryError> {
        self.patterns.try_ask(pattern.into(), || {
            let mut compiler = Compiler::new(scope.guard, steps)?;
            let parsed = compiler.parse(pattern, false)?;
            let compiled = compiler.compile(pattern, parsed)?;
            scope.catalog.grown(pattern.len() + compiler.bytes());
            Ok(Matches {
                pattern: compiled,
                values: Table::default(),
            })
        })
    }

    /// What rules make of objects. `rules` names them: equal names, equal rules.
    ///
    /// # Errors
    /// Those of `read`.
    pub(crate) fn classifier(
        &self,
        scope: Scope<'_>,
        rules: &str,
        read: impl FnOnce() -> Result<RuleSet, QueryError>,
    ) -> Result<Arc<Classifier>, QueryError> {
        self.classifiers.try_ask(rules.into(), || {
            let read = read()?;
            scope.catalog.grown(rules.len() + read.bytes());
            Ok(Classifier::new(scope.catalog, read))
        })
    }
}

/// Answers by question, with a bound.
#[derive(Debug)]
struct Questions<Q: Hash + Eq, A>(Mutex<LruCache<Q, Arc<A>, FxBuildHasher>>);

impl<Q: Hash + Eq, A> Default for Questions<Q, A> {
    fn default() -> Questions<Q, A> {
        let most = NonZeroUsize::new(MOST).unwrap_or(NonZeroUsize::MIN);
        Questions(Mutex::new(LruCache::with_hasher(most, FxBuildHasher)))
    }
}

impl<Q: Hash + Eq, A> Questions<Q, A> {
    fn ask(&self, question: Q, new: impl FnOnce() -> A) -> Arc<A> {
        let answers = &mut self.0.lock();
        Arc::clone(answers.get_or_insert(question, || Arc::new(new())))
    }

    /// For answers that take long to prepare: nobody waits meanwhile, and of two that do it at once one is kept.
    fn try_ask<E>(&self, question: Q, new: impl FnOnce() -> Result<A, E>) -> Result<Arc<A>, E> {
        if let Some(answers) = self.0.lock().get(&question) {
            return Ok(Arc::clone(answers));
        }
        let answers = Arc::new(new()?);
        self.0.lock().put(question, Arc::clone(&answers));
        Ok(answers)
    }
}

/// Each object's value for one key.
#[derive(Debug)]
pub(crate) struct Column {
    key: ValueId,
    /// 0: it has none; else the value's number + 1.
    values: Table,
}

impl Column {
    #[inline]
    pub(crate) fn value(&self, catalog: &Catalog, object: ObjectId) -> Option<ValueId> {
        let answer = self.values.get(object).unwrap_or_else(|| {
            let value = catalog.member(object, self.key).map_or(0, |v| v + 1);
            self.values.set(catalog, object, value);
            value
        });
        answer.checked_sub(1)
    }
}

/// Names a group: dense, from 0 on.
pub(crate) type GroupId = u32;

/// Objects that have equal values for some keys form a group.
#[derive(Debug)]
pub(crate) struct Groups {
    columns: Vec<Arc<Column>>,
    /// The values of each group, as bytes.
    tuples: InternedBytes,
    /// 0: it lacks one of the keys; else the group's number + 1.
    objects: Table,
}

impl Groups {
    /// The group of an object; none if it lacks one of the keys.
    #[inline]
    pub(crate) fn of(&self, catalog: &Catalog, object: ObjectId) -> Option<GroupId> {
        let answer = self
            .objects
            .get(object)
            .unwrap_or_else(|| self.find(catalog, object));
        answer.checked_sub(1)
    }

    #[cold]
    fn find(&self, catalog: &Catalog, object: ObjectId) -> u32 {
        let values = self.columns.iter().map(|c| c.value(catalog, object));
        let bytes = values.map(|value| value.map(u32::to_le_bytes));
        let tuple = bytes.collect::<Option<Vec<[u8; 4]>>>();
        let group = tuple.map_or(0, |tuple| {
            let (group, grown) = self.tuples.intern(tuple.as_flattened());
            catalog.grown(grown);
            group + 1
        });
        self.objects.set(catalog, object, group);
        group
    }

    /// Groups there are so far: all numbers are less.
    pub(crate) fn len(&self) -> usize {
        self.tuples.len()
    }
}

/// Whether values match a pattern; what is no string does not.
#[derive(Debug)]
pub(crate) struct Matches {
    pattern: Pattern,
    values: Table,
}

impl Matches {
    /// # Errors
    /// When the query is over.
    #[inline]
    pub(crate) fn search(&self, scope: Scope<'_>, value: ValueId) -> Result<Search, QueryError> {
        let answer = self.values.get_or(scope.catalog, value, || {
            scope.guard.check()?;
            let text = scope.catalog.as_string(value);
            let search = text.map_or(Search::NotFound, |text| self.pattern.search(&text));
            Ok::<u32, QueryError>(search.to_answer())
        })?;
        Ok(Search::of_answer(answer))
    }
}

//! Events by the value of a key.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value as Json;

use crate::catalog::{Catalog, Memo, Table, ValueId};
use crate::error::{Limited, QueryError};
use crate::events::Events;
use crate::json;
use crate::pattern::{Compiler, Pattern, Search};
use crate::scope::Scope;
use crate::value::{Items, Value};

/// The events whose value for `key` is one of those wanted; or, with `keep` false, all others.
pub(crate) fn filter_keyvals(
    scope: Scope<'_>,
    events: &Events,
    key: &str,
    values: Items<'_>,
    keep: bool,
) -> Result<Events, QueryError> {
    let catalog = scope.catalog;
    let key_id = catalog.string(key);
    let mut wanted = Wanted::new(catalog, values)?;
    let known = Filters::answers(catalog, &wanted.name(key_id));
    events.filter(scope.guard, |object| {
        let has = known.get_or(catalog, object, || {
            let value = catalog.member(object, key_id);
            let has = value.is_some_and(|value| wanted.has(catalog, value));
            Ok::<u32, QueryError>(u32::from(has))
        })?;
        Ok((has == 1) == keep)
    })
}

/// The events whose value for `key` is a string in which the pattern is found, and whether the search was given up on
/// any; such an event is left out.
pub(crate) fn filter_keyvals_regex(
    scope: Scope<'_>,
    events: &Events,
    key: &str,
    pattern: &str,
    backtracking_steps: usize,
) -> Result<(Events, bool), QueryError> {
    let catalog = scope.catalog;
    let key_id = catalog.string(key);
    let matches = Matches::of(scope, pattern, backtracking_steps)?;
    let known = Filters::answers(catalog, &format!("{key_id} matches {pattern}"));
    let mut given_up = false;
    let found = events.filter(scope.guard, |object| {
        let answer = known.get_or(catalog, object, || match catalog.member(object, key_id) {
            Some(value) => matches.search(scope, value).map(Search::to_answer),
            None => Ok(Search::NotFound.to_answer()),
        })?;
        let search = Search::of_answer(answer);
        given_up |= search == Search::GivenUp;
        Ok(search == Search::Found)
    })?;
    Ok((found, given_up))
}

/// The filters that queries have used.
#[derive(Debug, Default)]
struct Filters(Memo<Box<str>, Table>);

impl Filters {
    /// For each object, whether it passes the filter, as far as that is known. Equal names mean equal filters.
    fn answers(catalog: &Catalog, name: &str) -> Arc<Table> {
        let filters = catalog.memos.of::<Filters>();
        filters.0.get_or_insert(name.into(), || {
            catalog.grown(name.len());
            Table::default()
        })
    }
}

/// The patterns that queries have searched for.
#[derive(Debug, Default)]
struct Patterns(Memo<Box<str>, Matches>);

/// Whether values match a pattern. A value that is not a string does not.
#[derive(Debug)]
struct Matches {
    pattern: Pattern,
    values: Table,
}

impl Matches {
    /// # Errors
    /// When the pattern is not a regular expression, or there is no memory for it.
    fn of(scope: Scope<'_>, pattern: &str, steps: usize) -> Result<Arc<Matches>, QueryError> {
        let patterns = scope.catalog.memos.of::<Patterns>();
        patterns.0.get_or_try_insert(pattern.into(), || {
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

    /// # Errors
    /// When the query is over.
    #[inline]
    fn search(&self, scope: Scope<'_>, value: ValueId) -> Result<Search, QueryError> {
        let answer = self.values.get_or(scope.catalog, value, || {
            scope.guard.check()?;
            let text = scope.catalog.as_string(value);
            let search = text.map_or(Search::NotFound, |text| self.pattern.search(&text));
            Ok::<u32, QueryError>(search.to_answer())
        })?;
        Ok(Search::of_answer(answer))
    }
}

/// Bytes of all wanted values as JSON: a value that has itself in it many times is long without being large.
const MAX_WANTED_BYTES: usize = 4 << 20;

/// Values that are looked for in data. Numbers are equal when they are as large, however they are written.
struct Wanted {
    /// The spellings of the simple ones, as far as any data have them.
    spelled: FxHashSet<ValueId>,
    /// Lists and dicts, which are compared by their parts.
    nested: Vec<Json>,
    /// What comparing with those gave.
    compared: FxHashMap<ValueId, bool>,
}

impl Wanted {
    /// # Errors
    /// When they are endless.
    fn new(catalog: &Catalog, values: Items<'_>) -> Result<Wanted, QueryError> {
        let mut wanted = Wanted {
            spelled: FxHashSet::default(),
            nested: Vec::new(),
            compared: FxHashMap::default(),
        };
        let mut left = MAX_WANTED_BYTES;
        for value in values.iter() {
            left = json::size(catalog, &value, left)
                .and_then(|size| left.checked_sub(size))
                .ok_or_else(too_long)?;
            match value {
                Value::Number(number) => wanted.spell(catalog, &spellings(number)),
                Value::Text(_) | Value::Bool(_) | Value::Empty => {
                    wanted.spell(catalog, &[value.to_data(catalog).to_string()]);
                }
                nested => wanted.nested.push(nested.to_data(catalog)),
            }
        }
        Ok(wanted)
    }

    /// What the answers for a key are remembered by. Spellings that no data had when it was asked are not part of it,
    /// but will be once data have them.
    fn name(&self, key: ValueId) -> String {
        let mut spelled: Vec<&ValueId> = self.spelled.iter().collect();
        spelled.sort_unstable();
        format!(
            "{key} in {spelled:?} {:?}",
            Json::from(self.nested.clone()).to_string()
        )
    }

    fn spell(&mut self, catalog: &Catalog, texts: &[String]) {
        let known = texts.iter().filter_map(|text| catalog.known_value(text));
        self.spelled.extend(known);
    }

    fn has(&mut self, catalog: &Catalog, value: ValueId) -> bool {
        if self.spelled.contains(&value) {
            return true;
        }
        if self.nested.is_empty() {
            return false;
        }
        let nested = &self.nested;
        *self.compared.entry(value).or_insert_with(|| {
            let found = catalog.text(value).map(serde_json::from_str::<Json>);
            found.is_some_and(|found| found.is_ok_and(|found| nested.iter().any(|n| equal(n, &found))))
        })
    }
}

fn too_long() -> QueryError {
    let message = format!("the values that are looked for are longer than {MAX_WANTED_BYTES} bytes as JSON");
    QueryError::limit(Limited::Argument, message)
}

/// The ways in which canonical data may write a number.
fn spellings(number: f64) -> Vec<String> {
    let mut spellings = vec![Json::from(number).to_string()];
    if number.fract() == 0.0 {
        spellings.push(format!("{number}"));
    }
    if number == 0.0 {
        spellings.push("-0.0".to_owned());
    }
    spellings
}

fn equal(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Number(a), Json::Number(b)) => a.as_f64() == b.as_f64(),
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, v)| b.get(k).is_some_and(|o| equal(v, o)))
        }
        _ => a == b,
    }
}

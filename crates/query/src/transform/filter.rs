//! Events by the value of a key.

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value as Json;

use super::Scope;
use crate::catalog::{Catalog, ValueId};
use crate::error::{Limited, QueryError};
use crate::events::Events;
use crate::json;
use crate::pattern::Search;
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
    let known = catalog.memos.filter(catalog, &wanted.name(key_id));
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
    let matches = catalog.memos.matches(scope, pattern, backtracking_steps)?;
    let known = catalog
        .memos
        .filter(catalog, &format!("{key_id} matches {pattern}"));
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

/// Bytes of all wanted values as JSON: a value that has itself in it many times is long without being large.
const LONGEST: usize = 4 << 20;

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
        let mut left = LONGEST;
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
            let found = serde_json::from_str::<Json>(catalog.text(value));
            found.is_ok_and(|found| nested.iter().any(|n| equal(n, &found)))
        })
    }
}

fn too_long() -> QueryError {
    let message = format!("the values that are looked for are longer than {LONGEST} bytes as JSON");
    QueryError::limit(Limited::Memory, message)
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

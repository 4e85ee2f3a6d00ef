//! `categorize` and `tag`: what rules make of data.
//!
//! A rule's pattern is looked for in the string values of an object. So each distinct value is matched against all
//! patterns once, which gives the set of rules it matches; an object matches the union of its values' sets; and
//! what comes of that is found once for each object.

use rustc_hash::FxHashMap;

use super::Scope;
use crate::catalog::{Catalog, Interned, Member, ObjectId, Table, ValueId};
use crate::error::QueryError;
use crate::events::Events;
use crate::rules::{Outcome, RuleSet};

/// Sets what the rules say: `$category` or `$tags`.
pub(crate) fn classify(
    scope: Scope<'_>,
    events: &Events,
    classifier: &Classifier,
) -> Result<Events, QueryError> {
    events.map_data(scope, |object| {
        classifier.objects.get_or(scope.catalog, object, || {
            scope.guard.check()?;
            classifier.classified(scope.catalog, object)
        })
    })
}

/// A set of rules: bits by their number.
type Bits = Vec<u64>;

/// A [`RuleSet`] and what it made of data so far.
#[derive(Debug)]
pub(crate) struct Classifier {
    rules: RuleSet,
    /// The rules that look at the values of any key.
    of_any_key: Bits,
    /// Those that look only at some.
    of_key: FxHashMap<ValueId, Bits>,
    /// The key that is set.
    sets: ValueId,
    /// Sets of rules that values or objects match, each once.
    matched: Interned<[u64]>,
    /// For each set, what comes of it.
    outcomes: Table,
    /// For each value, the number of its set.
    values: Table,
    /// Each object with what the rules say.
    objects: Table,
}

impl Classifier {
    pub(crate) fn new(catalog: &Catalog, rules: RuleSet) -> Classifier {
        let none = || vec![0u64; rules.len().div_ceil(64)];
        let (mut of_any_key, mut of_key) = (none(), FxHashMap::<ValueId, Bits>::default());
        for (number, rule) in rules.iter().enumerate() {
            match &rule.select_keys {
                None => set(&mut of_any_key, number),
                Some(keys) => {
                    for key in keys {
                        set(of_key.entry(catalog.string(key)).or_insert_with(none), number);
                    }
                }
            }
        }
        Classifier {
            of_any_key,
            of_key,
            sets: catalog.string(rules.sets()),
            rules,
            matched: Interned::default(),
            outcomes: Table::default(),
            values: Table::default(),
            objects: Table::default(),
        }
    }

    /// The object with what the rules say.
    #[cold]
    fn classified(&self, catalog: &Catalog, object: ObjectId) -> Result<ObjectId, QueryError> {
        let mut matching = vec![0u64; self.of_any_key.len()];
        for member in catalog.members(object) {
            let Some(matched) = self.matched(catalog, member.value)? else {
                continue;
            };
            let of_key = self.of_key.get(&member.key);
            for (i, word) in matching.iter_mut().enumerate() {
                let looking = self.of_any_key.get(i).copied().unwrap_or(0)
                    | of_key.and_then(|bits| bits.get(i)).copied().unwrap_or(0);
                *word |= matched.get(i).copied().unwrap_or(0) & looking;
            }
        }
        let member = Member {
            key: self.sets,
            value: self.outcome(catalog, &matching),
        };
        Ok(catalog.with_members(object, &[member]))
    }

    /// What is set when these rules match.
    fn outcome(&self, catalog: &Catalog, matching: &[u64]) -> ValueId {
        let (set, grown) = self.matched.intern(matching);
        catalog.grown(grown);
        self.outcomes.get(set).unwrap_or_else(|| {
            let value = match self.rules.outcome(|number| is_set(matching, number)) {
                Outcome::Category(category) => list(category.iter().map(String::as_str)),
                Outcome::Tags(tags) => list(tags.into_iter()),
            };
            let value = catalog.value(&value);
            self.outcomes.set(catalog, set, value);
            value
        })
    }

    /// The rules whose patterns are found in a value, if that is a string.
    fn matched(&self, catalog: &Catalog, value: ValueId) -> Result<Option<&[u64]>, QueryError> {
        let number = match self.values.get(value) {
            Some(number) => number,
            None => {
                let mut bits = vec![0u64; self.of_any_key.len()];
                if let Some(text) = catalog.as_string(value) {
                    self.rules.find_in(&text, |number| set(&mut bits, number))?;
                }
                let (number, grown) = self.matched.intern(&bits);
                catalog.grown(grown);
                self.values.set(catalog, value, number);
                number
            }
        };
        Ok(self.matched.get(number))
    }
}

fn set(bits: &mut [u64], number: usize) {
    if let Some(word) = bits.get_mut(number / 64) {
        *word |= 1 << (number % 64);
    }
}

fn is_set(bits: &[u64], number: usize) -> bool {
    bits.get(number / 64)
        .is_some_and(|word| word >> (number % 64) & 1 == 1)
}

/// A JSON list of strings.
fn list<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let texts: Vec<&str> = texts.collect();
    serde_json::Value::from(texts).to_string()
}

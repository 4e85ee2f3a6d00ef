//! `categorize` and `tag`: what rules make of data.
//!
//! A rule's pattern is looked for in the string values of an object. So each distinct value is matched against all
//! patterns once, which gives the set of rules it matches; an object matches the union of its values' sets; and
//! what comes of that is found once for each object.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::catalog::{Catalog, Interned, Member, Memo, ObjectId, Table, ValueId};
use crate::error::QueryError;
use crate::events::Events;
use crate::pattern::Search;
use crate::rules::{Outcome, RuleSet};
use crate::scope::Scope;
use crate::warning::Warning;

/// Sets what the rules say: `$category` or `$tags`. A rule whose search is given up on a text does not match it; the
/// warnings name such rules.
pub(crate) fn classify(
    scope: Scope<'_>,
    events: &Events,
    classifier: &Classifier,
) -> Result<(Events, Vec<Warning>), QueryError> {
    let classified = events.map_data(scope, |object| {
        classifier.objects.get_or(scope.catalog, object, || {
            scope.guard.check()?;
            classifier.classified(scope, object)
        })
    })?;
    Ok((classified, classifier.warnings(scope, events)?))
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
    /// For each value on which searches were given up, the number of the set of their rules.
    given_up_values: Table,
    /// The same for each object; only of rules that look at the value's key.
    given_up_objects: Table,
    /// Whether there is any.
    given_up: AtomicBool,
    /// Each object with what the rules say.
    objects: Table,
}

/// The sets of rules that queries have used.
#[derive(Debug, Default)]
struct Classifiers(Memo<Box<str>, Classifier>);

impl Classifier {
    /// The classifier of some rules. Equal names mean equal rules; `read` is called if the name is new.
    ///
    /// # Errors
    /// Those of `read`.
    pub(crate) fn of(
        catalog: &Catalog,
        name: &str,
        read: impl FnOnce() -> Result<RuleSet, QueryError>,
    ) -> Result<Arc<Classifier>, QueryError> {
        let classifiers = catalog.memos.of::<Classifiers>();
        classifiers.0.get_or_try_insert(name.into(), || {
            let rules = read()?;
            catalog.grown(name.len() + rules.bytes());
            Ok(Classifier::new(catalog, rules))
        })
    }

    fn new(catalog: &Catalog, rules: RuleSet) -> Classifier {
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
            given_up_values: Table::default(),
            given_up_objects: Table::default(),
            given_up: AtomicBool::new(false),
            objects: Table::default(),
        }
    }

    /// The object with what the rules say.
    #[cold]
    fn classified(&self, scope: Scope<'_>, object: ObjectId) -> Result<ObjectId, QueryError> {
        let catalog = scope.catalog;
        let none = || vec![0u64; self.of_any_key.len()];
        let (mut matching, mut given_up) = (none(), none());
        for member in catalog.members(object).iter() {
            let Some(matched) = self.matched(scope, member.value)? else {
                continue;
            };
            self.add_looking(&mut matching, matched, member.key);
            if let Some(set) = self.given_up_values.get(member.value) {
                let rules = self.matched.get(set).unwrap_or_default();
                self.add_looking(&mut given_up, rules, member.key);
            }
        }
        if given_up.iter().any(|word| *word != 0) {
            let set = self.set_number(catalog, &given_up);
            // Before the object itself is published: whoever finds that looks here next.
            self.given_up_objects.set(catalog, object, set);
            self.given_up.store(true, Ordering::Release);
        }
        let member = Member {
            key: self.sets,
            value: self.outcome(catalog, &matching),
        };
        Ok(catalog.with_members(object, &[member]))
    }

    /// Adds to a set those of other rules that look at the values of a key.
    fn add_looking(&self, to: &mut [u64], rules: &[u64], key: ValueId) {
        let of_key = self.of_key.get(&key);
        for (i, word) in to.iter_mut().enumerate() {
            let looking = self.of_any_key.get(i).copied().unwrap_or(0)
                | of_key.and_then(|bits| bits.get(i)).copied().unwrap_or(0);
            *word |= rules.get(i).copied().unwrap_or(0) & looking;
        }
    }

    /// Of the rules that were given up on the data of these events.
    fn warnings(&self, scope: Scope<'_>, events: &Events) -> Result<Vec<Warning>, QueryError> {
        if !self.given_up.load(Ordering::Acquire) {
            return Ok(Vec::new());
        }
        let mut sets = FxHashSet::default();
        for (i, object) in events.data().iter().enumerate() {
            scope.guard.check_at(i)?;
            sets.extend(self.given_up_objects.get(*object));
        }
        let mut rules = vec![0u64; self.of_any_key.len()];
        for set in sets {
            let bits = self.matched.get(set).unwrap_or_default();
            rules.iter_mut().zip(bits).for_each(|(word, more)| *word |= more);
        }
        let given_up = (0..self.rules.len()).filter(|number| is_set(&rules, *number));
        Ok(given_up.filter_map(|number| self.rules.warning(number)).collect())
    }

    /// The number of a set of rules.
    fn set_number(&self, catalog: &Catalog, rules: &[u64]) -> u32 {
        let (number, grown) = self.matched.intern(rules);
        catalog.grown(grown);
        number
    }

    /// What is set when these rules match.
    fn outcome(&self, catalog: &Catalog, matching: &[u64]) -> ValueId {
        let set = self.set_number(catalog, matching);
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
    fn matched(&self, scope: Scope<'_>, value: ValueId) -> Result<Option<&[u64]>, QueryError> {
        let catalog = scope.catalog;
        let number = match self.values.get(value) {
            Some(number) => number,
            None => {
                let none = || vec![0u64; self.of_any_key.len()];
                let (mut bits, mut given_up) = (none(), none());
                if let Some(text) = catalog.as_string(value) {
                    self.rules
                        .find_in(scope.guard, &text, |number, search| match search {
                            Search::Found => set(&mut bits, number),
                            Search::GivenUp => set(&mut given_up, number),
                            Search::NotFound => {}
                        })?;
                }
                if given_up.iter().any(|word| *word != 0) {
                    let number = self.set_number(catalog, &given_up);
                    self.given_up_values.set(catalog, value, number);
                }
                let number = self.set_number(catalog, &bits);
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

//! `categorize` and `tag`: what rules make of data, and of time.
//!
//! A rule's patterns are looked for in the string values of an object. So each distinct value is searched for all patterns
//! once, which gives the set of searches that found something; an object has the union of its values' sets; and what comes
//! of that is found once for each object.
//!
//! Only where that depends on conditions on time, events are looked at one by one, and divided where it changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rustc_hash::{FxHashMap, FxHashSet};

use super::order::sort_by_timestamp;
use crate::catalog::{Catalog, Interned, Member, Memo, ObjectId, Table, ValueId};
use crate::categories::Own;
use crate::clock::Clock;
use crate::error::QueryError;
use crate::events::{Builder, Event, Events, NO_ID};
use crate::json;
use crate::pattern::Search;
use crate::rules::{Outcome, Purpose, RuleSet};
use crate::scope::Scope;
use crate::value::Value;
use crate::warning::Warning;

/// Sets what the rules say: `$category` or `$tags`. A rule whose search is given up on a text does not match it; the
/// warnings name such rules.
///
/// Events are divided where conditions on time change what is set. The parts have no ids, and are where the event was in the
/// list, unless that was in the order of starts: then the result is, too.
pub(crate) fn classify(
    scope: Scope<'_>,
    events: &Events,
    classifier: &Classifier,
) -> Result<(Events, Vec<Warning>), QueryError> {
    let classified = if classifier.rules.has_conditions() {
        by_time(scope, events, classifier)?
    } else {
        events.map_data(scope, |object| classifier.object(scope, object))?
    };
    Ok((classified, classifier.warnings(scope, events.data())?))
}

fn by_time(scope: Scope<'_>, events: &Events, classifier: &Classifier) -> Result<Events, QueryError> {
    let mut out = Builder::with_capacity(scope.guard, events.len())?;
    let mut moment = Moment::default();
    for (i, event) in events.iter().enumerate() {
        scope.check_at(i)?;
        let object = classifier.object(scope, event.data)?;
        if object != DEPENDS {
            out.push(Event {
                data: object,
                ..event
            })?;
            continue;
        }
        classifier.divide(scope, &mut moment, &event, |from, to, value| {
            let data = classifier.with(scope.catalog, event.data, value);
            let is_whole = (from, to) == (event.start, event.end());
            out.push(match is_whole {
                true => Event { data, ..event },
                false => Event {
                    start: from,
                    duration: to.saturating_sub(from),
                    id: NO_ID,
                    data,
                },
            })
        })?;
    }
    let classified = out.build()?;
    match events.starts().is_sorted() && !classified.starts().is_sorted() {
        true => sort_by_timestamp(scope, &classified),
        false => Ok(classified),
    }
}

/// In the place of an answer: it depends on when it was.
const DEPENDS: u32 = u32::MAX - 1;

/// Which conditions hold, and for how long that is known.
#[derive(Debug, Default)]
pub(crate) struct Moment {
    from: i64,
    /// The first instant for which it is not known.
    until: i64,
    /// The number of the set of conditions that hold.
    conditions: u32,
}

/// A set of searches or conditions: bits by their number.
type Bits = Vec<u64>;

/// A [`RuleSet`] and what it made of data so far.
#[derive(Debug)]
pub(crate) struct Classifier {
    rules: RuleSet,
    /// The searches that look at the values of any key.
    of_any_key: Bits,
    /// Those that look only at some.
    of_key: FxHashMap<ValueId, Bits>,
    /// The key that is set.
    sets: ValueId,
    /// Sets of searches that found something in values or objects, each once.
    matched: Interned<[u64]>,
    /// For each set, what comes of it, or [`DEPENDS`].
    outcomes: Table,
    /// For each value, the number of its set.
    values: Table,
    /// For each value on which searches were given up, the number of the set of them.
    given_up_values: Table,
    /// The same for each object; only of searches that look at the value's key.
    given_up_objects: Table,
    /// Whether there is any.
    given_up: AtomicBool,
    /// Each object with what the rules say, or [`DEPENDS`].
    objects: Table,
    /// For each object that depends on time, the number of its set.
    dependent: Table,
    /// Sets of conditions that held at some time, each once.
    conditions: Interned<[u64]>,
    /// What comes of a set of searches while a set of conditions holds.
    at_times: Mutex<FxHashMap<(u32, u32), ValueId>>,
}

/// The sets of rules that queries have used.
#[derive(Debug, Default)]
struct Classifiers(Memo<Box<str>, Classifier>);

impl Classifier {
    /// The classifier of some rules. Equal rules for the same purpose are compiled once, whoever sends them. `own` has the
    /// person's clock; it is asked for only if a rule may need it.
    ///
    /// # Errors
    /// What is wrong with the rules, or with the clock.
    pub(crate) fn of(
        scope: Scope<'_>,
        purpose: Purpose,
        rules: &Value,
        own: impl FnOnce() -> Arc<Own>,
        steps: usize,
    ) -> Result<Arc<Classifier>, QueryError> {
        let catalog = scope.catalog;
        let mut name = format!("{purpose:?} ").into_bytes();
        json::write_value(catalog, rules, &mut name);
        let of_person = may_ask_the_time(&name).then(own);
        let utc = Clock::utc();
        let clock = match &of_person {
            None => &utc,
            Some(own) => {
                let (clock, text) = own.clock()?;
                name.extend_from_slice(text.as_bytes());
                clock
            }
        };
        let name = String::from_utf8_lossy(&name);
        let classifiers = catalog.memos.of::<Classifiers>();
        classifiers.0.get_or_try_insert(name.as_ref().into(), || {
            let rules = RuleSet::read(scope.guard, purpose, rules, clock, steps)?;
            catalog.grown(name.len() + rules.bytes());
            Ok(Classifier::new(catalog, rules))
        })
    }

    fn new(catalog: &Catalog, rules: RuleSet) -> Classifier {
        let none = || vec![0u64; rules.keys().len().div_ceil(64)];
        let (mut of_any_key, mut of_key) = (none(), FxHashMap::<ValueId, Bits>::default());
        for (number, keys) in rules.keys().iter().enumerate() {
            match keys {
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
            dependent: Table::default(),
            conditions: Interned::default(),
            at_times: Mutex::default(),
        }
    }

    /// The object with what the rules say, or [`DEPENDS`].
    #[inline]
    fn object(&self, scope: Scope<'_>, object: ObjectId) -> Result<ObjectId, QueryError> {
        self.objects.get_or(scope.catalog, object, || {
            scope.guard.check()?;
            self.classified(scope, object)
        })
    }

    /// What the rules say about an object, if that does not depend on the time.
    ///
    /// # Errors
    /// Those of the guard.
    pub(crate) fn always(&self, scope: Scope<'_>, object: ObjectId) -> Result<Option<ValueId>, QueryError> {
        let classified = self.object(scope, object)?;
        Ok((classified != DEPENDS)
            .then(|| scope.catalog.member(classified, self.sets))
            .flatten())
    }

    /// Gives the parts of an event, and what the rules say about each. An event of no or negative duration is one part.
    ///
    /// # Errors
    /// Those of `give`, and those of the guard.
    pub(crate) fn divide(
        &self,
        scope: Scope<'_>,
        moment: &mut Moment,
        event: &Event,
        mut give: impl FnMut(i64, i64, ValueId) -> Result<(), QueryError>,
    ) -> Result<(), QueryError> {
        let object = self.object(scope, event.data)?;
        if object != DEPENDS {
            let value = scope.catalog.member(object, self.sets).unwrap_or_default();
            return give(event.start, event.end(), value);
        }
        let set = self.dependent.get(event.data).unwrap_or_default();
        let (mut begin, mut at, mut steps) = (event.start, event.start, 0);
        let mut value = self.value_at(scope.catalog, moment, set, at);
        while moment.until < event.end() {
            steps += 1;
            scope.guard.check_at(steps)?;
            at = moment.until;
            let next = self.value_at(scope.catalog, moment, set, at);
            if next != value {
                give(begin, at, value)?;
                (begin, value) = (at, next);
            }
        }
        give(begin, event.end(), value)
    }

    /// What comes of a set of searches at an instant. `moment` says afterwards for how long.
    fn value_at(&self, catalog: &Catalog, moment: &mut Moment, set: u32, at: i64) -> ValueId {
        if !(moment.from..moment.until).contains(&at) {
            let (conditions, until) = self.rules.conditions_at(at);
            let (number, grown) = self.conditions.intern(&conditions);
            catalog.grown(grown);
            *moment = Moment {
                from: at,
                until,
                conditions: number,
            };
        }
        let key = (set, moment.conditions);
        if let Some(value) = self.at_times.lock().get(&key) {
            return *value;
        }
        let conditions = self.conditions.get(moment.conditions).unwrap_or_default();
        let found = self.matched.get(set).unwrap_or_default();
        let outcome = self
            .rules
            .outcome(|search| is_set(found, search), Some(conditions));
        let value = value_of(catalog, &outcome).unwrap_or_default();
        self.at_times.lock().insert(key, value);
        catalog.grown(size_of::<((u32, u32), ValueId)>());
        value
    }

    /// An object with what the rules say set to a value.
    fn with(&self, catalog: &Catalog, object: ObjectId, value: ValueId) -> ObjectId {
        let member = Member {
            key: self.sets,
            value,
        };
        catalog.with_members(object, &[member])
    }

    /// The object with what the rules say, or [`DEPENDS`].
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
                let searches = self.matched.get(set).unwrap_or_default();
                self.add_looking(&mut given_up, searches, member.key);
            }
        }
        // Before the object itself is published: whoever finds that looks here next.
        if given_up.iter().any(|word| *word != 0) {
            let set = self.set_number(catalog, &given_up);
            self.given_up_objects.set(catalog, object, set);
            self.given_up.store(true, Ordering::Release);
        }
        let set = self.set_number(catalog, &matching);
        let outcome = self.outcome(catalog, set, &matching);
        if outcome == DEPENDS {
            self.dependent.set(catalog, object, set);
            return Ok(DEPENDS);
        }
        Ok(self.with(catalog, object, outcome))
    }

    /// Adds to a set those of other searches that look at the values of a key.
    fn add_looking(&self, to: &mut [u64], searches: &[u64], key: ValueId) {
        let of_key = self.of_key.get(&key);
        for (i, word) in to.iter_mut().enumerate() {
            let looking = self.of_any_key.get(i).copied().unwrap_or(0)
                | of_key.and_then(|bits| bits.get(i)).copied().unwrap_or(0);
            *word |= searches.get(i).copied().unwrap_or(0) & looking;
        }
    }

    /// Of the rules that were given up on data.
    pub(crate) fn warnings(&self, scope: Scope<'_>, data: &[ObjectId]) -> Result<Vec<Warning>, QueryError> {
        if !self.given_up.load(Ordering::Acquire) {
            return Ok(Vec::new());
        }
        let mut sets = FxHashSet::default();
        for (i, object) in data.iter().enumerate() {
            scope.guard.check_at(i)?;
            sets.extend(self.given_up_objects.get(*object));
        }
        let mut searches = vec![0u64; self.of_any_key.len()];
        for set in sets {
            let bits = self.matched.get(set).unwrap_or_default();
            searches
                .iter_mut()
                .zip(bits)
                .for_each(|(word, more)| *word |= more);
        }
        Ok(self.rules.warnings(|search| is_set(&searches, search)))
    }

    /// The number of a set of searches.
    fn set_number(&self, catalog: &Catalog, searches: &[u64]) -> u32 {
        let (number, grown) = self.matched.intern(searches);
        catalog.grown(grown);
        number
    }

    /// What is set when these searches found something, or [`DEPENDS`].
    fn outcome(&self, catalog: &Catalog, set: u32, matching: &[u64]) -> ValueId {
        self.outcomes.get(set).unwrap_or_else(|| {
            let outcome = self.rules.outcome(|search| is_set(matching, search), None);
            let value = value_of(catalog, &outcome).unwrap_or(DEPENDS);
            self.outcomes.set(catalog, set, value);
            value
        })
    }

    /// The searches that find something in a value, if that is a string.
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

/// Whether rules, as JSON, may have a condition on the time of day.
fn may_ask_the_time(rules: &[u8]) -> bool {
    const TYPE: &[u8] = b"\"time\"";
    rules.windows(TYPE.len()).any(|window| window == TYPE)
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

/// The value for an outcome; none if it depends on time.
fn value_of(catalog: &Catalog, outcome: &Outcome<'_>) -> Option<ValueId> {
    let text = match outcome {
        Outcome::Category(category) => list(category.iter().map(String::as_str)),
        Outcome::Tags(tags) => list(tags.iter().copied()),
        Outcome::Depends => return None,
    };
    Some(catalog.value(&text))
}

/// A JSON list of strings.
fn list<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let texts: Vec<&str> = texts.collect();
    serde_json::Value::from(texts).to_string()
}

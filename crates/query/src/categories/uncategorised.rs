//! What has no category yet: the commonest apps, titles, words and domains of it, and rules that would cover most of it.

use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::{Value as Json, json};
use timberline_cancel::Cancel;
use timberline_views::Snapshot;
use url::Url;

use super::work::Work;
use crate::activity::Definition;
use crate::catalog::{ObjectId, ValueId};
use crate::engine::Engine;
use crate::error::QueryError;
use crate::events::Events;
use crate::period::Period;
use crate::rules::UNCATEGORIZED;
use crate::transform::{Classifier, Moment};
use crate::warning::Warning;

/// The most rules that are suggested.
const MAX_SUGGESTIONS: usize = 12;
/// A rule that covers a smaller part of what has no category is not suggested.
const MIN_PART: i128 = 200;
/// Shorter words say nothing.
const MIN_LETTERS: usize = 3;
/// The most words of one object that are looked at: a title can be long.
const MAX_WORDS: usize = 40;
/// Words that say nothing, in lower case.
const COMMON: [&str; 24] = [
    "and", "are", "com", "for", "from", "has", "home", "how", "http", "https", "new", "not", "org", "page",
    "tab", "that", "the", "this", "untitled", "was", "with", "www", "you", "your",
];

/// What has no category. Lists are of texts and their nanoseconds, longest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Uncategorised {
    /// Nanoseconds of all activity.
    pub total: i128,
    /// Of which have no category.
    pub nanos: i128,
    /// Names of applications.
    pub apps: Vec<(String, i128)>,
    /// Titles of windows.
    pub titles: Vec<(String, i128)>,
    /// Words of titles.
    pub words: Vec<(String, i128)>,
    /// Domains, of watchers that say them.
    pub domains: Vec<(String, i128)>,
    /// Rules that together cover the most, and match nothing that has a category.
    pub suggestions: Vec<Suggestion>,
    /// Rules that were given up on some texts.
    pub warnings: Vec<Warning>,
}

/// A rule that would give a category to what has none.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggestion {
    /// What it is about.
    pub about: Feature,
    /// The text that it looks for.
    pub text: String,
    /// The rule: one that the standard web UI can show.
    pub rule: Json,
    /// Nanoseconds that it covers, and no suggestion before it.
    pub nanos: i128,
}

/// What data have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// The application.
    App,
    /// The domain.
    Domain,
    /// A word of the title.
    Word,
    /// The title.
    Title,
}

impl Engine {
    /// What of a period has no category by these rules.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn uncategorised(
        &self,
        snapshot: &Snapshot,
        (definition, period): (&Definition, Period),
        rules: &Json,
        limit: usize,
        cancel: &Cancel,
    ) -> Result<Uncategorised, QueryError> {
        let work = Work::new(self, snapshot, cancel);
        let events = work.activity(definition, period)?;
        let classifier = work.classifier(rules)?;
        let mut tally = Tally::default();
        let times = times(&work, &events, &classifier)?;
        for (i, (object, time)) in times.iter().enumerate() {
            work.scope().check_at(i)?;
            tally.add(&work, *object, *time);
        }
        let list = |feature| tally.longest(feature, limit);
        Ok(Uncategorised {
            total: times.values().map(|time| time.without + time.with).sum(),
            nanos: times.values().map(|time| time.without).sum(),
            apps: list(Feature::App),
            titles: list(Feature::Title),
            words: list(Feature::Word),
            domains: list(Feature::Domain),
            suggestions: tally.suggestions(&work)?,
            warnings: classifier.warnings(work.scope(), events.data())?,
        })
    }
}

/// Nanoseconds without and with a category.
#[derive(Clone, Copy, Debug, Default)]
struct Time {
    without: i128,
    with: i128,
}

/// The time of each object.
fn times(
    work: &Work<'_>,
    events: &Events,
    classifier: &Classifier,
) -> Result<FxHashMap<ObjectId, Time>, QueryError> {
    let scope = work.scope();
    let none = scope.catalog.value(&json!([UNCATEGORIZED]).to_string());
    let mut times = FxHashMap::<ObjectId, Time>::default();
    let mut add = |object, value: ValueId, nanos: i64| {
        let time = times.entry(object).or_default();
        let sum = if value == none {
            &mut time.without
        } else {
            &mut time.with
        };
        *sum += i128::from(nanos);
    };
    let mut dependent = FxHashSet::default();
    for (i, total) in events.totals(scope.guard)?.iter().enumerate() {
        scope.check_at(i)?;
        match classifier.always(scope, total.object)? {
            Some(value) => add(total.object, value, total.duration),
            None => drop(dependent.insert(total.object)),
        }
    }
    let mut moment = Moment::default();
    for (i, event) in events.iter().enumerate().filter(|_| !dependent.is_empty()) {
        scope.check_at(i)?;
        if dependent.contains(&event.data) {
            classifier.divide(scope, &mut moment, &event, |from, to, value| {
                add(event.data, value, to.saturating_sub(from));
                Ok(())
            })?;
        }
    }
    Ok(times)
}

/// What objects have in common, with the time of each.
#[derive(Debug, Default)]
struct Tally {
    features: FxHashMap<(Feature, String), Time>,
    /// The objects without a category, their time, and what they have.
    objects: Vec<(i128, Vec<(Feature, String)>)>,
}

impl Tally {
    fn add(&mut self, work: &Work<'_>, object: ObjectId, time: Time) {
        let features = features(work, object);
        for feature in &features {
            let sum = self.features.entry(feature.clone()).or_default();
            sum.without += time.without;
            sum.with += time.with;
        }
        if time.without > 0 {
            self.objects.push((time.without, features));
        }
    }

    fn longest(&self, feature: Feature, limit: usize) -> Vec<(String, i128)> {
        let of_it = self
            .features
            .iter()
            .filter(|((kind, _), time)| *kind == feature && time.without > 0);
        let mut list: Vec<(String, i128)> = of_it
            .map(|((_, text), time)| (text.clone(), time.without))
            .collect();
        list.sort_unstable_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
        list.truncate(limit);
        list
    }

    /// One after the other, the feature that covers most of what is left.
    fn suggestions(&self, work: &Work<'_>) -> Result<Vec<Suggestion>, QueryError> {
        let total: i128 = self.objects.iter().map(|(nanos, _)| nanos).sum();
        let mut left: Vec<&(i128, Vec<(Feature, String)>)> = self.objects.iter().collect();
        let mut suggestions = Vec::new();
        while suggestions.len() < MAX_SUGGESTIONS {
            let mut covered = FxHashMap::<&(Feature, String), i128>::default();
            for (i, (nanos, features)) in left.iter().enumerate() {
                work.scope().check_at(i)?;
                let new = |feature: &&(Feature, String)| {
                    feature.0 != Feature::Title
                        && self.features.get(*feature).is_some_and(|time| time.with == 0)
                };
                for feature in features.iter().filter(new) {
                    *covered.entry(feature).or_default() += nanos;
                }
            }
            let best = covered
                .into_iter()
                .max_by(|(a, x), (b, y)| x.cmp(y).then_with(|| b.cmp(a)));
            let Some((feature, nanos)) = best.filter(|(_, nanos)| nanos * MIN_PART >= total && *nanos > 0)
            else {
                break;
            };
            suggestions.push(Suggestion {
                about: feature.0,
                text: feature.1.clone(),
                rule: rule(feature.0, &feature.1),
                nanos,
            });
            left.retain(|(_, features)| !features.contains(feature));
        }
        Ok(suggestions)
    }
}

/// A rule that looks for a text.
fn rule(about: Feature, text: &str) -> Json {
    let text = regex_syntax::escape(text);
    let pattern = match about {
        Feature::App | Feature::Title => format!("^{text}$"),
        Feature::Word => format!(r"\b{text}\b"),
        Feature::Domain => format!(r"^https?://(www\.)?{text}(:|/|$)"),
    };
    json!({ "type": "regex", "regex": pattern })
}

/// What an object has in common with others, each once.
fn features(work: &Work<'_>, object: ObjectId) -> Vec<(Feature, String)> {
    let catalog = &work.catalog;
    let text = |key: &str| {
        let value = catalog.member(object, catalog.string(key))?;
        catalog.as_string(value).filter(|text| !text.trim().is_empty())
    };
    let mut features = Vec::new();
    if let Some(app) = text("app") {
        features.push((Feature::App, app.into_owned()));
    }
    if let Some(title) = text("title") {
        for word in words(&title) {
            let feature = (Feature::Word, word.to_owned());
            if !features.contains(&feature) {
                features.push(feature);
            }
        }
        features.push((Feature::Title, title.into_owned()));
    }
    let domain = text("url").and_then(|url| Some(Url::parse(&url).ok()?.host_str()?.to_owned()));
    if let Some(domain) = domain {
        features.push((Feature::Domain, domain.trim_start_matches("www.").to_owned()));
    }
    features
}

fn words(title: &str) -> impl Iterator<Item = &str> {
    let words = title.split(|c: char| !c.is_alphanumeric());
    let says_something = |word: &&str| {
        word.chars().count() >= MIN_LETTERS
            && word.chars().any(char::is_alphabetic)
            && !COMMON.contains(&word.to_lowercase().as_str())
    };
    words.filter(says_something).take(MAX_WORDS)
}

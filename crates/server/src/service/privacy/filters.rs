//! A list of rules, applied to the data of events.

use std::borrow::Cow;
use std::io;

use serde::Serialize;
use serde_json::value::RawValue;
use timberline_model::NewEvent;
use timberline_views::Snapshot;

use super::key::HashKey;
use super::rule::{Action, Rule, Step};

/// Longest list of rules as JSON, in bytes.
const MAX_LIST: usize = 1 << 20;
/// Rules beyond these are not followed.
const MAX_RULES: usize = 256;
/// Errors of a pattern repeat the pattern.
const MAX_REASON: usize = 500;

/// Rules, ready to be followed, and what is wrong with those that cannot be.
#[derive(Debug, Default)]
pub(crate) struct Filters {
    rules: Vec<Rule>,
    problems: Vec<Problem>,
}

/// Why a rule, or the whole list, is not followed as it stands there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = PrivacyProblem)]
pub(crate) struct Problem {
    /// The rule's place in the list, counted from 0; `None` when there is no list.
    pub(crate) index: Option<usize>,
    pub(crate) reason: String,
}

/// What becomes of an event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is stored as it is.
    Keep,
    /// It is not stored.
    Drop,
    /// It is stored with this data.
    Change(String),
}

impl Filters {
    /// Reads a list of rules. A wrong rule is left out and reported: a mistake in one rule must not keep the
    /// others from hiding what they are to hide. `key` is asked only when a rule needs one.
    pub(super) fn parse(json: &str, key: impl FnOnce() -> io::Result<HashKey>) -> Filters {
        let mut filters = Filters::default();
        let list = match list(json) {
            Ok(list) => list,
            Err(reason) => {
                filters.note(None, reason);
                return filters;
            }
        };
        for (index, text) in list.iter().take(MAX_RULES).enumerate() {
            match Rule::parse(index, text.get()) {
                Ok(rule) => filters.rules.push(rule),
                Err(reason) => filters.note(Some(index), reason),
            }
        }
        if list.len() > MAX_RULES {
            let reason = format!("this rule and those after it are not followed: there may be {MAX_RULES}");
            filters.note(Some(MAX_RULES), reason);
        }
        filters.find_key(key);
        filters
    }

    fn find_key(&mut self, key: impl FnOnce() -> io::Result<HashKey>) {
        let hashes = |rule: &&Rule| rule.enabled && rule.action == Action::Hash;
        let Some(first) = self.rules.iter().find(hashes).map(|rule| rule.index) else {
            return;
        };
        match key() {
            Ok(key) => self.rules.iter_mut().for_each(|rule| rule.set_key(&key)),
            Err(error) => {
                let (file, text) = (timberline_disk::DataDir::PRIVACY_KEY, super::key::WITHOUT_KEY);
                let reason =
                    format!("there is no key ({file}: {error}); until there is, values become \"{text}\"");
                self.note(Some(first), reason);
            }
        }
    }

    fn note(&mut self, index: Option<usize>, reason: String) {
        let reason = match reason.char_indices().nth(MAX_REASON) {
            Some((end, _)) => format!("{}…", reason.get(..end).unwrap_or_default()),
            None => reason,
        };
        self.problems.push(Problem { index, reason });
    }

    pub(crate) fn problems(&self) -> &[Problem] {
        &self.problems
    }

    pub(super) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Whether any rule is about this bucket.
    pub(crate) fn concern(&self, bucket: &str) -> bool {
        self.rules.iter().any(|rule| rule.concerns(bucket))
    }

    /// Whether any rule is about what is sent to a bucket by this id or alias.
    pub(crate) fn concern_sent(&self, snapshot: &Snapshot, name: &str) -> bool {
        !self.rules.is_empty() && (self.concern(name) || self.concern(id_of(snapshot, name)))
    }

    /// Whether no rule is in force.
    pub(crate) fn is_empty(&self) -> bool {
        !self.rules.iter().any(|rule| rule.enabled)
    }

    /// What becomes of data, which are canonical, by all rules, whatever buckets they are for.
    pub(crate) fn judge_in_any_bucket(&self, data: &str) -> Verdict {
        let rules = self.rules.iter().filter(|rule| rule.enabled);
        follow(rules, data, |_, _| ())
    }

    /// What becomes of an event of this bucket with this data, which is canonical.
    #[cfg(test)]
    pub(crate) fn judge(&self, bucket: &str, data: &str) -> Verdict {
        self.trace(bucket, data, |_, _| ())
    }

    /// What becomes of an event with this data, which is canonical, that is sent to a bucket by its id or by an alias: rules
    /// for either are followed.
    pub(crate) fn judge_sent(&self, snapshot: &Snapshot, name: &str, data: &str) -> Verdict {
        if self.rules.is_empty() {
            return Verdict::Keep;
        }
        // Rules for all buckets need no look at what the bucket is called.
        let id = match self.rules.iter().any(Rule::is_for_some_buckets) {
            true => id_of(snapshot, name),
            false => name,
        };
        let concerns = |rule: &&Rule| rule.concerns(name) || rule.concerns(id);
        follow(self.rules.iter().filter(concerns), data, |_, _| ())
    }

    /// What becomes of an event of this bucket, telling of each rule that matches, and whether it changes anything. A rule
    /// sees what those before it have made; after one that drops there is nothing to see.
    pub(super) fn trace(&self, bucket: &str, data: &str, matched: impl FnMut(&Rule, bool)) -> Verdict {
        let rules = self.rules.iter().filter(|rule| rule.concerns(bucket));
        follow(rules, data, matched)
    }

    /// Those of the events that are sent to a bucket, by its id or an alias, that are stored, as they are stored.
    pub(crate) fn screen<'a>(
        &self,
        snapshot: &Snapshot,
        name: &str,
        mut events: Vec<NewEvent<'a>>,
    ) -> Vec<NewEvent<'a>> {
        if !self.concern_sent(snapshot, name) {
            return events;
        }
        events.retain_mut(|event| match self.judge_sent(snapshot, name, &event.data) {
            Verdict::Keep => true,
            Verdict::Drop => false,
            Verdict::Change(data) => {
                event.data = Cow::Owned(data);
                true
            }
        });
        events
    }
}

/// The id of the bucket with this id or alias.
fn id_of<'a>(snapshot: &'a Snapshot, name: &'a str) -> &'a str {
    snapshot.bucket(name).map_or(name, |view| &view.bucket().id)
}

/// What these rules make of data.
fn follow<'a>(
    rules: impl Iterator<Item = &'a Rule>,
    data: &str,
    mut matched: impl FnMut(&Rule, bool),
) -> Verdict {
    let mut changed: Option<String> = None;
    for rule in rules {
        match rule.step(changed.as_deref().unwrap_or(data)) {
            Step::NoMatch => {}
            Step::Same => matched(rule, false),
            Step::Drop => {
                matched(rule, true);
                return Verdict::Drop;
            }
            Step::Replace(data) => {
                matched(rule, true);
                changed = Some(data);
            }
        }
    }
    match changed {
        // Two rules may undo each other.
        Some(changed) if changed != data => Verdict::Change(changed),
        _ => Verdict::Keep,
    }
}

fn list(json: &str) -> Result<Vec<&RawValue>, String> {
    if json.len() > MAX_LIST {
        let length = json.len();
        return Err(format!(
            "the list is {length} bytes long; it must be at most {MAX_LIST}"
        ));
    }
    serde_json::from_str(json).map_err(|error| {
        let example = r#"[{"enabled": true, "field": "title", "pattern": "(?i)bank", "action": "drop"}]"#;
        format!("expected a list of rules such as {example}: {error}")
    })
}

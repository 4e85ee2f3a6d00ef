//! The rules of `categorize` and `tag`, read from a program's values and compiled once.
//!
//! | file | what |
//! |---|---|
//! | `read` | one rule, from a value |
//! | `expression` | AND, OR and NOT |
//! | `searches` | what is looked for in data |
//! | `condition`, `clock` | when something was done |

mod clock;
mod condition;
mod expression;
mod read;
mod searches;

use std::sync::Arc;

use condition::Conditions;
use expression::Expression;
use read::Reader;
use searches::{Collector, Searches};

use crate::clock::Clock;
use crate::error::QueryError;
use crate::limits::Guard;
use crate::pattern::Search;
use crate::value::{Dict, Value};
use crate::warning::Warning;

/// The category of an event that no rule matches.
pub(crate) const UNCATEGORIZED: &str = "Uncategorized";

/// A rule.
#[derive(Debug)]
struct Rule {
    names: Names,
    holds: Expression,
}

/// What a rule stands for.
#[derive(Debug)]
enum Names {
    Category { path: Vec<String>, rank: i64 },
    Tag(String),
}

/// The result of rules for an object.
pub(crate) enum Outcome<'a> {
    Category(&'a [String]),
    Tags(Vec<&'a str>),
    /// It depends on when it was.
    Depends,
}

/// What a set of rules is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// One category for each event.
    Categorize,
    /// Any number of tags.
    Tag,
}

/// Rules, in the order of the program.
#[derive(Debug)]
pub(crate) struct RuleSet {
    purpose: Purpose,
    rules: Vec<Rule>,
    searches: Searches,
    conditions: Conditions,
    /// Rules by rank; the first one that holds wins.
    ranked: Vec<usize>,
    uncategorized: [String; 1],
}

impl RuleSet {
    /// Reads and compiles rules: a list of `[category or tag, rule]`. `clock` is the one of conditions that name no zone.
    ///
    /// # Errors
    /// What is wrong with the first that is wrong.
    pub(crate) fn read(
        guard: &Guard,
        purpose: Purpose,
        rules: &Value,
        clock: &Clock,
        steps: usize,
    ) -> Result<RuleSet, QueryError> {
        let items = rules
            .items()
            .ok_or_else(|| QueryError::function(format!("the rules must be a list, found {rules}")))?;
        let mut reader = Reader {
            searches: Collector::new(guard, steps)?,
            conditions: Conditions::default(),
            clock,
        };
        let mut read = Vec::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            let subject = format!("rule {}", i + 1);
            let rule = Rule::read(purpose, &item, &mut reader, &subject);
            read.push(rule.map_err(|error| error.about(&subject))?);
        }
        let mut ranked: Vec<(i64, usize)> = Vec::new();
        for (number, rule) in read.iter().enumerate() {
            match &rule.names {
                // A category without a name wins over nothing.
                Names::Category { path, rank } if !path.is_empty() => ranked.push((*rank, number)),
                _ => {}
            }
        }
        ranked.sort_unstable_by(|a, b| b.cmp(a));
        Ok(RuleSet {
            purpose,
            rules: read,
            searches: reader.searches.compile()?,
            conditions: reader.conditions,
            ranked: ranked.into_iter().map(|(_, number)| number).collect(),
            uncategorized: [UNCATEGORIZED.to_owned()],
        })
    }

    /// Checks one `[category, rule]`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn check(guard: &Guard, item: &Value, clock: &Clock, steps: usize) -> Result<(), QueryError> {
        let mut reader = Reader {
            searches: Collector::new(guard, steps)?,
            conditions: Conditions::default(),
            clock,
        };
        Rule::read(Purpose::Categorize, item, &mut reader, "its rule")?;
        reader.searches.compile().map(|_| ())
    }

    /// For each search of a rule, the keys whose values it looks at; `None` means all.
    pub(crate) fn keys(&self) -> &[Option<Vec<String>>] {
        self.searches.keys()
    }

    /// Bytes of all compiled patterns.
    pub(crate) fn bytes(&self) -> usize {
        self.searches.bytes()
    }

    /// Whether a rule asks when something was done.
    pub(crate) fn has_conditions(&self) -> bool {
        !self.conditions.is_empty()
    }

    /// Which conditions hold at an instant, as bits, and the first later instant at which that may change.
    pub(crate) fn conditions_at(&self, at: i64) -> (Vec<u64>, i64) {
        self.conditions.at(at)
    }

    /// The key that they set.
    pub(crate) fn sets(&self) -> &'static str {
        match self.purpose {
            Purpose::Categorize => "$category",
            Purpose::Tag => "$tags",
        }
    }

    /// Reports each search whose pattern is found in a text, and each that was given up.
    ///
    /// # Errors
    /// When the query has reached a limit or is cancelled: many backtracking patterns take long.
    pub(crate) fn find_in(
        &self,
        guard: &Guard,
        text: &str,
        report: impl FnMut(usize, Search),
    ) -> Result<(), QueryError> {
        self.searches.find_in(guard, text, report)
    }

    /// The warnings for searches that were given up: one for each rule that depends on one of them.
    pub(crate) fn warnings(&self, given_up: impl Fn(usize) -> bool) -> Vec<Warning> {
        let depends = |rule: &&Rule| {
            let mut any = false;
            rule.holds.searches(&mut |search| any |= given_up(search));
            any
        };
        let warning = |rule: &Rule| match &rule.names {
            Names::Category { path, .. } => Warning::category(path),
            Names::Tag(tag) => Warning::tag(tag),
        };
        self.rules.iter().filter(depends).map(warning).collect()
    }

    /// The result for data in which these searches were found, while these conditions hold; if it is not said which hold, the
    /// result that holds at any time.
    pub(crate) fn outcome(&self, found: impl Fn(usize) -> bool, conditions: Option<&[u64]>) -> Outcome<'_> {
        let when = |number: usize| {
            let word = conditions?.get(number / 64)?;
            Some(word >> (number % 64) & 1 == 1)
        };
        match self.purpose {
            Purpose::Categorize => self.category(&found, &when),
            Purpose::Tag => self.tags(&found, &when),
        }
    }

    fn category(&self, found: &dyn Fn(usize) -> bool, when: &dyn Fn(usize) -> Option<bool>) -> Outcome<'_> {
        for rule in self.ranked.iter().filter_map(|number| self.rules.get(*number)) {
            match (rule.holds.holds(found, when), &rule.names) {
                (Some(true), Names::Category { path, .. }) => return Outcome::Category(path),
                (None, _) => return Outcome::Depends,
                _ => {}
            }
        }
        Outcome::Category(&self.uncategorized)
    }

    fn tags(&self, found: &dyn Fn(usize) -> bool, when: &dyn Fn(usize) -> Option<bool>) -> Outcome<'_> {
        let mut tags: Vec<&str> = Vec::new();
        for rule in &self.rules {
            match (rule.holds.holds(found, when), &rule.names) {
                (Some(true), Names::Tag(tag)) => tags.push(tag),
                (None, _) => return Outcome::Depends,
                _ => {}
            }
        }
        tags.sort_unstable();
        tags.dedup();
        Outcome::Tags(tags)
    }
}

impl Rule {
    fn read(
        purpose: Purpose,
        item: &Value,
        reader: &mut Reader<'_>,
        subject: &str,
    ) -> Result<Rule, QueryError> {
        let wanted = match purpose {
            Purpose::Categorize => {
                "[category, rule], such as [[\"Work\"], {\"type\": \"regex\", \"regex\": \"vim\"}]"
            }
            Purpose::Tag => "[tag, rule], such as [\"work\", {\"type\": \"regex\", \"regex\": \"vim\"}]",
        };
        let pair = || Some((item.items()?.iter().next()?, item.items()?.iter().nth(1)?));
        let Some((names, rule)) = pair() else {
            return Err(QueryError::function(format!("expected {wanted}, found {item}")));
        };
        let Value::Dict(rule) = &rule else {
            return Err(QueryError::function(format!(
                "a rule is a dict such as {{\"type\": \"regex\", \"regex\": \"vim\"}}, found {rule}"
            )));
        };
        Ok(Rule {
            names: Names::read(purpose, &names, rule)?,
            holds: reader.rule(rule, subject)?,
        })
    }
}

impl Names {
    fn read(purpose: Purpose, names: &Value, rule: &Arc<Dict>) -> Result<Names, QueryError> {
        match purpose {
            Purpose::Categorize => {
                let path = read::texts(names).ok_or_else(|| {
                    QueryError::function(format!(
                        "a category is a list of strings such as [\"Work\", \"Email\"], found {names}"
                    ))
                })?;
                let rank = read::priority(rule)?.unwrap_or(path.len() as i64 * 10);
                Ok(Names::Category { path, rank })
            }
            Purpose::Tag => match names {
                Value::Text(tag) => Ok(Names::Tag(tag.to_string())),
                other => Err(QueryError::function(format!("a tag is a string, found {other}"))),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use timberline_cancel::Cancel;

    use crate::limits::{Budget, Limits};

    #[test]
    fn a_query_can_be_cancelled_between_backtracking_rules() {
        let cancel = Cancel::new();
        let guard = Guard::new(
            Arc::new(Budget::new(1 << 30, 0)),
            cancel.clone(),
            &Limits::default(),
        );
        let rule = |pattern: &str| {
            let text = |text: &str| Value::text(text);
            let dict = vec![("type".into(), text("regex")), ("regex".into(), text(pattern))];
            let dict = Value::dict(&guard, dict).unwrap();
            Value::list(&guard, vec![text("tag"), dict]).unwrap()
        };
        let rules = Value::list(&guard, vec![rule("a(?!b)"), rule("a(?!c)"), rule("a(?!d)")]).unwrap();
        let rules = RuleSet::read(&guard, Purpose::Tag, &rules, &Clock::utc(), 1_000).unwrap();
        let mut told = Vec::new();
        let outcome = rules.find_in(&guard, "a", |number, search| {
            told.push((number, search));
            cancel.cancel();
        });
        assert_eq!(outcome.unwrap_err().kind, crate::ErrorKind::Cancelled);
        assert_eq!(told, [(0, Search::Found)]);
    }
}

//! The rules of `categorize` and `tag`: read from a program's values, compiled once.

use regex::RegexSet;

use crate::error::QueryError;
use crate::limits::Guard;
use crate::pattern::Pattern;
use crate::value::{Dict, Value};

/// What an event is that no rule matches.
const UNCATEGORIZED: &str = "Uncategorized";

/// A rule, of which the pattern may be missing: then it matches nothing.
#[derive(Debug)]
pub(crate) struct Rule {
    pattern: Option<Pattern>,
    /// The keys whose values are looked at; without: all.
    pub(crate) select_keys: Option<Vec<String>>,
    names: Names,
}

/// What a rule stands for.
#[derive(Debug)]
enum Names {
    Category { path: Vec<String>, rank: i64 },
    Tag(String),
}

/// What rules say about an object.
pub(crate) enum Outcome<'a> {
    Category(&'a [String]),
    Tags(Vec<&'a str>),
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
    /// The patterns that can be looked for all at once, and the rules they are of.
    at_once: Option<(RegexSet, Vec<usize>)>,
    /// Rules by rank, the winner of any two first.
    ranked: Vec<usize>,
    uncategorized: [String; 1],
}

impl RuleSet {
    /// Reads and compiles rules: a list of `[category or tag, rule]`.
    ///
    /// # Errors
    /// What is wrong with the first that is wrong.
    pub(crate) fn read(
        guard: &Guard,
        purpose: Purpose,
        rules: &Value,
        steps: usize,
    ) -> Result<RuleSet, QueryError> {
        let items = rules
            .items()
            .ok_or_else(|| QueryError::function(format!("the rules must be a list, found {rules}")))?;
        let mut read = Vec::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            guard.check()?;
            let rule = Rule::read(purpose, &item, steps).map_err(|mut error| {
                error.message = format!("rule {}: {}", i + 1, error.message);
                error
            })?;
            read.push(rule);
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
            at_once: at_once(&read),
            rules: read,
            ranked: ranked.into_iter().map(|(_, number)| number).collect(),
            uncategorized: [UNCATEGORIZED.to_owned()],
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.rules.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter()
    }

    /// The key that they set.
    pub(crate) fn sets(&self) -> &'static str {
        match self.purpose {
            Purpose::Categorize => "$category",
            Purpose::Tag => "$tags",
        }
    }

    /// Tells each rule whose pattern is found in a text.
    ///
    /// # Errors
    /// When a pattern takes too many steps.
    pub(crate) fn find_in(&self, text: &str, mut found: impl FnMut(usize)) -> Result<(), QueryError> {
        let mut at_once: &[usize] = &[];
        if let Some((set, numbers)) = &self.at_once {
            at_once = numbers;
            let matches = set.matches(text);
            matches
                .iter()
                .filter_map(|i| numbers.get(i))
                .for_each(|number| found(*number));
        }
        // What is in the set comes first and in order, so what is left is found by walking both.
        let mut at_once = at_once.iter().peekable();
        for (number, rule) in self.rules.iter().enumerate() {
            if at_once.next_if(|next| **next == number).is_some() {
                continue;
            }
            if let Some(pattern) = &rule.pattern
                && pattern.is_match(text)?
            {
                found(number);
            }
        }
        Ok(())
    }

    /// What comes of the rules that match.
    pub(crate) fn outcome(&self, matching: impl Fn(usize) -> bool) -> Outcome<'_> {
        let names = |number: &usize| self.rules.get(*number).map(|rule| &rule.names);
        match self.purpose {
            Purpose::Categorize => {
                let winner = self.ranked.iter().find(|number| matching(**number));
                match winner.and_then(names) {
                    Some(Names::Category { path, .. }) => Outcome::Category(path),
                    _ => Outcome::Category(&self.uncategorized),
                }
            }
            Purpose::Tag => {
                let all = 0..self.rules.len();
                let mut tags: Vec<&str> = all
                    .filter(|number| matching(*number))
                    .filter_map(|number| match names(&number)? {
                        Names::Tag(tag) => Some(tag.as_str()),
                        Names::Category { .. } => None,
                    })
                    .collect();
                tags.sort_unstable();
                tags.dedup();
                Outcome::Tags(tags)
            }
        }
    }
}

fn at_once(rules: &[Rule]) -> Option<(RegexSet, Vec<usize>)> {
    let pattern = |rule: &Rule| Some(rule.pattern.as_ref()?.for_set()?.to_owned());
    let numbered = rules.iter().enumerate();
    let (numbers, patterns): (Vec<usize>, Vec<String>) =
        numbered.filter_map(|(i, rule)| Some((i, pattern(rule)?))).unzip();
    // Together they may be too large; then each is looked for by itself.
    let set = RegexSet::new(patterns).ok()?;
    Some((set, numbers))
}

impl Rule {
    fn read(purpose: Purpose, item: &Value, steps: usize) -> Result<Rule, QueryError> {
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
        let names = match purpose {
            Purpose::Categorize => {
                let path = texts(&names).ok_or_else(|| {
                    QueryError::function(format!(
                        "a category is a list of strings such as [\"Work\", \"Email\"], found {names}"
                    ))
                })?;
                let rank = priority(rule)?.unwrap_or(path.len() as i64 * 10);
                Names::Category { path, rank }
            }
            Purpose::Tag => match &names {
                Value::Text(tag) => Names::Tag(tag.to_string()),
                other => {
                    return Err(QueryError::function(format!("a tag is a string, found {other}")));
                }
            },
        };
        Ok(Rule {
            pattern: pattern(rule, steps)?,
            select_keys: select_keys(rule)?,
            names,
        })
    }
}

fn pattern(rule: &Dict, steps: usize) -> Result<Option<Pattern>, QueryError> {
    let kind = match rule.get("type") {
        Some(Value::Text(kind)) => kind,
        Some(other) => return Err(wrong("type", "\"regex\" or \"none\"", other)),
        None => {
            return Err(QueryError::function(
                "the rule has no type: it is \"regex\" or \"none\"",
            ));
        }
    };
    match &**kind {
        "none" => Ok(None),
        "regex" => {
            let text = match rule.get("regex") {
                Some(Value::Text(text)) => text,
                Some(other) => return Err(wrong("regex", "a string", other)),
                None => {
                    return Err(QueryError::function(
                        "a rule of type \"regex\" needs the field regex",
                    ));
                }
            };
            let ignore_case = match rule.get("ignore_case") {
                None => false,
                Some(Value::Bool(ignore)) => *ignore,
                Some(other) => return Err(wrong("ignore_case", "a bool", other)),
            };
            Pattern::compile(text, ignore_case, steps).map(Some)
        }
        other => Err(QueryError::function(format!(
            "there is no rule type {other:?}: it is \"regex\" or \"none\""
        ))),
    }
}

fn select_keys(rule: &Dict) -> Result<Option<Vec<String>>, QueryError> {
    let Some(keys) = rule.get("select_keys") else {
        return Ok(None);
    };
    match texts(keys) {
        Some(keys) if !keys.is_empty() => Ok(Some(keys)),
        _ => Err(wrong("select_keys", "a list of at least one string", keys)),
    }
}

/// `priority`, which aw-core also calls `weight`.
fn priority(rule: &Dict) -> Result<Option<i64>, QueryError> {
    for field in ["priority", "weight"] {
        match rule.get(field) {
            None => {}
            // Beyond 2^53 not every integer is a number of the language.
            Some(Value::Number(n)) if n.fract() == 0.0 && n.abs() < 9e15 => return Ok(Some(*n as i64)),
            Some(other) => return Err(wrong(field, "an integer", other)),
        }
    }
    Ok(None)
}

fn wrong(field: &str, wanted: &str, found: &Value) -> QueryError {
    QueryError::function(format!("the field {field} must be {wanted}, found {found}"))
}

fn texts(value: &Value) -> Option<Vec<String>> {
    let items = value.items()?;
    let text = |item: Value| match item {
        Value::Text(text) => Some(text.to_string()),
        _ => None,
    };
    items.iter().map(text).collect()
}

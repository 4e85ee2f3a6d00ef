//! The rules of `categorize` and `tag`, read from a program's values and compiled once.

use std::sync::Arc;

use crate::error::QueryError;
use crate::limits::Guard;
use crate::pattern::{Compiler, Parsed, Pattern, Search, Set};
use crate::value::{Dict, Value};
use crate::warning::Warning;

/// The category of an event that no rule matches.
const UNCATEGORIZED: &str = "Uncategorized";

/// A rule.
#[derive(Debug)]
pub(crate) struct Rule {
    matcher: Matcher,
    /// The keys whose values are searched; `None` means all.
    pub(crate) select_keys: Option<Vec<String>>,
    names: Names,
}

/// How a rule is matched against a text.
#[derive(Debug)]
enum Matcher {
    /// It matches nothing.
    Never,
    /// Together with the other patterns of the set.
    InSet,
    /// By itself.
    Alone(Pattern),
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
    /// The patterns that are searched for all at once, and the numbers of their rules.
    set: Option<(Set, Vec<usize>)>,
    /// Rules by rank; the first one that matches wins.
    ranked: Vec<usize>,
    uncategorized: [String; 1],
    /// Bytes of all compiled patterns.
    bytes: usize,
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
        let mut compiler = Compiler::new(guard, steps)?;
        let (mut read, mut patterns) = (Vec::with_capacity(items.len()), Vec::new());
        for (i, item) in items.iter().enumerate() {
            let about = |error: QueryError| error.about(format_args!("rule {}", i + 1));
            read.push(Rule::read(purpose, &item).map_err(about)?);
            let Some((text, ignore_case)) = rule_dict(&item).map_or(Ok(None), pattern).map_err(about)? else {
                continue;
            };
            let parsed = compiler.parse(&text, ignore_case).map_err(about)?;
            patterns.push(ParsedPattern {
                number: i,
                text,
                parsed,
            });
        }
        let in_set = compile(&mut compiler, &mut read, patterns)?;
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
            set: in_set,
            bytes: compiler.bytes(),
            rules: read,
            ranked: ranked.into_iter().map(|(_, number)| number).collect(),
            uncategorized: [UNCATEGORIZED.to_owned()],
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.rules.len()
    }

    /// Bytes of all compiled patterns.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
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

    /// Reports each rule whose pattern is found in a text, and each whose search was given up.
    ///
    /// # Errors
    /// When the query has reached a limit or is cancelled: many backtracking rules take long.
    pub(crate) fn find_in(
        &self,
        guard: &Guard,
        text: &str,
        mut report: impl FnMut(usize, Search),
    ) -> Result<(), QueryError> {
        if let Some((set, numbers)) = &self.set {
            set.find_in(text, |i| {
                numbers
                    .get(i)
                    .into_iter()
                    .for_each(|number| report(*number, Search::Found));
            });
        }
        for (number, rule) in self.rules.iter().enumerate() {
            if let Matcher::Alone(pattern) = &rule.matcher {
                if matches!(pattern, Pattern::Backtracking(_)) {
                    guard.check()?;
                }
                report(number, pattern.search(text));
            }
        }
        Ok(())
    }

    /// The warning for a rule whose search was given up.
    pub(crate) fn warning(&self, number: usize) -> Option<Warning> {
        self.rules.get(number).map(|rule| match &rule.names {
            Names::Category { path, .. } => Warning::category(path),
            Names::Tag(tag) => Warning::tag(tag),
        })
    }

    /// The result of the rules that match.
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

/// The pattern of a rule, parsed but not compiled.
struct ParsedPattern {
    /// The rule's number.
    number: usize,
    text: String,
    parsed: Parsed,
}

/// Compiles patterns, as many as possible into one set. If the set would be too large, each is searched for by itself.
fn compile(
    compiler: &mut Compiler<'_>,
    rules: &mut [Rule],
    patterns: Vec<ParsedPattern>,
) -> Result<Option<(Set, Vec<usize>)>, QueryError> {
    let for_set = || {
        patterns
            .iter()
            .filter_map(|p| Some((p.number, p.parsed.for_set()?)))
    };
    let (numbers, expressions): (Vec<usize>, Vec<_>) = for_set().unzip();
    let set = compiler.set(&expressions)?.map(|set| (set, numbers));
    for pattern in patterns {
        let Some(rule) = rules.get_mut(pattern.number) else {
            continue;
        };
        let in_set = set.is_some() && pattern.parsed.for_set().is_some();
        rule.matcher = if in_set {
            Matcher::InSet
        } else {
            let compiled = compiler.compile(&pattern.text, pattern.parsed);
            let about = |error: QueryError| error.about(format_args!("rule {}", pattern.number + 1));
            Matcher::Alone(compiled.map_err(about)?)
        };
    }
    Ok(set)
}

/// The dict of `[category or tag, rule]`.
fn rule_dict(item: &Value) -> Option<Arc<Dict>> {
    match item.items()?.iter().nth(1)? {
        Value::Dict(rule) => Some(rule),
        _ => None,
    }
}

impl Rule {
    /// Reads a rule except for its pattern.
    fn read(purpose: Purpose, item: &Value) -> Result<Rule, QueryError> {
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
            matcher: Matcher::Never,
            select_keys: select_keys(rule)?,
            names,
        })
    }
}

/// The regular expression of a rule, and whether case is ignored.
fn pattern(rule: Arc<Dict>) -> Result<Option<(String, bool)>, QueryError> {
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
            Ok(Some((text.to_string(), ignore_case)))
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
        let rule = || {
            let text = |text: &str| Value::text(text);
            let dict = vec![("type".into(), text("regex")), ("regex".into(), text("a(?!b)"))];
            let dict = Value::dict(&guard, dict).unwrap();
            Value::list(&guard, vec![text("tag"), dict]).unwrap()
        };
        let rules = Value::list(&guard, vec![rule(), rule(), rule()]).unwrap();
        let rules = RuleSet::read(&guard, Purpose::Tag, &rules, 1_000).unwrap();
        let mut told = Vec::new();
        let outcome = rules.find_in(&guard, "a", |number, search| {
            told.push((number, search));
            cancel.cancel();
        });
        assert_eq!(outcome.unwrap_err().kind, crate::ErrorKind::Cancelled);
        assert_eq!(told, [(0, Search::Found)]);
    }
}

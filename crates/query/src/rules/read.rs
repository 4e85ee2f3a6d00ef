//! Reading one rule from a value of a program.
//!
//! Besides the types of aw-core, `none` and `regex`, there are texts, conditions on time, and rules made of rules.

use super::clock;
use super::condition::{Condition, Conditions, Hours};
use super::expression::Expression;
use super::searches::{Collector, Wanted};
use crate::clock::Clock;
use crate::error::QueryError;
use crate::period::instant;
use crate::value::{Dict, Value};

/// The types, for messages.
const TYPES: &str = "\"regex\", \"text\", \"time\", \"between\", \"and\", \"or\", \"not\" or \"none\"";
const WEEKDAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// Reads the rules of a set, one after the other.
pub(super) struct Reader<'a> {
    pub(super) searches: Collector<'a>,
    pub(super) conditions: Conditions,
    /// For conditions that name no zone.
    pub(super) clock: &'a Clock,
}

impl Reader<'_> {
    /// When a rule holds. `subject` names it in errors about patterns.
    pub(super) fn rule(&mut self, rule: &Dict, subject: &str) -> Result<Expression, QueryError> {
        let kind = match rule.get("type") {
            Some(Value::Text(kind)) => kind,
            Some(other) => return Err(wrong("type", TYPES, other)),
            None => {
                return Err(QueryError::function(format!(
                    "the rule has no type: it is {TYPES}"
                )));
            }
        };
        match &**kind {
            "none" => Ok(Expression::Never),
            "regex" => {
                let text = text(rule, "regex")?.to_owned();
                self.search(rule, text, subject)
            }
            "text" => {
                let text = regex_syntax::escape(text(rule, "text")?);
                let whole = flag(rule, "whole")?;
                self.search(rule, if whole { format!(r"\A{text}\z") } else { text }, subject)
            }
            "time" => {
                let clock = rule
                    .get("zone")
                    .map_or_else(|| Ok(self.clock.clone()), clock::read)?;
                let condition = Condition::Clock(hours(rule)?, clock);
                Ok(Expression::When(self.conditions.add(condition)))
            }
            "between" => Ok(Expression::When(self.conditions.add(between(rule)?))),
            "and" => self.rules(rule, subject).map(Expression::All),
            "or" => self.rules(rule, subject).map(Expression::Any),
            "not" => match rule.get("rule") {
                Some(Value::Dict(inner)) => Ok(Expression::Not(Box::new(self.rule(inner, subject)?))),
                Some(other) => Err(wrong("rule", "a rule", other)),
                None => Err(missing("not", "rule")),
            },
            other => Err(QueryError::function(format!(
                "there is no rule type {other:?}: it is {TYPES}"
            ))),
        }
    }

    fn search(&mut self, rule: &Dict, text: String, subject: &str) -> Result<Expression, QueryError> {
        let wanted = Wanted {
            text,
            ignore_case: flag(rule, "ignore_case")?,
            keys: keys(rule)?,
        };
        self.searches.add(wanted, subject).map(Expression::Found)
    }

    /// The rules that a rule is made of.
    fn rules(&mut self, rule: &Dict, subject: &str) -> Result<Vec<Expression>, QueryError> {
        let Some(list) = rule.get("rules") else {
            return Err(missing("and\" or \"or", "rules"));
        };
        let wanted = "a list of at least one rule";
        let items = list
            .items()
            .filter(|items| items.len() > 0)
            .ok_or_else(|| wrong("rules", wanted, list))?;
        let read = |(i, item): (usize, Value)| {
            let about = |error: QueryError| error.about(format_args!("part {}", i + 1));
            match item {
                Value::Dict(inner) => self.rule(&inner, subject).map_err(about),
                other => Err(about(wrong("rules", wanted, &other))),
            }
        };
        items.iter().enumerate().map(read).collect()
    }
}

fn missing(kind: &str, field: &str) -> QueryError {
    QueryError::function(format!("a rule of type \"{kind}\" needs the field {field}"))
}

fn text<'a>(rule: &'a Dict, field: &'static str) -> Result<&'a str, QueryError> {
    match rule.get(field) {
        Some(Value::Text(text)) => Ok(text),
        Some(other) => Err(wrong(field, "a string", other)),
        None => Err(missing(field, field)),
    }
}

fn flag(rule: &Dict, field: &str) -> Result<bool, QueryError> {
    match rule.get(field) {
        None => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(other) => Err(wrong(field, "a bool", other)),
    }
}

/// The keys whose values are searched: `select_keys`, as aw-core has it, or `field` for one.
fn keys(rule: &Dict) -> Result<Option<Vec<String>>, QueryError> {
    match (rule.get("select_keys"), rule.get("field")) {
        (None, None) => Ok(None),
        (None, Some(Value::Text(key))) => Ok(Some(vec![key.to_string()])),
        (None, Some(other)) => Err(wrong("field", "a string", other)),
        (Some(keys), None) => match texts(keys) {
            Some(keys) if !keys.is_empty() => Ok(Some(keys)),
            _ => Err(wrong("select_keys", "a list of at least one string", keys)),
        },
        (Some(_), Some(_)) => Err(QueryError::function(
            "the rule has both select_keys and field; one of them is enough",
        )),
    }
}

fn hours(rule: &Dict) -> Result<Hours, QueryError> {
    let time = |field: &str, default: i64| match rule.get(field) {
        None => Ok(default),
        Some(Value::Text(text)) => time_of_day(text).ok_or_else(|| {
            wrong(
                field,
                "a time of day such as \"09:00\"",
                &Value::Text(text.clone()),
            )
        }),
        Some(other) => Err(wrong(field, "a time of day such as \"09:00\"", other)),
    };
    let (from, to) = (time("from", 0)?, time("to", clock::DAY)?);
    if from == to {
        return Err(QueryError::function(
            "the fields from and to are the same time, between which there is none",
        ));
    }
    let weekdays = match rule.get("weekdays") {
        None => 0x7f,
        Some(days) => weekdays(days)
            .ok_or_else(|| wrong("weekdays", "a list of at least one day such as \"monday\"", days))?,
    };
    if rule
        .get("from")
        .or(rule.get("to"))
        .or(rule.get("weekdays"))
        .is_none()
    {
        return Err(QueryError::function(
            "a rule of type \"time\" needs the field weekdays, from or to",
        ));
    }
    Ok(Hours { weekdays, from, to })
}

/// Nanoseconds after midnight of `HH:MM`, up to `24:00`.
fn time_of_day(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str, most: i64| -> Option<i64> {
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|n| digits && *n <= most)
    };
    let minutes = number(hours, 24)? * 60 + number(minutes, 59)?;
    Some(minutes * 60_000_000_000).filter(|time| *time <= clock::DAY)
}

fn weekdays(days: &Value) -> Option<u8> {
    let names = texts(days)?;
    let bit = |name: &String| {
        let day = WEEKDAYS.iter().position(|day| day.eq_ignore_ascii_case(name))?;
        Some(1u8 << day)
    };
    let bits: Option<Vec<u8>> = names.iter().map(bit).collect();
    bits.map(|bits| bits.into_iter().fold(0, |all, bit| all | bit))
        .filter(|all| *all != 0)
}

fn between(rule: &Dict) -> Result<Condition, QueryError> {
    let end = |field: &str, default: i64| match rule.get(field) {
        None => Ok(default),
        Some(Value::Text(text)) => {
            let read = instant(text).map(|at| at.nanos());
            read.map_err(|error| QueryError::function(format!("the field {field}: {error}")))
        }
        Some(other) => Err(wrong(field, "an instant such as \"2024-03-01T09:00:00Z\"", other)),
    };
    let (from, to) = (end("from", i64::MIN)?, end("to", i64::MAX)?);
    if from >= to {
        return Err(QueryError::function(
            "the field to must be later than the field from",
        ));
    }
    Ok(Condition::Between(from, to))
}

/// `priority`, which aw-core also calls `weight`.
pub(super) fn priority(rule: &Dict) -> Result<Option<i64>, QueryError> {
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

pub(super) fn texts(value: &Value) -> Option<Vec<String>> {
    let items = value.items()?;
    let text = |item: Value| match item {
        Value::Text(text) => Some(text.to_string()),
        _ => None,
    };
    items.iter().map(text).collect()
}

//! Programs: lists of assignments that can be printed as a query and evaluated with the reference functions.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use serde_json::Value as Json;
use timberline_model::Timestamp;

use super::buckets::{self, Bucket, Buckets, Period};
use super::data::{self, Rule};
use super::{Event, Value, groups, periods, select};

/// A function and its arguments that are no events, which in the language come after those that are.
#[derive(Clone, Debug)]
pub(crate) enum Function {
    QueryBucket(String),
    QueryBucketEventcount(String),
    FilterKeyvals(String, Vec<Json>),
    ExcludeKeyvals(String, Vec<Json>),
    FilterKeyvalsRegex(String, String),
    FilterPeriodIntersect,
    PeriodUnion,
    UnionNoOverlap,
    Concat,
    /// The operator `+`.
    Plus,
    LimitEvents(f64),
    MergeEventsByKeys(Vec<String>),
    ChunkEventsByKey(String),
    SortByTimestamp,
    SortByDuration,
    SumDurations,
    Flood,
    SplitUrlEvents,
    SimplifyWindowTitles(String),
    Categorize(Vec<(Vec<String>, Rule)>),
    Tag(Vec<(String, Rule)>),
}

/// A function applied to lists of events.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) function: Function,
    pub(crate) lists: Vec<Operand>,
}

/// A list of events.
#[derive(Clone, Debug)]
pub(crate) enum Operand {
    Name(String),
    Call(Box<Call>),
    /// `[]`
    Empty,
}

/// What a program does.
#[derive(Clone, Debug)]
pub(crate) enum Statement {
    Assign(String, Call),
    /// `STARTTIME = …;` and so on: the period of the buckets that are queried from here on.
    SetPeriod(Bound),
}

/// Which end of the period is set.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    Start(i64),
    End(i64),
    Both(Period),
}

/// Statements, and what is answered after them: one value, or a list of all.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) statements: Vec<Statement>,
    pub(crate) answers: Vec<Answer>,
}

/// A value that is answered.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Events(Operand),
    Number(Call),
}

impl Function {
    /// Its name.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Function::QueryBucket(_) => "query_bucket",
            Function::QueryBucketEventcount(_) => "query_bucket_eventcount",
            Function::FilterKeyvals(..) => "filter_keyvals",
            Function::ExcludeKeyvals(..) => "exclude_keyvals",
            Function::FilterKeyvalsRegex(..) => "filter_keyvals_regex",
            Function::FilterPeriodIntersect => "filter_period_intersect",
            Function::PeriodUnion => "period_union",
            Function::UnionNoOverlap => "union_no_overlap",
            Function::Concat | Function::Plus => "concat",
            Function::LimitEvents(_) => "limit_events",
            Function::MergeEventsByKeys(_) => "merge_events_by_keys",
            Function::ChunkEventsByKey(_) => "chunk_events_by_key",
            Function::SortByTimestamp => "sort_by_timestamp",
            Function::SortByDuration => "sort_by_duration",
            Function::SumDurations => "sum_durations",
            Function::Flood => "flood",
            Function::SplitUrlEvents => "split_url_events",
            Function::SimplifyWindowTitles(_) => "simplify_window_titles",
            Function::Categorize(_) => "categorize",
            Function::Tag(_) => "tag",
        }
    }

    /// The arguments after the lists of events, as they are written.
    fn constants(&self) -> Vec<String> {
        let pairs = |pairs: Vec<Json>| literal(&Json::Array(pairs));
        match self {
            Function::QueryBucket(text)
            | Function::QueryBucketEventcount(text)
            | Function::ChunkEventsByKey(text)
            | Function::SimplifyWindowTitles(text) => vec![text_literal(text)],
            Function::FilterKeyvals(key, values) | Function::ExcludeKeyvals(key, values) => {
                vec![text_literal(key), literal(&Json::Array(values.clone()))]
            }
            Function::FilterKeyvalsRegex(key, pattern) => vec![text_literal(key), text_literal(pattern)],
            Function::LimitEvents(count) => vec![number_literal(*count)],
            Function::MergeEventsByKeys(keys) => vec![literal(&Json::from(keys.clone()))],
            Function::Categorize(rules) => {
                vec![pairs(
                    rules
                        .iter()
                        .map(|(name, rule)| pair(name.clone().into(), rule))
                        .collect(),
                )]
            }
            Function::Tag(rules) => {
                vec![pairs(
                    rules
                        .iter()
                        .map(|(name, rule)| pair(name.clone().into(), rule))
                        .collect(),
                )]
            }
            _ => Vec::new(),
        }
    }

    /// What it gives for lists of events.
    fn apply(&self, lists: &[Vec<Event>], buckets: &Buckets, period: Period) -> Value {
        let first = || lists.first().expect("a list of events");
        let both = || (first(), lists.get(1).expect("two lists of events"));
        let bucket = |id: &String| -> &Bucket { buckets.get(id).expect("a bucket") };
        Value::Events(match self {
            Function::QueryBucket(id) => buckets::query_bucket(bucket(id), period),
            Function::QueryBucketEventcount(id) => {
                return Value::Number(buckets::query_bucket_eventcount(bucket(id), period) as f64);
            }
            Function::SumDurations => return Value::Number(select::sum_durations(first())),
            Function::FilterKeyvals(key, values) => select::filter_keyvals(first(), key, values),
            Function::ExcludeKeyvals(key, values) => select::exclude_keyvals(first(), key, values),
            Function::FilterKeyvalsRegex(key, pattern) => select::filter_keyvals_regex(first(), key, pattern),
            Function::FilterPeriodIntersect => periods::filter_period_intersect(both().0, both().1),
            Function::PeriodUnion => periods::period_union(both().0, both().1),
            Function::UnionNoOverlap => periods::union_no_overlap(both().0, both().1),
            Function::Concat | Function::Plus => select::concat(lists),
            Function::LimitEvents(count) => select::limit_events(first(), *count),
            Function::MergeEventsByKeys(keys) => groups::merge_events_by_keys(first(), keys),
            Function::ChunkEventsByKey(key) => groups::chunk_events_by_key(first(), key),
            Function::SortByTimestamp => select::sort_by_timestamp(first()),
            Function::SortByDuration => select::sort_by_duration(first()),
            Function::Flood => periods::flood(first()),
            Function::SplitUrlEvents => data::split_url_events(first()),
            Function::SimplifyWindowTitles(key) => data::simplify_window_titles(first(), key),
            Function::Categorize(rules) => data::categorize(first(), rules),
            Function::Tag(rules) => data::tag(first(), rules),
        })
    }
}

impl Program {
    /// What it answers, when it is asked about a period.
    pub(crate) fn evaluate(&self, buckets: &Buckets, asked: Period) -> Value {
        let mut names = BTreeMap::new();
        let mut period = asked;
        for statement in &self.statements {
            match statement {
                Statement::Assign(name, call) => {
                    let value = call.evaluate(&names, buckets, period);
                    names.insert(name.clone(), value);
                }
                Statement::SetPeriod(Bound::Start(start)) => period.start = *start,
                Statement::SetPeriod(Bound::End(end)) => period.end = *end,
                Statement::SetPeriod(Bound::Both(both)) => period = *both,
            }
        }
        let mut answers: Vec<Value> = Vec::new();
        for answer in &self.answers {
            answers.push(match answer {
                Answer::Events(list) => Value::Events(list.evaluate(&names, buckets, period)),
                Answer::Number(call) => call.evaluate(&names, buckets, period),
            });
        }
        match answers.len() {
            1 => answers.remove(0),
            _ => Value::List(answers),
        }
    }
}

impl Call {
    fn evaluate(&self, names: &BTreeMap<String, Value>, buckets: &Buckets, period: Period) -> Value {
        let lists = self.lists.iter();
        let lists: Vec<_> = lists.map(|list| list.evaluate(names, buckets, period)).collect();
        self.function.apply(&lists, buckets, period)
    }
}

impl Operand {
    fn evaluate(&self, names: &BTreeMap<String, Value>, buckets: &Buckets, period: Period) -> Vec<Event> {
        match self {
            Operand::Name(name) => names.get(name).expect("an assigned name").clone().into_events(),
            Operand::Call(call) => call.evaluate(names, buckets, period).into_events(),
            Operand::Empty => Vec::new(),
        }
    }
}

impl Display for Program {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let time = |nanos| Timestamp::from_nanos(nanos).to_string();
        for statement in &self.statements {
            match statement {
                Statement::Assign(name, call) => writeln!(f, "{name} = {call};")?,
                Statement::SetPeriod(Bound::Start(start)) => {
                    writeln!(f, "STARTTIME = \"{}\";", time(*start))?
                }
                Statement::SetPeriod(Bound::End(end)) => writeln!(f, "ENDTIME = \"{}\";", time(*end))?,
                Statement::SetPeriod(Bound::Both(period)) => {
                    writeln!(
                        f,
                        "TIMEINTERVAL = \"{}/{}\";",
                        time(period.start),
                        time(period.end)
                    )?;
                }
            }
        }
        match self.answers.as_slice() {
            [one] => write!(f, "RETURN = {one};"),
            many => write!(f, "RETURN = [{}];", with_commas(many)),
        }
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let (Function::Plus, [first, second]) = (&self.function, self.lists.as_slice()) {
            return write!(f, "({first} + {second})");
        }
        let mut arguments: Vec<String> = self.lists.iter().map(Operand::to_string).collect();
        arguments.extend(self.function.constants());
        write!(f, "{}({})", self.function.name(), arguments.join(", "))
    }
}

impl Display for Answer {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Events(list) => list.fmt(f),
            Answer::Number(call) => call.fmt(f),
        }
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Operand::Name(name) => f.write_str(name),
            Operand::Call(call) => call.fmt(f),
            Operand::Empty => f.write_str("[]"),
        }
    }
}

fn pair(name: Json, rule: &Rule) -> Json {
    Json::Array(vec![name, rule.to_json()])
}

fn with_commas<T: Display>(things: &[T]) -> String {
    things.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

/// JSON as the language writes it. It has no null and no strings that end with a backslash.
pub(crate) fn literal(value: &Json) -> String {
    match value {
        Json::Null => panic!("the language has no null"),
        Json::Bool(value) => value.to_string(),
        Json::Number(number) => number_literal(number.as_f64().expect("a number")),
        Json::String(text) => text_literal(text),
        Json::Array(values) => format!(
            "[{}]",
            with_commas(&values.iter().map(literal).collect::<Vec<_>>())
        ),
        Json::Object(members) => {
            let member =
                |(key, value): (&String, &Json)| format!("{}: {}", text_literal(key), literal(value));
            format!(
                "{{{}}}",
                with_commas(&members.iter().map(member).collect::<Vec<_>>())
            )
        }
    }
}

/// The language has no minus in front, and no exponents.
fn number_literal(number: f64) -> String {
    if number.is_sign_negative() {
        format!("(0 - {})", -number)
    } else {
        number.to_string()
    }
}

/// Only quotes are escaped: every other backslash stands for itself.
pub(crate) fn text_literal(text: &str) -> String {
    assert!(
        !text.ends_with('\\'),
        "a string that ends with a backslash is not closed"
    );
    format!("\"{}\"", text.replace('"', "\\\""))
}

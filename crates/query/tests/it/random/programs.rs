//! Random programs.

use std::fmt::Debug;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value as Json;

use super::{key, number, one_of, period, value};
use crate::reference::data::Rule;
use crate::reference::program::{Answer, Bound, Call, Function, Operand, Program, Statement};

/// Regular expressions of all sorts that match what events have: also with look-around and back-references.
const PATTERNS: &[&str] = &[
    "",
    "vim|fire",
    "(?i)FIRE",
    r"\w+",
    r"^\(\d+\)",
    "●",
    r"hello(?! world)",
    r"(l)\1",
    r"(?<=F)PS",
    ".",
    r"\bmain\b",
    "^$",
    r"\\d",
    "\"hi\"",
    "(?s)e.b",
    r"\p{Han}",
    "^https?://(www\\.)?example",
];

/// Names that programs assign; few, so that they are assigned again.
const NAMES: &[&str] = &["a", "b", "events", "d_1"];

/// A function of events, with how many lists of events it takes.
pub(crate) fn function() -> impl Strategy<Value = (Function, usize)> {
    prop_oneof![one_list().prop_map(|function| (function, 1)), many_lists()]
}

/// Functions of one list.
pub(crate) fn one_list() -> impl Strategy<Value = Function> {
    prop_oneof![
        1 => (key(), values()).prop_map(|(key, values)| Function::FilterKeyvals(key, values)),
        1 => (key(), values()).prop_map(|(key, values)| Function::ExcludeKeyvals(key, values)),
        1 => (key(), pattern()).prop_map(|(key, pattern)| Function::FilterKeyvalsRegex(key, pattern)),
        1 => limit(),
        1 => keys().prop_map(Function::MergeEventsByKeys),
        1 => key().prop_map(Function::ChunkEventsByKey),
        1 => Just(Function::SortByTimestamp),
        1 => Just(Function::SortByDuration),
        2 => Just(Function::Flood),
        1 => Just(Function::SplitUrlEvents),
        1 => title_key().prop_map(Function::SimplifyWindowTitles),
        1 => categories().prop_map(Function::Categorize),
        1 => tags().prop_map(Function::Tag),
    ]
}

/// Functions of two lists, and `concat`, which takes any number.
pub(crate) fn many_lists() -> impl Strategy<Value = (Function, usize)> {
    prop_oneof![
        2 => Just((Function::FilterPeriodIntersect, 2)),
        1 => Just((Function::PeriodUnion, 2)),
        2 => Just((Function::UnionNoOverlap, 2)),
        1 => (0usize..4).prop_map(|lists| (Function::Concat, lists)),
        1 => Just((Function::Plus, 2)),
    ]
}

pub(crate) fn pattern() -> impl Strategy<Value = String> {
    one_of(PATTERNS)
}

pub(crate) fn values() -> impl Strategy<Value = Vec<Json>> {
    let app = one_of(&["vim", "Firefox"]).prop_map(Json::from);
    prop::collection::vec(prop_oneof![app, number(), value()], 0..4)
}

pub(crate) fn keys() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(key(), 0..4)
}

pub(crate) fn title_key() -> impl Strategy<Value = String> {
    prop_oneof![2 => Just("title".to_owned()), 1 => key()]
}

pub(crate) fn limit() -> impl Strategy<Value = Function> {
    let counts = vec![0.0, 1.0, 2.0, 3.9, 7.0, -1.0, -0.5, 1e9, 1e300];
    select(counts).prop_map(Function::LimitEvents)
}

fn rule() -> impl Strategy<Value = Rule> {
    let rank = (select(&["priority", "weight"]), -5i64..25);
    let fields = (
        prop::option::weighted(0.9, pattern()),
        prop::option::of(any::<bool>()),
        prop::option::weighted(0.3, prop::collection::vec(key(), 1..3)),
        prop::option::weighted(0.3, rank),
    );
    fields.prop_map(|(regex, ignore_case, select_keys, rank)| Rule {
        regex,
        ignore_case,
        select_keys,
        rank,
    })
}

pub(crate) fn categories() -> impl Strategy<Value = Vec<(Vec<String>, Rule)>> {
    let category = prop::collection::vec(one_of(&["Work", "Play", "ü"]), 0..4);
    a_few_or_many((category, rule()).boxed())
}

pub(crate) fn tags() -> impl Strategy<Value = Vec<(String, Rule)>> {
    a_few_or_many((one_of(&["work", "play", "ü", ""]), rule()).boxed())
}

/// A few rules, or more than a machine word has bits.
fn a_few_or_many<T: Debug>(rule: BoxedStrategy<T>) -> impl Strategy<Value = Vec<T>> {
    prop_oneof![
        8 => prop::collection::vec(rule.clone(), 0..6),
        1 => prop::collection::vec(rule, 60..140),
    ]
}

/// A list of events of a step: nothing, or one of what there is by then.
#[derive(Clone, Debug)]
enum Source {
    Nothing,
    Bucket(Index),
    Assigned(Index),
    /// A function of those, written within.
    Of(Function, Vec<Source>),
}

fn source() -> impl Strategy<Value = Source> {
    let simple = prop_oneof![
        1 => Just(Source::Nothing),
        3 => any::<Index>().prop_map(Source::Bucket),
        12 => any::<Index>().prop_map(Source::Assigned),
    ];
    simple.prop_recursive(1, 4, 3, |inner| {
        (function(), prop::collection::vec(inner, 3)).prop_map(|((function, lists), mut sources)| {
            sources.truncate(lists);
            Source::Of(function, sources)
        })
    })
}

impl Source {
    /// What it is where some names are assigned.
    fn operand(&self, buckets: &[String], assigned: &[String]) -> Operand {
        let bucket = |index: &Index| Call {
            function: Function::QueryBucket(index.get(buckets).clone()),
            lists: Vec::new(),
        };
        match self {
            Source::Nothing => Operand::Empty,
            Source::Assigned(index) if !assigned.is_empty() => Operand::Name(index.get(assigned).clone()),
            Source::Bucket(index) | Source::Assigned(index) => Operand::Call(Box::new(bucket(index))),
            Source::Of(function, sources) => {
                Operand::Call(Box::new(call(function, sources, buckets, assigned)))
            }
        }
    }
}

fn call(function: &Function, sources: &[Source], buckets: &[String], assigned: &[String]) -> Call {
    let operands = sources.iter().map(|source| source.operand(buckets, assigned));
    Call {
        function: function.clone(),
        lists: operands.collect(),
    }
}

/// What is answered of a list: itself, the sum of its durations, or the number of events of some bucket instead.
#[derive(Clone, Debug)]
enum Asked {
    Events,
    Sum,
    Count(Index),
}

/// A program that does not know the names of its buckets yet.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    steps: Vec<(&'static str, Function, Vec<Source>)>,
    answers: Vec<(Asked, Source)>,
    bound: Option<(Index, Bound)>,
}

/// Programs of up to so many assignments.
pub(crate) fn draft(most: usize) -> impl Strategy<Value = Draft> {
    let sources = prop::collection::vec(source(), 3);
    let step = (select(NAMES), function(), sources).prop_map(|(name, (function, lists), mut sources)| {
        sources.truncate(lists);
        (name, function, sources)
    });
    let bound = prop_oneof![
        period().prop_map(|period| Bound::Start(period.start)),
        period().prop_map(|period| Bound::End(period.end)),
        period().prop_map(Bound::Both),
    ];
    let asked = prop_oneof![
        6 => Just(Asked::Events),
        2 => Just(Asked::Sum),
        1 => any::<Index>().prop_map(Asked::Count),
    ];
    let parts = (
        prop::collection::vec(step, 0..=most),
        prop::collection::vec((asked, source()), 1..4),
        prop::option::weighted(0.2, (any::<Index>(), bound)),
    );
    parts.prop_map(|(steps, answers, bound)| Draft {
        steps,
        answers,
        bound,
    })
}

impl Draft {
    /// The program, for these buckets.
    pub(crate) fn program(&self, buckets: &[String]) -> Program {
        let mut assigned: Vec<String> = Vec::new();
        let mut statements = Vec::new();
        for (name, function, sources) in &self.steps {
            let call = call(function, sources, buckets, &assigned);
            statements.push(Statement::Assign((*name).to_owned(), call));
            if !assigned.iter().any(|known| known == name) {
                assigned.push((*name).to_owned());
            }
        }
        if let Some((place, bound)) = &self.bound {
            statements.insert(place.index(statements.len() + 1), Statement::SetPeriod(*bound));
        }
        let answer = |(asked, source): &(Asked, Source)| {
            let list = source.operand(buckets, &assigned);
            let number = |function, lists| Answer::Number(Call { function, lists });
            match asked {
                Asked::Events => Answer::Events(list),
                Asked::Sum => number(Function::SumDurations, vec![list]),
                Asked::Count(index) => number(
                    Function::QueryBucketEventcount(index.get(buckets).clone()),
                    Vec::new(),
                ),
            }
        };
        Program {
            statements,
            answers: self.answers.iter().map(answer).collect(),
        }
    }
}

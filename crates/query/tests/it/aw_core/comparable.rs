//! Random programs to which both give the same answer: they keep to where aw-core and Timberline agree (see [`agreed`]),
//! and to a spelling that aw-core understands.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value as Json, json};

use super::shapes::{Shape, agreed};
use crate::random::one_of;
use crate::random::programs::limit;
use crate::reference::data::Rule;
use crate::reference::program::{Answer, Call, Function, Operand, Program, Statement};

/// Functions with arguments that both understand alike, and the number of lists they take.
fn function() -> impl Strategy<Value = (Function, usize)> {
    let keys = prop::collection::vec(key(), 1..3);
    let title = one_of(&["title", "app"]);
    prop_oneof![
        2 => (key(), values()).prop_map(|(key, values)| (Function::FilterKeyvals(key, values), 1)),
        1 => (key(), values()).prop_map(|(key, values)| (Function::ExcludeKeyvals(key, values), 1)),
        2 => (one_of(&["app", "title", "url", "$domain"]), pattern())
            .prop_map(|(key, pattern)| (Function::FilterKeyvalsRegex(key, pattern), 1)),
        1 => whole_limit().prop_map(|function| (function, 1)),
        3 => keys.prop_map(|keys| (Function::MergeEventsByKeys(keys), 1)),
        4 => key().prop_map(|key| (Function::ChunkEventsByKey(key), 1)),
        3 => Just((Function::SortByTimestamp, 1)),
        1 => Just((Function::SortByDuration, 1)),
        1 => Just((Function::SumDurations, 1)),
        3 => Just((Function::Flood, 1)),
        2 => Just((Function::SplitUrlEvents, 1)),
        1 => title.prop_map(|key| (Function::SimplifyWindowTitles(key), 1)),
        2 => categories().prop_map(|rules| (Function::Categorize(rules), 1)),
        1 => tags().prop_map(|rules| (Function::Tag(rules), 1)),
        4 => Just((Function::FilterPeriodIntersect, 2)),
        2 => Just((Function::PeriodUnion, 2)),
        2 => Just((Function::UnionNoOverlap, 2)),
        2 => Just((Function::Concat, 2)),
    ]
}

fn key() -> impl Strategy<Value = String> {
    one_of(&[
        "app",
        "title",
        "n",
        "list",
        "$domain",
        "$path",
        "$category",
        "$tags",
    ])
}

/// Values that programs of aw-core can say, without those that are equal only in Python: 0, 1, true and false.
fn values() -> impl Strategy<Value = Vec<Json>> {
    let all = vec![
        json!("vim"),
        json!("Firefox"),
        json!("ünï \"x\" \\d"),
        json!(2),
        json!(3),
        json!(["a", "b"]),
        json!([]),
        json!({"x": 2}),
        json!("example.com"),
        json!(["Work"]),
        json!("2"),
    ];
    let app = one_of(&["vim", "Firefox"]).prop_map(Json::from);
    prop::collection::vec(prop_oneof![app, select(all)], 0..4)
}

/// Regular expressions that are the same in Python, also in what they match; none that is or matches only "".
fn pattern() -> impl Strategy<Value = String> {
    one_of(&[
        "vim|fire",
        "[Vv]im",
        r"\w+ \d",
        r"^\(\d+\)",
        "●",
        "ü",
        r"main(?!\.rs)",
        r"(?<=x)y",
        r"(l)\1",
        "example",
    ])
}

fn whole_limit() -> impl Strategy<Value = Function> {
    let whole = |limit: &Function| matches!(limit, Function::LimitEvents(n) if *n >= 0.0 && n.fract() == 0.0 && *n < 1e10);
    limit().prop_filter("a whole number", whole)
}

fn rule() -> impl Strategy<Value = Rule> {
    let keys = prop::collection::vec(one_of(&["app", "title", "url", "none"]), 1..3);
    let fields = (
        prop::option::weighted(0.9, pattern()),
        prop::option::of(any::<bool>()),
        prop::option::weighted(0.3, keys),
        prop::option::weighted(0.3, (select(&["priority", "weight"]), 0i64..25)),
    );
    fields.prop_map(|(regex, ignore_case, select_keys, rank)| Rule {
        regex,
        ignore_case,
        select_keys,
        rank,
    })
}

fn categories() -> impl Strategy<Value = Vec<(Vec<String>, Rule)>> {
    let category = prop::collection::vec(one_of(&["Work", "Play", "ü"]), 0..4);
    prop::collection::vec((category, rule()), 0..5)
}

/// Rules in the order of their tags, each once.
fn tags() -> impl Strategy<Value = Vec<(String, Rule)>> {
    let rules = prop::collection::btree_map(one_of(&["work", "play", "ü"]), rule(), 0..4);
    rules.prop_map(|rules| rules.into_iter().collect())
}

/// A program that does not know its buckets yet.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    steps: Vec<Step>,
    /// The bucket of which the events are counted.
    counted: Option<Index>,
}

#[derive(Clone, Debug)]
struct Step {
    function: Function,
    /// Which lists it takes of those that would do.
    lists: Vec<Index>,
    /// Whether its result gets a name.
    named: bool,
    /// Whether it may take a list from a bucket even if there are others.
    fresh: bool,
}

/// Programs of up to so many functions.
pub(crate) fn draft(most: usize) -> impl Strategy<Value = Draft> {
    let lists = prop::collection::vec(any::<Index>(), 2);
    let step = (function(), lists, any::<bool>(), prop::bool::weighted(0.15));
    let step = step.prop_map(|((function, count), mut lists, named, fresh)| {
        lists.truncate(count);
        Step {
            function,
            lists,
            named,
            fresh,
        }
    });
    let steps = prop::collection::vec(step, 1..=most);
    (steps, prop::option::weighted(0.1, any::<Index>())).prop_map(|(steps, counted)| Draft { steps, counted })
}

/// A list of events on its way through a program. In aw-core functions change their arguments, so each is used once.
#[derive(Clone)]
struct Flow {
    operand: Operand,
    shape: Shape,
}

impl Draft {
    /// The program, with the shape of each answer that is no number. Steps that find nothing to work on are left out.
    pub(crate) fn program(&self, buckets: &[(&str, Shape)]) -> (Program, Vec<Option<Shape>>) {
        let queries: Vec<Flow> = buckets.iter().map(|(name, shape)| query(name, shape)).collect();
        let mut flows: Vec<Flow> = Vec::new();
        let (mut statements, mut answers, mut shapes) = (Vec::new(), Vec::new(), Vec::new());
        for step in &self.steps {
            let Some((taken, shape)) = step.take(&mut flows, &queries) else {
                continue;
            };
            let function = step.function.clone();
            let lists = step.written(taken, &mut statements);
            let call = Call { function, lists };
            if let Function::SumDurations = step.function {
                answers.push(Answer::Number(call));
                shapes.push(None);
                continue;
            }
            let operand = Operand::Call(Box::new(call));
            let operand = if step.named {
                named(operand, &mut statements)
            } else {
                operand
            };
            flows.push(Flow { operand, shape });
        }
        for flow in flows {
            // Within the list that is answered aw-core would lose what comes after a call.
            answers.push(Answer::Events(named(flow.operand, &mut statements)));
            shapes.push(Some(flow.shape));
        }
        if let Some(index) = &self.counted {
            let function = Function::QueryBucketEventcount(index.get(buckets).0.to_owned());
            answers.push(Answer::Number(Call {
                function,
                lists: Vec::new(),
            }));
            shapes.push(None);
        }
        (Program { statements, answers }, shapes)
    }
}

impl Step {
    /// Takes the lists that it works on, and tells the shape of what it makes of them.
    fn take(&self, flows: &mut Vec<Flow>, queries: &[Flow]) -> Option<(Vec<Flow>, Shape)> {
        let mut left = flows.clone();
        let mut taken: Vec<Flow> = Vec::new();
        let mut shape = None;
        for index in &self.lists {
            let before: Vec<Shape> = taken.iter().map(|flow: &Flow| flow.shape.clone()).collect();
            let fits = |flow: &Flow| self.fits(&before, &flow.shape);
            let place = |(place, flow): (usize, &Flow)| Some((place, fits(flow)?));
            let mut fitting: Vec<(usize, Shape)> = left.iter().enumerate().filter_map(place).collect();
            if self.fresh || fitting.is_empty() {
                let new = queries.iter().filter(|query| fits(query).is_some()).cloned();
                let first = left.len();
                left.extend(new);
                fitting.extend(left.iter().enumerate().skip(first).filter_map(place));
            }
            if fitting.is_empty() {
                return None;
            }
            let (place, made) = index.get(&fitting).clone();
            taken.push(left.remove(place));
            // Queries that were offered and not taken go again.
            left.truncate(flows.len());
            shape = Some(made);
        }
        *flows = left;
        Some((taken, shape?))
    }

    /// The shape of the result if a list is the last of those it takes; else that of the list, if it may be one.
    fn fits(&self, before: &[Shape], next: &Shape) -> Option<Shape> {
        let shapes: Vec<&Shape> = before.iter().chain([next]).collect();
        if shapes.len() == self.lists.len() {
            agreed(&self.function, &shapes)
        } else {
            Some(next.clone()).filter(|shape| !shape.joined)
        }
    }

    /// Its lists as arguments: after a call aw-core loses an argument, so a call can only be the last.
    fn written(&self, lists: Vec<Flow>, statements: &mut Vec<Statement>) -> Vec<Operand> {
        let all_lists = match self.function {
            Function::Flood
            | Function::SortByTimestamp
            | Function::SortByDuration
            | Function::SumDurations
            | Function::SplitUrlEvents
            | Function::FilterPeriodIntersect
            | Function::PeriodUnion
            | Function::UnionNoOverlap
            | Function::Concat => lists.len(),
            _ => 0,
        };
        let written = lists.into_iter().enumerate().map(|(place, flow)| {
            if place + 1 == all_lists {
                flow.operand
            } else {
                named(flow.operand, statements)
            }
        });
        written.collect()
    }
}

fn query(name: &str, shape: &Shape) -> Flow {
    let function = Function::QueryBucket(name.to_owned());
    Flow {
        operand: Operand::Call(Box::new(Call {
            function,
            lists: Vec::new(),
        })),
        shape: shape.clone(),
    }
}

/// Gives a call a name.
fn named(operand: Operand, statements: &mut Vec<Statement>) -> Operand {
    match operand {
        Operand::Call(call) => {
            let name = format!("v{}", statements.len());
            statements.push(Statement::Assign(name.clone(), *call));
            Operand::Name(name)
        }
        other => other,
    }
}

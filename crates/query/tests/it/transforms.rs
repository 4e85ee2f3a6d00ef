//! Every function, alone and in random programs, against the plain one of `reference`: the answers are the same text,
//! wherever the events are (in memory, in view segments, in a store opened again) and whatever the engine remembers.

use crate::harness::{Stage, ask, expected, new_engine, property};
use crate::random::programs::{self, draft};
use crate::random::{events, key, period};
use crate::reference::Event;
use crate::reference::buckets::{Buckets, Period};
use crate::reference::program::{Answer, Call, Function, Operand, Program};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

/// Around whatever events there are.
const ALWAYS: Period = Period {
    start: -1 << 61,
    end: 1 << 61,
};

/// Holds one function against the reference, on two buckets of random events or as many as it takes lists.
fn alone(function: impl Strategy<Value = (Function, usize)>) {
    let stage = Stage::new();
    let lists = prop::collection::vec(events(), 3);
    property(
        60,
        (function, lists, any::<bool>()),
        |((function, count), lists, sealed)| {
            let (names, buckets) = fill(&stage, &lists[..count]);
            if sealed {
                stage.compact();
            }
            let query = |name: &String| Call {
                function: Function::QueryBucket(name.clone()),
                lists: Vec::new(),
            };
            let call = Call {
                function: function.clone(),
                lists: names
                    .iter()
                    .map(|name| Operand::Call(Box::new(query(name))))
                    .collect(),
            };
            let answer = match function {
                Function::SumDurations => Answer::Number(call),
                _ => Answer::Events(Operand::Call(Box::new(call))),
            };
            let program = Program {
                statements: Vec::new(),
                answers: vec![answer],
            };
            same(&stage, &program, &buckets, &[ALWAYS])
        },
    );
}

/// New buckets of these events, in the place of those of the last case.
fn fill(stage: &Stage, lists: &[Vec<Event>]) -> (Vec<String>, Buckets) {
    stage.clear();
    let buckets: Vec<_> = lists.iter().map(|events| stage.bucket(events)).collect();
    (
        buckets.iter().map(|(name, _)| name.clone()).collect(),
        buckets.into_iter().collect(),
    )
}

fn same(stage: &Stage, program: &Program, buckets: &Buckets, periods: &[Period]) -> TestCaseResult {
    let text = program.to_string();
    match stage.ask(&text, periods) {
        Ok(answer) => prop_assert_eq!(answer, expected(program, buckets, periods), "\n{}", text),
        Err(error) => prop_assert!(false, "{error}\n{text}"),
    }
    Ok(())
}

/// A test for a function of one list.
macro_rules! of_one_list {
    ($($test:ident: $function:expr;)*) => {$(
        #[test]
        fn $test() {
            alone($function.prop_map(|function| (function, 1)));
        }
    )*};
}

of_one_list! {
    filter_keyvals: (key(), programs::values()).prop_map(|(key, values)| Function::FilterKeyvals(key, values));
    exclude_keyvals: (key(), programs::values()).prop_map(|(key, values)| Function::ExcludeKeyvals(key, values));
    filter_keyvals_regex: (key(), programs::pattern()).prop_map(|(key, p)| Function::FilterKeyvalsRegex(key, p));
    limit_events: programs::limit();
    merge_events_by_keys: programs::keys().prop_map(Function::MergeEventsByKeys);
    chunk_events_by_key: key().prop_map(Function::ChunkEventsByKey);
    sort_by_timestamp: Just(Function::SortByTimestamp);
    sort_by_duration: Just(Function::SortByDuration);
    sum_durations: Just(Function::SumDurations);
    flood: Just(Function::Flood);
    split_url_events: Just(Function::SplitUrlEvents);
    simplify_window_titles: programs::title_key().prop_map(Function::SimplifyWindowTitles);
    categorize: programs::categories().prop_map(Function::Categorize);
    tag: programs::tags().prop_map(Function::Tag);
}

#[test]
fn filter_period_intersect() {
    alone(Just((Function::FilterPeriodIntersect, 2)));
}

#[test]
fn period_union() {
    alone(Just((Function::PeriodUnion, 2)));
}

#[test]
fn union_no_overlap() {
    alone(Just((Function::UnionNoOverlap, 2)));
}

#[test]
fn concat_of_any_number_of_lists() {
    alone((0usize..4).prop_map(|lists| (Function::Concat, lists)));
}

#[test]
fn plus() {
    alone(Just((Function::Plus, 2)));
}

#[test]
fn query_bucket_and_its_count_in_any_period() {
    let stage = Stage::new();
    let periods = prop::collection::vec(period(), 1..5);
    property(
        150,
        (events(), periods, any::<bool>()),
        |(events, periods, sealed)| {
            let (names, buckets) = fill(&stage, &[events]);
            if sealed {
                stage.compact();
            }
            let call = |function| Call {
                function,
                lists: Vec::new(),
            };
            let events = call(Function::QueryBucket(names[0].clone()));
            let program = Program {
                statements: Vec::new(),
                answers: vec![
                    Answer::Events(Operand::Call(Box::new(events))),
                    Answer::Number(call(Function::QueryBucketEventcount(names[0].clone()))),
                ],
            };
            same(&stage, &program, &buckets, &periods)
        },
    );
}

#[test]
fn random_programs_give_the_same_wherever_the_events_are_and_whatever_is_remembered() {
    let stage = Stage::new();
    let lists = prop::collection::vec(events(), 1..4);
    let periods = prop::collection::vec(period(), 1..3);
    // What is done to the store after the first answer, some of it rarely.
    let later = (
        prop::bool::weighted(0.5),
        prop::bool::weighted(0.1),
        any::<bool>(),
    );
    property(
        300,
        (lists, draft(12), periods, later),
        |(lists, draft, periods, later)| {
            let (compact, reopen, anew) = later;
            let (names, buckets) = fill(&stage, &lists);
            let program = draft.program(&names);
            same(&stage, &program, &buckets, &periods)?;
            let hits = stage.engine.metrics().cache_hits;
            same(&stage, &program, &buckets, &periods)?;
            let hits = stage.engine.metrics().cache_hits - hits;
            prop_assert_eq!(hits, periods.len() as u64, "the second answers are remembered");
            if compact {
                stage.compact();
            }
            if reopen {
                stage.reopen();
            }
            same(&stage, &program, &buckets, &periods)?;
            if anew {
                let answer = ask(&new_engine(), &stage.snapshot(), &program.to_string(), &periods);
                prop_assert_eq!(answer.expect("an answer"), expected(&program, &buckets, &periods));
            }
            Ok(())
        },
    );
}

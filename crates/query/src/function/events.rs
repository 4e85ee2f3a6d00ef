//! Lists of events in, lists of events out.

use super::{Arguments, Function, Parameters};
use crate::error::{Limited, QueryError};
use crate::json;
use crate::rules::Purpose;
use crate::transform::{self, Classifier};
use crate::value::Value;
use crate::warning::Warning;

const fn function(
    name: &'static str,
    parameters: &'static [&'static str],
    run: fn(&Arguments<'_>) -> Result<Value, QueryError>,
) -> Function {
    Function {
        name,
        parameters: Parameters::Exactly(parameters),
        run,
    }
}

pub(super) const FUNCTIONS: &[Function] = &[
    function("filter_keyvals", &["events", "key", "values"], |a| {
        filter_keyvals(a, true)
    }),
    function("exclude_keyvals", &["events", "key", "values"], |a| {
        filter_keyvals(a, false)
    }),
    function(
        "filter_keyvals_regex",
        &["events", "key", "pattern"],
        filter_keyvals_regex,
    ),
    function("filter_period_intersect", &["events", "periods"], |a| {
        transform::filter_period_intersect(a.scope(), &a.events(0)?, &a.events(1)?).map(Value::Events)
    }),
    function("period_union", &["events", "events"], |a| {
        transform::period_union(a.scope(), &a.events(0)?, &a.events(1)?).map(Value::Events)
    }),
    function("union_no_overlap", &["events", "events"], |a| {
        transform::union_no_overlap(a.scope(), &a.events(0)?, &a.events(1)?).map(Value::Events)
    }),
    Function {
        name: "concat",
        parameters: Parameters::Any("events"),
        run: concat,
    },
    function("limit_events", &["events", "count"], |a| {
        let count = a.number(1)?;
        // Saturating: a negative number becomes 0, fractions are cut off.
        a.events(0)?
            .first(a.scope().guard, count as usize)
            .map(Value::Events)
    }),
    function("merge_events_by_keys", &["events", "keys"], |a| {
        let keys = a.texts(1)?;
        let keys: Vec<&str> = keys.iter().map(|key| &**key).collect();
        transform::merge_events_by_keys(a.scope(), &a.events(0)?, &keys).map(Value::Events)
    }),
    function("chunk_events_by_key", &["events", "key"], |a| {
        let key = a.text(1)?;
        transform::chunk_events_by_key(a.scope(), &a.events(0)?, key).map(Value::Events)
    }),
    function("sort_by_timestamp", &["events"], |a| {
        transform::sort_by_timestamp(a.scope(), &a.events(0)?).map(Value::Events)
    }),
    function("sort_by_duration", &["events"], |a| {
        transform::sort_by_duration(a.scope(), &a.events(0)?).map(Value::Events)
    }),
    function("sum_durations", &["events"], sum_durations),
    function("flood", &["events"], |a| {
        transform::flood(a.scope(), &a.events(0)?).map(Value::Events)
    }),
    function("split_url_events", &["events"], |a| {
        transform::split_url_events(a.scope(), &a.events(0)?).map(Value::Events)
    }),
    function("simplify_window_titles", &["events", "key"], |a| {
        let key = a.text(1)?;
        transform::simplify_window_titles(a.scope(), &a.events(0)?, key).map(Value::Events)
    }),
    Function {
        name: "categorize",
        parameters: Parameters::LastOptional(&["events", "rules"]),
        run: |a| {
            match (a.len(), a.value(0)) {
            (1, Value::Events(_)) => classify_by_own_rules(a),
            // Both reference servers refuse it, and their recorded answers decide.
            (1, _) => Err(QueryError::function(
                "categorize() of a list that is written in the program takes 2 arguments (events, rules), got 1".to_owned(),
            )),
            _ => classify(a, Purpose::Categorize, a.value(1)),
        }
        },
    },
    function("tag", &["events", "rules"], |a| {
        classify(a, Purpose::Tag, a.value(1))
    }),
];

fn filter_keyvals(arguments: &Arguments<'_>, keep: bool) -> Result<Value, QueryError> {
    let scope = arguments.scope();
    let (events, key) = (arguments.events(0)?, arguments.text(1)?);
    transform::filter_keyvals(scope, &events, key, arguments.items(2)?, keep).map(Value::Events)
}

fn filter_keyvals_regex(arguments: &Arguments<'_>) -> Result<Value, QueryError> {
    let (events, key, pattern) = (arguments.events(0)?, arguments.text(1)?, arguments.text(2)?);
    let steps = arguments.run.backtracking_steps;
    let (found, given_up) = transform::filter_keyvals_regex(arguments.scope(), &events, key, pattern, steps)
        .map_err(|error| arguments.about(2, error))?;
    if given_up {
        arguments.run.warn(Warning::pattern(pattern));
    }
    Ok(Value::Events(found))
}

/// Seconds, exact. aw-server-rust cuts sums to milliseconds.
fn sum_durations(arguments: &Arguments<'_>) -> Result<Value, QueryError> {
    let events = arguments.events(0)?;
    let nanos: i128 = events.durations().iter().map(|d| i128::from(*d)).sum();
    Ok(Value::Number(nanos as f64 / 1e9))
}

fn concat(arguments: &Arguments<'_>) -> Result<Value, QueryError> {
    let lists: Result<Vec<_>, _> = (0..arguments.len()).map(|i| arguments.events(i)).collect();
    transform::concat(arguments.scope(), &lists?).map(Value::Events)
}

/// Bytes of rules as JSON: a value that has itself in it many times is long without being large.
const MAX_RULES_BYTES: usize = 4 << 20;

/// By the categories of the settings, of the state that the query is about.
fn classify_by_own_rules(arguments: &Arguments<'_>) -> Result<Value, QueryError> {
    let own = arguments.run.own_rules();
    let rules = own.rules().map_err(|error| error.about("categorize"))?;
    let rules = Value::of_json(arguments.scope().guard, rules)?;
    classify(arguments, Purpose::Categorize, &rules)
}

fn classify(arguments: &Arguments<'_>, purpose: Purpose, rules: &Value) -> Result<Value, QueryError> {
    let scope = arguments.scope();
    let events = arguments.events(0)?;
    if json::size(scope.catalog, rules, MAX_RULES_BYTES).is_none() {
        let message = format!("the rules are longer than {MAX_RULES_BYTES} bytes as JSON");
        return Err(arguments.about(1, QueryError::limit(Limited::Argument, message)));
    }
    let steps = arguments.run.backtracking_steps;
    let own = || arguments.run.own_rules();
    let classifier =
        Classifier::of(scope, purpose, rules, own, steps).map_err(|error| arguments.about(1, error))?;
    let (classified, warnings) =
        transform::classify(scope, &events, &classifier).map_err(|error| arguments.about(1, error))?;
    warnings
        .into_iter()
        .for_each(|warning| arguments.run.warn(warning));
    Ok(Value::Events(classified))
}

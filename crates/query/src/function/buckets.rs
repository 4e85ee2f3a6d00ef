//! What comes from the store.

use timberline_views::{BucketView, TimeRange};

use super::{Arguments, Function, Parameters, nearest};
use crate::error::QueryError;
use crate::events::Events;
use crate::load::Loader;
use crate::value::Value;

pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "query_bucket",
        parameters: Parameters::Exactly(&["bucket"]),
        run: query_bucket,
    },
    Function {
        name: "query_bucket_eventcount",
        parameters: Parameters::Exactly(&["bucket"]),
        run: query_bucket_eventcount,
    },
    Function {
        name: "query_bucket_names",
        parameters: Parameters::Exactly(&[]),
        run: query_bucket_names,
    },
    Function {
        name: "find_bucket",
        parameters: Parameters::LastOptional(&["prefix", "hostname"]),
        run: find_bucket,
    },
];

/// The events that touch the period, cut to it, newest first.
fn query_bucket(arguments: &Arguments<'_>) -> Result<Value, QueryError> {
    let scope = arguments.scope();
    let (view, range) = bucket(arguments)?;
    if is_reversed(range) {
        return Ok(Value::Events(Events::empty(scope.guard)?));
    }
    let mut loader = Loader::new(scope)?;
    let room = scope
        .guard
        .spare()
        .take_columns(usize::try_from(view.count(range)?).unwrap_or(0));
    let columns = view.columns(range, &mut loader, room)?;
    // What the loader was charged the columns are charged now.
    drop(loader);
    Events::from_columns(scope.guard, columns).map(Value::Events)
}

fn query_bucket_eventcount(arguments: &Arguments<'_>) -> Result<Value, QueryError> {
    let (view, range) = bucket(arguments)?;
    let count = if is_reversed(range) { 0 } else { view.count(range)? };
    Ok(Value::Number(count as f64))
}

fn query_bucket_names(arguments: &Arguments<'_>) -> Result<Value, QueryError> {
    let run = arguments.run;
    run.reads_bucket_list();
    let names = run.snapshot.listed().map(|b| Value::text(b.bucket().id.as_str()));
    Value::list(run.scope.guard, names.collect())
}

/// The bucket with just this id or alias, or else the first whose id begins so and that is not archived.
fn find_bucket(arguments: &Arguments<'_>) -> Result<Value, QueryError> {
    let prefix = arguments.text(0)?;
    let hostname = match arguments.len() {
        1 => None,
        _ => Some(arguments.text(1)?),
    };
    let run = arguments.run;
    run.reads_bucket_list();
    let of_host = |view: &&BucketView| hostname.is_none_or(|host| view.bucket().hostname == **host);
    let begins_so = |view: &&BucketView| view.bucket().id.starts_with(&**prefix);
    let named = run.snapshot.bucket(prefix).filter(of_host);
    let found = named.or_else(|| run.snapshot.listed().filter(of_host).find(begins_so));
    match found {
        Some(found) => Ok(Value::text(found.bucket().id.as_str())),
        None => {
            let of_host = hostname.map_or_else(String::new, |host| format!(" and the host name '{host}'"));
            Err(arguments.wrong(
                0,
                format_args!("fits no bucket: none begins with '{prefix}'{of_host}"),
            ))
        }
    }
}

/// The bucket that the first argument names, and the part of it that is asked for.
fn bucket<'a>(arguments: &Arguments<'a>) -> Result<(&'a BucketView, TimeRange), QueryError> {
    let id = arguments.text(0)?;
    let period = arguments.period()?;
    let run = arguments.run;
    let Some(view) = run.snapshot.bucket(id) else {
        let hint = match nearest(id, run.snapshot.buckets().map(|b| b.bucket().id.as_str())) {
            Some(name) => format!("; did you mean '{name}'?"),
            None => "; query_bucket_names() lists those that are there".to_owned(),
        };
        return Err(arguments.wrong(0, format_args!("names no bucket: there is no '{id}'{hint}")));
    };
    run.reads(view, period.end);
    let range = TimeRange {
        start: Some(period.start),
        end: Some(period.end),
    };
    Ok((view, range))
}

fn is_reversed(range: TimeRange) -> bool {
    range.start > range.end
}

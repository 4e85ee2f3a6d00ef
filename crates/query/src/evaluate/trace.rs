//! What a run did, for those who want to know why it takes so long.

use std::time::{Duration, Instant};

use crate::function::Arguments;
use crate::value::Value;

/// One call of a function.
#[derive(Clone, Debug)]
pub struct Step {
    /// The line of the program.
    pub line: u32,
    /// The function.
    pub function: String,
    /// Elements of its lists.
    pub rows_in: usize,
    /// Elements of the list that it gave; none if it gave something else.
    pub rows_out: Option<usize>,
    /// How long it took.
    pub time: Duration,
}

/// What a run did.
#[derive(Clone, Debug, Default)]
pub struct Explanation {
    /// Its calls, in the order in which they ended.
    pub steps: Vec<Step>,
    /// Reading the program, and finding out what it needs.
    pub parsing: Duration,
    /// All of the run.
    pub running: Duration,
    /// Writing the answer.
    pub writing: Duration,
}

/// Gathers steps.
#[derive(Debug, Default)]
pub(crate) struct Trace(pub(crate) Vec<Step>);

/// A call that has begun.
pub(super) struct Begun {
    at: Instant,
    rows_in: usize,
}

pub(super) fn begin(arguments: &Arguments<'_>) -> Begun {
    let rows = (0..arguments.len()).filter_map(|i| rows(arguments.value(i)));
    Begun {
        rows_in: rows.sum(),
        at: Instant::now(),
    }
}

impl Trace {
    pub(super) fn end(&mut self, begun: Begun, line: u32, function: &str, result: Option<&Value>) {
        self.0.push(Step {
            line,
            function: function.to_owned(),
            rows_in: begun.rows_in,
            rows_out: result.and_then(rows),
            time: begun.at.elapsed(),
        });
    }
}

fn rows(value: &Value) -> Option<usize> {
    match value {
        Value::Events(events) => Some(events.len()),
        _ => None,
    }
}

//! What a run did and how long each step took, for `timberline query --explain` and `POST /api/1/query/explain`.

use std::time::{Duration, Instant};

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
    /// Elements of the list that it returned; `None` if it returned something else.
    pub rows_out: Option<usize>,
    /// How long it took.
    pub time: Duration,
}

/// What a run did, and how long it took.
#[derive(Clone, Debug, Default)]
pub struct Explanation {
    /// Its calls, in the order in which they ended.
    pub steps: Vec<Step>,
    /// Parsing the program.
    pub parsing: Duration,
    /// The whole run.
    pub running: Duration,
    /// Writing the answer.
    pub writing: Duration,
    /// Bytes of the answer.
    pub bytes: usize,
}

/// The steps so far.
#[derive(Debug, Default)]
pub(crate) struct Trace(pub(crate) Vec<Step>);

/// A call that has begun.
pub(crate) struct Begun {
    at: Instant,
    rows_in: usize,
}

pub(crate) fn begin(arguments: &[Value]) -> Begun {
    Begun {
        rows_in: arguments.iter().filter_map(rows).sum(),
        at: timberline_clock::monotonic(),
    }
}

impl Trace {
    pub(crate) fn end(&mut self, begun: Begun, line: u32, function: &str, result: Option<&Value>) {
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

//! What was done for an answer, step by step, and how long it took.

use std::time::Duration;

use indicatif::{BinaryBytes, HumanCount};
use timberline_query::{Cancel, Engine, Explanation, Query};

use super::ask::{texts, warn};
use super::program::Program;
use crate::history::History;
use crate::output::{Output, OutputError};
use crate::table::{Table, milliseconds};

/// Runs the query for its one period, twice, and prints what that took.
///
/// # Errors
/// What is wrong with the query.
pub(super) fn run(
    history: &History,
    engine: &Engine,
    program: &Program,
    query: &Query,
) -> anyhow::Result<()> {
    let explain = || engine.explain(&history.snapshot, query, &Cancel::new());
    let (answer, first) = explain().map_err(|error| program.error(&error))?;
    warn(&texts(answer.warnings()));
    let bytes = answer.to_json().len();
    drop(answer);
    let (_, again) = explain().map_err(|error| program.error(&error))?;
    let (first, again) = (sum(&first), sum(&again));
    let mut out = Output::new();
    steps(&first, &mut out)?;
    out.line("")?;
    totals(history, engine, bytes, &first, &again, &mut out)?;
    out.flush()?;
    Ok(())
}

/// All periods as one.
fn sum(explanations: &[Explanation]) -> Explanation {
    let mut all = Explanation::default();
    for one in explanations {
        all.steps.extend(one.steps.iter().cloned());
        all.parsing = one.parsing;
        all.running += one.running;
        all.writing += one.writing;
    }
    all
}

fn steps(run: &Explanation, out: &mut Output) -> Result<(), OutputError> {
    let mut table = Table::new(&[
        ("line", true),
        ("function", false),
        ("rows in", true),
        ("rows out", true),
        ("ms", true),
        ("share", true),
    ]);
    let share = |time: Duration| {
        let share = time.as_secs_f64() / run.running.as_secs_f64().max(1e-9);
        format!("{:.1} %", 100.0 * share)
    };
    let count = |rows: usize| HumanCount(rows as u64).to_string();
    for step in &run.steps {
        table.row([
            step.line.to_string(),
            step.function.clone(),
            count(step.rows_in),
            step.rows_out.map_or_else(|| "-".to_owned(), count),
            milliseconds(step.time),
            share(step.time),
        ]);
    }
    let within: Duration = run.steps.iter().map(|step| step.time).sum();
    let between = run.running.saturating_sub(within);
    let none = String::new;
    table.row([
        none(),
        "(between them)".to_owned(),
        none(),
        none(),
        milliseconds(between),
        share(between),
    ]);
    table.print(out)
}

fn totals(
    history: &History,
    engine: &Engine,
    bytes: usize,
    first: &Explanation,
    again: &Explanation,
    out: &mut Output,
) -> Result<(), OutputError> {
    let mut table = Table::new(&[("in all", false), ("ms", true), ("", false)]);
    let mut row = |what: &str, time: Duration, remark: String| {
        table.row([what.to_owned(), milliseconds(time), remark]);
    };
    let folded = HumanCount(history.report.folded);
    row(
        "open",
        history.opening,
        format!("{folded} records of the log folded that the views on disk did not have yet"),
    );
    row(
        "parse",
        first.parsing,
        "the second time it is remembered".to_owned(),
    );
    let known = BinaryBytes(engine.metrics().catalog_bytes);
    row(
        "run",
        first.running,
        format!("the steps; {known} of distinct data and of what was found out about them"),
    );
    row(
        "write",
        first.writing,
        format!("{} of JSON", BinaryBytes(bytes as u64)),
    );
    row(
        "run again",
        again.running,
        "with what is remembered about distinct data, as a server does".to_owned(),
    );
    table.print(out)?;
    out.line("\nResults are not remembered here; a server that was asked the same answers from memory.")
}

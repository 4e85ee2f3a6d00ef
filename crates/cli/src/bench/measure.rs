//! Asking and taking the time.

use std::time::Duration;

use anyhow::Context;
use timberline_query::{Cancel, Engine, Limits, Query};
use timberline_views::Snapshot;

use super::set::{Case, days};

const SECOND: timberline_model::Duration = timberline_model::Duration::from_nanos(1_000_000_000);

/// What a case costs; the times are medians.
pub(super) struct Measured {
    /// Events that are read from buckets.
    pub(super) rows: u64,
    /// Of the answers as JSON.
    pub(super) bytes: u64,
    /// With an engine that has not seen anything yet.
    pub(super) cold: Duration,
    /// About a period that ended a day earlier, with an engine that was asked about the first: what is new in that day
    /// has to be looked at.
    pub(super) warm: Duration,
    /// About a period that ended a second earlier: all data and rules are known, the result is not.
    pub(super) known: Duration,
    /// The first once more.
    pub(super) repeated: Duration,
}

/// Measures a case.
///
/// # Errors
/// When one of its queries has no answer.
pub(super) fn measure(
    snapshot: &Snapshot,
    limits: &Limits,
    case: &Case,
    rounds: u32,
) -> anyhow::Result<Measured> {
    let what = || format!("the query '{}' of a {}", case.name, case.span.name());
    let (day_before, second_before) = (case.earlier(days(1)), case.earlier(SECOND));
    let [mut cold, mut warm, mut known, mut repeated] = [const { Vec::new() }; 4];
    let mut bytes = 0;
    for _ in 0..rounds {
        let engine = engine(limits)?;
        let timed = |times: &mut Vec<Duration>, requests: &[Query]| {
            let begun = timberline_clock::monotonic();
            let answered = ask(&engine, snapshot, requests);
            times.push(begun.elapsed());
            answered
        };
        bytes = timed(&mut cold, &case.requests).with_context(what)?;
        timed(&mut warm, &day_before).with_context(what)?;
        timed(&mut known, &second_before).with_context(what)?;
        timed(&mut repeated, &case.requests).with_context(what)?;
    }
    Ok(Measured {
        rows: rows(&engine(limits)?, snapshot, &case.requests).with_context(what)?,
        bytes,
        cold: median(cold),
        warm: median(warm),
        known: median(known),
        repeated: median(repeated),
    })
}

fn engine(limits: &Limits) -> anyhow::Result<Engine> {
    Engine::new(limits.clone()).context("cannot start the threads of queries")
}

/// Asks one after the other, and writes the answers; gives their bytes.
fn ask(engine: &Engine, snapshot: &Snapshot, requests: &[Query]) -> anyhow::Result<u64> {
    let answer = |request: &Query| -> anyhow::Result<u64> {
        let answer = engine.run(snapshot, request, &Cancel::new())?;
        Ok(answer.to_json().len() as u64)
    };
    requests.iter().map(answer).sum()
}

fn rows(engine: &Engine, snapshot: &Snapshot, requests: &[Query]) -> anyhow::Result<u64> {
    let rows = |request: &Query| -> anyhow::Result<u64> {
        let (_, explanations) = engine.explain(snapshot, request, &Cancel::new())?;
        let steps = explanations.iter().flat_map(|explanation| &explanation.steps);
        let read = steps.filter(|step| step.function == "query_bucket");
        Ok(read.map(|step| step.rows_out.unwrap_or_default() as u64).sum())
    };
    requests.iter().map(rows).sum()
}

/// The middle one; of an even number the lower of the two.
fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    let middle = times.len().saturating_sub(1) / 2;
    times.get(middle).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one() {
        let of = |times: &[u64]| median(times.iter().map(|ms| Duration::from_millis(*ms)).collect());
        assert_eq!(of(&[9, 1, 5]), Duration::from_millis(5));
        assert_eq!(of(&[4, 3, 2, 1]), Duration::from_millis(2));
        assert_eq!(of(&[]), Duration::ZERO);
    }
}

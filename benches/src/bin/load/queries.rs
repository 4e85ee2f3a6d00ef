//! The queries of the standard web UI over HTTP. `crates/cli`'s `timberline bench query` asks the same without HTTP.

use std::io;
use std::time::{Duration, Instant};

use serde_json::json;
use timberline_benches::history::{BUCKETS, end};
use timberline_benches::http::Connection;
use timberline_query::Query;

use crate::On;
use set::{Case, Span, Subjects, cases, days};

#[path = "../../../../crates/cli/src/bench/set.rs"]
mod set;

const SECOND: timberline_model::Duration = timberline_model::Duration::from_nanos(1_000_000_000);
/// How often the cached answer is asked for.
const REPEATED: usize = 21;

/// Measures each query three times: first; about a period that ended a second earlier, so that the data are known and the
/// result is not; and again.
pub(crate) fn measure(on: &mut On<'_>, history: i64) -> io::Result<()> {
    let [window, afk, web, editor] = BUCKETS.map(|(id, _)| id.to_owned());
    let subjects = Subjects {
        window,
        afk,
        web: Some(web),
        editor: Some(editor),
        stopwatch: None,
    };
    let mut connection = on.connect()?;
    for span in Span::ALL {
        if span.length() > days(history) {
            break;
        }
        let cases = cases(&subjects, span, end());
        let wanted = cases.iter().filter(|case| is_wanted(case));
        for case in wanted {
            let what = format!("{} view of a {}", case.name, span.name());
            let first = ask(&mut connection, &case.requests)?;
            let known = ask(&mut connection, &case.earlier(SECOND))?;
            let mut again = Vec::new();
            for _ in 0..REPEATED {
                again.push(ask(&mut connection, &case.requests)?);
            }
            again.sort_unstable();
            let again = again.get(REPEATED / 2).copied().unwrap_or_default();
            for (when, time) in [("first", first), ("new period", known), ("again", again)] {
                on.note(&format!("{what}: {when}"), time.as_secs_f64() * 1e3, "ms");
            }
        }
    }
    Ok(())
}

/// The desktop view of each span, and the categories of a day (24 requests).
fn is_wanted(case: &Case) -> bool {
    case.name == "desktop" || case.name == "categories" && case.span == Span::Day
}

/// Asks one after the other, as the web UI does.
fn ask(connection: &mut Connection, requests: &[Query]) -> io::Result<Duration> {
    let bodies = requests.iter().map(|query| {
        let periods = query
            .periods
            .iter()
            .map(|period| format!("{}/{}", period.start, period.end));
        let statements: Vec<&str> = query.program.split_inclusive(';').collect();
        json!({"timeperiods": periods.collect::<Vec<_>>(), "query": statements}).to_string()
    });
    let bodies: Vec<String> = bodies.collect();
    let begun = Instant::now();
    for body in &bodies {
        let answer = connection.exchange("POST", "/api/0/query", Some(body.as_bytes()))?;
        if answer.status != 200 {
            return Err(io::Error::other(format!(
                "a query was refused: {}",
                answer.excerpt()
            )));
        }
    }
    Ok(begun.elapsed())
}

//! The totals of both servers, side by side.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use timberline_model::{Duration, Timestamp};
use timberline_query::Period;

use super::follow::Follower;
use super::peer::Peer;
use crate::bench::set::{Case, Span, Subjects, cases, days};
use crate::moment::{local_moment, local_text};
use crate::output::Output;
use crate::table::{Table, printable};
use crate::verdict::{Verdict, describe};

/// The newest seconds are left out: watchers are at work, and one server is asked after the other.
const UNSETTLED: Duration = Duration::from_nanos(-10_000_000_000);
/// Sums of seconds may differ by this much: aw-server keeps microseconds, and each server adds up in its own order.
const TOLERANCE: f64 = 0.01;

/// A number that both servers have.
struct Line {
    /// A bucket, or a query and what it found.
    what: String,
    events: [u64; 2],
    seconds: [f64; 2],
}

impl Line {
    fn is_equal(&self) -> bool {
        self.events[0] == self.events[1] && (self.seconds[0] - self.seconds[1]).abs() <= TOLERANCE
    }
}

/// Prints the totals of each bucket, and of the standard queries of a day.
///
/// # Errors
/// When one of the servers does not answer, or refuses.
pub(super) fn print(
    source: &Peer,
    here: &Peer,
    day: Option<Timestamp>,
    as_json: bool,
) -> anyhow::Result<Verdict> {
    let period = period(day)?;
    Follower::catch_up_once(source, here)?;
    let descriptions = source.buckets()?;
    let mut buckets = Vec::new();
    for bucket in descriptions.keys() {
        buckets.push(bucket_line(bucket, &period, source, here)?);
    }
    let mut queries = Vec::new();
    let mut answered = true;
    if let Some(subjects) = subjects(&descriptions) {
        for case in cases(&subjects, Span::Day, period.end) {
            if matches!(case.name, "desktop" | "editor") {
                match query_lines(&case, &period, source, here) {
                    Ok(lines) => queries.extend(lines),
                    // Some combinations of versions of aw-server and its libraries cannot answer the web UI either.
                    Err(error) => {
                        answered = false;
                        eprintln!(
                            "timberline: the query of the {} view: {}",
                            case.name,
                            describe(&error)
                        );
                    }
                }
            }
        }
    }
    let equal = answered && buckets.iter().chain(&queries).all(Line::is_equal);
    let mut out = Output::new();
    if as_json {
        let lines = |lines: &[Line]| lines.iter().map(to_json).collect::<Vec<_>>();
        let (buckets, queries) = (lines(&buckets), lines(&queries));
        out.line(
            json!({ "period": period.to_string(), "equal": equal, "buckets": buckets, "queries": queries }),
        )?;
    } else {
        out.line(format_args!("there   {source}"))?;
        out.line(format_args!("here    {here}"))?;
        out.line(format_args!(
            "period  {} to {}",
            local_text(period.start),
            local_text(period.end)
        ))?;
        out.line("")?;
        table("bucket", &buckets).print(&mut out)?;
        if !queries.is_empty() {
            out.line("")?;
            table("standard query", &queries).print(&mut out)?;
        }
        out.line("")?;
        out.line(if equal {
            "The totals are equal."
        } else {
            "The totals differ."
        })?;
    }
    out.flush()?;
    Ok(Verdict::faulty_if(!equal))
}

/// A day, up to a moment ago at most.
fn period(day: Option<Timestamp>) -> anyhow::Result<Period> {
    let start = match day {
        Some(day) => day,
        None => local_moment("today").map_err(anyhow::Error::msg)?,
    };
    let settled = Timestamp::from(timberline_clock::wall()).saturating_add(UNSETTLED);
    let end = start.saturating_add(days(1)).min(settled);
    anyhow::ensure!(start < end, "the day {} has not begun", local_text(start));
    Ok(Period { start, end })
}

/// The number of all events of a bucket, and the time that those of the period took.
fn bucket_line(bucket: &str, period: &Period, source: &Peer, here: &Peer) -> anyhow::Result<Line> {
    Ok(Line {
        what: bucket.to_owned(),
        events: [source.count(bucket)?, here.count(bucket)?],
        seconds: [
            source.seconds_in(bucket, period)?,
            here.seconds_in(bucket, period)?,
        ],
    })
}

/// What a query of the standard web UI finds: one line for each list of events in its result.
fn query_lines(case: &Case, period: &Period, source: &Peer, here: &Peer) -> anyhow::Result<Vec<Line>> {
    let mut lines = Vec::new();
    for query in &case.requests {
        let found = |peer: &Peer| -> anyhow::Result<BTreeMap<String, (u64, f64)>> {
            let mut totals = BTreeMap::new();
            collect(
                case.name,
                &peer.query(&query.program, &period.to_string())?,
                &mut totals,
            );
            Ok(totals)
        };
        let (there, mut here) = (found(source)?, found(here)?);
        let nothing = (0, f64::NAN);
        for (what, there) in there {
            let here = here.remove(&what).unwrap_or(nothing);
            lines.push(line(what, there, here));
        }
        lines.extend(here.into_iter().map(|(what, here)| line(what, nothing, here)));
    }
    Ok(lines)
}

fn line(what: String, there: (u64, f64), here: (u64, f64)) -> Line {
    Line {
        what,
        events: [there.0, here.0],
        seconds: [there.1, here.1],
    }
}

/// The number of events and their total time, of each list of events in a result.
fn collect(name: &str, result: &Value, totals: &mut BTreeMap<String, (u64, f64)>) {
    match result {
        Value::Object(fields) => {
            for (field, value) in fields {
                collect(&format!("{name} {field}"), value, totals);
            }
        }
        Value::Array(events) => {
            let seconds = events.iter().filter_map(|event| event["duration"].as_f64());
            // The sum of nothing is -0.0.
            totals.insert(name.to_owned(), (events.len() as u64, seconds.sum::<f64>() + 0.0));
        }
        Value::Number(seconds) => {
            totals.insert(name.to_owned(), (1, seconds.as_f64().unwrap_or(f64::NAN)));
        }
        _ => {}
    }
}

/// The buckets that the web UI would show: those of the host whose windows were recorded last.
fn subjects(buckets: &BTreeMap<String, Value>) -> Option<Subjects> {
    let text = |bucket: &Value, field: &str| bucket[field].as_str().unwrap_or_default().to_owned();
    let newest = |type_: &str, host: Option<&str>| {
        let of_type = buckets.iter().filter(|(_, bucket)| bucket["type"] == type_);
        let of_host = of_type.filter(|(_, bucket)| {
            host.is_none_or(|host| {
                bucket["hostname"] == host || (type_ != "afkstatus" && bucket["hostname"] == "unknown")
            })
        });
        of_host
            .max_by_key(|(_, bucket)| text(bucket, "last_updated"))
            .map(|(id, bucket)| (id.clone(), text(bucket, "hostname")))
    };
    let (window, host) = newest("currentwindow", None)?;
    let of_host = |type_: &str| newest(type_, Some(&host)).map(|(id, _)| id);
    Some(Subjects {
        window,
        afk: of_host("afkstatus")?,
        web: of_host("web.tab.current"),
        editor: of_host("app.editor.activity"),
        stopwatch: of_host("general.stopwatch"),
    })
}

fn table(heading: &str, lines: &[Line]) -> Table {
    let mut table = Table::new(&[
        (heading, false),
        ("events there", true),
        ("here", true),
        ("time there", true),
        ("here", true),
        ("", false),
    ]);
    for line in lines {
        table.row([
            printable(&line.what),
            line.events[0].to_string(),
            line.events[1].to_string(),
            clock(line.seconds[0]),
            clock(line.seconds[1]),
            if line.is_equal() { "" } else { "differs" }.to_owned(),
        ]);
    }
    table
}

/// Hours, minutes and seconds; a dash if it is unknown.
fn clock(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "-".to_owned();
    }
    let whole = seconds.trunc() as i64;
    format!(
        "{}:{:02}:{:05.2}",
        whole / 3_600,
        whole / 60 % 60,
        seconds.rem_euclid(60.0)
    )
}

fn to_json(line: &Line) -> Value {
    let seconds = |seconds: f64| {
        if seconds.is_finite() {
            json!(seconds)
        } else {
            Value::Null
        }
    };
    json!({
        "what": line.what,
        "equal": line.is_equal(),
        "events_there": line.events[0],
        "events_here": line.events[1],
        "seconds_there": seconds(line.seconds[0]),
        "seconds_here": seconds(line.seconds[1]),
    })
}

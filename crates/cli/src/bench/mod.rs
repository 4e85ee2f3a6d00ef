//! `timberline bench`: how fast it is on one's own data.
//!
//! | file | what it does |
//! |---|---|
//! | `set`, `queries/` | what is asked; `benches/benches/query.rs` asks the same |
//! | `subjects` | whose data it is asked of |
//! | `measure` | asking and taking the time |

mod measure;
pub(crate) mod set;
mod subjects;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use indicatif::{BinaryBytes, HumanCount, ProgressBar};
use timberline_model::Timestamp;

use crate::config::Config;
use crate::data_dir::{DataDirArgs, OpenDataDir};
use crate::history::History;
use crate::output::{Output, OutputError};
use crate::table::{Table, milliseconds, printable};
use crate::verdict::Verdict;
use measure::{Measured, measure};
use set::{Case, Span, cases};
use subjects::{Found, find};
use timberline_server::settings::Settings;

/// `timberline bench` and its subcommands.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    #[command(flatten)]
    place: DataDirArgs,
    #[command(subcommand)]
    command: BenchCommand,
}

#[derive(Debug, Subcommand)]
enum BenchCommand {
    /// Time the web UI's queries on your data
    Query(QueryArgs),
}

/// How thoroughly.
#[derive(Debug, Args)]
#[command(after_help = "\
Asks what the standard web UI asks when you look at the last day, week, month and year, up to the newest event: the \
desktop view, the usage bars, the editor, and the categories of each hour, day or month. The host is the one whose \
windows were recorded last. Nothing is changed; a server may be at work on the same data.

Each round begins with an engine that has not seen anything (cold). It is asked the same about a period that ended a \
day earlier (warm: what is new in that day has to be looked at), about one that ended a second earlier (known: all data \
are known, the result is not), and about the first once more (repeated). The times are medians of the rounds.

Example:
  timberline bench query --rounds 11

Documentation: docs/query-commands.md")]
struct QueryArgs {
    /// How often each query is asked
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rounds: u32,
}

/// Measures, and prints a table.
pub(crate) fn run(args: BenchArgs) -> ExitCode {
    let config = args.place.config().map_err(anyhow::Error::from);
    let result = config.and_then(|config| match &args.command {
        BenchCommand::Query(args) => query(&config, args),
    });
    Verdict::exit(result, 1)
}

fn query(config: &Config, args: &QueryArgs) -> anyhow::Result<Verdict> {
    let history = History::open(&OpenDataDir::open(config)?)?;
    let faulty = history.complain();
    let found = find(&history.snapshot)?;
    let cases: Vec<Case> = spans(found.first, found.last)
        .flat_map(|span| cases(&found.subjects, span, found.last))
        .collect();
    let limits = config.server.limits.queries();
    // Shown on a terminal only.
    let progress = ProgressBar::new(cases.len() as u64);
    let mut measured = Vec::with_capacity(cases.len());
    for case in &cases {
        measured.push(measure(&history.snapshot, &limits, case, args.rounds)?);
        progress.inc(1);
    }
    progress.finish_and_clear();
    let mut out = Output::new();
    heading(&config.server, &found, args.rounds, &mut out)?;
    table(&cases, &measured).print(&mut out)?;
    out.flush()?;
    Ok(Verdict::faulty_if(faulty))
}

/// The spans up to the first that holds everything there is: longer ones would ask the same.
fn spans(first: Timestamp, last: Timestamp) -> impl Iterator<Item = Span> {
    let all = last.since(first);
    let enough = Span::ALL.iter().position(|span| span.length() >= all);
    Span::ALL.into_iter().take(enough.map_or(usize::MAX, |at| at + 1))
}

fn heading(settings: &Settings, found: &Found<'_>, rounds: u32, out: &mut Output) -> Result<(), OutputError> {
    out.line(format_args!(
        "data directory  {}",
        printable(&settings.data_dir.display().to_string())
    ))?;
    out.line(format_args!("host            {}", printable(found.host)))?;
    for (position, view) in found.buckets.iter().enumerate() {
        out.line(format_args!(
            "{}{}, {} events",
            if position == 0 {
                "buckets         "
            } else {
                "                "
            },
            printable(&view.bucket().id),
            HumanCount(view.len())
        ))?;
    }
    out.line(format_args!("history         {} to {}", found.first, found.last))?;
    out.line(format_args!(
        "rounds          {rounds}; times are medians in ms\n"
    ))
}

fn table(cases: &[Case], measured: &[Measured]) -> Table {
    let mut table = Table::new(&[
        ("query", false),
        ("of a", false),
        ("requests", true),
        ("rows", true),
        ("result", true),
        ("cold", true),
        ("warm", true),
        ("known", true),
        ("repeated", true),
    ]);
    for (case, measured) in cases.iter().zip(measured) {
        table.row([
            case.name.to_owned(),
            case.span.name().to_owned(),
            HumanCount(case.requests.len() as u64).to_string(),
            HumanCount(measured.rows).to_string(),
            BinaryBytes(measured.bytes).to_string(),
            milliseconds(measured.cold),
            milliseconds(measured.warm),
            milliseconds(measured.known),
            milliseconds(measured.repeated),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use set::{Subjects, days};

    #[test]
    fn no_span_is_asked_that_asks_the_same_as_a_shorter_one() {
        let last = Timestamp::parse("2024-03-01T18:00:00Z").unwrap();
        let of = |count: i64| {
            let first = Timestamp::from_nanos(last.nanos() - days(count).nanos());
            spans(first, last).map(Span::name).collect::<Vec<_>>()
        };
        assert_eq!(of(0), ["day"]);
        assert_eq!(of(1), ["day"]);
        assert_eq!(of(3), ["day", "week"]);
        assert_eq!(of(4_000), ["day", "week", "month", "year"]);
    }

    #[test]
    fn every_query_of_the_set_is_complete_and_can_be_read() {
        let some = |text: &str| Some(text.to_owned());
        let full = Subjects {
            window: "a \"quoted\" window".to_owned(),
            afk: "afk".to_owned(),
            web: some("aw-watcher-web-firefox_x"),
            editor: some("editor"),
            stopwatch: some("aw-stopwatch"),
        };
        let least = Subjects {
            web: some("aw-watcher-web-lynx_x"),
            editor: None,
            stopwatch: None,
            ..full.clone()
        };
        let end = Timestamp::parse("2024-03-01T18:00:00Z").unwrap();
        for (subjects, expected) in [(&full, 4), (&least, 3)] {
            for span in Span::ALL {
                let cases = cases(subjects, span, end);
                assert_eq!(cases.len(), expected);
                for request in cases.iter().flat_map(|case| &case.requests) {
                    let program = &request.program;
                    for hole in [
                        "browser",
                        "rules",
                        "stopwatch",
                        "window",
                        "afk",
                        "web",
                        "editor",
                        "apps",
                    ] {
                        assert!(!program.contains(&format!("{{{hole}}}")), "{hole} in {program}");
                    }
                    timberline_query::syntax::parse(program).unwrap();
                    assert_eq!(
                        request.periods.last().map(|p| p.end),
                        request.periods.iter().map(|p| p.end).max()
                    );
                }
                let last = cases
                    .iter()
                    .filter_map(|case| case.requests.last()?.periods.last());
                assert!(last.into_iter().all(|period| period.end == end));
            }
        }
    }
}

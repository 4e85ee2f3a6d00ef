//! From the data directory, which this process reads without a lock.

use std::io::Write;

use anyhow::Context;
use timberline_cancel::Cancel;
use timberline_exchange::export::Totals;
use timberline_model::Timestamp;
use timberline_query::{Engine, Period};
use timberline_server::export::{Content, Exporter, Format, HistoryContent, ResultContent};
use timberline_server::identity::Identity;
use timberline_server::render::{query_error, query_warning};
use timberline_views::TimeRange;

use super::bar::Bar;
use super::destination::Destination;
use super::{Query, Request};
use crate::config::Config;
use crate::data_dir::OpenDataDir;
use crate::history::History;
use crate::table::printable;
use crate::verdict::Verdict;

/// Exports, and says on standard error what.
///
/// # Errors
/// When the data cannot be read, or the export cannot be written.
pub(super) fn export(
    request: &Request,
    config: &Config,
    destination: &Destination,
) -> anyhow::Result<Verdict> {
    let history = History::open(&OpenDataDir::open(config)?)?;
    let now = Timestamp::from(timberline_clock::wall());
    let content: Box<dyn Content + '_> = match &request.query {
        Some(query) => Box::new(result_of(query, &history, config, now)?),
        None => {
            let range = TimeRange {
                start: request.start,
                end: request.end,
            };
            let all = |_: &str| true;
            Box::new(HistoryContent::select(
                &history.snapshot,
                &request.buckets,
                range,
                all,
            )?)
        }
    };
    let bar = Bar::new(content.events());
    let exporter = Exporter {
        fields: request.fields.clone(),
        now,
        cancel: &Cancel::new(),
        progress: &|events| bar.events(events),
    };
    let totals = write(&exporter, content.as_ref(), request, destination);
    drop(bar);
    report(&totals?);
    Ok(Verdict::faulty_if(history.complain()))
}

fn write(
    exporter: &Exporter<'_>,
    content: &dyn Content,
    request: &Request,
    destination: &Destination,
) -> anyhow::Result<Totals> {
    if request.hive {
        return destination.by_path(|path| Ok(exporter.folders(content, path)?));
    }
    if request.format == Format::Sqlite {
        return destination.by_path(|path| Ok(exporter.database(content, path)?));
    }
    let mut out = destination.writer()?;
    let totals = exporter.stream(content, request.format, &mut out)?;
    out.flush().map_err(|error| destination.cannot_write(error))?;
    Ok(totals)
}

fn result_of(
    query: &Query,
    history: &History,
    config: &Config,
    now: Timestamp,
) -> anyhow::Result<ResultContent> {
    let engine =
        Engine::new(config.server.limits.queries()).context("cannot start the threads of queries")?;
    let question = timberline_query::Query {
        program: query.program.clone(),
        periods: vec![Period {
            start: query.start,
            end: query.end,
        }],
        name: query.name.clone(),
        past: false,
    };
    let answer = engine
        .run(&history.snapshot, &question, &Cancel::new())
        .map_err(|error| {
            let place = error
                .position
                .map(|place| format!("{place}: "))
                .unwrap_or_default();
            anyhow::anyhow!("the query: {place}{}", printable(&query_error(&error)))
        })?;
    for warning in answer.warnings() {
        eprintln!("timberline: {}", printable(&query_warning(warning)));
    }
    let identity = Identity::find(&config.server);
    let hostname = identity.map(|identity| identity.hostname).unwrap_or_default();
    Ok(ResultContent::new(&answer.to_json(), &hostname, now)?)
}

fn report(totals: &Totals) {
    eprintln!(
        "timberline: {} events of {} buckets exported",
        totals.events, totals.buckets
    );
    if totals.renumbered > 0 {
        eprintln!(
            "timberline: {} events have another id there, because an event of another bucket has theirs",
            totals.renumbered
        );
    }
}

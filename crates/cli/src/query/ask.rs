//! Asking: the data, or a server.

use std::io::Read;

use anyhow::{Context, bail};
use serde_json::json;
use timberline_query::{Cancel, Engine, Query, Warning};

use super::program::Program;
use crate::history::History;
use crate::server_client::{ServerClient, encoded, message, refusal};
use crate::table::printable;
use timberline_server::render::{WARNINGS_HEADER, query_warning, warnings_of};

/// The answer from the data themselves, as the text that a server would send.
///
/// # Errors
/// What is wrong with the query.
pub(super) fn data(
    history: &History,
    engine: &Engine,
    program: &Program,
    query: &Query,
) -> anyhow::Result<Vec<u8>> {
    let answer = engine.run(&history.snapshot, query, &Cancel::new());
    let answer = answer.map_err(|error| program.error(&error))?;
    warn(&texts(answer.warnings()));
    Ok(answer.to_json())
}

/// The warnings of an answer as text.
pub(super) fn texts(warnings: &[Warning]) -> Vec<String> {
    warnings.iter().map(query_warning).collect()
}

/// Prints warnings on standard error.
pub(super) fn warn(warnings: &[String]) {
    for warning in warnings {
        eprintln!("timberline: {}", printable(warning));
    }
}

/// The answer of a server. It is waited for as long as the server works on it: its own limits end that.
///
/// # Errors
/// What the server says is wrong, or that it does not answer.
pub(super) fn server(server: &ServerClient, program: &Program, query: &Query) -> anyhow::Result<Vec<u8>> {
    let periods: Vec<String> = query.periods.iter().map(ToString::to_string).collect();
    let body = json!({ "query": [query.program], "timeperiods": periods }).to_string();
    // The slash at the end is what both reference servers and their clients have.
    let mut path = "/query/".to_owned();
    if !query.name.is_empty() {
        path = format!("{path}?name={}", encoded(&query.name));
    }
    let lost = || format!("no answer from {server}");
    let mut answer = server.post(&path, body.as_bytes(), None).with_context(lost)?;
    let status = answer.status();
    let warnings = answer.headers().get(WARNINGS_HEADER);
    warn(&warnings.map(warnings_of).unwrap_or_default());
    let mut text = Vec::new();
    let mut body = answer.body_mut().with_config().limit(u64::MAX).reader();
    body.read_to_end(&mut text).with_context(lost)?;
    if status.is_success() {
        return Ok(text);
    }
    match message(&text) {
        Some(message) => Err(program.server_error(&message)),
        None => bail!("{server} answered {}", refusal(status, &text)),
    }
}

//! From a server, over `/api/1/export`.

use std::io::{Read, Write};

use anyhow::{Context, bail, ensure};
use serde_json::json;
use timberline_model::Timestamp;
use timberline_query::Period;
use timberline_server::render::{WARNINGS_HEADER, warnings_of};
use ureq::Body;
use ureq::http::{Response, header};

use super::bar::Bar;
use super::destination::Destination;
use super::{Query, Request};
use crate::server_client::{ServerClient, encoded, refusal};
use crate::table::printable;

/// Bytes that are passed on at once.
const PIECE: usize = 256 << 10;

/// What a server did.
pub(super) enum Answered {
    /// It sent the export, which is written.
    Exported,
    /// It is an older one, or needs other credentials. What it said.
    Refused(String),
}

impl Answered {
    /// # Errors
    /// When it refused.
    pub(super) fn or_refused(self, server: &ServerClient) -> anyhow::Result<()> {
        match self {
            Answered::Exported => Ok(()),
            Answered::Refused(what) => bail!("{server} answered {what}"),
        }
    }
}

/// Exports from a server.
///
/// # Errors
/// When the server does not answer, or says that the request is wrong; when the export cannot be written.
pub(super) fn export(
    request: &Request,
    server: &ServerClient,
    destination: &Destination,
) -> anyhow::Result<Answered> {
    let lost = || format!("no answer from {server}");
    let mut answer = match &request.query {
        None => server.get(&path(request), None).with_context(lost)?,
        Some(query) => {
            let path = format!("/api/1/export?name={}", encoded(&query.name));
            let body = body(request, query);
            server.post(&path, body.as_bytes(), None).with_context(lost)?
        }
    };
    if let Some(warnings) = answer.headers().get(WARNINGS_HEADER) {
        for warning in warnings_of(warnings) {
            eprintln!("timberline: {}", printable(&warning));
        }
    }
    let status = answer.status();
    if status.is_success() {
        // What answers every path with a page of its own is no Timberline.
        let media_type = answer.headers().get(header::CONTENT_TYPE);
        let expected = media_type.is_some_and(|sent| sent == request.format.media_type());
        ensure!(expected, "{server} did not answer with an export");
        let bytes = pass_on(&mut answer, destination, server)?;
        eprintln!("timberline: {bytes} bytes exported from {server}");
        return Ok(Answered::Exported);
    }
    let mut text = Vec::new();
    answer
        .body_mut()
        .as_reader()
        .read_to_end(&mut text)
        .with_context(lost)?;
    let what = printable(&refusal(status, &text));
    if matches!(status.as_u16(), 401 | 403 | 404 | 405) {
        return Ok(Answered::Refused(what));
    }
    bail!("{server} answered {what}")
}

fn pass_on(
    answer: &mut Response<Body>,
    destination: &Destination,
    server: &ServerClient,
) -> anyhow::Result<u64> {
    let bar = Bar::new(None);
    let mut body = answer.body_mut().with_config().limit(u64::MAX).reader();
    let mut out = destination.writer()?;
    let mut piece = vec![0; PIECE];
    let mut bytes = 0;
    loop {
        let count = body
            .read(&mut piece)
            .with_context(|| format!("the answer of {server} broke off"))?;
        if count == 0 {
            break;
        }
        out.write_all(piece.get(..count).unwrap_or_default())
            .map_err(|error| destination.cannot_write(error))?;
        bytes += count as u64;
        bar.bytes(bytes);
    }
    out.flush().map_err(|error| destination.cannot_write(error))?;
    Ok(bytes)
}

fn path(request: &Request) -> String {
    let mut path = format!("/api/1/export?format={}", request.format);
    let mut add = |name: &str, value: &str| {
        path.push_str(&format!("&{name}={}", encoded(value)));
    };
    for bucket in &request.buckets {
        add("bucket", bucket);
    }
    let mut instant = |name: &str, at: Option<Timestamp>| {
        if let Some(at) = at {
            add(name, &at.to_string());
        }
    };
    instant("start", request.start);
    instant("end", request.end);
    if !request.fields.is_empty() {
        add("fields", &request.fields.join(","));
    }
    if let Some(as_of) = &request.as_of {
        add("as_of", as_of);
    }
    path
}

fn body(request: &Request, query: &Query) -> String {
    let period = Period {
        start: query.start,
        end: query.end,
    };
    let mut body = json!({
        "query": query.program,
        "timeperiods": [period.to_string()],
        "format": request.format.name(),
        "fields": request.fields,
    });
    if let Some(as_of) = &request.as_of {
        body["as_of"] = json!(as_of);
    }
    body.to_string()
}

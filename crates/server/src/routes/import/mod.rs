//! `POST /api/0/import`: an export of this or a reference server, merged into what is here.
//!
//! A file may be larger than memory, and must be checked whole before anything of it is stored. So it
//! is read twice, and never held:
//!
//! 1. While it arrives it goes into a [`Spool`] (memory up to 8 MiB, then a file without a name), and
//!    [`layout`] checks its JSON and notes each bucket's fields and where its events are.
//! 2. When all of it is there and right, [`replay`] creates the buckets and reads the events from the
//!    spool in batches.
//!
//! What is odd costs as little as possible: a field, an event, a bucket. All of it is counted and named ([`notes`]).
//!
//! The order of keys inside a bucket is free, so events may come before the fields that say what
//! bucket they belong to; two passes settle that too.
//!
//! | file | what it does |
//! |---|---|
//! | `receive` | the body, from the socket to the spool |
//! | `multipart` | the file inside a form |
//! | `spool` | where it waits for the second pass |
//! | `window` | a stretch of a stream, to look at |
//! | `layout` | first pass |
//! | `scan` | the grammar that it checks |
//! | `notes` | what was changed or left out |
//! | `salvage` | the events of a batch in which something is odd |
//! | `split` | a list of events, cut into batches |
//! | `replay` | second pass |
//! | `screen` | what privacy filters let through |
//! | `baton` | the order in which its threads store |
//! | `fuzz` | what the fuzz targets see of it |

mod baton;
pub mod fuzz;
mod layout;
mod multipart;
mod notes;
mod receive;
mod replay;
mod salvage;
mod scan;
mod screen;
mod split;
mod spool;
mod window;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, Response, header};

use crate::app::App;
use crate::http::{ApiError, json, json_answer, pass_over};

use layout::{Layout, LayoutError};
use notes::Notes;
use receive::Form;
use spool::Spool;

/// What an import did.
#[derive(Debug, Default)]
struct Outcome {
    buckets_created: u64,
    events_added: u64,
    events_known: u64,
    /// Left out.
    events_unreadable: u64,
    events_changed: u64,
    buckets_changed: u64,
    buckets_left_out: u64,
    /// What that was.
    notes: Notes,
    /// By a privacy filter.
    events_dropped: u64,
}

pub(super) async fn import(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response<Body>, ApiError> {
    let form = match Form::of(&headers) {
        Ok(form) => form,
        Err(error) => {
            pass_over(&headers, body).await;
            return Err(error);
        }
    };
    // A client that sends slowly holds up no other import: what waits in memory is bounded by the pool of bodies.
    let announced = announced(&headers);
    let _share = app.bodies.reserve(in_memory(announced)).await;
    let (spool, layout) = receive::receive(body, form, app.settings.data_dir.clone(), announced).await?;
    let _turn = app
        .importing
        .acquire()
        .await
        .map_err(|error| ApiError::Internal(error.to_string()))?;
    let replaying = {
        let app = Arc::clone(&app);
        tokio::task::spawn_blocking(move || replay::replay(&app, &Arc::new(spool), layout))
    };
    let (outcome, receipt) = replaying
        .await
        .map_err(|error| ApiError::Internal(format!("The import broke off: {error}")))??;
    if let Some(receipt) = receipt {
        app.settle(receipt).await?;
    }
    outcome.log();
    Ok(json_answer(outcome.to_json()))
}

/// The bytes of the body, if the client says how many there are.
fn announced(headers: &HeaderMap) -> Option<u64> {
    let length = headers.get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

/// What the spool of such a body may hold in memory.
fn in_memory(announced: Option<u64>) -> u64 {
    announced.unwrap_or(u64::MAX).min(spool::MEMORY_BYTES as u64)
}

impl Outcome {
    fn log(&self) {
        self.notes.log();
        tracing::info!(
            buckets_created = self.buckets_created,
            events_added = self.events_added,
            events_known = self.events_known,
            events_unreadable = self.events_unreadable,
            events_dropped = self.events_dropped,
            events_changed = self.events_changed,
            buckets_changed = self.buckets_changed,
            buckets_left_out = self.buckets_left_out,
            "imported"
        );
    }

    fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, count) in [
            (r#"{"buckets_created":"#, self.buckets_created),
            (r#","events_added":"#, self.events_added),
            (r#","events_known":"#, self.events_known),
            (r#","events_unreadable":"#, self.events_unreadable),
            (r#","events_dropped":"#, self.events_dropped),
            (r#","events_changed":"#, self.events_changed),
            (r#","buckets_changed":"#, self.buckets_changed),
            (r#","buckets_left_out":"#, self.buckets_left_out),
        ] {
            out.extend_from_slice(name.as_bytes());
            json::write_number(&mut out, count);
        }
        out.push(b',');
        self.notes.write(&mut out);
        out.push(b'}');
        out
    }
}

impl From<LayoutError> for ApiError {
    fn from(error: LayoutError) -> Self {
        match error {
            LayoutError::Syntax { .. } => Self::Malformed(error.to_string()),
            LayoutError::Shape(_) => Self::Unfit(error.to_string()),
            LayoutError::TooLarge(_) => Self::TooLarge(error.to_string()),
            LayoutError::Read(error) => read_error(&error),
        }
    }
}

/// What a failure to read or keep the body means for the client.
fn read_error(error: &std::io::Error) -> ApiError {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            ApiError::Unavailable(format!("Not imported: no space to keep the file: {error}"))
        }
        ErrorKind::InvalidData => ApiError::Malformed(error.to_string()),
        ErrorKind::ConnectionAborted => ApiError::BodyLost(error.to_string()),
        _ => ApiError::Internal(format!("Not imported: {error}")),
    }
}

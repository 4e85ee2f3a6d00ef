//! Imports: merges an export of this or a reference server into the store.
//!
//! A file may be larger than memory, and must be checked to its end before any event is stored. So it is read twice:
//!
//! 1. While it arrives it goes into a [`Spool`] (memory up to 8 MiB, then a file without a name), and
//!    [`layout`] checks its JSON and notes each bucket's fields and where its events are.
//! 2. When all of it is there and right, [`mod@replay`] creates the buckets and reads the events from the
//!    spool in batches.
//!
//! What is odd costs as little as possible: a field, an event, a bucket. All of it is counted and named ([`notes`]).
//!
//! The order of keys inside a bucket is free, so events may come before the fields that say what
//! bucket they belong to; two passes settle that too.
//!
//! | file | what it does |
//! |---|---|
//! | `multipart` | the file inside a form |
//! | `spool` | where it waits for the second pass |
//! | `window` | a stretch of a stream, to look at |
//! | `layout` | first pass |
//! | `layout_error` | why it refuses a file |
//! | `scan` | the grammar that it checks |
//! | `notes` | what was changed or left out |
//! | `salvage` | the events of a batch in which something is odd |
//! | `split` | a list of events, cut into batches |
//! | `replay` | second pass |
//! | `screen` | what privacy filters let through |
//! | `handoff` | the order in which its threads store |
//! | `fuzz` | what the fuzz targets see of it |

pub mod fuzz;
mod handoff;
mod layout;
mod layout_error;
mod multipart;
mod notes;
mod replay;
mod salvage;
mod scan;
mod screen;
mod split;
mod spool;
mod window;

use std::collections::BTreeMap;
use std::io;

use timberline_views::SegmentError;

use self::notes::Notes;
use super::write_hold::HoldError;
use crate::json;

pub(crate) use self::layout::{Layout, read as read_layout};
pub(crate) use self::layout_error::LayoutError;
pub(crate) use self::multipart::Multipart;
pub(crate) use self::replay::replay;
pub(crate) use self::spool::{MEMORY_BYTES, Spool};

/// Names of the form field that holds the file; the web UI sends the first.
pub(crate) const FORM_FIELDS: [&str; 2] = ["buckets.json", "buckets"];

/// Why a file was not imported, or not all of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    /// It cannot be imported.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// It cannot be read or kept.
    #[error(transparent)]
    Read(io::Error),
    /// The store refuses.
    #[error(transparent)]
    Write(#[from] HoldError),
    /// What is stored cannot be read.
    #[error(transparent)]
    Stored(#[from] SegmentError),
    /// A thread ended early.
    #[error("The import broke off")]
    BrokeOff,
    /// Something was stored already when this happened.
    #[error("after {buckets} new buckets and {events} events: {source}")]
    Partly {
        buckets: u64,
        events: u64,
        source: Box<ImportError>,
    },
}

/// What an import did.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
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
    /// The same for each bucket.
    by_bucket: BTreeMap<String, BucketOutcome>,
}

/// What became of the events of one bucket.
#[derive(Debug, Default)]
struct BucketOutcome {
    added: u64,
    known: u64,
    dropped: u64,
}

impl Outcome {
    pub(crate) fn log(&self) {
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

    pub(crate) fn to_json(&self, by_bucket: bool) -> Vec<u8> {
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
        if by_bucket {
            self.write_by_bucket(&mut out);
        }
        out.push(b'}');
        out
    }

    /// Writes `,"by_bucket":{id:{"added":n,"known":n,"dropped":n},…}`.
    fn write_by_bucket(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(br#","by_bucket":{"#);
        for (index, (id, outcome)) in self.by_bucket.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            json::write_string(out, id);
            for (name, count) in [
                (r#":{"added":"#, outcome.added),
                (r#","known":"#, outcome.known),
                (r#","dropped":"#, outcome.dropped),
            ] {
                out.extend_from_slice(name.as_bytes());
                json::write_number(out, count);
            }
            out.push(b'}');
        }
        out.push(b'}');
    }
}

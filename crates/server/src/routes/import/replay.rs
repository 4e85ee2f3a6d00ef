//! Second pass: make the buckets, read the events, store those that are new.
//!
//! Cutting the text into batches and storing them go on in two threads, a few batches apart.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use timberline_model::{Bucket, NewEvent, json};
use timberline_views::{Receipt, Snapshot};

use super::layout::{BucketLayout, Layout};
use super::split::{Batch, Splitter};
use super::spool::{Spool, SpoolReader};
use super::{Outcome, read_error};
use crate::app::App;
use crate::http::ApiError;
use crate::routes::buckets;

/// Batches between the two threads.
const BATCHES_IN_FLIGHT: usize = 2;

/// Stores what `layout` found in `spool`. Gives back what to wait for, if anything was stored.
///
/// # Errors
/// When the store refuses; what was stored until then stays, and importing the file again adds only
/// the rest.
pub(super) fn replay(
    app: &App,
    spool: &Arc<Spool>,
    layout: Layout,
) -> Result<(Outcome, Option<Receipt>), ApiError> {
    let mut import = Import {
        app,
        // What was there before: within one file, events that are equal are kept.
        known: app.store.snapshot(),
        outcome: Outcome::default(),
        newest: None,
    };
    for bucket in layout.buckets {
        import.bucket(spool, bucket)?;
    }
    Ok((import.outcome, import.newest))
}

struct Import<'a> {
    app: &'a App,
    known: Arc<Snapshot>,
    outcome: Outcome,
    newest: Option<Receipt>,
}

impl Import<'_> {
    fn bucket(&mut self, spool: &Arc<Spool>, layout: BucketLayout) -> Result<(), ApiError> {
        let app = self.app;
        let last_updated = layout.fields.last_updated;
        let bucket = Bucket {
            last_updated,
            ..buckets::made(&layout.fields, layout.id, &app.identity)
        };
        let creating = || app.store.create_bucket(&bucket);
        let (created, receipt) = app.hold.write_blocking(bucket.id.len(), creating)?;
        self.note(receipt);
        self.outcome.buckets_created += u64::from(created);
        let Some(offset) = layout.events else {
            return Ok(());
        };
        let (sender, batches) = sync_channel(BATCHES_IN_FLIGHT);
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let mut splitter = Splitter::new(SpoolReader::at(spool, offset));
                // A closed channel means that storing failed; then there is nobody to cut for.
                while let Some(batch) = splitter.next().transpose() {
                    if sender.send(batch).is_err() {
                        return;
                    }
                }
            });
            self.batches(&bucket.id, batches)
        })
    }

    fn batches(&mut self, bucket: &str, batches: Receiver<io::Result<Batch>>) -> Result<(), ApiError> {
        for batch in batches {
            let batch = batch.map_err(|error| read_error(&error))?;
            // Making views is slower than storing; without a word to it memory would fill.
            self.app.store.wait_for_room(bucket);
            match json::parse_events(&batch.text) {
                Ok(events) => self.store(bucket, &events, batch.text.len())?,
                Err(_) => self.store_readable(bucket, &batch)?,
            }
        }
        Ok(())
    }

    /// Stores what can be read of a batch in which something cannot.
    fn store_readable(&mut self, bucket: &str, batch: &Batch) -> Result<(), ApiError> {
        // The model reads the events of a bucket that way, so they are given one to be in.
        let events = String::from_utf8_lossy(&batch.text);
        let text = format!(r#"{{"type":"","client":"","hostname":"","events":{events}}}"#);
        let readable = json::parse_bucket(text.as_bytes())?.events;
        self.outcome.events_unreadable += batch.count.saturating_sub(readable.len()) as u64;
        self.store(bucket, &readable, text.len())
    }

    fn store(&mut self, bucket: &str, events: &[NewEvent<'_>], bytes: usize) -> Result<(), ApiError> {
        let (store, known) = (&self.app.store, &self.known);
        let (added, receipt) = self
            .app
            .hold
            .write_blocking(bytes, || store.import_events(bucket, events, known))?;
        self.note(receipt);
        self.outcome.events_added += added as u64;
        self.outcome.events_known += events.len().saturating_sub(added) as u64;
        Ok(())
    }

    fn note(&mut self, receipt: Receipt) {
        if receipt.sync {
            self.newest = Some(receipt);
        }
    }
}

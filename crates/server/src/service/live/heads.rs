//! The newest state of each changed bucket, from the snapshot.
//!
//! Buckets are delivered in the order of the records that touched them last. A bucket that changes again moves to the end,
//! and is delivered there once. So a reader however slow gets the newest state only, and all that it must know is up to
//! which record it has everything.

use serde_json::{Value, json};
use timberline_log::Seq;
use timberline_views::{BucketView, SegmentError, Snapshot, Store, TimeRange};

use super::{BATCH_BYTES, Batch, Filter, Message};
use crate::causes::with_causes;
use crate::service::record_json::event;

/// Longer data of an event are shown as null.
const MAX_DATA_BYTES: usize = 16 << 10;

/// One reader of heads.
#[derive(Clone, Debug)]
pub(crate) struct HeadFeed {
    filter: Filter,
    seen: Seq,
}

/// What there is to deliver.
enum Change<'a> {
    /// The list of buckets.
    List,
    Head(&'a BucketView),
}

impl HeadFeed {
    /// A reader that has everything up to a record; [`Seq::NONE`]: nothing.
    pub(crate) fn after(seen: Seq, filter: Filter) -> HeadFeed {
        HeadFeed { filter, seen }
    }

    /// What has changed since the last batch.
    pub(crate) fn read(&mut self, store: &Store) -> Batch {
        let snapshot = store.snapshot();
        let mut batch = Batch {
            seq: self.seen,
            is_last: true,
            ..Batch::default()
        };
        if snapshot.seq() <= self.seen {
            return batch;
        }
        let mut bytes = 0;
        for (seq, change) in self.changes(&snapshot) {
            // A batch ends between two records, because it is continued after one.
            if bytes >= BATCH_BYTES && seq > batch.seq {
                batch.is_last = false;
                break;
            }
            let message = match change {
                Change::List => Message::new("buckets", seq, &self.list(&snapshot)),
                Change::Head(view) => Message::new("head", seq, &head(view)),
            };
            bytes += message.data.len();
            batch.seq = seq;
            batch.messages.push(message);
        }
        if batch.is_last {
            batch.seq = snapshot.seq();
        }
        self.seen = batch.seq;
        batch
    }

    fn changes<'a>(&self, snapshot: &'a Snapshot) -> Vec<(Seq, Change<'a>)> {
        let heads = snapshot
            .buckets()
            .filter(|view| view.touched() > self.seen && self.filter.has_bucket(view.bucket()))
            .map(|view| (view.touched(), Change::Head(view)));
        let listed = snapshot.buckets_touched();
        let list = (listed > self.seen).then_some((listed, Change::List));
        let mut changes: Vec<(Seq, Change<'_>)> = list.into_iter().chain(heads).collect();
        changes.sort_by_key(|(seq, _)| *seq);
        changes
    }

    /// The ids of all buckets that the reader gets: others that it knows are gone.
    fn list(&self, snapshot: &Snapshot) -> Value {
        let ids: Vec<&str> = snapshot
            .buckets()
            .filter(|view| self.filter.has_bucket(view.bucket()))
            .map(|view| view.bucket().id.as_str())
            .collect();
        json!({ "buckets": ids })
    }
}

fn head(view: &BucketView) -> Value {
    let bucket = view.bucket();
    let updated = match (bucket.last_updated, view.end()) {
        (Some(updated), Some(end)) => Some(updated.max(end)),
        (updated, end) => updated.or(end),
    };
    let mut head = json!({
        "seq": view.touched().get(),
        "bucket": bucket.id,
        "type": bucket.type_,
        "count": view.len(),
        "last_updated": updated.map(|updated| updated.to_string()),
        "event": null,
    });
    match last_event(view) {
        Ok(last) => head["event"] = last,
        // The store is about to mend its file. The rest of the head is known.
        Err(error) => head["error"] = json!(with_causes(&error)),
    }
    head
}

fn last_event(view: &BucketView) -> Result<Value, SegmentError> {
    let Some(last) = view.events(TimeRange::ALL)?.next() else {
        return Ok(Value::Null);
    };
    let last = last?;
    let mut data = Vec::new();
    last.write_data(&mut data);
    let shown = match std::str::from_utf8(&data) {
        Ok(text) if text.len() <= MAX_DATA_BYTES => text,
        _ => "null",
    };
    Ok(event(last.id(), last.start(), last.duration(), shown))
}

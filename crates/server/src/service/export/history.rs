//! Buckets of a snapshot, as the content of an export.

use std::ops::Deref;

use timberline_exchange::export::Sink;
use timberline_model::NewEvent;
use timberline_views::{BucketView, Snapshot, TimeRange};

use super::{Content, ExportError};
use crate::service::chosen_buckets::{FitsNone, chosen_buckets};

/// Events that a sink is given at once.
const BATCH_EVENTS: usize = 1024;

/// Some buckets of a snapshot, and a time.
#[derive(Debug)]
pub struct HistoryContent<S> {
    snapshot: S,
    buckets: Vec<String>,
    range: TimeRange,
    with_settings: bool,
}

impl<S: Deref<Target = Snapshot>> HistoryContent<S> {
    /// The buckets that `may_see` lets pass and that fit one of the patterns, in which `*` stands for any text; without
    /// patterns all that it lets pass. Events that overlap the range are exported whole. Settings belong to an export that
    /// leaves nothing out.
    ///
    /// # Errors
    /// [`ExportError::NoSuchBucket`] if a pattern fits no bucket that may be seen.
    pub fn select(
        snapshot: S,
        patterns: &[String],
        range: TimeRange,
        may_see: impl Fn(&str) -> bool,
    ) -> Result<HistoryContent<S>, ExportError> {
        let buckets = match patterns {
            // What names no bucket is of everything, archived buckets included.
            [] => (snapshot.buckets().map(|view| view.bucket().id.clone()))
                .filter(|id| may_see(id))
                .collect(),
            patterns => chosen_buckets(&snapshot, patterns, may_see)
                .map_err(|FitsNone(pattern)| ExportError::NoSuchBucket(pattern))?,
        };
        let with_settings =
            patterns.is_empty() && buckets.len() == snapshot.bucket_count() && range == TimeRange::ALL;
        Ok(HistoryContent {
            snapshot,
            buckets,
            range,
            with_settings,
        })
    }

    /// The same without the settings.
    #[must_use]
    pub fn without_settings(mut self) -> HistoryContent<S> {
        self.with_settings = false;
        self
    }

    /// The bucket, if it is only one.
    #[must_use]
    pub fn only_bucket(&self) -> Option<&str> {
        match self.buckets.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    fn views(&self) -> impl Iterator<Item = &BucketView> {
        self.buckets.iter().filter_map(|id| self.snapshot.bucket(id))
    }
}

impl<S: Deref<Target = Snapshot>> Content for HistoryContent<S> {
    fn give(&self, sink: &mut dyn Sink) -> Result<(), ExportError> {
        for view in self.views() {
            sink.bucket(view.bucket())?;
            give_events(sink, view, self.range)?;
        }
        if self.with_settings {
            for (key, value) in self.snapshot.settings() {
                sink.setting(key, value)?;
            }
        }
        Ok(())
    }

    fn events(&self) -> Option<u64> {
        (self.range == TimeRange::ALL).then(|| self.views().map(BucketView::len).sum())
    }
}

fn give_events(sink: &mut dyn Sink, view: &BucketView, range: TimeRange) -> Result<(), ExportError> {
    let mut batch = Vec::with_capacity(BATCH_EVENTS);
    for event in view.events(range)? {
        let event = event?;
        let mut data = Vec::new();
        event.write_data(&mut data);
        let data = String::from_utf8(data).map_err(|_| {
            debug_assert!(false, "stored data are text");
            ExportError::Unfit(format!("the data of event {} are no text", event.id().0))
        })?;
        batch.push(NewEvent {
            id: Some(event.id()),
            start: event.start(),
            duration: event.duration(),
            data: data.into(),
        });
        if batch.len() == BATCH_EVENTS {
            sink.events(&batch)?;
            batch.clear();
        }
    }
    if !batch.is_empty() {
        sink.events(&batch)?;
    }
    Ok(())
}

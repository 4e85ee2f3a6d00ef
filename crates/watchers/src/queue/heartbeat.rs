//! Queued heartbeats.

use std::sync::Arc;

use timberline_model::{Data, Duration, Pulsetime, Timestamp};

/// A bucket, with all that is needed to create it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket {
    /// Its name, such as `aw-watcher-window_laptop`.
    pub id: String,
    /// What kind of events it holds, such as `currentwindow`.
    pub type_: String,
    /// The program that fills it, such as `aw-watcher-window`.
    pub client: String,
    /// The host it is filled on.
    pub hostname: String,
}

/// A heartbeat that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// Its name in the queue. Merging with later heartbeats does not change it.
    pub(crate) number: u64,
    pub(crate) bucket: Arc<Bucket>,
    pub(crate) pulsetime: Pulsetime,
    pub(crate) start: Timestamp,
    pub(crate) duration: Duration,
    pub(crate) data: Data,
}

impl Waiting {
    /// When it ended.
    pub(crate) fn end(&self) -> Timestamp {
        self.start.saturating_add(self.duration)
    }

    /// Its approximate size in bytes.
    pub(crate) fn size(&self) -> usize {
        OVERHEAD + self.data.as_str().len()
    }
}

/// What a heartbeat takes up without its data.
const OVERHEAD: usize = 250;
